import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import type { Config } from '../../../src/config/config.ts';
import { configWithoutFile, parseConfig } from '../../../src/config/parse.ts';
import { machineWith } from './machine.ts';

const HOUR_MS = 3_600_000;

function parse(console: string): Config {
  const text = `version: 1\nclusters: { main: { host: h } }\nconsole: ${console}\n`;
  return parseConfig('/project/dbadmin.yaml', text, machineWith({ env: { SECRET: 's3cret' } }), {});
}

function problemsOf(console: string): string {
  try {
    parse(console);
  } catch (error) {
    if (error instanceof DbadminError) return error.detail ?? '';
    throw error;
  }
  throw new Error('the configuration was accepted');
}

const LEAST = 'issuer: "https://id.example.org/acme", client_id: dbadmin, roles: { viewer: [staff] }';

test('console: oidc: what is left out is what providers usually have', () => {
  const { oidc, session } = parse(`{ oidc: { ${LEAST} } }`).console;
  expect(oidc).toEqual({
    issuer: 'https://id.example.org/acme',
    clientId: 'dbadmin',
    clientSecret: undefined,
    clientAuthentication: undefined,
    scopes: ['openid', 'profile', 'email'],
    claim: 'groups',
    roles: { operator: [], viewer: ['staff'] },
    label: 'id.example.org',
  });
  expect(session).toEqual({ idleMs: HOUR_MS / 2, longestMs: 12 * HOUR_MS });
  expect(configWithoutFile(machineWith({ env: { DATABASE_URL: 'postgresql://h/d' } }), {}).console.oidc).toBeUndefined();
});

test('console: oidc: the secret is kept from view, and a written one is warned of', () => {
  const config = parse(`{ oidc: { ${LEAST}, client_secret: { from: env, name: SECRET }, client_authentication: post } }`);
  expect(config.console.oidc?.clientSecret?.reveal()).toBe('s3cret');
  expect(inspect(config, { depth: 10 })).not.toContain('s3cret');
  expect(config.warnings).toEqual([]);
  expect(parse(`{ oidc: { ${LEAST}, client_secret: written } }`).warnings).toEqual([
    expect.stringContaining('client_secret is written in the file'),
  ]);
});

test.each([
  [`{ oidc: { ${LEAST.replace('https:', 'http:')} } }`, 'a provider on another machine is reached by https://'],
  [`{ oidc: { ${LEAST.replace('/acme', '?a=b')} } }`, 'neither ? nor #'],
  ['{ oidc: { issuer: nonsense, client_id: a, roles: { viewer: [x] } } }', 'expected the address that the provider calls itself'],
  ['{ oidc: { issuer: "https://id.example.org", client_id: a, roles: {} } }', 'name the groups of one role at least'],
  ['{ oidc: { issuer: "https://id.example.org", client_id: a, roles: { viewer: [] } } }', 'name at least one group'],
  [`{ oidc: { ${LEAST}, scopes: [profile] } }`, 'openid has to be among the scopes'],
  [`{ oidc: { ${LEAST}, client_authentication: basic } }`, 'there is no client_secret'],
  [`{ oidc: { ${LEAST}, client: x } }`, 'unknown key "client"'],
  ['{ session: { idle: 2h, longest: 1h } }', 'longest is no shorter than idle'],
  ['{ session: { idle: 1s } }', '1m or longer'],
  ['{ session: { longest: 30d } }', '7d at most'],
])('console: %s: %s', (console, problem) => {
  expect(problemsOf(console)).toContain(problem);
});

test('console: oidc: on this machine a provider may be reached in the clear', () => {
  expect(parse(`{ oidc: { ${LEAST.replace('https://id.example.org', 'http://localhost:8080')} } }`).console.oidc?.label).toBe(
    'localhost:8080',
  );
});

test('console: session: a longer idle time makes the longest no shorter', () => {
  expect(parse('{ session: { idle: 24h } }').console.session).toEqual({ idleMs: 24 * HOUR_MS, longestMs: 24 * HOUR_MS });
});

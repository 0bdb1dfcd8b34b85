import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { parsePolicies } from '../../src/schedule/parse.ts';

const page = readFileSync(new URL('../../docs/reference/configuration.md', import.meta.url), 'utf8');
const [config = '', policies = ''] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');

test('the examples of the configuration reference are accepted, and fit each other', () => {
  const machine = {
    env: {},
    cwd: '/p',
    homeDirectory: '/home/ana',
    userName: 'ana',
    readText: (file: string) =>
      file.endsWith('/.pg_service.conf') ? { text: '[staging]\nhost=staging.example.org\n', mode: 0o600 } : undefined,
    exists: () => false,
  };
  const parsed = parseConfig('/p/dbadmin.yaml', config, machine, {});
  expect(parsed.warnings).toEqual([]);
  expect(parsed.clusters.get('staging')?.connection.hosts).toEqual([{ host: 'staging.example.org', port: 5432 }]);
  const known = { clusters: new Set(parsed.clusters.keys()), repositories: new Set(parsed.repositories.keys()) };
  expect(parsePolicies(policies, { file: 'policies.yaml', env: {}, localZone: 'UTC', known }).jobs).toHaveLength(9);
});

test.each(['migrations', 'routines', 'seeds', 'tests', 'schema', 'migrations_lock', 'roles', 'policies'])(
  'the default of paths.%s is the one in the reference',
  (key) => {
    const machine = { env: {}, cwd: '/p', homeDirectory: '/h', userName: 'u', readText: () => undefined, exists: () => false };
    const { paths } = parseConfig('/p/dbadmin.yaml', 'version: 1\nclusters: { main: { host: h } }\n', machine, {});
    const shown = new RegExp(`^  ${key}: (.*)$`, 'm').exec(config)?.[1];
    const name = key === 'migrations_lock' ? 'migrationsLock' : key;
    expect(Object.entries(paths).find(([path]) => path === name)?.[1]).toBe(`/p/${shown}`);
  },
);

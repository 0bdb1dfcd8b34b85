import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import type { Policies } from '../../../src/schedule/policies.ts';

function parse(lines: string, env: Readonly<Record<string, string>> = {}): Policies {
  const text = `version: 1\n${lines}\npolicies:\n  p: { cluster: main, repositories: [local], limits: { rto: 1h, free: 10GB, full_in: 14d, slot_wal: 2GB } }\n`;
  return parsePolicies(text, { file: 'policies.yaml', env, localZone: 'UTC' });
}

function problemsOf(lines: string): string | undefined {
  try {
    parse(lines);
    return undefined;
  } catch (error) {
    return error instanceof DbadminError ? error.detail : String(error);
  }
}

test('notify: an address of a variable that is not set is fetched when it is wanted, so that the schedule can be read without it', () => {
  const line = 'notify: [{ webhook: "https://${OPS_HOST}/hook", secret: "${OPS_SECRET}", on: [late] }]';
  expect(parse(line, { OPS_HOST: 'ops.example.org', OPS_SECRET: 's3' }).notify).toEqual([
    { kind: 'webhook', url: 'https://ops.example.org/hook', secret: 's3', on: ['late'] },
  ]);
  expect(parse(line, { OPS_SECRET: 's3' }).notify).toEqual([
    { kind: 'webhook', url: { from: 'env', name: 'OPS_HOST' }, secret: 's3', on: ['late'] },
  ]);
});

test('mail: TLS before anything is said unless the file says otherwise, on the port of that', () => {
  expect(parse('mail: { host: mx.example.org, from: db@example.org }').mail).toMatchObject({ port: 587, security: 'starttls' });
  expect(parse('mail: { host: mx.example.org, from: db@example.org, security: tls }').mail).toMatchObject({ port: 465 });
  expect(parse('').mail).toBeUndefined();
});

test.each([
  ['a password in the clear', 'mail: { host: mx.example.org, from: a@b.org, user: u, password: p, security: none }', /clear/],
  ['a user without a password', 'mail: { host: mx.example.org, from: a@b.org, user: u }', /user and password/],
  ['a secret for mail', 'notify: [{ email: a@b.org, secret: x }]', /only what goes to a webhook is signed/],
  ['neither webhook nor email', 'notify: [{ on: [late] }]', /either webhook or email/],
])('notify: %s is refused', (_what, lines, problem) => {
  expect(problemsOf(lines)).toMatch(problem);
});

test('mail: to this very machine a password may go in the clear', () => {
  expect(problemsOf('mail: { host: 127.0.0.1, from: a@b.org, user: u, password: p, security: none }')).toBeUndefined();
});

test('limits: restore time, room, time until full and WAL kept for slots are read in their units', () => {
  expect(parse('').policies.get('p')?.limits).toMatchObject({
    rtoMs: 3_600_000,
    freeBytes: 10e9,
    fullInMs: 14 * 86_400_000,
    slotWalBytes: 2e9,
  });
});

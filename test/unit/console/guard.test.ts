import { expect, test } from 'vitest';
import { auditDigest, auditLine, readAuditLines, type AuditEntry } from '../../../src/console/audit.ts';
import { failureOf } from '../../../src/console/failure.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { answeringHosts, cookieName, isOurHost, isOurOrigin, securityHeaders, type Reached } from '../../../src/console/request-guard.ts';

const LOCAL: Reached = { hosts: answeringHosts('127.0.0.1', []), scheme: 'http' };
const NAMED: Reached = { hosts: answeringHosts('0.0.0.0', ['DBA.example.org', 'fd00::1']), scheme: 'https' };

test.each([
  [LOCAL, 'localhost:9188', true],
  [LOCAL, '127.0.0.1', true],
  [LOCAL, '[::1]:9188', true],
  [LOCAL, 'LOCALHOST:1', true],
  [LOCAL, 'localhost.evil.example', false],
  [LOCAL, 'evil.example:9188', false],
  [LOCAL, '0.0.0.0:9188', false],
  [LOCAL, '', false],
  [LOCAL, undefined, false],
  [NAMED, 'dba.example.org', true],
  [NAMED, '[fd00::1]:443', true],
  [NAMED, 'localhost', false],
] as const)('of %o the host %s is ours: %s', (reached, host, isOurs) => {
  expect(isOurHost(host, reached)).toBe(isOurs);
});

test('an origin is ours only with the scheme, the host and the port that were asked', () => {
  expect(isOurOrigin('http://localhost:9188', 'localhost:9188', LOCAL)).toBe(true);
  for (const origin of ['https://localhost:9188', 'http://localhost', 'http://localhost:9189', 'null', undefined])
    expect(isOurOrigin(origin, 'localhost:9188', LOCAL)).toBe(false);
  expect(isOurOrigin('https://dba.example.org', 'dba.example.org', NAMED)).toBe(true);
});

test('with TLS the cookie is bound to the host, and browsers are told to stay with it', () => {
  expect([cookieName('http'), cookieName('https')]).toEqual(['dbadmin', '__Host-dbadmin']);
  expect(securityHeaders('https')).toHaveProperty('strict-transport-security');
  expect(securityHeaders('http')).not.toHaveProperty('strict-transport-security');
});

test('a failure has the words of the command line; what nobody foresaw is called a defect', () => {
  const known = failureOf(new DbadminError('locked', 'another backup runs', { hint: 'Wait for it.' }));
  expect(known).toEqual({
    status: 409,
    document: { error: { code: 'locked', message: 'another backup runs', detail: undefined, hint: 'Wait for it.' } },
  });
  expect(failureOf(new DbadminError('connection-failed', 'x')).status).toBe(503);
  expect(failureOf(new TypeError('x'))).toMatchObject({ status: 500, document: { error: { code: 'internal' } } });
});

const ENTRY: AuditEntry = {
  at: '2026-11-21T10:00:00.000Z',
  who: 'asha',
  from: '127.0.0.1',
  what: 'sign-in',
  cluster: null,
  outcome: 'done',
  id: '1',
  detail: null,
};

function trail(count: number): string[] {
  const lines: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const before = lines.at(-1);
    lines.push(auditLine({ ...ENTRY, id: String(index) }, before === undefined ? '' : auditDigest(before)));
  }
  return lines;
}

test('a trail as it was written has nothing broken', () => {
  const { entries, broken } = readAuditLines(trail(4));
  expect(entries.map(({ id }) => id)).toEqual(['0', '1', '2', '3']);
  expect(entries[0]).toEqual({ ...ENTRY, id: '0' });
  expect(broken).toEqual([]);
});

test('a line that was taken out, changed or put in shows where it was', () => {
  const lines = trail(4);
  expect(readAuditLines(lines.toSpliced(1, 1)).broken).toEqual([2]);
  expect(readAuditLines(lines.with(1, (lines[1] ?? '').replace('asha', 'bela'))).broken).toEqual([3]);
  expect(readAuditLines(lines.toSpliced(2, 0, 'nonsense')).broken).toEqual([3, 4]);
  expect(readAuditLines(lines.slice(1)).broken).toEqual([1]);
});

import { describe, expect, test } from 'vitest';
import { findSecrets } from '../../../.ci/secrets.ts';

// A bar cuts each in two, so that this file is not itself found.
const REAL = (
  [
    ['private key', '-----BEGIN |PRIVATE KEY-----\nMIIB\n'],
    ['private key', '-----BEGIN |OPENSSH PRIVATE KEY-----\n'],
    ['private key', String.raw`const key = '-----BEGIN |RSA PRIVATE KEY-----\nMIIB'`],
    ['AWS access key', 'id: AK|IAIOSFODNN7REALKEY'],
    ['AWS secret key', 'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/|bPxRfiCYzzzzzzzzzz'],
    ['GitHub token', `gh|p_${'a1B2'.repeat(9)}`],
    ['npm token', `np|m_${'a1B2'.repeat(9)}`],
    ['npm registry login', '//host/:_auth|Token=abcdef'],
    ['Slack token', 'xox|b-123456789012-abcdefghijk'],
    ['Google key', `AI|za${'a1B2c'.repeat(7)}`],
    ['signed token', 'ey|JhbGciOiJIUzI1NiJ9.ey|JzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4f'],
    ['password in a URL', 'url: postgresql:|//app:s3cret@db.internal.company.com:5432/app'],
  ] as const
).map(([kind, text]) => ({ kind, text: text.replaceAll('|', '') }));

describe('findSecrets', () => {
  test.each(REAL)('finds a $kind', ({ kind, text }) => {
    expect(findSecrets('a.txt', `first line\n${text}`)).toEqual([{ file: 'a.txt', line: 2, kind }]);
  });

  test('tells the line of each, and never the secret itself', () => {
    const text = REAL.map(({ text: each }) => each).join('\n');
    const findings = findSecrets('a.txt', text);
    expect(findings).toHaveLength(REAL.length);
    expect(JSON.stringify(findings)).not.toContain('s3cret');
  });

  test.each([
    'postgresql://app:secret@localhost:5432/app',
    'postgresql://app:secret@127.0.0.1:5432/app',
    'postgresql://app:secret@db.example.com/app',
    'postgresql://app:${PASSWORD}@db.company.com/app',
    'postgresql://app:<password>@db.company.com/app',
    'postgresql://app:...@db.company.com/app',
    'AKIAIOSFODNN7EXAMPLE',
    '-----BEGIN PUBLIC KEY-----\n',
    'https://www.postgresql.org/docs/current/sql-alterrole.html',
  ])('leaves alone %s', (text) => {
    expect(findSecrets('a.txt', text)).toEqual([]);
  });
});

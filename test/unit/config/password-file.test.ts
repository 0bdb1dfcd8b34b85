import { expect, test } from 'vitest';
import { findPassword } from '../../../src/config/password-file.ts';

const question = { host: 'db.example.org', port: 5432, database: 'app', user: 'ana' };

test.each([
  ['the first line that matches counts', 'db.example.org:5432:app:ana:first\n*:*:*:*:second', 'first'],
  ['a star matches anything', '*:*:*:*:any', 'any'],
  ['another port does not match', 'db.example.org:5433:app:ana:no', undefined],
  ['another user does not match', '*:*:*:bob:no\n*:*:*:ana:yes', 'yes'],
  ['comments and empty lines are passed over', '#*:*:*:*:no\n\n*:*:*:*:yes', 'yes'],
  ['a line with too few fields is passed over', '*:*:*:no\n*:*:*:*:yes', 'yes'],
  ['escapes in the password are undone', String.raw`*:*:*:*:a\:b\\c`, 'a:b\\c'],
  ['a colon in the password needs no escape', '*:*:*:*:a:b', 'a:b'],
  ['lines may end as on Windows', '*:*:*:*:yes\r\n', 'yes'],
])('password file: %s', (_name, text, password) => {
  expect(findPassword(text, question)).toBe(password);
});

test('password file: an escaped star is a name, not a wildcard', () => {
  expect(findPassword(String.raw`\*:*:*:*:no`, question)).toBeUndefined();
});

test('password file: an escaped colon is part of an IPv6 host', () => {
  expect(findPassword(String.raw`fe80\:\:1:*:*:*:yes`, { ...question, host: 'fe80::1' })).toBe('yes');
});

test('password file: the default socket directory is also asked for as localhost, another one is not', () => {
  const text = 'localhost:*:*:*:yes';
  expect(findPassword(text, { ...question, host: '/tmp' }, '/tmp')).toBe('yes');
  expect(findPassword(text, { ...question, host: '/srv/sockets' }, '/tmp')).toBeUndefined();
});

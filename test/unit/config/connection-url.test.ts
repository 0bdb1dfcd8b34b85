import fc from 'fast-check';
import { expect, test } from 'vitest';
import { passwordFileLine, separatePassword } from '../../../src/config/connection-url.ts';
import { parseConninfo } from '../../../src/config/conninfo.ts';
import { findPassword } from '../../../src/config/password-file.ts';

const SEED = 20_261_121;
// A password file has lines, so what it holds has none.
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((value) => !/[\r\n\0]/.test(value));

test.each([
  ['postgresql://u:secret@h:5433/d?sslmode=require', 'postgresql://u@h:5433/d?sslmode=require'],
  ['postgresql://u:secret@a,b:6000/d', 'postgresql://u@a,b:6000/d'],
  ['host=/var/run/postgresql user=u password=secret dbname=d', 'postgresql://u@%2Fvar%2Frun%2Fpostgresql/d'],
  ['postgresql://u@[2001:db8::1]:77/d?password=secret', 'postgresql://u@[2001:db8::1]:77/d'],
  ['postgresql:///d?host=h&password=secret', 'postgresql://h/d'],
])('%s is written down as %s', (given, written) => {
  expect(separatePassword(given)).toEqual({ url: written, password: 'secret' });
});

test('a connection written down without its password means the same connection', () => {
  fc.assert(
    fc.property(text, text, text, fc.integer({ min: 1, max: 65_535 }), (user, password, database, port) => {
      const encode = encodeURIComponent;
      const given = `postgresql://${encode(user)}:${encode(password)}@db.example.org:${port}/${encode(database)}?application_name=${encode(user)}`;
      const separated = separatePassword(given);
      const { password: found, ...rest } = parseConninfo(given);
      expect(separated.password).toBe(password);
      expect(found).toBe(password);
      expect(parseConninfo(separated.url)).toEqual(rest);
    }),
    { seed: SEED },
  );
});

test('a password written to a password file is found there again, for any database and for no other user', () => {
  fc.assert(
    fc.property(text, text, (user, password) => {
      const file = `${passwordFileLine({ host: 'fe80::1', port: 5432 }, user, password)}\n`;
      const question = { host: 'fe80::1', port: 5432, database: 'replication', user };
      expect(findPassword(file, question)).toBe(password);
      if (user !== '*') expect(findPassword(file, { ...question, user: `${user}x` })).toBeUndefined();
    }),
    { seed: SEED },
  );
});

import { describe, expect, test } from 'vitest';
import { parseDeed } from '../../../../src/backup/reconcile/parse-deed.ts';
import { statementsFor } from '../../../../src/backup/reconcile/statements.ts';

const parse = (kind: string, ...words: string[]): ReturnType<typeof parseDeed> =>
  parseDeed({ kind, words, database: 'music', subject: undefined });
const sqlOf = (...deed: Parameters<typeof statementsFor>): readonly string[] => statementsFor(...deed).map(({ sql }) => sql);

describe('parseDeed', () => {
  test('arguments of a procedure are numbers, truth values, null, quoted text, or text as it stands', () => {
    expect(parse('subject-forgotten', 'core.forget', '71', 'true', 'null', '"71"', 'a b', '-1.5')).toMatchObject({
      procedure: ['core', 'forget'],
      arguments: [71, true, null, '71', 'a b', -1.5],
      subject: 'core.forget(71, true, null, "71", "a b", -1.5)',
    });
  });

  test('a number that would lose digits stays text', () => {
    expect(parse('subject-forgotten', 'core.forget', '9007199254740993')).toMatchObject({ arguments: ['9007199254740993'] });
  });

  test('digits that are no number, or more of them than one keeps, stay as they stand', () => {
    const digits = ['0049123', '1.50', '-0', '123456789012345.678'];
    expect(parse('subject-forgotten', 'core.forget', ...digits)).toMatchObject({ arguments: digits });
  });

  test('a privilege has the words that revoke it from such an object', () => {
    expect(parse('privilege-revoked', 'a', 'all privileges', 'core.play')).toMatchObject({ privileges: ['ALL PRIVILEGES'] });
    expect(parse('privilege-revoked', 'a', 'connect,temp', 'database:music')).toMatchObject({ privileges: ['CONNECT', 'TEMP'] });
    expect(parse('privilege-revoked', 'a', 'execute', 'function:core.pay("Core".amount)')).toMatchObject({
      on: { name: 'pay("Core".amount)' },
    });
  });

  test('an object is a table unless it says what it is', () => {
    expect(parse('privilege-revoked', 'a', 'select,insert', 'core.play')).toMatchObject({
      privileges: ['SELECT', 'INSERT'],
      on: { kind: 'table', schema: 'core', name: 'play' },
    });
    expect(parse('privilege-revoked', 'a', 'usage', 'schema:core')).toMatchObject({ on: { kind: 'schema', name: 'core' } });
  });

  test('everybody is PUBLIC in lower case, too: no role can have that name', () => {
    for (const [typed, grantee] of [
      ['public', 'PUBLIC'],
      ['PUBLIC', 'PUBLIC'],
      ['Public', 'Public'],
    ])
      expect(parse('privilege-revoked', typed ?? '', 'select', 'core.play')).toMatchObject({ grantee });
  });

  test.each([
    ['role-dropped'],
    ['membership-revoked', 'a'],
    ['privilege-revoked', 'a', 'select', 'play'],
    ['privilege-revoked', 'a', 'select; drop', 'core.play'],
    ['privilege-revoked', 'a', 'selct', 'core.play'],
    ['privilege-revoked', 'a', 'usage', 'core.play'],
    ['privilege-revoked', 'a', 'select,all', 'core.play'],
    ['privilege-revoked', 'a', 'select', '"Core".play'],
    ['privilege-revoked', 'a', 'select', 'core."Play"'],
    ['privilege-revoked', 'a', 'usage', 'schema:"Core"'],
    ['privilege-revoked', 'a', 'execute', 'function:core."Pay"(int)'],
    ['role-dropped', '"Old"'],
    ['subject-forgotten', 'core."Forget"', '71'],
    ['subject-forgotten', 'core.forget', '"a"b"'],
    ['subject-forgotten', 'forget', '71'],
    ['role-killed', 'a'],
  ])('%s %s is refused', (...words) => {
    expect(() => parse(words[0] ?? '', ...words.slice(1))).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('statementsFor', () => {
  test('names are always quoted, so that current_user is the role of that name', () => {
    expect(sqlOf({ kind: 'role-disabled', role: 'current_user' })).toEqual(['ALTER ROLE "current_user" NOLOGIN PASSWORD NULL']);
    expect(sqlOf({ kind: 'role-disabled', role: 'a"b' })).toEqual(['ALTER ROLE "a""b" NOLOGIN PASSWORD NULL']);
  });

  test('what a dropped role owns is left to a role of its name that is made anew, and only what was a superuser’s goes to one', () => {
    const statements = statementsFor({ kind: 'role-dropped', role: 'old' });
    expect(statements.map(({ sql, where, kind }) => `${where.kind}: ${kind === 'generates' ? kind : sql}`)).toEqual([
      'any: ALTER ROLE "old" NOLOGIN PASSWORD NULL',
      'each: generates',
      'any: CREATE ROLE "dbadmin reconcile keeper" NOLOGIN',
      'each: REASSIGN OWNED BY "old" TO "dbadmin reconcile keeper"',
      'each: REASSIGN OWNED BY "old" TO CURRENT_USER',
      'each: DROP OWNED BY "old"',
      'any: DROP ROLE "old"',
      'each: generates',
      'any: ALTER ROLE "dbadmin reconcile keeper" RENAME TO "old"',
    ]);
    expect(statements.find(({ sql }) => sql.endsWith('CURRENT_USER'))?.presence).toMatch(/AND rolsuper$/);
  });

  test('a password is set by its verifier, and taken away where there is none or it is none', () => {
    const verifier = `SCRAM-SHA-256$4096:${'A'.repeat(22)}==$${'B'.repeat(43)}=:${'C'.repeat(43)}=`;
    expect(statementsFor({ kind: 'password-rotated', role: 'a', verifier })).toMatchObject([
      { sql: `ALTER ROLE "a" PASSWORD '${verifier}'`, secret: true },
    ]);
    for (const other of [null, "x' SUPERUSER --"])
      expect(sqlOf({ kind: 'password-rotated', role: 'a', verifier: other })).toEqual(['ALTER ROLE "a" NOLOGIN PASSWORD NULL']);
  });

  test('a procedure is called with values, never with text pasted in', () => {
    const deed = parse('subject-forgotten', 'core.forget', "71'; drop table x");
    expect(statementsFor(deed)).toMatchObject([{ sql: 'CALL "core"."forget"($1)', values: ["71'; drop table x"], kind: 'calls' }]);
  });
});

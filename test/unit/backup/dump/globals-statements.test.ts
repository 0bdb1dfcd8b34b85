import { describe, expect, test } from 'vitest';
import { planGlobals } from '../../../../src/backup/dump/globals-plan.ts';
import { splitGlobals } from '../../../../src/backup/dump/globals-statements.ts';

describe('splitGlobals', () => {
  test.each([
    ['a lone double quote in a comment', `COMMENT ON ROLE app IS 'rack 19"';`],
    ['a lone single quote in a name', `CREATE ROLE "o'brien";`],
    ['semicolons at the end of a line within quotes', `COMMENT ON ROLE app IS 'one;\ntwo "';`],
    ['a line within quotes that looks like a comment or a command', `COMMENT ON ROLE app IS 'one\n-- "two\n\\three';`],
    ['doubled quotes of both kinds', `COMMENT ON ROLE "a ""'b" IS 'it''s ";';`],
    ['backslashes as pg_dumpall writes them', String.raw`COMMENT ON ROLE app IS  E'c:\\ and ''"';`],
    ['backslashes as others write them', String.raw`COMMENT ON ROLE app IS E'\'";\\';`],
    ['a backslash at the end of a plain text', String.raw`ALTER ROLE app SET my.path TO 'c:\';`],
    ['an E that ends a word', String.raw`ALTER ROLE app SET my.day TO DATE'\';`],
  ])('knows where a statement with %s ends', (_what, odd) => {
    const statements = ['CREATE ROLE app;', odd, 'CREATE ROLE leaver;', 'ALTER ROLE leaver WITH SUPERUSER LOGIN;'];
    expect(splitGlobals(`--\n-- it's "dumped\n--\n\n\\restrict 'token\n${statements.join('\n')}\n\n\\unrestrict 'token\n`)).toEqual(
      statements,
    );
  });

  test('knows several statements in one line', () => {
    expect(splitGlobals('CREATE ROLE a; CREATE ROLE b;')).toEqual(['CREATE ROLE a;', 'CREATE ROLE b;']);
    expect(splitGlobals('-- nothing\n')).toEqual([]);
  });

  test.each([`CREATE ROLE a;\nCOMMENT ON ROLE a IS 'cut;\n`, 'CREATE ROLE a;\nCREATE ROLE b\n', 'CREATE ROLE a;\nCREATE ROLE "b;'])(
    'refuses a text that ends within one: %j',
    (text) => {
      expect(() => splitGlobals(text)).toThrow(
        expect.objectContaining({ code: 'repository-damaged', detail: expect.stringMatching(/line 2\b/) as unknown }),
      );
    },
  );
});

test('a quote in a comment or a name leaves a role that is there as it is, and forgets none that is not', () => {
  const text = `
CREATE ROLE app;
COMMENT ON ROLE app IS 'rack 19"';
CREATE ROLE leaver;
ALTER ROLE leaver WITH SUPERUSER LOGIN;
CREATE ROLE "o'brien";
GRANT staff TO "o'brien" GRANTED BY postgres;
GRANT staff TO leaver GRANTED BY postgres;
CREATE TABLESPACE fast OWNER "o'brien" LOCATION '/fast';
`;
  const present = (...roles: string[]) => ({ roles: new Set(['staff', ...roles]), tablespaces: new Set<string>(), memberships: [] });
  const plan = planGlobals(splitGlobals(text), present('leaver'));
  expect(plan.roles).toEqual([
    'CREATE ROLE app;',
    `COMMENT ON ROLE app IS 'rack 19"';`,
    `CREATE ROLE "o'brien";`,
    `GRANT staff TO "o'brien" GRANTED BY postgres;`,
  ]);
  expect(plan.tablespaces).toEqual([`CREATE TABLESPACE fast OWNER "o'brien" LOCATION '/fast';`]);
  expect(plan.kept.roles).toEqual(['leaver']);
  expect(plan.leftOut).toEqual(['GRANT staff TO leaver GRANTED BY postgres;']);
  const other = planGlobals(splitGlobals(text), present('app'));
  expect(other.roles).toContain('CREATE ROLE leaver;');
  expect(other.roles).toContain(`CREATE ROLE "o'brien";`);
});

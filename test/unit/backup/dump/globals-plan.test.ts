import { describe, expect, test } from 'vitest';
import { planGlobals, type PresentGlobals } from '../../../../src/backup/dump/globals-plan.ts';
import { splitGlobals } from '../../../../src/backup/dump/globals-statements.ts';

const NOTHING: PresentGlobals = { roles: new Set(), tablespaces: new Set(), memberships: [] };

const GLOBALS = splitGlobals(String.raw`
\restrict abc
SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';

CREATE ROLE leaver;
ALTER ROLE leaver WITH SUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
COMMENT ON ROLE leaver IS 'left;
long ago';
CREATE ROLE "new ""one";
ALTER ROLE "new ""one" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE reader;
ALTER ROLE reader WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
ALTER ROLE leaver SET work_mem TO '8MB';
ALTER ROLE "new ""one" SET search_path TO 'a', 'b';
GRANT reader TO leaver WITH ADMIN OPTION, INHERIT TRUE GRANTED BY postgres;
GRANT reader TO "new ""one" WITH INHERIT TRUE GRANTED BY leaver;
GRANT SET,ALTER SYSTEM ON PARAMETER work_mem TO leaver;
SET SESSION AUTHORIZATION leaver;
GRANT SET ON PARAMETER "my.own" TO leaver;
RESET SESSION AUTHORIZATION;
GRANT SET ON PARAMETER work_mem TO reader WITH GRANT OPTION;
SET SESSION AUTHORIZATION reader;
GRANT SET ON PARAMETER work_mem TO "new ""one";
RESET SESSION AUTHORIZATION;
CREATE TABLESPACE fast OWNER postgres LOCATION '/fast';
ALTER TABLESPACE fast SET (random_page_cost=1.1);
REVOKE ALL ON TABLESPACE fast FROM postgres;
GRANT ALL ON TABLESPACE fast TO leaver;
CREATE TABLESPACE slow OWNER reader LOCATION '/slow';
GRANT ALL ON TABLESPACE slow TO leaver;
ALTER SYSTEM SET work_mem = '1GB';
`);

describe('planGlobals', () => {
  test('runs everything it knows in a cluster that has none of it', () => {
    const plan = planGlobals(GLOBALS, NOTHING);
    const all = GLOBALS.slice(0, -1).filter((statement) => statement !== "SET client_encoding = 'UTF8';");
    expect([...plan.settings, ...plan.roles, ...plan.tablespaces]).toEqual(all);
    expect(plan.tablespaces[0]).toMatch(/^CREATE TABLESPACE fast/);
    expect(plan.kept).toEqual({ roles: [], tablespaces: [] });
    expect(plan.leftOut).toEqual(["ALTER SYSTEM SET work_mem = '1GB';"]);
  });

  test('runs nothing about a role or a tablespace that is there, whatever became of it since', () => {
    const plan = planGlobals(GLOBALS, { ...NOTHING, roles: new Set(['leaver', 'postgres']), tablespaces: new Set(['fast']) });
    expect(plan.roles).toEqual([
      'CREATE ROLE "new ""one";',
      'ALTER ROLE "new ""one" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;',
      'CREATE ROLE reader;',
      'ALTER ROLE reader WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;',
      `ALTER ROLE "new ""one" SET search_path TO 'a', 'b';`,
      'GRANT reader TO "new ""one" WITH INHERIT TRUE;',
      'GRANT SET ON PARAMETER work_mem TO reader WITH GRANT OPTION;',
      'SET SESSION AUTHORIZATION reader;',
      'GRANT SET ON PARAMETER work_mem TO "new ""one";',
      'RESET SESSION AUTHORIZATION;',
    ]);
    expect(plan.tablespaces).toEqual(["CREATE TABLESPACE slow OWNER reader LOCATION '/slow';", 'GRANT ALL ON TABLESPACE slow TO leaver;']);
    expect(plan.kept).toEqual({ roles: ['leaver'], tablespaces: ['fast'] });
    expect(plan.leftOut).toEqual([
      'GRANT reader TO leaver WITH ADMIN OPTION, INHERIT TRUE GRANTED BY postgres;',
      'GRANT SET,ALTER SYSTEM ON PARAMETER work_mem TO leaver;',
      'GRANT SET ON PARAMETER "my.own" TO leaver;',
      "ALTER SYSTEM SET work_mem = '1GB';",
    ]);
  });

  test('is silent on a membership that is there still, and gives PUBLIC nothing', () => {
    const present = { ...NOTHING, roles: new Set(['leaver', 'reader']), memberships: [{ role: 'reader', member: 'leaver' }] };
    const statements = ['GRANT reader TO leaver GRANTED BY postgres;', 'GRANT SET ON PARAMETER work_mem TO PUBLIC;'];
    expect(planGlobals(statements, present)).toMatchObject({ roles: [], leftOut: ['GRANT SET ON PARAMETER work_mem TO PUBLIC;'] });
  });
});

import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyReconcile } from '../../../src/backup/reconcile/apply.ts';
import { parseDeed } from '../../../src/backup/reconcile/parse-deed.ts';
import type { LedgerEntry } from '../../../src/repository/ledger.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** What a privilege may be on, and the statement that makes it. */
const OBJECTS = [
  ['select', 'Later.Play', 'create table "Later"."Play" (id int)'],
  ['usage', 'sequence:Later.number', 'create sequence "Later".number'],
  ['usage', 'schema:Later', undefined],
  ['select', 'all-tables:Later', undefined],
  ['execute', 'function:Later.pay("Later".amount)', `create function "Later".pay("Later".amount) returns int language sql as 'select 1'`],
  ['execute', 'procedure:Later.close(int)', `create procedure "Later".close(int) language sql as 'select 1'`],
] as const;

// Before 16 the server refuses to look for a routine of a type that is not there.
describe.each([14, 18])('a privilege that was revoked, in a cluster restored on PostgreSQL %d', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major, provider: 'embedded' });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create role grantee');
  });

  afterAll(async () => {
    await sql.end();
    await cluster.stop();
  });

  const entries = (database = 'postgres'): readonly LedgerEntry[] =>
    OBJECTS.map(([privilege, object]) => {
      const deed = parseDeed({ kind: 'privilege-revoked', words: ['grantee', privilege, object], database, subject: undefined });
      return { systemIdentifier: '1', at: new Date(0), timeline: 1, lsn: 1n, by: 'a test', deed };
    });
  const outcomes = async (database?: string): Promise<readonly string[]> =>
    (await applyReconcile(cluster.parameters(), entries(database))).map(({ outcome }) => outcome);
  const nothing = OBJECTS.map(() => 'nothing-to-undo');

  test('is nothing to undo where the schema, the object or the database is not there', async () => {
    expect(await outcomes()).toEqual(nothing);
    expect(await outcomes('absent')).toEqual(nothing);
    await sql.unsafe('create schema "Later"');
    expect(await outcomes()).toEqual(OBJECTS.map(([, object]) => (/^(schema|all-tables):/.test(object) ? 'undone' : 'nothing-to-undo')));
  });

  test('is taken away where the object is there', async () => {
    await sql.unsafe(`create type "Later".amount as enum ('small')`);
    for (const [, , statement] of OBJECTS) if (statement !== undefined) await sql.unsafe(statement);
    await sql.unsafe(`grant usage on schema "Later" to grantee; grant select on "Later"."Play" to grantee; grant usage on sequence "Later".number to grantee;
      grant execute on all routines in schema "Later" to grantee`);
    expect(await outcomes()).toEqual(OBJECTS.map(() => 'undone'));
    const held = await sql`
      select 1 from (select relacl as acl from pg_class union all select nspacl from pg_namespace union all select proacl from pg_proc) a,
        aclexplode(a.acl) one where one.grantee = 'grantee'::regrole`;
    expect(held).toHaveLength(0);
  });

  // An entry of an earlier version has the word as it was typed.
  test.each(['PUBLIC', 'public'])('is taken away from everybody where the ledger says %s', async (grantee) => {
    const typed = parseDeed({
      kind: 'privilege-revoked',
      words: [grantee, 'usage', 'schema:Later'],
      database: 'postgres',
      subject: undefined,
    });
    for (const deed of [typed, { ...typed, grantee } as typeof typed]) {
      await sql.unsafe('grant usage on schema "Later" to public');
      const entry: LedgerEntry = { systemIdentifier: '1', at: new Date(0), timeline: 1, lsn: 1n, by: 'a test', deed };
      expect(await applyReconcile(cluster.parameters(), [entry])).toMatchObject([{ outcome: 'undone' }]);
      expect(await sql`select has_schema_privilege('grantee', 'Later', 'usage') as may`).toEqual([{ may: false }]);
    }
  });

  test('is taken away where a trigger of the database on that finds by the path what it names', async () => {
    await sql.unsafe(`create table public.seen (tag text);
      create function public.see() returns event_trigger language plpgsql as $$begin insert into seen values (tg_tag); end$$;
      create event trigger see on ddl_command_end execute function public.see()`);
    try {
      await sql.unsafe('grant select on "Later"."Play" to grantee');
      expect(await outcomes()).toEqual(OBJECTS.map(() => 'undone'));
      expect(await sql`select distinct tag from public.seen order by tag`).toEqual([{ tag: 'GRANT' }, { tag: 'REVOKE' }]);
    } finally {
      await sql.unsafe('drop event trigger see');
    }
  });
});

import { readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { afterEach, expect, test } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let cluster: TestCluster | undefined;
const sessions: postgres.Sql[] = [];

afterEach(async () => {
  await Promise.all(sessions.splice(0).map(async (each) => await each.end()));
  await cluster?.stop();
  cluster = undefined;
});

function connect(to: TestCluster, database?: string): postgres.Sql {
  const sql = postgres(to.url(database), { max: 1, onnotice: () => undefined });
  sessions.push(sql);
  return sql;
}

/** The statement below a heading of the runbook that begins so, about the path or number of its example. */
async function statementOf(heading: string, beginning: string): Promise<string> {
  const runbook = await readFile(new URL('../../../docs/runbooks/backups-differ.md', import.meta.url), 'utf8');
  const [, section = ''] = runbook.split(`\n## ${heading}\n`);
  const line = section.split('\n').find((each) => each.startsWith(beginning)) ?? '';
  return line.replace(/;.*$/, '');
}

test('what the runbook says of a path that a backup names finds its relation, in a tablespace and among the shared ones, too', async () => {
  cluster = await startTestCluster({ major: 17, provider: 'embedded' });
  const sql = connect(cluster);
  await sql`set allow_in_place_tablespaces = on`;
  await sql`create tablespace space location ''`;
  await sql`create database other`;
  const other = connect(cluster, 'other');
  await other`create table here (n int)`;
  await other`create table far (n int) tablespace space`;
  const which = await statementOf('Pages that nobody could judge', 'SELECT datname');
  for (const heading of ['1. Which relation?', 'Pages that nobody could judge']) {
    const whose = await statementOf(heading, 'SELECT oid::regclass');
    const look = async (path: string): Promise<unknown> => {
      const number = path.startsWith('global/') ? undefined : path.split('/').at(-2);
      const [database] = number === undefined ? [] : await sql.unsafe<{ datname: string }[]>(which.replace(/\d+$/, number));
      const there = number === undefined ? sql : connect(cluster as TestCluster, database?.datname ?? 'none');
      return await there.unsafe(whose.replace(/'[^']*'|\d+$/, `'${path}'`));
    };
    const pathOf = async (relation: string): Promise<string> => {
      const [row] = await other<{ path: string }[]>`select pg_relation_filepath(${relation}::text::regclass) as path`;
      return row?.path ?? '';
    };
    const far = await pathOf('far');
    expect(far).toMatch(/^pg_tblspc\/\d+\/PG_17_\d+\/\d+\/\d+$/);
    expect(await look(far)).toEqual([{ oid: 'far', relkind: 'r' }]);
    expect(await look(await pathOf('here'))).toEqual([{ oid: 'here', relkind: 'r' }]);
    expect(await look(await pathOf('pg_database'))).toEqual([{ oid: 'pg_database', relkind: 'r' }]);
  }
});

test('the runbook says where the database stands in a path of a tablespace', async () => {
  const runbook = await readFile(new URL('../../../docs/runbooks/backups-differ.md', import.meta.url), 'utf8');
  const section = runbook.split('\n## Pages that nobody could judge\n')[1] ?? '';
  const [, database] = /`pg_tblspc\/\d+\/PG_\w+\/(\d+)\/\d+`/.exec(section) ?? [];
  expect(section).toContain(`the number before the last: ${database} of `);
  expect(section).not.toMatch(/without `base\/`/);
});

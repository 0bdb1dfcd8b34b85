import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { runCommand, type CommandResult } from './command.ts';
import { createProject, type TestProject } from './project.ts';

let cluster: TestCluster;
let sql: postgres.Sql;
let project: TestProject;

/** Functions that fit arguments better than those of the catalog, which are of any type. In 14 every role may make them in public. */
const TRAPS = [
  ['unnest', 'text[]', 'setof text'],
  ['unnest', 'int2[]', 'setof int2'],
  ['unnest', 'int[]', 'setof int'],
  ['to_json', 'timestamptz', 'json'],
  ['to_jsonb', 'text', 'jsonb'],
  ['to_jsonb', 'text[]', 'jsonb'],
  ['array_remove', 'text[], text', 'text[]'],
  ['array_to_string', 'text[], text', 'text'],
  ['quote_ident', 'name', 'text'],
  ['quote_literal', 'name', 'text'],
  ['format', 'text, text', 'text'],
  ['format', 'text, name', 'text'],
  ['format', 'text, text, text', 'text'],
  ['format', 'text, name, name', 'text'],
  ['json_build_object', 'text, int, text, name, text, text', 'json'],
  ['lower', 'name', 'text'],
  ['length', 'name', 'int'],
  ['joined', 'name, name', 'text'],
  ['joined', 'name, text', 'text'],
  ['is_same', 'oid, regclass', 'bool'],
  ['is_same', 'oid, regproc', 'bool'],
  ['is_same', 'oid, regnamespace', 'bool'],
  ['is_same', 'oid, int', 'bool'],
  ['is_same', 'text[], text[]', 'bool'],
] as const;
const AGGREGATES = ['name', 'text', 'oid', 'json', 'jsonb', 'int', 'bigint', 'bool'];

beforeAll(async () => {
  cluster = await startTestCluster({ major: 14, provider: 'embedded' });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  project = await createProject(cluster.url());
  await writeFile(
    path.join(project.directory, 'dbadmin.yaml'),
    `version: 1\nclusters:\n  main: { url: "${cluster.url()}" }\npaths: { migrations: migrations, routines: routines }\n`,
  );
  await sql.unsafe('create role attacker; set role attacker');
  for (const [name, given, gives] of TRAPS)
    await sql.unsafe(
      `create function public.${name}(${given}) returns ${gives} language plpgsql as $$begin raise 'caught by ${name}(${given})'; end$$`,
    );
  for (const type of AGGREGATES) {
    await sql.unsafe(
      `create function public.caught_${type}(int, ${type}) returns int language plpgsql as $$begin raise 'caught by an aggregate of ${type}'; end$$`,
    );
    for (const name of ['json_agg', 'jsonb_agg', 'array_agg', 'count'])
      await sql.unsafe(`create aggregate public.${name}(${type}) (sfunc = caught_${type}, stype = int)`);
  }
  for (const right of ['name', 'text'])
    await sql.unsafe(`create operator public.|| (leftarg = name, rightarg = ${right}, function = public.joined)`);
  for (const right of ['regclass', 'regproc', 'regnamespace', 'int'])
    await sql.unsafe(`create operator public.= (leftarg = oid, rightarg = ${right}, function = public.is_same)`);
  await sql.unsafe('create operator public.= (leftarg = text[], rightarg = text[], function = public.is_same)');
  await sql.unsafe('reset role');
});
afterAll(async () => {
  await project?.delete();
  await sql?.end();
  await cluster?.stop();
});

const migrate = async (...words: readonly string[]): Promise<CommandResult> => await runCommand(project.directory, ['migrate', ...words]);

test('a run, and what asks about it, runs no function that somebody made to fit it', async () => {
  await project.write('migrations/1_play.sql', 'create schema core; create table core.play (id int primary key, device text);');
  await project.write('migrations/2_more.sql', 'alter table core.play add column day date; update core.play set day = null;');
  await project.write('routines/core/f.sql', 'create or replace function core.f(text, int) returns int language sql as $$ select 1 $$;');
  for (const [words, status] of [
    [['plan'], 2],
    [['up', '--no-schema-file', '--yes'], 0],
    [['plan'], 0],
    [['status'], 0],
    [['verify'], 0],
    [['lint'], 0],
    [['validate'], 0],
  ] as const) {
    const end = await migrate(...words);
    expect(`${words.join(' ')}: ${end.stdout}${end.stderr}`).not.toContain('caught by');
    expect.soft([words, end.status, end.stderr]).toEqual([words, status, expect.any(String)]);
  }
  await project.write(
    'routines/core/f.sql',
    'create or replace function core.f(text, int) returns text language sql as $$ select $$ || $$1 $$;'.replace(
      'select $$ || $$1',
      "select '1'",
    ),
  );
  const again = await migrate('up', '--no-schema-file', '--yes');
  expect(again.stdout + again.stderr).not.toContain('caught by');
});

import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DumpManifest } from '../../../src/backup/dump/manifest.ts';
import { isDbadminError } from '../../../src/base/errors.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const pgDump = await findClientProgram('pg_dump', { atLeastMajor: 14 }, process.env).catch((error: unknown) => {
  if (isDbadminError(error, 'program-missing')) return undefined;
  throw error;
});

describe.skipIf(pgDump === undefined)('dumps of single tables', () => {
  let directory: string;
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let config: string;

  const dbadmin = async (...args: string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--yes'], { PATH: process.env['PATH'] ?? '' });
  /** A dump is named after the second it began in. */
  const dump = async (...args: string[]): Promise<DumpManifest> => {
    await setTimeout(1100);
    const end = await dbadmin('backup', 'dump', ...args, '--json');
    expect(end, end.stderr).toMatchObject({ status: 0 });
    return JSON.parse(end.stdout) as DumpManifest;
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: Math.min(pgDump?.major ?? 18, 18), provider: 'embedded' });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    for (const statement of [
      `create schema core; create schema "of ""one; Owner"; create table core.play as select 1 as id`,
      `create table "of ""one; Owner".note as select 2 as id; create table near as select 3 as id`,
      `create type core.mood as enum ('good'); create table core.day (mood core.mood)`,
    ])
      await sql.unsafe(statement);
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
  });

  afterAll(async () => {
    await sql?.end();
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test.each([[[]], [['--format', 'directory']]])(
    'are restored with the schemas of the tables, which are made and named: %j',
    async (format) => {
      const tables = ['core.play', '"of ""one; Owner".note', 'near'].flatMap((table) => ['--table', table]);
      const { label } = await dump('--database', 'postgres', ...tables, ...format);
      const name = `back${format.length}`;
      const end = await dbadmin('restore', '--dump', label, '--name', `postgres=${name}`);
      expect(end, end.stderr).toMatchObject({ status: 0 });
      expect(end.stdout).toMatch(/ {2}schemas {4}(?=.*core)(?=.*of "one; Owner).*: made for the tables/);
      const back = postgres(cluster.url(name), { max: 1 });
      expect(await back`select id from core.play union all select id from "of ""one; Owner".note union all select id from near`).toEqual([
        { id: 1 },
        { id: 2 },
        { id: 3 },
      ]);
      await back.end();
    },
  );

  test('say what they do not have when they are taken, and where that ends a restore', async () => {
    await setTimeout(1100);
    const taken = await dbadmin('backup', 'dump', '--database', 'postgres', '--table', 'core.day');
    expect(taken.stdout).toContain('types, functions and extensions that they use');
    const [, label = ''] = /done {7}(\S+-dump)/.exec(taken.stdout) ?? [];
    const end = await dbadmin('restore', '--dump', label, '--name', 'postgres=never');
    expect(end.status).not.toBe(0);
    expect(end.stderr).toContain('type "core.mood" does not exist');
    expect(end.stderr).toMatch(/The dump has only the tables core\.day of postgres: types, .* are not in it/);
    expect(end.stderr).toMatch(/dbadmin restore --dump \S+-dump --into DIR lays its file down, which pg_restore by hand brings/);
    expect(await sql`select datname from pg_database where datname like 'never%'`).toEqual([]);
  });

  test('a table that is not there is refused beside one that is, of one database and of several', async () => {
    const tables = (...names: string[]): readonly string[] => names.flatMap((name) => ['--table', name]);
    const one = await dbadmin('backup', 'dump', '--database', 'postgres', ...tables('core.play', 'core.typo'));
    expect(one.status).not.toBe(0);
    expect(one.stderr).toContain('no matching tables were found for pattern "core.typo"');
    await sql.unsafe('create database second');
    const second = postgres(cluster.url('second'), { max: 1 });
    await second`create table only_here (id int)`;
    await second.end();
    const both = ['--database', 'postgres', '--database', 'second'];
    const several = await dbadmin('backup', 'dump', ...both, ...tables('core.play', 'core.typo', 'only_here', 'gon?'));
    expect(several).toMatchObject({ status: 64 });
    expect(several.stderr).toContain('--table core.typo, gon? finds no table in postgres, second');
    const { selection } = await dump(...both, ...tables('core.play', 'only_here'));
    expect(selection?.tables).toEqual(['core.play', 'only_here']);
  });
});

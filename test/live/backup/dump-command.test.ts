import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { runCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const pgDump = await findClientProgram('pg_dump', { atLeastMajor: 14 }, process.env).catch((error: unknown) => {
  if (isDbadminError(error, 'program-missing')) return undefined;
  throw error;
});

describe.skipIf(pgDump === undefined)('restore --dump', () => {
  let directory: string;
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let config: string;
  let label: string;

  const dbadmin = async (...args: string[]): Promise<CommandEnd> => await runCommand([...args, '--config', config, '--yes']);

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: Math.min(pgDump?.major ?? 18, 18), provider: 'embedded' });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`create role reader; create role leaver login superuser in role reader; create role joiner login;
      create table play (id int); grant select on play to reader`);
    await sql.unsafe('create database music owner reader');
    await sql.unsafe('create database other');
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
    const taken = await dbadmin('backup', 'dump', '--database', 'music', '--json');
    expect(taken, taken.stderr).toMatchObject({ status: 0 });
    ({ label } = JSON.parse(taken.stdout) as { label: string });
    await sql.unsafe('alter role leaver nologin nosuperuser; revoke reader from leaver; drop role joiner');
    for (const words of [
      'role-disabled leaver',
      'membership-revoked leaver reader',
      'privilege-revoked reader select core.play --database music',
      'privilege-revoked reader select core.play --database other',
      'password-rotated leaver',
    ])
      expect(await dbadmin('backup', 'ledger', 'add', ...words.split(' '))).toMatchObject({ status: 0 });
  });

  afterAll(async () => {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  });

  test('shows what was taken away since the dump and may come back with it, before it asks', async () => {
    const { status, stdout } = await dbadmin('restore', '--dump', label, '--globals', '--dry-run', '--json');
    expect(status).toBe(0);
    const { returning, restored } = JSON.parse(stdout) as { returning: { kind: string; text: string }[]; restored: null };
    expect(restored).toBeNull();
    expect(returning.map(({ kind }) => kind)).toEqual(['role-disabled', 'membership-revoked', 'privilege-revoked']);
    expect(returning[2]?.text).toMatch(/^SELECT on core\.play for reader in music \(revoked /);
    const alone = await dbadmin('restore', '--dump', label, '--dry-run');
    expect(alone.stdout).toMatch(/will come back with it: SELECT on core\.play for reader in music \(revoked [^)]*\)\n/);
  });

  test('leaves roles as they are, names them and what they were not given, and gives the database its owner', async () => {
    const end = await dbadmin('restore', '--dump', label, '--globals', '--name', 'music=again');
    expect(end, end.stderr).toMatchObject({ status: 0 });
    expect(end.stdout).toMatch(/globals {4}\d+ statements; left as they are: .*\bleaver\b/);
    expect(end.stdout).toMatch(/not given {2}GRANT reader TO leaver/);
    const roles = await sql`select rolname, rolcanlogin, rolsuper from pg_roles where rolname in ('leaver', 'joiner') order by 1`;
    expect(roles).toEqual([
      { rolname: 'joiner', rolcanlogin: true, rolsuper: false },
      { rolname: 'leaver', rolcanlogin: false, rolsuper: false },
    ]);
    expect(await sql`select pg_get_userbyid(datdba) as owner from pg_database where datname = 'again'`).toEqual([{ owner: 'reader' }]);
  });

  test('ends with 3 and names what the server refuses', async () => {
    await sql.unsafe(
      'alter database music owner to postgres; alter database again owner to postgres; drop owned by reader; drop role reader',
    );
    const end = await dbadmin('restore', '--dump', label, '--name', 'music=third');
    expect(end.status).toBe(3);
    expect(end.stdout).toMatch(/not done {3}ALTER DATABASE "third" OWNER TO "reader": role "reader" does not exist/);
  });

  test('takes a database by several connections, says what room there is, and brings it back', async () => {
    const taken = await dbadmin('backup', 'dump', '--database', 'other', '--format', 'directory', '--jobs', '2', '--spool', directory);
    expect(taken, taken.stderr).toMatchObject({ status: 0 });
    expect(taken.stdout).toMatch(/spool {6}\/.* free; one database at a time lies there until it is stored: other has \d/);
    const [, dump = ''] = /done {7}(\S+-dump)/.exec(taken.stdout) ?? [];
    expect(await dbadmin('restore', '--dump', dump, '--name', 'other=other_again', '--jobs', '2')).toMatchObject({ status: 0 });
    const verified = await dbadmin('backup', 'verify');
    expect(verified, verified.stdout).toMatchObject({ status: 0 });
  });

  test.each([['custom'], ['directory']])(
    '--into lays down what pg_dump wrote in %s format, for pg_restore and psql by hand',
    async (format) => {
      await setTimeout(1100);
      await sql.unsafe('drop database if exists by_hand');
      const other = postgres(cluster.url('other'), { max: 1, onnotice: () => undefined });
      await other.unsafe('create table if not exists wanted as select 1 as id; create table if not exists unwanted as select 2 as id');
      await other.end();
      const taken = await dbadmin('backup', 'dump', '--database', 'other', '--database', 'music', '--format', format, '--json');
      const { label: dump } = JSON.parse(taken.stdout) as { label: string };
      const into = path.join(directory, `files-${format}`);
      const words = ['restore', '--dump', dump, '--databases', 'other', '--globals', '--into', into];
      expect(await dbadmin(...words, '--dry-run')).toMatchObject({ status: 0 });
      const end = await dbadmin(...words, '--json');
      expect(end, end.stderr).toMatchObject({ status: 0 });
      const file = path.join(into, 'other.dump');
      expect(JSON.parse(end.stdout)).toMatchObject({
        dump,
        directory: into,
        files: [
          { database: 'other', file, format },
          { database: null, file: path.join(into, 'globals.sql'), format: 'plain' },
        ],
        returning: [],
        restored: true,
      });
      const pgRestore = await findClientProgram('pg_restore', { atLeastMajor: 14 }, process.env);
      const call = promisify(execFile);
      expect((await call(pgRestore.path, ['--list', file])).stdout).toContain('TABLE public wanted');
      await sql.unsafe('create database by_hand');
      await call(pgRestore.path, ['--no-owner', '--exit-on-error', '--table', 'wanted', '--dbname', cluster.url('by_hand'), file]);
      const byHand = postgres(cluster.url('by_hand'), { max: 1 });
      expect(await byHand`select c.relname as name, (select id from wanted) as id from pg_class c where relname like '%wanted'`).toEqual([
        { name: 'wanted', id: 1 },
      ]);
      await byHand.end();
      const again = await dbadmin(...words);
      expect(again.status).toBe(1);
      expect(again.stderr).toContain(`${into} is not empty`);
      expect((await dbadmin(...words, '--name', 'other=x')).status).toBe(64);
      const older = await dbadmin('restore', '--dump', label, '--into', path.join(directory, 'absent'), '--dry-run');
      expect(older.stdout).toMatch(/is in it, and was taken away since: SELECT on core\.play for reader in music \(revoked [^)]*\)\n/);
    },
  );

  test.each([
    [['--jobs', '2'], /--jobs needs --format directory/],
    [['--format', 'custom', '--jobs', '2'], /--jobs needs --format directory/],
    [['--format', 'directory', '--jobs', '0'], /whole number from 1 to 64/],
    [['--format', 'plain'], /custom or directory/],
  ])('what pg_dump would refuse is wrong usage: %j', async (words, message) => {
    const end = await dbadmin('backup', 'dump', ...words);
    expect(end.status).toBe(64);
    expect(end.stderr).toMatch(message);
  });
});

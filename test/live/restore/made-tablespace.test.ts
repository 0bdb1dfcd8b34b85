import { chown, lstat, mkdir, readdir, readlink, rename } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import { startRestored } from '../../../src/backup/restore/start-run.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import {
  backUp,
  makeDirectory,
  makeRepository,
  removeDirectory,
  restore,
  startReceiver,
  type TestReceiver,
} from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { treeOf } from '../../backup/tree.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { preflightOf } from '../../backup/preflight.ts';

/** What is below a directory, with the moment of each last change. */
async function stateOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const state = new Map<string, string>();
  for (const [name, what] of await treeOf(directory)) {
    const { mtimeNs, ctimeNs } = await lstat(path.join(directory, name), { bigint: true });
    state.set(name, `${what} ${mtimeNs} ${ctimeNs}`);
  }
  return state;
}

describe.each(drawn(import.meta.filename, [14, 18]))('a tablespace that production made after the backup, on PostgreSQL %i', (major) => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let receiver: TestReceiver;
  let config: string;
  let early: string;
  let notBefore: string;
  let madeAt: string;
  let grownFrom: string;
  let sizeBefore: number;
  const place = (name: string): string => path.join(directory, name);

  async function query(statements: string): Promise<void> {
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    for (const each of statements.split(';')) await sql.unsafe(each);
    const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    await sql.end();
    await waitUntilStored(repository, parseLsn(at?.lsn ?? ''));
  }

  async function makePlace(name: string): Promise<string> {
    await mkdir(place(name));
    const owner = cluster.programs?.runAs;
    if (owner !== undefined) await chown(place(name), owner.uid, owner.gid);
    return place(name);
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major, provider: 'embedded', settings: { allow_in_place_tablespaces: 'on', autovacuum: 'off' } });
    repository = await makeRepository(place('repository'));
    config = await writeConfig(directory, cluster, place('repository'));
    receiver = startReceiver(cluster, repository);
    early = (await backUp(cluster, repository)).label;
    await query("create table kept as select 1 as n; create tablespace inside location ''; create table here (n int) tablespace inside");
  });
  afterAll(async () => {
    await receiver?.stop();
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('made between the plan of a clone and its recovery, it is not in the clone', async () => {
    const into = place('planned');
    const preflight = await preflightOf(repository, into);
    const sql = postgres(cluster.url(), { max: 1 });
    const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
    await sql.end();
    notBefore = at?.lsn ?? '';
    await query(`create tablespace two location '${await makePlace('two')}'`);
    await query('create table there tablespace two as select g as n from generate_series(1, 1000) g; update there set n = -n; checkpoint');
    const before = await stateOf(place('two'));
    const programs = await embeddedPrograms(major);
    const [signal, action] = [new AbortController().signal, 'promote'] as const;
    const port = await freePort();
    const options = {
      preflight,
      port,
      clusterName: 'planned',
      action,
      programs,
      owner: programs.runAs,
      signal,
      onProgress: () => undefined,
    };
    const restored = await applyRestore(options);
    try {
      await startRestored({ restored, programs, action, timeoutSeconds: 60, clock: systemClock, signal });
      const links = await Promise.all(
        (await readdir(path.join(into, 'pg_tblspc'))).map(
          async (oid) => await readlink(path.join(into, 'pg_tblspc', oid)).catch(() => 'in place'),
        ),
      );
      expect(links).toEqual(['in place']);
      expect(await stateOf(place('two'))).toEqual(before);
    } finally {
      await stopCluster(programs, into, 'immediate');
    }
  });

  test('no clone replays up to it: refused before anything is written, and nothing of it is touched', async () => {
    const before = await stateOf(place('two'));
    const into = place('clone');
    const refusal: unknown = await restore({ repository, target: { kind: 'latest' }, into }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'refused',
      message: expect.stringMatching(
        new RegExp(`^a clone cannot be taken past position 0/[0-9A-F]+, where a tablespace was made at ${place('two')}$`),
      ),
      detail: expect.stringContaining(`CREATE TABLESPACE ran after the start of backup ${early}: `),
      hint: expect.stringMatching(/--to-lsn 0\/[0-9A-F]+ --exclusive/),
    });
    madeAt = /position (\S+),/.exec((refusal as Error).message)?.[1] ?? '';
    expect(parseLsn(madeAt)).toBeGreaterThanOrEqual(parseLsn(notBefore));
    await expect(readdir(into)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await stateOf(place('two'))).toEqual(before);
  });

  test('every command that makes a clone is refused the same way', async () => {
    const before = await stateOf(place('two'));
    await mkdir(place('scratch'));
    const env = { DBADMIN_SCRATCH: place('scratch'), XDG_STATE_HOME: place('state') };
    for (const words of [
      ['restore', '--to-latest', '--into', place('clone'), '--start'],
      ['restore', '--to-latest', '--into', place('clone'), '--dry-run'],
      ['restore', '--table', 'public.kept', '--to-latest', '--spool', place('scratch')],
      ['backup', 'drill'],
    ]) {
      const { status, stderr } = await runCommand([...words, '--yes', '--config', config], env);
      expect(`${words.join(' ')}: ${status} ${stderr}`).toMatch(
        /: 1 [^]*a clone cannot be taken past position .*, where a tablespace was made at .*\/two\n/,
      );
    }
    expect(await readdir(place('scratch'))).toEqual([]);
    expect(await stateOf(place('two'))).toEqual(before);
  });

  test('a clone of the moment just before it, and one of a later backup, can be made', async () => {
    const before = await stateOf(place('two'));
    const clone = await restore({ repository, target: { kind: 'lsn', lsn: parseLsn(madeAt) }, exclusive: true, into: place('before') });
    const sql = postgres(clone.url, { max: 1 });
    expect(await sql`select to_regclass('kept') is not null as kept, to_regclass('there') is not null as there`).toEqual([
      { kept: true, there: false },
    ]);
    await sql.end();
    await clone.stop();
    expect(await stateOf(place('two'))).toEqual(before);
    await backUp(cluster, repository, { kind: 'full' });
    await query('update there set n = n - 1; checkpoint');
    const later = await stateOf(place('two'));
    const second = await restore({ repository, target: { kind: 'latest' }, into: place('after') });
    const reader = postgres(second.url, { max: 1 });
    expect(await reader`select sum(n)::int as sum from there`).toEqual([{ sum: -501_500 }]);
    await reader.end();
    await second.stop();
    expect(await stateOf(place('two'))).toEqual(later);
  });

  const overOriginal = (...more: string[]): readonly string[] => {
    const words = ['restore', '--backup', early, '--into', cluster.dataDirectory ?? '', '--as', 'production', '--delta', '--yes'];
    return [...words, '--config', config, ...more];
  };

  test('a production elsewhere is refused while files of the original lie where recovery would make them', async () => {
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const [at] = await sql<{ lsn: string; size: number }[]>`
      select pg_current_wal_insert_lsn()::text as lsn, pg_relation_size('there')::int as size`;
    grownFrom = at?.lsn ?? '';
    sizeBefore = at?.size ?? 0;
    // Of rows that are known as committed, of a file that grew, and of transactions whose numbers are given out again.
    await sql.unsafe('insert into there select g from generate_series(1, 20000) g');
    await sql.unsafe('vacuum (freeze, truncate false) there');
    await sql.unsafe('create table later tablespace two as select 1 as n');
    await sql.end();
    await query('checkpoint');
    await receiver.stop();
    await cluster.crash();
    const before = await stateOf(place('two'));
    const words = ['restore', '--to-lsn', grownFrom, '--backup', early, '--as', 'production', '--yes', '--config', config];
    const { status, stderr } = await runCommand([...words, '--into', place('elsewhere')]);
    expect(`${status} ${stderr}`).toMatch(
      new RegExp(`^1 [^]*${place('two')}/PG_${major}_\\d+ is not empty, and recovery would go on with the files in it[^]*--delta`),
    );
    await expect(readdir(place('elsewhere'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await stateOf(place('two'))).toEqual(before);
  });

  test('--delta removes nothing that no link of the cluster it goes over leads to', async () => {
    const links = path.join(cluster.dataDirectory ?? '', 'pg_tblspc');
    const names = await readdir(links);
    const targets = await Promise.all(names.map(async (oid) => await readlink(path.join(links, oid)).catch(() => '')));
    const link = path.join(links, names[targets.indexOf(place('two'))] ?? '');
    const aside = path.join(cluster.dataDirectory ?? '', '..', 'link');
    await rename(link, aside);
    const before = await stateOf(place('two'));
    const { status, stderr } = await runCommand(overOriginal('--to-lsn', grownFrom));
    expect(`${status} ${stderr}`).toMatch(/^1 [^]*is not empty[^]*No link in .*pg_tblspc leads to .*two, so nothing proves/);
    expect(await stateOf(place('two'))).toEqual(before);
    await rename(aside, link);
  });

  test('as production over the original it is as at the moment: nothing that was written there since comes back', async () => {
    const plan = await runCommand(overOriginal('--to-lsn', grownFrom, '--dry-run', '--json'));
    expect(JSON.parse(plan.stdout)).toMatchObject({ preflight: { replayedTablespaces: [{ location: place('two'), isRemoved: true }] } });
    const { status, stdout, stderr } = await runCommand(overOriginal('--to-lsn', grownFrom, '--start'));
    expect(`${status} ${stderr}${stdout}`).toMatch(
      new RegExp(`^0 [^]*tablespace ${place('two')}, made after the backup: ${place('two')}/PG_${major}_\\d+ is removed`),
    );
    const sql = postgres(cluster.url(), { max: 1 });
    await sql`select count(*) from there`;
    for (let n = 0; n < 5; n += 1) await sql`select pg_current_xact_id()`;
    expect(
      await sql`select sum(n)::int as sum, count(*)::int as count, pg_relation_size('there')::int as size, (select n from kept) as kept,
        to_regclass('later') is not null as later from there`,
    ).toEqual([{ sum: -501_500, count: 1000, size: sizeBefore, kept: 1, later: false }]);
    await sql`checkpoint`;
    await sql.end();
    const into = cluster.dataDirectory ?? '';
    const links = await Promise.all(
      (await readdir(path.join(into, 'pg_tblspc'))).map(
        async (oid) => await readlink(path.join(into, 'pg_tblspc', oid)).catch(() => 'in place'),
      ),
    );
    expect(links.sort()).toEqual([place('two'), 'in place']);
  });
});

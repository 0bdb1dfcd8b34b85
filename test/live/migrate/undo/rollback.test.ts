import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embeddedPrograms } from '../../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../../src/postgres/server.ts';
import { inspectClusters } from '../../../../src/repository/identity.ts';
import { backupKey } from '../../../../src/repository/layout.ts';
import { listBackups, writeManifest } from '../../../../src/repository/manifest.ts';
import { parseLsn } from '../../../../src/postgres/lsn.ts';
import { appendLedger } from '../../../../src/repository/ledger.ts';
import { openRepository } from '../../../../src/repository/repository.ts';
import { openDiskStore } from '../../../../src/storage/disk.ts';
import type { CommandEnd } from '../../../backup/command.ts';
import { runInProcess } from '../../../backup/in-process.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../../backup/repository.ts';
import { freePort } from '../../../postgres/address.ts';
import type { TestCluster } from '../../../postgres/cluster.ts';
import { startTestCluster } from '../../../postgres/fixture.ts';
import { createProject, type TestProject } from '../project.ts';

const BAD = `
alter table core.play drop column device;
drop table core.gone;
delete from core.skips where id <= 5;
do $$ begin update core.play set score = 0 where id < 3; end $$;
alter table core.keyless drop column b;
drop schema old cascade;
create table core.passing (id int); drop table core.passing;
`;

let directory: string;
let cluster: TestCluster;
let sql: postgres.Sql;
let project: TestProject;
let configured: string;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 17, provider: 'embedded', walSegmentMegabytes: 4 });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create database other');
  await sql.unsafe(`
    create schema core; create schema old; create type core.mood as enum ('low', 'high');
    create table core.play (id int primary key, device text not null, score int, mood core.mood);
    insert into core.play select g, 'device ' || g, g * 10, 'low' from generate_series(1, 20) g;
    create table core.gone (id int primary key, doc jsonb, mood core.mood, unique (doc));
    insert into core.gone select g, jsonb_build_object('n', g), 'high' from generate_series(1, 7) g;
    create table core.skips (id int generated always as identity primary key, twice int generated always as (id * 2) stored, t text);
    insert into core.skips (t) select 'skip ' || g from generate_series(1, 9) g;
    create table core.keyless (a int, b text); insert into core.keyless values (1, 'x'), (1, 'y');
    create procedure core.forget_third() language plpgsql as 'begin delete from core.gone where id = 3; end';
    create type old.kind as enum ('x', 'y'); create table old.a (id int primary key, kind old.kind check (kind <> 'y')); insert into old.a values (1, 'x'); create table old.b (n int)`);
  const repository = await makeRepository(path.join(directory, 'repository'));
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  project = await createProject(cluster.url());
  configured = path.join(project.directory, 'dbadmin.yaml');
  await writeFile(
    configured,
    `version: 1\nclusters:\n  main: { url: "${cluster.url()}", repositories: [local] }\npaths: { migrations: migrations, routines: routines }\nrepositories:\n  local: { type: disk, path: "${path.join(directory, 'repository')}" }\n`,
    { mode: 0o600 },
  );
  await project.write('migrations/1_base.sql', 'create table core.base (id int);\n-- dbadmin: down\ndrop table core.base;\n');
  await project.up({ wantsRestorePoint: true });
  await sql`insert into core.play values (21, 'between', 210, 'high')`;
  await project.write('migrations/2_bad.sql', BAD);
  await project.up({ wantsRestorePoint: true });
  await workAfterwards();
  await project.write(
    'migrations/3_fine.sql',
    'alter table core.play add column note text;\n-- dbadmin: down\nalter table core.play drop column note;\n',
  );
  await project.up();
  await stored();
  await receiver.stop();
}, 60_000);

afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await project.delete();
  await removeDirectory(directory);
});

/** What others do after the bad run, of every kind: 3 + 2 + 1 + 500 + 2 + 4 rows come, 19 + 1 change, 4 + 1 go; 9 commits with rows. */
async function workAfterwards(): Promise<void> {
  await sql.unsafe(`insert into core.play (id, score) select g, 1 from generate_series(101, 103) g`);
  await sql.unsafe('begin; insert into core.play (id) values (901); rollback');
  await sql.unsafe(
    'begin; insert into core.play (id) values (104), (105); savepoint s; insert into core.play (id) values (902); rollback to s; commit',
  );
  await sql.unsafe(`insert into core.play (id, score) values (104, 5), (106, 5) on conflict (id) do update set score = 5`);
  await sql.unsafe('update core.play set score = score + 1 where id between 2 and 20');
  await sql.unsafe('delete from core.play where id between 101 and 104');
  await sql.unsafe('create table core.late (id int, big text)');
  const copy = await sql.unsafe('copy core.late (id) from stdin').writable();
  copy.end(Array.from({ length: 500 }, (_, index) => `${index}\n`).join(''));
  await new Promise((resolve) => copy.once('finish', resolve));
  await sql.unsafe(
    `alter table core.late alter big set storage external; insert into core.late select g, repeat('x', 20000) from generate_series(1, 2) g`,
  );
  await sql.unsafe('vacuum full core.late');
  await sql.unsafe('delete from core.late where id = 499');
  const other = postgres(cluster.url('other'), { max: 1, onnotice: () => undefined });
  await other.unsafe(`create table t (b text); alter table t alter b set storage external`);
  await other.unsafe(`insert into t select repeat('y', 9000) from generate_series(1, 4)`);
  await other.end();
}

/** All WAL so far is in the repository. */
async function stored(): Promise<void> {
  const [now] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn from pg_switch_wal()`;
  for (let tries = 0; tries < 100; tries += 1) {
    const [row] = await sql`select bool_and(flush_lsn >= ${now?.lsn ?? ''}::pg_lsn) as done from pg_stat_replication`;
    if (row?.['done'] === true) return;
    await sleep(100);
  }
  throw new Error('the receiver did not catch up');
}

const migrate = async (...args: readonly string[]): Promise<CommandEnd> =>
  await runInProcess(['migrate', ...args, '--config', configured], { ...process.env, DBADMIN_SCRATCH: directory });
const json = ({ stdout }: CommandEnd): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

describe('rollback --to', () => {
  test('shows the versions, what they took away and what each way costs, and changes nothing', async () => {
    const shown = await migrate('rollback', '--to', '1', '--dry-run');
    expect(shown.status).toBe(0);
    expect(shown.stdout).toContain('2 versions of postgres on main to go back over; 1 stays');
    expect(shown.stdout).not.toContain('passing');
    expect(shown.stdout).toMatch(/\ndown {4}no {8}2_bad\.sql: it has no down section\n/);
    expect(shown.stdout).toMatch(/\nrescue {2}possible {2}column core\.play\.device, table core\.gone, rows of core\.skips, /);
    expect(shown.stdout).toMatch(
      /\npitr {4}possible {2}the whole cluster as at restore point dbadmin_\d{8}T\d{6}Z_2, in a new directory, from /,
    );
    expect(shown.stdout).toMatch(/way back: rescue\n$/);
  });

  test('states for pitr exactly what was committed since by others, in every database', async () => {
    const { pitrLoss, losses } = json(await migrate('rollback', '--to', '1', '--dry-run', '--json'));
    expect(losses).toEqual(
      expect.arrayContaining([
        { what: 'column core.play.device', by: 'DROP COLUMN', gone: true, madeByRun: false, run: expect.any(String) },
        { what: 'column core.play.score', by: 'UPDATE', gone: null, madeByRun: false, run: expect.any(String) },
        { what: 'rows of core.skips', by: 'DELETE', gone: null, madeByRun: false, run: expect.any(String) },
        { what: 'schema old', by: 'DROP SCHEMA', gone: true, madeByRun: false, run: expect.any(String) },
      ]),
    );
    expect(pitrLoss).toMatchObject({
      tables: [
        { database: 'postgres', schema: 'core', table: 'late', inserted: 502, updated: 0, deleted: 1 },
        { database: 'postgres', schema: 'core', table: 'play', inserted: 6, updated: 20, deleted: 4 },
        { database: 'other', schema: 'public', table: 't', inserted: 4, updated: 0, deleted: 0 },
      ],
      inserted: 512,
      updated: 20,
      deleted: 5,
      commits: 9,
      own: { commits: 2 },
    });
  });

  test('rescue brings back exactly what was lost, with the SQL that puts it back; run as printed, the data is as before', async () => {
    const rescued = await migrate('rollback', '--to', '1', '--tier', 'rescue', '--yes', '--json');
    expect([rescued.status, rescued.stderr]).toEqual([0, '']);
    const things = json(rescued)['rescued'] as readonly {
      readonly what: string;
      readonly table: string;
      readonly schema: string;
      readonly rows: number;
      readonly statements: readonly string[];
      readonly note: string | null;
    }[];
    expect(things.map(({ what, table, rows }) => [what, table, rows])).toEqual([
      ['columns device, score of core.play', 'play_columns', 21],
      ['table core.gone', 'gone', 7],
      ['rows of core.skips', 'skips', 5],
      ['column b of core.keyless', 'keyless_columns', 2],
      ['table old.a', 'a', 1],
      ['table old.b', 'b', 0],
    ]);
    expect(things[4]).toMatchObject({ note: expect.stringContaining('kind came as text: type old.kind is not there any more') });
    expect(things[3]).toMatchObject({ statements: [], note: expect.stringContaining('no primary key') });
    const schema = things[0]?.schema ?? '';
    expect(await sql.unsafe(`select id, device, score from ${schema}.play_columns where id in (1, 21) order by id`)).toMatchObject([
      { id: 1, device: 'device 1', score: 10 },
      { id: 21, device: 'between', score: 210 },
    ]);
    const again = await migrate('rollback', '--to', '1', '--tier', 'rescue', '--yes');
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining(`there is a schema ${schema} already`)]);

    await sql.unsafe('create schema old');
    const refused: string[] = [];
    for (const statement of things.flatMap(({ statements }) => statements)) {
      await sql.unsafe(statement).catch((error: unknown) => refused.push(`${statement} ${String(error)}`));
    }
    // Rows written since have no device.
    expect(refused).toEqual([expect.stringContaining('ALTER COLUMN "device" SET NOT NULL')]);
    expect(await sql`select device, score from core.play where id in (1, 2) order by id`).toMatchObject([
      { device: 'device 1', score: 10 },
      { device: 'device 2', score: 20 },
    ]);
    expect(await sql`select count(*)::int as n, sum(twice)::int as twice from core.skips`).toMatchObject([{ n: 9, twice: 90 }]);
    expect(await sql`select count(*)::int as n, max(mood)::text as mood from core.gone`).toMatchObject([{ n: 7, mood: 'high' }]);
    expect(await sql`select id, kind from old.a`).toMatchObject([{ id: 1, kind: 'x' }]);
    await sql.unsafe(`drop schema ${schema} cascade`);
  });

  test('rescue takes only what --objects names, lost or not, and refuses what nobody lost', async () => {
    const wrong = await migrate('rollback', '--to', '1', '--tier', 'rescue', '--objects', 'core.nothing', '--yes');
    expect([wrong.status, wrong.stderr]).toEqual([64, expect.stringContaining('core.nothing is not among what was lost')]);
    const args = ['rollback', '--to', '1', '--tier', 'rescue', '--objects', 'core.play.device,table:core.play,table:core.nowhere', '--yes'];
    const rescued = await migrate(...args);
    expect([rescued.status, rescued.stderr]).toEqual([0, '']);
    expect(rescued.stdout).toMatch(/column device of core\.play → "rescue_\w{8}"\."play_columns" {3}21 rows\n/);
    // The table and its column have a primary key each, which must not ask for the same name.
    expect(rescued.stdout).toMatch(/table core\.play → "rescue_\w{8}"\."play" {3}\d+ rows\n/);
    expect(rescued.stdout).toMatch(/table core\.nowhere: was not there at restore point dbadmin_\S+\n/);
    expect(rescued.stdout).toMatch(/\n2 things brought back in /);
  });

  test('rescue brings nobody back who was erased since, and says whom it could not keep out', async () => {
    const { id, lsn } = (
      await sql<{ id: string; lsn: string }[]>`
      select system_identifier::text as id, pg_current_wal_lsn()::text as lsn from pg_control_system()`
    )[0] ?? { id: '', lsn: '0/0' };
    const opened = await openRepository(await openDiskStore(path.join(directory, 'repository')), { kind: 'none' });
    const forgotten = async (name: string, subject: string): Promise<void> => {
      const deed = { kind: 'subject-forgotten', database: 'postgres', procedure: ['core', name], arguments: [], subject } as const;
      await appendLedger(opened, { systemIdentifier: id, timeline: 1, lsn: parseLsn(lsn), at: new Date(), by: 'test', deed });
    };
    for (const { name } of await sql<{ name: string }[]>`select nspname as name from pg_namespace where nspname like 'rescue\\_%'`)
      await sql.unsafe(`drop schema ${name} cascade`);
    await forgotten('forget_third', 'listener 3');
    await forgotten('not_yet_there', 'listener 4');
    const { status, stdout, stderr } = await migrate('rollback', '--to', '1', '--tier', 'rescue', '--objects', 'table:core.gone', '--yes');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/erased again in the clone, before anything is copied: listener 3 \(erased /);
    expect(stderr).toMatch(/^warning: listener 4 \(erased [^)]*\) may come back with what is rescued: .*not_yet_there/);
    const schema = /"(rescue_\w{8})"\."gone" {3}6 rows/.exec(stdout)?.[1] ?? '';
    expect(await sql.unsafe(`select id from ${schema}.gone where id in (3, 4)`)).toEqual([{ id: 4 }]);
    await sql.unsafe(`drop schema ${schema} cascade`);
  });

  test('pitr prints the restore, or starts it in a new directory: the cluster is as at the restore point', async () => {
    const printed = await migrate('rollback', '--to', '1', '--tier', 'pitr');
    expect([printed.status, printed.stderr]).toEqual([0, '']);
    expect(printed.stdout).toMatch(/\nrun: dbadmin restore --to-name dbadmin_\d{8}T\d{6}Z_2 --into DIR --start\n/);
    const into = path.join(directory, 'clone');
    const port = await freePort();
    const restored = await migrate(
      'rollback',
      '--to',
      '1',
      '--tier',
      'pitr',
      '--into',
      into,
      '--yes',
      '--no-count',
      '--port',
      String(port),
    );
    try {
      expect([restored.status, restored.stderr]).toEqual([
        0,
        expect.stringMatching(/^To throw it away: [^\n]+ stop -m immediate && rm -rf [^\n]+\n$/),
      ]);
      const clone = postgres(`postgresql://postgres@127.0.0.1:${port}/postgres`, { max: 1 });
      expect(await clone`select count(device)::int as devices, max(id) as id from core.play`).toMatchObject([{ devices: 21, id: 21 }]);
      expect(await clone`select to_regclass('core.late') as late, to_regclass('core.base') is not null as base`).toMatchObject([
        { late: null, base: true },
      ]);
      await clone.end();
    } finally {
      await stopCluster(await embeddedPrograms(17), into, 'immediate');
    }
  }, 60_000);

  test('from a suspect backup rescue and pitr are possible and say so, and pitr is done where that was accepted', async () => {
    const repository = await openRepository(await openDiskStore(path.join(directory, 'repository')), { kind: 'none' });
    const systemIdentifier = (await inspectClusters(repository)).clusters[0]?.systemIdentifier ?? '';
    const [suspect] = await listBackups(repository, systemIdentifier);
    const label = 'audited';
    if (suspect === undefined) throw new Error('there is no backup');
    const audit = { comparedWith: suspect.label, pages: 9, benign: 0, mismatches: [{ path: 'base/5/1', block: 7 }] };
    const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
    const lsns = { startLsn: at?.lsn ?? '', stopLsn: at?.lsn ?? '' };
    await writeManifest(repository, { ...suspect, ...lsns, label, audit }, []);
    try {
      const doubt = `${suspect.label} is suspect. The audit of audited found 1 page `;
      const tier = { possible: true, why: expect.arrayContaining([expect.stringContaining(doubt)]) };
      expect(json(await migrate('rollback', '--to', '1', '--dry-run', '--json'))).toMatchObject({ tiers: { rescue: tier, pitr: tier } });
      const pitr = ['rollback', '--to', '1', '--tier', 'pitr', '--no-count'];
      expect((await migrate(...pitr, '--accept-suspect')).stdout).toMatch(/\nrun: dbadmin restore .* --start --accept-suspect\n/);
      const [into, port] = [path.join(directory, 'accepted'), await freePort()];
      const start = [...pitr, '--into', into, '--yes', '--port', String(port)];
      expect(await migrate(...start)).toMatchObject({ status: 1, stderr: expect.stringContaining('--accept-suspect') });
      expect(await migrate(...start, '--accept-suspect')).toMatchObject({ status: 0 });
      await stopCluster(await embeddedPrograms(17), into, 'immediate');
    } finally {
      await repository.store.delete(backupKey(systemIdentifier, label));
      await repository.store.close();
    }
  }, 60_000);

  test('without a restore point, or with one that the repository has not, the reason is given and nothing is done', async () => {
    const none = await migrate('rollback', '--to', '2', '--tier', 'pitr', '--yes');
    expect([none.status, none.stderr]).toEqual([
      1,
      expect.stringMatching(/there is no way back by pitr\nno restore point was set before 3_fine\.sql\nPossible: down\./),
    ]);
    await project.write('migrations/4_late.sql', 'drop table core.base;');
    await project.up({ wantsRestorePoint: true });
    await project.write('migrations/5_made.sql', 'create table core.fresh (id int);');
    await project.write('migrations/6_drop.sql', 'drop table core.fresh;');
    await project.up({ wantsRestorePoint: true });
    const made = json(await migrate('rollback', '--to', '5', '--dry-run', '--json'));
    expect(made).toMatchObject({
      losses: [{ what: 'table core.fresh', madeByRun: true }],
      tiers: { rescue: { possible: false, why: ['what was taken away had been made by the same run, after its restore point'] } },
    });
    const late = await migrate('rollback', '--to', '3', '--dry-run');
    expect(late.status).toBe(0);
    expect(late.stdout).toMatch(/\nrescue {2}no {8}recovery target restore point "dbadmin_\S+_4" is not recoverable/);
    expect(late.stdout).toMatch(/\npitr {4}no {8}recovery target restore point "dbadmin_\S+_4" is not recoverable/);
    expect(late.stdout).not.toContain('way back');
    const refused = await migrate('rollback', '--to', '3', '--yes');
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('there is no way back that dbadmin knows')]);
    expect((await migrate('rollback', '--to', '9')).status).toBe(64);
    expect((await migrate('rollback')).status).toBe(64);
  });

  test('down goes by the down sections where all have one', async () => {
    await sql.unsafe('create table core.base (id int)');
    await project.write('migrations/7_more.sql', 'create table core.more (id int);\n-- dbadmin: down\ndrop table core.more;');
    await project.up();
    const down = await migrate('rollback', '--to', '6', '--yes', '--json');
    expect([down.status, down.stderr]).toEqual([
      0,
      expect.stringMatching(/restore point dbadmin_\S+_down_7 is not recoverable yet: local: its WAL ends at /),
    ]);
    expect(json(down)).toMatchObject({ tier: 'down', done: { undone: [{ version: '7' }], restorePoint: { archived: false } } });
    expect(await sql`select to_regclass('core.more') as t`).toMatchObject([{ t: null }]);
  });
});

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRunning } from '../../../src/base/processes.ts';
import { lockLevel, lockModeOf, type LockMode } from '../../../src/migrate/effects/lock-modes.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { parseSqlFile } from '../../../src/migrate/files/migration.ts';
import { readRehearsal, rehearsedStatements, type RehearsalRecord, type RehearsedFile } from '../../../src/migrate/rehearse/record.ts';
import { commandEnd, runCommand, startCommand, type CommandEnd } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** The full measure is a million: npm run test:rehearse. */
const ROWS = Number(process.env['DBADMIN_TEST_ROWS'] ?? '100000');
/** Inserted after the backup; only --to now finds them. */
const LATER = 7;

const WIDEN = '20261121T093000_widen.sql';
const IN_TRANSACTION = [
  'alter table core.play add column device text',
  'alter table core.play alter column id type bigint',
  'alter table core.play add constraint play_listener_fk foreign key (listener) references core.listener (id)',
  "update core.play set device = 'phone'",
  'create table core.device (name text primary key, listener int references core.listener (id))',
  'create index on core.device (listener)',
];
const INDEX = '20261121T094500_index.sql';
const ALONE = ['create index concurrently play_listener_idx on core.play (listener)', 'vacuum (full) core.play'];
/** Each in a transaction of its own, faster than the server passes on what it counted. */
const SMALL = [10, 7, 3].map((rows) => `update core.play set device = 'tv' where id <= ${rows}`);

/** The strongest lock on each relation that was there before, by name. */
type Locks = ReadonlyMap<string, LockMode>;

interface Result extends RehearsalRecord {
  readonly verdict: string;
  readonly overLimit: readonly { readonly table: string }[];
}

let cluster: TestCluster;
let directory: string;
let env: NodeJS.ProcessEnv;
let seenInTransaction: readonly Locks[];
let seenAlone: readonly Locks[];

const write = async (file: string, text: string): Promise<void> => {
  const location = path.join(directory, file);
  await mkdir(path.dirname(location), { recursive: true });
  await writeFile(location, text);
};
const words = (...args: readonly string[]): string[] => ['migrate', 'rehearse', '--config', path.join(directory, 'dbadmin.yaml'), ...args];
const rehearse = async (...args: readonly string[]): Promise<CommandEnd> => await runCommand(words(...args), env);
const resultOf = (end: CommandEnd): Result => JSON.parse(end.stdout) as Result;
/** What a run left where clones live and where their sockets are. */
const leftovers = async (): Promise<readonly string[]> => [
  ...(await readdir(path.join(directory, 'scratch'))),
  ...(await readdir(path.join(directory, 'tmp'))),
];

beforeAll(async () => {
  directory = await makeDirectory();
  for (const name of ['scratch', 'tmp']) await mkdir(path.join(directory, name));
  cluster = await startTestCluster({ major: 17, provider: 'embedded', settings: { max_wal_size: '8GB' } });
  env = {
    DBADMIN_SCRATCH: path.join(directory, 'scratch'),
    TMPDIR: path.join(directory, 'tmp'),
    XDG_STATE_HOME: path.join(directory, 'state'),
    DBADMIN_PG_BIN_17: cluster.programs?.binDirectory,
  };
  const admin = postgres(cluster.url(), { max: 1 });
  await admin.unsafe('create role app_owner login');
  await admin.unsafe('create database listening owner app_owner');
  await admin.end();
  const owner = postgres(cluster.url('listening', 'app_owner'), { max: 1, onnotice: () => undefined });
  await owner.unsafe(`create schema core;
    create table core.listener (id int primary key);
    create table core.play (id int primary key, listener int not null, at timestamptz not null default now());
    create index play_at_idx on core.play (at);
    insert into core.listener select g from generate_series(0, 99) g;
    insert into core.play (id, listener) select g, g % 100 from generate_series(1, ${ROWS}) g;
    analyze core.play`);
  seenInTransaction = await lookInTransaction(IN_TRANSACTION);
  seenAlone = await lookWhileRunning(ALONE);
  await owner.unsafe('drop index core.play_listener_idx');
  const repository = await makeRepository(path.join(directory, 'repository'));
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  await owner.unsafe(`insert into core.play (id, listener) select ${ROWS} + g, 1 from generate_series(1, ${LATER}) g`);
  await untilStored(owner);
  await owner.end();
  await receiver.stop();
  await write(
    'dbadmin.yaml',
    `version: 1
clusters:
  main: { url: ${JSON.stringify(cluster.url('listening', 'app_owner'))}, repositories: [local] }
repositories:
  local: { type: disk, path: ${JSON.stringify(path.join(directory, 'repository'))} }
`,
  );
  await write(`sql/migrations/${WIDEN}`, `${IN_TRANSACTION.join(';\n')};\n`);
  // From here on there is nothing but the backup.
  await cluster.crash();
}, 600_000);
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

describe('with the cluster down, migrate rehearse', () => {
  test('reports the locks that a second session sees in pg_locks, rewrites, rows, WAL and time', async () => {
    await write(`sql/migrations/${INDEX}`, `-- dbadmin: no-transaction\n${ALONE.join(';\n')};\n${SMALL.join(';\n')};\n`);
    await write(
      'sql/routines/core/plays.sql',
      'create or replace function core.plays() returns bigint language sql as $$ select count(*) from core.play $$;',
    );
    const end = await rehearse('--json');
    expect(end.stderr).not.toContain('error');
    expect(end.status).toBe(0);
    const result = resultOf(end);
    expect(result).toMatchObject({ verdict: 'passed', user: 'app_owner', database: 'listening', warnings: [] });
    const [widen, index, routines] = result.files as [RehearsedFile, RehearsedFile, RehearsedFile];

    // Locks stay, so what the statements took adds up to what the second session saw after each.
    const held = new Map<string, LockMode>();
    const heldAfterEach = widen.statements.map(({ locks }) => {
      for (const { relation, mode } of locks) held.set(relation, mode);
      return new Map(held);
    });
    expect(heldAfterEach).toEqual(seenInTransaction);
    const [addColumn, retype, foreignKey, update, create] = widen.statements;
    expect(addColumn?.rewrites).toEqual([]);
    expect(retype?.rewrites.map(({ kind, relation }) => `${kind} ${relation}`)).toEqual([
      'table core.play',
      'toast core.play',
      'index core.play_at_idx',
      'index core.play_pkey',
    ]);
    expect(foreignKey?.rewrites).toEqual([]);
    // A row of a rewritten table takes some 60 bytes with its index entries; no page is written whole, since its file is new.
    expect(retype?.walBytes).toBeGreaterThan(ROWS * 60);
    expect(addColumn?.walBytes).toBeLessThan(100_000);
    expect([addColumn?.rows, update?.rows, create?.rows]).toEqual([0, ROWS, 0]);
    expect(create?.locks.map(({ relation }) => relation)).not.toContain('core.device');
    // From the first statement to the commit, and from the third on; what lies between statements counts too.
    const [play, listener] = widen.blocked;
    const tookFrom = (first: number): number => widen.statements.slice(first).reduce((total, { tookMs }) => total + tookMs, 0);
    expect(play).toMatchObject({ table: 'core.play', reads: { by: 0, mode: 'AccessExclusive', longest: 3 } });
    expect(listener).toMatchObject({ table: 'core.listener', reads: null, writes: { by: 2, mode: 'ShareRowExclusive', longest: 3 } });
    for (const [blockedMs = 0, first] of [
      [play?.reads?.ms, 0],
      [listener?.writes?.ms, 2],
    ] as const) {
      expect(blockedMs).toBeGreaterThanOrEqual(tookFrom(first));
      expect(blockedMs).toBeLessThanOrEqual(widen.tookMs - (tookFrom(0) - tookFrom(first)));
    }

    expect(index.transaction).toBe(false);
    const [concurrently, vacuum, ...small] = index.statements;
    for (const [number, statement] of [concurrently, vacuum].entries()) {
      expect(statement?.seen).toBe('sampled');
      const locks = new Map(statement?.locks.map(({ relation, mode }) => [relation, mode]));
      // Locks of readers and writers may last a moment; and nobody can wait for the index that the file itself makes.
      const seen = [...(seenAlone[number] ?? [])].filter(
        ([relation, mode]) => lockLevel(mode) > 3 && relation !== 'core.play_listener_idx',
      );
      expect(seen.length).toBeGreaterThan(0);
      for (const [relation, mode] of seen) expect(`${relation} ${locks.get(relation)}`).toBe(`${relation} ${mode}`);
    }
    expect(concurrently?.rewrites).toEqual([]);
    expect(vacuum?.rewrites.map(({ relation }) => relation)).toContain('core.play');
    expect(small.map(({ seen, rows }) => `${seen} ${rows}`)).toEqual(['exact 10', 'exact 7', 'exact 3']);
    expect(index.blocked).toMatchObject([{ table: 'core.play', reads: { by: 1 } }]);
    expect(routines).toMatchObject({
      kind: 'routines',
      version: null,
      applied: true,
      blocked: [],
      statements: [{ command: 'CREATE FUNCTION' }],
    });

    // What plan reads afterwards.
    const [kept = ''] = await readdir(path.join(directory, 'state', 'dbadmin'));
    const record = await readRehearsal(path.join(directory, 'state', 'dbadmin', kept));
    expect(record?.files).toEqual(result.files);
    const found = rehearsedStatements(record as RehearsalRecord);
    const text = `${IN_TRANSACTION[0]}; ${IN_TRANSACTION[1]};`;
    const [, second] = parseSqlFile({ path: WIDEN, location: WIDEN, text, sha256: '' }, await loadSqlParser()).statements;
    if (second === undefined) throw new Error('two statements');
    expect(found('20261121T093000', second)?.tookMs).toBe(retype?.tookMs);
    expect(found('20261121T093001', second)).toBeUndefined();
    expect(found('20261121T093000', { ...second, text: `${second.text} ` })).toBeUndefined();
    expect(await leftovers()).toEqual([]);
  }, 600_000);

  test('fails over --max-block with the statement and the safe way; --to now replays what came after the backup', async () => {
    await rm(path.join(directory, 'sql', 'migrations', INDEX), { force: true });
    const file = path.join(directory, 'report.json');
    const end = await rehearse('--max-block', '1ms', '--to', 'now', '--report', file);
    expect(end.status).toBe(3);
    expect(end.stdout).toMatch(/moment {5}the newest WAL there is, last commit /);
    expect(end.stdout).toMatch(
      /alter table core\.play alter column id type bigint +\S+ m?s +\S+ MB WAL\n +AccessExclusive on 2 indexes of core\.play/,
    );
    expect(end.stdout).toContain('rewrites core.play, index core.play_at_idx, index core.play_pkey');
    expect(end.stdout).toContain(`${(ROWS + LATER).toLocaleString('en')} rows`);
    expect(end.stdout).toMatch(
      /over the limit: reads and writes of core\.play blocked \S+ m?s by 20261121T093000_widen\.sql\n {2}sql\/migrations\/20261121T093000_widen\.sql:1: ALTER TABLE core\.play takes AccessExclusive\n {2}sql\/migrations\/20261121T093000_widen\.sql:4: UPDATE core\.play runs /,
    );
    expect(end.stdout).toMatch(/instead: Statement 4 takes \S+ m?s of it: change the rows in batches/);
    const report = JSON.parse(await readFile(file, 'utf8')) as Result;
    expect(report).toMatchObject({ verdict: 'over-limit', overLimit: [{ table: 'core.play' }, { table: 'core.listener' }] });
    const within = await rehearse('--max-block', '10min');
    expect(within).toMatchObject({ status: 0, stdout: expect.stringMatching(/nobody waits longer than 10 min/) });
  }, 600_000);

  test('shows a failing statement as up does, behind what was measured before it, and exits 1', async () => {
    await write('sql/migrations/20261121T100000_wrong.sql', 'create table core.a ();\nalter table core.play\n  drop column absent;\n');
    const end = await rehearse();
    expect(end.status).toBe(1);
    expect(end.stdout).toMatch(/20261121T093000_widen\.sql {3}\S+ m?s/);
    expect(end.stdout).toMatch(/20261121T100000_wrong\.sql {3}failed\n {2}1 {2}create table core\.a/);
    expect(end.stderr).toContain(
      'error: sql/migrations/20261121T100000_wrong.sql:2:1: column "absent" of relation "play" does not exist (42703)',
    );
    expect(await leftovers()).toEqual([]);

    await write('sql/migrations/20261121T100000_wrong.sql', 'create tabel core.a ();\n');
    const unread = await rehearse();
    expect(unread).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('20261121T100000_wrong.sql:1:8') });
    await rm(path.join(directory, 'sql', 'migrations', '20261121T100000_wrong.sql'));
  }, 600_000);

  test('interrupted by SIGTERM leaves no server and no directory', async () => {
    await write(`sql/migrations/20261121T080000_long.sql`, 'select pg_sleep(300);\n');
    const child = startCommand(words('--verbose'), env);
    const ended = commandEnd(child);
    const pid = await serverIn(path.join(directory, 'scratch'));
    await untilFileRuns(path.join(directory, 'tmp'));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 130 });
    expect(await isRunning(pid)).toBe(false);
    expect(await leftovers()).toEqual([]);
  }, 600_000);
});

/** Runs statements in one transaction without any tool; after each, another session looks at pg_locks. All is rolled back. */
async function lookInTransaction(statements: readonly string[]): Promise<readonly Locks[]> {
  const first = postgres(cluster.url('listening', 'app_owner'), { max: 1, onnotice: () => undefined });
  const second = postgres(cluster.url('listening'), { max: 1 });
  try {
    const seen: Locks[] = [];
    await first
      .begin(async (session) => {
        const [row] = await session<{ pid: number }[]>`select pg_backend_pid() as pid`;
        for (const statement of statements) {
          await session.unsafe(statement);
          seen.push(await locksOf(second, row?.pid ?? 0));
        }
        throw new Error('enough');
      })
      .catch((error: unknown) => {
        if (!(error instanceof Error) || error.message !== 'enough') throw error;
      });
    return seen;
  } finally {
    await first.end();
    await second.end();
  }
}

/** Runs each statement by itself; another session looks as often as it can while it runs. */
async function lookWhileRunning(statements: readonly string[]): Promise<readonly Locks[]> {
  const first = postgres(cluster.url('listening', 'app_owner'), { max: 1, onnotice: () => undefined });
  const second = postgres(cluster.url('listening'), { max: 1 });
  try {
    const [row] = await first<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const all: Locks[] = [];
    for (const statement of statements) {
      const state = { isOver: false };
      const running = first.unsafe(statement).finally(() => (state.isOver = true));
      const seen = new Map<string, LockMode>();
      while (!state.isOver) for (const [relation, mode] of await locksOf(second, row?.pid ?? 0)) keepStronger(seen, relation, mode);
      await running;
      all.push(seen);
    }
    return all;
  } finally {
    await first.end();
    await second.end();
  }
}

/** What others see: a relation that the transaction itself made is not yet in their catalog. */
async function locksOf(sql: postgres.Sql, pid: number): Promise<Locks> {
  const rows = await sql<{ relation: string; mode: string }[]>`
    select n.nspname || '.' || c.relname as relation, l.mode from pg_locks l join pg_class c on c.oid = l.relation
    join pg_namespace n on n.oid = c.relnamespace where l.pid = ${pid} and l.granted and n.nspname = 'core'`;
  const strongest = new Map<string, LockMode>();
  for (const { relation, mode } of rows) {
    const known = lockModeOf(mode);
    if (known !== undefined) keepStronger(strongest, relation, known);
  }
  return strongest;
}

function keepStronger(locks: Map<string, LockMode>, relation: string, mode: LockMode): void {
  const before = locks.get(relation);
  if (before === undefined || lockLevel(mode) > lockLevel(before)) locks.set(relation, mode);
}

/** Waits until the receiver has said that everything written so far is in the repository. */
async function untilStored(sql: postgres.Sql): Promise<void> {
  const [end] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
  const admin = postgres(cluster.url(), { max: 1 });
  try {
    await until(async () => {
      const rows = await admin`select from pg_stat_replication where flush_lsn >= ${end?.lsn ?? '0/0'}::pg_lsn`;
      return rows.length > 0 ? true : undefined;
    });
  } finally {
    await admin.end();
  }
}

/** The process id of the clone's server, once there is one. */
async function serverIn(scratch: string): Promise<number> {
  return await until(async () => {
    const [name = ''] = await readdir(scratch);
    const pid = Number((await readFile(path.join(scratch, name, 'data', 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  });
}

/** Waits until the clone runs a statement that sleeps: its socket lies in `tmp`. */
async function untilFileRuns(tmp: string): Promise<void> {
  await until(async () => {
    const [name = ''] = await readdir(tmp);
    const socket = (await readdir(path.join(tmp, name)).catch(() => [])).find((each) => /^\.s\.PGSQL\.\d+$/.test(each));
    if (socket === undefined) return undefined;
    const sql = postgres({ path: path.join(tmp, name, socket), username: 'postgres', database: 'postgres', max: 1, connect_timeout: 5 });
    try {
      const rows = await sql`select from pg_stat_activity where state = 'active' and query like 'select pg_sleep%'`;
      return rows.length > 0 ? true : undefined;
    } catch {
      return undefined;
    } finally {
      await sql.end();
    }
  });
}

async function until<Value>(look: () => Promise<Value | undefined>): Promise<Value> {
  for (let tries = 0; tries < 1200; tries += 1) {
    const value = await look();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it never came to that');
}

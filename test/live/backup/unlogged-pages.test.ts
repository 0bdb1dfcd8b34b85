import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectEndedTransactions, inspectFileUse, type FileUse } from '../../../src/backup/take/file-use-inspect.ts';
import { Secret } from '../../../src/base/secret.ts';
import { OrdinarySession } from '../../../src/backup/take/ordinary-session.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { flipBit, overwritePage } from '../../backup/flip-bit.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { ClusterOptions, TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let cluster: TestCluster | undefined;
const sessions: { end(): Promise<void> }[] = [];

beforeEach(async () => {
  directory = await makeDirectory();
});

afterEach(async () => {
  await Promise.all(sessions.splice(0).map(async (each) => await each.end()));
  await cluster?.stop();
  cluster = undefined;
  await removeDirectory(directory);
});

async function start(options: ClusterOptions): Promise<TestCluster> {
  cluster = await startTestCluster({ ...options, provider: 'embedded', settings: { autovacuum: 'off', ...options.settings } });
  return cluster;
}

function connect(to: TestCluster, database?: string): postgres.Sql {
  const sql = postgres(to.url(database), { max: 1, onnotice: () => undefined });
  sessions.push(sql);
  return sql;
}

/** A cluster whose tables were loaded under wal_level = minimal, one in each database, that can be backed up now. */
async function startLoaded(major: number): Promise<TestCluster> {
  const summaries = major >= 17 ? { summarize_wal: 'off' } : {};
  const loaded = await start({ major, checksums: false, settings: { wal_level: 'minimal', max_wal_senders: 0, ...summaries } });
  const sql = connect(loaded);
  await sql`create database other`;
  await sql`create database shut`;
  for (const database of [undefined, 'other', 'shut']) {
    const there = connect(loaded, database);
    await there`create table archive as select g, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g`;
    await there`create index archive_g on archive (t)`;
  }
  await sql`alter system set wal_level = 'replica'`;
  await sql`alter system set max_wal_senders = 10`;
  await Promise.all(sessions.splice(0).map(async (each) => await each.end()));
  await loaded.restart();
  return loaded;
}

test.each([
  [14, 'incremental'],
  [18, 'full'],
] as const)(
  'PostgreSQL %i, %s: a backup names pages that the storage changed and of which nothing was ever logged, in any database that can be asked',
  async (major, kind) => {
    const loaded = await startLoaded(major);
    const repository = await makeRepository(path.join(directory, 'repository'));
    const [sql, other, shut] = [connect(loaded), connect(loaded, 'other'), connect(loaded, 'shut')];
    const files = (await shut<{ path: string }[]>`select pg_relation_filepath('archive') as path`).map((row) => row.path);
    const first = await backUp(loaded, repository);
    await sql`alter database shut allow_connections false`;
    const table = await flipBit(loaded, sql, 'archive', 100);
    const index = await flipBit(loaded, sql, 'archive_g', 50);
    await overwritePage(loaded, sql, 'archive', 200, Buffer.alloc(8192));
    const elsewhere = await flipBit(loaded, other, 'archive', 7);
    await flipBit(loaded, shut, 'archive', 8);
    const found = await backUp(loaded, repository, { kind });
    expect(found.audit?.comparedWith).toBe(first.label);
    expect(new Set(found.audit?.mismatches)).toEqual(
      new Set([
        { path: table, block: 100 },
        { path: table, block: 200, emptied: true },
        { path: index, block: 50 },
        { path: elsewhere, block: 7 },
      ]),
    );
    expect(found.warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `, 1 in ${files[0]}: .*\\(database "shut" takes no connections\\)\\. ALTER DATABASE shut ALLOW_CONNECTIONS true .*F1 expires`.replace(
            'F1',
            first.label,
          ),
        ),
      ),
    ]);
    expect(found.audit?.unjudged).toMatchObject({ pages: 1, files: 1, causes: [{ pages: 1, paths: files }] });
    // Where nobody can be asked it is no mismatch, and is said.
    await flipBit(loaded, sql, 'archive', 101);
    const unasked = await backUp(loaded, repository, { kind, connection: undefined });
    expect(unasked.audit).toMatchObject({ comparedWith: found.label, mismatches: [] });
    expect(unasked.warnings).toEqual([
      expect.stringMatching(new RegExp(`^pages .* differ from ${found.label}, 1 in ${table}: .*\\(there is no ordinary connection\\)\\. `)),
    ]);
  },
);

test('what nobody could judge is said by list, info, check and status while the backup with the page as it was is there, until it is acknowledged', async () => {
  const loaded = await startLoaded(18);
  const place = path.join(directory, 'repository');
  const config = await writeConfig(directory, loaded, place);
  const dbadmin = async (...args: readonly string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--yes'], { DBADMIN_SCRATCH: directory, XDG_STATE_HOME: directory });
  const [sql, shut] = [connect(loaded), connect(loaded, 'shut')];
  await dbadmin('backup', 'init');
  expect(await dbadmin('backup', 'run')).toMatchObject({ status: 0 });
  const file = await flipBit(loaded, shut, 'archive', 8);
  await sql`alter database shut allow_connections false`;
  const found = await dbadmin('backup', 'run');
  const text = `1 in ${file}: `;
  expect(found).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(', 1 that nobody could judge'),
    stderr: expect.stringContaining(text),
  });

  const said = async (): Promise<readonly boolean[]> => [
    (await dbadmin('backup', 'list')).stderr.includes(text),
    (await dbadmin('backup', 'info')).stderr.includes(text),
    /note.* audit.*that of/.test((await dbadmin('backup', 'check')).stdout.replaceAll('\n', ' ')),
    (await dbadmin('status')).stdout.includes(text),
    /^dbadmin_audit_unjudged_pages\{.*\} 1$/m.test((await dbadmin('status', '--prometheus')).stdout),
  ];
  expect(await said()).toEqual([true, true, true, true, true]);
  for (const words of ['list', 'info'])
    expect(JSON.parse((await dbadmin('backup', words, '--json')).stdout)).toMatchObject({
      unjudged: [{ pages: 1, causes: [{ paths: [file] }] }],
    });
  expect((await dbadmin('status', '--json')).stdout).not.toContain('backup-suspect');

  expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0, stderr: expect.not.stringContaining(text) });
  expect(await said()).toEqual([true, true, true, true, true]);
  const { unjudged } = JSON.parse((await dbadmin('backup', 'list', '--json')).stdout) as { unjudged: { audit: string }[] };
  const words = ['backup', 'acknowledge', unjudged[0]?.audit ?? '', '--sound', 'both', '--reason', 'rows compared'];
  expect(await dbadmin(...words)).toMatchObject({ status: 0 });
  expect(await said()).toEqual([false, false, false, false, false]);
});

test('a file is used where a relation has it that was there before the backup: in its database and tablespace, and by the map of catalogs', async () => {
  const running = await start({ major: 16 });
  const sql = connect(running);
  const pathOf = async (relation: string, by = sql): Promise<string> => {
    const [row] = await by<{ path: string }[]>`select pg_relation_filepath(${relation}::text::regclass) as path`;
    return row?.path ?? '';
  };
  await sql.unsafe(`set allow_in_place_tablespaces = on`);
  await sql.unsafe(`create tablespace space location ''`);
  await sql`create database other`;
  await sql`create table t (id int primary key, t text)`;
  await sql`create unlogged table volatile (n int)`;
  await sql`create table far (n int) tablespace space`;
  await sql`create table altered (n int)`;
  await sql`create table rewritten (n int)`;
  await sql`create table dropped (n int)`;
  const other = connect(running, 'other');
  await other`create table t (n int)`;
  const [{ toast } = { toast: '' }] = await sql<
    { toast: string }[]
  >`select reltoastrelid::regclass::text as toast from pg_class where relname = 't'`;
  const used = await Promise.all(['pg_class', 'pg_database', 't', 't_pkey', toast, 'far'].map(async (name) => await pathOf(name)));
  used.push(`${await pathOf('volatile')}_init`, `${await pathOf('t')}.3`, await pathOf('t', other), await pathOf('pg_class', other));
  const [altered, rewritten, dropped] = await Promise.all(['altered', 'rewritten', 'dropped'].map(async (name) => await pathOf(name)));

  const session = new OrdinarySession(running.parameters());
  sessions.push({ end: async () => await session.close() });
  const [{ system } = { system: '' }] = await sql<{ system: string }[]>`select system_identifier::text as system from pg_control_system()`;
  const ended = await inspectEndedTransactions(session, system);
  await sql`alter table altered set (fillfactor = 50)`;
  await sql`vacuum full rewritten`;
  await sql`drop table dropped`;
  await sql`update pg_index set indisvalid = false where indexrelid = 't_pkey'::regclass`;
  const builder = connect(running);
  const building = await new Promise<string>((resolve, reject) => {
    void builder
      .begin(async (tx) => {
        await tx`create index building on t (t)`;
        const [row] = await tx<{ path: string }[]>`select pg_relation_filepath('building') as path`;
        resolve(row?.path ?? '');
        await new Promise((done) => sessions.unshift({ end: async () => await Promise.resolve(done(undefined)) }));
      })
      .catch(reject);
  });
  const asked: readonly string[] = [...used, altered ?? '', rewritten ?? '', dropped ?? '', building, 'base/99999/16384'];
  const uses = await inspectFileUse(session, ended, asked);
  const expected = new Map<string, FileUse>(asked.map((each) => [each, used.includes(each) ? 'used' : 'unused']));
  expected.set(await pathOf('t_pkey'), 'unused');
  expected.set(altered ?? '', {
    unknown: 'the relation was made or altered after the oldest transaction that was running when the backup began',
    wayOut: expect.stringContaining('pg_prepared_xacts') as string,
  });
  expect(uses).toEqual(expected);

  await sql`create role "a b" login password 'secret'`;
  await sql`revoke connect on database other from public`;
  const asker = new OrdinarySession({ ...running.parameters(), user: 'a b', password: new Secret('secret') });
  sessions.push({ end: async () => await asker.close() });
  const inOther = await pathOf('t', other);
  const refused = {
    unknown: 'database "other" takes no connections of this role',
    wayOut: 'GRANT CONNECT ON DATABASE other TO "a b" lets later backups ask',
  };
  expect(await inspectFileUse(asker, ended, [inOther])).toEqual(new Map([[inOther, refused]]));
  await sql.unsafe('grant connect on database other to "a b"');
  expect(await inspectFileUse(asker, ended, [inOther])).toEqual(new Map([[inOther, 'used']]));

  const elsewhere = await inspectEndedTransactions(session, '1');
  expect(await inspectFileUse(session, elsewhere, ['base/5/1259'])).toEqual(
    new Map([['base/5/1259', expect.objectContaining({ unknown: 'the ordinary connection leads to another cluster' })]]),
  );
});

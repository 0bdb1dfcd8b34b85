import { once } from 'node:events';
import { open } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { startStandby } from '../../backup/standby.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/**
 * Waits until the standby has replayed what the primary has written so far. A commit brings out hints that were logged and lie in the
 * buffers of the WAL, and which nothing would send for up to fifteen seconds.
 */
async function catchUp(primary: postgres.Sql, standby: postgres.Sql): Promise<void> {
  await primary`select pg_logical_emit_message(true, 'test', '')`;
  const [row] = await primary<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
  for (;;) {
    const [at] = await standby<{ there: boolean }[]>`select pg_last_wal_replay_lsn() >= ${row?.lsn ?? ''}::pg_lsn as there`;
    if (at?.there === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One table with an index of each kind, of which one takes many pages that are deleted and used again. */
const INDEXED = `create table t (id serial primary key, n int, t text, at point default point(random(), random()), tags int[] default '{1,2}');
create index on t using gin (tags); create index on t using gist (at); create index on t using spgist (at); create index on t using brin (n);
create index on t using hash (n); create index on t (t)`;

/** Changes rows as an application does: several commands in a transaction, sequences, hints that come later than the rows. */
async function work(sql: postgres.Sql): Promise<void> {
  await sql.begin(async (tx) => {
    for (let n = 0; n < 40; n += 1) await tx`insert into t (n, t) values (${n}, repeat('x', ${n * 3 + 1}))`;
    await tx`update t set n = n + 1 where n % 3 = 0`;
    await tx`delete from t where n % 7 = 0`;
    await tx`insert into t (n, t, tags) select g, md5(random()::text), array[g, g % 17] from generate_series(1, 2000) g`;
    await tx`savepoint half`;
    await tx`update t set tags = tags || 5 where n % 11 = 0`;
    await tx`rollback to half`;
  });
  await sql`select count(*) from t`;
}

test.each([
  [16, true],
  [18, true],
  [18, false],
])(
  'PostgreSQL %i, page checksums %s: primary and standby take turns, and the audit tells what differs from what is damaged',
  async (major, checksums) => {
    const directory = await makeDirectory();
    const settings = { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
    const cluster = await startTestCluster({ major, provider: 'embedded', checksums, settings });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    try {
      const first = await makeRepository(path.join(directory, 'first'));
      await sql.unsafe(INDEXED);
      await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 2000) g`;
      await work(sql);
      await backUp(cluster, first);
      const into = path.join(directory, 'standby');
      const made = await startStandby(cluster, first, into);
      const replica = postgres(made.standby.url(), { max: 1 });
      try {
        for (let round = 0; round < 3; round += 1) {
          await work(sql);
          if (round === 1) await sql`delete from t where id < 3000`;
          if (round === 1) await sql`vacuum t`;
          await sql`checkpoint`;
        }
        await catchUp(sql, replica);
        const repository = await makeRepository(path.join(directory, 'second'));
        const take = async (from: TestCluster) => await backUp(from, repository, { kind: 'full' });
        expect(await take(cluster)).toMatchObject({ audit: null, fromStandby: false });
        const standby = await take(made.standby);
        expect(standby).toMatchObject({ fromStandby: true, audit: { mismatches: [] } });
        expect(standby.audit?.benign).toBeGreaterThan(0);
        expect((await take(cluster)).audit).toMatchObject({ mismatches: [] });

        // What the server does not send is as the parent has it: a standby's, whoever is asked. Where everything is read, it is not.
        await take(made.standby);
        const built = await backUp(cluster, repository);
        expect(built).toMatchObject({ kind: 'incremental', fromStandby: major >= 17 });
        const after = await take(cluster);
        expect(after).toMatchObject({ fromStandby: false, audit: { comparedWith: built.label, mismatches: [] } });
        if (major >= 17) expect(after.audit?.benign).toBeGreaterThan(0);

        // A standby that lags begins its backup before the one that it is compared with.
        await replica`select pg_wal_replay_pause()`;
        await work(sql);
        await sql`checkpoint`;
        await work(sql);
        const ahead = await take(cluster);
        const behind = await take(made.standby);
        expect(behind.audit).toMatchObject({ comparedWith: ahead.label, mismatches: [] });
        await replica`select pg_wal_replay_resume()`;
        await catchUp(sql, replica);

        // What is damaged is found all the same.
        const [row] = await sql<{ path: string }[]>`select pg_relation_filepath('cold') as path`;
        await take(cluster);
        const file = await open(path.join(into, row?.path ?? ''), 'r+');
        const byte = Buffer.alloc(1);
        await file.read(byte, 0, 1, 20 * 8192 + 8000);
        await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, 20 * 8192 + 8000);
        await file.close();
        const damaged = await take(made.standby);
        expect(damaged.audit?.mismatches).toEqual([{ path: row?.path, block: 20 }]);
        expect(damaged.damage === null).toBe(!checksums);
      } finally {
        await replica.end();
        await made.stop();
      }
    } finally {
      await sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);

/** The servers that connections to a port of its own lead to, one after the other; all after them to the last. */
async function inTurn(servers: readonly TestCluster[]): Promise<{ readonly port: number; close(): void }> {
  const left = [...servers];
  const listener = net.createServer((client) => {
    const to = (left.length > 1 ? left.shift() : left[0])?.port ?? 0;
    const server = net.connect(to, '127.0.0.1');
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('close', () => server.destroy());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return { port: (listener.address() as net.AddressInfo).port, close: () => void listener.close() };
}

test('a backup that begins anew on the other server is of that one', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 18, provider: 'embedded', settings: { autovacuum: 'off', summarize_wal: 'on' } });
  const sql = postgres(cluster.url(), { max: 1 });
  try {
    const repository = await makeRepository(path.join(directory, 'repository'));
    await sql`create table t as select g from generate_series(1, 1000) g`;
    const parent = await backUp(cluster, repository);
    await sql`insert into t select g from generate_series(1, 1000) g`;
    await sql`select pg_switch_wal()`;
    const later = await makeRepository(path.join(directory, 'later'));
    await backUp(cluster, later);
    // This standby has no summaries of the WAL back to the parent, and refuses.
    const made = await startStandby(cluster, later, path.join(directory, 'standby'));
    const replica = postgres(made.standby.url(), { max: 1 });
    const way = await inTurn([made.standby, cluster]);
    try {
      await replica`alter system set summarize_wal = on`;
      await replica`select pg_reload_conf()`;
      await sql`checkpoint`;
      // It has them from where it began, so that it does not wait for them.
      while ((await replica`select from pg_available_wal_summaries()`).length === 0)
        await new Promise((resolve) => setTimeout(resolve, 50));
      const notes: string[] = [];
      const parameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: way.port }] };
      const log = { ...silentLog, info: (note: string) => void notes.push(note) };
      const taken = await backUp(cluster, repository, { parameters, log });
      expect(notes[0]).toEqual(expect.stringContaining(`no WAL summaries back to ${parent.label}; reading everything`));
      expect(taken).toMatchObject({ kind: 'full', fromStandby: false });
    } finally {
      way.close();
      await replica.end();
      await made.stop();
    }
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});

import path from 'node:path';
import postgres from 'postgres';
import type { ExpectStatic } from 'vitest';
import { DbadminError } from '../../src/base/errors.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import { commandEnd, runCommand, startCommand, writeConfig, type CommandEnd } from '../backup/command.ts';
import { makeRepository, restore } from '../backup/repository.ts';
import { pause, sceneTest } from './wal-cut-scene.ts';

/** At this rate the cluster of this file takes minutes to read: what ends before was ended. */
const SLOW_KB = 256;

// Most of each test is a backup that is read slowly: they wait beside each other, the longest first.
const test = sceneTest.concurrent;

const outages = (text: string): number => text.split('does not come any more').length - 1;

/** Of each cut at most one warning: a reception that is ended before it received anything is the same outage still. */
function expectOutages(expect: ExpectStatic, warnings: readonly string[], cuts: number): void {
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThanOrEqual(cuts);
  expect(warnings.filter((warning) => !warning.includes('does not come any more'))).toEqual([]);
}

test.for([
  ['once, early', 1, '2MB'],
  ['again and again', 4, '1MB'],
] as const)(
  'the connection of the WAL is cut %s while a backup runs: it is taken, and is whole',
  async ([, cuts, maxRate], { scene, expect }) => {
    const config = await writeConfig(scene.directory, scene.cluster, scene.place);
    const running = commandEnd(startCommand(['backup', 'run', '--max-rate', maxRate, '--config', config]));
    for (let round = 1; round <= cuts; round += 1) {
      await scene.write(round);
      await scene.cut();
      await scene.write(100 + round);
      // So that each is an outage of its own: the WAL that came behind it has come.
      const [row] = await scene.sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
      await expect
        .poll(async () => await scene.sql`select from pg_stat_replication where flush_lsn >= ${row?.lsn ?? ''}::pg_lsn`, {
          timeout: 20_000,
        })
        .toHaveLength(1);
    }
    const stillReads = (await scene.sql`select from pg_stat_progress_basebackup`).length;
    const taken = await running;
    expect(taken, taken.stderr).toMatchObject({ status: 0 });
    expect(stillReads, 'the backup was over before the last cut').toBe(1);
    expect(outages(taken.stderr), taken.stderr).toBe(cuts);
    const verified: CommandEnd = await runCommand(['backup', 'verify', '--read-data', '--config', config]);
    expect(verified, verified.stdout + verified.stderr).toMatchObject({ status: 0 });
    const rows = await scene.sql`select n, count(*)::int, md5(string_agg(filler, '' order by filler)) from step group by n order by n`;
    const clone = await restore({ repository: scene.repository, target: { kind: 'latest' }, into: path.join(scene.directory, 'clone') });
    const reader = postgres(clone.url, { max: 1 });
    const found = await reader`select n, count(*)::int, md5(string_agg(filler, '' order by filler)) from step group by n order by n`;
    await reader.end();
    await clone.stop();
    expect([...found]).toEqual([...rows]);
  },
);

test.for([
  ['a little WAL', 1],
  // Of 1 MB each: there is room for nine. What is more than the kernel's buffers hold besides would keep the server from ending the connection.
  ['more WAL than there is room for', 12],
] as const)(
  'a cut while the storage does not answer, and %s waits for it: the server holds it again at once, and the backup is taken',
  async ([, segments], { scene, expect }) => {
    const gate = Promise.withResolvers<void>();
    let stalled: Promise<void> | undefined;
    const { ended } = scene.begin({ local: scene.stalling(() => stalled) }, 1024);
    await scene.sender();
    await scene.write(0);
    const [row] = await scene.sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    stalled = gate.promise;
    try {
      for (let n = 0; n < segments; n += 1) {
        await scene.write(n);
        await scene.sql`select pg_switch_wal()`;
      }
      await scene.sql`checkpoint`;
      await scene.cut();
      // The slot of the connection that was cut may be there for a moment still.
      await expect.poll(() => scene.warnings, { timeout: 15_000 }).toEqual([expect.stringMatching(/does not come any more/)]);
      await expect
        .poll(async () => await scene.sql`select from pg_replication_slots where restart_lsn <= ${row?.lsn ?? ''}::pg_lsn`, {
          timeout: 15_000,
        })
        .toHaveLength(1);
      await scene.turnOver();
    } finally {
      gate.resolve();
    }
    const { result, error } = await ended;
    expect(error).toBeUndefined();
    expect(result?.outcomes).toMatchObject([{ result: { kind: 'taken' } }]);
    expect(scene.warnings).toHaveLength(1);
    const config = await writeConfig(scene.directory, scene.cluster, scene.place);
    expect(await runCommand(['backup', 'verify', '--read-data', '--config', config])).toMatchObject({ status: 0 });
  },
);

test('of two repositories one takes no WAL any more: it is given up and named, and the server keeps none for it; the other has the backup', async ({
  scene,
  expect,
}) => {
  await scene.restartWith('max_replication_slots = 2');
  let isFull = false;
  const other = await makeRepository(path.join(scene.directory, 'other'));
  const { ended } = scene.begin({ local: scene.refusing(() => isFull), other }, 1024);
  await scene.sender();
  isFull = true;
  await scene.write(1);
  await expect
    .poll(() => scene.warnings, { timeout: 15_000 })
    .toEqual([expect.stringMatching(/^local gets no backup.*there is no room for WAL/)]);
  await expect.poll(async () => await scene.sql`select from pg_replication_slots`, { timeout: 5000 }).toHaveLength(1);
  expect(await scene.sql`select from pg_stat_progress_basebackup`).toHaveLength(1);
  const { result } = await ended;
  expect(result?.outcomes).toMatchObject([
    { name: 'local', result: { kind: 'failed', error: { code: 'storage-full' } } },
    { name: 'other', result: { kind: 'taken' } },
  ]);
  await other.store.close();
});

test('the server removed the WAL while its connection was cut: the backup is ended then, and says so', async ({ scene, expect }) => {
  const { ended, mark } = scene.begin({ local: scene.repository }, SLOW_KB);
  await scene.write(1);
  const cuts = await scene.cutAndBlock();
  await scene.turnOver();
  expect(await scene.sql`select from pg_stat_progress_basebackup`).toHaveLength(1);
  mark();
  await scene.unblock();
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'wal-missing', message: expect.stringMatching(/^the server has no WAL from/) });
  expect(afterMs).toBeLessThan(15_000);
  expectOutages(expect, scene.warnings, cuts);
  expect(await scene.sql`select from pg_replication_slots`).toEqual([]);
});

test('a repository that takes no WAL any more ends the backup then, and not when everything has been read', async ({ scene, expect }) => {
  let isFull = false;
  const { ended, mark } = scene.begin({ local: scene.refusing(() => isFull) }, SLOW_KB);
  await scene.sender();
  mark();
  isFull = true;
  await scene.write(1);
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'storage-full', message: 'there is no room for WAL' });
  expect(afterMs).toBeLessThan(15_000);
});

test('a role that may not log in any more when the connection is cut: the backup is ended then', async ({ scene, expect }) => {
  await scene.sql`create role taker login replication`;
  const { ended, mark } = scene.begin({ local: scene.repository }, SLOW_KB, { user: 'taker' });
  await scene.sender();
  mark();
  await scene.sql`alter role taker nologin`;
  await scene.cut();
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'privilege-missing', message: expect.stringMatching(/^role taker may not log in/) });
  expect(afterMs).toBeLessThan(15_000);
});

test('a server that stops in the middle of a backup: what is told is that of the base backup', async ({ scene, expect }) => {
  const { ended, mark } = scene.begin({ local: scene.repository }, SLOW_KB);
  await scene.sender();
  await scene.write(1);
  mark();
  await scene.restartWith();
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'backup-failed', message: 'the server gave up the base backup' });
  expect(afterMs).toBeLessThan(15_000);
});

test('an interrupt while the connection of the WAL is cut ends the backup at once', async ({ scene, expect }) => {
  const stop = new AbortController();
  const { ended, mark } = scene.begin({ local: scene.repository }, SLOW_KB, { signal: stop.signal });
  await scene.write(1);
  const cuts = await scene.cutAndBlock();
  // Long enough for the longest wait between two attempts.
  await pause(5000);
  mark();
  stop.abort(new DbadminError('interrupted', 'stopped by the test'));
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'interrupted' });
  expect(afterMs).toBeLessThan(1500);
  expectOutages(expect, scene.warnings, cuts);
  await scene.unblock();
});

test('after the reading an outage that lasts is what is told, and not that the server sent nothing', async ({ scene, expect }) => {
  const { wal, timeline } = await scene.alongside(scene.repository);
  try {
    const startLsn = await scene.flushed();
    await wal.begin(startLsn, timeline);
    await scene.cutAndBlock();
    await expect(wal.finish(startLsn + 0x100_0000n, new AbortController().signal)).rejects.toMatchObject({
      code: 'query-failed',
      message: expect.stringMatching(/^cannot create replication slot/),
    });
    await scene.unblock();
  } finally {
    await wal.close();
  }
});

test('a slot that is younger than the WAL to be received holds that before any of it is stored', async ({ scene, expect }) => {
  await scene.restartWith("wal_keep_size = '64MB'");
  const startLsn = await scene.flushed();
  await scene.turnOver();
  const gate = Promise.withResolvers<void>();
  const { wal, timeline } = await scene.alongside(scene.stalling(async () => await gate.promise));
  const held = async (): Promise<bigint> => {
    const [row] = await scene.sql<{ lsn: string }[]>`select restart_lsn::text as lsn from pg_replication_slots`;
    if (row === undefined) throw new Error('the slot is gone');
    return parseLsn(row.lsn);
  };
  try {
    expect(await held()).toBeGreaterThan(startLsn);
    await wal.begin(startLsn, timeline);
    await expect.poll(held, { timeout: 20_000 }).toBeLessThanOrEqual(startLsn);
  } finally {
    gate.resolve();
    await wal.close();
  }
});

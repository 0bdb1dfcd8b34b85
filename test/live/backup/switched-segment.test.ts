import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectLineage, readLineage, type LineageContents } from '../../../src/backup/lineage-inspect.ts';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import { inspectRestore } from '../../../src/backup/restore/inspect.ts';
import { recoverableUntil } from '../../../src/backup/restore/recover-along.ts';
import { startRestored } from '../../../src/backup/restore/start-run.ts';
import type { RestoreTarget } from '../../../src/backup/restore/target.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { parseTimelineHistory } from '../../../src/postgres/timeline.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import type { WalArchive } from '../../../src/repository/wal-archive.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const TIMES = { receivedAt: new Date(), coveredUntil: undefined };

/** A cluster whose WAL is stored to its end, and that was lost then. */
describe.each(drawn(import.meta.filename, [15, 18]))('the segment in which a timeline was left, on PostgreSQL %i', (major) => {
  let directory: string;
  let repository: Repository;
  let cluster: TestCluster;
  let stopReceiver: () => Promise<void>;

  beforeEach(async () => {
    directory = await makeDirectory();
    repository = await makeRepository(path.join(directory, 'repository'));
    cluster = await startTestCluster({ major, provider: 'embedded', settings: { autovacuum: 'off' } });
    await run('create table step (n int)');
    const receiver = startReceiver(cluster, repository);
    stopReceiver = async () => await receiver.stop();
    await backUp(cluster, repository);
  });
  afterEach(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  /** Runs a statement and gives the position behind it. */
  async function run(statement: string): Promise<bigint> {
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(statement);
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
    await sql.end();
    return parseLsn(row?.lsn ?? '');
  }

  async function lose(lsn: bigint): Promise<void> {
    await waitUntilStored(repository, lsn);
    await cluster.crash();
    await stopReceiver();
  }

  /** What a cluster that was restored to `until` and promoted has of its new timeline. */
  async function promotedTo(until: bigint | undefined): Promise<{ archive: WalArchive; switchLsn: bigint; name: string; segment: Buffer }> {
    const { archive } = await inspectLineage(repository, 'main');
    const into = path.join(directory, 'promoted');
    const target = until === undefined ? ({ kind: 'latest' } as const) : ({ kind: 'lsn', lsn: until } as const);
    const promoted = await restore({ repository, target, exclusive: true, into });
    await promoted.stop();
    const history = await readFile(path.join(into, 'pg_wal', '00000002.history'));
    await archive.putHistory(2, history);
    const switchLsn = parseTimelineHistory(history.toString('utf8'))[0]?.switchLsn ?? 0n;
    const name = segmentName(2, switchLsn, archive.segmentBytes);
    return { archive, switchLsn, name, segment: await readFile(path.join(into, 'pg_wal', name)) };
  }

  /** Of a restore that goes on in the lost cluster's place, and has all WAL of timeline 1 to ask for. */
  async function rowsOfProduction(target: RestoreTarget = { kind: 'latest' }): Promise<readonly number[]> {
    const into = path.join(directory, 'production');
    const wanted = { repository, clusterName: 'main', systemIdentifier: undefined, target, exclusive: true, backup: undefined };
    const places = { dataDirectory: into, tablespaces: new Map<string, string>(), timeline: undefined, purpose: 'production' } as const;
    const preflight = await inspectRestore({ ...wanted, ...places });
    const programs = await embeddedPrograms(major);
    const { signal } = new AbortController();
    const restored = await applyRestore({
      preflight,
      port: Number(new URL(cluster.url()).port),
      clusterName: 'production',
      action: 'promote',
      production: { walGet: [await plainArchive(preflight.contents)] },
      programs,
      owner: programs.runAs,
      signal,
      onProgress: () => undefined,
    });
    await startRestored({ restored, programs, action: 'promote', timeoutSeconds: 120, clock: systemClock, signal });
    try {
      return await rowsOf(cluster.url());
    } finally {
      await stopCluster(programs, into, 'immediate');
    }
  }

  /** A command in the place of `wal get`, which the user of the server may not be able to run: it has each segment of timeline 1. */
  async function plainArchive({ archive, coverage }: LineageContents): Promise<string> {
    const place = path.join(directory, 'plain');
    await mkdir(place);
    const { runs = [], open = [] } = coverage.timelines.get(1) ?? {};
    const size = BigInt(archive.segmentBytes);
    for (const { startLsn, endLsn } of [...runs, ...open]) {
      for (let lsn = startLsn; lsn < endLsn; lsn += size) {
        const name = segmentName(1, lsn, archive.segmentBytes);
        const bytes = Buffer.alloc(archive.segmentBytes);
        bytes.set((await archive.readStored(name)) ?? []);
        await writeFile(path.join(place, name), bytes);
      }
    }
    const command = path.join(place, 'get');
    await writeFile(command, `#!/bin/sh\n[ -f '${place}'/"$3" ] && cp '${place}'/"$3" "$4" || exit 44\n`);
    await chmod(command, 0o755);
    return command;
  }

  async function rowsOf(url: string): Promise<readonly number[]> {
    const sql = postgres(url, { max: 1 });
    const rows = await sql<{ n: number }[]>`select n from step order by n`;
    await sql.end();
    return rows.map(({ n }) => n);
  }

  async function rowsAtLatest(into: string): Promise<readonly number[]> {
    const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, into) });
    const rows = await rowsOf(clone.url);
    await clone.stop();
    return rows;
  }

  test('is read as far as the old timeline has it where the new one has less of it', async () => {
    const first = await run('insert into step values (1)');
    await lose(await run('insert into step values (2)'));
    const { archive, switchLsn, name, segment } = await promotedTo(undefined);
    // The new primary is lost, too, when its receiver has begun with the segment.
    await archive.putPart(name, 0, segment.subarray(0, Number(first % BigInt(archive.segmentBytes))), TIMES);
    const contents = await inspectLineage(repository, 'main');
    const lineage = await readLineage(contents);
    expect(lineage.timeline).toBe(2);
    expect(contents.backups.map((backup) => recoverableUntil(backup, lineage, contents.coverage))).toEqual([switchLsn]);
    expect(await rowsAtLatest('clone')).toEqual([1, 2]);
  });

  test.each(['clone', 'production'] as const)(
    'is replayed to the switch and no further by a %s, where only the history of the new timeline is stored',
    async (purpose) => {
      const first = await run('insert into step values (1)');
      for (const n of [2, 3, 4]) await run(`insert into step values (${n}); select pg_switch_wal()`);
      await lose(await run('insert into step values (5)'));
      await promotedTo(first);
      if (purpose === 'clone') expect(await rowsAtLatest('clone')).toEqual([1]);
      else expect(await rowsOfProduction()).toEqual([1]);
    },
  );

  test.each(['clone', 'production'] as const)('is the last of a %s where the timeline was left at its very end', async (purpose) => {
    await run('insert into step values (1)');
    const switched = await run('select pg_switch_wal()');
    await lose(await run('insert into step values (2)'));
    const { archive, switchLsn } = await promotedTo(switched);
    expect(switchLsn % BigInt(archive.segmentBytes)).toBe(0n);
    if (purpose === 'clone') expect(await rowsAtLatest('clone')).toEqual([1]);
    else expect(await rowsOfProduction()).toEqual([1]);
  });

  test('a production restored to a moment before it leaves a history that later restores go by', async () => {
    const first = await run('insert into step values (1)');
    const second = await run('insert into step values (2)');
    await lose(await run('insert into step values (3)'));
    const { switchLsn } = await promotedTo(second);
    expect(await rowsOfProduction({ kind: 'lsn', lsn: first })).toEqual([1]);
    // The server's own words: left 1 at the switch, and 2 before it.
    const content = await readFile(path.join(directory, 'production', 'pg_wal', '00000003.history'));
    expect(content.toString('utf8')).toMatch(/^1\t[^]*^2\t/m);
    const { archive } = await inspectLineage(repository, 'main');
    await archive.putHistory(3, content);
    const contents = await inspectLineage(repository, 'main');
    const lineage = await readLineage(contents);
    expect(lineage.timeline).toBe(3);
    const [reach] = contents.backups.map((backup) => recoverableUntil(backup, lineage, contents.coverage));
    expect(reach).toBeLessThan(switchLsn);
    expect(await rowsAtLatest('clone')).toEqual([1]);
  });
});

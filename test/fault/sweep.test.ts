import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { verifyRepository } from '../../src/backup/verify/run.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import { listClusters } from '../../src/repository/identity.ts';
import { listBackups } from '../../src/repository/manifest.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { readCoverage, reachFrom } from '../../src/repository/wal-coverage.ts';
import { withFaults } from '../backup/failing-store.ts';
import { makeDirectory, makeRepository, removeDirectory, restore } from '../backup/repository.ts';
import { fingerprint, seededRandom } from '../backup/workload.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import type { ChildTask } from './sweep-child.ts';
import { runSwept, SWEPT, type Swept } from './sweep-operations.ts';

/** Fault points tried in each operation and kind of fault; 0 for every one: npm run test:sweep. */
const POINTS = Number(process.env['DBADMIN_TEST_SWEEP'] ?? '1');
/** Which operations: all of them, or those named here with commas between them. */
const OPERATIONS: readonly string[] = process.env['DBADMIN_TEST_SWEPT']?.split(',') ?? SWEPT;
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');
/** As sweep-child.ts has it, which cannot be imported: it runs when it is. */
const OPERATION_FAILED = 3;
const CHILD = path.join(import.meta.dirname, 'sweep-child.ts');

/** A cluster with a repository that holds two backups and all WAL since, and what has been promised of it. */
class Scene {
  readonly cluster: TestCluster;
  readonly place: string;
  readonly repository: Repository;
  readonly sql: postgres.Sql;
  #round = 0;

  constructor(cluster: TestCluster, place: string, repository: Repository) {
    this.cluster = cluster;
    this.place = place;
    this.repository = repository;
    this.sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  }

  /** Something for every operation to do. */
  async work(): Promise<void> {
    this.#round += 1;
    await this.sql`insert into numbered select ${this.#round}, repeat(md5(g::text), 4) from generate_series(1, 200) g`;
    await this.sql`update numbered set filler = md5(random()::text) where round = ${Math.max(1, this.#round - 2)}`;
    await this.sql`select pg_switch_wal()`;
  }

  /** Runs an operation in a process of its own, with one call failing or the process killed before it; says whether that ended it. */
  async faultAt(operation: Swept, kind: ChildTask['kind'], at: number): Promise<boolean> {
    const { password, ...parameters } = this.cluster.parameters();
    const task: ChildTask = { operation, place: this.place, parameters, password: password?.reveal() ?? null, at, kind, receiveMs: 700 };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(task)], { stdio: ['ignore', 'inherit', 'inherit'] });
    const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (signal !== 'SIGKILL') expect([0, OPERATION_FAILED]).toContain(status);
    return status !== 0;
  }

  /** How many calls of the store an operation makes when nothing fails. */
  async countCalls(operation: Swept): Promise<number> {
    let calls = 0;
    const store = withFaults(this.repository.store, () => (calls += 1));
    await this.work();
    await runSwept(operation, { ...this.repository, store }, this.cluster.parameters(), 700);
    return calls;
  }

  /** Everything that is listed is whole, and the server has let go no WAL that is not stored. */
  async expectSound(what: string): Promise<void> {
    const [cluster] = await listClusters(this.repository);
    if (cluster === undefined) throw new Error('the repository holds no cluster');
    const report = await verifyRepository({
      repository: this.repository,
      repositoryName: 'local',
      cluster,
      extent: { kind: 'everything' },
      tool: 'test',
      clock: systemClock,
      signal: new AbortController().signal,
      onRead: () => undefined,
    });
    expect(report.faults, what).toEqual([]);
    const backups = await listBackups(this.repository, cluster.systemIdentifier);
    const coverage = await readCoverage(this.repository, cluster.systemIdentifier, cluster.walSegmentBytes);
    const newest = backups.at(-1);
    const [slot] = await this.sql<{ lsn: string }[]>`select restart_lsn::text as lsn from pg_replication_slots where slot_name = 'dbadmin'`;
    const reach = reachFrom(coverage.timelines.get(1), parseLsn(newest?.startLsn ?? '0/0'));
    if (slot !== undefined) expect(reach, `${what}: WAL up to ${slot.lsn} was acknowledged`).toBeGreaterThanOrEqual(parseLsn(slot.lsn));
  }
}

test(
  `faults, one at a time (seed ${SEED}): what is there stays whole, nothing acknowledged is lost, and the next run is good`,
  async () => {
    const directory = await makeDirectory();
    const place = path.join(directory, 'repository');
    const cluster = await startTestCluster({ major: 18, settings: { summarize_wal: 'on', autovacuum: 'off' } });
    const scene = new Scene(cluster, place, await makeRepository(place));
    try {
      await scene.sql`create table numbered (round int, filler text)`;
      for (const operation of ['backup', 'receive', 'backup', 'expire'] as const)
        await runSwept(operation, scene.repository, cluster.parameters(), 500);
      const random = seededRandom(SEED);
      const tally = { tried: 0, ended: 0 };
      for (const operation of SWEPT.filter((each) => OPERATIONS.includes(each))) {
        // What the operation before has left is not counted: a hundred backups to expire are a thousand calls, once.
        await runSwept(operation, scene.repository, cluster.parameters(), 500);
        await runSwept('backup', scene.repository, cluster.parameters());
        const calls = await scene.countCalls(operation);
        for (const kind of ['throw', 'kill'] as const) {
          for (const at of pointsOf(calls, random)) {
            await scene.work();
            const ended = await scene.faultAt(operation, kind, at);
            tally.tried += 1;
            tally.ended += ended ? 1 : 0;
            const what = `${operation}, ${kind} at call ${at} of ${calls}`;
            await scene.expectSound(what);
            await runSwept('backup', scene.repository, cluster.parameters());
          }
          process.stderr.write(`fault points tried so far: ${tally.tried} (${operation}, ${kind}, of ${calls} calls)\n`);
        }
      }
      await runSwept('receive', scene.repository, cluster.parameters(), 1500);
      await scene.expectSound('in the end');
      const rows = await fingerprint(scene.sql);
      const clone = await restore({ repository: scene.repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
      const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
      expect(await fingerprint(reader)).toEqual(rows);
      await reader.end();
      await clone.stop();
      process.stderr.write(`fault points tried: ${tally.tried}, of which ${tally.ended} ended the operation\n`);
      expect(tally.ended).toBeGreaterThan(tally.tried / 4);
    } finally {
      await scene.sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
  120_000 + (POINTS === 0 ? 10_800_000 : POINTS * 60_000),
);

/** Which calls are to fail: all of them, or some drawn by the seed. */
function pointsOf(calls: number, random: () => number): readonly number[] {
  if (POINTS === 0) return Array.from({ length: calls }, (_, at) => at);
  return Array.from({ length: POINTS }, () => Math.floor(random() * calls));
}

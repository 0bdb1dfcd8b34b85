import path from 'node:path';
import postgres from 'postgres';
import { test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { silentLog, type Log } from '../../src/base/log.ts';
import { inspectSource } from '../../src/backup/source-inspect.ts';
import { takeBackup, type TakeResult } from '../../src/backup/take/run.ts';
import { receiveAlongside, type WalAlongside } from '../../src/backup/take/wal-alongside.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import { ReplicationConnection } from '../../src/postgres/replication.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { withFaults } from '../backup/failing-store.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';

export const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

export interface Taking {
  readonly signal?: AbortSignal;
  readonly user?: string;
}

/** A cluster whose only replication slot a test can take away, and a repository for its backups. */
export class WalCutScene {
  readonly directory: string;
  readonly place: string;
  readonly repository: Repository;
  readonly cluster: TestCluster;
  sql: postgres.Sql;
  /** What the backups warned of. */
  readonly warnings: string[] = [];

  private constructor(directory: string, repository: Repository, cluster: TestCluster) {
    this.directory = directory;
    this.place = placeIn(directory);
    this.repository = repository;
    this.cluster = cluster;
    this.sql = connect(cluster);
  }

  static async start(): Promise<WalCutScene> {
    const directory = await makeDirectory();
    const repository = await makeRepository(placeIn(directory));
    const cluster = await startEmbeddedCluster({
      major: 17,
      walSegmentMegabytes: 1,
      settings: { max_wal_size: '2MB', min_wal_size: '2MB', checkpoint_timeout: '1h', max_replication_slots: 1, autovacuum: 'off' },
    });
    const scene = new WalCutScene(directory, repository, cluster);
    await scene.sql`create table step (n int, filler text)`;
    return scene;
  }

  async stop(): Promise<void> {
    await this.sql.end({ timeout: 1 });
    await this.cluster.stop();
    await this.repository.store.close();
    await removeDirectory(this.directory);
  }

  async restartWith(setting?: string): Promise<void> {
    if (setting !== undefined) await this.sql.unsafe(`alter system set ${setting}`);
    await this.sql.end();
    await this.cluster.restart();
    this.sql = connect(this.cluster);
  }

  async write(n: number): Promise<void> {
    await this
      .sql`insert into step select ${n}::int, encode(sha512((g + random())::text::bytea), 'base64') from generate_series(1, 2000) g`;
  }

  /** The process of the server that sends the WAL of a backup; once it does. */
  async sender(): Promise<number> {
    for (let waited = 0; waited < 600; waited += 1) {
      const [row] = await this.sql<
        { pid: number }[]
      >`select pid from pg_stat_replication where application_name = 'dbadmin backup wal' and state = 'streaming'`;
      if (row !== undefined) return row.pid;
      await pause(50);
    }
    throw new Error('nothing receives the WAL of a backup');
  }

  async cut(): Promise<void> {
    await this.sql`select pg_terminate_backend(${await this.sender()}, 5000)`;
  }

  /**
   * Ends the reception and takes the only slot of the server, for as long as it is not given back. How often it was cut:
   * a reception that was faster than the server here and has the slot again is cut again.
   */
  async cutAndBlock(): Promise<number> {
    await this.sender();
    // Within the server, and again and again: from out here the next reception would be faster.
    await this.sql`create or replace function cut_and_block() returns int language plpgsql as $$
      declare cuts int := 0; holder int; ended int := 0;
      begin
        loop
          select active_pid into holder from pg_replication_slots where active_pid is not null;
          if found and holder <> ended and pg_terminate_backend(holder) then
            ended := holder;
            cuts := cuts + 1;
          end if;
          for attempt in 1 .. 10000 loop
            begin
              perform pg_create_physical_replication_slot('taken'); return cuts;
            exception when configuration_limit_exceeded then null;
            end;
          end loop;
        end loop;
      end $$`;
    const [row] = await this.sql<{ cuts: number }[]>`select cut_and_block() as cuts`;
    return row?.cuts ?? 0;
  }

  async unblock(): Promise<void> {
    await this.sql`select pg_drop_replication_slot('taken')`;
  }

  /** Enough for checkpoints to remove all WAL that nobody holds. */
  async turnOver(): Promise<void> {
    for (let round = 0; round < 6; round += 1) {
      await this.write(-1);
      await this.sql`select pg_switch_wal()`;
      await this.sql`checkpoint`;
    }
  }

  async flushed(): Promise<bigint> {
    const [row] = await this.sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    return parseLsn(row?.lsn ?? '');
  }

  /** A backup that is waited for later; how long it took since `mark` was called. */
  begin(repositories: Readonly<Record<string, Repository>>, maxRateKb: number, options: Taking = {}) {
    let markedAt = performance.now();
    const ended = this.#take(repositories, maxRateKb, options).then(
      (result) => ({ result, error: undefined, afterMs: performance.now() - markedAt }),
      (error: unknown) => ({ result: undefined, error, afterMs: performance.now() - markedAt }),
    );
    return { ended, mark: () => void (markedAt = performance.now()) };
  }

  async #take(repositories: Readonly<Record<string, Repository>>, maxRateKb: number, { signal, user }: Taking): Promise<TakeResult> {
    const log: Log = { ...silentLog, warn: (message) => void this.warnings.push(message) };
    return await takeBackup({
      parameters: this.cluster.parameters('postgres', user),
      connection: undefined,
      repositories: Object.entries(repositories).map(([name, each]) => ({ name, repository: each })),
      clusterName: 'main',
      tool: 'test',
      kind: 'full',
      fastCheckpoint: true,
      maxRateKb,
      clock: systemClock,
      log,
      signal: signal ?? new AbortController().signal,
      onProgress: () => undefined,
    });
  }

  /** The repository, refusing WAL once `isRefused` says so. */
  refusing(isRefused: () => boolean): Repository {
    const store = withFaults(this.repository.store, ({ operation, key }) => {
      if (operation === 'create' && key.includes('/wal/') && isRefused())
        throw new DbadminError('storage-full', 'there is no room for WAL');
    });
    return { ...this.repository, store };
  }

  /** The repository, taking no WAL while `until` says when it will. */
  stalling(until: () => Promise<void> | undefined): Repository {
    const store = withFaults(this.repository.store, () => undefined);
    const create: typeof store.create = async (key, ...rest) => {
      if (key.includes('/wal/')) await until();
      await store.create(key, ...rest);
    };
    return { ...this.repository, store: { ...store, create } };
  }

  /** The means of a backup to receive its WAL, and the timeline it is on. */
  async alongside(into: Repository): Promise<{ readonly wal: WalAlongside; readonly timeline: number }> {
    const parameters = this.cluster.parameters();
    const connection = await ReplicationConnection.open(parameters);
    const source = await inspectSource(connection);
    const { timeline } = await connection.identifySystem();
    await connection.close();
    const wal = await receiveAlongside({
      parameters,
      name: 'local',
      repository: into,
      source,
      clock: systemClock,
      log: silentLog,
      stalledAfterMs: 1500,
    });
    return { wal, timeline };
  }
}

function placeIn(directory: string): string {
  return path.join(directory, 'repository');
}

function connect(cluster: TestCluster): postgres.Sql {
  return postgres(cluster.url(), { max: 1, onnotice: () => undefined });
}

/** Tests with a scene of their own each. */
export const sceneTest = test.extend<{ scene: WalCutScene }>({
  // oxlint-disable-next-line no-empty-pattern
  scene: async ({}, use) => {
    const scene = await WalCutScene.start();
    try {
      await use(scene);
    } finally {
      await scene.stop();
    }
  },
});

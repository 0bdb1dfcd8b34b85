import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { silentLog, type Log } from '../../src/base/log.ts';
import { applyRestore } from '../../src/backup/restore/apply.ts';
import { inspectRestore, type Preflight } from '../../src/backup/restore/inspect.ts';
import type { TargetAction } from '../../src/backup/restore/recovery-settings.ts';
import { startRestored, type Started } from '../../src/backup/restore/start-run.ts';
import type { RestoreTarget } from '../../src/backup/restore/target.ts';
import { takeBackup } from '../../src/backup/take/run.ts';
import { openDestination } from '../../src/backup/wal/destination.ts';
import { runReceiver } from '../../src/backup/wal/receive-run.ts';
import { embeddedPrograms } from '../../src/postgres/embedded.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import type { ServerPrograms } from '../../src/postgres/server.ts';
import { createRepository } from '../../src/repository/identity.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import type { BackupSummary } from '../../src/repository/manifest.ts';
import { createDiskStore } from '../../src/storage/disk.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { freePort } from '../postgres/address.ts';
import { endServer } from '../postgres/end-server.ts';
import { makeMemoryRepository } from './memory-repository.ts';

/** A directory for a test's files that other users may enter, in memory where there is such a place (a restore syncs each file); removed with {@link removeDirectory}. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(
    path.join(process.env['DBADMIN_TEST_DIRECTORY'] ?? (existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()), 'dbadmin-backup-'),
  );
  await chmod(directory, 0o755);
  return directory;
}

export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/** A new repository on disk. */
export async function makeRepository(directory: string, options: { readonly encrypted?: boolean } = {}): Promise<Repository> {
  const store = await createDiskStore(directory);
  if (options.encrypted === true) return await makeMemoryRepository(true, store);
  await createRepository(store, {
    format: 2,
    id: 'f'.repeat(32),
    createdAt: new Date().toISOString(),
    tool: 'test',
    encryption: 'none',
    conditionalCreate: true,
  });
  return await openRepository(store, { kind: 'none' });
}

export interface BackUpOptions {
  readonly kind?: 'full' | 'incremental';
  readonly signal?: AbortSignal;
  /** For replication; the cluster's unless given. */
  readonly parameters?: ConnectionParameters;
  /** The ordinary connection, or undefined for none; the cluster's unless given. */
  readonly connection?: ConnectionParameters | undefined;
  readonly log?: Log;
  /** The tool's. */
  readonly clock?: Clock;
  /** No limit unless given. */
  readonly maxRateKb?: number;
}

export async function backUp(cluster: TestCluster, repository: Repository, options: BackUpOptions = {}): Promise<BackupSummary> {
  const { outcomes } = await takeBackup({
    parameters: options.parameters ?? cluster.parameters(),
    connection: 'connection' in options ? options.connection : cluster.parameters(),
    repositories: [{ name: 'local', repository }],
    clusterName: 'main',
    tool: 'test',
    kind: options.kind ?? 'incremental',
    fastCheckpoint: true,
    maxRateKb: options.maxRateKb,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    signal: options.signal ?? new AbortController().signal,
    onProgress: () => undefined,
  });
  const result = outcomes[0]?.result;
  if (result?.kind !== 'taken') throw result?.error ?? new Error('no outcome');
  return result.summary;
}

export interface TestReceiver {
  /** Rejects when it fails by itself. */
  readonly ended: Promise<unknown>;
  /** Tells it to stop and waits until it has stored what it had. */
  stop(): Promise<void>;
}

/** Receives WAL in this process until stopped. */
export function startReceiver(cluster: TestCluster, repository: Repository, rpoMs = 200, log: Log = silentLog): TestReceiver {
  const stop = new AbortController();
  const running = runReceiver({
    parameters: cluster.parameters(),
    destinations: [openDestination(repository)],
    clusterName: 'main',
    slot: 'dbadmin',
    rpoMs,
    allowSynchronous: false,
    clock: systemClock,
    random: Math.random,
    log,
    signal: stop.signal,
  }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    ended: running,
    stop: async () => {
      stop.abort(new Error('told to stop'));
      await running;
    },
  };
}

export interface RestoreTestOptions {
  readonly repository: Repository;
  readonly target: RestoreTarget;
  readonly into: string;
  readonly action?: TargetAction;
  readonly exclusive?: boolean;
  readonly timeline?: number;
  /** Label of the backup to start from; the newest that serves unless given. */
  readonly backup?: string;
  readonly tablespaces?: ReadonlyMap<string, string>;
  /** Called when everything is laid down, before the start. */
  readonly beforeStart?: (preflight: Preflight) => Promise<void>;
}

export interface RestoredCluster {
  readonly preflight: Preflight;
  readonly programs: ServerPrograms;
  readonly started: Started;
  readonly url: string;
  stop(): Promise<void>;
}

/** Restores and starts a clone on the embedded programs of the backup's major. */
export async function restore(options: RestoreTestOptions): Promise<RestoredCluster> {
  const action = options.action ?? 'promote';
  const preflight = await inspectRestore({
    repository: options.repository,
    clusterName: 'main',
    systemIdentifier: undefined,
    target: options.target,
    exclusive: options.exclusive ?? false,
    backup: options.backup,
    timeline: options.timeline,
    dataDirectory: options.into,
    tablespaces: options.tablespaces ?? new Map(),
  });
  const programs = await embeddedPrograms(Math.floor(preflight.resolution.backup.serverVersion / 10_000));
  const signal = new AbortController().signal;
  const port = await freePort();
  const restored = await applyRestore({
    preflight,
    port,
    clusterName: 'restored',
    action,
    programs,
    owner: programs.runAs,
    signal,
    onProgress: () => undefined,
  });
  await options.beforeStart?.(preflight);
  const started = await startRestored({ restored, programs, action, timeoutSeconds: 120, clock: systemClock, signal }).catch(
    (error: unknown) => {
      // The runner prints only messages, and the server's last words are in the detail.
      if (error instanceof DbadminError) throw new Error(`${error.message}: ${error.detail ?? ''}`, { cause: error });
      throw error;
    },
  );
  return {
    preflight,
    programs,
    started,
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => await endServer(programs, options.into),
  };
}

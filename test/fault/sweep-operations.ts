import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { inspectDumpSource } from '../../src/backup/dump/inspect.ts';
import { takeDump } from '../../src/backup/dump/run.ts';
import { expireLineage } from '../../src/backup/expire/run.ts';
import { findCluster, findOwnCluster } from '../../src/backup/lineage-inspect.ts';
import { applyRestore } from '../../src/backup/restore/apply.ts';
import { inspectRestore } from '../../src/backup/restore/inspect.ts';
import { syncLineage } from '../../src/backup/sync/run.ts';
import { takeBackup } from '../../src/backup/take/run.ts';
import { openDestination } from '../../src/backup/wal/destination.ts';
import { fetchWal } from '../../src/backup/wal/get-run.ts';
import { askOwner } from '../../src/backup/wal/owner-inspect.ts';
import { pushWalFile } from '../../src/backup/wal/push-run.ts';
import { runReceiver } from '../../src/backup/wal/receive-run.ts';
import { embeddedPrograms } from '../../src/postgres/embedded.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import { findClientProgram } from '../../src/postgres/programs.ts';
import { blake3 } from '../../src/repository/hash.ts';
import { acquireLease } from '../../src/repository/leases.ts';
import { rebuildIndex } from '../../src/repository/rebuild-index.ts';
import type { Repository } from '../../src/repository/repository.ts';

export const SWEPT = ['backup', 'receive', 'expire', 'restore', 'push', 'get', 'sync', 'dump', 'rebuild'] as const;
export type Swept = (typeof SWEPT)[number];

/** Keeps the two newest backups and nothing else, with no grace: collection has something to do each time. */
const RETENTION = {
  windowMs: undefined,
  keep: { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  minimum: 2,
  dumps: undefined,
  timeZone: 'UTC',
} as const;

/** Where an operation does its work. */
export interface SweptPlace {
  /** Holds `repository`, and what the operation makes: `copy` (a repository already), `restored`, `spool`. */
  readonly directory: string;
  /** In place of `repository`. */
  readonly from?: string;
  /** What is restored, in place of what the target itself leads to. */
  readonly backup?: string;
  readonly parameters: ConnectionParameters;
  /** How long receiving goes on, which ends by itself. */
  readonly receiveMs: number;
  /** The file that is pushed. */
  readonly pushed: string;
  /** The WAL files that are got. */
  readonly wanted: readonly string[];
  /** The repository that lies in a directory. */
  readonly open: (directory: string) => Promise<Repository>;
}

const common = { clock: systemClock, log: silentLog };

/**
 * Does one operation and gives what it acknowledges: the label of what a backup or a dump took, the labels that are in the copy now, the
 * BLAKE3 of each file that was got, or 'absent'.
 *
 * @throws {DbadminError} also where the command would say that it was done in part.
 */
export async function runSwept(operation: Swept, place: SweptPlace): Promise<readonly string[]> {
  const repository = await place.open(path.join(place.directory, place.from ?? 'repository'));
  return await RUNS[operation](repository, place);
}

const RUNS: Readonly<Record<Swept, (repository: Repository, place: SweptPlace) => Promise<readonly string[]>>> = {
  backup,
  receive,
  expire,
  restore,
  push,
  get,
  sync,
  dump,
  rebuild,
};

async function backup(repository: Repository, { parameters }: SweptPlace): Promise<readonly string[]> {
  const { outcomes } = await takeBackup({
    ...common,
    parameters,
    connection: parameters,
    repositories: [{ name: 'local', repository }],
    clusterName: 'main',
    tool: 'test',
    kind: 'incremental',
    fastCheckpoint: true,
    maxRateKb: undefined,
    signal: unheard(),
    onProgress: () => undefined,
  });
  return outcomes.map(({ result }) => {
    if (result.kind === 'failed') throw result.error;
    return result.summary.label;
  });
}

async function receive(repository: Repository, { parameters, receiveMs }: SweptPlace): Promise<readonly string[]> {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('told to stop')), receiveMs);
  try {
    await runReceiver({
      ...common,
      parameters,
      destinations: [openDestination(repository)],
      clusterName: 'main',
      slot: 'dbadmin',
      rpoMs: 100,
      allowSynchronous: false,
      random: Math.random,
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return [];
}

async function expire(repository: Repository, { parameters }: SweptPlace): Promise<readonly string[]> {
  // As the command finds it: where what the repository says of it cannot be read, its server says which it is.
  const cluster = await findOwnCluster(repository, 'main', async () => (await askOwner(parameters)).systemIdentifier, true);
  const { collected } = await expireLineage(repository, cluster, { ...common, retention: RETENTION, graceMs: 0, signal: unheard() });
  if (collected instanceof DbadminError) throw collected;
  return [];
}

/** As the command does it again: with --delta where something is there already. */
async function restore(repository: Repository, { directory, backup: label }: SweptPlace): Promise<readonly string[]> {
  const dataDirectory = path.join(directory, 'restored');
  const preflight = await inspectRestore({
    repository,
    clusterName: 'main',
    systemIdentifier: undefined,
    target: { kind: 'latest' },
    exclusive: false,
    backup: label,
    timeline: undefined,
    dataDirectory,
    tablespaces: new Map(),
    delta: existsSync(dataDirectory),
  });
  const programs = await embeddedPrograms(Math.floor(preflight.resolution.backup.serverVersion / 10_000));
  await applyRestore({
    preflight,
    port: 54_999,
    clusterName: 'restored',
    action: 'promote',
    programs,
    owner: programs.runAs,
    signal: unheard(),
    onProgress: () => undefined,
  });
  return [preflight.resolution.backup.label];
}

async function push(repository: Repository, { parameters, pushed }: SweptPlace): Promise<readonly string[]> {
  const owner = async (): ReturnType<typeof askOwner> => await askOwner(parameters);
  return [await pushWalFile(pushed, { ...common, destinations: [openDestination(repository)], clusterName: 'main', owner })];
}

async function get(repository: Repository, { wanted }: SweptPlace): Promise<readonly string[]> {
  const got: string[] = [];
  for (const name of wanted) {
    const found = await fetchWal({ repository, clusterName: 'main', systemIdentifier: undefined }, name);
    got.push(found === undefined ? 'absent' : `${found.storedBytes} ${blake3(found.bytes).toString('hex')}`);
  }
  return got;
}

async function sync(from: Repository, { directory, open }: SweptPlace): Promise<readonly string[]> {
  const { failed, backups } = await syncLineage({
    ...common,
    from,
    to: await open(path.join(directory, 'copy')),
    cluster: await findCluster(from, 'main', undefined),
    chosen: undefined,
    everything: true,
    signal: unheard(),
    onBackup: () => undefined,
    onWal: () => undefined,
  });
  if (failed.length > 0) throw new DbadminError('partly-done', `${failed.length} could not be copied`);
  return backups.map(({ label }) => label);
}

async function dump(repository: Repository, { parameters, directory }: SweptPlace): Promise<readonly string[]> {
  const source = await inspectDumpSource(parameters);
  const spoolDirectory = path.join(directory, 'spool');
  await mkdir(spoolDirectory, { recursive: true });
  const { label } = await takeDump({
    ...common,
    repository,
    keyPrefix: `${source.systemIdentifier}/`,
    clusterName: 'main',
    source,
    parameters,
    selection: { databases: 'all', excluded: [], schemaOnly: false, tables: [] },
    databases: ['postgres'],
    leftOut: [],
    program: await findClientProgram('pg_dump', { atLeastMajor: source.major }, process.env),
    globalsProgram: await findClientProgram('pg_dumpall', { atLeastMajor: source.major }, process.env),
    env: process.env,
    spoolDirectory,
    tool: 'test',
  });
  return [label];
}

/** All of it, and not only what is missing. */
async function rebuild(repository: Repository): Promise<readonly string[]> {
  const { systemIdentifier } = await findCluster(repository, 'main', undefined);
  const lease = await acquireLease(repository, systemIdentifier, 'expire', { ...common, command: 'repository rebuild-index' });
  try {
    const { missing, damaged, locked } = await rebuildIndex(repository, systemIdentifier, {
      ...common,
      lease,
      all: true,
      signal: unheard(),
      onProgress: () => undefined,
    });
    if (missing.length + damaged.length + locked.length > 0) throw new DbadminError('partly-done', 'packs are missing or damaged');
    return [];
  } finally {
    await lease.release();
  }
}

function unheard(): AbortSignal {
  return new AbortController().signal;
}

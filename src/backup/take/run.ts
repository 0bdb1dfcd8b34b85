import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { runBaseBackup, type BaseBackupResult } from '../../postgres/base-backup.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobWriter } from '../../repository/blob-writer.ts';
import { ensureClusterIdentity } from '../../repository/identity.ts';
import { listBackups, writeManifest, type BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { readCoverage, reachFrom } from '../../repository/wal-coverage.ts';
import { inspectSource, type Source } from '../source-inspect.ts';
import { ContentSink } from './content-sink.ts';
import { chooseLabel } from './label.ts';
import { receiveAlongside, type WalAlongside } from './wal-alongside.ts';

export interface TakeOptions {
  readonly parameters: ConnectionParameters;
  readonly repository: Repository;
  readonly clusterName: string;
  /** The version of dbadmin, kept in the manifest. */
  readonly tool: string;
  /** Whether the checkpoint that begins the backup is made at once (a burst of writes) or spread out. */
  readonly fastCheckpoint: boolean;
  readonly maxRateKb: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Takes a full backup: content into packs while the WAL from its start to its stop is received beside it; then the index;
 * then, last, the manifest, which makes the backup exist. Until then nothing of it counts.
 *
 * A backup with bad pages is kept and its summary's `damage` says which; every other failure leaves only garbage.
 *
 * @throws {DbadminError} `repository-missing`, `privilege-missing`, `backup-failed`, storage failures, `interrupted`.
 */
export async function takeBackup(options: TakeOptions): Promise<BackupSummary> {
  const startedAt = options.clock.now();
  const connection = await ReplicationConnection.open(options.parameters, { applicationName: 'dbadmin backup', signal: options.signal });
  try {
    const source = await inspectSource(connection);
    const { repository, clusterName: name } = options;
    await ensureClusterIdentity(repository, { ...source, name });
    const taken = new Set((await listBackups(repository, source.systemIdentifier)).map(({ label }) => label));
    const label = chooseLabel(startedAt, 'full', taken);
    return await takeLabelled(options, connection, source, label, startedAt);
  } finally {
    await connection.close();
  }
}

async function takeLabelled(
  options: TakeOptions,
  connection: ReplicationConnection,
  source: Source,
  label: string,
  startedAt: Date,
): Promise<BackupSummary> {
  const { repository, clock, log } = options;
  const { systemIdentifier } = source;
  const blobs = new BlobWriter(repository, systemIdentifier, await BlobIndex.load(repository, systemIdentifier));
  const archive = new WalArchive(repository, systemIdentifier, source.walSegmentBytes);
  const wal = await receiveAlongside({ parameters: options.parameters, archive, clock, log });
  try {
    log.debug(`${label}: reading the cluster`);
    const sink = new ContentSink(blobs, {
      begin: async (info) => await wal.begin(info.startLsn, info.timeline),
      progress: options.onProgress,
    });
    const result = await runBaseBackup(
      connection,
      {
        label: `dbadmin ${label}`,
        fastCheckpoint: options.fastCheckpoint,
        verifyChecksums: true,
        manifestChecksums: 'CRC32C',
        ...(options.maxRateKb === undefined ? {} : { maxRateKb: options.maxRateKb }),
        signal: options.signal,
      },
      sink,
    );
    log.debug(`${label}: storing the last packs and the index`);
    await sink.finish();
    const written = await blobs.finish(indexName(startedAt));
    log.debug(`${label}: waiting for the WAL`);
    await secureWal(options, wal, source, result);
    const summary: BackupSummary = {
      label,
      kind: 'full',
      ...source,
      tool: options.tool,
      startedAt: startedAt.toISOString(),
      finishedAt: clock.now().toISOString(),
      startLsn: formatLsn(result.startLsn),
      stopLsn: formatLsn(result.stopLsn),
      startTimeline: result.startTimeline,
      stopTimeline: result.stopTimeline,
      damage: result.damage ?? null,
      warnings: result.warnings,
      tablespaces: sink.tablespaces,
      fileCount: sink.entries.filter(({ type }) => type === 'file').length,
      plainBytes: sink.plainBytes,
      ...written,
    };
    options.signal.throwIfAborted();
    log.debug(`${label}: writing the manifest`);
    await writeManifest(repository, summary, sink.entries);
    log.debug(`${label}: complete`);
    return summary;
  } finally {
    await wal.close();
  }
}

/** Waits for the WAL and makes sure by looking that the repository has all of it: without it the backup cannot be recovered. */
async function secureWal(options: TakeOptions, wal: WalAlongside, source: Source, result: BaseBackupResult): Promise<void> {
  await wal.finish(result.stopLsn, options.signal);
  const coverage = await readCoverage(options.repository, source.systemIdentifier, source.walSegmentBytes);
  const reach = reachFrom(coverage.timelines.get(result.stopTimeline), result.startLsn);
  if (reach === undefined || reach < result.stopLsn) {
    throw new DbadminError('backup-failed', `the WAL of the backup is not complete in ${options.repository.store.description}`, {
      detail: `It needs ${formatLsn(result.startLsn)} to ${formatLsn(result.stopLsn)} on timeline ${result.stopTimeline} and has it up to ${reach === undefined ? 'nowhere' : formatLsn(reach)}.`,
      hint: 'Run the backup again; if it stays so, look for errors of the storage in the log.',
    });
  }
}

function indexName(at: Date): string {
  return `${at.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}-${randomBytes(8).toString('hex')}`;
}

import { isDbadminError, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { databaseRecord } from '../../postgres/database-records.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { RESOURCE_MANAGER } from '../../postgres/resource-managers.ts';
import type { BackupSummary, ManifestEntry } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { readStoredRecords } from '../restore/stored-records.ts';
import { databaseDirectory, type AuditComparison } from './comparison.ts';

export interface CopiedDatabasesOptions {
  /** Has the WAL of the backup and, where WAL is kept, all since the one compared with. It is read only where there may have been a copy. */
  readonly repository: Repository;
  /** That the summary's report is of. */
  readonly audit: AuditComparison;
  /** The files of the backup; gone through where there are mismatches. */
  readonly files: Iterable<ManifestEntry>;
  /** The backup compared with. */
  readonly since: Pick<BackupSummary, 'startLsn' | 'startedAt'>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The summary without the mismatches in databases that were copied as files since the backup compared with. Such pages keep the LSNs of
 * where they were copied from; below a number that another database had before (CREATE DATABASE … OID) they differ though they are old.
 *
 * @throws {DbadminError} `interrupted`.
 */
export async function withoutCopiedDatabases(summary: BackupSummary, options: CopiedDatabasesOptions): Promise<BackupSummary> {
  const { audit, log } = options;
  if (summary.audit === null || summary.audit === undefined) return summary;
  const directories = madeSince(audit.mismatchedDirectories, options);
  if (directories.size === 0) return summary;
  const copied = new Set<string>();
  try {
    for await (const directory of copiedDirectories(summary, options)) if (directories.has(directory)) copied.add(directory);
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    log.debug(`${summary.label}: the WAL does not say whether databases were copied since the backup compared with: ${reasonOf(error)}`);
    return summary;
  }
  if (copied.size === 0) return summary;
  return { ...summary, audit: audit.report(summary.audit.comparedWith, copied) };
}

/** More than clocks differ by. */
const SLACK_MS = 86_400_000;

/** Those of `directories` that may have been made since: of which the file that is written when a database is made, and then never again, is as new. */
function madeSince(directories: readonly string[], { files, since }: CopiedDatabasesOptions): ReadonlySet<string> {
  const made = new Set<string>();
  if (directories.length === 0) return made;
  const sinceMs = Date.parse(since.startedAt) - SLACK_MS;
  for (const entry of files) {
    if (entry.type !== 'file' || !entry.path.endsWith('/PG_VERSION')) continue;
    const directory = databaseDirectory(entry.path.replace(/PG_VERSION$/, '1'));
    // Where the server did not say when, it is 0.
    if (directories.includes(directory) && (entry.modifiedAt === 0 || entry.modifiedAt * 1000 >= sinceMs)) made.add(directory);
  }
  return made;
}

/** Tablespace and database of each copy that the WAL tells of, `1663/5`. */
async function* copiedDirectories(
  { systemIdentifier, walSegmentBytes, serverVersion, startLsn, stopLsn, stopTimeline }: BackupSummary,
  { repository, since, signal }: CopiedDatabasesOptions,
): AsyncGenerator<string> {
  const major = Math.floor(serverVersion / 10_000);
  const archive = new WalArchive(repository, systemIdentifier, walSegmentBytes);
  const history = stopTimeline === 1 ? [] : ((await archive.readAncestorsOrNone(stopTimeline)) ?? []);
  const sinceLsn = parseLsn(since.startLsn);
  const fromLsn = sinceLsn < parseLsn(startLsn) ? sinceLsn : parseLsn(startLsn);
  const stretch = { archive, lineage: { timeline: stopTimeline, history }, major, fromLsn, untilLsn: parseLsn(stopLsn) };
  const isWanted = (manager: number): boolean => {
    signal.throwIfAborted();
    return manager === RESOURCE_MANAGER.database;
  };
  for await (const record of readStoredRecords(stretch, isWanted)) {
    const change = databaseRecord(record, major);
    if (change?.kind === 'copied') yield `${change.directory.tablespace}/${change.directory.database}`;
  }
}

import { isDbadminError, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { findFirstBlock, recordParts, type FirstBlock } from '../../postgres/wal-blocks.ts';
import type { AuditReport, BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { readStoredRecords } from '../restore/stored-records.ts';
import { relationFile, relationKey } from './parent-listing.ts';

export interface TornPagesOptions {
  /** Has the WAL of the backup. */
  readonly repository: Repository;
  readonly relationSegmentBlocks: number;
  /** Says which mismatches to look for: those with the head of what was there. */
  readonly mayBeTorn: (mismatch: AuditReport['mismatches'][number]) => boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The only size that records of WAL are taken apart for. */
const BLOCK_BYTES = 8192;

/**
 * The summary without the mismatches of blocks that the WAL of the backup itself names.
 *
 * The server reads pages while they are written, and may send one with its old head, and so its old LSN, and its new tail. Replay sets
 * it right, since the change is in this WAL. One with another head, or zeros, is none. Where there are checksums the server sees that, and reads again. Of more mismatches than
 * are listed all stay: so many are not torn.
 *
 * @throws {DbadminError} `interrupted`.
 */
export async function withoutTornPages(summary: BackupSummary, options: TornPagesOptions): Promise<BackupSummary> {
  const { audit, checksums, blockBytes } = summary;
  if (audit === null || audit === undefined || audit.mismatches.length === 0 || audit.mismatchCount !== undefined) return summary;
  if (checksums || blockBytes !== BLOCK_BYTES) return summary;
  const wanted = new Map(
    audit.mismatches.filter(options.mayBeTorn).map((mismatch) => [keyOf(mismatch, options.relationSegmentBlocks), mismatch]),
  );
  if (wanted.size === 0) return summary;
  const torn = new Set<unknown>();
  try {
    for (const key of await changedBlocks(summary, new Set(wanted.keys()), options)) torn.add(wanted.get(key));
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    options.log.warn(`${summary.label}: the WAL of the backup does not say whether pages were torn: ${reasonOf(error)}`);
    return summary;
  }
  return { ...summary, audit: { ...audit, mismatches: audit.mismatches.filter((mismatch) => !torn.has(mismatch)) } };
}

/** Those of `wanted` that the WAL of a backup changes. */
async function changedBlocks(
  { systemIdentifier, walSegmentBytes, serverVersion, startLsn, stopLsn, stopTimeline }: BackupSummary,
  wanted: ReadonlySet<string>,
  { repository, signal }: TornPagesOptions,
): Promise<ReadonlySet<string>> {
  const major = Math.floor(serverVersion / 10_000);
  const relations = new Set([...wanted].map((key) => Number(key.split('/')[2])));
  const first: FirstBlock = { database: 0, relation: 0 };
  const stretch = {
    archive: new WalArchive(repository, systemIdentifier, walSegmentBytes),
    lineage: { timeline: stopTimeline, history: [] },
    major,
    fromLsn: parseLsn(startLsn),
    untilLsn: parseLsn(stopLsn),
  };
  const found = new Set<string>();
  // All blocks of a record are of one relation.
  const concerns = (_manager: number, _info: number, bytes: Buffer, offset: number): boolean => {
    const kind = findFirstBlock(bytes, offset, major, first);
    return kind === 'unknown' || (kind === 'found' && relations.has(first.relation));
  };
  for await (const { bytes } of readStoredRecords(stretch, concerns)) {
    signal.throwIfAborted();
    for (const { locator, fork, block } of recordParts(bytes, major).blocks) {
      const key = blockKey(relationKey(String(locator.tablespace), String(locator.database), String(locator.relation)), fork, block);
      if (wanted.has(key)) found.add(key);
    }
  }
  return found;
}

/** A block of a file, as {@link blockKey} has it. */
function keyOf({ path, block }: { readonly path: string; readonly block: number }, relationSegmentBlocks: number): string {
  const file = relationFile(path);
  if (file === undefined) throw new Error(`${path} is no file of a relation`);
  return blockKey(file.relation, file.fork === 'init' ? INIT_FORK : 0, file.segment * relationSegmentBlocks + block);
}

const INIT_FORK = 3;

function blockKey(relation: string, fork: number, block: number): string {
  return `${relation}/${fork}/${block}`;
}

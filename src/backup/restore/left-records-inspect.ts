import { isDbadminError } from '../../base/errors.ts';
import type { TransactionEnd } from '../../postgres/wal-records.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { candidatesOf, oldestOfStretches, type Candidate } from './candidates.ts';
import { readEnds } from './commits-inspect.ts';
import { partingLsn, type Lineage } from './recover-along.ts';

const WAL_ENDS = ['wal-invalid', 'wal-missing', 'repository-damaged'] as const;

export interface LeftRecordsRequest {
  readonly archive: WalArchive;
  readonly coverage: WalCoverage;
  readonly backups: readonly BackupSummary[];
  readonly lineage: Lineage;
  /** The other lineages of which WAL is stored. */
  readonly others: () => Promise<readonly Lineage[]>;
}

/** The other lineages along which a restore reaches what a lineage has not: behind the position where the two part. */
export async function lineagesWith(request: LeftRecordsRequest, isWanted: (end: TransactionEnd) => boolean): Promise<readonly Lineage[]> {
  const found: Lineage[] = [];
  for (const other of await request.others()) {
    const fromLsn = partingLsn(request.lineage, other);
    if (fromLsn !== undefined && (await isAlong(request, other, fromLsn, isWanted))) found.push(other);
  }
  return found;
}

async function isAlong(
  { archive, coverage, backups }: LeftRecordsRequest,
  lineage: Lineage,
  fromLsn: bigint,
  isWanted: (end: TransactionEnd) => boolean,
): Promise<boolean> {
  const candidates = candidatesOf(backups, lineage, coverage);
  const isReached = (lsn: bigint): boolean => candidates.some(({ stopLsn, reach }) => stopLsn <= lsn && lsn < reach);
  for (const oldest of oldestOfStretches(candidates)) {
    if (oldest.reach <= fromLsn) continue;
    const behind: Candidate = oldest.startLsn < fromLsn ? { ...oldest, startLsn: fromLsn } : oldest;
    try {
      for await (const end of readEnds({ archive, lineage }, behind)) if (isWanted(end) && isReached(end.lsn)) return true;
    } catch (error) {
      // It is not what was asked for, and where a timeline was left its WAL may end anyhow. An interruption or a storage that is away is another matter.
      if (!WAL_ENDS.some((code) => isDbadminError(error, code))) throw error;
    }
  }
  return false;
}

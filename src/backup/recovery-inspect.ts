import { segmentName } from '../postgres/segment.ts';
import type { TimelineHistory } from '../postgres/timeline.ts';
import { listGaps } from '../repository/gap-record.ts';
import { readLetGo } from '../repository/let-go.ts';
import { isOfOneObject } from '../repository/passed-over.ts';
import type { Repository } from '../repository/repository.ts';
import { provenUntil, type WalArchive } from '../repository/wal-archive.ts';
import type { LineageContents } from './lineage-inspect.ts';
import type { CoveredMoment, RecoveryFacts } from './windows.ts';

/** Reads what the recovery model needs beyond the names: history files, gap records, and the headers of the last segment of each stretch of WAL and of the last part. */
export async function inspectRecovery(repository: Repository, contents: LineageContents): Promise<RecoveryFacts> {
  const { coverage, archive, backups, suspicions, cluster } = contents;
  const histories = new Map<number, TimelineHistory>();
  for (const timeline of coverage.histories) {
    // Without it nothing of its timeline is known; of the others it says nothing.
    const history = await archive.readAncestorsOrNone(timeline);
    if (history !== undefined) histories.set(timeline, history);
  }
  return {
    backups,
    suspicions,
    coverage,
    histories,
    recordedGaps: await listGaps(repository, cluster.systemIdentifier),
    letGo: await readLetGo(repository, cluster.systemIdentifier),
    moments: await readMoments(contents),
  };
}

/** When the last segment of each stretch, and the last part of what is open, were written, as far as their writer knew. */
export async function readMoments({ coverage, archive }: LineageContents): Promise<readonly CoveredMoment[]> {
  const moments: CoveredMoment[] = [];
  for (const [timeline, { runs, open }] of coverage.timelines) {
    for (const { endLsn } of runs) {
      const last = segmentName(timeline, endLsn - BigInt(coverage.segmentBytes), coverage.segmentBytes);
      const coveredUntil = await coveredUntilOf(archive, last);
      if (coveredUntil !== undefined) moments.push({ timeline, lsn: endLsn, at: coveredUntil });
    }
    // A busy server is never idle long enough for a horizon: without these, its last minutes would look as if they were not here.
    for (const { segment, startLsn, endLsn } of open) {
      const at = await archive.readPartMoment(segment, Number(endLsn - startLsn));
      if (at !== undefined) moments.push({ timeline, lsn: endLsn, at });
    }
  }
  return moments;
}

/** Undefined where its writer did not know, or it is damaged: whoever can write one segment must not keep all others from being used. */
async function coveredUntilOf(archive: WalArchive, segment: string): Promise<Date | undefined> {
  try {
    return provenUntil(await archive.readHeader(segment));
  } catch (error) {
    if (isOfOneObject(error)) return undefined;
    throw error;
  }
}

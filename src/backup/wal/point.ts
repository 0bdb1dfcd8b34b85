import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import type { LineageContents } from '../lineage-inspect.ts';
import type { Lineage } from '../restore/recover-along.ts';
import { mayServe } from '../suspicion.ts';
import { recoverableWindows } from '../windows.ts';

/** Whether a position can be restored to from what a repository holds. */
export type PointState =
  | { readonly kind: 'recoverable'; readonly backup: string }
  /** There is a backup before it, and its WAL does not reach the position. `reachedLsn` is null when there is none of it. */
  | { readonly kind: 'behind'; readonly reachedLsn: string | null }
  /** No backup ended before it, or none is sound. */
  | { readonly kind: 'no-backup' };

/** The state of the position `lsn` on the lineage's own timeline. The newest backup that serves is named. */
export function pointState(
  contents: Pick<LineageContents, 'backups' | 'suspicions' | 'coverage'>,
  lineage: Lineage,
  lsn: string,
): PointState {
  const { backups, suspicions, coverage } = contents;
  const position = parseLsn(lsn);
  const windows = recoverableWindows(contents, lineage, coverage).filter(({ fromLsn }) => parseLsn(fromLsn) <= position);
  const serving = windows.findLast(({ toLsn }) => parseLsn(toLsn) >= position);
  if (serving !== undefined) return { kind: 'recoverable', backup: serving.backup };
  const isEarlier = backups.some((backup) => mayServe(backup, suspicions) && parseLsn(backup.stopLsn) <= position);
  if (!isEarlier) return { kind: 'no-backup' };
  const stored = coverage.timelines.get(lineage.timeline);
  const ends = [...(stored?.runs ?? []), ...(stored?.open ?? [])].map(({ endLsn }) => endLsn);
  const reached = ends.reduce<bigint | null>((last, end) => (last === null || end > last ? end : last), null);
  return { kind: 'behind', reachedLsn: reached === null ? null : formatLsn(reached) };
}

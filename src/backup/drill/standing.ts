import { parseLsn } from '../../postgres/lsn.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { isAhead } from '../../repository/stored-moment.ts';
import type { RecoverableWindow } from '../windows.ts';
import type { DrillHeader, DrillReport } from './report.ts';

/** A stored backup as far as it tells which drill was of it. */
export type DrilledBackup = Pick<BackupSummary, 'label' | 'startLsn' | 'finishedAt'>;

/**
 * The newest drill that failed and that nothing has settled since. `drills` oldest first; `backups` are those that are there.
 *
 * A pass of another backup, or of another moment, proves nothing of what failed. A failure is settled by a later drill that restored
 * the same and passed, and names it; or, once nobody can restore what failed any more, by any that passed after it.
 */
export function standingFailure(drills: readonly DrillHeader[], backups: readonly DrilledBackup[], now: Date): DrillHeader | undefined {
  const isOfNoTime = ({ finishedAt }: DrillHeader): boolean => isAhead(new Date(finishedAt), now);
  const settled = new Set(drills.flatMap(({ settles = [] }) => settles));
  return drills.findLast((failed, n) => {
    if (failed.verdict !== 'failed' || settled.has(failed.label)) return false;
    const isGone = !isThere(failed, backups);
    // Where a clock was ahead nothing tells which was first.
    const later = isOfNoTime(failed) ? drills : drills.slice(n + 1);
    // Of earlier versions a pass names nothing.
    return !later.some(
      (each) => each.verdict === 'passed' && !isOfNoTime(each) && (isGone || (each.settles === undefined && isOfOne(failed, each))),
    );
  });
}

/** The newest drill of that backup, which is there, that failed and that nothing has settled since: as long as one stands, no pass before or after it proves the backup. */
export function standingFailureOf(
  { label, startLsn }: Pick<DrilledBackup, 'label' | 'startLsn'>,
  drills: readonly DrillHeader[],
  now: Date,
): DrillHeader | undefined {
  const ofIt = drills.filter((each) => each.backup === label && (each.backupStartLsn ?? startLsn) === startLsn);
  // When it ended tells only of drills without a backup.
  return standingFailure(ofIt, [{ label, startLsn, finishedAt: '' }], now);
}

/** Whether what failed can be tried again. Where no plan came about only a moment that was drawn says what it was. */
function isThere({ backup, backupStartLsn, drawn }: DrillHeader, backups: readonly DrilledBackup[]): boolean {
  if (backup !== null) return backups.some(({ label, startLsn }) => label === backup && (backupStartLsn ?? startLsn) === startLsn);
  return drawn !== undefined && backups.some(({ finishedAt }) => finishedAt <= drawn);
}

function isOfOne(a: Pick<DrillHeader, 'backup' | 'backupStartLsn'>, b: Pick<DrillHeader, 'backup' | 'backupStartLsn'>): boolean {
  return a.backup !== null && a.backup === b.backup && (a.backupStartLsn ?? b.backupStartLsn) === (b.backupStartLsn ?? a.backupStartLsn);
}

type Drilled = Pick<DrillReport, 'verdict' | 'plan' | 'target' | 'amcheck'>;

/**
 * Whether a pass shows that what failed works now: the same backup replayed at least as far, and looked into at least as closely. `windows` are
 * what can be restored, on every timeline. Retention takes the WAL after a backup before the backup: where what failed is beyond what is
 * left, a pass as far as the backup still goes shows it; and what failed for a moment that can no longer be restored is over with any.
 */
export function settles(passed: Drilled, failed: Drilled, windows: readonly RecoverableWindow[]): boolean {
  if (passed.verdict !== 'passed' || passed.plan === null) return false;
  if (failed.plan === null) {
    const { moment } = failed.target;
    return moment !== null && (passed.target.moment === moment || !isWithin(moment, windows));
  }
  if (failed.amcheck.state === 'damaged' && !isAsClose(passed.amcheck, failed.amcheck)) return false;
  const [now, then] = [passed.plan, failed.plan];
  const isSame = now.backup === then.backup && (now.backupStartLsn ?? then.backupStartLsn) === (then.backupStartLsn ?? now.backupStartLsn);
  if (!isSame) return false;
  const goes = windows.filter(({ backup }) => backup === then.backup);
  const hasGone = !goes.some(({ timeline, toLsn }) => timeline === then.timeline && parseLsn(toLsn) >= parseLsn(then.fromLsn));
  if (hasGone) return now.end === 'end-of-wal' || goes.every(({ toLsn }) => parseLsn(now.fromLsn) >= parseLsn(toLsn));
  return now.timeline >= then.timeline && parseLsn(now.fromLsn) >= parseLsn(then.fromLsn);
}

/** Where nothing tells up to when WAL goes, only that which goes furthest may lead to the moment. */
function isWithin(moment: string, windows: readonly RecoverableWindow[]): boolean {
  return windows.some(({ from, to, toLsn }) => {
    if (from > moment) return false;
    return to === null ? windows.every((each) => parseLsn(each.toLsn) <= parseLsn(toLsn)) : moment <= to;
  });
}

function isAsClose(passed: Drilled['amcheck'], failed: Extract<Drilled['amcheck'], { readonly state: 'clean' | 'damaged' }>): boolean {
  return passed.state === 'clean' && (passed.heapAllIndexed || !failed.heapAllIndexed);
}

import { formatDuration } from '../../base/durations.ts';
import { note, ok, problem, type Finding } from './finding.ts';

/** What another clock said, and ours just before and after it was asked: the truth lies in between. */
export interface ClockReading {
  readonly before: Date;
  readonly theirs: Date;
  readonly after: Date;
  /** How coarse theirs is: object stores tell whole seconds. */
  readonly resolutionMs: number;
}

const NOTED_MS = 2000;
const PROBLEM_MS = 60_000;

/**
 * Whether a clock agrees with ours. Recovery targets are times of the server's clock, WAL is covered up to times of the
 * server's clock, and backups and drills are dated by ours.
 */
export function judgeClock(what: string, reading: ClockReading, meaning: string): Finding {
  const behindMs = reading.before.getTime() - reading.theirs.getTime() - reading.resolutionMs;
  const aheadMs = reading.theirs.getTime() - reading.after.getTime();
  const skewMs = Math.max(behindMs, aheadMs, 0);
  const direction = aheadMs > behindMs ? 'ahead of' : 'behind';
  if (skewMs < NOTED_MS) return ok(what, 'agrees with this machine’s');
  const detail = `${formatDuration(skewMs)} ${direction} this machine's: ${meaning}`;
  const fix = 'Let NTP or chrony set both: timedatectl set-ntp true';
  return skewMs < PROBLEM_MS ? note(what, detail, fix) : problem(what, detail, fix);
}

import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import type { BackupFacts, RestoreMeasure } from './facts.ts';

/** How long it takes to be back, from the command that restores to a database that takes writes. */
export interface RecoveryEstimate {
  readonly spanMs: number;
  /** What it was measured on, and how it was scaled from there. */
  readonly measure: RestoreMeasure;
  readonly plainBytes: number;
  readonly walBytes: number;
}

/** Assumed where a drill replayed too little WAL to tell: slower than what any disk of today does. */
const REPLAY_BYTES_PER_SECOND = 20_000_000;
/** A drill that replayed less than this measured the start of a server, not its replay. */
const TELLING_WAL_BYTES = 256 * 1024 * 1024;
/** Another machine, a busier disk, a colder cache than in the drill: a quarter more, and five seconds for what does not scale and no drill measures, the start of the command among it. */
const MARGIN = 1.25;
const MARGIN_MS = 5000;

/** What is to be restored, and the newest drill that measured one. */
export interface ToRecover {
  readonly measured: RestoreMeasure | undefined;
  readonly newest: Pick<BackupFacts, 'startLsn' | 'plainBytes'> | undefined;
  /** Its WAL is replayed up to there. */
  readonly storedLsn: bigint | undefined;
}

/**
 * What the newest drill says of a restore now: its restore scaled to the bytes that the newest backup and the WAL after it
 * have now, its replay to that WAL, and a margin. Undefined when no drill measured anything or there is no backup.
 *
 * Nothing is scaled down: a smaller database takes the steps that do not depend on size all the same.
 */
export function estimateRecovery({ measured, newest, storedLsn }: ToRecover): RecoveryEstimate | undefined {
  if (measured === undefined || newest === undefined) return undefined;
  const walBytes = storedLsn === undefined || storedLsn < newest.startLsn ? 0 : Number(storedLsn - newest.startLsn);
  const { plainBytes } = newest;
  const readThen = Math.max(1, measured.plainBytes + measured.walBytes);
  const restoreMs = measured.restoreMs * Math.max(1, (plainBytes + walBytes) / readThen);
  const rest = Math.max(0, measured.rtoMs - measured.restoreMs);
  const spanMs = (restoreMs + rest + replayMs(measured, walBytes)) * MARGIN + MARGIN_MS;
  return { spanMs, measure: measured, plainBytes, walBytes };
}

/** Of the WAL that has come on top of what the drill replayed. */
function replayMs(measured: RestoreMeasure, walBytes: number): number {
  const more = Math.max(0, walBytes - measured.walBytes);
  const bytesPerMs =
    measured.walBytes >= TELLING_WAL_BYTES ? measured.walBytes / Math.max(1, measured.recoveryMs) : REPLAY_BYTES_PER_SECOND / 1000;
  return more / bytesPerMs;
}

/** `4 min 50 s for 2.1 GB, scaled to 2.4 GB and 112 MB of WAL, and a quarter more`. */
export function describeEstimate({ measure, plainBytes, walBytes }: RecoveryEstimate): string {
  return `${formatDuration(measure.rtoMs)} for ${formatBytes(measure.plainBytes)}, scaled to ${formatBytes(plainBytes)} and ${formatBytes(walBytes)} of WAL, and a quarter more`;
}

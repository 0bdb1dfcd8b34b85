import type { Hold } from '../../repository/holds.ts';

/** From when to when nothing was stored, though before something was stored all the time. */
export interface Pause {
  readonly from: Date;
  readonly to: Date;
}

/** A pause is as long as half of the window, and a day. */
const LEAST_PAUSE_MS = 86_400_000;
/** So many times as long as any stretch without anything stored was in the time of a window before it. */
const LONGER_TIMES = 3;
/**
 * So many things were stored in that time, and over so long, or half of a window that is shorter: what comes seldom says nothing, nor does all
 * that one backup stores at once.
 */
const LEAST_MOMENTS = 3;
const LEAST_SPAN_MS = 86_400_000;
/** Those before are the way in which the machine is used: were they all pauses, nothing would ever go. */
const MOST_PAUSES = 2;

/**
 * The pauses within the last `windowMs` of time that was none. Where the repository is on the machine's own disk there is one clock alone, and all that tells whether it was
 * set ahead is what was stored: a month in which a repository that gets something every day got nothing is a machine that was off, or a clock that jumped. `moments` are those at
 * which something was stored, in any order; those after `now` are left out.
 */
export function pausesOf(moments: Iterable<Date>, now: Date, windowMs: number): readonly Pause[] {
  const nowMs = now.getTime();
  const times = Float64Array.from([...moments].map((moment) => moment.getTime()).filter((at) => at < nowMs)).sort();
  const pauses: Pause[] = [];
  let livedMs = 0;
  for (let n = times.length - 1; n >= 0 && livedMs < windowMs && pauses.length < MOST_PAUSES; n -= 1) {
    const from = times[n] ?? 0;
    const to = times[n + 1] ?? nowMs;
    if (isPause(times, n, to - from, windowMs)) pauses.push({ from: new Date(from), to: new Date(to) });
    else livedMs += to - from;
  }
  return pauses;
}

/** Whether nothing was stored for unusually long after the `n`th of `times`. */
function isPause(times: Float64Array, n: number, lengthMs: number, windowMs: number): boolean {
  if (lengthMs < Math.max(LEAST_PAUSE_MS, windowMs / 2)) return false;
  const since = (times[n] ?? 0) - windowMs;
  let first = n;
  let longestMs = 0;
  while (first > 0 && (times[first - 1] ?? 0) >= since) {
    longestMs = Math.max(longestMs, (times[first] ?? 0) - (times[first - 1] ?? 0));
    first -= 1;
  }
  const spanMs = (times[n] ?? 0) - (times[first] ?? 0);
  const isUsual = n - first + 1 >= LEAST_MOMENTS && spanMs >= Math.min(LEAST_SPAN_MS, windowMs / 2);
  return isUsual && lengthMs >= LONGER_TIMES * longestMs;
}

/** How old at `now` what came about at `then` is, without the pauses since. */
export function livedMs(now: Date, then: Date, pauses: readonly Pause[]): number {
  const pausedMs = pauses
    .filter(({ from }) => then <= from)
    .reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to.getTime(), now.getTime()) - from.getTime()), 0);
  return now.getTime() - then.getTime() - pausedMs;
}

/** The clocks by each of which a hold has to have ended: a pause since it was placed may be none, and then it lasts. */
export function clocksOf({ placedAt }: Hold, clocks: readonly Date[], pauses: readonly Pause[]): readonly Date[] {
  return clocks.map((now) => new Date(placedAt.getTime() + livedMs(now, placedAt, pauses)));
}

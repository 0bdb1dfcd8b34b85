/** A stretch of time in which a job is kept from being run: from `at` on, up to `until` where it has an end. */
export interface PauseSpan {
  readonly at: Date;
  readonly until: Date | undefined;
}

/** Whether a pause goes on: it ends by itself at its end, whoever looks and whether anybody does. */
export function goesOn({ until }: PauseSpan, now: Date): boolean {
  return until === undefined || now < until;
}

/**
 * Whether a time passes because of a pause: while it goes on, every one; afterwards those that were due in it, which a worker
 * that was away comes to only then. One that is due at the very end runs.
 */
export function letsPass(pause: PauseSpan, due: Date, now: Date): boolean {
  if (goesOn(pause, now)) return true;
  return pause.until !== undefined && due >= pause.at && due < pause.until;
}

/** Whether a pause that goes on now will let a time to come pass. */
export function willLetPass(pause: PauseSpan, due: Date, now: Date): boolean {
  return goesOn(pause, now) && (pause.until === undefined || due < pause.until);
}

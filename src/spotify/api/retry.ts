/** What came of one try. */
export type Outcome =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter: string | undefined }
  /** No answer, or none that could be read. */
  | { readonly kind: 'broken' };

export interface RetryLimits {
  /** In all, the first included. */
  readonly tries: number;
  /** Longer waits are the caller's to decide. */
  readonly maxWaitMs: number;
}

export const DEFAULT_LIMITS: RetryLimits = { tries: 6, maxWaitMs: 900_000 };

export type NextStep =
  | { readonly kind: 'take' }
  | { readonly kind: 'wait'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly reason: 'tries' | 'wait'; readonly waitMs: number };

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** Of the wait that is asked for, so that clients which were stopped together do not come back together. */
const JITTER = 0.1;

/**
 * What to do after try number `attempt` (from 1): 429 waits as long as Retry-After says and a little more, 5xx and broken connections
 * wait longer each time, everything else is taken as it is: trying again does not help against 403. `random` is in [0, 1).
 *
 * @see RFC 9110 section 10.2.3 (Retry-After: seconds, or a date)
 */
export function nextStep(outcome: Outcome, attempt: number, limits: RetryLimits, now: Date, random: number): NextStep {
  const backoffMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) * (0.5 + random / 2);
  if (outcome.kind === 'broken' || outcome.status >= 500) return bounded(backoffMs, attempt, limits);
  if (outcome.status !== 429) return { kind: 'take' };
  const asked = retryAfterMs(outcome.retryAfter, now);
  if (asked === undefined) return bounded(backoffMs, attempt, limits);
  return bounded(asked + Math.min(asked, MAX_DELAY_MS) * JITTER * random, attempt, limits);
}

function bounded(delayMs: number, attempt: number, { tries, maxWaitMs }: RetryLimits): NextStep {
  if (delayMs > maxWaitMs) return { kind: 'give-up', reason: 'wait', waitMs: delayMs };
  if (attempt >= tries) return { kind: 'give-up', reason: 'tries', waitMs: delayMs };
  return { kind: 'wait', delayMs: Math.ceil(delayMs) };
}

function retryAfterMs(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000;
  // Date.parse takes almost anything for a date, even -3: the form has a weekday first.
  const date = /^\s*[A-Z][a-z]+,/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

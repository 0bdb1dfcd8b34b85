import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isLockFailure } from './sql-error.ts';

/** How often and how patiently a transaction that lost against another session's lock is tried again. */
export interface RetryPolicy {
  /** The first one included. */
  readonly attempts: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 10, firstPauseMs: 1000, longestPauseMs: 30_000 };

export interface RetryContext {
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Who held the lock that the last statement did not get, for people. */
  readonly blockedBy?: (() => string | undefined) | undefined;
}

/** The pause before attempt `attempt` + 1: doubling, and between half and all of that, so that two runs part. */
export function pauseBeforeMs(attempt: number, policy: RetryPolicy, random: number): number {
  return Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1)) * (0.5 + random / 2);
}

/**
 * Waits before the next attempt, or throws `error` when it was not about locks or the attempts are used up; then it says who
 * held the lock. Gives the length of the pause.
 */
export async function pauseOrThrow(error: unknown, attempt: number, what: string, context: RetryContext): Promise<number> {
  if (!isLockFailure(error)) throw error;
  const blocker = context.blockedBy?.();
  if (attempt >= context.retry.attempts) throw withBlocker(error, blocker, attempt);
  const pauseMs = pauseBeforeMs(attempt, context.retry, context.random());
  const holds = blocker === undefined ? 'another session holds a lock' : `the lock is held by ${blocker}`;
  context.log.info(`${what}: ${holds}; attempt ${attempt + 1} of ${context.retry.attempts} in ${formatDuration(pauseMs)}`);
  await context.clock.sleep(pauseMs, context.signal);
  return pauseMs;
}

function withBlocker(error: unknown, blocker: string | undefined, attempts: number): unknown {
  if (!(error instanceof DbadminError)) return error;
  const tried = attempts === 1 ? '' : `It was tried ${attempts} times. `;
  const held = blocker === undefined ? '' : `The lock is held by ${blocker}.`;
  const detail = [error.detail ?? '', `${tried}${held}`.trim()].filter((part) => part !== '').join('\n');
  return new DbadminError(error.code, error.message, { detail, hint: error.hint, cause: error.cause });
}

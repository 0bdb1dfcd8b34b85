import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/durations.ts';
import type { Log } from '../base/log.ts';
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
}

/** The pause before attempt `attempt` + 1: doubling, and between half and all of that, so that two runs part. */
export function pauseBeforeMs(attempt: number, policy: RetryPolicy, random: number): number {
  return Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1)) * (0.5 + random / 2);
}

/**
 * Waits before the next attempt, or throws `error` when it was not about locks or the attempts are used up.
 * Gives the length of the pause.
 */
export async function pauseOrThrow(error: unknown, attempt: number, what: string, context: RetryContext): Promise<number> {
  if (!isLockFailure(error) || attempt >= context.retry.attempts) throw error;
  const pauseMs = pauseBeforeMs(attempt, context.retry, context.random());
  context.log.info(
    `${what}: another session holds a lock; attempt ${attempt + 1} of ${context.retry.attempts} in ${formatDuration(pauseMs)}`,
  );
  await context.clock.sleep(pauseMs, context.signal);
  return pauseMs;
}

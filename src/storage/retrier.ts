import type { Clock } from '../base/clock.ts';
import { isDbadminError } from '../base/errors.ts';

export interface RetryOptions {
  /** Calls in all, the first included; at least 1. Where `patienceMs` is given, calls that are made in any case. */
  readonly attempts: number;
  /** For how long after its first failure a call is made again, however often that is; 0 unless given. */
  readonly patienceMs?: number;
  /** Which failures mean that nobody answers: other ones may be of one object, and no time mends it. All, unless given. */
  readonly isOutage?: (error: unknown) => boolean;
  readonly clock: Clock;
  /** Evenly distributed in [0, 1), for the jitter. */
  readonly random: () => number;
  /** The first wait, doubled each time; 250 unless given. */
  readonly firstDelayMs?: number;
  /** 15,000 unless given. */
  readonly longestDelayMs?: number;
  /** Ends every wait when it is aborted. What is begun after that, to leave things in order, is tried `attempts` times. */
  readonly interrupt?: AbortSignal | undefined;
  /** Told of each failure that is tried again. */
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
  /** Told once of each time that something does not answer for more than `attempts` calls and is waited for. */
  readonly onWait?: (error: unknown) => void;
}

/** One call, which may fail some times before it succeeds. */
export interface Trial {
  /** How many calls were made, the one that runs included. */
  readonly attempt: number;
  /** Waits before the next call, or throws `error` when it is final. */
  waitOrThrow(error: unknown): Promise<void>;
  /** It has moved on: attempts and time count anew. */
  moved(): void;
}

/** Tries again what failed and may pass, after growing, jittered waits. */
export interface Retrier {
  begin(signal?: AbortSignal): Trial;
  /** The answer of `work`, which is given the number of the attempt. */
  call<Value>(work: (attempt: number) => Promise<Value>, signal?: AbortSignal): Promise<Value>;
}

/** Failures that were waited out to the end inside a call: whoever made that call does not wait for them a second time. */
const waitedOut = new WeakSet<Error>();

export function createRetrier(options: RetryOptions): Retrier {
  const outage = { isTold: false };
  const begin = (signal?: AbortSignal): Trial => new OneTrial(options, outage, signal);
  return {
    begin,
    call: async (work, signal) => {
      const trial = begin(signal);
      for (;;) {
        try {
          const value = await work(trial.attempt);
          trial.moved();
          return value;
        } catch (error) {
          await trial.waitOrThrow(error);
        }
      }
    },
  };
}

class OneTrial implements Trial {
  readonly #options: RetryOptions;
  /** Of all calls together. */
  readonly #outage: { isTold: boolean };
  readonly #signals: readonly AbortSignal[];
  readonly #patienceMs: number;
  #attempt = 1;
  #firstFailureMs: number | undefined;

  constructor(options: RetryOptions, outage: { isTold: boolean }, signal: AbortSignal | undefined) {
    const { interrupt, patienceMs = 0 } = options;
    this.#options = options;
    this.#outage = outage;
    const isLate = interrupt?.aborted === true;
    this.#patienceMs = isLate ? 0 : patienceMs;
    this.#signals = [...(signal === undefined ? [] : [signal]), ...(interrupt === undefined || isLate ? [] : [interrupt])];
  }

  get attempt(): number {
    return this.#attempt;
  }

  async waitOrThrow(error: unknown): Promise<void> {
    const { attempts, clock, random, firstDelayMs = 250, longestDelayMs = 15_000, isOutage = () => true, onRetry, onWait } = this.#options;
    // A lock passes too, but in days.
    if (!isDbadminError(error) || !error.retryable || error.code === 'storage-locked' || error.code === 'interrupted') throw error;
    const nowMs = clock.now().getTime();
    this.#firstFailureMs ??= nowMs;
    const isPatient = nowMs - this.#firstFailureMs < this.#patienceMs && isOutage(error);
    if (waitedOut.has(error)) throw error;
    if (this.#attempt >= attempts && !isPatient) {
      if (this.#attempt > 1) waitedOut.add(error);
      throw error;
    }
    if (this.#attempt >= attempts && !this.#outage.isTold) {
      this.#outage.isTold = true;
      onWait?.(error);
    }
    const delayMs = Math.round(Math.min(longestDelayMs, firstDelayMs * 2 ** (this.#attempt - 1)) * (0.5 + random() / 2));
    onRetry?.(error, this.#attempt, delayMs);
    this.#attempt += 1;
    await sleepUnless(clock, delayMs, this.#signals);
  }

  moved(): void {
    this.#attempt = 1;
    this.#firstFailureMs = undefined;
    this.#outage.isTold = false;
  }
}

async function sleepUnless(clock: Clock, delayMs: number, signals: readonly AbortSignal[]): Promise<void> {
  const [only, ...others] = signals;
  await clock.sleep(delayMs, others.length === 0 ? only : AbortSignal.any([...signals]));
}

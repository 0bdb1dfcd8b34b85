import type { Clock } from '../base/clock.ts';
import { isDbadminError } from '../base/errors.ts';
import { hasPatience } from './patience.ts';

/**
 * What a failure says of the server: it wants fewer requests; it may be away, or fail with this one object, which no time mends; or
 * neither, for it was its answer to the request.
 */
export type Trouble = 'overloaded' | 'unclear' | 'none';

export interface RetryOptions {
  /** Calls in all, the first included; at least 1. Where `patienceMs` is given, calls that are made in any case. */
  readonly attempts: number;
  /**
   * For how long after the first failure calls are made again, however often that is; 0 unless given. It is of all calls together: once it
   * is used up none waits any more until one has succeeded. @see withoutPatience
   */
  readonly patienceMs?: number;
  /** What a failure says of the server by itself; `unclear` of all, unless given. */
  readonly troubleOf?: (error: unknown) => Trouble;
  /** Asks the server whether it answers anything, where a failure of `ofOneObject` leaves that open; it does not, unless given. */
  readonly isAway?: () => Promise<boolean>;
  readonly clock: Clock;
  /** Evenly distributed in [0, 1), for the jitter. */
  readonly random: () => number;
  /** The first wait, doubled each time; 250 unless given. */
  readonly firstDelayMs?: number;
  /** 15,000 unless given. */
  readonly longestDelayMs?: number;
  /** Ends every wait when it is aborted. What is begun after that, to leave things in order, is made once where `patienceMs` is given. */
  readonly interrupt?: AbortSignal | undefined;
  /** Told of each failure that is tried again. */
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
  /** Told that a server is away or overloaded for more than `attempts` calls and is waited for; again only after minutes without that. */
  readonly onWait?: (error: unknown, trouble: Exclude<Trouble, 'none'>) => void;
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
  begin(options?: TrialOptions): Trial;
  /** The answer of `work`, which is given the number of the attempt. */
  call<Value>(work: (attempt: number) => Promise<Value>, options?: TrialOptions): Promise<Value>;
}

export interface TrialOptions {
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the object alone may be what fails, as where it is read: then it is waited for only while the server is away. */
  readonly ofOneObject?: boolean | undefined;
}

/** Calls after a server was found to answer: it may have come back after the one that failed. */
const LAST_ATTEMPTS = 3;

/** Failures that were waited out to the end inside a call: whoever made that call does not wait for them a second time. */
const waitedOut = new WeakSet<Error>();

/** Without a wait for so long, the next one is another outage. */
const CALM_MS = 5 * 60_000;

/** Of all calls together. */
interface Outage {
  /** The first failure since the last success. */
  sinceMs: number | undefined;
  waitedAtMs: number | undefined;
  /** Whether the server is away is asked for all that want to know it at the time. */
  asking: Promise<boolean> | undefined;
}

export function createRetrier(options: RetryOptions): Retrier {
  const outage: Outage = { sinceMs: undefined, waitedAtMs: undefined, asking: undefined };
  const begin = (own: TrialOptions = {}): Trial => new OneTrial(options, outage, own);
  return {
    begin,
    call: async (work, own) => {
      const trial = begin(own);
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
  readonly #outage: Outage;
  readonly #signals: readonly AbortSignal[];
  readonly #patienceMs: number;
  readonly #ofOneObject: boolean;
  readonly #attempts: number;
  #attempt = 1;
  /** Waits since the first call or since the server was found to answer: each is longer than the one before. */
  #waits = 0;
  /** Calls that are made before anybody asks why they fail. */
  #left: number;
  /** The server answers, and these are the last calls. */
  #isLast = false;
  #firstFailureMs: number | undefined;

  constructor(options: RetryOptions, outage: Outage, { signal, ofOneObject = false }: TrialOptions) {
    const { interrupt, patienceMs = 0, attempts } = options;
    this.#options = options;
    this.#outage = outage;
    this.#ofOneObject = ofOneObject;
    const isLate = interrupt?.aborted === true;
    // What stops on a signal as it always does, without patience, has content to store in its end.
    this.#attempts = isLate && patienceMs > 0 ? 1 : attempts;
    this.#left = this.#attempts - 1;
    this.#patienceMs = isLate || !hasPatience() ? 0 : patienceMs;
    this.#signals = [...(signal === undefined ? [] : [signal]), ...(interrupt === undefined || isLate ? [] : [interrupt])];
  }

  get attempt(): number {
    return this.#attempt;
  }

  async waitOrThrow(error: unknown): Promise<void> {
    const { clock, random, firstDelayMs = 250, longestDelayMs = 15_000, onRetry } = this.#options;
    // A lock passes too, but in days.
    if (!isDbadminError(error) || !error.retryable || error.code === 'storage-locked' || error.code === 'interrupted') throw error;
    if (waitedOut.has(error)) throw error;
    this.#firstFailureMs ??= clock.now().getTime();
    if (this.#left > 0) this.#left -= 1;
    else if (!(await this.#isWaitedFor(error))) {
      if (this.#attempt > 1) waitedOut.add(error);
      throw error;
    }
    const delayMs = Math.round(Math.min(longestDelayMs, firstDelayMs * 2 ** this.#waits) * (0.5 + random() / 2));
    onRetry?.(error, this.#attempt, delayMs);
    this.#attempt += 1;
    this.#waits += 1;
    await sleepUnless(clock, delayMs, this.#signals);
  }

  /** Whether one more call is made than are made in any case. The failure alone does not say it: an object that cannot be read fails so too. */
  async #isWaitedFor(error: unknown): Promise<boolean> {
    const { troubleOf, onWait } = this.#options;
    const trouble = troubleOf?.(error) ?? 'unclear';
    if (trouble === 'none' || !this.#hasPatience()) return false;
    if (trouble === 'overloaded' || !this.#ofOneObject || (await this.#isAway())) {
      this.#isLast = false;
      this.#outage.sinceMs ??= this.#firstFailureMs;
      const nowMs = this.#options.clock.now().getTime();
      const { waitedAtMs } = this.#outage;
      if (waitedAtMs === undefined || nowMs - waitedAtMs > CALM_MS) onWait?.(error, trouble);
      this.#outage.waitedAtMs = nowMs;
      return true;
    }
    this.#outage.sinceMs = undefined;
    if (this.#isLast) return false;
    this.#isLast = true;
    this.#left = LAST_ATTEMPTS - 1;
    this.#waits = 0;
    return true;
  }

  #hasPatience(): boolean {
    const nowMs = this.#options.clock.now().getTime();
    const sinceMs = Math.min(this.#firstFailureMs ?? nowMs, this.#outage.sinceMs ?? nowMs);
    return nowMs - sinceMs < this.#patienceMs;
  }

  async #isAway(): Promise<boolean> {
    this.#outage.asking ??= (this.#options.isAway?.() ?? Promise.resolve(true)).finally(() => {
      this.#outage.asking = undefined;
    });
    return await this.#outage.asking;
  }

  moved(): void {
    this.#attempt = 1;
    this.#waits = 0;
    this.#left = this.#attempts - 1;
    this.#isLast = false;
    this.#firstFailureMs = undefined;
    this.#outage.sinceMs = undefined;
  }
}

async function sleepUnless(clock: Clock, delayMs: number, signals: readonly AbortSignal[]): Promise<void> {
  const [only, ...others] = signals;
  await clock.sleep(delayMs, others.length === 0 ? only : AbortSignal.any([...signals]));
}

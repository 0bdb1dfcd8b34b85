import type { Clock } from '../../base/clock.ts';

/** One thing that goes wrong with requests to the API. */
export interface Fault {
  /** Which requests; all when undefined. */
  readonly path?: RegExp;
  /** How many of them. */
  readonly times: number;
  readonly what:
    | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
    /** 200 and this body, whatever it is. */
    | { readonly kind: 'body'; readonly text: string }
    /** The connection ends without an answer. */
    | { readonly kind: 'cut' };
}

export interface FaultOptions {
  /** Requests in any 30 seconds; more get 429. Undefined: no limit. */
  readonly rateLimit?: number | undefined;
  /** Each n-th request gets 503. */
  readonly failEvery?: number | undefined;
}

const WINDOW_MS = 30_000;

/** Decides which request goes wrong. */
export class Faults {
  readonly #clock: Clock;
  readonly #options: FaultOptions;
  readonly #asked: number[] = [];
  #waiting: { readonly fault: Fault; left: number }[] = [];
  #count = 0;

  constructor(clock: Clock, options: FaultOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** From now on, and once only: faults wait in line. */
  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times });
  }

  next(path: string): Fault['what'] | undefined {
    const waiting = this.#waiting.find(({ fault, left }) => left > 0 && (fault.path?.test(path) ?? true));
    if (waiting !== undefined) {
      waiting.left -= 1;
      this.#waiting = this.#waiting.filter(({ left }) => left > 0);
      return waiting.fault.what;
    }
    this.#count += 1;
    const { failEvery } = this.#options;
    if (failEvery !== undefined && this.#count % failEvery === 0) return { kind: 'status', status: 503 };
    return this.#limited();
  }

  #limited(): Fault['what'] | undefined {
    const { rateLimit } = this.#options;
    if (rateLimit === undefined) return undefined;
    const now = this.#clock.now().getTime();
    while ((this.#asked[0] ?? now) <= now - WINDOW_MS) this.#asked.shift();
    if (this.#asked.length < rateLimit) {
      this.#asked.push(now);
      return undefined;
    }
    const waitMs = (this.#asked[0] ?? now) + WINDOW_MS - now;
    return { kind: 'status', status: 429, retryAfter: String(Math.max(1, Math.ceil(waitMs / 1000))) };
  }
}

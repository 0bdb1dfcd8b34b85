import type { Clock } from '../base/clock.ts';
import { networkOf } from './client-address.ts';

const WINDOW_MS = 15 * 60_000;
/** Failures in that time after which nobody may try: with that name from that address, from that address, with that name. */
const MOST_OF_BOTH = 5;
const MOST_OF_ADDRESS = 20;
const MOST_OF_NAME = 100;
/** What is remembered; beyond it everybody waits rather than that anybody is forgotten. */
const MOST_KEPT = 30_000;

/**
 * Slows down whoever guesses passwords. One address has a few tries, so that a stranger cannot lock out somebody whose name
 * they know; a name has many, so that a thousand addresses do not help either.
 */
export class SignInLimit {
  readonly #failures = new Map<string, readonly number[]>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** How long to wait before the next try; 0 for none. */
  waitMs(name: string, address: string): number {
    const now = this.#clock.now().getTime();
    const waits = limits(name, address).map(([key, most]) => {
      const times = this.#recent(key, now);
      const first = times[times.length - most];
      return first === undefined ? 0 : first + WINDOW_MS - now;
    });
    if (this.#failures.size > MOST_KEPT) this.#sweep(now);
    return Math.max(this.#failures.size > MOST_KEPT ? WINDOW_MS : 0, ...waits);
  }

  /** Counts a try, before it is known what comes of it: many at once are many. */
  tried(name: string, address: string): void {
    const now = this.#clock.now().getTime();
    for (const [key, most] of limits(name, address)) this.#failures.set(key, [...this.#recent(key, now), now].slice(-most));
  }

  /** The last try was right: it does not count, nor do those before it with this name from here. */
  succeeded(name: string, address: string): void {
    const [both, ...others] = limits(name, address);
    if (both !== undefined) this.#failures.delete(both[0]);
    for (const [key] of others) this.#failures.set(key, (this.#failures.get(key) ?? []).slice(0, -1));
  }

  #recent(key: string, now: number): readonly number[] {
    return (this.#failures.get(key) ?? []).filter((at) => at > now - WINDOW_MS);
  }

  #sweep(now: number): void {
    for (const key of this.#failures.keys()) if (this.#recent(key, now).length === 0) this.#failures.delete(key);
  }
}

function limits(name: string, address: string): readonly (readonly [string, number])[] {
  const network = networkOf(address);
  return [
    [`both ${network} ${name}`, MOST_OF_BOTH],
    [`address ${network}`, MOST_OF_ADDRESS],
    [`name ${name}`, MOST_OF_NAME],
  ];
}

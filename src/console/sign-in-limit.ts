import type { Clock } from '../base/clock.ts';

const WINDOW_MS = 15 * 60_000;
/** Failures in that time after which nobody may try with that name, or from that address. */
const MOST_OF_NAME = 5;
const MOST_OF_ADDRESS = 20;
/** What is remembered; beyond it everybody waits rather than that anybody is forgotten. */
const MOST_KEPT = 10_000;

/** Slows down whoever guesses passwords: by name, so that many addresses do not help, and by address, so that many names do not. */
export class SignInLimit {
  readonly #failures = new Map<string, number[]>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** How long to wait before the next try; 0 for none. */
  waitMs(name: string, address: string): number {
    const now = this.#clock.now().getTime();
    const waits = keys(name, address).map(([key, most]) => {
      const times = this.#recent(key, now);
      const first = times[times.length - most];
      return first === undefined ? 0 : first + WINDOW_MS - now;
    });
    if (this.#failures.size > MOST_KEPT) this.#sweep(now);
    return Math.max(this.#failures.size > MOST_KEPT ? WINDOW_MS : 0, ...waits);
  }

  failed(name: string, address: string): void {
    const now = this.#clock.now().getTime();
    for (const [key] of keys(name, address)) this.#failures.set(key, [...this.#recent(key, now), now].slice(-MOST_OF_ADDRESS));
  }

  /** A right password forgives the wrong ones before it, of that name only: the address may go on guessing at others. */
  succeeded(name: string): void {
    this.#failures.delete(`name ${name}`);
  }

  #recent(key: string, now: number): number[] {
    return (this.#failures.get(key) ?? []).filter((at) => at > now - WINDOW_MS);
  }

  #sweep(now: number): void {
    for (const key of this.#failures.keys()) if (this.#recent(key, now).length === 0) this.#failures.delete(key);
  }
}

function keys(name: string, address: string): readonly (readonly [string, number])[] {
  return [
    [`name ${name}`, MOST_OF_NAME],
    [`address ${address}`, MOST_OF_ADDRESS],
  ];
}

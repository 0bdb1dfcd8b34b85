import type { Clock } from '../../src/base/clock.ts';

/** A clock that moves only when told to; whoever sleeps wakes in the order of their times. */
export class ManualClock implements Clock {
  #nowMs: number;
  #sleepers: { readonly dueMs: number; readonly wake: () => void }[] = [];

  constructor(nowMs = Date.UTC(2026, 10, 21)) {
    this.#nowMs = nowMs;
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const sleeper = { dueMs: this.#nowMs + delayMs, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  /** Lets time pass, waking sleepers on the way and letting each do what it wakes for. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#sleepers.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /** Sets the clock, as an administrator does: nobody wakes. */
  set(nowMs: number): void {
    const byMs = nowMs - this.#nowMs;
    this.#nowMs = nowMs;
    this.#sleepers = this.#sleepers.map((sleeper) => ({ ...sleeper, dueMs: sleeper.dueMs + byMs }));
  }

  /** Lets time pass until `work` is done. */
  async until<Value>(work: Promise<Value>): Promise<Value> {
    const state = { done: false };
    void work.then(
      () => (state.done = true),
      () => (state.done = true),
    );
    await settle();
    for (let step = 0; !state.done && step < 100_000; step += 1) await this.advance(1000);
    return await work;
  }
}

/** Lets everything that can go on without time go on: files are read and written meanwhile. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

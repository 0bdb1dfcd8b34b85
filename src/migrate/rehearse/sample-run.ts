import type { Clock } from '../../base/clock.ts';
import { lockLevel, type LockMode } from '../effects/lock-modes.ts';
import type { Queryable } from '../session/session.ts';
import { readLocksOf } from './catalog.ts';

/** At first one look follows the other: much of what has no transaction is over after some milliseconds. */
const EAGER_MS = 200;
const EVERY_MS = 5;
/** What has run for so long need not be looked at so often. */
const SELDOM_AFTER_MS = 5000;
const SELDOM_MS = 50;

/** One lock as it was seen from beside, from the last look without it to the first without it again. */
export interface SampledLock {
  readonly oid: number;
  readonly mode: LockMode;
  readonly fromMs: number;
  untilMs: number;
}

/** Looks again and again at what a process holds, while it runs a statement that has no transaction in which one could ask. */
export class LockSampler {
  readonly #stop = new AbortController();
  readonly #seen: SampledLock[] = [];
  readonly #ended: Promise<void>;

  constructor(watcher: Queryable, pid: number, clock: Clock, nowMs: () => number) {
    this.#ended = this.#look(watcher, pid, clock, nowMs);
    // Awaited in `stop`; until then a failure has no listener.
    this.#ended.catch(() => undefined);
  }

  /** What was held at some time, and how long at most. */
  async stop(): Promise<readonly SampledLock[]> {
    this.#stop.abort();
    await this.#ended;
    return this.#seen;
  }

  async #look(watcher: Queryable, pid: number, clock: Clock, nowMs: () => number): Promise<void> {
    const startedMs = nowMs();
    let lastMs = startedMs;
    let open = new Map<number, SampledLock>();
    while (!this.#stop.signal.aborted) {
      const askedMs = nowMs();
      const held = await readLocksOf(watcher, pid);
      const answeredMs = nowMs();
      const still = new Map<number, SampledLock>();
      for (const [oid, mode] of held) {
        const before = open.get(oid);
        if (before !== undefined && lockLevel(before.mode) === lockLevel(mode)) still.set(oid, before);
        else {
          const lock = { oid, mode, fromMs: lastMs, untilMs: answeredMs };
          this.#seen.push(lock);
          still.set(oid, lock);
        }
      }
      for (const lock of open.values()) lock.untilMs = answeredMs;
      open = still;
      lastMs = askedMs;
      const ranMs = answeredMs - startedMs;
      const pauseMs = ranMs > SELDOM_AFTER_MS ? SELDOM_MS : ranMs > EAGER_MS ? EVERY_MS : 0;
      await clock.sleep(pauseMs, this.#stop.signal).catch(() => undefined);
    }
    const endedMs = nowMs();
    for (const lock of open.values()) lock.untilMs = endedMs;
  }
}

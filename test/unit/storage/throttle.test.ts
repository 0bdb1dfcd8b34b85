import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withThrottle } from '../../../src/storage/throttle.ts';

/** A clock that sleeps by moving on. */
function movingClock(): Clock & { readonly elapsedMs: () => number } {
  let nowMs = 1_000_000;
  return {
    now: () => new Date(nowMs),
    sleep: async (delayMs) => {
      nowMs += delayMs;
    },
    elapsedMs: () => nowMs - 1_000_000,
  };
}

describe('withThrottle', () => {
  it('holds writing and reading together to the rate, and changes no byte', async () => {
    const clock = movingClock();
    const memory = createMemoryStore();
    const store = withThrottle(memory, { bytesPerSecond: 1_000_000, clock });
    const bytes = Buffer.alloc(3_000_000, 7);
    await store.create('a', bytes);
    expect(Buffer.compare(await memory.read('a'), bytes)).toBe(0);
    expect(clock.elapsedMs()).toBeGreaterThan(2900);
    expect(clock.elapsedMs()).toBeLessThan(3100);
    const pieces: Uint8Array[] = [];
    for await (const piece of store.readStream('a')) pieces.push(piece);
    expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0);
    expect(clock.elapsedMs()).toBeGreaterThan(5800);
    expect(clock.elapsedMs()).toBeLessThan(6200);
  });

  it('lets an idle store begin at once, and saves nothing up', async () => {
    const clock = movingClock();
    const store = withThrottle(createMemoryStore(), { bytesPerSecond: 1000, clock });
    await store.create('a', Buffer.alloc(10));
    expect(clock.elapsedMs()).toBe(0);
    await clock.sleep(60_000);
    await store.create('b', Buffer.alloc(500));
    await store.create('c', Buffer.alloc(500));
    await store.create('d', Buffer.alloc(500));
    expect(clock.elapsedMs()).toBe(61_000);
  });
});

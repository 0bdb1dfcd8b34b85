import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { withoutPatience } from '../../../src/storage/patience.ts';
import { createRetrier, type RetryOptions } from '../../../src/storage/retrier.ts';

const MINUTE_MS = 60_000;
const READING = { ofOneObject: true };
const away = (): DbadminError => new DbadminError('storage-failed', 'nobody answers');

interface World {
  readonly options: RetryOptions;
  /** Since the beginning. */
  readonly elapsedMs: () => number;
  readonly told: unknown[];
}

/** A world whose time passes in waits alone. */
function world(changes: Partial<RetryOptions> = {}): World {
  let nowMs = 0;
  const told: unknown[] = [];
  const clock: Clock = {
    now: () => new Date(nowMs),
    sleep: async (delayMs, signal) => {
      signal?.throwIfAborted();
      nowMs += delayMs;
    },
  };
  const options = { attempts: 5, patienceMs: 10 * MINUTE_MS, clock, random: () => 0.5, onWait: (error: unknown) => void told.push(error) };
  return { options: { ...options, ...changes }, elapsedMs: () => nowMs, told };
}

/** Fails until `untilMs` have passed. */
function outage({ elapsedMs }: World, untilMs: number): () => Promise<string> {
  return async () => {
    if (elapsedMs() < untilMs) throw away();
    return 'done';
  };
}

describe('createRetrier', () => {
  it('waits for minutes where it has patience, never longer than 15 s at a time, and tells it once', async () => {
    const delays: number[] = [];
    const own = world({ onRetry: (_error, _attempt, delayMs) => void delays.push(delayMs) });
    expect(await createRetrier(own.options).call(outage(own, 9 * MINUTE_MS))).toBe('done');
    expect(Math.max(...delays)).toBe(11_250);
    expect(own.elapsedMs()).toBeLessThan(9 * MINUTE_MS + 15_000);
    expect(own.told).toHaveLength(1);
  });

  it('gives up when its patience has ended, with the last failure, and says nothing of a short one', async () => {
    const own = world();
    await expect(createRetrier(own.options).call(outage(own, 11 * MINUTE_MS))).rejects.toMatchObject({ code: 'storage-failed' });
    expect(own.elapsedMs()).toBeGreaterThanOrEqual(10 * MINUTE_MS);
    expect(own.elapsedMs()).toBeLessThan(10 * MINUTE_MS + 15_000);
    const short = world();
    await createRetrier(short.options).call(outage(short, 1000));
    expect(short.told).toEqual([]);
  });

  it('without patience it ends after its attempts, in seconds', async () => {
    const own = world({ patienceMs: 0 });
    await expect(createRetrier(own.options).call(outage(own, 10_000))).rejects.toMatchObject({ code: 'storage-failed' });
    expect(own.elapsedMs()).toBeLessThan(4000);
  });

  it('has no patience with what is no outage', async () => {
    const own = world({ troubleOf: () => 'none' });
    await expect(createRetrier(own.options).call(outage(own, 10_000))).rejects.toMatchObject({ code: 'storage-failed' });
    expect(own.elapsedMs()).toBeLessThan(4000);
  });

  it('does not wait for one object that fails while the server answers, and says nothing', async () => {
    let [calls, asked] = [0, 0];
    const isAway = async (): Promise<boolean> => (asked += 1) < 0;
    const own = world({ isAway });
    const call = createRetrier(own.options).call(async () => {
      calls += 1;
      throw away();
    }, READING);
    await expect(call).rejects.toMatchObject({ code: 'storage-failed' });
    // What every call gets, and some for a server that came back just before it was asked.
    expect([calls, asked]).toEqual([8, 2]);
    expect(own.elapsedMs()).toBeLessThan(5000);
    expect(own.told).toEqual([]);
  });

  it('waits while the server is away, and for an object that fails still when it is back some seconds more', async () => {
    const own: World = world({ isAway: async () => own.elapsedMs() < 5 * MINUTE_MS });
    await expect(createRetrier(own.options).call(async () => await Promise.reject(away()), READING)).rejects.toMatchObject({
      code: 'storage-failed',
    });
    expect(own.elapsedMs()).toBeGreaterThan(5 * MINUTE_MS);
    expect(own.elapsedMs()).toBeLessThan(5 * MINUTE_MS + 20_000);
    const back: World = world({ isAway: async () => back.elapsedMs() < MINUTE_MS });
    expect(await createRetrier(back.options).call(outage(back, MINUTE_MS + 300), READING)).toBe('done');
  });

  it('waits with what is not of one object, as writing, though the server answers something', async () => {
    const own = world({ isAway: async () => false });
    expect(await createRetrier(own.options).call(outage(own, 5 * MINUTE_MS))).toBe('done');
    expect(own.told).toHaveLength(1);
  });

  it('waits for a server that asks for fewer requests, and asks it nothing', async () => {
    const own = world({ troubleOf: () => 'overloaded', isAway: async () => await Promise.reject(new Error('asked')) });
    expect(await createRetrier(own.options).call(outage(own, 5 * MINUTE_MS), READING)).toBe('done');
    expect(own.told).toHaveLength(1);
  });

  it('tells a second outage, and one of many calls at once as one', async () => {
    const own = world();
    const again = createRetrier(own.options);
    await Promise.all([1, 2, 3].map(async () => await again.call(outage(own, MINUTE_MS))));
    expect(own.told).toHaveLength(1);
    // One call after the other that has to wait, as under a limit of requests, is still the same.
    await again.call(outage(own, own.elapsedMs() + MINUTE_MS));
    expect(own.told).toHaveLength(1);
    await own.options.clock.sleep(6 * MINUTE_MS);
    await again.call(outage(own, own.elapsedMs() + MINUTE_MS));
    expect(own.told).toHaveLength(2);
  });

  it('does not wait again for what was waited out inside the call', async () => {
    const own = world();
    const [inner, outer] = [createRetrier(own.options), createRetrier(own.options)];
    const call = outer.call(async () => await inner.call(outage(own, 30 * MINUTE_MS)));
    await expect(call).rejects.toMatchObject({ code: 'storage-failed' });
    expect(own.elapsedMs()).toBeLessThan(10 * MINUTE_MS + 15_000);
  });

  it('waits out one outage once: what is called after that waits only when something has succeeded again', async () => {
    const own = world();
    const again = createRetrier(own.options);
    const call = again.call(outage(own, 60 * MINUTE_MS));
    await expect(call).rejects.toMatchObject({ code: 'storage-failed' });
    for (let n = 0; n < 3; n += 1) {
      const beforeMs = own.elapsedMs();
      await expect(again.call(outage(own, 60 * MINUTE_MS))).rejects.toMatchObject({ code: 'storage-failed' });
      expect(own.elapsedMs() - beforeMs).toBeLessThan(4000);
    }
    await again.call(async () => await Promise.resolve('answered'));
    expect(await again.call(outage(own, own.elapsedMs() + 5 * MINUTE_MS))).toBe('done');
  });

  it('has no patience with what is not worth it', async () => {
    const own = world();
    const call = withoutPatience(async () => await createRetrier(own.options).call(outage(own, MINUTE_MS)));
    await expect(call).rejects.toMatchObject({ code: 'storage-failed' });
    expect(own.elapsedMs()).toBeLessThan(4000);
  });

  it('an interrupt ends the waiting at once, and what is begun after it is tried once where there was patience, else as ever', async () => {
    const interruption = new AbortController();
    const again = createRetrier({ ...world().options, clock: systemClock, firstDelayMs: 30_000, interrupt: interruption.signal });
    const waiting = again.call(async () => await Promise.reject(away()));
    setTimeout(() => interruption.abort(new DbadminError('interrupted', 'interrupted by SIGINT')), 20);
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    const own = world({ interrupt: interruption.signal });
    await expect(createRetrier(own.options).call(outage(own, 1000))).rejects.toMatchObject({ code: 'storage-failed' });
    expect(own.elapsedMs()).toBe(0);
    const brief = world({ interrupt: interruption.signal, patienceMs: 0 });
    expect(await createRetrier(brief.options).call(outage(brief, 1000))).toBe('done');
  });
});

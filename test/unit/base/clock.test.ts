import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';

afterEach(() => void vi.useRealTimers());

test('systemClock.sleep: longer than a timer of Node.js can be, it lasts as long as it was asked to', async () => {
  vi.useFakeTimers();
  const days = 24 * 3_600_000;
  let isOver = false;
  const slept = systemClock.sleep(60 * days).then(() => (isOver = true));
  for (let day = 1; day <= 59; day += 1) await vi.advanceTimersByTimeAsync(days);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(days);
  await slept;
  expect(isOver).toBe(true);
});

test('systemClock.sleep: a long one is given up as a short one is', async () => {
  vi.useFakeTimers();
  const stop = new AbortController();
  const slept = systemClock.sleep(60 * 24 * 3_600_000, stop.signal);
  await vi.advanceTimersByTimeAsync(30 * 24 * 3_600_000);
  stop.abort(new Error('stopped'));
  await expect(slept).rejects.toThrow('stopped');
  expect(vi.getTimerCount()).toBe(0);
});

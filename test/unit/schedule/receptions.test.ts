import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Policies } from '../../../src/schedule/policies.ts';
import type { Receiving } from '../../../src/schedule/worker/options.ts';
import { Receptions } from '../../../src/schedule/worker/receptions.ts';

function policiesWith(required: readonly string[], backupAgeMs = 0): Policies {
  const wal = { mode: 'stream', rpoMs: 1000, required };
  const policy = { name: 'p', cluster: 'main', repositories: ['local', 'offsite'], labels: [], wal, limits: { backupAgeMs } };
  return { policies: new Map([['p', policy]]) } as unknown as Policies;
}

test('a reception begins anew where other repositories are required, and goes on where something else changed', async () => {
  const stop = new AbortController();
  let begun = 0;
  const receiving: Receiving = {
    own: async () => await Promise.resolve({ check: async () => await Promise.resolve(), release: async () => await Promise.resolve() }),
    receive: async (_reception, signal) => {
      begun += 1;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  };
  const kept = new Receptions({ receiving, labels: [], clock: systemClock, log: silentLog, signal: stop.signal });
  kept.follow(policiesWith(['local', 'offsite']));
  await expect.poll(() => begun).toBe(1);
  kept.follow(policiesWith(['local']));
  await expect.poll(() => begun).toBe(2);
  kept.follow(policiesWith(['local'], 1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toBe(2);
  stop.abort();
  await kept.ended();
});

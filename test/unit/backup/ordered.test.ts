import { describe, expect, test } from 'vitest';
import { Ordered } from '../../../src/backup/wal/ordered.ts';

/** Work that ends when the test says so. */
function step(): { readonly work: () => Promise<void>; readonly end: () => void; readonly fail: (error: Error) => void; begun: boolean } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const each = {
    begun: false,
    work: async () => {
      each.begun = true;
      await promise;
    },
    end: resolve,
    fail: reject,
  };
  return each;
}

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

describe('work in order', () => {
  test('what follows each piece is done in the order of adding, whichever ends first', async () => {
    const ordered = new Ordered(3);
    const steps = [step(), step(), step()];
    const done: number[] = [];
    for (const [n, { work }] of steps.entries()) await ordered.add(work, () => done.push(n));
    steps[2]?.end();
    steps[1]?.end();
    await turn();
    expect(done).toEqual([]);
    steps[0]?.end();
    await ordered.settled();
    expect(done).toEqual([0, 1, 2]);
  });

  test('no more than so many pieces run at once; adding waits for room', async () => {
    const ordered = new Ordered(2);
    const steps = [step(), step(), step()];
    await ordered.add(steps[0]?.work ?? (async () => undefined), () => undefined);
    await ordered.add(steps[1]?.work ?? (async () => undefined), () => undefined);
    let added = false;
    const third = ordered.add(steps[2]?.work ?? (async () => undefined), () => undefined).then(() => (added = true));
    await turn();
    expect([added, steps[2]?.begun]).toEqual([false, false]);
    steps[1]?.end();
    await third;
    expect(steps[2]?.begun).toBe(true);
    steps[0]?.end();
    steps[2]?.end();
    await ordered.settled();
  });

  test('settled() waits also for what was added and has no room yet', async () => {
    const ordered = new Ordered(1);
    const steps = [step(), step()];
    const done: string[] = [];
    for (const [n, { work }] of steps.entries()) void ordered.add(work, () => done.push(String(n)));
    const settled = ordered.settled().then(() => done.push('settled'));
    steps[0]?.end();
    await turn();
    expect(done).toEqual(['0']);
    steps[1]?.end();
    await settled;
    expect(done).toEqual(['0', '1', 'settled']);
  });

  test('after a failure nothing later is followed up, and settled() tells it', async () => {
    const ordered = new Ordered(3);
    const steps = [step(), step(), step()];
    const done: number[] = [];
    for (const [n, { work }] of steps.entries()) await ordered.add(work, () => done.push(n));
    steps[0]?.end();
    steps[1]?.fail(new Error('no room'));
    steps[2]?.end();
    await expect(ordered.settled()).rejects.toThrow('no room');
    expect(done).toEqual([0]);
  });
});

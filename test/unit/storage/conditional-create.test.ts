import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { probeConditionalCreate } from '../../../src/storage/conditional-create.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withFaults } from '../../backup/failing-store.ts';

/** The memory store, on which the `failing` creates, counted from 1, fail. */
function failingAt(failing: readonly number[]) {
  let creates = 0;
  return withFaults(createMemoryStore(), ({ operation }) => {
    if (operation !== 'create') return;
    creates += 1;
    if (failing.includes(creates)) throw new DbadminError('storage-failed', 'the server answered 503');
  });
}

test('a store that refuses the second create of a key is found to, also where some of the racers get no answer', async () => {
  expect(await probeConditionalCreate(failingAt([]))).toBe(true);
  expect(await probeConditionalCreate(failingAt([3, 4, 6]))).toBe(true);
});

test('a store that answers none of the racers is not said to lack what was not found out', async () => {
  await expect(probeConditionalCreate(failingAt([3, 4, 5, 6]))).rejects.toMatchObject({ code: 'storage-failed' });
});

import { expect, it } from 'vitest';
import type { PackUse } from '../../../src/repository/collection-inspect.ts';
import { fitCompaction } from '../../../src/repository/collection-plan.ts';

const MiB = 1024 * 1024;

/** A pack of 16 MiB of which so much is needed. */
function pack(name: string, neededBytes: number): PackUse {
  const sizes = { sizeBytes: 16 * MiB, blobBytes: 16 * MiB, neededBytes };
  return { pack: name, storedAt: new Date(0), needed: [], mark: undefined, ...sizes };
}

const PACKS = [pack('half', 7 * MiB), pack('little', MiB), pack('some', 3 * MiB)];

it.each([
  // What is needed of all is 11 MiB, and a pack more stays free. Whole they are 48 MiB.
  ['all, where what is needed of them has room', 28, ['little', 'some', 'half']],
  ['those of which the least is needed, where it has not', 21, ['little', 'some']],
  ['none beside a pack that is being written', 16, []],
  ['none on a disk that is full', 0, []],
])('fitCompaction: %s', (_, freeMiB, packs) => {
  expect(fitCompaction(PACKS, freeMiB * MiB).map((use) => use.pack)).toEqual(packs);
});

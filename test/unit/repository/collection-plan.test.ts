import { expect, it } from 'vitest';
import type { PackUse } from '../../../src/repository/collection-inspect.ts';
import { firstRound, fitCompaction, planCollection } from '../../../src/repository/collection-plan.ts';

const MiB = 1024 * 1024;

/** A pack of 16 MiB of which so much is needed. */
function pack(name: string, neededBytes: number): PackUse {
  const sizes = { sizeBytes: 16 * MiB, blobBytes: 16 * MiB, neededBytes };
  return { pack: name, storedAt: new Date(0), needed: [], mark: undefined, ...sizes };
}

const PACKS = [pack('half', 7 * MiB), pack('little', MiB), pack('some', 3 * MiB)];

it.each([
  // What is needed of all is 11 MiB. Four times as much is to be free, and a pack more.
  ['all, where what is needed of them has room', 60, 0, ['little', 'some', 'half']],
  ['those of which the least is needed, where it has not', 59, 0, ['little', 'some']],
  ['none beside a pack that is being written', 19, 0, []],
  ['none on a disk that is full', 0, 0, []],
  ['as much beside what was written anew already', 56, 4, ['little', 'some']],
  ['fewer, when others have written meanwhile', 42, 7, ['little']],
])('fitCompaction: %s', (_, freeMiB, takenMiB, packs) => {
  expect(fitCompaction(PACKS, freeMiB * MiB, takenMiB * MiB).map((use) => use.pack)).toEqual(packs);
});

it.each([
  ['all that are small', [7, 3, 1], 3],
  ['so many that room is looked at again in between', [200, 200, 200], 2],
  ['one, however large', [600, 1], 1],
])('firstRound: %s', (_, neededMiB, packs) => {
  expect(firstRound(neededMiB.map((each) => pack('one', each * MiB)))).toHaveLength(packs);
});

it('planCollection: a pack whose mark cannot be read loses the mark, however long ago it was made, and is marked anew later', () => {
  const now = new Date(1e12);
  const marked = (name: string, graceMs: number | undefined): PackUse => ({
    ...pack(name, 0),
    mark: { pack: name, modifiedAt: new Date(0), graceMs },
  });
  const usage = {
    now,
    labels: ['one'],
    gone: [],
    unindexed: [],
    absent: [],
    packs: [marked('due', 1000), marked('unreadable', undefined)],
  };
  const plan = planCollection(usage, 1000);
  expect(plan.delete.map((use) => use.pack)).toEqual(['due']);
  expect(plan.withdraw.map((use) => use.pack)).toEqual(['unreadable']);
  expect([plan.mark, plan.wait]).toEqual([[], []]);
});

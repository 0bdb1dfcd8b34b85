import { expect, test } from 'vitest';
import { keptSlots, type Slot } from '../../../../src/console/app/screens/roles/grid-slots.ts';

const slots = (shown: readonly Slot[]): readonly number[] => shown.map(({ slot }) => slot);
const indexes = (shown: readonly Slot[]): readonly number[] => shown.map(({ index }) => index);

test('keptSlots: what stays keeps its slot, and what is new takes the one that became free', () => {
  const first = keptSlots([], 0, 4);
  expect(slots(first)).toEqual([0, 1, 2, 3]);
  const second = keptSlots(first, 1, 5);
  expect(second).toEqual([
    { slot: 1, index: 1 },
    { slot: 2, index: 2 },
    { slot: 3, index: 3 },
    { slot: 0, index: 4 },
  ]);
  expect(keptSlots(second, 0, 4)).toEqual([
    { slot: 0, index: 0 },
    { slot: 1, index: 1 },
    { slot: 2, index: 2 },
    { slot: 3, index: 3 },
  ]);
});

test('keptSlots: a page that is all new has the slots in the order in which they stand, so that none is moved', () => {
  const turned = keptSlots(keptSlots([], 0, 6), 2, 8);
  expect(slots(turned)).toEqual([2, 3, 4, 5, 0, 1]);
  const page = keptSlots(turned, 100, 106);
  expect(slots(page)).toEqual(slots(turned));
  expect(indexes(page)).toEqual([100, 101, 102, 103, 104, 105]);
});

test('keptSlots: no slot is used twice, however the window grows, shrinks and jumps', () => {
  let shown: readonly Slot[] = [];
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((state / 4_294_967_296) * below);
  };
  for (let step = 0; step < 500; step += 1) {
    const from = random(40);
    const to = from + random(20);
    shown = keptSlots(shown, from, to);
    expect(indexes(shown)).toEqual(Array.from({ length: to - from }, (_, place) => from + place));
    expect(new Set(slots(shown)).size).toBe(shown.length);
  }
});

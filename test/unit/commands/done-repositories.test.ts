import { expect, test } from 'vitest';
import { leftOf, outcomeIn, overWith, readDone } from '../../../src/commands/schedule/done-repositories.ts';

const words = ['backup', 'run', '--repository', 'local', '--type', 'full', '--repository', 'offsite'];

test('of a command for several repositories those that are done are left out, and it whole where none is left', () => {
  expect(leftOf(words, new Set(['local']))).toEqual(['backup', 'run', '--type', 'full', '--repository', 'offsite']);
  expect(leftOf(words, new Set(['elsewhere']))).toBe(words);
  expect(leftOf(words, new Set(['local', 'offsite']))).toBeUndefined();
  // Named by nothing, it goes to all: that is the command of a person, who said so.
  expect(leftOf(['backup', 'run'], new Set(['local']))).toEqual(['backup', 'run']);
});

test('a command for one repository is over with what trying again cannot mend, which is told in the end all the same', () => {
  const dump = ['backup', 'dump', '--repository', 'local'];
  const inPart = { kind: 'failed', exitStatus: 3, error: 'shop is not in this dump', final: true } as const;
  const warned = { kind: 'succeeded', warning: 'older ones were not removed' } as const;
  for (const outcome of [inPart, warned, { kind: 'succeeded' } as const]) expect(overWith(dump, outcome).map(outcomeIn)).toEqual([outcome]);
  expect(overWith(dump, { ...inPart, final: false })).toEqual([]);
  expect(overWith(dump, { kind: 'locked', error: 'held' })).toEqual([]);
  expect(overWith(words, { kind: 'succeeded' })).toEqual([]);
});

test('what a command tells is read, and nothing else', () => {
  expect(readDone({ done: [{ repository: 'local', warning: 'w', more: 1 }, { repository: 7 }, 'offsite'] })).toEqual([
    { repository: 'local', warning: 'w' },
  ]);
  for (const other of [undefined, null, 'done', { done: 'local' }, {}]) expect(readDone(other)).toEqual([]);
});

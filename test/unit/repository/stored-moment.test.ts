import { expect, test } from 'vitest';
import { isAhead, momentOf } from '../../../src/repository/stored-moment.ts';

const at = (text: string): Date => new Date(`2026-11-21T${text}Z`);

test.each([
  ['as the tool has it', '10:00:00', '10:00:01', '10:00:00'],
  ['as the tool has it in a copy, which was stored later', '10:00:00', '11:00:00', '10:00:00'],
  ['as the tool has it where the store was behind', '10:00:00', '02:00:00', '10:00:00'],
  ['as the tool has it while clocks differ by minutes', '12:10:00', '12:00:00', '12:10:00'],
  ['as the store has it where the tool was ahead', '22:00:00', '10:00:00', '10:00:00'],
])('the moment is %s', (_what, said, stored, moment) => {
  expect(momentOf(at(said), at(stored), at('12:00:00'))).toEqual(at(moment));
});

test('a moment has not come when no clock that is set can be there yet', () => {
  expect(isAhead(at('10:10:00'), at('10:00:00'))).toBe(false);
  expect(isAhead(at('10:20:00'), at('10:00:00'))).toBe(true);
  expect(isAhead(at('09:00:00'), at('10:00:00'))).toBe(false);
});

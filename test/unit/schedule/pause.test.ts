import { expect, test } from 'vitest';
import { goesOn, letsPass, willLetPass } from '../../../src/schedule/pause.ts';
import { at } from './job.ts';

const noon = at('2027-01-01T12:00Z');
const two = at('2027-01-01T14:00Z');
const four = at('2027-01-01T16:00Z');
const endless = { at: noon, until: undefined };
const ended = { at: noon, until: two };

test('goesOn: a pause with an end is over at that moment, whoever looks', () => {
  expect([goesOn(ended, at('2027-01-01T13:59Z')), goesOn(ended, two), goesOn(endless, four)]).toEqual([true, false, true]);
});

test.each([
  ['while it goes on every time passes, also one from before it', ended, '2027-01-01T11:00Z', '2027-01-01T13:00Z', true],
  ['one without an end lets everything pass', endless, '2028-01-01T00:00Z', '2027-01-01T13:00Z', true],
  ['afterwards what was due in it passes', ended, '2027-01-01T13:00Z', '2027-01-01T16:00Z', true],
  ['what is due at its very end runs', ended, '2027-01-01T14:00Z', '2027-01-01T16:00Z', false],
  ['what was due before it is made up for', ended, '2027-01-01T11:00Z', '2027-01-01T16:00Z', false],
])('letsPass: %s', (_, pause, due, now, passes) => expect(letsPass(pause, at(due), at(now))).toBe(passes));

test('willLetPass: of times to come only those before its end', () => {
  const now = at('2027-01-01T13:00Z');
  expect([willLetPass(ended, at('2027-01-01T13:30Z'), now), willLetPass(ended, two, now), willLetPass(endless, four, now)]).toEqual([
    true,
    false,
    true,
  ]);
});

import { expect, test } from 'vitest';
import { SignsOfLife } from '../../../src/schedule/worker/signs-of-life.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const later = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);
const worker = { name: 'w1', host: 'here', pid: 7 };

test('signs of life: a clock that is not that of the control database is told of once, and again when it is off again', () => {
  const signs = new SignsOfLife(worker);
  const off = (seconds: number): readonly string[] => signs.take({ at: NOW, before: worker }, later(seconds));
  expect(off(1)).toEqual([]);
  expect(off(3600)).toEqual([expect.stringMatching(/^the clock of this machine is 1 h ahead of that of the control database/)]);
  expect(off(3600)).toEqual([]);
  expect(off(0)).toEqual([]);
  expect(off(-60)).toEqual([expect.stringMatching(/^the clock of this machine is 1 min behind that of the control database/)]);
});

test('signs of life: whoever had the name before may be gone; one that gives signs beside ours is told of once', () => {
  const signs = new SignsOfLife(worker);
  const other = { host: 'there', pid: 9 };
  const seen = (before: { readonly host: string; readonly pid: number } | undefined) => signs.take({ at: NOW, before }, NOW);
  expect(seen(other)).toEqual([]);
  expect(seen(worker)).toEqual([]);
  expect(seen(other)).toEqual(['another worker is called w1: process 9 on there. Give each a --name of its own, or none']);
  expect(seen(other)).toEqual([]);
});

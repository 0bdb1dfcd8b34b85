import { describe, expect, test } from 'vitest';
import { dumpReasons, type DumpContent, type StoredDump } from '../../../../src/backup/expire/dump-plan.ts';
import { describeReason } from '../../../../src/backup/expire/retention.ts';

const whole = (databases: readonly string[], leftOut: readonly string[] = []): DumpContent => ({ extent: 'whole', databases, leftOut });
const part = (...databases: readonly string[]): DumpContent => ({ extent: 'part', databases, leftOut: [] });
const unrecorded = (...databases: readonly string[]): DumpContent => ({ extent: 'unrecorded', databases, leftOut: [] });

const DAY_MS = 86_400_000;
const STATE = { brokenDumps: new Map<string, string>(), now: new Date(100 * DAY_MS) };

/** Labels of those that stay, of dumps called by their letters, oldest first. */
function staying(count: number, dumps: Readonly<Record<string, DumpContent | undefined>>): string {
  const stored = Object.entries(dumps).map(([label, content], day): StoredDump => {
    return { label, startedAt: new Date(day * DAY_MS), storedAt: new Date(day * DAY_MS), content };
  });
  return [...dumpReasons(stored, count, STATE).keys()].join('');
}

describe('dumpReasons', () => {
  test('of whole dumps the last so many stay', () => {
    expect(staying(2, { a: whole(['app']), b: whole(['app']), c: whole(['app']) })).toBe('bc');
  });

  test('definitions and single tables take no whole dump its place, and have a count of their own', () => {
    const afternoon = { c: part('app'), d: part('app'), e: part('app') };
    expect(staying(2, { a: whole(['app']), b: whole(['app']), ...afternoon })).toBe('abde');
  });

  test('databases that are dumped apart are counted apart', () => {
    const app = whole(['app'], ['audit']);
    expect(staying(2, { a: whole(['audit'], ['app']), b: app, c: app, d: app })).toBe('acd');
  });

  test('the last dumps with a database that cannot be dumped any more stay, and those of one that was dropped go', () => {
    const without = whole(['app'], ['payroll']);
    expect(staying(1, { a: whole(['app', 'payroll']), b: without, c: without })).toBe('ac');
    expect(staying(1, { a: whole(['app', 'dropped']), b: whole(['app']), c: whole(['app']) })).toBe('c');
  });

  test('dumps that do not say what they are take no place, and go when enough newer ones are known to be whole', () => {
    const before = { a: unrecorded('app'), b: unrecorded('app'), c: unrecorded('app') };
    expect(staying(2, before)).toBe('abc');
    expect(staying(2, { ...before, d: whole(['app']) })).toBe('abcd');
    expect(staying(2, { ...before, d: whole(['app']), e: whole(['app']) })).toBe('de');
    expect(staying(2, { ...before, d: whole(['app']), e: part('app') })).toBe('abcde');
  });

  test('those that do not say what they are take no place for a database that newer ones leave out: they may be definitions alone', () => {
    const [rows, definitions] = [unrecorded('audit'), unrecorded('audit')];
    const [app, audit] = [whole(['app'], ['audit']), whole(['audit'], ['app'])];
    const before = { a: rows, b: definitions, c: definitions, d: definitions };
    expect(staying(3, { ...before, w: app, x: app, y: app })).toBe('abcdwxy');
    expect(staying(1, { ...before, w: app, x: app, y: app })).toBe('abcdy');
    // Once so many are known to hold it, none of them is needed.
    expect(staying(2, { ...before, w: audit, x: app, y: app })).toBe('abcdwxy');
    expect(staying(2, { ...before, w: audit, x: app, y: app, z: audit })).toBe('wxyz');
    // Of one that holds others, too, each counts.
    const both = unrecorded('app', 'audit');
    expect(staying(2, { a: both, b: both, c: both, x: app, y: app })).toBe('abcxy');
    // It is in no database's way that was dropped.
    expect(staying(2, { a: both, x: whole(['app']), y: whole(['app']) })).toBe('xy');
  });

  test('as many as years of hourly dumps are planned in no time', () => {
    const databases = Array.from({ length: 100 }, (_, n) => `db${n}`);
    const stored = Array.from({ length: 3000 }, (_, n): StoredDump => {
      const at = new Date(n * 60_000);
      return { label: `l${n}`, startedAt: at, storedAt: at, content: n % 2 === 0 ? unrecorded(...databases) : whole(databases) };
    });
    const began = performance.now();
    expect(dumpReasons(stored, 2000, STATE).size).toBe(3000);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test('one whose manifest cannot be read may be any, and stays as long', () => {
    expect(staying(1, { a: undefined })).toBe('a');
    expect(staying(1, { a: undefined, b: whole(['audit'], ['app']), c: whole(['app'], ['audit']) })).toBe('bc');
    expect(staying(1, { a: whole(['app']), b: undefined, c: part('app') })).toBe('abc');
    expect(staying(2, { a: whole(['app']), b: undefined, c: whole(['app']) })).toBe('abc');
  });

  test('a clock that was set takes no other its place, and lets none go that was just taken', () => {
    const app = whole(['app']);
    const at = (label: string, began: number, stored: number): StoredDump => {
      return { label, startedAt: new Date(began * DAY_MS), storedAt: new Date(stored * DAY_MS), content: app };
    };
    const why = (dumps: readonly StoredDump[]): object =>
      Object.fromEntries([...dumpReasons(dumps, 1, STATE)].map(([label, { kind }]) => [label, kind]));
    // Of a moment that has not come.
    expect(why([at('a', 98, 98), at('b', 99, 99), at('ahead', 400, 400)])).toEqual({ b: 'last', ahead: 'ahead' });
    // The one that was taken last, by a clock that was behind.
    expect(why([at('behind', 1, 99), at('a', 97, 97), at('b', 98, 98)])).toEqual({ b: 'last', behind: 'last' });
  });

  test('a broken one takes no place, and stays as long as if it were whole', () => {
    const app = whole(['app']);
    const stored = ['a', 'b', 'c', 'd'].map((label, day): StoredDump => {
      return { label, startedAt: new Date(day * DAY_MS), storedAt: new Date(day * DAY_MS), content: app };
    });
    const state = {
      ...STATE,
      brokenDumps: new Map([
        ['b', 'v'],
        ['d', 'v'],
      ] as const),
    };
    expect([...dumpReasons(stored, 1, state).keys()].sort()).toEqual(['c', 'd']);
    expect([...dumpReasons(stored, 2, state).keys()].sort()).toEqual(['a', 'c', 'd']);
  });

  test('each says why it stays', () => {
    const why = (content: DumpContent | undefined): readonly string[] =>
      [...dumpReasons([{ label: 'a', startedAt: new Date(0), storedAt: new Date(0), content }], 7, STATE).values()].map(describeReason);
    expect(why(whole(['app', 'audit']))).toEqual(['one of the last 7 of app, audit']);
    expect(why(part('app'))).toEqual(['one of the last 7 that hold definitions or single tables only']);
    expect(why(undefined)).toEqual(['it does not say whether it is whole, and fewer than 7 newer ones are known to be']);
    const before = unrecorded('app', 'audit', 'postgres');
    const now: DumpContent = { extent: 'whole', databases: ['app'], leftOut: ['postgres', 'audit'] };
    const dumps = [before, now].map((content, n): StoredDump => {
      return { label: `${n}`, startedAt: new Date(n), storedAt: new Date(n), content };
    });
    expect([...dumpReasons(dumps, 1, STATE).values()].map(describeReason)).toEqual([
      'it does not say whether it is whole, and fewer than 1 newer ones are known to hold all of audit, postgres',
      'one of the last 1 of app',
    ]);
  });
});

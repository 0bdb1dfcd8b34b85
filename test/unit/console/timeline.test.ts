import { describe, expect, test } from 'vitest';
import {
  bandsOf,
  gapsOf,
  layBands,
  layGaps,
  nearestRestorable,
  type Band,
  type MissingWal,
} from '../../../src/console/app/screens/backups/bands.ts';
import { binCommits } from '../../../src/console/app/screens/backups/commits.ts';
import { firstFrom, heapsOf, nearestTo, pathOf } from '../../../src/console/app/screens/backups/level-of-detail.ts';
import { failedBackups, marksOf } from '../../../src/console/app/screens/backups/marks.ts';
import { movedBy } from '../../../src/console/app/screens/backups/moment-keys.ts';
import { restoreCommand, scratchDirectory } from '../../../src/console/app/screens/backups/restore-words.ts';
import { segmentsBetween } from '../../../src/console/app/screens/backups/segments.ts';
import type { View } from '../../../src/console/app/screens/backups/time-scale.ts';

const at = (text: string): number => Date.parse(text);
const iso = (ms: number): string => new Date(ms).toISOString();
const view: View = { fromMs: 0, toMs: 1_000_000 };

describe('level of detail', () => {
  test('no two heaps are nearer than asked, and every mark of the view is in one', () => {
    const sorted = Float64Array.from({ length: 10_000 }, (_, index) => index * 100);
    const heaps = heapsOf(sorted, view, 1000, 7);
    expect(heaps.length).toBeLessThanOrEqual(Math.ceil(1014 / 7) + 1);
    for (const [index, heap] of heaps.slice(1).entries()) expect(heap.x - (heaps[index]?.x ?? 0)).toBeGreaterThanOrEqual(7);
    expect(heaps[0]?.from).toBe(0);
    for (const [index, heap] of heaps.slice(1).entries()) expect(heap.from).toBe(heaps[index]?.until);
    expect(heaps.at(-1)?.until).toBe(10_000);
  });

  test('marks far from one another stay alone, marks of one moment are one', () => {
    expect(heapsOf([100_000, 500_000, 500_000, 900_000], view, 1000, 7)).toEqual([
      { x: 100, width: 0, from: 0, until: 1 },
      { x: 500, width: 0, from: 1, until: 3 },
      { x: 900, width: 0, from: 3, until: 4 },
    ]);
    expect(heapsOf([], view, 1000, 7)).toEqual([]);
  });

  test('what is outside of the view costs nothing and shows nothing', () => {
    const sorted = Float64Array.from({ length: 1_000_000 }, (_, index) => index * 1000);
    const heaps = heapsOf(sorted, { fromMs: 500_000_000, toMs: 500_100_000 }, 1000, 7);
    expect(heaps.every(({ x }) => x >= -7 && x <= 1007)).toBe(true);
    expect(heaps).toHaveLength(101);
  });

  test('searching finds the first that is not before, and the nearest that is near enough', () => {
    expect([firstFrom([1, 3, 3, 5], 3), firstFrom([1, 3, 3, 5], 6), firstFrom([], 1)]).toEqual([1, 4, 0]);
    expect(nearestTo([10, 20, 40], 28, 100)).toBe(1);
    expect(nearestTo([10, 20, 40], 31, 100)).toBe(2);
    expect(nearestTo([10, 20, 40], 90, 5)).toBeUndefined();
    expect(nearestTo([], 90, 5)).toBeUndefined();
  });

  test('a kind of marks is one path', () => {
    expect(pathOf(heapsOf([100_000, 900_000], view, 1000, 7), 12, () => 'h3')).toBe('M100.0 12h3M900.0 12h3');
  });
});

const stretches = [
  { from: iso(100_000), to: iso(400_000) },
  { from: iso(401_000), to: iso(900_000) },
];
const missing = (of: Partial<MissingWal>): MissingWal => ({
  timeline: 1,
  fromLsn: '0/1',
  toLsn: '0/2',
  reason: 'slot-lost',
  noticedAt: null,
  from: iso(400_000),
  to: iso(401_000),
  ...of,
});

describe('bands and gaps', () => {
  test('what came before the last drill that passed is proven, what came after is not', () => {
    expect(bandsOf(stretches, 500_000)).toEqual([
      { fromMs: 100_000, toMs: 400_000, kind: 'proven' },
      { fromMs: 401_000, toMs: 500_000, kind: 'proven' },
      { fromMs: 500_000, toMs: 900_000, kind: 'unproven' },
    ]);
    expect(bandsOf(stretches, undefined).map(({ kind }) => kind)).toEqual(['unproven', 'unproven']);
  });

  test('a stretch whose end nothing tells is drawn where it begins', () => {
    expect(bandsOf([{ from: iso(100_000), to: null }], undefined)).toEqual([{ fromMs: 100_000, toMs: 100_000, kind: 'unproven' }]);
    expect(layBands(bandsOf([{ from: iso(100_000), to: null }], undefined), view, 1000)).toHaveLength(1);
  });

  test('a gap has the reason that was noted, and one at the end goes on until now', () => {
    expect(gapsOf(stretches, [missing({})], 999_000)).toEqual([{ fromMs: 400_000, toMs: 401_000, isOpen: false, reasons: ['slot-lost'] }]);
    const [, open] = gapsOf(stretches, [missing({}), missing({ from: iso(900_000), to: null, reason: 'hole' })], 999_000);
    expect(open).toEqual({ fromMs: 900_000, toMs: 999_000, isOpen: true, reasons: ['hole'] });
  });

  test('a gap that is a thousandth of the axis has its least width, around its middle', () => {
    const [laid] = layGaps(gapsOf(stretches, [], 999_000), view, 1000, 6);
    expect(laid).toMatchObject({ x: 397.5, width: 6, count: 1 });
  });

  test('gaps that would overlap are one, named by the longest', () => {
    const gaps = [10_000, 12_000, 13_000].map((fromMs, index) => ({
      fromMs,
      toMs: fromMs + 100 * (index + 1),
      isOpen: false,
      reasons: [],
    }));
    expect(layGaps(gaps, view, 1000, 6)).toMatchObject([{ count: 3, of: { fromMs: 13_000 } }]);
  });

  test('a hundred thousand bands are drawn as no more than there are pixels', () => {
    const bands = Array.from({ length: 100_000 }, (_, index): Band => ({ fromMs: index * 10, toMs: index * 10 + 9, kind: 'proven' }));
    expect(layBands(bands, view, 1000).length).toBeLessThanOrEqual(1000);
  });

  test('in a gap the nearest moments are its two ends; before the first there is only the one after', () => {
    expect(nearestRestorable(stretches, 400_500)).toEqual({ isRestorable: false, beforeMs: 400_000, afterMs: 401_000 });
    expect(nearestRestorable(stretches, 50)).toEqual({ isRestorable: false, beforeMs: undefined, afterMs: 100_000 });
    expect(nearestRestorable(stretches, 950_000)).toEqual({ isRestorable: false, beforeMs: 900_000, afterMs: undefined });
    expect(nearestRestorable(stretches, 300_000).isRestorable).toBe(true);
  });
});

describe('the moment', () => {
  test('moves by a second, a minute, an hour, ten times as far with Shift, and stays in its range', () => {
    const range = { fromMs: 0, toMs: 10_000_000 };
    const moved = (key: string, withShift = false): number | undefined => movedBy(key, withShift, 5_000_000, range);
    expect([moved('ArrowLeft'), moved('ArrowRight')]).toEqual([4_999_000, 5_001_000]);
    expect([moved('ArrowUp'), moved('ArrowDown')]).toEqual([5_060_000, 4_940_000]);
    expect([moved('PageUp'), moved('PageDown')]).toEqual([8_600_000, 1_400_000]);
    expect([moved('ArrowRight', true), moved('PageUp', true), moved('PageDown', true)]).toEqual([5_010_000, 10_000_000, 0]);
    expect([moved('Home'), moved('End'), moved('Tab')]).toEqual([0, 10_000_000, undefined]);
  });

  test('becomes a command that can be pasted, whatever the names', () => {
    const atMs = at('2026-11-21T08:33:07Z');
    const restore = { cluster: "o'brien", repository: 'local', atMs, timeline: 3, into: '/srv/a b', reconcile: true };
    expect(restoreCommand(restore, 'Asia/Kolkata')).toBe(
      String.raw`dbadmin restore --cluster 'o'\''brien' --repository local --to "2026-11-21 14:03:07+05:30" --timeline 3 --into '/srv/a b' --start --reconcile`,
    );
    expect(scratchDirectory('a/../b', atMs)).toBe('/var/tmp/dbadmin-a_.._b-20261121T083307Z');
  });
});

test('marks are sorted by time, each kind for itself; a run that failed is told with its reason', () => {
  const run = { startedAt: null, endedAt: null, error: null };
  const failed = failedBackups(
    'main',
    [
      { name: 'app.full', kind: 'backup', cluster: 'main' },
      { name: 'app.drill', kind: 'drill', cluster: 'main' },
      { name: 'other.full', kind: 'backup', cluster: 'other' },
    ],
    [
      { ...run, job: 'app.full', due: iso(5000), state: 'missed' },
      { ...run, job: 'app.full', due: iso(1000), endedAt: iso(2000), state: 'failed', error: 'the disk is full' },
      { ...run, job: 'app.full', due: iso(6000), state: 'succeeded' },
      { ...run, job: 'app.drill', due: iso(7000), state: 'failed' },
      { ...run, job: 'other.full', due: iso(7000), state: 'failed' },
    ],
  );
  const marks = marksOf({ dumps: ['20261121T083307Z-dump', 'nothing'], drills: [] }, [], [], [], failed);
  const of = (kind: string): readonly (readonly [number, string])[] =>
    marks.filter((each) => each.kind === kind).flatMap(({ atMs, names }) => names.map((name, index) => [atMs[index] ?? 0, name] as const));
  expect(of('no-backup')).toEqual([
    [2000, 'app.full, the disk is full'],
    [5000, 'app.full, did not run'],
  ]);
  expect(of('dump')).toEqual([[at('2026-11-21T08:33:07Z'), '20261121T083307Z-dump']]);
});

test('commits are counted in the second in which they fell, those outside not at all', () => {
  expect(binCommits([-1, 0, 9, 10, 39, 40], 0, 40, 4)).toEqual([2, 1, 0, 1]);
});

test('the segments of some WAL are named as PostgreSQL names them', () => {
  expect(segmentsBetween('0/5A000028', '0/5B21F0A8', 1, 16 * 1024 * 1024, 8)).toEqual({
    count: 2,
    names: ['00000001000000000000005A', '00000001000000000000005B'],
  });
  expect(segmentsBetween('0/FF000000', '1/0', 3, 16 * 1024 * 1024, 8)).toEqual({ count: 1, names: ['0000000300000000000000FF'] });
  expect(segmentsBetween('0/0', '100/0', 1, 16 * 1024 * 1024, 2)).toMatchObject({ count: 65_536 });
});

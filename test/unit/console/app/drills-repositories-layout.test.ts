import { expect, test } from 'vitest';
import type { Drill } from '../../../../src/console/app/screens/drills/documents.ts';
import { lengthOf, phaseSpans, trendOf } from '../../../../src/console/app/screens/drills/phases.ts';
import { KINDS, type Repository } from '../../../../src/console/app/screens/repositories/documents.ts';
import { growthLine, savingOf, spaceParts } from '../../../../src/console/app/screens/repositories/space.ts';

const TIMES = { planMs: 10, restoreMs: 300, recoveryMs: 90, rtoMs: 450, checksMs: 200 };

test('phases follow each other, what no phase accounts for before the cluster was back included, the checks last', () => {
  expect(phaseSpans(TIMES)).toEqual([
    { phase: 'plan', fromMs: 0, tookMs: 10 },
    { phase: 'restore', fromMs: 10, tookMs: 300 },
    { phase: 'recovery', fromMs: 310, tookMs: 90 },
    { phase: 'rest', fromMs: 400, tookMs: 50 },
    { phase: 'checks', fromMs: 450, tookMs: 200 },
  ]);
  expect(lengthOf(TIMES)).toBe(650);
  // One that broke off has what it came to.
  expect(phaseSpans({ ...TIMES, recoveryMs: null, rtoMs: null, checksMs: null }).map(({ phase }) => phase)).toEqual(['plan', 'restore']);
});

const drill = (finishedAt: string, rtoMs: number | null): Drill => ({
  label: finishedAt,
  verdict: 'passed',
  backup: 'b',
  finishedAt,
  startedAt: null,
  asked: null,
  moment: null,
  plainBytes: null,
  walBytes: null,
  amcheck: null,
  assertions: null,
  times: { ...TIMES, rtoMs },
  failures: null,
  weaknesses: null,
  fingerprint: null,
});

test('the trend goes from the oldest to the newest drill that was back, on a scale from nought', () => {
  const drills = [drill('2026-11-20T00:00:00Z', 4000), drill('2026-11-19T00:00:00Z', null), drill('2026-11-10T00:00:00Z', 2000)];
  const trend = trendOf(drills);
  expect(trend?.points.map(({ rtoMs, x }) => [rtoMs, x])).toEqual([
    [2000, 0],
    [4000, 100],
  ]);
  expect(trend?.ticks[0]).toEqual({ ms: 0, y: 0 });
  expect(trendOf(drills.slice(0, 2))).toBeUndefined();
});

test('the parts of a repository add up to what is used and what is free', () => {
  const kinds = Object.fromEntries(KINDS.map((kind, at) => [kind, { objects: 1, bytes: 2 ** at }])) as NonNullable<Repository['kinds']>;
  const parts = spaceParts({ kinds, freeBytes: 5000 });
  expect(parts.map(({ name }) => name)).toEqual(['backups', 'WAL', 'dumps', 'other', 'free']);
  expect(parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(2 ** KINDS.length - 1 + 5000);
  expect(spaceParts({ kinds, freeBytes: null }).map(({ name }) => name)).not.toContain('free');
});

test('what is saved is told only where something is kept', () => {
  expect(savingOf({ plainBytes: 1000, packBytes: 50 })).toBe(20);
  expect(savingOf({ plainBytes: 0, packBytes: 0 })).toBeUndefined();
});

test('growth steps up on the days that stored something and goes on to today', () => {
  const line = growthLine(
    [
      { day: '2026-11-01', keptBytes: 10 },
      { day: '2026-11-06', keptBytes: 20 },
    ],
    '2026-11-11',
  );
  expect(line?.points).toEqual([
    [0, 50],
    [50, 50],
    [50, 0],
    [100, 0],
  ]);
  expect(growthLine([{ day: '2026-11-11', keptBytes: 10 }], '2026-11-11')).toBeUndefined();
});

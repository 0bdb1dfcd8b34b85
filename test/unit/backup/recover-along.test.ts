import { describe, expect, test } from 'vitest';
import { partingLsn, recoverableUntil, type Lineage } from '../../../src/backup/restore/recover-along.ts';
import { planLayout } from '../../../src/backup/restore/plan.ts';
import { chooseLabel } from '../../../src/backup/take/label.ts';
import { SegmentBuffer } from '../../../src/backup/wal/segment-buffer.ts';
import { walGaps } from '../../../src/backup/gaps.ts';
import { recoverableStretches } from '../../../src/backup/windows.ts';
import type { BackupSummary, ManifestEntry } from '../../../src/repository/manifest.ts';
import type { TimelineCoverage, WalCoverage } from '../../../src/repository/wal-coverage.ts';

const SEGMENT = 0x100n;

const backup = (startLsn: string, stopLsn: string, timeline = 1): BackupSummary =>
  ({ label: 'b', startLsn, stopLsn, startTimeline: timeline, stopTimeline: timeline, damage: null }) as unknown as BackupSummary;

/** `runs` in whole segments: [first, last + 1]; `open` is how far a timeline's parts reach. */
function covered(
  timelines: Readonly<Record<number, readonly (readonly [number, number])[]>>,
  open: Readonly<Record<number, bigint>> = {},
): WalCoverage {
  const entries = Object.entries(timelines).map(([timeline, runs]): [number, TimelineCoverage] => {
    const endLsn = open[Number(timeline)];
    return [
      Number(timeline),
      {
        runs: runs.map(([from, to]) => ({ startLsn: BigInt(from) * SEGMENT, endLsn: BigInt(to) * SEGMENT })),
        open: endLsn === undefined ? [] : [{ segment: '', startLsn: endLsn - (endLsn % SEGMENT), endLsn }],
        horizon: undefined,
      },
    ];
  });
  return { segmentBytes: Number(SEGMENT), timelines: new Map(entries), histories: new Set() };
}

const first: Lineage = { timeline: 1, history: [] };
const second: Lineage = { timeline: 2, history: [{ timeline: 1, switchLsn: 0x550n, reason: '' }] };

describe('partingLsn', () => {
  const along = (timeline: number, ...history: readonly (readonly [number, bigint])[]): Lineage => ({
    timeline,
    history: history.map(([left, switchLsn]) => ({ timeline: left, switchLsn, reason: '' })),
  });

  test.each<[string, Lineage, Lineage, bigint | undefined]>([
    ['a timeline and the one it left', second, first, 0x550n],
    ['two that left one timeline at different positions', along(3, [1, 0x400n]), second, 0x400n],
    ['two that left one timeline at the same position', along(3, [1, 0x550n]), second, 0x550n],
    ['a grandchild and the end of its parent', along(3, [1, 0x550n], [2, 0x700n]), second, 0x700n],
    ['a grandchild and its cousin', along(4, [1, 0x550n], [2, 0x700n]), along(3, [1, 0x550n], [2, 0x600n]), 0x600n],
    ['a lineage and itself', second, second, undefined],
    ['two that begin on different timelines', along(5, [4, 0x100n]), first, undefined],
  ])('%s part at the position from which on WAL is of one alone', (_, one, other, lsn) => {
    expect([partingLsn(one, other), partingLsn(other, one)]).toEqual([lsn, lsn]);
  });
});

describe('recoverableUntil', () => {
  test('reaches to the end of the run that the backup starts in', () => {
    expect(recoverableUntil(backup('0/210', '0/290'), first, covered({ 1: [[1, 6]] }))).toBe(0x600n);
  });

  test('a hole ends it, and a backup whose own WAL has the hole cannot be recovered', () => {
    expect(
      recoverableUntil(
        backup('0/210', '0/290'),
        first,
        covered({
          1: [
            [1, 3],
            [4, 6],
          ],
        }),
      ),
    ).toBe(0x300n);
    expect(
      recoverableUntil(
        backup('0/210', '0/390'),
        first,
        covered({
          1: [
            [1, 3],
            [4, 6],
          ],
        }),
      ),
    ).toBeUndefined();
    expect(recoverableUntil(backup('0/910', '0/990'), first, covered({ 1: [[1, 6]] }))).toBeUndefined();
  });

  test('goes over to the next timeline at the switch, when the older WAL reaches it or its copy is there', () => {
    expect(recoverableUntil(backup('0/210', '0/290'), second, covered({ 1: [[1, 6]], 2: [[5, 9]] }))).toBe(0x900n);
    expect(recoverableUntil(backup('0/210', '0/290'), second, covered({ 1: [[1, 5]], 2: [[5, 9]] }))).toBe(0x900n);
    expect(recoverableUntil(backup('0/210', '0/290'), second, covered({ 1: [[1, 4]], 2: [[5, 9]] }))).toBe(0x400n);
  });

  test.each<[string, WalCoverage, bigint]>([
    ['both end before it, the older one further', covered({ 1: [[1, 5]], 2: [] }, { 1: 0x540n, 2: 0x520n }), 0x540n],
    ['both end before it, the newer one further', covered({ 1: [[1, 5]], 2: [] }, { 1: 0x520n, 2: 0x540n }), 0x540n],
    ['the older one is whole and the newer one short', covered({ 1: [[1, 8]], 2: [] }, { 2: 0x520n }), 0x550n],
    ['the older one is short and the newer one goes on', covered({ 1: [[1, 5]], 2: [] }, { 1: 0x520n, 2: 0x580n }), 0x580n],
    ['the newer one has nothing', covered({ 1: [[1, 8]] }), 0x550n],
  ])('in the segment of the switch it reaches as far as the copy of which more is stored: %s', (_, coverage, lsn) => {
    expect(recoverableUntil(backup('0/210', '0/290'), second, coverage)).toBe(lsn);
  });

  test('of several switches in one segment the last copy has it all', () => {
    const third: Lineage = {
      timeline: 3,
      history: [
        { timeline: 1, switchLsn: 0x550n, reason: '' },
        { timeline: 2, switchLsn: 0x570n, reason: '' },
      ],
    };
    expect(recoverableUntil(backup('0/210', '0/290'), third, covered({ 1: [[1, 5]], 3: [[5, 9]] }))).toBe(0x900n);
    expect(recoverableUntil(backup('0/210', '0/590'), third, covered({ 1: [[1, 5]], 3: [] }, { 3: 0x560n }))).toBeUndefined();
  });

  test('a backup taken on the old timeline after the switch does not lead to the new one', () => {
    expect(recoverableUntil(backup('0/610', '0/690'), second, covered({ 1: [[1, 9]], 2: [[5, 9]] }))).toBeUndefined();
    expect(recoverableUntil(backup('0/610', '0/690'), first, covered({ 1: [[1, 9]], 2: [[5, 9]] }))).toBe(0x900n);
  });

  test('windows with one end are one stretch, and a hole makes two', () => {
    const window = (from: string, toLsn: string): Parameters<typeof recoverableStretches>[0][number] => ({
      backup: from,
      timeline: 1,
      fromLsn: '0/1',
      toLsn,
      from,
      to: null,
    });
    expect(recoverableStretches([window('a', '0/300'), window('b', '0/300'), window('c', '0/600')])).toEqual([
      { from: 'a', to: null, toLsn: '0/300' },
      { from: 'c', to: null, toLsn: '0/600' },
    ]);
  });

  test('holes are reported with their ends', () => {
    expect(
      walGaps(
        covered({
          1: [
            [1, 3],
            [4, 6],
          ],
        }),
      ),
    ).toEqual([{ timeline: 1, fromLsn: '0/300', toLsn: '0/400', reason: 'hole', noticedAt: null }]);
  });
});

describe('planLayout', () => {
  const file = (path: string, sizeBytes = 1): ManifestEntry => ({ path, type: 'file', sizeBytes, mode: 0o600, modifiedAt: 0, extents: [] });

  test('pg_control is apart, small files come before the large ones, of those the largest first, tablespaces beside the target', () => {
    const plan = planLayout(
      backup('0/1', '0/2'),
      [
        file('c', 3_000_000),
        file('a', 1),
        file('global/pg_control', 9),
        file('d', 9_000_000),
        file('b', 5),
        { path: 'pg_tblspc/16400', type: 'symlink', target: '/srv/ts' },
      ],
      '/r',
      new Map(),
    );
    expect(plan.controlFile.path).toBe('global/pg_control');
    expect(Array.from(plan.files, ({ path }) => path)).toEqual(['a', 'b', 'd', 'c']);
    expect(plan.tablespaces).toEqual([{ oid: '16400', original: '/srv/ts', directory: '/r.tablespaces/16400' }]);
    expect(plan.directories.map(({ path }) => path)).toContain('pg_wal/archive_status');
  });

  test.each(['../x', '/etc/passwd', 'a/../../x', 'a//b', './x'])('a manifest with the path %j is refused', (path) => {
    expect(() => planLayout(backup('0/1', '0/2'), [file('global/pg_control'), file(path)], '/r', new Map())).toThrow(/unsafe/);
  });

  test('a link in pg_tblspc that is no tablespace, as early backups have it, is not laid down', () => {
    const link: ManifestEntry = { path: 'pg_tblspc/other', type: 'symlink', target: '/etc' };
    expect(planLayout(backup('0/1', '0/2'), [file('global/pg_control'), link], '/r', new Map()).tablespaces).toEqual([]);
  });

  test('a mapping of tablespaces that look the same, for bytes that are not UTF-8, is refused', () => {
    const links = ['\udcf6', '\udcfc'].map((byte, n): ManifestEntry => ({
      path: `pg_tblspc/${n}`,
      type: 'symlink',
      target: `/srv/gr${byte}`,
    }));
    const planned = (target: string): unknown =>
      planLayout(backup('0/1', '0/2'), [file('global/pg_control'), ...links], '/r', new Map([[target, '/new']]));
    expect(() => planned('/srv/gr\ufffd')).toThrow(/has 2 tablespaces whose places read/);
  });

  test('a link anywhere but in pg_tblspc is refused, and a mapping of no tablespace too', () => {
    const control = file('global/pg_control');
    expect(() => planLayout(backup('0/1', '0/2'), [control, { path: 'base', type: 'symlink', target: '/etc' }], '/r', new Map())).toThrow(
      /unsafe/,
    );
    expect(() => planLayout(backup('0/1', '0/2'), [control], '/r', new Map([['/a', '/b']]))).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
    expect(() => planLayout(backup('0/1', '0/2'), [], '/r', new Map())).toThrow(/pg_control/);
  });
});

test('labels order by time and never clash', () => {
  const at = new Date('2026-11-21T20:30:01.900Z');
  expect(chooseLabel(at, 'full', new Set())).toBe('20261121T203001Z-full');
  expect(chooseLabel(at, 'full', new Set(['20261121T203001Z-full', '20261121T203001Z-full-2']))).toBe('20261121T203001Z-full-3');
});

describe('SegmentBuffer', () => {
  test('takes what fits, refuses what does not follow, and knows what is not stored yet', () => {
    const buffer = new SegmentBuffer(1, 0x100_0000n, 1024 * 1024);
    expect(buffer.take(0x100_0000n, Buffer.alloc(100, 1))).toHaveLength(0);
    expect(() => buffer.take(0x100_0065n, Buffer.alloc(1))).toThrow(/jumped/);
    expect(buffer.unstored).toMatchObject({ from: 0 });
    buffer.markStored(100);
    expect(buffer.unstored).toBeUndefined();
    expect(buffer.take(0x100_0064n, Buffer.alloc(1024 * 1024))).toHaveLength(100);
    expect(buffer.isFull).toBe(true);
    const full = buffer.bytes;
    buffer.next();
    expect(full[0]).toBe(1);
    expect(buffer.name).toBe('000000010000000000000011');
    expect(buffer.receivedLsn).toBe(0x110_0000n);
  });
});

import { describe, expect, test } from 'vitest';
import { planDelta, type FoundEntry } from '../../../../src/backup/restore/delta-plan.ts';
import type { FileToWrite, LayoutPlan } from '../../../../src/backup/restore/plan.ts';

const file = (path: string, sizeBytes = 8192): FileToWrite => ({ path, type: 'file', sizeBytes, mode: 0o600, modifiedAt: 0, extents: [] });

const layout: LayoutPlan = {
  dataDirectory: '/r',
  spoolDirectory: '/r.wal',
  directories: [
    { path: 'base', mode: 0o700 },
    { path: 'base/5', mode: 0o700 },
    { path: 'global', mode: 0o700 },
  ],
  files: [file('base/5/1'), file('base/5/2'), file('PG_VERSION', 3)],
  controlFile: file('global/pg_control'),
  tablespaces: [{ oid: '16400', original: '/ts', directory: '/r.tablespaces/16400' }],
  totalBytes: 3 * 8192 + 3,
};

const found = (path: string, type: FoundEntry['type'] = 'file', sizeBytes = 100): FoundEntry => ({
  path,
  type,
  sizeBytes: type === 'file' ? sizeBytes : 0,
  heldBytes: type === 'file' ? sizeBytes : 0,
});
const pathsOf = (entries: Iterable<{ readonly path: string }>): readonly string[] => Array.from(entries, ({ path }) => path);

describe('planDelta', () => {
  test('what is there as a file is compared, what is not is written, what does not belong is removed', () => {
    const plan = planDelta(layout, [
      found('base', 'directory'),
      found('base/5', 'directory'),
      found('base/5/1'),
      found('base/5/9'),
      found('log'),
    ]);
    expect(pathsOf(plan.compared)).toEqual(['base/5/1']);
    expect(pathsOf(plan.written)).toEqual(['base/5/2', 'PG_VERSION']);
    expect(pathsOf(plan.removed)).toEqual(['base/5/9', 'log']);
    expect(plan).toMatchObject({ comparedBytes: 8192, removedBytes: 200, foundBytes: 300 });
  });

  test('children go before their directories', () => {
    const plan = planDelta(layout, [found('old', 'directory'), found('old/deep', 'directory'), found('old/deep/file'), found('old/file')]);
    expect(pathsOf(plan.removed)).toEqual(['old/deep/file', 'old/deep', 'old/file', 'old']);
  });

  test('links of tablespaces go always, and so does whatever stands where a file or a directory is to be', () => {
    const plan = planDelta(layout, [
      found('pg_tblspc/16400', 'symlink'),
      found('base/5/1', 'symlink'),
      found('base', 'file'),
      found('base/5/2', 'directory'),
    ]);
    expect([...pathsOf(plan.removed)].sort()).toEqual(['base', 'base/5/1', 'base/5/2', 'pg_tblspc/16400']);
    expect(pathsOf(plan.compared)).toEqual([]);
  });

  test('pg_control is never compared: it goes first and comes last', () => {
    const plan = planDelta(layout, [found('global/pg_control')]);
    expect(pathsOf(plan.removed)).toEqual(['global/pg_control']);
    expect(pathsOf(plan.written)).not.toContain('global/pg_control');
  });

  test('room that it has again is told by what may be a disk of its own', () => {
    const files = ['base/5/1', 'pg_wal/old', 'pg_wal/archive_status/old.done', 'pg_tblspc/16400/PG_16_1/5/1', 'pg_tblspc/none'];
    const { foundBytes, foundBytesIn } = planDelta(
      layout,
      files.map((file) => found(file)),
    );
    expect(foundBytes).toBe(500);
    expect([...foundBytesIn]).toEqual([
      ['', 200],
      ['pg_wal', 200],
      ['pg_tblspc/16400', 100],
    ]);
  });

  test('what is to be kept is left alone', () => {
    expect(planDelta(layout, [found('mark')], ['mark']).removed).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { planLayout } from '../../../../src/backup/restore/plan.ts';
import type { BackupSummary, ManifestEntry } from '../../../../src/repository/manifest.ts';

const file = (path: string): ManifestEntry => ({ path, type: 'file', sizeBytes: 1, mode: 0o600, modifiedAt: 0, extents: [] });

describe('planLayout', () => {
  test('the mark that a killed restore left in the cluster, and with it in each of its backups, is not laid down', () => {
    const entries = ['PG_VERSION', 'dbadmin_restore.json', 'dbadmin_restore.json.tmp', 'base/dbadmin_restore.json', 'global/pg_control'];
    const { files } = planLayout({ label: 'b' } as BackupSummary, entries.map(file), '/r', new Map());
    expect(Array.from(files, ({ path }) => path)).toEqual(['PG_VERSION', 'base/dbadmin_restore.json']);
  });

  test.each([
    ['where another one goes', { '/a': '/x', '/b': '/x/' }, 'tablespace 2 cannot go to /x/, where tablespace 1 goes'],
    ['where another one goes unasked', { '/a': '/r.tablespaces/2' }, 'tablespace 2 cannot go to /r.tablespaces/2, where tablespace 1 goes'],
    ['into the data directory itself', { '/a': '/r' }, 'tablespace 1 cannot go to /r, where the data directory goes'],
    [
      'among the WAL, which goes after the recovery',
      { '/b': '/r.wal/b' },
      'tablespace 2 cannot go to /r.wal/b, where the WAL for the recovery goes',
    ],
  ])('no tablespace goes %s', (_, mapping, message) => {
    const link = (oid: number, target: string): ManifestEntry => ({ path: `pg_tblspc/${oid}`, type: 'symlink', target });
    const entries = [file('global/pg_control'), link(1, '/a'), link(2, '/b')];
    const plan = (places: object): unknown => planLayout({ label: 'b' } as BackupSummary, entries, '/r', new Map(Object.entries(places)));
    expect(() => plan(mapping)).toThrow(expect.objectContaining({ code: 'usage', message }));
    expect(plan({ '/a': '/x', '/b': '/x/y' })).toMatchObject({ tablespaces: [{ directory: '/x' }, { directory: '/x/y' }] });
  });
});

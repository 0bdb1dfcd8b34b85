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
});

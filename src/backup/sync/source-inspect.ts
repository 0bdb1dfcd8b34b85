import { compareLsns } from '../../postgres/lsn.ts';
import { backupKey } from '../../repository/layout.ts';
import { listLabels } from '../../repository/live-blobs.ts';
import { readSummary, type BackupSummary } from '../../repository/manifest.ts';
import type { DamagedObject } from '../../repository/passed-over.ts';
import type { Repository } from '../../repository/repository.ts';
import { UncopiedList } from './uncopied-run.ts';

/**
 * The backups of a source, by stop LSN and timeline, and those whose manifest does not even say what they are. Only the
 * manifests' heads are read, one by one: a damaged one hides no other.
 */
export async function inspectSource(
  from: Repository,
  systemIdentifier: string,
): Promise<{ readonly backups: readonly BackupSummary[]; readonly unreadable: UncopiedList }> {
  const unreadable = new UncopiedList(from);
  const backups: BackupSummary[] = [];
  for (const label of await listLabels(from, systemIdentifier)) {
    const key = backupKey(systemIdentifier, label);
    const summary = await unreadable.attempt(
      { kind: 'backup', name: label, key },
      async () => await readSummary(from, systemIdentifier, label),
    );
    if (summary !== undefined) backups.push(summary);
  }
  return { backups: backups.sort((a, b) => a.stopTimeline - b.stopTimeline || compareLsns(a.stopLsn, b.stopLsn)), unreadable };
}

/** Those that no damaged manifest of the destination is in the way of; the others are noted. */
export function withoutBlocked(
  backups: readonly BackupSummary[],
  damagedThere: readonly DamagedObject[],
  uncopied: UncopiedList,
): readonly BackupSummary[] {
  const blocked = new Map(damagedThere.map(({ key }) => [key.slice(key.lastIndexOf('/') + 1), key]));
  return backups.filter(({ label }) => {
    const key = blocked.get(label);
    if (key !== undefined)
      uncopied.add('backup', label, `${key} in the destination is damaged and in the way: deleted there, it is copied anew`);
    return key === undefined;
  });
}

import { compareLsns, parseLsn } from '../../postgres/lsn.ts';
import { damaged } from '../../repository/envelope.ts';
import { backupKey } from '../../repository/layout.ts';
import { listLabels } from '../../repository/live-blobs.ts';
import { readSummary, type BackupSummary } from '../../repository/manifest.ts';
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
    const summary = await unreadable.attempt({ kind: 'backup', name: label, key }, async () => {
      const head = await readSummary(from, systemIdentifier, label);
      // Nothing has been compared with a hash yet, and what is wrong here would mislead what is done with the others.
      if (head.label !== label) throw damaged(key, `It says that it is of backup ${head.label}.`);
      parseLsn(head.startLsn);
      parseLsn(head.stopLsn);
      return head;
    });
    if (summary !== undefined) backups.push(summary);
  }
  return { backups: backups.sort((a, b) => a.stopTimeline - b.stopTimeline || compareLsns(a.stopLsn, b.stopLsn)), unreadable };
}

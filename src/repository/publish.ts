import { backupKey } from './layout.ts';
import type { Lease } from './leases.ts';
import { writeManifest, type BackupSummary, type ManifestEntry } from './manifest.ts';
import type { Repository } from './repository.ts';

/**
 * Writes the manifest of a backup whose content is stored and verified, under the `backup` lease that was held since
 * before its marks and indexes were read: from this moment the backup exists.
 *
 * The lease is looked at before, and again afterwards: whoever deletes packs makes sure first that nobody holds it, shuts
 * out a holder that does not answer, and then lists the manifests. A manifest that came too late to be seen is taken back.
 *
 * @throws {DbadminError} `locked` when the lease was lost: there is no backup then.
 */
export async function publishBackup(
  repository: Repository,
  lease: Lease,
  summary: BackupSummary,
  entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>,
): Promise<void> {
  await lease.check();
  await writeManifest(repository, summary, entries);
  try {
    await lease.check();
  } catch (error) {
    await repository.store.delete(backupKey(summary.systemIdentifier, summary.label));
    throw error;
  }
}

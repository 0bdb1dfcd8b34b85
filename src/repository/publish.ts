import { DbadminError, isDbadminError, reasonOf } from '../base/errors.ts';
import { backupKey } from './layout.ts';
import type { Lease } from './leases.ts';
import { writeManifest, type BackupSummary, type ManifestEntry } from './manifest.ts';
import type { Repository } from './repository.ts';

/**
 * Writes the manifest of a backup whose content is stored and verified, under the `backup` lease that was held since
 * before its marks and indexes were read: from this moment the backup exists.
 *
 * The lease is looked at before, and again afterwards: whoever deletes packs makes sure first that nobody holds it, shuts
 * out a holder that does not answer, and then lists the manifests. A manifest that came too late to be seen is taken back: it
 * alone. Where the storage does not say, the backup stays, since almost always nothing happened to it, and the failure says so.
 *
 * @throws {DbadminError} `locked` when the lease was lost: there is no backup then, or the message names what to remove;
 * `partly-done` when the backup is there and it is not known whether the lease was held; `interrupted`, which says the same where
 * it came after the manifest.
 */
export async function publishBackup(
  repository: Repository,
  lease: Lease,
  summary: BackupSummary,
  entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>,
): Promise<void> {
  await lease.check();
  await writeManifest(repository, withLockDays(repository, summary), entries);
  try {
    await lease.checkPatiently();
  } catch (error) {
    if (isDbadminError(error, 'locked')) await takeBack(repository, summary, error);
    if (!(error instanceof DbadminError) || error.code === 'locked') throw error;
    throw notKnownToStay(repository, summary, error);
  }
}

/** So that a manifest without a lock can be told from one of before the repository locked anything. A copied one may say what is so elsewhere. */
function withLockDays({ store }: Repository, { lockDays: _elsewhere, ...summary }: BackupSummary): BackupSummary {
  const { lockDays } = store.capabilities;
  return lockDays === undefined ? summary : { ...summary, lockDays };
}

function notKnownToStay({ store }: Repository, { label }: BackupSummary, error: DbadminError): DbadminError {
  const state = `${label} is in ${store.description}, but it is not known whether all of it stays`;
  const why = `Whether the lease was held to the end could not be asked: ${reasonOf(error)}. Only if another had taken it over meanwhile may content have been deleted that the backup relies on.`;
  const hint = 'dbadmin backup verify says whether everything is there. The next backup locks it, where the storage locks objects.';
  if (error.code === 'interrupted')
    return new DbadminError('interrupted', error.message, { detail: `Backup ${state}. ${why}`, hint, cause: error });
  return new DbadminError('partly-done', `backup ${state}`, { detail: why, hint, cause: error });
}

/** A writer's own credentials may not delete manifests: then somebody has to know which one must go. */
async function takeBack({ store }: Repository, { systemIdentifier, label }: BackupSummary, lost: DbadminError): Promise<void> {
  const key = backupKey(systemIdentifier, label);
  try {
    await store.delete(key);
  } catch (error) {
    throw new DbadminError('locked', lost.message, {
      detail:
        `${lost.detail ?? ''} The manifest of backup ${label} came too late and could not be taken back: ${reasonOf(error)}.`.trimStart(),
      hint: `Until it is removed the backup is listed, though content of it may have been deleted: dbadmin backup verify says whether all is there. If not, delete the object ${key} with credentials that may. Then run the backup again.`,
      cause: error,
    });
  }
}

import { DbadminError } from '../../base/errors.ts';
import { backupKey } from '../../repository/layout.ts';
import { addLive, LiveBlobs, type ReadManifests } from '../../repository/live-blobs.ts';
import { readOr, type DamagedObject } from '../../repository/passed-over.ts';
import type { Repository } from '../../repository/repository.ts';
import { dumpManifestKey } from '../dump/layout.ts';
import { readDumpManifest } from '../dump/stored-dump.ts';
import type { Verdict } from './plan.ts';

/** What retention decided, as far as it matters here. */
interface Decided {
  readonly backups: readonly Verdict[];
  readonly dumps: readonly Verdict[];
}

/**
 * Reads the manifests of all that is to stay to their ends, before anything goes on account of it: of a manifest that was listed only its
 * beginning is known. Gives what the backups need, so that a collection does not read them again.
 *
 * @throws {DbadminError} `repository-damaged` naming each that cannot be read.
 */
export async function readStaying(repository: Repository, systemIdentifier: string, { backups, dumps }: Decided): Promise<ReadManifests> {
  const read = { live: new LiveBlobs(), labels: new Set<string>() };
  const found: DamagedObject[] = [];
  for (const label of staying(backups)) {
    await readOr(repository, backupKey(systemIdentifier, label), found, async () => {
      await addLive(read.live, repository, systemIdentifier, [label]);
      read.labels.add(label);
    });
  }
  const prefix = `${systemIdentifier}/`;
  if (dumps.some(({ reasons }) => reasons.length === 0))
    for (const label of staying(dumps))
      await readOr(repository, dumpManifestKey(prefix, label), found, async () => await readDumpManifest(repository, prefix, label));
  refuseUnreadable(repository, found);
  return read;
}

function staying(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.filter(({ reasons }) => reasons.length > 0).map(({ label }) => label);
}

/**
 * While a manifest cannot be read nothing goes: it may be the one that a rule would keep in the place of another, and what
 * content and WAL it needs is not known. It can come back from a copy; what was deleted on account of it cannot.
 *
 * @throws {DbadminError} `repository-damaged` naming each.
 */
export function refuseUnreadable({ store }: Repository, damaged: readonly DamagedObject[]): void {
  if (damaged.length === 0) return;
  const many = damaged.length === 1 ? 'a manifest' : `${damaged.length} manifests`;
  throw new DbadminError('repository-damaged', `nothing was removed from ${store.description}: ${many} cannot be read`, {
    detail: damaged.map(({ key, error }) => `${key}: ${error.detail ?? `${error.message}.`}`).join('\n'),
    hint: 'Delete what is damaged, by hand: dbadmin repository sync then brings the backup back from a second copy of the repository if there is one. Without it, retention goes on with the others.',
  });
}

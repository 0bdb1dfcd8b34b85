import { DbadminError } from '../../base/errors.ts';
import type { BlobIndex } from '../../repository/blob-index.ts';
import type { ManifestEntry } from '../../repository/manifest.ts';

/**
 * Refuses a backup of which something is named only by an index that cannot be read, before anything is written: what such an index
 * names is not known, and a restore would find out in its middle. Looks at nothing while all indexes are whole.
 *
 * @throws {DbadminError} `repository-damaged`.
 */
export function refuseUnfindable(entries: Iterable<ManifestEntry>, index: BlobIndex): void {
  const [damaged] = index.damaged;
  if (damaged === undefined) return;
  for (const entry of entries) {
    if (entry.type !== 'file') continue;
    for (const [, , hash] of entry.extents) {
      if (index.entryOf(hash) >= 0) continue;
      throw new DbadminError('repository-damaged', `${damaged} is damaged`, {
        detail: `It is an index, and content of ${entry.path} is in none that can be read.`,
        hint: 'dbadmin repository rebuild-index writes it anew from what the packs say of themselves.',
      });
    }
  }
}

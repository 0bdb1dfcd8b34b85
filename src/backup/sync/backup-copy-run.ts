import type { Clock } from '../../base/clock.ts';
import { blobsOf } from '../../repository/live-blobs.ts';
import { lockBackup } from '../../repository/lock-backup.ts';
import type { Lease } from '../../repository/leases.ts';
import { readManifest, readSummary, type FileEntry, type ManifestEntry } from '../../repository/manifest.ts';
import { verifyPacks } from '../../repository/marks.ts';
import { publishBackup } from '../../repository/publish.ts';
import type { Repository } from '../../repository/repository.ts';
import { sharesNames, type BlobCopy, type CopiedBlobs } from './blob-copy-run.ts';

export interface BackupCopyOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly systemIdentifier: string;
  /** The destination's `backup` lease. */
  readonly lease: Lease;
  readonly blobs: BlobCopy;
  readonly clock: Clock;
}

/** Copies one backup: its content, then, last, its manifest with the names that the content has in the destination. */
export async function copyBackup(label: string, options: BackupCopyOptions): Promise<CopiedBlobs> {
  const { from, to, systemIdentifier, lease, blobs, clock } = options;
  for await (const entry of readManifest(from, systemIdentifier, label)) for (const hash of blobsOf(entry)) await blobs.add(hash);
  const copied = await blobs.finish();
  const { packs: _packs, ...summary } = await readSummary(from, systemIdentifier, label);
  await verifyPacks(to, systemIdentifier, blobs.relied);
  await publishBackup(to, lease, { ...summary, ...copied }, renamed(readManifest(from, systemIdentifier, label), blobs));
  await lockBackup(to, { systemIdentifier, label, packs: blobs.relied }, clock);
  return copied;
}

async function* renamed(entries: AsyncIterable<ManifestEntry>, blobs: BlobCopy): AsyncGenerator<ManifestEntry> {
  for await (const entry of entries) {
    if (entry.type !== 'file') {
      yield entry;
      continue;
    }
    yield {
      ...entry,
      extents: Array.from(entry.extents, ([offset, length, hash, from]) =>
        from === undefined ? [offset, length, blobs.nameOf(hash)] : [offset, length, blobs.nameOf(hash), from],
      ),
      ...(entry.pages === undefined ? {} : { pages: entry.pages.map((hash) => blobs.nameOf(hash)) }),
    };
  }
}

/**
 * Learns the destination's names from a backup of the same run that both have: the same files in the same order. So only
 * what is new is read, though names differ. Nothing is learnt where the two do not match.
 */
export async function learnNames(label: string, { from, to, systemIdentifier, blobs }: BackupCopyOptions): Promise<void> {
  if (sharesNames(from, to)) return;
  const [ours, theirs] = [await readSummary(from, systemIdentifier, label), await readSummary(to, systemIdentifier, label)];
  if (ours.startedAt !== theirs.startedAt || ours.startLsn !== theirs.startLsn || ours.stopLsn !== theirs.stopLsn) return;
  const others = readManifest(to, systemIdentifier, label);
  try {
    for await (const entry of readManifest(from, systemIdentifier, label)) {
      const other = await others.next();
      if (other.done === true || other.value.path !== entry.path) return;
      if (entry.type === 'file' && other.value.type === 'file') learnExtents(entry, other.value, blobs);
    }
  } finally {
    await others.return(undefined);
  }
}

function learnExtents(ours: FileEntry, theirs: FileEntry, blobs: BlobCopy): void {
  const names = new Map(Array.from(theirs.extents, ([offset, length, name, from]) => [`${offset} ${length} ${from ?? 0}`, name]));
  for (const [offset, length, hash, from] of ours.extents) {
    const name = names.get(`${offset} ${length} ${from ?? 0}`);
    if (name !== undefined && (from ?? 0) === 0) blobs.learn(hash, name, length);
  }
}

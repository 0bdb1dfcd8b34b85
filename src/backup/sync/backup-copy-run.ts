import type { Clock } from '../../base/clock.ts';
import { reasonOf } from '../../base/errors.ts';
import { sharesNames } from '../../repository/keys.ts';
import { blobsOf } from '../../repository/live-blobs.ts';
import { backupKey } from '../../repository/layout.ts';
import { lockBackup } from '../../repository/lock-backup.ts';
import type { Lease } from '../../repository/leases.ts';
import { readManifest, readSummary, type FileEntry, type ManifestEntry } from '../../repository/manifest.ts';
import { verifyPacks } from '../../repository/marks.ts';
import { publishBackup } from '../../repository/publish.ts';
import type { Repository } from '../../repository/repository.ts';
import { isSameBackup } from '../../repository/same-backup.ts';
import type { BlobCopy, CopiedBlobs } from './blob-copy-run.ts';
import { Renames } from './renames.ts';
import { describeSharedDamage, isOfOneObject, type UncopiedList } from './uncopied-run.ts';

export interface BackupCopyOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly systemIdentifier: string;
  /** The destination's `backup` lease. */
  readonly lease: Lease;
  readonly blobs: BlobCopy;
  /** Gets the backups that cannot be read whole. */
  readonly uncopied: UncopiedList;
  readonly clock: Clock;
}

/**
 * Copies one backup: its content, then, last, its manifest with the names that the content has in the destination. Undefined
 * when not all of it can be read: then there is nothing of it that could be taken for a backup.
 */
export async function copyBackup(label: string, options: BackupCopyOptions): Promise<CopiedBlobs | undefined> {
  const { from, to, systemIdentifier, lease, blobs, uncopied, clock } = options;
  const read = await uncopied.attempt({ kind: 'backup', name: label, key: backupKey(systemIdentifier, label) }, async () => {
    for await (const entry of readManifest(from, systemIdentifier, label)) for (const hash of blobsOf(entry)) await blobs.add(hash);
    const copied = await blobs.finish();
    return { copied, source: await readSummary(from, systemIdentifier, label) };
  });
  if (read === undefined) {
    await blobs.abandon();
    return undefined;
  }
  const broken = await blobs.findDamagedThere();
  if (broken !== undefined) {
    uncopied.add('backup', label, describeSharedDamage(reasonOf(broken)));
    return undefined;
  }
  const { packs: _packs, ...summary } = read.source;
  await verifyPacks(to, systemIdentifier, blobs.relied);
  await publishBackup(to, lease, { ...summary, ...read.copied }, renamed(readManifest(from, systemIdentifier, label), blobs));
  await lockBackup(to, { summary: read.source, packs: blobs.relied, unreadIndexes: blobs.unreadIndexes }, clock);
  return read.copied;
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
 * what is new is read, though names differ. Nothing is learnt where the two do not match, or where one is damaged.
 */
export async function learnNames(label: string, options: BackupCopyOptions): Promise<void> {
  if (sharesNames(options.from, options.to)) return;
  try {
    const names = await matchNames(label, options);
    if (names !== undefined) options.blobs.learn(names);
  } catch (error) {
    if (!isOfOneObject(error)) throw error;
  }
}

/** Both are read to their ends: before, nothing says that what they name is what was written. */
async function matchNames(label: string, { from, to, systemIdentifier, blobs }: BackupCopyOptions): Promise<Renames | undefined> {
  const [ours, theirs] = [await readSummary(from, systemIdentifier, label), await readSummary(to, systemIdentifier, label)];
  if (!isSameBackup(ours, theirs)) return undefined;
  const names = new Renames();
  const others = readManifest(to, systemIdentifier, label);
  try {
    for await (const entry of readManifest(from, systemIdentifier, label)) {
      const other = await others.next();
      if (other.done === true || other.value.path !== entry.path) return undefined;
      if (entry.type === 'file' && other.value.type === 'file') learnExtents(entry, other.value, blobs, names);
    }
    return (await others.next()).done === true ? names : undefined;
  } finally {
    await others.return(undefined);
  }
}

function learnExtents(ours: FileEntry, theirs: FileEntry, blobs: BlobCopy, learnt: Renames): void {
  const names = new Map(Array.from(theirs.extents, ([offset, length, name, from]) => [`${offset} ${length} ${from ?? 0}`, name]));
  for (const [offset, length, hash, from] of ours.extents) {
    const name = names.get(`${offset} ${length} ${from ?? 0}`);
    if (name !== undefined && (from ?? 0) === 0 && blobs.areWhole(hash, name, length)) learnt.set(hash, name);
  }
}

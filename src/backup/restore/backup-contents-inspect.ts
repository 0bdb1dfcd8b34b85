import { DbadminError } from '../../base/errors.ts';
import { parseControlFile, type ControlFile } from '../../postgres/control-file.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { ManifestEntries } from '../../repository/manifest-entries.ts';
import type { Repository } from '../../repository/repository.ts';
import { refuseUnfindable } from './unfindable.ts';

/** What a backup holds, and the means to read it. */
export interface BackupContents {
  readonly entries: ManifestEntries;
  readonly index: BlobIndex;
  readonly blobs: BlobReader;
  readonly control: ControlFile;
  /** The content of a small file, or undefined when the backup has none of that path. */
  readonly read: (path: string) => Promise<Buffer | undefined>;
}

/**
 * Opens the backup of a label.
 *
 * @throws {DbadminError} `repository-damaged`, `restore-failed` when it has no pg_control, `file-unreadable` when that is damaged.
 */
export async function openBackupContents(repository: Repository, systemIdentifier: string, label: string): Promise<BackupContents> {
  // Both are decompressed beside this thread, which would wait for one and then for the other.
  const [entries, index] = await Promise.all([
    ManifestEntries.read(repository, systemIdentifier, label),
    BlobIndex.load(repository, systemIdentifier),
  ]);
  refuseUnfindable(entries, index);
  const blobs = new BlobReader(repository, systemIdentifier, index);
  const read = async (path: string): Promise<Buffer | undefined> => await readFileOf(entries, path, blobs);
  const control = await read('global/pg_control');
  if (control === undefined) throw new DbadminError('restore-failed', `backup ${label} has no pg_control`);
  return { entries, index, blobs, control: parseControlFile(control), read };
}

async function readFileOf(entries: ManifestEntries, path: string, blobs: BlobReader): Promise<Buffer | undefined> {
  const file = entries.file(path);
  if (file === undefined) return undefined;
  const { extents } = file;
  const bytes = Buffer.alloc(file.sizeBytes);
  let at = 0;
  for await (const plain of blobs.readAll(Array.from(extents, (extent) => extent[2]))) {
    const [offset, length, , from = 0] = extents.at(at) ?? [0, 0, ''];
    plain.copy(bytes, offset, from, from + length);
    at += 1;
  }
  return bytes;
}

import { DbadminError } from '../../base/errors.ts';
import { parseControlFile, type ControlFile } from '../../postgres/control-file.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { damaged } from '../../repository/envelope.ts';
import { backupKey } from '../../repository/layout.ts';
import type { FileEntry } from '../../repository/manifest.ts';
import { ManifestEntries } from '../../repository/manifest-entries.ts';
import type { Repository } from '../../repository/repository.ts';
import { refuseUnfindable } from './unfindable.ts';

/** Of configuration and pg_control: a manifest that says more is wrong, and would fill memory. */
const SMALL_AT_MOST_BYTES = 64 * 1024 * 1024;

type SmallFile = Pick<FileEntry, 'extents' | 'sizeBytes'>;

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
  const read = async (path: string): Promise<Buffer | undefined> => {
    const file = entries.file(path);
    if (file === undefined) return undefined;
    if (file.sizeBytes > SMALL_AT_MOST_BYTES) {
      const detail = `It says that ${path} has ${file.sizeBytes} bytes, and no such file has more than ${SMALL_AT_MOST_BYTES}.`;
      throw damaged(backupKey(systemIdentifier, label), detail);
    }
    return await readSmallFile(file, blobs);
  };
  const control = await read('global/pg_control');
  if (control === undefined) throw new DbadminError('restore-failed', `backup ${label} has no pg_control`);
  return { entries, index, blobs, control: parseControlFile(control), read };
}

/** The whole content of a file that is held in memory. */
export async function readSmallFile({ extents, sizeBytes }: SmallFile, blobs: BlobReader): Promise<Buffer> {
  const bytes = Buffer.alloc(sizeBytes);
  let at = 0;
  for await (const plain of blobs.readAll(Array.from(extents, (extent) => extent[2]))) {
    const [offset, length, , from = 0] = extents.at(at) ?? [0, 0, ''];
    plain.copy(bytes, offset, from, from + length);
    at += 1;
  }
  return bytes;
}

import path from 'node:path';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { DbadminError, messageOf } from '../../base/errors.ts';

/** A file in a zip archive. */
export interface ArchivedFile {
  /** As the archive names it, with slashes. */
  readonly name: string;
  readonly sizeBytes: number;
  /** @throws {DbadminError} `load-failed` when it does not unpack to what the archive says it holds. */
  readonly open: () => AsyncIterable<Buffer>;
}

/**
 * The files of a zip archive that may be loaded, by name. The archive's table stands at its end: one that is cut off is
 * refused as a whole.
 *
 * @throws {DbadminError} `load-failed` for an archive that is cut off, damaged or encrypted.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export async function readArchive(file: string, isWanted: (name: string) => boolean): Promise<readonly ArchivedFile[]> {
  const entries: Entry[] = [];
  await withArchive(file, async (archive) => {
    for await (const entry of archive.eachEntry()) if (isWanted(entry.fileName)) entries.push(entry);
  });
  const locked = entries.find((entry) => entry.isEncrypted());
  if (locked !== undefined) throw new DbadminError('load-failed', `${locked.fileName} in it is encrypted`);
  return entries
    .sort((one, other) => (one.fileName < other.fileName ? -1 : 1))
    .map((entry) => ({ name: entry.fileName, sizeBytes: entry.uncompressedSize, open: () => unpack(file, entry) }));
}

async function withArchive(file: string, use: (archive: ZipFile) => Promise<void>): Promise<void> {
  let archive: ZipFile | undefined;
  try {
    archive = await openPromise(file, { autoClose: false });
    await use(archive);
  } catch (error) {
    throw new DbadminError('load-failed', `it is cut off, damaged or no zip archive: ${messageOf(error)}`, { cause: error });
  } finally {
    archive?.close();
  }
}

async function* unpack(file: string, entry: Entry): AsyncGenerator<Buffer> {
  const damaged = (reason: string, cause?: unknown): DbadminError =>
    new DbadminError('load-failed', `${path.basename(file)} is damaged: ${entry.fileName} ${reason}`, { cause });
  const archive = await openPromise(file, { autoClose: false });
  try {
    let sum = 0;
    const stream = await archive.openReadStreamPromise(entry).catch((error: unknown) => {
      throw damaged(`cannot be unpacked: ${messageOf(error)}`, error);
    });
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        sum = crc32(chunk, sum);
        yield chunk;
      }
    } catch (error) {
      throw damaged(`cannot be unpacked: ${messageOf(error)}`, error);
    }
    if (sum !== entry.crc32) throw damaged('does not have the checksum that the archive gives for it');
  } finally {
    archive.close();
  }
}

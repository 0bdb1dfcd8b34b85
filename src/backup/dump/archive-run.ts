import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { writeFully } from '../../base/write-fully.ts';
import { TarReader } from '../../postgres/tar.ts';
import { makeTarHeader, TAR_END, tarBytes, tarPadding, type TarFile } from '../../postgres/tar-header.ts';
import { damaged } from '../../repository/envelope.ts';

const PIECE_BYTES = 1024 * 1024;
/** As pg_dump calls them: `toc.dat`, `3456.dat.gz`, `blobs.toc`, `blob_16412.dat.zst`. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}$/;

/** The directory that pg_dump wrote, as one archive: the same bytes each time it is read. */
export interface DirectoryArchive {
  readonly sizeBytes: number;
  read(): AsyncIterable<Buffer>;
}

/** @throws {DbadminError} `program-failed` when something is in the directory that pg_dump puts into none. */
export async function archiveOf(directory: string): Promise<DirectoryArchive> {
  const files: TarFile[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const found = await lstat(path.join(directory, name));
    if (!found.isFile() || !NAME.test(name)) throw new DbadminError('program-failed', `pg_dump wrote ${name}, which no dump has`);
    files.push({ path: name, sizeBytes: found.size, modifiedAt: Math.floor(found.mtimeMs / 1000) });
  }
  return { sizeBytes: tarBytes(files), read: () => readFiles(directory, files) };
}

async function* readFiles(directory: string, files: readonly TarFile[]): AsyncGenerator<Buffer> {
  for (const file of files) {
    yield makeTarHeader(file);
    let sizeBytes = 0;
    for await (const piece of createReadStream(path.join(directory, file.path), { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
      sizeBytes += piece.byteLength;
      yield piece;
    }
    if (sizeBytes !== file.sizeBytes)
      throw new DbadminError('file-unreadable', `${path.join(directory, file.path)} changed while it was read`);
    if (tarPadding(sizeBytes) > 0) yield Buffer.alloc(tarPadding(sizeBytes));
  }
  yield TAR_END;
}

/** Lays down in a new `directory` what such an archive holds, as `pg_restore --format=directory` reads it. @throws {DbadminError} `repository-damaged`. */
export async function unpackArchive(key: string, archive: AsyncIterable<Buffer>, directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  let file: FileHandle | undefined;
  let offset = 0;
  const reader = new TarReader({
    entry: async ({ path: name, type }) => {
      if (type !== 'file' || !NAME.test(name)) throw damaged(key, `It holds ${name}, which no dump has.`);
      file = await open(path.join(directory, name), 'wx', 0o600);
      offset = 0;
    },
    data: async (chunk) => {
      if (file !== undefined) await writeFully(file, chunk, 0, chunk.byteLength, offset);
      offset += chunk.byteLength;
    },
    endEntry: async () => {
      await file?.close();
      file = undefined;
    },
  });
  try {
    for await (const piece of archive) await reader.push(piece);
    reader.end();
  } catch (error) {
    if (isDbadminError(error, 'protocol-violation'))
      throw damaged(key, `It is no archive of a dump: ${error.detail ?? error.message}`, error);
    throw error;
  } finally {
    await file?.close();
  }
}

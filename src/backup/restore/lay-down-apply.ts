import { chmod, chown, lchown, open, rename, stat, statfs, symlink } from 'node:fs/promises';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { selected } from '../../base/listed.ts';
import { systemPath } from '../../base/path-bytes.ts';
import { writeFully } from '../../base/write-fully.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import type { SystemUser } from '../../postgres/server.ts';
import type { BlobReader } from '../../repository/blob-reader.ts';
import { configurationBytes } from '../configuration-text.ts';
import { FileChecksums } from './file-checksums.ts';
import { LaidFiles } from './laid-files.ts';
import type { FileToWrite, LayoutPlan } from './plan.ts';

export interface LayDownOptions {
  readonly plan: LayoutPlan;
  readonly blobs: BlobReader;
  /** Who is to own the files, or undefined for whoever runs this. */
  readonly owner: SystemUser | undefined;
  /** What replaces a file's content (postgresql.auto.conf), by path; also files that the backup has not. */
  readonly replaced: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Whether the CRC-32C of what is laid down is wanted. */
  readonly checksums?: boolean;
}

/**
 * Refuses a place that the user who is to run the server cannot enter, such as a directory in root's home.
 *
 * @throws {DbadminError} `refused` naming the directory in the way.
 */
export async function checkReachable(directory: string, owner: SystemUser | undefined): Promise<void> {
  if (owner === undefined) return;
  for (let at = path.dirname(directory); ; at = path.dirname(at)) {
    const info = await stat(at).catch(() => undefined);
    const bit = info?.uid === owner.uid ? 0o100 : info?.gid === owner.gid ? 0o010 : 0o001;
    if (info !== undefined && (info.mode & bit) === 0) {
      throw new DbadminError('refused', `user ${owner.name}, who is to run the server, cannot enter ${at}`, {
        detail: 'PostgreSQL does not run as root, so the restored cluster belongs to that user.',
        hint: 'Restore to another place, or run the restore as the user who is to own it.',
      });
    }
    if (at === path.dirname(at)) return;
  }
}

/**
 * The id of the user who has the directory, where that is neither root nor who is to own what is restored: that user's server would not
 * start on it any more.
 */
export async function strangerOf(directory: string, owner: SystemUser | undefined): Promise<number | undefined> {
  const uid = (await stat(directory).catch(() => undefined))?.uid;
  return owner === undefined || uid === 0 || uid === owner.uid ? undefined : uid;
}

/** Free bytes of the filesystem that `directory` is or would be on. */
export async function freeBytesFor(directory: string): Promise<number> {
  for (let at = directory; ; at = path.dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT' || at === path.dirname(at)) throw error;
    }
  }
}

/** Writes everything but pg_control, each file and directory synced. Gives the CRC-32C of files by path, of those of the backup, when wanted. */
export async function layDown(options: LayDownOptions): Promise<FileChecksums> {
  const { plan, owner } = options;
  await makeDirectory(plan.dataDirectory, 0o700, owner);
  for (const { path: relative, mode } of plan.directories.filter(({ path: each }) => !isInTablespace(each, plan)))
    await makeDirectory(path.join(plan.dataDirectory, relative), mode, owner);
  for (const { oid, directory } of plan.tablespaces) {
    await makeDirectory(directory, 0o700, owner);
    const link = path.join(plan.dataDirectory, 'pg_tblspc', oid);
    await symlink(directory, link);
    if (owner !== undefined) await lchown(link, owner.uid, owner.gid);
  }
  for (const { path: relative, mode } of plan.directories.filter(({ path: each }) => isInTablespace(each, plan)))
    await makeDirectory(path.join(plan.dataDirectory, relative), mode, owner);
  const checksums = await writeFiles(options);
  const known = new Set(['.', ...plan.directories.map(({ path: each }) => each)]);
  for (const [relative, content] of options.replaced) {
    // What lay behind a link to a directory.
    const within = path.dirname(relative);
    if (!known.has(within)) await makeDirectory(path.join(plan.dataDirectory, within), 0o700, owner);
    await writeText(path.join(plan.dataDirectory, relative), configurationBytes(content), owner);
    if (!known.has(within)) await syncDirectory(path.join(plan.dataDirectory, within));
  }
  const directories = [
    ...plan.directories.map(({ path: relative }) => path.join(plan.dataDirectory, relative)),
    ...plan.tablespaces.map(({ directory }) => directory),
  ];
  for (const directory of [...directories, plan.dataDirectory]) await syncDirectory(directory);
  return checksums;
}

/** The last step: with pg_control the directory is a cluster. */
export async function writeControlFile(options: LayDownOptions): Promise<void> {
  const { plan } = options;
  const contents = options.blobs.readAll(Array.from(plan.controlFile.extents, (extent) => extent[2]));
  await writeFile(options, plan.controlFile, contents);
  await syncDirectory(path.join(plan.dataDirectory, 'global'));
  await syncDirectory(path.dirname(plan.dataDirectory));
}

function isInTablespace(relative: string, plan: LayoutPlan): boolean {
  return plan.tablespaces.some(({ oid }) => relative.startsWith(`pg_tblspc/${oid}/`));
}

async function writeFiles(options: LayDownOptions): Promise<FileChecksums> {
  const { plan, signal, replaced } = options;
  const files = replaced.size === 0 ? plan.files : selected(plan.files, ({ path: relative }) => !replaced.has(relative));
  const laid = new LaidFiles(files, options);
  const stop = new AbortController();
  const finisher = new Finisher(laid, (error) => stop.abort(error));
  const checksums = new FileChecksums();
  let doneBytes = 0;
  try {
    await options.blobs.scatter({
      checksums: options.checksums ?? false,
      files: laid,
      signal: AbortSignal.any([signal, stop.signal]),
      onBytes: (bytes) => {
        doneBytes += bytes;
        options.onProgress(doneBytes, plan.totalBytes);
      },
      onFile: (number, crc32c) => {
        if (crc32c !== undefined) checksums.add(files.at(number)?.path ?? '', crc32c);
        finisher.add(number);
      },
    });
  } catch (error) {
    await finisher.end();
    throw isWriteFailure(error) ? withHint(error) : error;
  }
  await finisher.end();
  finisher.check();
  return checksums;
}

const FINISHING_AT_ONCE = 3;

/** Dates and syncs files whose content is there, beside those that are being written; a sync waits for the disk and for nothing else. */
class Finisher {
  readonly #files: LaidFiles;
  readonly #onFailure: (error: unknown) => void;
  /** Numbers of files: there may be hundreds of thousands that wait for the disk. */
  readonly #queue: number[] = [];
  readonly #running = new Set<Promise<void>>();
  #failure: unknown;

  constructor(files: LaidFiles, onFailure: (error: unknown) => void) {
    this.#files = files;
    this.#onFailure = onFailure;
  }

  add(file: number): void {
    this.#queue.push(file);
    if (this.#running.size >= FINISHING_AT_ONCE) return;
    const work: Promise<void> = this.#work().finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** Resolves when all that was added is done, or nothing is done any more after a failure. */
  async end(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async #work(): Promise<void> {
    for (let next = this.#queue.pop(); next !== undefined && this.#failure === undefined; next = this.#queue.pop()) {
      const file = this.#files.at(next);
      if (file === undefined) continue;
      try {
        await finishFile(file.path, file.modifiedAt);
      } catch (error) {
        this.#failure ??= writeFailure(file.path, error);
        this.#onFailure(this.#failure);
      }
    }
  }
}

/** With calls that give descriptors: there may be a hundred thousand files, and a handle costs more than all that is done with it. */
async function finishFile(target: string, modifiedAt: number): Promise<void> {
  const descriptor = await openFile(systemPath(target), 'r');
  try {
    await setTimes(descriptor, modifiedAt, modifiedAt);
    await syncFile(descriptor);
  } finally {
    await closeFile(descriptor);
  }
}

const openFile = promisify<ReturnType<typeof systemPath>, string, number>(fs.open);
const setTimes = promisify(fs.futimes);
const syncFile = promisify(fs.fsync);
const closeFile = promisify(fs.close);

/** Follows a file's name until it is whole. */
const UNFINISHED = '.dbadmin';

/** Writes pg_control, beside its place and then renamed: it is there whole or not at all. Its blobs are those of `contents`. */
async function writeFile(options: LayDownOptions, file: FileToWrite, contents: AsyncIterator<Buffer>): Promise<void> {
  const target = path.join(options.plan.dataDirectory, file.path);
  const unfinished = `${target}${UNFINISHED}`;
  try {
    const handle = await open(unfinished, 'w', file.mode);
    try {
      for (const [offset, length, hash, from = 0] of file.extents) {
        const { value: plain } = await contents.next();
        if (plain === undefined) throw new DbadminError('internal', `blob ${hash} was not read`);
        await writeFully(handle, plain, from, length, offset);
      }
      await handle.truncate(file.sizeBytes);
      await handle.chmod(file.mode);
      if (options.owner !== undefined) await handle.chown(options.owner.uid, options.owner.gid);
      await handle.utimes(file.modifiedAt, file.modifiedAt);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, target);
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw writeFailure(target, error);
  }
}

/** Writes a small file of ours, synced. */
export async function writeText(target: string, content: string | Uint8Array, owner: SystemUser | undefined, mode = 0o600): Promise<void> {
  try {
    const handle = await open(target, 'w', mode);
    try {
      await handle.writeFile(content);
      if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw writeFailure(target, error);
  }
}

/** Makes a directory with its parents; each that was made belongs to the owner, or they could not enter it. The directory gets the mode. */
export async function makeDirectory(directory: string, mode: number, owner: SystemUser | undefined): Promise<void> {
  try {
    const first = await makeDirectories(directory, mode);
    await chmod(systemPath(directory), mode);
    if (owner === undefined) return;
    for (let at = directory; ; at = path.dirname(at)) {
      await chown(systemPath(at), owner.uid, owner.gid);
      if (first === undefined || at.length <= first.length || at === path.dirname(at)) return;
    }
  } catch (error) {
    throw writeFailure(directory, error);
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(systemPath(directory), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const FINISH_HINT =
  'What was restored so far stays: without global/pg_control it is no cluster and no server starts on it. Remove the cause and finish it with --delta.';

function isWriteFailure(error: unknown): error is DbadminError {
  return isDbadminError(error, 'storage-full') || isDbadminError(error, 'file-unwritable');
}

function withHint(error: DbadminError): DbadminError {
  return new DbadminError(error.code, error.message, { detail: error.detail, hint: FINISH_HINT, cause: error });
}

/** The failure of a write, with what to do about what is there so far. */
export function writeFailure(target: string, error: unknown, hint: string = FINISH_HINT): DbadminError {
  const full = systemCodeOf(error) === 'ENOSPC' || systemCodeOf(error) === 'EDQUOT';
  return new DbadminError(
    full ? 'storage-full' : 'file-unwritable',
    full ? `no space left while writing ${target}` : `cannot write ${target}`,
    {
      detail: messageOf(error),
      hint,
      cause: error,
    },
  );
}

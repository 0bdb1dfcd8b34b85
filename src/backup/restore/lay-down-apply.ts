import { chmod, chown, lchown, mkdir, open, readdir, stat, statfs, symlink } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { SystemUser } from '../../postgres/server.ts';
import type { BlobReader } from '../../repository/blob-reader.ts';
import { planBatches, type FileToWrite, type LayoutPlan } from './plan.ts';

const WRITING_AT_ONCE = 4;

export interface LayDownOptions {
  readonly plan: LayoutPlan;
  readonly blobs: BlobReader;
  /** Who is to own the files, or undefined for whoever runs this. */
  readonly owner: SystemUser | undefined;
  /** What replaces a file's content (postgresql.auto.conf), by path; also files that the backup has not. */
  readonly replaced: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Refuses a directory that holds anything, and a target filesystem without room.
 *
 * @throws {DbadminError} `refused`, `storage-full`, `file-unwritable`.
 */
export async function checkTargetDirectories(plan: LayoutPlan, extraBytes: number): Promise<void> {
  for (const directory of [plan.dataDirectory, plan.spoolDirectory, ...plan.tablespaces.map((each) => each.directory)]) {
    const names = await readdir(directory).catch((error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT') return [];
      throw new DbadminError('file-unwritable', `cannot restore into ${directory}`, { detail: messageOf(error), cause: error });
    });
    if (names.length > 0) {
      throw new DbadminError('refused', `${directory} is not empty`, {
        detail: `It holds ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}.`,
        hint: 'Restore into a directory that is empty or does not exist yet.',
      });
    }
  }
  const free = await freeBytesFor(plan.dataDirectory);
  const needed = plan.totalBytes + extraBytes;
  if (free < needed) {
    throw new DbadminError('storage-full', `there is no room for the restore in ${plan.dataDirectory}`, {
      detail: `It needs ${needed} bytes and ${free} are free.`,
      hint: 'Free some space or restore elsewhere.',
    });
  }
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

/** Writes everything but pg_control, each file and directory synced. */
export async function layDown(options: LayDownOptions): Promise<void> {
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
  await writeFiles(options);
  for (const [relative, content] of options.replaced) await writeText(path.join(plan.dataDirectory, relative), content, owner);
  const directories = [
    ...plan.directories.map(({ path: relative }) => path.join(plan.dataDirectory, relative)),
    ...plan.tablespaces.map(({ directory }) => directory),
  ];
  for (const directory of [...directories, plan.dataDirectory]) await syncDirectory(directory);
}

/** The last step: with pg_control the directory is a cluster. */
export async function writeControlFile(options: LayDownOptions): Promise<void> {
  const { plan } = options;
  const contents = options.blobs.readAll(plan.controlFile.extents.map((extent) => extent[2]));
  await writeFile(options, plan.controlFile, contents, () => undefined);
  await syncDirectory(path.join(plan.dataDirectory, 'global'));
  await syncDirectory(path.dirname(plan.dataDirectory));
}

function isInTablespace(relative: string, plan: LayoutPlan): boolean {
  return plan.tablespaces.some(({ oid }) => relative.startsWith(`pg_tblspc/${oid}/`));
}

async function writeFiles(options: LayDownOptions): Promise<void> {
  const { plan, signal } = options;
  const batches = planBatches(
    plan.files.filter(({ path: relative }) => !options.replaced.has(relative)),
    (hash) => options.blobs.orderOf(hash),
  ).values();
  let doneBytes = 0;
  let failed = false;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    options.onProgress(doneBytes, plan.totalBytes);
  };
  const work = async (): Promise<void> => {
    for (const batch of batches) {
      signal.throwIfAborted();
      if (failed) return;
      const contents = options.blobs.readAll(batch.flatMap((file) => file.extents.map((extent) => extent[2])));
      for (const file of batch) await writeFile(options, file, contents, onBytes);
    }
  };
  // All workers are waited for, so that nothing writes on after a failure was reported.
  const ends = await Promise.allSettled(
    Array.from({ length: WRITING_AT_ONCE }, async () => {
      try {
        await work();
      } catch (error) {
        failed = true;
        throw error;
      }
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason as Error;
}

/** Writes one file; its blobs are the next ones of `contents`. */
async function writeFile(
  options: LayDownOptions,
  file: FileToWrite,
  contents: AsyncIterator<Buffer>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const target = path.join(options.plan.dataDirectory, file.path);
  try {
    const handle = await open(target, 'wx', file.mode);
    try {
      for (const [offset, length, hash, from = 0] of file.extents) {
        const { value: plain } = await contents.next();
        if (plain === undefined) throw new DbadminError('internal', `blob ${hash} was not read`);
        await handle.write(plain, from, length, offset);
        onBytes(length);
      }
      await handle.truncate(file.sizeBytes);
      await handle.chmod(file.mode);
      if (options.owner !== undefined) await handle.chown(options.owner.uid, options.owner.gid);
      await handle.utimes(file.modifiedAt, file.modifiedAt);
      await handle.sync();
    } finally {
      await handle.close();
    }
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

/** Makes a directory with its parents; the directory itself gets mode and owner. */
export async function makeDirectory(directory: string, mode: number, owner: SystemUser | undefined): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode });
    await chmod(directory, mode);
    if (owner !== undefined) await chown(directory, owner.uid, owner.gid);
  } catch (error) {
    throw writeFailure(directory, error);
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The failure of a write, with what to do about what is there so far. */
export function writeFailure(target: string, error: unknown): DbadminError {
  const full = systemCodeOf(error) === 'ENOSPC' || systemCodeOf(error) === 'EDQUOT';
  return new DbadminError(
    full ? 'storage-full' : 'file-unwritable',
    full ? `no space left while writing ${target}` : `cannot write ${target}`,
    {
      detail: messageOf(error),
      hint: 'What was restored so far stays: without global/pg_control it is no cluster and no server starts on it. Remove the cause and finish it with --delta.',
      cause: error,
    },
  );
}

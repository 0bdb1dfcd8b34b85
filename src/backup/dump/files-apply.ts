import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { pathFailure } from '../../base/path-failure.ts';
import type { Repository } from '../../repository/repository.ts';
import { dumpGlobalsKey, dumpKey } from './layout.ts';
import type { DumpedDatabase, DumpedObject, DumpManifest } from './manifest.ts';
import { spoolDumped, verifyStored } from './stored-dump.ts';

export interface DumpFilesRequest {
  readonly repository: Repository;
  readonly manifest: DumpManifest;
  /** Databases of the dump. */
  readonly databases: readonly string[];
  readonly globals: boolean;
  /** Empty, or not there yet. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** What one object of a dump is called among files: `music.dump` of the custom format, and in the directory format, where it is a directory. */
export interface DumpFile {
  readonly name: string;
  readonly dumped: DumpedObject & Pick<DumpedDatabase, 'format'>;
  /** Undefined: it is that of the roles and settings, `globals.sql`. */
  readonly database: string | undefined;
}

/** The files that are laid down, that of the globals last. A name that is none for a file stands as its key has it: `a=2Fb.dump`. */
export function dumpFiles({
  manifest,
  databases,
  globals,
}: Pick<DumpFilesRequest, 'manifest' | 'databases' | 'globals'>): readonly DumpFile[] {
  const files = manifest.databases
    .filter(({ database }) => databases.includes(database))
    .map((dumped) => ({ name: path.basename(dumpKey('', manifest.label, dumped.database)), dumped, database: dumped.database }));
  const roles = { name: path.basename(dumpGlobalsKey('', manifest.label)), dumped: manifest.globals, database: undefined };
  return globals ? [...files, roles] : files;
}

/**
 * Lays down what pg_dump wrote, decrypted where the repository is encrypted, for pg_restore and psql by hand. Each file has another name until
 * it is whole and on disk; where one fails nothing of them stays.
 *
 * @throws {DbadminError} `refused` when the directory holds anything, `repository-damaged`, `file-unwritable`, `storage-full`.
 */
export async function layDownDump(request: DumpFilesRequest): Promise<void> {
  const { repository, directory, signal } = request;
  const changed = await makeEmpty(directory);
  const begun: string[] = [];
  try {
    for (const { name, dumped } of dumpFiles(request)) {
      await verifyStored(repository, dumped, signal);
      const place = path.join(directory, name);
      const partial = `${place}.part`;
      begun.push(partial);
      await spoolDumped(repository, dumped, partial, signal);
      await sync(partial);
      await rename(partial, place);
      begun.push(place);
    }
    for (const each of changed) await syncOne(each);
  } catch (error) {
    const taken = takenBy(error, begun);
    for (const place of begun) if (place !== taken) await rm(place, { recursive: true, force: true }).catch(() => undefined);
    if (taken !== undefined) throw new DbadminError('refused', `somebody else made ${taken} meanwhile`, { hint: EMPTY_HINT, cause: error });
    throw withRoom(error, directory);
  }
}

/** What of ours is there already, as where two lay down at once or others may write there. */
function takenBy(error: unknown, begun: readonly string[]): string | undefined {
  if (systemCodeOf(error) !== 'EEXIST') return undefined;
  return begun.find((place) => place === (error as { readonly path?: unknown }).path);
}

const EMPTY_HINT = 'Give a directory that is empty or does not exist yet.';

/** @throws {DbadminError} `refused` when anything is in the directory, `file-unwritable`. */
export async function refuseFilled(directory: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return;
    throw unwritable(error);
  }
  if (names.length === 0) return;
  throw new DbadminError('refused', `${directory} is not empty`, { hint: EMPTY_HINT });
}

/** Gives those whose entries are to be made durable: the directory, and what is above each one that was made. */
async function makeEmpty(directory: string): Promise<readonly string[]> {
  await refuseFilled(directory);
  const first = await makeDirectories(directory, 0o700).catch((error: unknown) => {
    throw new DbadminError('file-unwritable', `cannot make ${directory}`, { detail: `${messageOf(error)}.`, cause: error });
  });
  const changed = [directory];
  if (first !== undefined)
    for (let made = directory; made.length >= first.length; made = path.dirname(made)) changed.push(path.dirname(made));
  return changed;
}

/** A file, or a directory with the files in it. */
async function sync(place: string): Promise<void> {
  for (const { name } of await readdir(place, { withFileTypes: true }).catch(notADirectory)) await syncOne(path.join(place, name));
  await syncOne(place);
}

function notADirectory(error: unknown): readonly { readonly name: string }[] {
  if (systemCodeOf(error) === 'ENOTDIR') return [];
  throw error;
}

async function syncOne(place: string): Promise<void> {
  const handle = await open(place, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the system says of the place; anything else stays as it is. */
function unwritable(error: unknown): unknown {
  return pathFailure(error) ?? error;
}

/** A full disk is told of a write without the path. */
function withRoom(error: unknown, directory: string): unknown {
  const code = systemCodeOf(error);
  if (error instanceof DbadminError || (code !== 'ENOSPC' && code !== 'EDQUOT')) return unwritable(error);
  return new DbadminError('storage-full', `there is no room for the dump in ${directory}`, {
    detail: `${messageOf(error)}. Nothing of it was left there.`,
    cause: error,
  });
}

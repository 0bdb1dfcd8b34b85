import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError } from '../base/errors.ts';
import { diskFailure, isAbsence } from './disk-failures.ts';

/** What tells one directory from another. */
interface Seen {
  readonly dev: number;
  readonly ino: number;
  /** The roots of two disks have the same inode number, and one after the other in one slot the same device number. 0 where it is not known. */
  readonly bornAtMs: number;
}

/**
 * The root directory of a store, and which one it was when the store was opened: a path says nothing of that once a file system
 * is unmounted, or another disk is mounted in its place. Nothing is kept open, so that it can be unmounted.
 */
export class DiskRoot {
  readonly path: string;
  /** Who may do what there, as of the opening. */
  readonly mode: number;
  readonly #identityKey: string | undefined;
  readonly #identity: Buffer | undefined;
  #seen: Seen;

  private constructor(root: string, found: Found, identityKey: string | undefined, identity: Buffer | undefined) {
    this.path = root;
    this.mode = found.mode;
    this.#identityKey = identityKey;
    this.#identity = identity;
    this.#seen = found.seen;
  }

  /**
   * `identityKey` is the object whose content this store has and no other. Without one, or while there is none, a root that
   * is another directory is another store.
   *
   * @throws {DbadminError} `repository-missing`, or what {@link diskFailure} says of what cannot be looked at.
   */
  static async open(root: string, identityKey: string | undefined): Promise<DiskRoot> {
    const found = await look(root);
    return new DiskRoot(root, found, identityKey, await readIdentity(root, identityKey));
  }

  /**
   * Proves that the root is there, and the one that was opened. A directory with other numbers and the same identity is: NFS that
   * was mounted again has another device number.
   *
   * @throws {DbadminError} `repository-missing`, or what {@link diskFailure} says of what cannot be looked at.
   */
  async check(): Promise<void> {
    const { seen } = await look(this.path);
    if (this.#isSeen(seen)) return;
    const identity = this.#identity === undefined ? undefined : await readIdentity(this.path, this.#identityKey);
    if (identity === undefined || this.#identity?.equals(identity) !== true) throw changedRoot(this.path, identity !== undefined);
    this.#seen = seen;
  }

  #isSeen({ dev, ino, bornAtMs }: Seen): boolean {
    if (dev !== this.#seen.dev || ino !== this.#seen.ino) return false;
    // Some systems give the time of the last change for it: only where the identity can be asked after is it looked at.
    return this.#identity === undefined || bornAtMs === this.#seen.bornAtMs;
  }
}

interface Found {
  readonly seen: Seen;
  readonly mode: number;
}

async function look(root: string): Promise<Found> {
  const found = await stat(root).catch((error: unknown) => {
    if (isAbsence(error)) return undefined;
    throw diskFailure(root, 'looking at the directory', error);
  });
  if (found?.isDirectory() === true) {
    return { seen: { dev: found.dev, ino: found.ino, bornAtMs: found.birthtimeMs }, mode: found.mode };
  }
  throw new DbadminError('repository-missing', `directory ${root} ${found === undefined ? 'does not exist' : 'is not a directory'}`, {
    hint: 'Mount the file system if it belongs on one, or correct the path; `dbadmin backup init` makes a new repository.',
  });
}

async function readIdentity(root: string, key: string | undefined): Promise<Buffer | undefined> {
  if (key === undefined) return undefined;
  try {
    return await readFile(path.join(root, key));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw diskFailure(root, `reading ${key}`, error);
  }
}

function changedRoot(root: string, hasIdentity: boolean): DbadminError {
  return new DbadminError('repository-missing', `${root} is not the directory that was opened`, {
    detail: hasIdentity
      ? 'It holds another repository now.'
      : 'A file system was unmounted, or another directory put there, and it holds no repository.',
    hint: 'Mount the file system again; to go on with what is there now, start the command again.',
  });
}

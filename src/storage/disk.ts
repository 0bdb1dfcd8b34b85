import { access, constants, open, statfs, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { isDbadminError } from '../base/errors.ts';
import { makeDirectories } from '../base/make-directories.ts';
import { ownFailure } from './body.ts';
import { createFile, modesBelow, syncDirectory, type DiskTarget } from './disk-create.ts';
import { diskFailure, isAbsence } from './disk-failures.ts';
import { listFiles, removeTemporaries, statFile } from './disk-list.ts';
import { DiskRoot } from './disk-root.ts';
import { lockUnsupported, missingObject, shortObject } from './failures.ts';
import { checkKey, checkPrefix, checkRange } from './keys.ts';
import type { CreateOptions, LockSupport, ObjectBody, ObjectStore, StoredObject } from './store.ts';

const PIECE_BYTES = 1024 * 1024;

/**
 * The store in the directory `root`, which must exist: a path that is not there is more often an unmounted disk than a
 * wish for a new store. An empty mount point looks like an empty store; who opens a repository tells them apart.
 *
 * From then on it is this directory and no other at the same path: see {@link DiskRoot} for that and for `identityKey`. What
 * depends on it is `repository-missing` in another: no object is called absent there, none is made, deleted or listed.
 *
 * @throws {DbadminError} `repository-missing`, `storage-denied`
 */
export async function openDiskStore(root: string, identityKey?: string): Promise<ObjectStore> {
  const store = new DiskStore(await DiskRoot.open(path.resolve(root), identityKey));
  await store.probe();
  return store;
}

/**
 * The same after making the directory, with all above it, when it is not there: for its owner alone.
 *
 * @throws {DbadminError} `storage-denied`, `storage-read-only`, `storage-full`
 */
export async function createDiskStore(root: string, identityKey?: string): Promise<ObjectStore> {
  const directory = path.resolve(root);
  try {
    const firstMade = await makeDirectories(directory, 0o700);
    if (firstMade !== undefined) {
      for (let made = directory; made.length >= firstMade.length; made = path.dirname(made)) await syncDirectory(path.dirname(made));
    }
  } catch (error) {
    throw diskFailure(directory, 'making the directory', error);
  }
  return await openDiskStore(directory, identityKey);
}

class DiskStore implements ObjectStore {
  readonly description: string;
  /** No locks: whoever may write a directory may take them off again, so they would promise what they do not keep. */
  readonly capabilities = { conditionalCreate: true, locks: false };
  readonly #root: DiskRoot;
  readonly #target: DiskTarget;

  constructor(root: DiskRoot) {
    this.description = root.path;
    this.#root = root;
    const check = async (): Promise<void> => await root.check();
    this.#target = { root: root.path, modes: modesBelow(root.mode), syncedDirectories: new Set(), check };
  }

  async create(key: string, body: ObjectBody, { lockUntil }: CreateOptions = {}): Promise<void> {
    checkKey(key);
    if (lockUntil !== undefined) throw lockUnsupported(this.description);
    await this.#root.check();
    try {
      await createFile(this.#target, key, body);
      // It may have been unmounted meanwhile, and the name given below the mount point.
      await this.#root.check();
    } catch (error) {
      if (isAbsence(error) || isDbadminError(error, 'storage-exists')) await this.#root.check();
      throw ownFailure(error, (failure) => diskFailure(this.description, `writing ${key}`, failure));
    }
  }

  async read(key: string, signal?: AbortSignal): Promise<Uint8Array> {
    checkKey(key);
    return await this.#withFile(key, async (handle) => {
      const { size } = await handle.stat();
      return await this.#readFully(handle, key, 0, size, signal);
    });
  }

  async readRange(key: string, offsetBytes: number, lengthBytes: number, signal?: AbortSignal, room?: Uint8Array): Promise<Uint8Array> {
    checkKey(key);
    checkRange(key, offsetBytes, lengthBytes);
    return await this.#withFile(key, async (handle) => await this.#readFully(handle, key, offsetBytes, lengthBytes, signal, room));
  }

  async *readStream(key: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    checkKey(key);
    const handle = await this.#attempt(key, `opening ${key}`, async () => await open(path.join(this.description, key)));
    try {
      const { size } = await this.#attempt(key, `reading ${key}`, async () => await handle.stat());
      for (let offset = 0; offset < size; offset += PIECE_BYTES) {
        const lengthBytes = Math.min(PIECE_BYTES, size - offset);
        yield await this.#attempt(key, `reading ${key}`, async () => await this.#readFully(handle, key, offset, lengthBytes, signal));
      }
    } finally {
      await handle.close();
    }
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    const found = await this.#attempt(key, `looking at ${key}`, async () => await statFile(this.description, key));
    await this.#root.check();
    return found;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    await this.#root.check();
    try {
      yield* listFiles(this.description, prefix);
      // What was unmounted meanwhile makes a listing short.
      await this.#root.check();
    } catch (error) {
      if (isAbsence(error)) await this.#root.check();
      throw diskFailure(this.description, `listing ${prefix === '' ? 'everything' : prefix}`, error);
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#root.check();
    try {
      await unlink(path.join(this.description, key));
    } catch (error) {
      if (!isAbsence(error)) throw diskFailure(this.description, `deleting ${key}`, error);
      await this.#root.check();
    }
  }

  async erase(prefix: string): Promise<void> {
    for await (const { key } of this.list(prefix)) await this.delete(key);
  }

  async extendLock(key: string): Promise<'extended' | 'kept'> {
    checkKey(key);
    throw lockUnsupported(this.description);
  }

  async lockSupport(): Promise<LockSupport> {
    return { kind: 'none' };
  }

  async removeUnfinished(begunBefore: Date): Promise<number> {
    await this.#root.check();
    try {
      return await removeTemporaries(this.description, begunBefore);
    } catch (error) {
      throw diskFailure(this.description, 'removing temporary files', error);
    }
  }

  async freeBytes(): Promise<number | undefined> {
    await this.#root.check();
    try {
      const { bavail, bsize } = await statfs(this.description);
      return bavail * bsize;
    } catch (error) {
      throw diskFailure(this.description, 'asking for free space', error);
    }
  }

  async probe(): Promise<void> {
    await this.#root.check();
    try {
      await access(this.description, constants.R_OK | constants.X_OK);
    } catch (error) {
      throw diskFailure(this.description, 'looking into the directory', error);
    }
  }

  async close(): Promise<void> {}

  async #withFile<Value>(key: string, use: (handle: FileHandle) => Promise<Value>): Promise<Value> {
    return await this.#attempt(key, `reading ${key}`, async () => {
      const handle = await open(path.join(this.description, key));
      try {
        return await use(handle);
      } finally {
        await handle.close();
      }
    });
  }

  /** Exactly `lengthBytes` bytes; read(2) may give fewer at a time. */
  async #readFully(
    handle: FileHandle,
    key: string,
    offsetBytes: number,
    lengthBytes: number,
    signal?: AbortSignal,
    room?: Uint8Array,
  ): Promise<Uint8Array> {
    const isRoomy = room !== undefined && room.byteLength >= lengthBytes;
    const bytes = isRoomy ? room.subarray(0, lengthBytes) : Buffer.allocUnsafeSlow(lengthBytes);
    let got = 0;
    while (got < lengthBytes) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(bytes, got, lengthBytes - got, offsetBytes + got);
      if (bytesRead === 0) throw shortObject(this.description, key, got, lengthBytes);
      got += bytesRead;
    }
    return bytes;
  }

  /** Runs one piece of work on the file of `key` and gives the system's refusal as ours. */
  async #attempt<Value>(key: string, what: string, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      if (!isAbsence(error)) throw diskFailure(this.description, what, error);
      await this.#root.check();
      throw missingObject(this.description, key, error);
    }
  }
}

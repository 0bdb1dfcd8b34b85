import { access, constants, mkdir, open, stat, statfs, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { ownFailure } from './body.ts';
import { createFile, modesBelow, syncDirectory, type DiskTarget, type Modes } from './disk-create.ts';
import { checkRoot, diskFailure, isAbsence } from './disk-failures.ts';
import { listFiles, removeTemporaries, statFile } from './disk-list.ts';
import { lockUnsupported, missingObject, shortObject } from './failures.ts';
import { checkKey, checkPrefix, checkRange } from './keys.ts';
import type { CreateOptions, LockSupport, ObjectBody, ObjectStore, StoredObject } from './store.ts';

const PIECE_BYTES = 1024 * 1024;

/**
 * The store in the directory `root`, which must exist: a path that is not there is more often an unmounted disk than a
 * wish for a new store. An empty mount point looks like an empty store; who opens a repository tells them apart.
 *
 * @throws {DbadminError} `repository-missing`, `storage-denied`
 */
export async function openDiskStore(root: string): Promise<ObjectStore> {
  const directory = path.resolve(root);
  await checkRoot(directory);
  const store = new DiskStore(directory, modesBelow((await stat(directory)).mode));
  await store.probe();
  return store;
}

/**
 * The same after making the directory, with all above it, when it is not there: for its owner alone.
 *
 * @throws {DbadminError} `storage-denied`, `storage-read-only`, `storage-full`
 */
export async function createDiskStore(root: string): Promise<ObjectStore> {
  const directory = path.resolve(root);
  try {
    const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (firstMade !== undefined) {
      for (let made = directory; made.length >= firstMade.length; made = path.dirname(made)) await syncDirectory(path.dirname(made));
    }
  } catch (error) {
    throw diskFailure(directory, 'making the directory', error);
  }
  return await openDiskStore(directory);
}

class DiskStore implements ObjectStore {
  readonly description: string;
  /** No locks: whoever may write a directory may take them off again, so they would promise what they do not keep. */
  readonly capabilities = { conditionalCreate: true, locks: false };
  readonly #target: DiskTarget;

  constructor(root: string, modes: Modes) {
    this.description = root;
    this.#target = { root, modes, syncedDirectories: new Set() };
  }

  async create(key: string, body: ObjectBody, { lockUntil }: CreateOptions = {}): Promise<void> {
    checkKey(key);
    if (lockUntil !== undefined) throw lockUnsupported(this.description);
    try {
      await createFile(this.#target, key, body);
    } catch (error) {
      if (isAbsence(error)) await checkRoot(this.description);
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
    if (found === undefined) await checkRoot(this.description);
    return found;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    await checkRoot(this.description);
    try {
      yield* listFiles(this.description, prefix);
    } catch (error) {
      if (isAbsence(error)) await checkRoot(this.description);
      throw diskFailure(this.description, `listing ${prefix === '' ? 'everything' : prefix}`, error);
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    try {
      await unlink(path.join(this.description, key));
    } catch (error) {
      if (!isAbsence(error)) throw diskFailure(this.description, `deleting ${key}`, error);
      await checkRoot(this.description);
    }
  }

  async extendLock(key: string): Promise<'extended' | 'kept'> {
    checkKey(key);
    throw lockUnsupported(this.description);
  }

  async lockSupport(): Promise<LockSupport> {
    return { kind: 'none' };
  }

  async removeUnfinished(begunBefore: Date): Promise<number> {
    await checkRoot(this.description);
    try {
      return await removeTemporaries(this.description, begunBefore);
    } catch (error) {
      throw diskFailure(this.description, 'removing temporary files', error);
    }
  }

  async freeBytes(): Promise<number | undefined> {
    await checkRoot(this.description);
    try {
      const { bavail, bsize } = await statfs(this.description);
      return bavail * bsize;
    } catch (error) {
      throw diskFailure(this.description, 'asking for free space', error);
    }
  }

  async probe(): Promise<void> {
    await checkRoot(this.description);
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
      await checkRoot(this.description);
      throw missingObject(this.description, key, error);
    }
  }
}

import { collect, ownFailure, piecesOf } from './body.ts';
import { existingObject, missingObject, shortObject } from './failures.ts';
import { checkKey, checkPrefix, checkRange } from './keys.ts';
import type { ObjectBody, ObjectStore, StoredObject } from './store.ts';

/** An empty store in this process's memory, for tests and for throw-away work. */
export function createMemoryStore(): ObjectStore {
  return new MemoryStore();
}

class MemoryStore implements ObjectStore {
  readonly description = 'memory';
  readonly capabilities = { conditionalCreate: true };
  readonly #objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedAt: Date }>();

  async create(key: string, body: ObjectBody): Promise<void> {
    checkKey(key);
    if (this.#objects.has(key)) throw existingObject(this.description, key);
    // A copy: the caller may reuse its buffer.
    const bytes = Uint8Array.from(await this.#collect(key, body));
    if (this.#objects.has(key)) throw existingObject(this.description, key);
    this.#objects.set(key, { bytes, modifiedAt: new Date() });
  }

  async read(key: string, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    return Uint8Array.from(this.#bytes(key));
  }

  async readRange(key: string, offsetBytes: number, lengthBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    checkRange(key, offsetBytes, lengthBytes);
    const part = this.#bytes(key).slice(offsetBytes, offsetBytes + lengthBytes);
    if (part.byteLength < lengthBytes) throw shortObject(this.description, key, part.byteLength, lengthBytes);
    return part;
  }

  async *readStream(key: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const bytes = this.#bytes(key);
    for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES) {
      signal?.throwIfAborted();
      yield bytes.slice(offset, offset + PIECE_BYTES);
    }
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    const object = this.#objects.get(key);
    return object && { key, sizeBytes: object.bytes.byteLength, modifiedAt: object.modifiedAt };
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    for (const key of keys) {
      const object = await this.stat(key);
      if (object !== undefined) yield object;
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#objects.delete(key);
  }

  async removeUnfinished(): Promise<number> {
    return 0;
  }

  async freeBytes(): Promise<number | undefined> {
    return undefined;
  }

  async probe(): Promise<void> {}

  async close(): Promise<void> {}

  async #collect(key: string, body: ObjectBody): Promise<Uint8Array> {
    try {
      return await collect(piecesOf(body, this.description, key));
    } catch (error) {
      throw ownFailure(error, (failure) => failure);
    }
  }

  #bytes(key: string): Uint8Array {
    checkKey(key);
    const object = this.#objects.get(key);
    if (object === undefined) throw missingObject(this.description, key);
    return object.bytes;
  }
}

const PIECE_BYTES = 1024 * 1024;

import { collect, ownFailure, piecesOf } from './body.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { existingObject, lockedObject, missingObject, shortObject } from './failures.ts';
import { checkKey, checkPrefix, checkRange } from './keys.ts';
import { lockMoment, type CreateOptions, type LockSupport, type ObjectBody, type ObjectStore, type StoredObject } from './store.ts';

/** An empty store in this process's memory, for tests and for throw-away work. It knows locks, by `clock`. */
export function createMemoryStore(clock: Clock = systemClock): ObjectStore {
  return new MemoryStore(clock);
}

interface Held {
  readonly bytes: Uint8Array;
  readonly modifiedAt: Date;
  readonly lockedUntil: Date | undefined;
}

class MemoryStore implements ObjectStore {
  readonly description = 'memory';
  readonly capabilities = { conditionalCreate: true, locks: true };
  readonly #objects = new Map<string, Held>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async create(key: string, body: ObjectBody, options: CreateOptions = {}): Promise<void> {
    checkKey(key);
    if (this.#objects.has(key)) throw existingObject(this.description, key);
    // A copy: the caller may reuse its buffer.
    const bytes = Uint8Array.from(await this.#collect(key, body));
    if (this.#objects.has(key)) throw existingObject(this.description, key);
    this.#objects.set(key, { bytes, modifiedAt: this.#clock.now(), lockedUntil: lockMoment(options) });
  }

  async read(key: string, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    return Uint8Array.from(this.#bytes(key));
  }

  async readRange(key: string, offsetBytes: number, lengthBytes: number, signal?: AbortSignal, room?: Uint8Array): Promise<Uint8Array> {
    signal?.throwIfAborted();
    checkRange(key, offsetBytes, lengthBytes);
    const part = this.#bytes(key).slice(offsetBytes, offsetBytes + lengthBytes);
    if (part.byteLength < lengthBytes) throw shortObject(this.description, key, part.byteLength, lengthBytes);
    if (room === undefined || room.byteLength < lengthBytes) return part;
    room.set(part);
    return room.subarray(0, lengthBytes);
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
    if (object === undefined) return undefined;
    const { bytes, modifiedAt, lockedUntil } = object;
    return { key, sizeBytes: bytes.byteLength, modifiedAt, ...(lockedUntil === undefined ? {} : { lockedUntil }) };
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
    const lockedUntil = this.#objects.get(key)?.lockedUntil;
    if (lockedUntil !== undefined && lockedUntil > this.#clock.now()) throw lockedObject(this.description, key, lockedUntil);
    this.#objects.delete(key);
  }

  async erase(prefix: string): Promise<void> {
    for await (const { key } of this.list(prefix)) await this.delete(key);
  }

  async extendLock(key: string, until: Date): Promise<'extended' | 'kept'> {
    checkKey(key);
    const object = this.#objects.get(key);
    if (object === undefined) throw missingObject(this.description, key);
    if (object.lockedUntil !== undefined && object.lockedUntil >= until) return 'kept';
    this.#objects.set(key, { ...object, lockedUntil: until });
    return 'extended';
  }

  async lockSupport(): Promise<LockSupport> {
    return { kind: 'per-object', defaultDays: undefined };
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

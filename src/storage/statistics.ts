import { passThrough } from './pass-through.ts';
import type { ObjectBody, ObjectStore, StoredObject } from './store.ts';

/** What a store was asked for since it was opened. Calls count when they are made, whatever comes of them. */
export interface StoreStatistics {
  readonly calls: Readonly<Record<CountedCall, number>>;
  /** Bytes of content handed to the store, failed creates included. */
  readonly writtenBytes: number;
  readonly readBytes: number;
}

const COUNTED_CALLS = ['create', 'read', 'readRange', 'readStream', 'stat', 'list', 'delete', 'extendLock'] as const;
type CountedCall = (typeof COUNTED_CALLS)[number];

export interface CountingStore extends ObjectStore {
  /** The counts now. */
  statistics(): StoreStatistics;
}

/** `store`, with its calls and bytes counted. Put it under a retry decorator to count what really went out. */
export function withStatistics(store: ObjectStore): CountingStore {
  const calls: Record<CountedCall, number> = {
    create: 0,
    read: 0,
    readRange: 0,
    readStream: 0,
    stat: 0,
    list: 0,
    delete: 0,
    extendLock: 0,
  };
  let writtenBytes = 0;
  let readBytes = 0;
  const countRead = (bytes: Uint8Array): Uint8Array => {
    readBytes += bytes.byteLength;
    return bytes;
  };
  const countWritten = (bytes: Uint8Array): Uint8Array => {
    writtenBytes += bytes.byteLength;
    return bytes;
  };
  return {
    ...passThrough(store),
    statistics: () => ({ calls: { ...calls }, writtenBytes, readBytes }),
    create: async (key, body, options) => {
      calls.create += 1;
      await store.create(key, mapBody(body, countWritten), options);
    },
    read: async (key, signal) => {
      calls.read += 1;
      return countRead(await store.read(key, signal));
    },
    readRange: async (key, offsetBytes, lengthBytes, signal, room) => {
      calls.readRange += 1;
      return countRead(await store.readRange(key, offsetBytes, lengthBytes, signal, room));
    },
    readStream: (key, signal) => {
      calls.readStream += 1;
      return mapPieces(store.readStream(key, signal), countRead);
    },
    stat: async (key): Promise<StoredObject | undefined> => {
      calls.stat += 1;
      return await store.stat(key);
    },
    list: (prefix) => {
      calls.list += 1;
      return store.list(prefix);
    },
    delete: async (key) => {
      calls.delete += 1;
      await store.delete(key);
    },
    extendLock: async (key, until) => {
      calls.extendLock += 1;
      return await store.extendLock(key, until);
    },
  };
}

function mapBody(body: ObjectBody, change: (bytes: Uint8Array) => Uint8Array): ObjectBody {
  if (body instanceof Uint8Array) return change(body);
  const { stream } = body;
  return { ...body, stream: { [Symbol.asyncIterator]: () => mapPieces(stream, change)[Symbol.asyncIterator]() } };
}

async function* mapPieces(pieces: AsyncIterable<Uint8Array>, change: (bytes: Uint8Array) => Uint8Array): AsyncIterable<Uint8Array> {
  for await (const piece of pieces) yield change(piece);
}

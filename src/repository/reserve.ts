import { randomBytes } from 'node:crypto';
import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { passThrough } from '../storage/pass-through.ts';
import type { ObjectBody, ObjectStore } from '../storage/store.ts';
import type { Repository } from './repository.ts';

/** Bytes that mean nothing, given up when whoever makes room needs some. @see FORMAT.md "The reserve" */
export const RESERVE_KEY = 'reserve';
/** Room for a thousand small objects: leases and marks. */
const RESERVE_BYTES = 4 * 1024 * 1024;
/** No reserve is made where it would be more than a small part of what is left. */
const ROOM_FOR_EACH_BYTE = 16;

/** Of a store that is all but full as many of these are kept as there is room for: a few are enough for the next who makes room. */
const SMALLEST_RESERVE_BYTES = 256 * 1024;

/** Makes the reserve where it is not there, the store can fill up, and there is room. A failure is none: the next writer tries again. */
export async function ensureReserve(store: ObjectStore): Promise<void> {
  await passOverFailures(async () => {
    const freeBytes = await store.freeBytes();
    if (freeBytes === undefined || freeBytes < RESERVE_BYTES * ROOM_FOR_EACH_BYTE) return;
    const found = await store.stat(RESERVE_KEY);
    if (found?.sizeBytes === RESERVE_BYTES) return;
    if (found !== undefined) await store.delete(RESERVE_KEY);
    // What is free by the numbers may not be ours to take: a quota is not seen there.
    if (!(await makeReserve(store, RESERVE_BYTES)) && found !== undefined) await makeLargestReserve(store, found.sizeBytes);
  });
}

/**
 * For whoever has made room: makes the reserve again, as large as it can be, though it takes all that is left. Who waits until there
 * is plenty finds that WAL has taken it, and the next who makes room has none to begin with.
 */
export async function restoreReserve(store: ObjectStore): Promise<void> {
  await ensureReserve(store);
  await passOverFailures(async () => {
    const freeBytes = await store.freeBytes();
    if (freeBytes === undefined || (await store.stat(RESERVE_KEY)) !== undefined) return;
    await makeLargestReserve(store, Math.min(freeBytes, RESERVE_BYTES));
  });
}

/** Makes the largest that fits, of at most `mostBytes`. */
async function makeLargestReserve(store: ObjectStore, mostBytes: number): Promise<void> {
  const largest = Math.floor(mostBytes / SMALLEST_RESERVE_BYTES) * SMALLEST_RESERVE_BYTES;
  for (let sizeBytes = largest; sizeBytes >= SMALLEST_RESERVE_BYTES; sizeBytes -= SMALLEST_RESERVE_BYTES)
    if (await makeReserve(store, sizeBytes)) return;
}

/** Says whether there was room for it. */
async function makeReserve(store: ObjectStore, sizeBytes: number): Promise<boolean> {
  try {
    // Random: a file system that compresses would keep nothing for zeros.
    await store.create(RESERVE_KEY, randomBytes(sizeBytes));
    return true;
  } catch (error) {
    if (!isDbadminError(error, 'storage-full')) throw error;
    return false;
  }
}

async function passOverFailures(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
  }
}

/**
 * The repository for those who make room: when there is none for what they have to write, its reserve is given up. To others it must
 * look as full as it is.
 */
export function withReserve(repository: Repository, log: Log): Repository {
  const { store } = repository;
  const create: ObjectStore['create'] = async (key, body, options) => {
    try {
      await store.create(key, body, options);
    } catch (error) {
      if (!isDbadminError(error, 'storage-full') || !isReplayable(body) || !(await isGivenUp(store))) throw error;
      log.warn(`there is no room in ${store.description}: its reserve is given up to make some`);
      await store.create(key, body, options);
    }
  };
  return { ...repository, store: { ...passThrough(store), create } };
}

function isReplayable(body: ObjectBody): boolean {
  return body instanceof Uint8Array || body.replayable === true;
}

async function isGivenUp(store: ObjectStore): Promise<boolean> {
  try {
    if ((await store.stat(RESERVE_KEY)) === undefined) return false;
    await store.delete(RESERVE_KEY);
    return true;
  } catch (error) {
    if (error instanceof DbadminError) return false;
    throw error;
  }
}

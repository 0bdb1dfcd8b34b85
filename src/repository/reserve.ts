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

/** Makes the reserve where it is not there, the store can fill up, and there is room. A failure is none: the next writer tries again. */
export async function ensureReserve(store: ObjectStore): Promise<void> {
  try {
    const freeBytes = await store.freeBytes();
    if (freeBytes === undefined || freeBytes < RESERVE_BYTES * ROOM_FOR_EACH_BYTE) return;
    // Random: a file system that compresses would keep nothing for zeros.
    if ((await store.stat(RESERVE_KEY)) === undefined) await store.create(RESERVE_KEY, randomBytes(RESERVE_BYTES));
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

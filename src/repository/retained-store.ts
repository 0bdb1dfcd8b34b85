import type { Clock } from '../base/clock.ts';
import { passThrough } from '../storage/pass-through.ts';
import { placeNow } from '../storage/place-clock.ts';
import type { ObjectStore } from '../storage/store.ts';

const DAY_MS = 86_400_000;

/**
 * What is locked from its creation, by its key: content and WAL, and what cannot be made again. Not locked are objects that
 * have to go soon (parts of segments, horizons, leases, marks, holds, probes), and keys, since a key that somebody else knows
 * must be removable. Manifests are locked once they are published (see lock-backup.ts): until then they may be taken back.
 *
 * @see FORMAT.md "Object Lock"
 */
const LOCKED_AT_CREATION: readonly RegExp[] = [
  /^dbadmin-repository$/,
  /^clusters\//,
  /^\d+\/packs\//,
  /^\d+\/indexes\//,
  // Segments, the last one of a timeline that was left, and the files that say when a backup was.
  /^\d+\/wal\/[0-9A-F]{8}\/[0-9A-F]{24}(?:\.partial|\.[0-9A-F]{8}\.backup)?$/,
  /^\d+\/gaps\//,
  /^\d+\/wal\/[0-9A-F]{8}\.history$/,
  /^\d+\/dumps\//,
  /^\d+\/ledger\//,
  /^\d+\/(drills|verifications)\//,
];

/** Whether an object under `key` is locked when it is made. */
export function isLockedAtCreation(key: string): boolean {
  return LOCKED_AT_CREATION.some((pattern) => pattern.test(key));
}

/**
 * Until when something is locked at `now` for `lockDays`: at least so long, and to the end of that day in UTC. Backups of one
 * day then agree, and the second of them has nothing to extend.
 */
export function lockEnd(now: Date, lockDays: number): Date {
  return new Date(Math.ceil((now.getTime() + lockDays * DAY_MS) / DAY_MS) * DAY_MS);
}

/** `store`, with what is to be kept locked for `lockDays` from its creation. The store must be one that can lock. */
export function withRetention(store: ObjectStore, { lockDays, clock }: { readonly lockDays: number; readonly clock: Clock }): ObjectStore {
  // Reckoned anew at each attempt: the one before may have been refused because the clock had jumped.
  const lockUntil = (): Date => lockEnd(placeNow(store, clock.now()), lockDays);
  return {
    ...passThrough(store),
    capabilities: { ...store.capabilities, lockDays },
    create: async (key, body, options) => await store.create(key, body, isLockedAtCreation(key) ? { lockUntil, ...options } : options),
  };
}

import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { ObjectStore, StoredObject } from '../storage/store.ts';
import { seal, unseal } from './envelope.ts';
import { CLEAR } from './keys.ts';
import { leasePrefix } from './layout.ts';
import { isOfOneObject } from './passed-over.ts';

/** What a lineage's leases are for. @see FORMAT.md "Leases" */
export type LeaseName = 'backup' | 'expire' | 'wal';
export const LEASE_NAMES: readonly LeaseName[] = ['backup', 'expire', 'wal'];

/** Who holds a lease, in words for people, and what proves that the process ended. */
export interface LeaseOwner {
  /** `backup run`. */
  readonly command: string;
  readonly host: string;
  readonly pid: number;
  /** As `processIdentity` gives it; null where the system does not say. */
  readonly process: string | null;
}

/** The header of a lease object. */
export interface LeaseRecord {
  readonly state: 'held' | 'released';
  /** 32 hex digits, the same from acquisition to release. */
  readonly holding: string;
  readonly owner: LeaseOwner;
  /** When it was acquired, by the owner's clock: for people only. */
  readonly since: string;
  readonly ttlMs: number;
}

/** The newest object of a lease. */
export interface LeaseState extends LeaseRecord {
  readonly sequence: number;
  /** By the store's clock. */
  readonly modifiedAt: Date;
}

function leaseKey(systemIdentifier: string, name: LeaseName, sequence: number): string {
  return leasePrefix(systemIdentifier, name) + String(sequence).padStart(12, '0');
}

/**
 * The lease as it stands: its object with the highest number, or undefined when nobody ever had it. One that cannot be read
 * counts as held, by somebody who has to be watched: it is taken over, and broken, as any other is.
 */
export async function readLease(store: ObjectStore, systemIdentifier: string, name: LeaseName): Promise<LeaseState | undefined> {
  const prefix = leasePrefix(systemIdentifier, name);
  for (;;) {
    // A directory is not listed at one moment: between its names and their times the only object may have had a successor, and gone.
    const newest = (await findNewest(store, prefix)) ?? (await findNewest(store, prefix));
    if (newest === undefined) return undefined;
    try {
      const record = await readRecord(store, newest.key);
      return { ...record, sequence: Number(newest.key.slice(prefix.length)), modifiedAt: newest.modifiedAt };
    } catch (error) {
      // A holder deletes its older objects: there is a newer one now.
      if (!isDbadminError(error, 'storage-missing')) throw error;
    }
  }
}

async function findNewest(store: ObjectStore, prefix: string): Promise<StoredObject | undefined> {
  let newest: StoredObject | undefined;
  for await (const object of store.list(prefix)) if (SEQUENCE.test(object.key.slice(prefix.length))) newest = object;
  return newest;
}

/** What a lease object says; of one that cannot be read, what has to be assumed until its holder has shown itself or not. */
async function readRecord(store: ObjectStore, key: string): Promise<LeaseRecord> {
  try {
    const { header } = await unseal(CLEAR, 'lease', await store.read(key), key, 1024);
    if (isRecord(header)) return header;
  } catch (error) {
    if (!isOfOneObject(error)) throw error;
  }
  return UNREADABLE;
}

const SEQUENCE = /^\d{12}$/;
/** Who says that it may be silent for longer is not waited for. */
const LONGEST_TTL_MS = 3_600_000;

/** Whoever lives renews its lease with an object that can be read. */
const UNREADABLE: LeaseRecord = {
  state: 'held',
  holding: 'unreadable',
  owner: { command: 'somebody whose lease cannot be read', host: 'unknown', pid: 0, process: null },
  since: 'unknown',
  ttlMs: 180_000,
};

function isRecord(header: unknown): header is LeaseRecord {
  const { state, holding, owner, ttlMs } = header as Partial<Record<keyof LeaseRecord, unknown>>;
  const { process } = (owner ?? {}) as Partial<Record<keyof LeaseOwner, unknown>>;
  if ((state !== 'held' && state !== 'released') || typeof holding !== 'string') return false;
  return (process === null || typeof process === 'string') && typeof ttlMs === 'number' && ttlMs > 0 && ttlMs <= LONGEST_TTL_MS;
}

/**
 * Writes the object with this number, if it is still to be had: the store decides among several who want it.
 *
 * A number below the newest can be free again, since old objects are deleted: so it counts only when it is the newest afterwards.
 */
export async function claimSequence(
  store: ObjectStore,
  systemIdentifier: string,
  name: LeaseName,
  sequence: number,
  record: LeaseRecord,
): Promise<boolean> {
  const key = leaseKey(systemIdentifier, name, sequence);
  try {
    await store.create(key, await seal(CLEAR, 'lease', record, Buffer.alloc(0)));
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
    // A create that was repeated after a lost answer finds its own object.
    const found = await readLease(store, systemIdentifier, name);
    return found?.sequence === sequence && found.holding === record.holding && found.state === record.state;
  }
  const newest = await readLease(store, systemIdentifier, name);
  if (newest?.sequence === sequence && newest.holding === record.holding) return true;
  await store.delete(key);
  return false;
}

/**
 * Deletes the objects before this number: the newest of a lease always stays. Where it may not or cannot, they stay: they
 * mean nothing any more.
 */
export async function dropEarlier(store: ObjectStore, systemIdentifier: string, name: LeaseName, sequence: number): Promise<void> {
  const prefix = leasePrefix(systemIdentifier, name);
  try {
    const earlier: string[] = [];
    for await (const { key } of store.list(prefix)) if (Number(key.slice(prefix.length)) < sequence) earlier.push(key);
    for (const key of earlier) await store.delete(key);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
  }
}

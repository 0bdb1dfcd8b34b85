import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { seal, unseal } from './envelope.ts';
import { CLEAR } from './keys.ts';
import { leasePrefix } from './layout.ts';

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

/** The lease as it stands: its object with the highest number, or undefined when nobody ever had it. */
export async function readLease(store: ObjectStore, systemIdentifier: string, name: LeaseName): Promise<LeaseState | undefined> {
  for (;;) {
    const prefix = leasePrefix(systemIdentifier, name);
    let newest: { readonly key: string; readonly modifiedAt: Date } | undefined;
    for await (const object of store.list(prefix)) newest = object;
    if (newest === undefined) return undefined;
    try {
      const { header } = await unseal(CLEAR, 'lease', await store.read(newest.key), newest.key, 1024);
      return { ...(header as unknown as LeaseRecord), sequence: Number(newest.key.slice(prefix.length)), modifiedAt: newest.modifiedAt };
    } catch (error) {
      // A holder deletes its older objects: there is a newer one now.
      if (!isDbadminError(error, 'storage-missing')) throw error;
    }
  }
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

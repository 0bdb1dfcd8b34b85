import type { Clock } from '../base/clock.ts';
import { createDiskStore, openDiskStore } from './disk.ts';
import { withRetry } from './retry.ts';
import type { S3Place } from './s3-client.ts';
import type { ObjectStore } from './store.ts';

/** Where a store is, as the configuration names it. */
export type StorePlace = { readonly type: 'disk'; readonly path: string } | ({ readonly type: 's3' } & S3Place);

export interface OpenStoreOptions {
  readonly clock: Clock;
  /** Evenly distributed in [0, 1), for the jitter of retries. */
  readonly random: () => number;
  /** Whether a disk store's directory is made when it is not there. A bucket never is. */
  readonly create?: boolean;
  /** The object that tells this store from any other: a directory that is another one later is known by it. */
  readonly identityKey?: string;
  /** What {@link probeConditionalCreate} found for this bucket; false unless given. A disk always can. */
  readonly conditionalCreate?: boolean;
  /** Calls in all for what may pass; 5 unless given. */
  readonly attempts?: number;
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

/**
 * The store of a place, with retries, proven to be there.
 *
 * @throws {DbadminError} `repository-missing`, `storage-denied`, `storage-unsupported`, `storage-failed`
 */
export async function openStore(place: StorePlace, options: OpenStoreOptions): Promise<ObjectStore> {
  const { clock, random, onRetry, attempts = 5 } = options;
  const store = withRetry(await openBare(place, options), { attempts, clock, random, ...(onRetry === undefined ? {} : { onRetry }) });
  try {
    await store.probe();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

async function openBare(place: StorePlace, options: OpenStoreOptions): Promise<ObjectStore> {
  if (place.type === 'disk') {
    return await (options.create === true
      ? createDiskStore(place.path, options.identityKey)
      : openDiskStore(place.path, options.identityKey));
  }
  // The SDK takes 200 ms to load: only who needs it waits.
  const { openS3Store } = await import('./s3.ts');
  return await openS3Store({ ...place, conditionalCreate: options.conditionalCreate ?? false });
}

import type { Clock } from '../base/clock.ts';
import { createDiskStore, openDiskStore } from './disk.ts';
import { createRetrier, type Retrier, type RetryOptions } from './retrier.ts';
import { withRetrier } from './retry.ts';
import type { S3Place } from './s3-client.ts';
import { troubleOf } from './s3-failures.ts';
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
  /** Calls in all for what may pass; 5 unless given, which is some seconds. */
  readonly attempts?: number;
  /**
   * For how long more than these are made when a server does not answer that was found to be there; 0 unless given. A disk is waited for
   * by the system, and what it cannot read it cannot read.
   */
  readonly patienceMs?: number;
  /** Ends the waiting. @see RetryOptions.interrupt */
  readonly interrupt?: AbortSignal;
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
  /** @see RetryOptions.onWait */
  readonly onWait?: NonNullable<RetryOptions['onWait']>;
}

/**
 * The store of a place, with retries, proven to be there. For that it is waited a few seconds only: where nothing answered
 * yet, more often than not the place is wrong.
 *
 * @throws {DbadminError} `repository-missing`, `storage-denied`, `storage-unsupported`, `storage-failed`
 */
export async function openStore(place: StorePlace, options: OpenStoreOptions): Promise<ObjectStore> {
  const patienceMs = place.type === 's3' ? (options.patienceMs ?? 0) : 0;
  const retries = { ...options, attempts: options.attempts ?? 5, patienceMs, troubleOf };
  const again = createRetrier({ ...retries, isAway: async () => await isAway(store) });
  // What has no patience may have much to store when it is interrupted, and takes its time for it.
  const store = await openBare(place, options, again, patienceMs > 0 ? options.interrupt : undefined);
  try {
    await createRetrier({ ...retries, patienceMs: 0 }).call(async () => await store.probe());
  } catch (error) {
    await store.close();
    throw error;
  }
  return withRetrier(store, again);
}

/** A listing that is answered, whatever the answer, comes from a server that is there. */
async function isAway(store: ObjectStore): Promise<boolean> {
  try {
    await store.probe();
    return false;
  } catch (error) {
    return troubleOf(error) !== 'none';
  }
}

async function openBare(
  place: StorePlace,
  options: OpenStoreOptions,
  again: Retrier,
  interrupt: AbortSignal | undefined,
): Promise<ObjectStore> {
  if (place.type === 'disk') {
    return await (options.create === true
      ? createDiskStore(place.path, options.identityKey)
      : openDiskStore(place.path, options.identityKey));
  }
  // The SDK takes 200 ms to load: only who needs it waits.
  const { openS3Store } = await import('./s3.ts');
  return await openS3Store({ ...place, conditionalCreate: options.conditionalCreate ?? false, again, interrupt });
}

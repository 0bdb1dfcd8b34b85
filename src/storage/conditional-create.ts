import { randomBytes } from 'node:crypto';
import { isDbadminError } from '../base/errors.ts';
import type { ObjectStore } from './store.ts';

const RACERS = 4;

/**
 * Whether creates in `store` are atomic among writers, found out by trying: a second create of a key must be refused, and
 * of several at one moment exactly one may succeed. Some servers take the condition and ignore it. Open the store with the
 * capability claimed, below `prefix` leave nothing behind, and write the answer down.
 *
 * @throws {DbadminError} as {@link ObjectStore.create}, when the store cannot be written at all.
 */
export async function probeConditionalCreate(store: ObjectStore, prefix = ''): Promise<boolean> {
  return (await refusesSecond(store, randomKey(prefix))) && (await hasOneWinner(store, randomKey(prefix)));
}

async function refusesSecond(store: ObjectStore, key: string): Promise<boolean> {
  try {
    await store.create(key, Buffer.from('first'));
    await store.create(key, Buffer.from('second'));
    return false;
  } catch (error) {
    if (isDbadminError(error, 'storage-exists')) return true;
    // A server that does not know the condition may refuse it outright.
    if (isDbadminError(error, 'storage-unsupported')) return false;
    throw error;
  } finally {
    await store.delete(key).catch(() => undefined);
  }
}

async function hasOneWinner(store: ObjectStore, key: string): Promise<boolean> {
  try {
    const racers = Array.from({ length: RACERS }, async (_, racer) => await store.create(key, Buffer.from(`racer ${racer}`)));
    const outcomes = await Promise.allSettled(racers);
    const winners = outcomes.flatMap((outcome, racer) => (outcome.status === 'fulfilled' ? [racer] : []));
    // Somebody wins wherever the key is free: where nobody did, the store was not asked.
    const unasked = outcomes.find((outcome) => outcome.status === 'rejected' && !isDbadminError(outcome.reason, 'storage-exists'));
    if (winners.length === 0 && unasked?.status === 'rejected') throw unasked.reason;
    return winners.length === 1 && Buffer.from(await store.read(key)).toString() === `racer ${winners[0]}`;
  } finally {
    await store.delete(key).catch(() => undefined);
  }
}

function randomKey(prefix: string): string {
  return `${prefix}probe-${randomBytes(12).toString('hex')}`;
}

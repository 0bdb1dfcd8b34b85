import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { kindOfKey } from '../../repository/layout.ts';
import { passThrough } from '../../storage/pass-through.ts';
import type { ObjectStore } from '../../storage/store.ts';

/** No create takes longer. */
const LEFTOVER_AFTER_MS = 48 * 3_600_000;
/** Pages that were landed. They may be large, and whose they are may have been forgotten since. @see FORMAT.md "Landed pages" */
const LANDED = /^spotify\/[0-9a-f]{32}\/(?:to-process|processed)\//;

/**
 * Removes what writers that died left behind, and gives how much; a failure is a warning. Long begun is what is older than the newest object
 * under `prefix` by far: that is told by the store's clock. This machine's may be days ahead, and a living writer would lose what it has sent.
 * So may the time of an object, which was made while a clock was ahead or copied with it: then this machine's is believed.
 */
export async function removeLeftovers(store: ObjectStore, prefix: string, { clock, log }: { clock: Clock; log: Log }): Promise<number> {
  try {
    let newestMs = 0;
    for await (const { modifiedAt } of store.list(prefix)) newestMs = Math.max(newestMs, modifiedAt.getTime());
    return await store.removeUnfinished(new Date(Math.min(newestMs, clock.now().getTime()) - LEFTOVER_AFTER_MS), isOwn);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    log.warn(`what writers that died left behind in ${store.description} is not removed: ${error.message}`);
    return 0;
  }
}

/** Whether the format has such a key: in a bucket that is shared, uploads of others are seen, too. */
function isOwn(key: string): boolean {
  return kindOfKey(key).kind !== 'other' || LANDED.test(key);
}

/** `store`; when it is full for the first time, `removeSome` is called, and where that removed anything the create is made again. */
export function makingRoom(store: ObjectStore, removeSome: () => Promise<number>): ObjectStore {
  let isTried = false;
  const create: ObjectStore['create'] = async (key, body, options) => {
    try {
      await store.create(key, body, options);
    } catch (error) {
      const isReplayable = body instanceof Uint8Array || body.replayable === true;
      if (isTried || !isDbadminError(error, 'storage-full') || !isReplayable) throw error;
      isTried = true;
      if ((await removeSome()) === 0) throw error;
      await store.create(key, body, options);
    }
  };
  return { ...passThrough(store), create };
}

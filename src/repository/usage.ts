import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { storeNow } from './store-clock.ts';

const DAY_MS = 86_400_000;
/** Growth is measured over so long, or over the repository's life when that is shorter. */
const GROWTH_DAYS = 7;

/** How full a repository is and how fast it fills. */
export interface RepositoryUsage {
  readonly objects: number;
  readonly usedBytes: number;
  /** Undefined where the store has no limit that it can tell. */
  readonly freeBytes: number | undefined;
  /** Why nothing can be written, or undefined. */
  readonly writeProblem: string | undefined;
  /** What was stored in a day of late and is still there; undefined while there is nothing to measure. */
  readonly growthBytesPerDay: number | undefined;
  /** At that growth; undefined without a limit or growth. */
  readonly daysUntilFull: number | undefined;
}

/** Lists all of a repository and tries to write one small object. `now` is this machine's clock, used where the store's cannot be had. */
export async function measureUsage(store: ObjectStore, now: Date): Promise<RepositoryUsage> {
  const { at, writeProblem } = await tryToWrite(store, now);
  const since = at.getTime() - GROWTH_DAYS * DAY_MS;
  let objects = 0;
  let usedBytes = 0;
  let recentBytes = 0;
  let oldest = at.getTime();
  for await (const { sizeBytes, modifiedAt } of store.list('')) {
    objects += 1;
    usedBytes += sizeBytes;
    if (modifiedAt.getTime() >= since) recentBytes += sizeBytes;
    oldest = Math.min(oldest, modifiedAt.getTime());
  }
  const freeBytes = await store.freeBytes();
  const days = Math.min(GROWTH_DAYS, (at.getTime() - oldest) / DAY_MS);
  // Less than a day tells of the first backup, not of growth.
  const growthBytesPerDay = days < 1 ? undefined : recentBytes / days;
  const daysUntilFull =
    freeBytes === undefined || growthBytesPerDay === undefined || growthBytesPerDay === 0
      ? undefined
      : Math.floor(freeBytes / growthBytesPerDay);
  return { objects, usedBytes, freeBytes, writeProblem, growthBytesPerDay, daysUntilFull };
}

async function tryToWrite(store: ObjectStore, now: Date): Promise<{ readonly at: Date; readonly writeProblem: string | undefined }> {
  try {
    return { at: await storeNow(store), writeProblem: undefined };
  } catch (error) {
    if (!(error instanceof DbadminError) || isDbadminError(error, 'internal')) throw error;
    return { at: now, writeProblem: messageOf(error) };
  }
}

import { damaged, seal, type Unsealed } from './envelope.ts';
import { deleteUnlessLocked } from './delete-packs.ts';
import { levelKey, levelPrefix, levelIn } from './layout.ts';
import type { Repository } from './repository.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** All of a lineage is listed for one: not after each of many expiries of a day. */
const EVERY_MS = 20 * HOUR_MS;
const KEPT_MS = 16 * DAY_MS;
/** A lineage of which nothing was noted for so long has no expiry any more: nothing goes there. */
const LATELY_MS = 2 * DAY_MS;
const WEEK_MS = 7 * DAY_MS;

/** How much lay in a lineage at the end of an expiry, by the store's clock. @see FORMAT.md "Levels" */
export interface Level {
  readonly atMs: number;
  readonly usedBytes: number;
}

/** Notes how much lies in a lineage, unless that was noted of late, and takes old notes away. To be called in the end of an expiry. */
export async function noteLevel(
  repository: Repository,
  systemIdentifier: string,
  { now, storeNow }: { readonly now: Date; readonly storeNow: Date },
): Promise<void> {
  const { store } = repository;
  const old: string[] = [];
  for await (const { key, modifiedAt } of store.list(levelPrefix(systemIdentifier))) {
    const ageMs = storeNow.getTime() - modifiedAt.getTime();
    if (Math.abs(ageMs) < EVERY_MS) return;
    if (ageMs > KEPT_MS) old.push(key);
  }
  let usedBytes = 0;
  for await (const { sizeBytes } of store.list(`${systemIdentifier}/`)) usedBytes += sizeBytes;
  const header = { systemIdentifier, usedBytes, notedAt: now.toISOString() };
  await store.create(levelKey(systemIdentifier, now, usedBytes), await seal(repository, 'gap', header, Buffer.from('{}')));
  for (const key of old) await deleteUnlessLocked(repository, key);
}

/** Asks of a note whether it is the one that belongs under its key. @throws {DbadminError} `repository-damaged`. */
export function requireLevelAt({ header, body }: Unsealed, key: string): void {
  const [systemIdentifier] = key.split('/', 1);
  if (header['systemIdentifier'] !== systemIdentifier || header['usedBytes'] !== levelIn(key) || body.byteLength === 0)
    throw damaged(key, 'It is not the note that belongs under its key.');
}

/**
 * How much more there is of a lineage, day by day: the greater of what the last week and the one before it brought, less what went. With both, one in which
 * more went than usual, as when somebody keeps less from then on, hides no growth. Never negative; undefined where two weeks of notes up to now are not there.
 */
export function netBytesPerDay(levels: readonly Level[], nowMs: number): number | undefined {
  const nearest = (atMs: number, withinMs: number): Level | undefined => {
    const [found] = [...levels].sort((a, b) => Math.abs(a.atMs - atMs) - Math.abs(b.atMs - atMs));
    return found !== undefined && Math.abs(found.atMs - atMs) <= withinMs ? found : undefined;
  };
  const last = nearest(nowMs, LATELY_MS);
  if (last === undefined) return undefined;
  const before = nearest(last.atMs - WEEK_MS, DAY_MS);
  const first = nearest(last.atMs - 2 * WEEK_MS, DAY_MS);
  if (before === undefined || first === undefined) return undefined;
  const net = (from: Level, to: Level): number => (to.usedBytes - from.usedBytes) / ((to.atMs - from.atMs) / DAY_MS);
  return Math.max(0, net(first, before), net(before, last));
}

import { randomBytes } from 'node:crypto';
import type postgres from 'postgres';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient, ApiPage } from '../api/run.ts';
import type { Landing } from './landing-apply.ts';
import { fetchLibrary, fetchList, fetchPlaylists, fetchTop, type FetchedList, type RefusedList } from './lists.ts';
import { readPageSet, writePageSet, type FetchKind, type PageSet, type PossibleGap } from './page-set.ts';
import { isKnown, readCursor, receiveSet } from './raw-apply.ts';
import { fetchRecent, type GetPage } from './recent.ts';

export interface Fetching {
  readonly sql: postgres.Sql;
  readonly client: ApiClient;
  readonly landing: Landing;
  readonly clock: Clock;
  readonly log: Log;
  /** Makes facts of a batch that is in raw; may be asked again for one that it had done. */
  readonly cleanse: (batchId: string, name: string) => Promise<void>;
}

/** What became of one unit. */
export interface FetchResult {
  readonly kind: PageSet['kind'];
  readonly unit: string;
  /** `nothing new`: nothing was written. `recovered`: an earlier fetch had landed it. `refused`: see reason. */
  readonly status: 'received' | 'nothing new' | 'recovered' | 'refused';
  readonly pages: number;
  readonly items: number;
  readonly batchId: string | undefined;
  readonly gap: PossibleGap | undefined;
  readonly reason: string | undefined;
}

/** Kinds of which the same answer again says nothing: the others are snapshots, and when they were taken counts. */
const BY_CONTENT: ReadonlySet<PageSet['kind']> = new Set(['profile', 'playlists', 'library']);

/**
 * Takes into raw what an earlier run had landed and not yet brought there: it was stopped, or the database was away.
 *
 * @throws {DbadminError} `load-failed`, `privilege-missing`, those of the store.
 */
export async function recover(fetching: Pick<Fetching, 'sql' | 'landing' | 'cleanse'>): Promise<readonly FetchResult[]> {
  const results: FetchResult[] = [];
  for (const key of await fetching.landing.pending()) {
    const text = await fetching.landing.read(key);
    const set = readPageSet(text, key);
    const batchId = await bring(fetching, key, text, set);
    results.push(resultOf(set, 'recovered', batchId));
  }
  return results;
}

/**
 * Fetches one kind, unit by unit: each lands whole, then comes into raw, then is cleansed. What was done stays when a later unit
 * fails.
 *
 * @throws {DbadminError} `api-failed`, `api-refused`, `sign-in-needed`, `interrupted` and those of {@link recover}.
 */
export async function* fetchKind(fetching: Fetching, kind: FetchKind): AsyncGenerator<FetchResult> {
  const get: GetPage = async (path, query) => await fetching.client.get(path, query);
  if (kind === 'recent') {
    yield await recent(fetching, get);
    return;
  }
  let startedAt = fetching.clock.now();
  for await (const { of, list } of listsOf(kind, get)) {
    const result = await keepList(fetching, of, list, startedAt);
    if (of === kind || result.status !== 'nothing new') yield result;
    startedAt = fetching.clock.now();
  }
}

interface Kept {
  readonly of: FetchKind;
  readonly list: FetchedList | RefusedList;
}

async function* listsOf(kind: Exclude<FetchKind, 'recent'>, get: GetPage): AsyncGenerator<Kept> {
  if (kind !== 'playlists') {
    for await (const list of otherLists(kind, get)) yield { of: kind, list };
    return;
  }
  // Playlists name their owner by the account's name: core has to know whose that is before they come.
  const me = await get('me');
  yield { of: 'profile', list: single('profile', me) };
  for await (const list of fetchPlaylists(get, String(me.body['id']))) yield { of: kind, list };
}

async function* otherLists(kind: Exclude<FetchKind, 'recent' | 'playlists'>, get: GetPage): AsyncGenerator<FetchedList | RefusedList> {
  switch (kind) {
    case 'profile':
      yield single('profile', await get('me'));
      return;
    case 'devices':
      yield await fetchList(async (path) => await get(path), 'devices', 'me/player/devices');
      return;
    case 'artists':
      yield await fetchList(get, 'followed', 'me/following', { type: 'artist' });
      return;
    case 'top':
      yield* fetchTop(get);
      return;
    case 'library':
      yield* fetchLibrary(get);
  }
}

const single = (unit: string, page: ApiPage): FetchedList => ({ unit, pages: [page], items: 1 });

async function recent(fetching: Fetching, get: GetPage): Promise<FetchResult> {
  const { listener } = fetching.client.signIn;
  const startedAt = fetching.clock.now();
  const plays = await fetchRecent(get, await readCursor(fetching.sql, listener));
  const set: PageSet = { listener, kind: 'recent', unit: 'recent', startedAt, ...plays };
  if (plays.items === 0) return resultOf(set, 'nothing new', undefined);
  return resultOf(set, 'received', await keep(fetching, set));
}

async function keepList(fetching: Fetching, kind: FetchKind, list: FetchedList | RefusedList, startedAt: Date): Promise<FetchResult> {
  const { unit } = list;
  if ('refused' in list)
    return { kind, unit, status: 'refused', pages: 0, items: 0, batchId: undefined, gap: undefined, reason: list.refused };
  const { listener } = fetching.client.signIn;
  const set: PageSet = { listener, kind, unit, startedAt, newestPlayedAt: undefined, gap: undefined, pages: list.pages, items: list.items };
  if (BY_CONTENT.has(kind) && (await isKnown(fetching.sql, set))) return resultOf(set, 'nothing new', undefined);
  return resultOf(set, 'received', await keep(fetching, set));
}

/** Lands a set and brings it into raw; gives its batch. */
export async function keep(fetching: Omit<Fetching, 'client' | 'log'>, set: PageSet): Promise<string> {
  const text = writePageSet(set);
  const at = fetching.clock.now().toISOString().replace(/[-:.]/g, '');
  const key = await fetching.landing.put(`${at}-${set.kind}-${randomBytes(4).toString('hex')}`, text);
  return await bring(fetching, key, text, set);
}

async function bring(fetching: Pick<Fetching, 'sql' | 'landing' | 'cleanse'>, key: string, text: string, set: PageSet): Promise<string> {
  const { batchId } = await receiveSet(fetching.sql, key, text, set);
  await fetching.cleanse(batchId, `${set.kind} ${set.unit}`);
  await fetching.landing.settle(key);
  return batchId;
}

function resultOf(set: PageSet, status: FetchResult['status'], batchId: string | undefined): FetchResult {
  const { kind, unit, gap } = set;
  const isNew = status !== 'nothing new';
  return { kind, unit, status, pages: isNew ? set.pages.length : 0, items: isNew ? set.items : 0, batchId, gap, reason: undefined };
}

import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { ApiPage } from '../api/run.ts';
import type { GetPage } from './recent.ts';

/** One list, all of its pages. */
export interface FetchedList {
  readonly unit: string;
  readonly pages: readonly ApiPage[];
  readonly items: number;
}

/** A list that Spotify does not give: the others go on. */
export interface RefusedList {
  readonly unit: string;
  readonly refused: string;
}

const LIMIT = '50';
/** 10,000 items: no list of Spotify's is longer but a library, and that is asked for again from where it changed. */
const MAX_PAGES = 2000;

/** The pages of a list, from the first to the one that names no next. */
export async function fetchList(
  get: GetPage,
  unit: string,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<FetchedList> {
  const pages = [await get(path, { limit: LIMIT, ...query })];
  const asked = new Set<string>();
  for (let next = nextOf(pages.at(-1)); next !== undefined; next = nextOf(pages.at(-1))) {
    if (asked.has(next) || pages.length >= MAX_PAGES) {
      throw new DbadminError('api-failed', `${path} does not end`, { detail: `After ${pages.length} pages the next is ${next}.` });
    }
    asked.add(next);
    pages.push(await get(next));
  }
  return { unit, pages, items: pages.reduce((sum, page) => sum + itemsOf(page).length, 0) };
}

/** Top artists and tracks of each time range. */
export async function* fetchTop(get: GetPage): AsyncGenerator<FetchedList> {
  for (const kind of ['artists', 'tracks']) {
    for (const range of ['short_term', 'medium_term', 'long_term'])
      yield await fetchList(get, `${kind} ${range}`, `me/top/${kind}`, { time_range: range });
  }
}

/** The saved tracks and albums. */
export async function* fetchLibrary(get: GetPage): AsyncGenerator<FetchedList> {
  for (const kind of ['tracks', 'albums']) yield await fetchList(get, kind, `me/${kind}`);
}

/** What a playlist is listed with. */
interface ListedPlaylist {
  readonly id: string;
  readonly owner: string | undefined;
  readonly collaborative: boolean;
  /** Since February 2026 `items` takes the place of `tracks`. */
  readonly content: 'items' | 'tracks';
}

/**
 * The list of playlists, then the content of each that may be read: Spotify gives it to owner and collaborators only.
 * `userId` is the person's `id` or `account_id`.
 */
export async function* fetchPlaylists(get: GetPage, userId: string): AsyncGenerator<FetchedList | RefusedList> {
  const list = await fetchList(get, 'playlists', 'me/playlists');
  yield list;
  for (const { id, owner, collaborative, content } of list.pages.flatMap(itemsOf).flatMap(listedPlaylist)) {
    if (content === 'items' && !collaborative && owner !== userId) {
      yield { unit: id, refused: 'it belongs to somebody else' };
      continue;
    }
    try {
      yield await fetchList(get, id, `playlists/${id}/${content}`);
    } catch (error) {
      if (!isDbadminError(error, 'api-refused')) throw error;
      yield { unit: id, refused: error.message };
    }
  }
}

function listedPlaylist(item: unknown): readonly ListedPlaylist[] {
  // Null for one that is gone.
  if (typeof item !== 'object' || item === null) return [];
  const { id, owner, collaborative, items } = item as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || !/^[A-Za-z0-9]+$/.test(id)) return [];
  const ownerId = typeof owner === 'object' && owner !== null && 'id' in owner ? String(owner.id) : undefined;
  return [{ id, owner: ownerId, collaborative: collaborative === true, content: items === undefined ? 'tracks' : 'items' }];
}

/** Cursor lists of artists lie one level deeper. */
function listOf({ body }: ApiPage): Readonly<Record<string, unknown>> {
  const { artists } = body;
  return typeof artists === 'object' && artists !== null ? (artists as Readonly<Record<string, unknown>>) : body;
}

function itemsOf(page: ApiPage): readonly unknown[] {
  const { items, devices } = listOf(page);
  if (Array.isArray(items)) return items as readonly unknown[];
  if (Array.isArray(devices)) return devices as readonly unknown[];
  throw new DbadminError('api-failed', `the answer of ${page.endpoint} has no list`);
}

function nextOf(page: ApiPage | undefined): string | undefined {
  if (page === undefined) return undefined;
  const { next, items } = listOf(page);
  return typeof next === 'string' && next !== '' && Array.isArray(items) && items.length > 0 ? next : undefined;
}

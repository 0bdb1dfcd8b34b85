import type { FieldSet } from './fields.ts';
import type { ApiObject, Play, World, WorldPlaylist } from './world.ts';

/** What an operation is asked with. */
export interface Asked {
  /** The parameter of the path, empty where there is none. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** The address as asked, without its query. */
  readonly href: string;
  readonly fields: FieldSet;
}

export type Answer =
  | { readonly kind: 'found'; readonly body: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

/** Spotify keeps no more of them, whatever is asked. */
const RECENT_PLAYS = 50;

const found = (body: unknown): Answer => ({ kind: 'found', body });
const refused = (status: number, message: string): Answer => ({ kind: 'refused', status, message });
const orMissing = (body: unknown): Answer => (body === undefined ? refused(404, 'Resource not found') : found(body));

/** The operations that the catalogue answers, by the description's identifiers. */
export const ANSWERS: Readonly<Record<string, (world: World, asked: Asked) => Answer>> = {
  'get-current-users-profile': (world) => found(world.user),
  'get-recently-played': (world, asked) => recentlyPlayed(world.plays, asked),
  'get-users-top-artists': (world, asked) => topList([...world.artists.values()], asked),
  'get-users-top-tracks': (world, asked) => topList(world.tracks, asked),
  // Descriptions differ in whether these are two operations or one.
  'get-users-top-artists-and-tracks': (world, asked) =>
    asked.id === 'artists' || asked.id === 'tracks'
      ? topList(asked.id === 'artists' ? [...world.artists.values()] : world.tracks, asked)
      : refused(400, 'Invalid type'),
  'get-a-list-of-current-users-playlists': (world, asked) =>
    found(
      page(
        world.playlists.map((each) => playlistObject(world, each, asked)),
        asked,
      ),
    ),
  'get-playlist': (world, asked) => {
    const playlist = world.playlists.find(({ id }) => id === asked.id);
    return orMissing(playlist === undefined ? undefined : playlistObject(world, playlist, asked));
  },
  'get-playlists-tracks': (world, asked) => playlistItems(world, asked),
  'get-playlists-items': (world, asked) => playlistItems(world, asked),
  'get-users-saved-tracks': (world, asked) =>
    found(
      page(
        world.tracks.slice(0, 130).map((track) => ({ added_at: '2025-06-01T10:00:00Z', track })),
        asked,
      ),
    ),
  'get-users-saved-albums': (world, asked) =>
    found(
      page(
        [...world.albums.values()].slice(0, 25).map((album) => ({ added_at: '2025-06-01T10:00:00Z', album })),
        asked,
      ),
    ),
  'get-followed': (world, asked) => found({ artists: cursorPage([...world.artists.values()].slice(0, 73), asked) }),
  'get-a-users-available-devices': (world) => found({ devices: world.devices }),
  'get-track': (world, asked) => orMissing(world.tracks.find(({ id }) => id === asked.id)),
  'get-an-artist': (world, asked) => orMissing(world.artists.get(asked.id)),
  'get-an-album': (world, asked) => orMissing(world.albums.get(asked.id)),
};

function topList(items: readonly ApiObject[], asked: Asked): Answer {
  return found(page(rotated(items, asked).slice(0, 60), asked));
}

function number(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  return text === null ? fallback : Number(text);
}

/** Each time range has an order of its own. */
function rotated(items: readonly ApiObject[], { query }: Asked): readonly ApiObject[] {
  const by = { short_term: 3, long_term: 11 }[query.get('time_range') ?? ''] ?? 0;
  return [...items.slice(by), ...items.slice(0, by)];
}

function page(items: readonly unknown[], { query, href }: Asked): ApiObject {
  const limit = number(query, 'limit', 20);
  const offset = number(query, 'offset', 0);
  const at = (from: number): string => {
    const next = new URLSearchParams(query);
    next.set('offset', String(from));
    next.set('limit', String(limit));
    return `${href}?${next.toString()}`;
  };
  return {
    href: at(offset),
    limit,
    offset,
    total: items.length,
    next: offset + limit < items.length ? at(offset + limit) : null,
    previous: offset > 0 ? at(Math.max(0, offset - limit)) : null,
    items: items.slice(offset, offset + limit),
  };
}

function cursorPage(items: readonly ApiObject[], { query, href }: Asked): ApiObject {
  const limit = number(query, 'limit', 20);
  const start = items.findIndex(({ id }) => id === query.get('after')) + 1;
  const shown = items.slice(start, start + limit);
  const after = start + limit < items.length ? String(shown.at(-1)?.['id']) : null;
  const next = after === null ? null : `${href}?type=artist&after=${after}&limit=${limit}`;
  return { href, limit, next, cursors: { after, before: null }, total: items.length, items: shown };
}

function recentlyPlayed(plays: readonly Play[], { query, href }: Asked): Answer {
  if (query.has('after') && query.has('before')) return refused(400, 'Only one of the parameters after or before can be used');
  const limit = number(query, 'limit', 20);
  const after = number(query, 'after', 0);
  const before = number(query, 'before', Number.MAX_SAFE_INTEGER);
  const items = plays
    .slice(-RECENT_PLAYS)
    .filter(({ playedAt }) => playedAt.getTime() > after && playedAt.getTime() < before)
    .toReversed()
    .slice(0, limit);
  const [newest, oldest] = [items[0]?.playedAt.getTime(), items.at(-1)?.playedAt.getTime()];
  const cursors = newest === undefined ? null : { after: String(newest), before: String(oldest) };
  const next = cursors === null ? null : `${href}?limit=${limit}&${query.has('after') ? `after=${newest}` : `before=${oldest}`}`;
  return found({
    href,
    limit,
    next,
    cursors,
    items: items.map(({ track, playedAt, context }) => ({ track, played_at: playedAt.toISOString(), context })),
  });
}

function playlistObject(world: World, playlist: WorldPlaylist, { href, fields }: Asked): ApiObject {
  const { id, name, isOwn, collaborative, tracks } = playlist;
  const base = href.replace(/\/v1\/.*$/, '/v1');
  const content = { href: `${base}/playlists/${id}/${fields === 'after' ? 'items' : 'tracks'}`, total: tracks.length };
  const owner = isOwn ? world.user : { ...world.user, id: 'another', display_name: 'another', uri: 'spotify:user:another' };
  return {
    type: 'playlist',
    id,
    name,
    description: '',
    href: `${base}/playlists/${id}`,
    uri: `spotify:playlist:${id}`,
    external_urls: {},
    images: [],
    collaborative,
    public: false,
    snapshot_id: `snapshot-${id}-${tracks.length}`,
    owner,
    items: content,
    tracks: content,
  };
}

function playlistItems(world: World, asked: Asked): Answer {
  const playlist = world.playlists.find(({ id }) => id === asked.id);
  if (playlist === undefined) return refused(404, 'Resource not found');
  if (asked.fields === 'after' && !playlist.isOwn && !playlist.collaborative) return refused(403, 'Forbidden');
  const items = playlist.tracks.map((track) => ({ added_at: '2025-01-05T08:00:00Z', added_by: null, is_local: false, item: track, track }));
  return found(page(items, asked));
}

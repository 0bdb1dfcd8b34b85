import { makeCatalogue, makeId, type GeneratedSong } from '../generate/catalogue.ts';
import { SeededRandom } from '../generate/random.ts';

/** A JSON object of the API, with the fields of both field sets. */
export type ApiObject = Readonly<Record<string, unknown>>;

export interface Play {
  readonly track: ApiObject;
  readonly playedAt: Date;
  readonly context: ApiObject | null;
}

export interface WorldPlaylist {
  readonly id: string;
  readonly name: string;
  /** Spotify gives the content of playlists only to their owner and collaborators. */
  readonly isOwn: boolean;
  readonly collaborative: boolean;
  /** Null for what was taken out of the catalogue since. */
  readonly tracks: readonly (ApiObject | null)[];
}

export interface WorldOptions {
  readonly seed: number;
  /** The account whose token asks. */
  readonly listener: string;
  readonly plays: number;
  /** When the last play ended. */
  readonly until: Date;
  /** Where the server answers: `http://127.0.0.1:PORT`. */
  readonly url: string;
}

/** What a fake server knows: the same options give the same. */
export interface World {
  readonly user: ApiObject;
  readonly tracks: readonly ApiObject[];
  readonly albums: ReadonlyMap<string, ApiObject>;
  readonly artists: ReadonlyMap<string, ApiObject>;
  readonly playlists: readonly WorldPlaylist[];
  readonly devices: readonly ApiObject[];
  /** Oldest first. */
  readonly plays: readonly Play[];
  /** Further plays, the first of them `minutes` after the last so far. */
  listen(count: number, minutes?: number): void;
}

const SONGS = 1200;
const MINUTE_MS = 60_000;

export function makeWorld(options: WorldOptions): World {
  const random = new SeededRandom(options.seed);
  const songs = makeCatalogue(random, SONGS);
  const shelf = new Shelf(options.url, random);
  const tracks = songs.map((song) => shelf.track(song));
  const plays: Play[] = [];
  const playAt = (at: Date): void => {
    const track = tracks[random.skewed(tracks.length)] ?? {};
    plays.push({ track, playedAt: at, context: shelf.context(track) });
  };
  for (let n = options.plays; n > 0; n -= 1) playAt(new Date(options.until.getTime() - n * 4 * MINUTE_MS + random.between(1, 999)));
  const pick = (count: number): readonly ApiObject[] => Array.from({ length: count }, () => random.pick(tracks));
  return {
    user: shelf.user(options.listener),
    tracks,
    albums: shelf.albums,
    artists: shelf.artists,
    playlists: [
      { id: makeId(random), name: 'Morning', isOwn: true, collaborative: false, tracks: [...pick(120), null] },
      { id: makeId(random), name: 'Together', isOwn: false, collaborative: true, tracks: pick(30) },
      { id: makeId(random), name: "Someone else's", isOwn: false, collaborative: false, tracks: pick(40) },
      { id: makeId(random), name: 'Empty', isOwn: true, collaborative: false, tracks: [] },
    ],
    devices: ['Kitchen speaker', 'Phone'].map((name, n) => device(makeId(random), name, n === 0)),
    plays,
    listen: (count, minutes = 4) => {
      for (let n = 0; n < count; n += 1) playAt(new Date((plays.at(-1)?.playedAt ?? options.until).getTime() + minutes * MINUTE_MS));
    },
  };
}

function device(id: string, name: string, isActive: boolean): ApiObject {
  const type = name === 'Phone' ? 'Smartphone' : 'Speaker';
  return {
    id,
    is_active: isActive,
    is_private_session: false,
    is_restricted: false,
    name,
    type,
    volume_percent: 40,
    supports_volume: true,
  };
}

/** Makes the API's objects from songs, and each album and artist once. */
class Shelf {
  readonly #url: string;
  readonly #random: SeededRandom;
  readonly #artistIds = new Map<string, string>();
  readonly albums = new Map<string, ApiObject>();
  readonly artists = new Map<string, ApiObject>();

  constructor(url: string, random: SeededRandom) {
    this.#url = url;
    this.#random = random;
  }

  user(listener: string): ApiObject {
    return {
      ...this.#identity('user', listener),
      account_id: `account-${listener}`,
      display_name: listener,
      country: 'DE',
      email: `${listener}@example.org`,
      product: 'premium',
      followers: { href: null, total: 12 },
      explicit_content: { filter_enabled: false, filter_locked: false },
      images: [],
    };
  }

  track(song: GeneratedSong): ApiObject {
    const artist = this.#artist(song.artist);
    const album = this.#album(song, artist);
    return {
      ...this.#identity('track', song.id),
      album,
      artists: [simplified(artist)],
      available_markets: ['DE', 'IN'],
      disc_number: 1,
      duration_ms: song.durationMs,
      explicit: this.#random.oneIn(12),
      external_ids: { isrc: `DEFAKE${song.id.slice(0, 6)}` },
      name: song.name,
      popularity: song.popularity,
      preview_url: null,
      track_number: this.#random.between(1, 12),
      is_local: false,
    };
  }

  /** As a play has it: from an album, an artist, a playlist, or from nowhere. */
  context(track: ApiObject): ApiObject | null {
    const album = track['album'] as ApiObject;
    const kind = this.#random.between(0, 3);
    if (kind === 0) return null;
    const of = kind === 1 ? album : ((album['artists'] as readonly ApiObject[])[0] ?? album);
    return { type: of['type'], href: of['href'], external_urls: of['external_urls'], uri: of['uri'] };
  }

  #artist(name: string): ApiObject {
    const id = this.#artistIds.get(name) ?? makeId(this.#random);
    this.#artistIds.set(name, id);
    const known = this.artists.get(id);
    if (known !== undefined) return known;
    const artist = {
      ...this.#identity('artist', id),
      name,
      followers: { href: null, total: this.#random.between(10, 5_000_000) },
      genres: [this.#random.pick(['indie', 'jazz', 'techno', 'folk'])],
      images: [this.#image(id)],
      popularity: this.#random.between(0, 100),
    };
    this.artists.set(id, artist);
    return artist;
  }

  #album(song: GeneratedSong, artist: ApiObject): ApiObject {
    const known = this.albums.get(song.albumId);
    if (known !== undefined) return known;
    const number = this.albums.size;
    const album = {
      ...this.#identity('album', song.albumId),
      album_type: 'album',
      total_tracks: 12,
      available_markets: ['DE', 'IN'],
      // Some albums have no picture, and some pictures are gone.
      images: number % 11 === 10 ? [] : [this.#image(number % 7 === 6 ? `gone-${song.albumId}` : song.albumId)],
      name: song.albumName,
      release_date: song.released,
      release_date_precision: { 4: 'year', 7: 'month', 10: 'day' }[song.released.length] ?? 'day',
      artists: [simplified(artist)],
      genres: [],
      label: 'Fake Records',
      popularity: song.popularity,
    };
    this.albums.set(song.albumId, album);
    return album;
  }

  #image(id: string): ApiObject {
    return { url: `${this.#url}/image/${id}`, height: 64, width: 64 };
  }

  #identity(type: string, id: string): ApiObject {
    const path = type === 'user' ? `users/${id}` : `${type}s/${id}`;
    return {
      type,
      id,
      href: `${this.#url}/v1/${path}`,
      uri: `spotify:${type}:${id}`,
      external_urls: { spotify: `${this.#url}/${type}/${id}` },
    };
  }
}

function simplified(artist: ApiObject): ApiObject {
  const { external_urls, href, id, name, type, uri } = artist;
  return { external_urls, href, id, name, type, uri };
}

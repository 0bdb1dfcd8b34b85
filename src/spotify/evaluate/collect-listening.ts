import { FEATURES, type Catalogue, type History, type ListeningData } from './data.ts';
import { numberOf } from './numbers.ts';
import { listsOf } from './sparse.ts';

/** What a source says of a track; undefined where it does not say. */
export interface TrackFacts {
  readonly id?: string | undefined;
  readonly name: string | undefined;
  readonly artist: string | undefined;
  readonly popularity?: number | undefined;
  /** {@link FEATURES} numbers. */
  readonly features?: readonly number[] | undefined;
}

interface Play {
  readonly listener: number;
  readonly song: number;
  readonly endedAtMs: number;
  readonly msPlayed: number;
}

const BLANKS = '[\\s\\u200b\\ufeff]';
const OUTER_BLANKS = new RegExp(`^${BLANKS}+|${BLANKS}+$`, 'g');
const NULL_MARKERS = new Set(['', 'na', '[]', 'unknown artist', 'unknown track']);
const [SHORTEST_MS, LONGEST_MS] = [30_000, 3_600_000];

/** The form in which two names mean the same (rule B13), or undefined for what says nothing (rule B4). */
function fold(name: string | undefined): string | undefined {
  const folded = name?.replaceAll(OUTER_BLANKS, '').toLowerCase();
  return folded === undefined || NULL_MARKERS.has(folded) ? undefined : folded;
}

/**
 * Gathers listens and playlists by song, as the warehouse has them: tracks of the same name and artist are one song, whose
 * popularity and features are those of its most popular track; plays of 30 s to 60 min are listens.
 */
export class ListeningCollector {
  readonly #songs = new Map<string, number>();
  readonly #artists = new Map<string, number>();
  readonly #listeners = new Map<string, number>();
  readonly #playlists = new Map<string, Set<number>>();
  readonly #artistOf: number[] = [];
  readonly #popularity: number[] = [];
  readonly #features: (readonly number[] | undefined)[] = [];
  readonly #plays: Play[] = [];

  /** The song that a track is, by number; undefined for a track without name and identifier. */
  song(facts: TrackFacts): number | undefined {
    const [name, artist] = [fold(facts.name), fold(facts.artist)];
    const key = name === undefined ? (facts.id === undefined ? undefined : `\0${facts.id}`) : `${name}\0${artist ?? ''}`;
    if (key === undefined) return undefined;
    const song = numberOf(this.#songs, key);
    if (song === this.#artistOf.length) {
      this.#artistOf.push(artist === undefined ? -1 : numberOf(this.#artists, artist));
      this.#popularity.push(Number.NaN);
      this.#features.push(undefined);
    }
    const known = this.#popularity[song] ?? Number.NaN;
    if (facts.popularity !== undefined && !(known >= facts.popularity)) {
      this.#popularity[song] = facts.popularity;
      this.#features[song] = facts.features ?? this.#features[song];
    } else this.#features[song] ??= facts.features;
    return song;
  }

  /** A play; what is no listen is passed over. */
  play(listener: string, facts: TrackFacts, endedAtMs: number, msPlayed: number): void {
    if (!(msPlayed >= SHORTEST_MS && msPlayed <= LONGEST_MS) || !Number.isFinite(endedAtMs)) return;
    const song = fold(facts.artist) === undefined ? undefined : this.song(facts);
    if (song !== undefined) this.#plays.push({ listener: numberOf(this.#listeners, listener), song, endedAtMs, msPlayed });
  }

  listed(playlist: string, facts: TrackFacts): void {
    const song = this.song(facts);
    if (song === undefined) return;
    const songs = this.#playlists.get(playlist);
    if (songs === undefined) this.#playlists.set(playlist, new Set([song]));
    else songs.add(song);
  }

  take(source: string): ListeningData {
    // A stable sort: plays that ended in the same minute stay in the order in which they came.
    const plays = [...this.#plays].sort((a, b) => a.listener - b.listener || a.endedAtMs - b.endedAtMs);
    const history: History = {
      listenerOf: Int32Array.from(plays, ({ listener }) => listener),
      songOf: Int32Array.from(plays, ({ song }) => song),
      endedAtMs: Float64Array.from(plays, ({ endedAtMs }) => endedAtMs),
      msPlayed: Int32Array.from(plays, ({ msPlayed }) => msPlayed),
    };
    const unknown = Array.from({ length: FEATURES }, () => Number.NaN);
    const catalogue: Catalogue = {
      songs: this.#songs.size,
      artistOf: Int32Array.from(this.#artistOf),
      popularity: Float64Array.from(this.#popularity),
      features: Float64Array.from(this.#features.flatMap((features) => features ?? unknown)),
    };
    return { source, catalogue, history, playlists: listsOf([...this.#playlists.values()].map((songs) => [...songs])) };
  }
}

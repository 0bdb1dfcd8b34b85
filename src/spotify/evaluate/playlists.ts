import { SeededRandom } from '../generate/random.ts';
import { Best } from './best.ts';
import { findNeighbours, NeighbourScorer, type CooccurrenceOptions } from './cooccurrence.ts';
import { FEATURES, type Catalogue } from './data.ts';
import { byWeight, chainedMethod, examine, orderedMethod, POPULARITY, randomMethod, type Method, type Question } from './examine.ts';
import type { Metric, TaskFigures } from './figures.ts';
import { hiddenPlaces, lotOf } from './lots.ts';
import { listAt, listCount, listsOf, type Lists } from './sparse.ts';

const METRICS: readonly Metric[] = [
  { kind: 'HR', at: 10 },
  { kind: 'HR', at: 50 },
  { kind: 'NDCG', at: 10 },
];

/** Playlists, with what is hidden of each. */
interface Split {
  readonly questions: readonly Question[];
  /** The rest of each playlist asked about. */
  readonly shown: readonly ReadonlySet<number>[];
  /** The rest of every playlist. */
  readonly trained: Lists;
  readonly hidden: number;
}

/** Playlists continued: a fifth of each is hidden, and asked for among all songs that it does not show. */
export function evaluatePlaylists(catalogue: Catalogue, playlists: Lists, options: CooccurrenceOptions, seed: number): TaskFigures {
  const split = hideFifth(playlists, seed);
  const { questions, shown, trained } = split;
  const known = new Float64Array(catalogue.songs);
  for (const song of trained.values) known[song] = (known[song] ?? 0) + 1;
  const isShown = (question: number, song: number): boolean => shown[question]?.has(song) === true;
  const together = togetherMethod(split, catalogue.songs, options);
  const sameArtist = sameArtistMethod(catalogue, shown, known);
  const methods: readonly Method[] = [
    randomMethod(catalogue.songs, new SeededRandom(seed), isShown),
    orderedMethod(POPULARITY, byWeight(known), isShown),
    ...(catalogue.popularity.some(Number.isFinite)
      ? [orderedMethod('Spotify popularity', byWeight(catalogue.popularity.map((value) => (value > 0 ? value : 0))), isShown)]
      : []),
    ...(catalogue.features.some(Number.isFinite) ? [soundMethod(catalogue, shown)] : []),
    together,
    sameArtist,
    chainedMethod('co-occurrence, then same artist', together, sameArtist),
  ];
  const findable = questions.reduce((sum, { wanted }) => sum + [...wanted].filter((song) => (known[song] ?? 0) > 0).length, 0);
  return {
    task: 'playlists',
    cases: questions.length,
    items: catalogue.songs,
    notes: [
      `${split.hidden.toLocaleString('en')} songs hidden, a fifth of each playlist of five or more`,
      `${findable.toLocaleString('en')} of them are on another playlist: co-occurrence can find no other`,
    ],
    methods: examine(questions, methods, METRICS, new SeededRandom(seed + 1)),
  };
}

function hideFifth(playlists: Lists, seed: number): Split {
  const questions: Question[] = [];
  const shown: ReadonlySet<number>[] = [];
  const trained: Int32Array[] = [];
  let hidden = 0;
  for (let playlist = 0; playlist < listCount(playlists); playlist += 1) {
    const songs = listAt(playlists, playlist);
    const places = hiddenPlaces(songs.length, (place) => lotOf(seed, `${playlist} ${songs[place] ?? 0}`));
    const rest = songs.filter((_, place) => !places.has(place));
    trained.push(rest);
    if (places.size === 0) continue;
    hidden += places.size;
    const known = new Set(rest);
    questions.push({ cluster: questions.length, wanted: new Set(songs.filter((_, place) => places.has(place))), known });
    shown.push(known);
  }
  return { questions, shown, trained: listsOf(trained), hidden };
}

function togetherMethod({ trained, shown }: Split, songs: number, options: CooccurrenceOptions): Method {
  const scorer = new NeighbourScorer(findNeighbours(trained, songs, options));
  return {
    name: 'co-occurrence',
    answer: (question, count) => {
      const known = shown[question] ?? new Set();
      for (const song of known) scorer.add(song, 1);
      return scorer.take(count, (song) => known.has(song));
    },
  };
}

/** Other songs of the artists on the list: of those first who are on it most, of these what most playlists have. */
function sameArtistMethod(catalogue: Catalogue, shown: readonly ReadonlySet<number>[], known: Float64Array): Method {
  const songs = new Map<number, number[]>();
  for (let song = 0; song < catalogue.songs; song += 1) {
    const artist = catalogue.artistOf[song] ?? -1;
    if (artist < 0) continue;
    const others = songs.get(artist);
    if (others === undefined) songs.set(artist, [song]);
    else others.push(song);
  }
  const weightOf = (song: number): number => (known[song] ?? 0) + (catalogue.popularity[song] || 0) / 1000;
  return {
    name: 'same artist',
    answer: (question, count) => {
      const here = shown[question] ?? new Set();
      const artists = new Map<number, number>();
      for (const song of here) {
        const artist = catalogue.artistOf[song] ?? -1;
        if (artist >= 0) artists.set(artist, (artists.get(artist) ?? 0) + 1);
      }
      const best = new Best(count);
      for (const [artist, times] of artists) {
        for (const song of songs.get(artist) ?? []) if (!here.has(song)) best.add(song, times * 1_000_000 + weightOf(song));
      }
      return best.take().items;
    },
  };
}

/** The songs that sound most like the middle of the list, over standardised features. */
function soundMethod(catalogue: Catalogue, shown: readonly ReadonlySet<number>[]): Method {
  const vectors = standardise(catalogue.features);
  return {
    name: 'audio features',
    answer: (question, count) => {
      const here = shown[question] ?? new Set();
      const middle = new Float64Array(FEATURES);
      let analysed = 0;
      for (const song of here) {
        if (Number.isNaN(vectors[song * FEATURES])) continue;
        analysed += 1;
        for (let n = 0; n < FEATURES; n += 1) middle[n] = (middle[n] ?? 0) + (vectors[song * FEATURES + n] ?? 0);
      }
      if (analysed === 0) return [];
      const best = new Best(count);
      for (let song = 0; song < catalogue.songs; song += 1) {
        if (here.has(song)) continue;
        let distance = 0;
        for (let n = 0; n < FEATURES; n += 1) distance += ((vectors[song * FEATURES + n] ?? 0) - (middle[n] ?? 0) / analysed) ** 2;
        if (!Number.isNaN(distance)) best.add(song, -distance);
      }
      return best.take().items;
    },
  };
}

/** In standard deviations from the mean; songs of which a feature is unknown are NaN throughout. */
function standardise(features: Float64Array): Float64Array {
  const vectors = features.slice();
  const songs = features.length / FEATURES;
  for (let song = 0; song < songs; song += 1) {
    const one = vectors.subarray(song * FEATURES, (song + 1) * FEATURES);
    if (one.some(Number.isNaN)) one.fill(Number.NaN);
  }
  for (let n = 0; n < FEATURES; n += 1) {
    const values: number[] = [];
    for (let song = 0; song < songs; song += 1) {
      const value = vectors[song * FEATURES + n] ?? Number.NaN;
      if (!Number.isNaN(value)) values.push(value);
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
    for (let song = 0; song < songs; song += 1) vectors[song * FEATURES + n] = ((vectors[song * FEATURES + n] ?? 0) - mean) / deviation;
  }
  return vectors;
}

import { SeededRandom } from '../generate/random.ts';
import { findNeighbours, type CooccurrenceOptions } from './cooccurrence.ts';
import type { Catalogue, History } from './data.ts';
import { byWeight, chainedMethod, examine, orderedMethod, POPULARITY, randomMethod, type Method, type Question } from './examine.ts';
import type { Metric, TaskFigures } from './figures.ts';
import { sessionsOf } from './sessions.ts';
import { listAt, listCount, listsOf, type Lists } from './sparse.ts';

const METRICS: readonly Metric[] = [
  { kind: 'HR', at: 10 },
  { kind: 'HR', at: 50 },
  { kind: 'NDCG', at: 10 },
];
const TRAINED_SHARE = 0.8;
const RECENT_MS = 30 * 86_400_000;
const nothingLeftOut = (): boolean => false;

/**
 * Next track: what is heard after a track, in the same session, in the last fifth of the time; learnt from what ended
 * before. Songs may repeat. All songs are ranked, those never heard before as well: nobody can find these.
 */
export function evaluateNextTrack(catalogue: Catalogue, history: History, options: CooccurrenceOptions, seed: number): TaskFigures {
  const splitAtMs = splitTime(history.endedAtMs);
  const sessions = sessionsOf(history);
  const known = new Float64Array(catalogue.songs);
  const recent = new Float64Array(catalogue.songs);
  const heard = new Map<number, Set<number>>();
  const trained: number[][] = [];
  const questions: (Question & { readonly after: number })[] = [];
  let clusters = 0;
  for (let session = 0; session < listCount(sessions); session += 1) {
    const before: number[] = [];
    let previous = -1;
    const cluster = clusters;
    for (const at of listAt(sessions, session)) {
      const [song, endedAtMs] = [history.songOf[at] ?? 0, history.endedAtMs[at] ?? 0];
      const theirs = heardBy(heard, history.listenerOf[at] ?? 0);
      if (endedAtMs < splitAtMs) {
        before.push(song);
        theirs.add(song);
        known[song] = (known[song] ?? 0) + 1;
        if (endedAtMs >= splitAtMs - RECENT_MS) recent[song] = (recent[song] ?? 0) + 1;
      } else {
        if (previous >= 0) {
          questions.push({ cluster, wanted: new Set([song]), known: theirs, after: previous });
          clusters = cluster + 1;
        }
        previous = song;
      }
    }
    trained.push(before);
  }
  const after = (question: number): number => questions[question]?.after ?? 0;
  const sequence = sequenceMethod(listsOf(trained), catalogue.songs, options, after);
  const sameArtist = sameArtistMethod(catalogue, known, after);
  const methods: readonly Method[] = [
    randomMethod(catalogue.songs, new SeededRandom(seed), nothingLeftOut),
    orderedMethod(POPULARITY, byWeight(known), nothingLeftOut),
    orderedMethod('recent popularity', byWeight(recent), nothingLeftOut),
    sameArtist,
    sequence,
    chainedMethod('co-occurrence, then same artist', sequence, sameArtist),
  ];
  const heardBefore = questions.filter(({ wanted }) => [...wanted].every((song) => (known[song] ?? 0) > 0)).length;
  return {
    task: 'next track',
    cases: questions.length,
    items: catalogue.songs,
    notes: [
      `learnt from ${trained.flat().length.toLocaleString('en')} listens before ${new Date(splitAtMs).toISOString().slice(0, 10)}, asked about those after`,
      `${heardBefore.toLocaleString('en')} of the tracks asked for were heard before: none of these methods can find another`,
      `intervals over ${clusters.toLocaleString('en')} sessions`,
    ],
    methods: examine(questions, methods, METRICS, new SeededRandom(seed + 1)),
  };
}

/** When the first listen of the last fifth ended. */
function splitTime(endedAtMs: Float64Array): number {
  const sorted = endedAtMs.slice().sort();
  return sorted[Math.floor(sorted.length * TRAINED_SHARE)] ?? 0;
}

/** The songs of one listener; a set that grows. */
function heardBy(heard: Map<number, Set<number>>, listener: number): Set<number> {
  const theirs = heard.get(listener) ?? new Set<number>();
  heard.set(listener, theirs);
  return theirs;
}

function sequenceMethod(trained: Lists, songs: number, options: CooccurrenceOptions, after: (question: number) => number): Method {
  const { width, items } = findNeighbours(trained, songs, options);
  return {
    name: 'co-occurrence',
    answer: (question, count) => {
      const from = after(question) * width;
      const found = items.subarray(from, from + Math.min(count, width));
      const end = found.indexOf(-1);
      return [...(end === -1 ? found : found.subarray(0, end))];
    },
  };
}

/** The artist's most heard songs, but the one just heard. */
function sameArtistMethod(catalogue: Catalogue, known: Float64Array, after: (question: number) => number): Method {
  const songs = new Map<number, number[]>();
  for (const song of byWeight(known)) {
    const artist = catalogue.artistOf[song] ?? -1;
    if (artist < 0) continue;
    const others = songs.get(artist);
    if (others === undefined) songs.set(artist, [song]);
    else others.push(song);
  }
  return {
    name: 'same artist',
    answer: (question, count) => {
      const song = after(question);
      return (songs.get(catalogue.artistOf[song] ?? -1) ?? []).filter((other) => other !== song).slice(0, count);
    },
  };
}

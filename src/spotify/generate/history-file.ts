import type { GeneratedSong } from './catalogue.ts';
import type { SeededRandom } from './random.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A fixed beginning: the same seed gives the same file on any day. */
export const FIRST_DAY_MS = Date.UTC(2025, 0, 1);

/** A play as the generator knows it. */
export interface GeneratedPlay {
  readonly endedAtMs: number;
  readonly song: GeneratedSong;
  /** As the exports spell them. */
  readonly artistName: string;
  readonly trackName: string;
  readonly msPlayed: number;
}

/**
 * The text of one listener's streaming history, in pieces: sessions over a year, about two skips in five plays, plays of
 * zero milliseconds, the same artist in other letters, outer blanks. Ends are given to the minute, as Spotify gives them.
 */
export function* historyPieces(random: SeededRandom, songs: readonly GeneratedSong[], plays: number): Generator<string> {
  yield* basicPieces(makePlays(random, songs, plays));
}

/** The text of a basic export of these plays, in pieces. */
export function* basicPieces(plays: Iterable<GeneratedPlay>): Generator<string> {
  yield '[';
  let n = 0;
  for (const { endedAtMs, artistName, trackName, msPlayed } of plays) {
    yield `${n === 0 ? '' : ','}\n  ${JSON.stringify({ endTime: minute(endedAtMs), artistName, trackName, msPlayed })}`;
    n += 1;
  }
  yield '\n]\n';
}

/** The plays of one listener, in the order in which they ended, from the first day on. */
export function* makePlays(
  random: SeededRandom,
  songs: readonly GeneratedSong[],
  plays: number,
  firstDayMs: number = FIRST_DAY_MS,
): Generator<GeneratedPlay> {
  const favourites = Array.from({ length: 120 }, () => songs[random.skewed(songs.length)]).filter((song) => song !== undefined);
  const sessionEveryMs = (365 * DAY_MS) / Math.max(1, plays / 15);
  let atMs = firstDayMs + random.between(0, DAY_MS);
  for (let n = 0; n < plays; n += 1) {
    const song = random.oneIn(4) ? random.pick(songs) : random.pick(favourites);
    const isSkip = random.next() < 0.4;
    const msPlayed = random.oneIn(35)
      ? 0
      : isSkip
        ? random.between(200, 29_999)
        : random.oneIn(250)
          ? random.between(900_000, 3_000_000)
          : song.durationMs;
    atMs += msPlayed + (random.oneIn(15) ? random.between(0, 2 * sessionEveryMs) : random.between(0, 3000));
    const artistName = spelling(random, song.artist);
    yield { endedAtMs: atMs, song, artistName, trackName: spelling(random, song.name), msPlayed };
  }
}

function minute(atMs: number): string {
  return new Date(atMs - (atMs % MINUTE_MS)).toISOString().slice(0, 16).replace('T', ' ');
}

function spelling(random: SeededRandom, text: string): string {
  if (random.oneIn(8000)) return ` ${text} `;
  return random.oneIn(10_000) ? text.toUpperCase() : text;
}

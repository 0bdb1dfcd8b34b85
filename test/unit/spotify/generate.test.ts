import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { makeCatalogue } from '../../../src/spotify/generate/catalogue.ts';
import { historyPieces } from '../../../src/spotify/generate/history-file.ts';
import { SeededRandom } from '../../../src/spotify/generate/random.ts';
import { songLines } from '../../../src/spotify/generate/songs-file.ts';
import { SONG_COLUMNS } from '../../../src/spotify/load/songs.ts';

interface Play {
  readonly endTime: string;
  readonly artistName: string;
  readonly trackName: string;
  readonly msPlayed: number;
}

const catalogue = makeCatalogue(new SeededRandom(1), 2000);
const plays = (seed: number, count: number): readonly Play[] =>
  JSON.parse([...historyPieces(new SeededRandom(seed), catalogue, count)].join('')) as Play[];

test('the same seed gives the same numbers, on every machine', () => {
  const random = new SeededRandom(42);
  const first = Array.from({ length: 5 }, () => random.between(0, 999_999));
  const again = new SeededRandom(42);
  expect(Array.from({ length: 5 }, () => again.between(0, 999_999))).toEqual(first);
  expect(first).toMatchInlineSnapshot(`
    [
      481316,
      985253,
      737917,
      613066,
      703619,
    ]
  `);
});

test('numbers stay in their ranges', () => {
  const random = new SeededRandom(3);
  const thrown = Array.from({ length: 2000 }, () => random.between(1, 6));
  expect(new Set(thrown)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  const skewed = Array.from({ length: 2000 }, () => random.skewed(10));
  expect(Math.min(...skewed)).toBe(0);
  expect(Math.max(...skewed)).toBe(9);
  expect(skewed.filter((each) => each === 0).length).toBeGreaterThan(skewed.filter((each) => each === 9).length * 3);
  expect(() => random.pick([])).toThrow(RangeError);
});

test('a catalogue has as many songs as asked, each its own identifier, in albums of one artist', () => {
  expect(catalogue).toHaveLength(2000);
  expect(new Set(catalogue.map(({ id }) => id)).size).toBe(2000);
  expect(catalogue.every(({ id }) => /^[0-9A-Za-z]{22}$/.test(id))).toBe(true);
  const artistsOf = Map.groupBy(catalogue, ({ albumId }) => albumId);
  expect([...artistsOf.values()].every((songs) => new Set(songs.map(({ artist }) => artist)).size === 1)).toBe(true);
});

test('release dates have the three shapes that sources give', () => {
  const dates = makeCatalogue(new SeededRandom(1), 10_000).map(({ released }) => released);
  expect(new Set(dates.map((date) => date.replaceAll(/\d/g, '9')))).toEqual(new Set(['9999', '9999-99', '9999-99-99']));
});

test('a songs file is CSV of 23 columns that lists every song, some twice in a playlist', () => {
  const rows = parse([...songLines(new SeededRandom(2), catalogue)].join(''), { columns: true }) as Record<string, string>[];
  expect(Object.keys(rows[0] ?? {})).toEqual(SONG_COLUMNS);
  expect(new Set(rows.map((row) => row['track_id'])).size).toBe(2000);
  const keys = rows.map((row) => `${row['playlist_id']} ${row['track_id']}`);
  expect(new Set(keys).size).toBeLessThan(keys.length);
  expect(rows.some((row) => /e-\d/.test(row['instrumentalness'] ?? ''))).toBe(true);
});

test('a history has as many plays as asked, in order of time, with skips and plays of 0 ms', () => {
  const all = plays(5, 3000);
  expect(all).toHaveLength(3000);
  expect(all.every(({ endTime }) => /^\d{4}-\d\d-\d\d \d\d:\d\d$/.test(endTime))).toBe(true);
  expect(all.map(({ endTime }) => endTime)).toEqual(all.map(({ endTime }) => endTime).sort());
  const share = (what: (play: Play) => boolean): number => all.filter(what).length / all.length;
  expect(share(({ msPlayed }) => msPlayed < 30_000)).toBeGreaterThan(0.3);
  expect(share(({ msPlayed }) => msPlayed < 30_000)).toBeLessThan(0.5);
  expect(share(({ msPlayed }) => msPlayed === 0)).toBeGreaterThan(0.01);
  expect(plays(6, 10)).not.toEqual(plays(5, 10));
  expect(plays(5, 0)).toEqual([]);
});

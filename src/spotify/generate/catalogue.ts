import type { SeededRandom } from './random.ts';

/** A song as the generator knows it, before dirt. */
export interface GeneratedSong {
  readonly id: string;
  readonly name: string;
  readonly artist: string;
  readonly albumId: string;
  readonly albumName: string;
  readonly released: string;
  readonly popularity: number;
  readonly durationMs: number;
}

const FIRST = [
  'Amber',
  'Brass',
  'Cobalt',
  'Dust',
  'Ember',
  'Fjord',
  'Granite',
  'Harbour',
  'Indigo',
  'Juniper',
  'Köln',
  'Lantern',
  'Meridian',
  'Niño',
  'Opal',
  'Paper',
  'Quartz',
  'Río',
  'Saffron',
  'Tundra',
];
const SECOND = [
  'Atlas',
  'Bloom',
  'Choir',
  'Drift',
  'Echoes',
  'Fires',
  'Gardens',
  'Hours',
  'Islands',
  'Junction',
  'Kites',
  'Letters',
  'Motors',
  'Nights',
  'Oceans',
  'Parade',
  'Signals',
  'Tides',
  'Voices',
  'Winter',
];
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 22 letters and digits, as Spotify's identifiers are. */
export function makeId(random: SeededRandom): string {
  return Array.from({ length: 22 }, () => BASE62.charAt(random.between(0, 61))).join('');
}

const title = (random: SeededRandom): string => `${random.pick(FIRST)} ${random.pick(SECOND)}`;

/** `count` songs on albums of one to twelve, by about a tenth as many artists. */
export function makeCatalogue(random: SeededRandom, count: number): readonly GeneratedSong[] {
  const artists = [
    ...new Set(Array.from({ length: Math.max(3, Math.ceil(count / 10)) }, (_, n) => (n < 300 ? title(random) : `${title(random)} ${n}`))),
  ];
  const songs: GeneratedSong[] = [];
  while (songs.length < count) {
    const artist = random.pick(artists);
    const album = { albumId: makeId(random), albumName: title(random), released: releaseDate(random) };
    for (let track = random.between(1, 12); track > 0 && songs.length < count; track -= 1) {
      songs.push({
        id: makeId(random),
        name: `${title(random)}${random.oneIn(8) ? ' (Live)' : ''}`,
        artist,
        ...album,
        popularity: random.between(0, 100),
        durationMs: random.between(60_000, 420_000),
      });
    }
  }
  return songs;
}

/** In the three shapes that sources give: day, month, year. */
function releaseDate(random: SeededRandom): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const year = random.between(1960, 2025);
  if (random.oneIn(18)) return String(year);
  if (random.oneIn(300)) return `${year}-${two(random.between(1, 12))}`;
  return `${year}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`;
}

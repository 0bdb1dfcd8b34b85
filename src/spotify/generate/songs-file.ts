import { SONG_COLUMNS } from '../load/songs.ts';
import { makeId, type GeneratedSong } from './catalogue.ts';
import type { SeededRandom } from './random.ts';

const GENRES = [
  ['pop', ['dance pop', 'post-teen pop', 'electropop', 'indie poptimism']],
  ['rock', ['album rock', 'classic rock', 'permanent wave', 'hard rock']],
  ['rap', ['hip hop', 'southern hip hop', 'gangster rap', 'trap']],
  ['latin', ['tropical', 'latin pop', 'reggaeton', 'latin hip hop']],
] as const;

const SONGS_PER_PLAYLIST = 80;

/**
 * The lines of a songs file, header first: every song in one playlist or two, with the dirt of real ones at about their
 * rates: `NA` names, the same song listed twice under another subgenre, scientific notation, loudness above 0 dB, a song
 * that was never analysed.
 */
export function* songLines(random: SeededRandom, songs: readonly GeneratedSong[]): Generator<string> {
  yield `${SONG_COLUMNS.join(',')}\n`;
  for (let at = 0; at < songs.length; at += SONGS_PER_PLAYLIST) {
    const [genre, subgenres] = random.pick(GENRES);
    const playlist = {
      name: random.oneIn(10) ? `${genre} mix 🎧` : `${genre} ${random.pick(subgenres)}, vol. ${random.between(1, 9)}`,
      id: makeId(random),
    };
    const listed = [...songs.slice(at, at + SONGS_PER_PLAYLIST), ...Array.from({ length: 8 }, () => random.pick(songs))];
    for (const song of listed) {
      const subgenre = random.pick(subgenres);
      yield line(random, song, playlist, genre, subgenre);
      if (random.oneIn(55)) yield line(random, song, playlist, genre, random.pick(subgenres.filter((each) => each !== subgenre)));
    }
  }
}

function line(
  random: SeededRandom,
  song: GeneratedSong,
  playlist: { readonly name: string; readonly id: string },
  genre: string,
  subgenre: string,
): string {
  const isNamed = !random.oneIn(6000);
  const isAnalysed = !random.oneIn(30_000);
  const features = featuresOf(song, isAnalysed);
  const named = (text: string): string => (isNamed ? text : 'NA');
  const values = [
    song.id,
    named(song.name),
    named(song.artist),
    String(song.popularity),
    song.albumId,
    named(song.albumName),
    song.released,
    playlist.name,
    playlist.id,
    genre,
    subgenre,
    ...features,
    String(song.durationMs),
  ];
  return `${values.map(quote).join(',')}\n`;
}

/** The same for a song wherever it is listed: made from its identifier. */
function featuresOf(song: GeneratedSong, isAnalysed: boolean): readonly string[] {
  const unit = (n: number): number => ((song.id.charCodeAt(n) * 31 + song.id.charCodeAt(n + 1)) % 1000) / 1000;
  if (!isAnalysed) return ['0', unit(2).toFixed(3), '0', '-10', '1', '0', '0', '0', '0', '0', '0'];
  const instrumental = unit(8) < 0.35 ? (unit(9) / 10_000).toExponential(2) : unit(8).toFixed(3);
  const loudness = unit(5) < 0.001 ? 0.5 : -18 + unit(5) * 15;
  return [unit(2), unit(3)]
    .map((value) => value.toFixed(3))
    .concat(
      String(Math.floor(unit(4) * 12)),
      loudness.toFixed(3),
      unit(6) < 0.4 ? '0' : '1',
      ...[unit(7), unit(10)].map((value) => value.toFixed(4)),
      instrumental,
      ...[unit(11), unit(12)].map((value) => value.toFixed(3)),
      (60 + unit(13) * 140).toFixed(3),
    );
}

function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

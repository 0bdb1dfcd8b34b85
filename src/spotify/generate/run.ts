import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { makeCatalogue, type GeneratedSong } from './catalogue.ts';
import { makeWeeks, rankingDocument, rankingLines, summaryLines } from './chart-files.ts';
import { extendedPieces } from './extended-file.ts';
import { basicPieces, FIRST_DAY_MS, makePlays, type GeneratedPlay } from './history-file.ts';
import { libraryDocument, LISTED, playlistDocument, playlistLines, recentPage, SAVED } from './lists-files.ts';
import { SeededRandom } from './random.ts';
import { songLines } from './songs-file.ts';

export const KINDS = ['songs', 'histories', 'extended', 'account', 'playlists', 'charts', 'pages'] as const;
export type Kind = (typeof KINDS)[number];

export interface GenerateOptions {
  readonly listeners: number;
  /** In all, spread evenly over the listeners. */
  readonly plays: number;
  readonly seed: number;
  /** Songs and basic histories without one. */
  readonly kinds?: readonly Kind[];
}

export interface GeneratedFile {
  /** Relative to the directory. */
  readonly path: string;
  readonly rows: number;
}

/** A file's pieces: one a row, but for `around` of them: header, brackets. A document is one piece of so many rows. */
type Pieces = { readonly path: string; readonly pieces: Iterable<string> } & ({ readonly around: number } | { readonly rows: number });

/** Plays per file of an export, as Spotify cuts them. */
const PLAYS_PER_FILE = 10_000;
const WEEKS = 12;
const YEAR_MS = 365 * 86_400_000;

/**
 * Writes songs.csv, playlists/, charts/, and `listener-NNN/` with the account export of each listener, into `directory`:
 * the same options give the same bytes. The extended export holds the plays of the basic one, and older ones.
 *
 * @throws {DbadminError} `refused` when the directory holds anything, `file-unwritable`.
 */
export async function writeGenerated(directory: string, options: GenerateOptions): Promise<readonly GeneratedFile[]> {
  await refuseOccupied(directory);
  const files: GeneratedFile[] = [];
  for (const each of generated(options)) files.push(await write(directory, each));
  return files;
}

function* generated({ listeners, plays, seed, kinds = ['songs', 'histories'] }: GenerateOptions): Generator<Pieces> {
  const has = (kind: Kind): boolean => kinds.includes(kind);
  const songs = makeCatalogue(new SeededRandom(seed), Math.min(30_000, Math.max(200, Math.ceil(plays / 10))));
  if (has('songs')) yield { path: 'songs.csv', pieces: songLines(new SeededRandom(seed + 1), songs), around: 1 };
  if (has('playlists')) yield* playlistFiles(new SeededRandom(seed + 2), songs);
  if (has('charts')) yield* chartFiles(new SeededRandom(seed + 3), songs);
  for (let listener = 0; listener < listeners; listener += 1) {
    const folder = `listener-${String(listener + 1).padStart(3, '0')}`;
    const count = Math.floor(plays / listeners) + (listener < plays % listeners ? 1 : 0);
    const ofListener = seed * 1009 + listener;
    if (has('histories')) yield* historyFiles(new SeededRandom(ofListener), folder, songs, count);
    if (has('extended')) yield* extendedFiles(ofListener, folder, songs, count);
    const random = new SeededRandom(ofListener + 1_000_003);
    if (has('account')) {
      yield { path: path.join(folder, 'Playlist1.json'), pieces: [playlistDocument(random, songs)], rows: 2 * LISTED };
      yield { path: path.join(folder, 'YourLibrary.json'), pieces: [libraryDocument(random, songs)], rows: SAVED };
    }
    if (has('pages')) {
      yield { path: path.join(folder, 'recently-played.json'), pieces: [recentPage(random, songs, FIRST_DAY_MS + YEAR_MS)], rows: 1 };
    }
  }
}

function* historyFiles(random: SeededRandom, folder: string, songs: readonly GeneratedSong[], plays: number): Generator<Pieces> {
  for (let file = 0; file * PLAYS_PER_FILE < plays; file += 1) {
    const count = Math.min(PLAYS_PER_FILE, plays - file * PLAYS_PER_FILE);
    const pieces = basicPieces(makePlays(random, songs, count));
    yield { path: path.join(folder, `StreamingHistory${file}.json`), pieces, around: 2 };
  }
}

/** The plays of {@link historyFiles} with the same seed, each file a year's, and a quarter as many of the year before. */
function* extendedFiles(seed: number, folder: string, songs: readonly GeneratedSong[], plays: number): Generator<Pieces> {
  const same = new SeededRandom(seed);
  const allPlays = function* (): Generator<GeneratedPlay> {
    for (let done = 0; done < plays; done += PLAYS_PER_FILE) yield* makePlays(same, songs, Math.min(PLAYS_PER_FILE, plays - done));
  };
  const random = new SeededRandom(seed + 2_000_003);
  const older = makePlays(random, songs, Math.ceil(plays / 4), FIRST_DAY_MS - YEAR_MS);
  const file = (year: number): string => path.join(folder, `Streaming_History_Audio_${year}_${year - 2024}.json`);
  yield { path: file(2024), pieces: extendedPieces(random, older), around: 2 };
  yield { path: file(2025), pieces: extendedPieces(random, allPlays()), around: 2 };
}

function* playlistFiles(random: SeededRandom, songs: readonly GeneratedSong[]): Generator<Pieces> {
  for (const name of ['road_trip', 'slow_evenings', 'été']) {
    yield { path: path.join('playlists', `${name}.csv`), pieces: playlistLines(random, songs, 60), around: 1 };
  }
}

function* chartFiles(random: SeededRandom, songs: readonly GeneratedSong[]): Generator<Pieces> {
  const weeks = makeWeeks(random, songs, WEEKS);
  for (const week of weeks) {
    yield { path: path.join('charts', `regional-global-weekly-${week.day}.csv`), pieces: rankingLines(week), around: 1 };
  }
  yield { path: path.join('charts', 'summary.csv'), pieces: summaryLines(random, weeks), around: 1 };
  const others = makeWeeks(random, songs, 2);
  const rows = others.reduce((sum, { places }) => sum + places.length, 0);
  yield { path: path.join('charts', 'vietnam.json'), pieces: [rankingDocument(others)], rows };
}

async function refuseOccupied(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unwritable', `cannot write into ${directory}`, { detail: messageOf(error), cause: error });
  });
  if (names.length > 0)
    throw new DbadminError('refused', `${directory} is not empty`, { hint: 'Name a directory that is empty or does not exist yet.' });
}

async function write(directory: string, file: Pieces): Promise<GeneratedFile> {
  const { path: name, pieces } = file;
  const target = path.join(directory, name);
  let count = 0;
  const counted = function* (): Generator<string> {
    for (const piece of pieces) {
      count += 1;
      yield piece;
    }
  };
  try {
    await makeDirectories(path.dirname(target));
    await pipeline(Readable.from(counted()), createWriteStream(target, { flags: 'wx' }));
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write ${target}`, { detail: messageOf(error), cause: error });
  }
  return { path: name, rows: 'rows' in file ? file.rows : count - file.around };
}

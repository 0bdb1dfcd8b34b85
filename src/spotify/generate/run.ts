import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { makeCatalogue } from './catalogue.ts';
import { historyPieces } from './history-file.ts';
import { SeededRandom } from './random.ts';
import { songLines } from './songs-file.ts';

export interface GenerateOptions {
  readonly listeners: number;
  /** In all, spread evenly over the listeners. */
  readonly plays: number;
  readonly seed: number;
}

export interface GeneratedFile {
  /** Relative to the directory. */
  readonly path: string;
  readonly rows: number;
}

/** Plays per file of an export, as Spotify cuts them. */
const PLAYS_PER_FILE = 10_000;

/**
 * Writes songs.csv and `listener-N/StreamingHistory*.json` into `directory`: the same options give the same bytes.
 *
 * @throws {DbadminError} `refused` when the directory holds anything, `file-unwritable`.
 */
export async function writeGenerated(directory: string, options: GenerateOptions): Promise<readonly GeneratedFile[]> {
  await refuseOccupied(directory);
  const songs = makeCatalogue(new SeededRandom(options.seed), Math.min(30_000, Math.max(200, Math.ceil(options.plays / 10))));
  const files = [await write(directory, 'songs.csv', songLines(new SeededRandom(options.seed + 1), songs), 1)];
  for (let listener = 0; listener < options.listeners; listener += 1) {
    const plays = Math.floor(options.plays / options.listeners) + (listener < options.plays % options.listeners ? 1 : 0);
    const random = new SeededRandom(options.seed * 1009 + listener);
    for (let file = 0; file * PLAYS_PER_FILE < plays; file += 1) {
      const count = Math.min(PLAYS_PER_FILE, plays - file * PLAYS_PER_FILE);
      const name = path.join(`listener-${String(listener + 1).padStart(3, '0')}`, `StreamingHistory${file}.json`);
      files.push(await write(directory, name, historyPieces(random, songs, count), 2));
    }
  }
  return files;
}

async function refuseOccupied(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unwritable', `cannot write into ${directory}`, { detail: messageOf(error), cause: error });
  });
  if (names.length > 0)
    throw new DbadminError('refused', `${directory} is not empty`, { hint: 'Name a directory that is empty or does not exist yet.' });
}

/** `around` is how many of the pieces are not rows: header, brackets. */
async function write(directory: string, name: string, pieces: Iterable<string>, around: number): Promise<GeneratedFile> {
  const target = path.join(directory, name);
  let count = 0;
  const counted = function* (): Generator<string> {
    for (const piece of pieces) {
      count += 1;
      yield piece;
    }
  };
  try {
    await mkdir(path.dirname(target), { recursive: true });
    await pipeline(Readable.from(counted()), createWriteStream(target, { flags: 'wx' }));
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write ${target}`, { detail: messageOf(error), cause: error });
  }
  return { path: name, rows: count - around };
}

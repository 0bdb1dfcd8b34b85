import path from 'node:path';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import { foldName, splitRecord } from '../load/columns.ts';
import { CsvScanner } from '../load/csv-scanner.ts';
import { toUtf8 } from '../load/encoding.ts';
import { isLoadable, type Loadable } from '../load/formats.ts';
import { findSources, type LoadSource } from '../load/inspect.ts';
import { JsonArrayScanner } from '../load/json-scanner.ts';
import { listenerOfFolders } from '../load/listener.ts';
import { ListeningCollector } from './collect-listening.ts';
import type { ListeningData } from './data.ts';

export interface ReadFilesOptions {
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly onFile: (name: string) => void;
}

type Fields = Readonly<Record<string, unknown>>;
type Taker = (row: Fields) => void;

const SOUND = ['danceability', 'energy', 'loudness', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo'];

/**
 * Listens and playlists of account exports (basic and extended histories) and songs files below `targets`, without a
 * warehouse. Rows that cleansing would refuse are passed over here; the warehouse counts them.
 *
 * @throws {DbadminError} `load-failed` naming file and line for what is no such file, or when nothing was found;
 * `file-unreadable`.
 */
export async function readListeningFiles(targets: readonly string[], options: ReadFilesOptions): Promise<ListeningData> {
  const collector = new ListeningCollector();
  const names: string[] = [];
  for (const target of targets) {
    const sources = await findSources(target, { stdin: options.stdin, cwd: options.cwd, encoding: undefined });
    for (const source of sources) {
      const format = source.recognised;
      if (!isLoadable(format)) continue;
      const take = takerOf(source, format, collector);
      if (take === undefined) continue;
      options.onFile(source.name);
      await readRows(source, format, take);
      names.push(source.fileName);
    }
  }
  if (names.length === 0) {
    throw new DbadminError('load-failed', `there is nothing to evaluate on in ${targets.join(', ')}`, {
      hint: 'Streaming histories of account exports and songs files are read; a file of listener, item and count is given with --interactions.',
    });
  }
  return collector.take(names.map((name) => path.basename(name)).join(', '));
}

function takerOf(source: LoadSource, format: Loadable, collector: ListeningCollector): Taker | undefined {
  const listener = listenerOfFolders(source.folders) ?? '';
  switch (format.kind) {
    case 'streaming_history':
      return (row) => {
        const endedAtMs = Date.parse(`${text(row['endTime'])?.trim().replace(' ', 'T') ?? ''}:00Z`);
        collector.play(listener, { name: text(row['trackName']), artist: text(row['artistName']) }, endedAtMs, Number(row['msPlayed']));
      };
    case 'extended_history':
      return (row) => {
        const facts = { name: text(row['master_metadata_track_name']), artist: text(row['master_metadata_album_artist_name']) };
        collector.play(listener, facts, Date.parse(text(row['ts']) ?? ''), Number(row['ms_played']));
      };
    case 'songs':
      return (row) => {
        const features = SOUND.map((name) => number(row[name]));
        const playlist = text(row['playlist_id']);
        const facts = {
          id: text(row['track_id']),
          name: text(row['track_name']),
          artist: text(row['track_artist']),
          popularity: number(row['track_popularity']),
          // Tempo 0: never analysed.
          features: features.every((value) => value !== undefined) && features.at(-1) !== 0 ? features : undefined,
        };
        if (playlist === undefined) collector.song(facts);
        else collector.listed(playlist, facts);
      };
    case 'library':
    case 'playlist':
    case 'chart':
    case 'page':
      return undefined;
  }
}

async function readRows(source: LoadSource, format: Loadable, take: Taker): Promise<void> {
  const decoder = toUtf8(format.encoding);
  const scanner = scannerOf(format, take);
  try {
    for await (const chunk of source.open()) scanner.push(decoder.push(chunk));
    scanner.push(decoder.end());
    scanner.end();
  } catch (error) {
    if (isDbadminError(error, 'load-failed')) throw new DbadminError('load-failed', `${source.name} ${error.message}`, { cause: error });
    throw new DbadminError('file-unreadable', `cannot read ${source.name}`, { detail: messageOf(error), cause: error });
  }
}

function scannerOf(format: Loadable, take: Taker): { push(chunk: Buffer): void; end(): void } {
  const { form } = format;
  if (form.kind !== 'csv') {
    return new JsonArrayScanner((buffer, start, end, line) => {
      try {
        take(JSON.parse(buffer.toString('utf8', start, end)) as Fields);
      } catch (error) {
        throw new DbadminError('load-failed', `line ${line} begins an object that is not JSON: ${messageOf(error)}`, { cause: error });
      }
    });
  }
  let header: readonly string[] | undefined;
  return new CsvScanner((buffer, start, end) => {
    const fields = splitRecord(buffer.toString('utf8', start, end), form.delimiter);
    if (header === undefined) header = fields.map(foldName);
    else take(Object.fromEntries(header.map((name, at) => [name, fields[at]])));
  }, form.delimiter);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function number(value: unknown): number | undefined {
  const written = text(value)?.trim();
  return written === undefined || written === '' || !Number.isFinite(Number(written)) ? undefined : Number(written);
}

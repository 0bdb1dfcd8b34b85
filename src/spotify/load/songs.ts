import { DbadminError } from '../../base/errors.ts';
import { splitRecord } from './columns.ts';
import type { Delimiter } from './csv-scanner.ts';

/** Columns of `raw.song` that a songs file fills, by the names its header gives them. */
export const SONG_COLUMNS = [
  'track_id',
  'track_name',
  'track_artist',
  'track_popularity',
  'track_album_id',
  'track_album_name',
  'track_album_release_date',
  'playlist_name',
  'playlist_id',
  'playlist_genre',
  'playlist_subgenre',
  'danceability',
  'energy',
  'key',
  'loudness',
  'mode',
  'speechiness',
  'acousticness',
  'instrumentalness',
  'liveness',
  'valence',
  'tempo',
  'duration_ms',
] as const;

/** What is wrong with a header line, in words that follow "but", or undefined. Names may be quoted and in any order. */
export function songHeaderProblem(header: string, delimiter: Delimiter = ','): string | undefined {
  const names = headerNames(header, delimiter);
  const unknown = names.find((name) => !SONG_COLUMNS.some((column) => column === name));
  if (unknown !== undefined) return `column "${unknown}" is not one of its columns`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `column "${twice}" is named twice`;
  const missing = SONG_COLUMNS.find((column) => !names.includes(column));
  return missing === undefined ? undefined : `column "${missing}" is missing`;
}

/**
 * The columns of a songs file in the order of its header.
 *
 * @throws {DbadminError} `load-failed` when {@link songHeaderProblem} finds something.
 */
export function songColumns(header: string, delimiter: Delimiter = ','): readonly string[] {
  const problem = songHeaderProblem(header, delimiter);
  if (problem !== undefined) throw new DbadminError('load-failed', `the header of the songs file is wrong: ${problem}`);
  return headerNames(header, delimiter);
}

function headerNames(header: string, delimiter: Delimiter): readonly string[] {
  return splitRecord(header.replace(/^\uFEFF/, '').trimEnd(), delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
}

/** The COPY that takes the rows {@link import('./copy-rows.ts').CopyRows} makes of a songs file with these columns. */
export function songCopyStatement(columns: readonly string[], delimiter: Delimiter = ','): string {
  const list = columns.map((column) => `"${column}"`).join(', ');
  return `copy raw.song (batch_id, row_no, line_no, hash, ${list}) from stdin (format csv, delimiter ${delimiter === '\t' ? "E'\\t'" : `'${delimiter}'`}, force_not_null (${list}))`;
}

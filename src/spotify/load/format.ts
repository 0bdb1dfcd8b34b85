import { delimiterOf, foldName, splitRecord } from './columns.ts';
import { markedEncoding } from './encoding.ts';
import type { Layout, Recognised, SourceFormat } from './formats.ts';
import { songHeaderProblem } from './songs.ts';

/** How much of a file's beginning {@link recogniseFormat} wants to see. */
export const HEAD_BYTES = 65_536;

const RANKS = ['rank', 'position', 'daily_rank'];
const TITLES = ['track_name', 'title', 'song_name', 'name'];
const TRACKS = ['track_uri', 'track_id', 'spotify_id', 'spotify_uri', 'uri', 'track_url'];
const ARTISTS = ['artist_name_s', 'artist_names', 'artist_name', 'artist_s_name', 'artists', 'artist'];
/** What only a list that somebody made has. */
const LISTED = ['playlist_name', 'playlist_id', 'playlist_uri', 'added_at'];

/**
 * What the file that begins with `head` is, by its content; its name says nothing. `encoding` is what the user says, and
 * UTF-8 where nobody says anything and no mark stands at the beginning. An object of JSON is `document`: what it is can
 * only be told when it is whole.
 */
export function recogniseFormat(
  head: Uint8Array,
  encoding?: string,
): Recognised | { readonly kind: 'document'; readonly encoding: string } {
  if (head.length === 0) return { kind: 'unknown', reason: 'is empty' };
  const used = markedEncoding(head) ?? encoding ?? 'utf-8';
  const text = new TextDecoder(used)
    .decode(head)
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (text === '') return { kind: 'unknown', reason: 'holds nothing but blanks' };
  if (text.startsWith('[')) return recogniseArray(text, used);
  if (text.startsWith('{')) return { kind: 'document', encoding: used };
  return recogniseHeader(text, used);
}

/** Whether a record is the remark that older chart downloads begin with, before the header. */
export function isRemark(record: string): boolean {
  return /^,{2,}"?Note that/.test(record);
}

function recogniseHeader(text: string, encoding: string): Recognised {
  const lines = text.split(/\r?\n/);
  const header = (isRemark(lines[0] ?? '') ? lines[1] : lines[0]) ?? '';
  const delimiter = delimiterOf(header);
  const names = splitRecord(header.trimEnd(), delimiter).map(foldName);
  const has = (wanted: readonly string[]): boolean => wanted.some((name) => names.includes(name));
  const csv = (kind: SourceFormat, layout?: Layout): Recognised => ({ kind, form: { kind: 'csv', delimiter }, layout, encoding });
  if (has(['track_id']) && (has(['playlist_subgenre', 'track_album_release_date']) || !has([...RANKS, ...TITLES]))) {
    const problem = songHeaderProblem(header, delimiter);
    if (problem === undefined) return csv('songs');
    const hint = 'The header must name the 23 columns of the songs file, each once, in any order.';
    return { kind: 'unsupported', reason: `looks like a songs file, but ${problem}`, hint };
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  // Streams of songs without a rank are a summary too, of which nothing but the streams is told.
  const isOfStreams = has(['streams']) && has(TITLES) && has(ARTISTS) && !has(RANKS) && !has(LISTED);
  const isSummary = (has(['weeks_charted']) && has(['highest_charting_position'])) || isOfStreams;
  if (isSummary || (has(RANKS) && has(TITLES))) {
    if (twice !== undefined) return namedTwice('chart', twice);
    return csv('chart', isSummary ? 'track_summary' : 'ranking');
  }
  if (has(TRACKS) || (has(['track_name']) && has(ARTISTS))) {
    if (twice !== undefined) return namedTwice('playlist', twice);
    return csv('playlist', 'columns');
  }
  return { kind: 'unknown', reason: 'has no header and no beginning that dbadmin knows' };
}

function namedTwice(what: string, column: string): Recognised {
  const hint = 'Name each column once.';
  return { kind: 'unsupported', reason: `looks like a ${what} file, but column "${column}" is named twice`, hint };
}

function recogniseArray(text: string, encoding: string): Recognised {
  const array = (kind: SourceFormat, layout?: Layout): Recognised => ({ kind, form: { kind: 'array' }, layout, encoding });
  const first = text.slice(0, text.indexOf('}') + 1);
  const has = (name: string): boolean => new RegExp(`"${name}"\\s*:`, 'i').test(first);
  if (has('endTime') && (has('podcastName') || has('episodeName'))) {
    return {
      kind: 'unsupported',
      reason: 'is a history of podcasts',
      hint: 'Histories of music can be loaded: StreamingHistory_music_*.json.',
    };
  }
  if (has('endTime') && (has('artistName') || has('trackName') || has('msPlayed'))) return array('streaming_history');
  if (has('ts') && has('ms_played')) return array('extended_history');
  if (RANKS.some(has) && TITLES.some(has)) return array('chart', 'ranking');
  return { kind: 'unknown', reason: 'is JSON, but not a list of plays or of chart entries' };
}

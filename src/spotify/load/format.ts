import { songHeaderProblem } from './songs.ts';

/** The formats that can be loaded; also the `source` of a row in `raw.batch`. */
export type SourceFormat = 'songs' | 'streaming_history';

/** What a file seems to be. `unknown` and `unsupported` say why, in words that follow the file's name. */
export type Recognised =
  | { readonly kind: SourceFormat }
  | { readonly kind: 'unsupported'; readonly reason: string; readonly hint: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** How much of a file's beginning {@link recogniseFormat} wants to see. */
export const HEAD_BYTES = 65_536;

const UTF8_MARK = '\uFEFF';

/** What the file that begins with `head` is, by its content; its name says nothing. */
export function recogniseFormat(head: Uint8Array): Recognised {
  if (head.length === 0) return { kind: 'unknown', reason: 'is empty' };
  if (head[0] === 0x50 && head[1] === 0x4b) {
    return { kind: 'unsupported', reason: 'is a zip archive', hint: 'Unpack it and load the directory.' };
  }
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(head).replace(UTF8_MARK, '').trimStart();
  if (text.startsWith('[')) return recogniseJson(text);
  const header = text.split(/\r?\n/, 1)[0] ?? '';
  if (!header.includes('track_id')) return { kind: 'unknown', reason: 'has no header and no beginning that dbadmin knows' };
  const problem = songHeaderProblem(header);
  return problem === undefined
    ? { kind: 'songs' }
    : {
        kind: 'unsupported',
        reason: `looks like a songs file, but ${problem}`,
        hint: 'The header must name the 23 columns of the songs file, each once, in any order.',
      };
}

function recogniseJson(text: string): Recognised {
  const first = text.slice(0, text.indexOf('}') + 1);
  if (/"endTime"\s*:/.test(first) && /"(artistName|trackName|msPlayed)"\s*:/.test(first)) return { kind: 'streaming_history' };
  if (/"ts"\s*:/.test(first) && /"ms_played"\s*:/.test(first)) {
    return {
      kind: 'unsupported',
      reason: 'is an extended streaming history',
      hint: 'Only the basic export (StreamingHistory*.json) can be loaded so far.',
    };
  }
  return { kind: 'unknown', reason: 'is JSON, but not a list of plays' };
}

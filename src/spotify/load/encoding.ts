import { DbadminError } from '../../base/errors.ts';

const LF = 0x0a;

/** The encoding that a byte order mark tells, or that every second byte being zero does; undefined for neither. */
export function markedEncoding(head: Uint8Array): string | undefined {
  const [first, second, third, fourth] = head;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  // The first two characters of whatever we read are ASCII, but a NUL is in no text.
  if (first !== 0 && second === 0 && third !== 0 && fourth === 0) return 'utf-16le';
  if (first === 0 && second !== 0 && third === 0 && fourth !== 0) return 'utf-16be';
  return undefined;
}

/**
 * The encoding's own name for `label`, such as `windows-1252` for `latin1`.
 *
 * @throws {DbadminError} `usage` for a label that the Encoding Standard does not have.
 * @see https://encoding.spec.whatwg.org/#names-and-labels
 */
export function encodingOf(label: string): string {
  try {
    return new TextDecoder(label).encoding;
  } catch (error) {
    throw new DbadminError('usage', `unknown encoding "${label}"`, {
      hint: 'For example: windows-1252, utf-16le, shift_jis.',
      cause: error,
    });
  }
}

/** Turns the bytes of a file, in chunks, into UTF-8. */
export interface ToUtf8 {
  push(chunk: Buffer): Buffer;
  /** What the end of the file makes of a cut-off character. */
  end(): Buffer;
}

/**
 * Reads `encoding`. UTF-8 passes as it is: whether it is that is looked at row by row.
 *
 * @throws {DbadminError} `load-failed` with the line, for bytes that the encoding does not have.
 */
export function toUtf8(encoding: string): ToUtf8 {
  if (encoding === 'utf-8') return { push: (chunk) => chunk, end: () => Buffer.alloc(0) };
  const strict = new TextDecoder(encoding, { fatal: true });
  // Beside the strict one, over the same bytes: where that gives up, this one shows the line.
  const lenient = new TextDecoder(encoding);
  let line = 1;
  const decode = (chunk: Buffer, stream: boolean): Buffer => {
    const shown = lenient.decode(chunk, { stream });
    try {
      strict.decode(chunk, { stream });
    } catch (error) {
      const until = shown.slice(0, Math.max(0, shown.indexOf('\uFFFD')));
      throw new DbadminError('load-failed', `line ${line + until.split('\n').length - 1} is not ${encoding} text`, { cause: error });
    }
    const bytes = Buffer.from(shown, 'utf8');
    for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) line += 1;
    return bytes;
  };
  return { push: (chunk) => decode(chunk, true), end: () => decode(Buffer.alloc(0), false) };
}

/**
 * File names as text that loses nothing: a name on disk is bytes and need not be UTF-8. A byte that does not belong to a
 * UTF-8 sequence becomes a lone surrogate, U+DC80 to U+DCFF, which no valid text holds.
 *
 * @see https://peps.python.org/pep-0383/
 */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name as text. */
export function decodePath(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodePiecewise(bytes);
  }
}

function decodePiecewise(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.byteLength;) {
    const taken = sequenceAt(bytes, at);
    text += taken === undefined ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : taken.text;
    at += taken?.length ?? 1;
  }
  return text;
}

/** The UTF-8 sequence that begins at `at`, or undefined when none does. */
function sequenceAt(bytes: Uint8Array, at: number): { readonly text: string; readonly length: number } | undefined {
  for (const length of [1, 2, 3, 4]) {
    if (at + length > bytes.byteLength) return undefined;
    try {
      return { text: strict.decode(bytes.subarray(at, at + length)), length };
    } catch {
      // a longer sequence may begin here
    }
  }
  return undefined;
}

/** The bytes of a name given by {@link decodePath}. */
export function encodePath(path: string): Buffer {
  if (path.isWellFormed()) return Buffer.from(path, 'utf8');
  const pieces: Buffer[] = [];
  for (const character of path) {
    const code = character.charCodeAt(0);
    pieces.push(character.length === 1 && code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(pieces);
}

/** What to give to the file system for a name: the text itself where that is the same. */
export function systemPath(path: string): string | Buffer {
  return path.isWellFormed() ? path : encodePath(path);
}

import { createHash, hash } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * The text of a SQL file: UTF-8, byte order mark stripped, CRLF as LF; nothing else is changed.
 *
 * @throws {DbadminError} `migration-invalid` when the bytes are not UTF-8 or hold a zero byte.
 */
export function normaliseSql(bytes: Uint8Array, file: string): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (error) {
    throw new DbadminError('migration-invalid', `${file}: not UTF-8`, {
      detail: firstBadByte(bytes),
      hint: 'Save it as UTF-8; a file from Windows may be UTF-16 or Latin-1.',
      cause: error,
    });
  }
  const zero = text.indexOf('\0');
  if (zero >= 0) {
    throw new DbadminError('migration-invalid', `${file}: holds a zero byte`, { detail: `It stands at character ${zero + 1}.` });
  }
  return withPlainLines(text);
}

/**
 * The same from a text that was decoded without saying what was wrong; undefined where that would have to be said: the bytes tell.
 * Ten thousand small files are read in half the time this way.
 */
export function normaliseDecoded(text: string): string | undefined {
  if (text.includes('\ufffd') || text.includes('\0')) return undefined;
  return withPlainLines(text.startsWith('\ufeff') ? text.slice(1) : text);
}

function withPlainLines(text: string): string {
  return text.includes('\r\n') ? text.replaceAll('\r\n', '\n') : text;
}

/** Up to here one call is three times as fast as three. */
const ONE_SHOT = 1_000_000;

/** SHA-256 of a normalised text, 64 lower-case hex digits. */
export function sha256Of(text: string): string {
  return text.length < ONE_SHOT ? hash('sha256', text, 'hex') : createHash('sha256').update(text, 'utf8').digest('hex');
}

function firstBadByte(bytes: Uint8Array): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return 'It begins with the mark of UTF-16.';
  const lenient = new TextDecoder('utf-8').decode(bytes);
  const line = lenient.slice(0, Math.max(0, lenient.indexOf('\ufffd'))).split('\n').length;
  return `The first bad byte is on line ${line}.`;
}

import { skipDollarQuote, wordAt, isSpace, skipBlockComment } from './tokens.ts';

/** A text that stands inside another one, and where its characters stand in the file. */
export interface Source {
  readonly text: string;
  /** The UTF-16 offset in the file of the UTF-16 offset in `text`. */
  at(offset: number): number;
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/**
 * What the string literal at `at` of `outer` says. `value` is what PostgreSQL's parser read there: where this reading gives
 * another (a literal continued on the next line, Unicode escapes), every character is placed at the beginning of the literal.
 */
export function literalSource(outer: Source, at: number, value: string): Source {
  const start = skipSpace(outer.text, at);
  const found = readLiteral(outer.text, start);
  if (found === undefined || found.value !== value) return { text: value, at: () => outer.at(start) };
  const { places, from } = found;
  return { text: value, at: (offset) => outer.at(places?.[offset] ?? from + offset) };
}

/** The UTF-16 offset of the UTF-8 offset `bytes`, as the parser gives it. */
export function offsetOfByte(text: string, bytes: number): number {
  let seen = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (seen >= bytes) return at;
    const code = text.charCodeAt(at);
    // Each half of a surrogate pair stands for two of its four bytes.
    seen += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
  }
  return text.length;
}

/** The offset of the next character that is neither space nor in a comment. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    if (isSpace(text.charAt(at))) at += 1;
    else if (text.startsWith('--', at)) {
      const newline = text.indexOf('\n', at);
      at = newline < 0 ? text.length : newline;
    } else if (text.startsWith('/*', at)) at = skipBlockComment(text, at, '');
    else return at;
  }
  return at;
}

interface Literal {
  readonly value: string;
  /** Offset of its first character. */
  readonly from: number;
  /** Offsets of all characters, where they do not simply follow each other; one more for the end. */
  readonly places: readonly number[] | undefined;
}

function readLiteral(text: string, at: number): Literal | undefined {
  if (text.charAt(at) === '$') {
    const end = skipDollarQuote(text, at, '');
    const tag = text.indexOf('$', at + 1) + 1 - at;
    return { value: text.slice(at + tag, end - tag), from: at + tag, places: undefined };
  }
  const escapes = /^e'/i.test(text.slice(at, at + 2));
  const from = at + (escapes ? 2 : 1);
  if (!escapes && text.charAt(at) !== "'") return undefined;
  const places: number[] = [];
  let value = '';
  let next = from;
  while (next < text.length) {
    const char = text.charAt(next);
    places.push(next);
    if (char === "'") {
      if (text.charAt(next + 1) !== "'") return { value, from, places };
      value += char;
      next += 2;
    } else if (escapes && char === '\\') {
      const escaped = text.charAt(next + 1);
      // Numbers of characters: rare enough to give up on exact places.
      if (/[0-7xuU]/.test(escaped)) return undefined;
      value += SIMPLE_ESCAPES[escaped] ?? escaped;
      next += 2;
    } else {
      value += char;
      next += 1;
    }
  }
  return undefined;
}

/** The offset after the plain word at `at`, in any case; undefined when another stands there. */
export function skipWord(text: string, at: number, word: string): number | undefined {
  return wordAt(text, at).toLowerCase() === word ? at + word.length : undefined;
}

import { invalidAt } from '../files/problems.ts';

const WORD = /[A-Za-z0-9_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

/** The letters, digits, `_` and `$` from `at` on. */
export function wordAt(text: string, at: number): string {
  WORD.lastIndex = at;
  return WORD.exec(text)?.[0] ?? '';
}

export function isWordStart(char: string): boolean {
  return (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_' || char >= '\u0080';
}

export function isSpace(char: string): boolean {
  return char === ' ' || char === '\n' || char === '\t' || char === '\r' || char === '\f' || char === '\v';
}

/**
 * What may stand between the parts of one string: at least one end of a line, and comments.
 *
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS
 */
const CONTINUED = /(?:[ \t\f\v]|--[^\n\r]*(?=[\n\r]))*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;

/**
 * The offset after the quoted text that opens at `at`; a doubled quote stays inside. Backslashes count in the further parts of a
 * string too (`E'a'`, then `'\'b'` on the next line).
 */
export function skipQuoted(text: string, at: number, quote: "'" | '"', backslashes: boolean, file: string): number {
  let next = at + 1;
  for (;;) {
    const close = text.indexOf(quote, next);
    if (close < 0) break;
    if (backslashes && endsEscaped(text, next, close)) next = close + 1;
    else if (text.charAt(close + 1) === quote) next = close + 2;
    else {
      if (!backslashes) return close + 1;
      CONTINUED.lastIndex = close + 1;
      if (!CONTINUED.test(text)) return close + 1;
      next = CONTINUED.lastIndex;
    }
  }
  throw invalidAt(file, text, at, quote === "'" ? 'a string is never closed' : 'a quoted name is never closed');
}

/** Whether the character at `close` is escaped by the backslashes before it, of which none stands before `from`. */
function endsEscaped(text: string, from: number, close: number): boolean {
  let backslashes = 0;
  while (close - backslashes > from && text.charAt(close - backslashes - 1) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** The offset of the end of the line that `at` is on, which `\r` alone is too, or the text's. */
export function endOfComment(text: string, at: number): number {
  LINE_END.lastIndex = at;
  return LINE_END.exec(text)?.index ?? text.length;
}

const LINE_END = /[\n\r]/g;

/** The offset after the dollar-quoted text at `at`, or `at + 1` when the dollar opens none (`$1`). */
export function skipDollarQuote(text: string, at: number, file: string): number {
  DOLLAR_TAG.lastIndex = at;
  const tag = DOLLAR_TAG.exec(text)?.[0];
  if (tag === undefined) return at + 1;
  const closing = text.indexOf(tag, at + tag.length);
  if (closing < 0) throw invalidAt(file, text, at, `the text opened by ${tag} is never closed`);
  return closing + tag.length;
}

const COMMENT_EDGE = /\/\*|\*\//g;

/** The offset after the comment at `at`; comments nest. */
export function skipBlockComment(text: string, at: number, file: string): number {
  let depth = 0;
  COMMENT_EDGE.lastIndex = at;
  for (let edge = COMMENT_EDGE.exec(text); edge !== null; edge = COMMENT_EDGE.exec(text)) {
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.index + 2;
  }
  throw invalidAt(file, text, at, 'a comment is never closed');
}

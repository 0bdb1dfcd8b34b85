import { invalidAt } from './problems.ts';

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

/** The offset after the quoted text that opens at `at`; a doubled quote stays inside. */
export function skipQuoted(text: string, at: number, quote: "'" | '"', backslashes: boolean, file: string): number {
  for (let next = at + 1; next < text.length; next += 1) {
    const char = text.charAt(next);
    if (backslashes && char === '\\') next += 1;
    else if (char === quote) {
      if (text.charAt(next + 1) !== quote) return next + 1;
      next += 1;
    }
  }
  throw invalidAt(file, text, at, quote === "'" ? 'a string is never closed' : 'a quoted name is never closed');
}

/** The offset after the dollar-quoted text at `at`, or `at + 1` when the dollar opens none (`$1`). */
export function skipDollarQuote(text: string, at: number, file: string): number {
  DOLLAR_TAG.lastIndex = at;
  const tag = DOLLAR_TAG.exec(text)?.[0];
  if (tag === undefined) return at + 1;
  const closing = text.indexOf(tag, at + tag.length);
  if (closing < 0) throw invalidAt(file, text, at, `the text opened by ${tag} is never closed`);
  return closing + tag.length;
}

/** The offset after the comment at `at`; comments nest. */
export function skipBlockComment(text: string, at: number, file: string): number {
  let depth = 0;
  for (let next = at; next < text.length; next += 1) {
    const pair = text.slice(next, next + 2);
    if (pair === '/*') depth += 1;
    else if (pair === '*/') depth -= 1;
    else continue;
    next += 1;
    if (depth === 0) return next + 1;
  }
  throw invalidAt(file, text, at, 'a comment is never closed');
}

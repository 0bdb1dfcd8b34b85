/** A place in a text: both from 1, columns in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

const SURROGATE_PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;

/** The place of the UTF-16 offset `offset`. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: before.slice(lineStart).replaceAll(SURROGATE_PAIR, ' ').length + 1 };
}

/** The column alone, which does not read the text from its beginning. */
export function columnOf(text: string, offset: number): number {
  const lineStart = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  return text.slice(lineStart, offset).replaceAll(SURROGATE_PAIR, ' ').length + 1;
}

/** The UTF-16 offset of the `characters`-th character (from 0), as PostgreSQL counts them: surrogate pairs are one. */
export function offsetOfCharacter(text: string, characters: number): number {
  let offset = 0;
  for (let seen = 0; seen < characters && offset < text.length; seen += 1) offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  return offset;
}

const WIDEST = 120;

/** The line of `offset` with a caret below it, two lines of text; long lines are cut around the caret. */
export function caret(text: string, offset: number): string {
  const { line } = placeOf(text, offset);
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const from = Math.max(start, offset - WIDEST / 2);
  const shown = text.slice(from, Math.min(end < 0 ? text.length : end, from + WIDEST));
  const label = `${line} | `;
  // Tabs stay tabs so that the caret stands below its character.
  const pad = text.slice(from, offset).replaceAll(/[^\t]/g, ' ');
  return `${label}${shown}\n${' '.repeat(label.length - 2)}| ${pad}^`;
}

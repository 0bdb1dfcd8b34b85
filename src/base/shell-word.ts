/** What sh takes as it stands. */
const PLAIN_WORD = /^[\w./:=@%+,-]+$/;

/** A word for sh, always in quotes: whatever is in it, nothing of it is expanded, run or cut. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The same for a command that people read and copy: in quotes only where it needs them. */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : shellQuote(text);
}

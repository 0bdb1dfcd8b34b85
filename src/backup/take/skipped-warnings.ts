/** What ends a name in the server's languages. */
const CLOSING = /^[\u00a0\u202f ]?["'»«›‹“”„‘’」』]/u;

/** In an encoding that is not UTF-8 each byte of a mark, and of the space beside it, is U+FFFD. So may be letters of a name. */
const UNREAD_OPENING = /\ufffd[ \ufffd]?$/u;
const UNREAD_CLOSING = /^[ \ufffd]?\ufffd$/u;

/**
 * The server's warnings without those of links that it skipped and whose content was saved after all, by their `paths` in the data
 * directory; of the others each once, for the server warns once more when it has counted.
 *
 * The server writes in its own language, with that language's quotation marks.
 */
export function withoutSaved(warnings: readonly string[], paths: readonly string[]): readonly string[] {
  return [...new Set(warnings)].filter((warning) => !paths.some((path) => isNamed(warning, `./${path}`)));
}

function isNamed(warning: string, name: string): boolean {
  const at = warning.indexOf(name);
  if (at <= 0) return false;
  const rest = warning.slice(at + name.length);
  if (CLOSING.test(rest)) return true;
  // Nothing comes after such a mark in any of these languages; a character more is one of a longer name.
  return UNREAD_CLOSING.test(rest) && UNREAD_OPENING.exec(warning.slice(0, at))?.[0].length === rest.length;
}

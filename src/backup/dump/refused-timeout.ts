/** pg_restore sets it in each of its sessions since this major, and servers know it since then. Which server it speaks to it does not look at. */
const SINCE = 17;

/** As pg_restore prints it, in one piece; what the server says of it is in the server's language. */
const REFUSED = /could not execute query: [^\n]*\btransaction_timeout\b[^\n]*\nCommand was: SET transaction_timeout = 0;/g;

/**
 * Whether a pg_restore of `programMajor` begins, in a server of `serverMajor`, with a statement that this refuses. It is without consequence; but one that is
 * told to end at the first error ends there, and no older pg_restore reads a dump of a newer pg_dump.
 */
export function setsRefusedTimeout(programMajor: number, serverMajor: number): boolean {
  return programMajor >= SINCE && serverMajor < SINCE;
}

/**
 * Whether a pg_restore that was told to go on after errors, and came to its end, met no other. The words before a message may be mixed with those of
 * another of its processes, the message itself is not: each has one `error: ` before it, whatever it says.
 */
export function metNothingElse(said: string): boolean {
  const refused = said.match(REFUSED)?.length ?? 0;
  const others = said.replaceAll(REFUSED, '');
  return refused > 0 && /^pg_restore: warning: errors ignored on restore: \d+$/m.test(others) && countOf(others, 'error: ') === refused;
}

/** What is left for people to read. */
export function withoutRefused(said: string): string {
  const lines = said.replaceAll(REFUSED, '').split('\n');
  return lines.filter((line) => !/^(?:pg_restore: error:)?\s*$/.test(line)).join('\n');
}

function countOf(text: string, words: string): number {
  return text.split(words).length - 1;
}

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|.)/gs;

/**
 * What PostgreSQL will not take among the escapes of a JSON text, in words that follow a line's number; undefined when there is
 * nothing. A column of type json receives them all, and refuses when they are read: the file should be refused before.
 *
 * @see https://www.postgresql.org/docs/current/datatype-json.html
 */
export function escapeFault(json: string): string | undefined {
  let highEndsAt = -1;
  for (const { 0: escape, 1: digits, index } of json.matchAll(ESCAPE)) {
    const unit = digits === undefined ? undefined : Number.parseInt(digits, 16);
    const isLow = unit !== undefined && unit >= 0xdc00 && unit <= 0xdfff;
    if (isLow !== (highEndsAt === index)) return ALONE;
    highEndsAt = unit !== undefined && unit >= 0xd800 && unit <= 0xdbff ? index + escape.length : -1;
    if (unit === 0) return 'holds a character which no text of PostgreSQL can: \\u0000';
  }
  return highEndsAt === -1 ? undefined : ALONE;
}

const ALONE = 'is not JSON that PostgreSQL takes: half of a surrogate pair stands alone';

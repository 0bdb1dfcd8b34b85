/** PostgreSQL cuts longer names off. */
export const NAME_BYTES = 63;

/**
 * The name under which a database is filled until it is whole: `NAME (dbadmin restore 1a2b3c4d)`, with as much of its own name as fits.
 * `nonce` is 8 lower-case hex digits, other ones for each attempt: what a killed one left is in nobody's way.
 */
export function workingNameOf(name: string, nonce: string): string {
  return withSuffix(name, ` (dbadmin restore ${nonce})`);
}

/** As much of `name` as fits in front of `suffix`, which is ASCII, in whole characters. */
export function withSuffix(name: string, suffix: string): string {
  let start = name;
  while (Buffer.byteLength(start) + suffix.length > NAME_BYTES) start = Array.from(start).slice(0, -1).join('');
  return start + suffix;
}

export function isWorkingName(name: string): boolean {
  return / \(dbadmin restore [0-9a-f]{8}\)$/.test(name);
}

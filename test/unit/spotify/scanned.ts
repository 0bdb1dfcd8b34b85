import type { OnRecord } from '../../../src/spotify/load/csv-scanner.ts';

interface Scanner {
  push(chunk: Buffer): void;
  end(): void;
}

/** A record as text, and the line it begins on. */
export type Scanned = readonly [text: string, line: number];

/** What a scanner finds in `content` cut at `cuts`, byte offsets in any order. */
export function scan(
  make: (onRecord: OnRecord) => Scanner,
  content: string | Uint8Array,
  cuts: readonly number[] = [],
): readonly Scanned[] {
  const bytes = Buffer.from(content);
  const found: Scanned[] = [];
  const scanner = make((buffer, start, end, line) => found.push([buffer.toString('utf8', start, end), line]));
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length];
  // A copy of each piece: a scanner must not hold on to memory that its caller writes again.
  for (const [index, from] of at.slice(0, -1).entries()) scanner.push(Buffer.from(bytes.subarray(from, at[index + 1])));
  scanner.end();
  return found;
}

import { isWhole } from './content-proof.ts';

/** Each try is a hash of all: an identity has a few hundred bytes. */
const MOST_BYTES = 4096;

/**
 * The sealed object that `bytes` was before one of its bits was flipped, told by the hash at its end; undefined when it is another
 * damage. `bytes` stays as it is.
 */
export function mendFlippedBit(bytes: Uint8Array): Buffer | undefined {
  if (bytes.byteLength > MOST_BYTES) return undefined;
  const tried = Buffer.from(bytes);
  for (let bit = 0; bit < 8 * tried.byteLength; bit += 1) {
    const at = bit >> 3;
    const byte = tried.readUInt8(at);
    tried.writeUInt8(byte ^ (1 << (bit & 7)), at);
    if (isWhole(tried)) return tried;
    tried.writeUInt8(byte, at);
  }
  return undefined;
}

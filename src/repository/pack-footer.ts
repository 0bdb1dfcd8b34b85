import { damaged } from './envelope.ts';
import { packKey } from './layout.ts';
import { decodeFooter, entriesBytes, readTrailer, TRAILER_BYTES, type PackedBlob } from './pack.ts';
import type { Repository } from './repository.ts';

/** Most packs have fewer blobs than this: their footer comes with one read. */
const EXPECTED_BLOBS = 512;

/**
 * What a pack holds, by its own footer: no key is needed.
 *
 * @throws {DbadminError} `repository-damaged` when it does not end as a pack does.
 */
export async function readFooter(
  { store }: Pick<Repository, 'store'>,
  systemIdentifier: string,
  pack: string,
  sizeBytes: number,
): Promise<readonly PackedBlob[]> {
  const key = packKey(systemIdentifier, pack);
  const readTail = async (lengthBytes: number): Promise<Buffer> => {
    const bytes = await store.readRange(key, sizeBytes - lengthBytes, lengthBytes);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  let tail = await readTail(Math.min(sizeBytes, entriesBytes(EXPECTED_BLOBS) + TRAILER_BYTES));
  const footerBytes = entriesBytes(readTrailer(tail.subarray(Math.max(0, tail.byteLength - TRAILER_BYTES)), key)) + TRAILER_BYTES;
  if (footerBytes > sizeBytes) throw damaged(key, 'Its footer says that it is longer than the pack.');
  if (footerBytes > tail.byteLength) tail = await readTail(footerBytes);
  return decodeFooter(tail.subarray(tail.byteLength - footerBytes), key);
}

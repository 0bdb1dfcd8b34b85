import { DEFAULT_LEVEL } from './compress.ts';
import { damaged, seal, sealStream, unseal, unsealStream, type Unsealed } from './envelope.ts';
import type { Repository } from './repository.ts';
import type { ObjectBody } from '../storage/store.ts';

/** Whole segments of WAL as objects. Those of more than this are sealed and opened in pieces: nobody has more of them in memory than their bytes. */
const AT_ONCE_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
const LONG_HEADER_BYTES = 40;

/**
 * The object of a whole segment. In pieces its header cannot tell how long the body becomes. Each time that it is iterated anew an encrypted one is another,
 * with the same hash in its header: whoever finds the key taken compares that.
 */
export async function sealSegment(repository: Repository, header: object, bytes: Buffer): Promise<ObjectBody> {
  if (bytes.byteLength <= AT_ONCE_BYTES) return await seal(repository, 'wal', (bodyBytes) => ({ ...header, bodyBytes }), bytes);
  const pieces = {
    async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
      for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) yield await Promise.resolve(bytes.subarray(at, at + PIECE_BYTES));
    },
  };
  const stream = {
    [Symbol.asyncIterator]: (): AsyncGenerator<Uint8Array> => sealStream(repository, 'wal', header, pieces, DEFAULT_LEVEL),
  };
  return { stream, mostBytes: sealedMost(bytes.byteLength), replayable: true };
}

/** More than zstd, encryption and header add to what cannot be compressed. */
function sealedMost(plainBytes: number): number {
  return plainBytes + (plainBytes >> 6) + 1024 * 1024;
}

/** What was opened of a segment that is whole: `body` may be no more than its beginning. */
export interface CheckedStart extends Unsealed {
  readonly plainBytes: number;
}

/** The inverse, checked as every sealed object. @throws {DbadminError} as `unseal`, `storage-missing`. */
export async function openSegment(repository: Repository, key: string, segmentBytes: number): Promise<Unsealed> {
  // Decrypted at once it would be there four times.
  if (segmentBytes <= AT_ONCE_BYTES && repository.keys === undefined)
    return await unseal(repository, 'wal', await repository.store.read(key), key, segmentBytes);
  const { header, body } = await openInPieces(repository, key, segmentBytes, segmentBytes);
  return { header, body };
}

/** The same of a segment that nobody wants but for the check: its beginning, as long as a header of a page is, and how long it is in all. */
export async function checkedStart(repository: Repository, key: string, segmentBytes: number): Promise<CheckedStart> {
  if (segmentBytes > AT_ONCE_BYTES) return await openInPieces(repository, key, segmentBytes, LONG_HEADER_BYTES);
  const { header, body } = await openSegment(repository, key, segmentBytes);
  return { header, body, plainBytes: body.byteLength };
}

async function openInPieces(repository: Repository, key: string, mostBytes: number, keptBytes: number): Promise<CheckedStart> {
  let header: Unsealed['header'] = {};
  const kept = Buffer.allocUnsafeSlow(keptBytes);
  let plainBytes = 0;
  for await (const piece of unsealStream(repository, 'wal', repository.store.readStream(key), key, (start) => (header = start.header))) {
    if (plainBytes + piece.byteLength > mostBytes) throw damaged(key, 'Its body is longer than a segment.');
    if (plainBytes < keptBytes) piece.copy(kept, plainBytes);
    plainBytes += piece.byteLength;
  }
  return { header, body: kept.subarray(0, plainBytes), plainBytes };
}

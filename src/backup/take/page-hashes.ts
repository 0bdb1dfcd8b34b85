import { blake3Keyed } from '../../repository/hash.ts';
import type { ContentExtent, Stretch } from './extents.ts';

/** What page hashes are taken of, whatever the server's block size. */
export const HASHED_PAGE_BYTES = 8192;
const PAGE_HASH_BYTES = 8;
/** Page hashes in a blob: a blob of 1 MiB for each GiB of relation. */
const HASHES_PER_BLOB = 131_072;
/** Smaller files are one blob or two: storing them again costs no more than noticing what changed. */
const HASHED_FROM_BYTES = 256 * 1024;

/** Whether page hashes are taken of a file of this size. */
export function isHashed(sizeBytes: number): boolean {
  return sizeBytes >= HASHED_FROM_BYTES;
}

/** Eight bytes for each page of `plain`; a shorter last page counts as one. */
export function hashPages(key: Buffer, plain: Buffer): Buffer {
  const count = Math.ceil(plain.byteLength / HASHED_PAGE_BYTES);
  const hashes = Buffer.allocUnsafe(count * PAGE_HASH_BYTES);
  for (let page = 0; page < count; page += 1) {
    const hash = blake3Keyed(key, plain.subarray(page * HASHED_PAGE_BYTES, (page + 1) * HASHED_PAGE_BYTES));
    hash.copy(hashes, page * PAGE_HASH_BYTES, 0, PAGE_HASH_BYTES);
  }
  return hashes;
}

/** A file's page hashes cut as they are stored. */
export function cutPageHashes(pieces: readonly Buffer[]): readonly Buffer[] {
  const all = Buffer.concat(pieces);
  const size = HASHES_PER_BLOB * PAGE_HASH_BYTES;
  return Array.from({ length: Math.ceil(all.byteLength / size) }, (_, index) => all.subarray(index * size, (index + 1) * size));
}

/** The pages of `[offset, …)` whose hash is another than `old` says, or that it does not know, as stretches of the file. */
export function changedStretches(offset: number, lengthBytes: number, hashes: Buffer, old: Buffer): Stretch[] {
  const stretches: { start: number; end: number }[] = [];
  const firstPage = offset / HASHED_PAGE_BYTES;
  for (let page = 0; page * PAGE_HASH_BYTES < hashes.byteLength; page += 1) {
    const at = (firstPage + page) * PAGE_HASH_BYTES;
    const now = hashes.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES);
    if (at + PAGE_HASH_BYTES <= old.byteLength && now.equals(old.subarray(at, at + PAGE_HASH_BYTES))) continue;
    appendStretch(stretches, offset + page * HASHED_PAGE_BYTES, Math.min(offset + lengthBytes, offset + (page + 1) * HASHED_PAGE_BYTES));
  }
  return stretches;
}

/** Adds `[start, end)`, joined to the last when it follows it. */
export function appendStretch(stretches: { start: number; end: number }[], start: number, end: number): void {
  const last = stretches.at(-1);
  if (last !== undefined && last.end === start) last.end = end;
  else stretches.push({ start, end });
}

/** Where the page hashes of a file of this size lie, one behind the other, in the blobs that {@link cutPageHashes} made. */
export function placesOfHashes(
  sizeBytes: number,
  blobs: readonly number[],
): { readonly sizeBytes: number; readonly extents: readonly ContentExtent[] } {
  const all = Math.ceil(sizeBytes / HASHED_PAGE_BYTES) * PAGE_HASH_BYTES;
  const each = HASHES_PER_BLOB * PAGE_HASH_BYTES;
  const extents = blobs.map((blob, n) => ({ offset: n * each, length: Math.min(each, all - n * each), blob, from: 0 }));
  return { sizeBytes: all, extents };
}

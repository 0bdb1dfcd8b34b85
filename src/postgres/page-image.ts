import { zstdDecompressSync } from 'node:zlib';
import { DbadminError } from '../base/errors.ts';
import type { StoredImage } from './wal-blocks.ts';

const BLOCK_BYTES = 8192;

/**
 * The block that an image in the WAL stands for, with its hole of zeros.
 *
 * @throws {DbadminError} `wal-invalid` when it does not decompress to what it should.
 */
export function restoreImage(image: StoredImage): Buffer {
  const plainBytes = BLOCK_BYTES - image.holeBytes;
  const plain = decompressImage(image, plainBytes);
  if (plain === undefined || plain.length !== plainBytes) {
    throw new DbadminError('wal-invalid', `a ${image.compression} image of a block in the WAL does not decompress`);
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  plain.copy(block, 0, 0, image.holeOffset);
  plain.copy(block, image.holeOffset + image.holeBytes, image.holeOffset);
  return block;
}

function decompressImage({ bytes, compression }: StoredImage, plainBytes: number): Buffer | undefined {
  switch (compression) {
    case 'none':
      return bytes;
    case 'pglz':
      return decompressPglz(bytes, plainBytes);
    case 'lz4':
      return decompressLz4(bytes, plainBytes);
    case 'zstd':
      return zstdDecompressSync(bytes, { maxOutputLength: BLOCK_BYTES });
  }
}

/**
 * PostgreSQL's own compression: a control byte, then eight items, each a byte or a copy of earlier output.
 *
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/common/pg_lzcompress.c
 */
export function decompressPglz(bytes: Uint8Array, plainBytes: number): Buffer | undefined {
  const plain = Buffer.alloc(plainBytes);
  let at = 0;
  let written = 0;
  while (at < bytes.length && written < plainBytes) {
    let control = bytes[at] ?? 0;
    at += 1;
    for (let item = 0; item < 8 && at < bytes.length && written < plainBytes; item += 1, control >>= 1) {
      if ((control & 1) === 0) {
        plain[written] = bytes[at] ?? 0;
        written += 1;
        at += 1;
        continue;
      }
      const first = bytes[at] ?? 0;
      const distance = ((first & 0xf0) << 4) | (bytes[at + 1] ?? 0);
      let length = (first & 0x0f) + 3;
      at += 2;
      if (length === 18) {
        length += bytes[at] ?? 0;
        at += 1;
      }
      if (distance === 0 || distance > written) return undefined;
      written = repeat(plain, written, distance, length);
    }
  }
  return at === bytes.length && written === plainBytes ? plain : undefined;
}

/** An LZ4 block (not a frame). @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
export function decompressLz4(bytes: Uint8Array, plainBytes: number): Buffer | undefined {
  const plain = Buffer.alloc(plainBytes);
  let at = 0;
  let written = 0;
  const extended = (length: number): number => {
    if (length < 15) return length;
    let sum = length;
    for (let byte = 255; byte === 255;) {
      byte = bytes[at] ?? 0;
      at += 1;
      sum += byte;
    }
    return sum;
  };
  while (at < bytes.length) {
    const token = bytes[at] ?? 0;
    at += 1;
    const literals = extended(token >> 4);
    if (at + literals > bytes.length || written + literals > plainBytes) return undefined;
    plain.set(bytes.subarray(at, at + literals), written);
    at += literals;
    written += literals;
    // The last sequence has no copy.
    if (at >= bytes.length) break;
    const distance = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    at += 2;
    const length = extended(token & 0x0f) + 4;
    if (distance === 0 || distance > written || written + length > plainBytes) return undefined;
    written = repeat(plain, written, distance, length);
  }
  return written === plainBytes ? plain : undefined;
}

/** Copies what was written `distance` before, byte by byte: the two may overlap. Gives where the next byte goes. */
function repeat(plain: Buffer, written: number, distance: number, length: number): number {
  const end = Math.min(plain.length, written + length);
  for (let index = written; index < end; index += 1) plain[index] = plain[index - distance] ?? 0;
  return end;
}

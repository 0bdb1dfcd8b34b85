import type { Listed } from '../base/listed.ts';
import { damaged } from './envelope.ts';
import { blake3 } from './hash.ts';

/** Packs: many blobs in one object, with a footer that says where each lies. @see FORMAT.md "Content: blobs and packs" */

export const MAX_BLOB_BYTES = 1024 * 1024;
export const PACK_START = Buffer.from('DBAPACK1', 'latin1');
const PACK_END = Buffer.from('DBAPEND1', 'latin1');
/** Bytes of a blob's name, with which its entry begins. */
export const HASH_BYTES = 32;
const ENTRY_BYTES = 48;
/** Everything after the footer's entries: count, hash, end mark. */
export const TRAILER_BYTES = 4 + 32 + 8;
const FLAG_ZSTD = 1;
const FLAG_ENCRYPTED = 2;

/** One blob inside a pack. */
export interface PackedBlob {
  /** The blob's name: BLAKE3-256 of the plain bytes, keyed in an encrypted repository; 64 hex digits. */
  readonly hash: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly zstd: boolean;
  readonly encrypted: boolean;
}

/** Entries as packs and indexes hold them: 48 bytes each, no count. */
export function encodeEntries(blobs: Listed<PackedBlob>): Buffer {
  const bytes = Buffer.alloc(blobs.length * ENTRY_BYTES);
  let at = 0;
  for (const blob of blobs) {
    bytes.write(blob.hash, at, 'hex');
    bytes.writeUInt32BE(blob.offset, at + 32);
    bytes.writeUInt32BE(blob.storedBytes, at + 36);
    bytes.writeUInt32BE(blob.plainBytes, at + 40);
    bytes.writeUInt32BE((blob.zstd ? FLAG_ZSTD : 0) | (blob.encrypted ? FLAG_ENCRYPTED : 0), at + 44);
    at += ENTRY_BYTES;
  }
  return bytes;
}

/** @throws {DbadminError} `repository-damaged` when `bytes` are not `count` entries. */
export function decodeEntries(bytes: Buffer, count: number, name: string): readonly PackedBlob[] {
  if (bytes.byteLength < count * ENTRY_BYTES) throw damaged(name, 'Its list of blobs is cut short.');
  return Array.from({ length: count }, (_, index) => ({
    hash: bytes.toString('hex', index * ENTRY_BYTES, index * ENTRY_BYTES + HASH_BYTES),
    ...entryPlace(bytes, index),
  }));
}

/** Where the name of an entry begins, {@link HASH_BYTES} of it. */
export function entryStart(index: number): number {
  return index * ENTRY_BYTES;
}

/** What an entry says but its name. */
export function entryPlace(bytes: Buffer, index: number): Omit<PackedBlob, 'hash'> {
  const at = entryStart(index) + HASH_BYTES;
  const flags = bytes.readUInt32BE(at + 12);
  return {
    offset: bytes.readUInt32BE(at),
    storedBytes: bytes.readUInt32BE(at + 4),
    plainBytes: bytes.readUInt32BE(at + 8),
    zstd: (flags & FLAG_ZSTD) !== 0,
    encrypted: (flags & FLAG_ENCRYPTED) !== 0,
  };
}

/** How many bytes `count` entries take. */
export function entriesBytes(count: number): number {
  return count * ENTRY_BYTES;
}

/** What closes a pack: entries, count, hash, end mark. */
export function encodeFooter(blobs: Listed<PackedBlob>): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(blobs.length);
  const body = Buffer.concat([encodeEntries(blobs), count]);
  return Buffer.concat([body, blake3(body), PACK_END]);
}

/** The number of blobs, from a pack's last {@link TRAILER_BYTES}. */
export function readTrailer(trailer: Buffer, name: string): number {
  if (trailer.byteLength !== TRAILER_BYTES || !trailer.subarray(36).equals(PACK_END)) throw damaged(name, 'It does not end as a pack.');
  return trailer.readUInt32BE(0);
}

/** The blobs of a pack from its whole footer; the inverse of {@link encodeFooter}. */
export function decodeFooter(footer: Buffer, name: string): readonly PackedBlob[] {
  const count = readTrailer(footer.subarray(footer.byteLength - TRAILER_BYTES), name);
  const bodyEnd = footer.byteLength - TRAILER_BYTES + 4;
  if (entriesBytes(count) + 4 !== bodyEnd || !blake3(footer.subarray(0, bodyEnd)).equals(footer.subarray(bodyEnd, bodyEnd + 32))) {
    throw damaged(name, 'The hash of its footer does not match.');
  }
  return decodeEntries(footer, count, name);
}

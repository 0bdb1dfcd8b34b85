import { RECORD_HEADER_BYTES } from './wal-reader.ts';

/** Where a relation's files lie: tablespace, database (0 for shared ones) and the number in their names. */
export interface RelationLocator {
  readonly tablespace: number;
  readonly database: number;
  readonly relation: number;
}

/** A block that a record changes. */
export interface BlockReference {
  readonly id: number;
  readonly locator: RelationLocator;
  /** 0 is the main fork. */
  readonly fork: number;
  readonly block: number;
  /** What is needed to change the block; empty where an image takes its place. */
  readonly data: Buffer;
  readonly image: StoredImage | undefined;
}

/** A block's whole content as the record holds it: without its hole, and perhaps compressed. */
export interface StoredImage {
  readonly bytes: Buffer;
  readonly holeOffset: number;
  readonly holeBytes: number;
  readonly compression: 'none' | 'pglz' | 'lz4' | 'zstd';
}

/** A record taken apart. All buffers are views of the record. */
export interface RecordParts {
  readonly blocks: readonly BlockReference[];
  readonly mainData: Buffer;
}

const BLOCK_BYTES = 8192;
const MAX_BLOCK_ID = 32;
const ID_TOP_LEVEL_XID = 252;
const ID_ORIGIN = 253;
const ID_DATA_LONG = 254;
const ID_DATA_SHORT = 255;

const FORK_MASK = 0x0f;
const HAS_IMAGE = 0x10;
const HAS_DATA = 0x20;
const SAME_RELATION = 0x80;
const IMAGE_HAS_HOLE = 0x01;

interface BlockHead {
  readonly id: number;
  readonly locator: RelationLocator;
  readonly fork: number;
  readonly block: number;
  readonly dataBytes: number;
  readonly image: Omit<StoredImage, 'bytes'> | undefined;
  readonly imageBytes: number;
}

/**
 * A record's blocks and main data, by the headers that follow its own. `major` tells how images are compressed.
 *
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/access/xlogrecord.h
 */
export function recordParts(bytes: Buffer, major: number): RecordParts {
  const heads: BlockHead[] = [];
  let at = RECORD_HEADER_BYTES;
  let mainBytes = 0;
  headers: while (at < bytes.length) {
    const id = bytes[at] ?? 0;
    switch (id) {
      case ID_ORIGIN:
        at += 3;
        break;
      case ID_TOP_LEVEL_XID:
        at += 5;
        break;
      case ID_DATA_SHORT:
        mainBytes = bytes[at + 1] ?? 0;
        at += 2;
        break headers;
      case ID_DATA_LONG:
        mainBytes = bytes.readUInt32LE(at + 1);
        at += 5;
        break headers;
      default: {
        if (id > MAX_BLOCK_ID) break headers;
        const { head, next } = blockHead(bytes, at, major, heads.at(-1)?.locator);
        heads.push(head);
        at = next;
        // Without main data the headers end where the blocks' own bytes fill the rest.
        if (heads.reduce((sum, each) => sum + each.imageBytes + each.dataBytes, 0) === bytes.length - at) break headers;
      }
    }
  }
  const blocks: BlockReference[] = [];
  for (const { imageBytes, dataBytes, image, ...head } of heads) {
    const imageAt = at;
    at += imageBytes;
    blocks.push({
      ...head,
      image: image === undefined ? undefined : { ...image, bytes: bytes.subarray(imageAt, at) },
      data: bytes.subarray(at, at + dataBytes),
    });
    at += dataBytes;
  }
  return { blocks, mainData: bytes.subarray(at, at + mainBytes) };
}

function blockHead(
  bytes: Buffer,
  start: number,
  major: number,
  previous: RelationLocator | undefined,
): { readonly head: BlockHead; readonly next: number } {
  const flags = bytes[start + 1] ?? 0;
  const dataBytes = (flags & HAS_DATA) === 0 ? 0 : bytes.readUInt16LE(start + 2);
  let at = start + 4;
  let image: Omit<StoredImage, 'bytes'> | undefined;
  let imageBytes = 0;
  if ((flags & HAS_IMAGE) !== 0) {
    imageBytes = bytes.readUInt16LE(at);
    const holeOffset = bytes.readUInt16LE(at + 2);
    const imageInfo = bytes[at + 4] ?? 0;
    at += 5;
    const compression = compressionOf(imageInfo, major);
    let holeBytes = BLOCK_BYTES - imageBytes;
    if (compression !== 'none') {
      holeBytes = 0;
      if ((imageInfo & IMAGE_HAS_HOLE) !== 0) {
        holeBytes = bytes.readUInt16LE(at);
        at += 2;
      }
    }
    image = { holeOffset, holeBytes, compression };
  }
  let locator = previous;
  if ((flags & SAME_RELATION) === 0 || locator === undefined) {
    locator = { tablespace: bytes.readUInt32LE(at), database: bytes.readUInt32LE(at + 4), relation: bytes.readUInt32LE(at + 8) };
    at += 12;
  }
  const block = bytes.readUInt32LE(at);
  return { head: { id: bytes[start] ?? 0, locator, fork: flags & FORK_MASK, block, dataBytes, image, imageBytes }, next: at + 4 };
}

function compressionOf(imageInfo: number, major: number): StoredImage['compression'] {
  if (major <= 14) return (imageInfo & 0x02) === 0 ? 'none' : 'pglz';
  if ((imageInfo & 0x04) !== 0) return 'pglz';
  if ((imageInfo & 0x08) !== 0) return 'lz4';
  return (imageInfo & 0x10) === 0 ? 'none' : 'zstd';
}

/** The first block of a record, without taking the record apart. */
export interface FirstBlock {
  database: number;
  relation: number;
}

/**
 * Writes into `found` whose block the record at `offset` of `bytes` changes first: for the sieve that every record goes
 * through. `none` when it changes no block, `unknown` when the bytes end before it is said.
 */
export function findFirstBlock(bytes: Buffer, offset: number, major: number, found: FirstBlock): 'found' | 'none' | 'unknown' {
  let at = offset + RECORD_HEADER_BYTES;
  for (;;) {
    const id = bytes[at];
    if (id === undefined) return 'unknown';
    if (id === ID_ORIGIN) at += 3;
    else if (id === ID_TOP_LEVEL_XID) at += 5;
    else if (id > MAX_BLOCK_ID) return 'none';
    else {
      const flags = bytes[at + 1] ?? 0;
      let locatorAt = at + 4;
      if ((flags & HAS_IMAGE) !== 0) {
        const imageInfo = bytes[at + 8] ?? 0;
        locatorAt += (imageInfo & IMAGE_HAS_HOLE) !== 0 && compressionOf(imageInfo, major) !== 'none' ? 7 : 5;
      }
      if (locatorAt + 12 > bytes.length) return 'unknown';
      found.database = bytes.readUInt32LE(locatorAt + 4);
      found.relation = bytes.readUInt32LE(locatorAt + 8);
      return 'found';
    }
  }
}

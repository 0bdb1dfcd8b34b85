import { DbadminError } from '../base/errors.ts';
import { formatLsn } from './lsn.ts';

/** Bytes of a WAL page. Another size is a choice at compile time that no distribution makes. */
export const WAL_PAGE_BYTES = 8192;

/** XLOG_PAGE_MAGIC: it changes with the format of the records. */
const MAGIC: Readonly<Record<number, number>> = { 14: 0xd10d, 15: 0xd110, 16: 0xd113, 17: 0xd116, 18: 0xd118 };

const FIRST_IS_CONTINUED = 1;
const LONG_HEADER = 2;
const FIRST_IS_OVERWRITTEN = 8;
const SHORT_HEADER_BYTES = 24;
const LONG_HEADER_BYTES = 40;

export interface WalPageHeader {
  readonly headerBytes: number;
  readonly timeline: number;
  readonly lsn: bigint;
  /** Bytes, from here on, of a record that began on an earlier page; undefined when a record begins here. */
  readonly continuedBytes: number | undefined;
  /** Whether this page takes the place of the rest of a record that a crash cut off. */
  readonly overwritesContinued: boolean;
  /** Only on the first page of a segment. */
  readonly segment: { readonly systemIdentifier: string; readonly segmentBytes: number; readonly walBlockBytes: number } | undefined;
}

/** The magic number of `major`. @throws {DbadminError} `server-unsupported` for majors whose WAL is not known. */
export function walMagic(major: number): number {
  const magic = MAGIC[major];
  if (magic === undefined) throw new DbadminError('server-unsupported', `the WAL of PostgreSQL ${major} is not known`);
  return magic;
}

/** Reads a page's header, or gives undefined when the bytes are no page of WAL with this magic at `lsn`: zeros, garbage, or an old page of a recycled file. */
export function parseWalPageHeader(page: Buffer, magic: number, lsn: bigint): WalPageHeader | undefined {
  if (page.length < SHORT_HEADER_BYTES || page.readUInt16LE(0) !== magic || page.readBigUInt64LE(8) !== lsn) return undefined;
  const flags = page.readUInt16LE(2);
  const isLong = (flags & LONG_HEADER) !== 0;
  if (isLong && page.length < LONG_HEADER_BYTES) return undefined;
  return {
    headerBytes: isLong ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES,
    timeline: page.readUInt32LE(4),
    lsn,
    continuedBytes: (flags & FIRST_IS_CONTINUED) === 0 ? undefined : page.readUInt32LE(16),
    overwritesContinued: (flags & FIRST_IS_OVERWRITTEN) !== 0,
    segment: !isLong
      ? undefined
      : {
          systemIdentifier: page.readBigUInt64LE(24).toString(),
          segmentBytes: page.readUInt32LE(32),
          walBlockBytes: page.readUInt32LE(36),
        },
  };
}

/** Cuts bytes into pages, in whatever pieces they come; the last may be shorter. A page is a view, valid until the next. */
export async function* walPages(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const rest = Buffer.allocUnsafe(WAL_PAGE_BYTES);
  let restLength = 0;
  for await (const piece of source) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let offset = 0;
    if (restLength > 0) {
      offset = Math.min(WAL_PAGE_BYTES - restLength, bytes.length);
      bytes.copy(rest, restLength, 0, offset);
      restLength += offset;
      if (restLength < WAL_PAGE_BYTES) continue;
      restLength = 0;
      yield rest;
    }
    for (; offset + WAL_PAGE_BYTES <= bytes.length; offset += WAL_PAGE_BYTES) yield bytes.subarray(offset, offset + WAL_PAGE_BYTES);
    restLength = bytes.copy(rest, 0, offset);
  }
  if (restLength > 0) yield rest.subarray(0, restLength);
}

/** What a segment's first page must say for its bytes to be read as WAL of this cluster. */
export interface ExpectedSegment {
  readonly systemIdentifier: string | undefined;
  readonly segmentBytes: number;
}

/** @throws {DbadminError} `wal-conflict` for another cluster's WAL, `wal-invalid` for other sizes. */
export function checkSegment(header: WalPageHeader, expected: ExpectedSegment): void {
  const { segment, lsn } = header;
  if (segment === undefined) return;
  if (expected.systemIdentifier !== undefined && segment.systemIdentifier !== expected.systemIdentifier) {
    throw new DbadminError('wal-conflict', `the WAL segment at ${formatLsn(lsn)} belongs to another cluster`, {
      detail: `Its system identifier is ${segment.systemIdentifier}; expected is ${expected.systemIdentifier}.`,
    });
  }
  if (segment.segmentBytes !== expected.segmentBytes || segment.walBlockBytes !== WAL_PAGE_BYTES) {
    throw new DbadminError('wal-invalid', `the WAL segment at ${formatLsn(lsn)} has other sizes than expected`, {
      detail: `It says segments of ${segment.segmentBytes} bytes and pages of ${segment.walBlockBytes}; expected are ${expected.segmentBytes} and ${WAL_PAGE_BYTES}.`,
    });
  }
}

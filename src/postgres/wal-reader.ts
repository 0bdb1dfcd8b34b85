import { DbadminError } from '../base/errors.ts';
import { crc32c } from './crc32c.ts';
import { formatLsn } from './lsn.ts';
import { checkSegment, parseWalPageHeader, WAL_PAGE_BYTES, walMagic, walPages, type WalPageHeader } from './wal-page.ts';

/** Where WAL is read from and how it is to be understood. */
export interface WalReadOptions {
  /** LSN of the source's first byte: where a segment begins. */
  readonly startLsn: bigint;
  readonly segmentBytes: number;
  readonly major: number;
  /** The newest timeline whose pages are taken; those of a later one end the WAL. */
  readonly timeline?: number;
  /** WAL of any other cluster is refused. Without it, the first segment's holds for all. */
  readonly systemIdentifier?: string;
  /** Told once where valid WAL ends: at the source's end, or before zeros, garbage or a cut record. */
  readonly onEnd?: (validUntilLsn: bigint) => void;
}

/** A whole record whose checksum is right. `bytes` are a view, valid until the next record is asked for. */
export interface WalRecord {
  readonly lsn: bigint;
  /** Where the next record may begin. */
  readonly endLsn: bigint;
  readonly xid: number;
  /** The resource manager's number. */
  readonly manager: number;
  /** The resource manager's four bits: the kind of record. */
  readonly info: number;
  /** Header included. */
  readonly bytes: Buffer;
}

export const RECORD_HEADER_BYTES = 24;
const MANAGER_XLOG = 0;
const XLOG_SWITCH = 0x40;

interface Partial {
  readonly lsn: bigint;
  readonly totalBytes: number;
  readonly pieces: Buffer[];
  leftBytes: number;
}

/**
 * Reads the records of WAL from where a segment begins, in order; the rest of a record that began before is skipped.
 *
 * The end of valid WAL ends the iteration, as it ends recovery: a page that is none, a record that does not follow the one
 * before, a wrong checksum. The caller compares `onEnd` with what should be there.
 *
 * @throws {DbadminError} `wal-invalid` when the first page is no WAL of this major; `wal-conflict` for another cluster's.
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/access/transam/xlogreader.c
 */
export async function* readWalRecords(source: AsyncIterable<Uint8Array>, options: WalReadOptions): AsyncGenerator<WalRecord> {
  const parser = new PageParser(options);
  for await (const page of walPages(source)) {
    yield* parser.records(page);
    if (parser.isOver) break;
  }
  options.onEnd?.(parser.validUntilLsn);
}

class PageParser {
  readonly #options: WalReadOptions;
  readonly #magic: number;
  #pageLsn: bigint;
  #systemIdentifier: string | undefined;
  #timeline = 0;
  #previousLsn: bigint | undefined;
  #partial: Partial | undefined;
  /** Bytes, page headers not counted, of a record whose beginning was not seen. */
  #skipBytes = 0;
  /** Pages before this position hold nothing: the WAL was switched to the next segment. */
  #skipUntilLsn = 0n;
  isOver = false;
  validUntilLsn: bigint;

  constructor(options: WalReadOptions) {
    this.#options = options;
    this.#magic = walMagic(options.major);
    this.#pageLsn = options.startLsn;
    this.#systemIdentifier = options.systemIdentifier;
    this.validUntilLsn = options.startLsn;
  }

  *records(page: Buffer): Generator<WalRecord> {
    const pageLsn = this.#pageLsn;
    this.#pageLsn += BigInt(WAL_PAGE_BYTES);
    if (pageLsn < this.#skipUntilLsn) return;
    const header = this.#header(page, pageLsn);
    let offset = header === undefined ? undefined : this.#afterContinued(page, header);
    if (offset === undefined) {
      this.isOver = true;
      return;
    }
    if (this.#partial !== undefined && this.#partial.leftBytes === 0) {
      const { lsn, pieces } = this.#partial;
      this.#partial = undefined;
      const record = this.#record(Buffer.concat(pieces), lsn, pageLsn + BigInt(offset));
      if (record !== undefined) yield record;
    }
    while (!this.isOver && this.#partial === undefined && offset + 4 <= page.length) {
      const totalBytes = page.readUInt32LE(offset);
      const lsn = pageLsn + BigInt(offset);
      if (lsn < this.#skipUntilLsn) return;
      if (totalBytes < RECORD_HEADER_BYTES) {
        this.isOver = true;
      } else if (offset + totalBytes <= page.length) {
        const next: number = offset + align(totalBytes);
        const record = this.#record(page.subarray(offset, offset + totalBytes), lsn, pageLsn + BigInt(next));
        if (record !== undefined) yield record;
        offset = next;
      } else {
        const piece = Buffer.from(page.subarray(offset));
        this.#partial = { lsn, totalBytes, pieces: [piece], leftBytes: totalBytes - piece.length };
      }
    }
    // A short page is the source's last.
    if (page.length < WAL_PAGE_BYTES) this.isOver = true;
  }

  #header(page: Buffer, pageLsn: bigint): WalPageHeader | undefined {
    const header = parseWalPageHeader(page, this.#magic, pageLsn);
    if (header === undefined) {
      if (pageLsn === this.#options.startLsn && page.some((byte) => byte !== 0)) throw notWal(this.#options);
      return undefined;
    }
    checkSegment(header, { systemIdentifier: this.#systemIdentifier, segmentBytes: this.#options.segmentBytes });
    this.#systemIdentifier ??= header.segment?.systemIdentifier;
    const newest = this.#options.timeline ?? header.timeline;
    if (header.timeline < this.#timeline || header.timeline > newest) return undefined;
    this.#timeline = header.timeline;
    return header;
  }

  /** Takes what the page continues and gives the offset of the first record that begins on it, or undefined when it continues another record than expected. */
  #afterContinued(page: Buffer, header: WalPageHeader): number | undefined {
    const partial = this.#partial;
    if (header.overwritesContinued && partial !== undefined) {
      // A crash cut that record off; what follows replaces its rest.
      this.#partial = undefined;
      this.#previousLsn = undefined;
      return header.headerBytes;
    }
    const expected = partial?.leftBytes ?? this.#skipBytes;
    const isFirst = header.lsn === this.#options.startLsn;
    const continued = header.continuedBytes ?? 0;
    if (!isFirst && continued !== expected) return undefined;
    const here = Math.min(continued, WAL_PAGE_BYTES - header.headerBytes);
    if (partial === undefined) this.#skipBytes = continued - here;
    else {
      const piece = Buffer.from(page.subarray(header.headerBytes, header.headerBytes + here));
      partial.pieces.push(piece);
      partial.leftBytes -= piece.length;
    }
    return header.headerBytes + (continued === here ? align(here) : here);
  }

  #record(bytes: Buffer, lsn: bigint, endLsn: bigint): WalRecord | undefined {
    const follows = this.#previousLsn === undefined || bytes.readBigUInt64LE(8) === this.#previousLsn;
    if (!follows || crc32c(bytes.subarray(0, 20), crc32c(bytes.subarray(RECORD_HEADER_BYTES))) !== bytes.readUInt32LE(20)) {
      this.isOver = true;
      return undefined;
    }
    this.#previousLsn = lsn;
    const manager = bytes[17] ?? 0;
    const info = (bytes[16] ?? 0) & 0xf0;
    const size = BigInt(this.#options.segmentBytes);
    if (manager === MANAGER_XLOG && info === XLOG_SWITCH) this.#skipUntilLsn = ((endLsn + size - 1n) / size) * size;
    this.validUntilLsn = this.#skipUntilLsn > endLsn ? this.#skipUntilLsn : endLsn;
    return { lsn, endLsn: this.validUntilLsn, xid: bytes.readUInt32LE(4), manager, info, bytes };
  }
}

/** Records begin at multiples of eight. */
function align(length: number): number {
  return (length + 7) & ~7;
}

function notWal(options: WalReadOptions): DbadminError {
  return new DbadminError('wal-invalid', `what should be WAL at ${formatLsn(options.startLsn)} is none of PostgreSQL ${options.major}`, {
    detail: 'Its first page has another version, address or content.',
  });
}

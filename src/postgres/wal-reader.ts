import { DbadminError } from '../base/errors.ts';
import { crc32c } from './crc32c.ts';
import { formatLsn } from './lsn.ts';
import { checkSegment, parseWalPageHeader, WAL_PAGE_BYTES, walMagic, walPages, type WalPageHeader } from './wal-page.ts';

/**
 * Says which records somebody wants, by resource manager and kind. The record begins at `offset` of `bytes`, which hold its
 * header and may end before the rest of it: who would have to see more says yes, and is asked again with the whole.
 */
export type RecordSieve = (manager: number, info: number, bytes: Buffer, offset: number) => boolean;

/** Where WAL is read from and how it is to be understood. */
export interface WalReadOptions {
  /** LSN of the source's first byte: where a segment begins, or one of its pages. */
  readonly startLsn: bigint;
  readonly segmentBytes: number;
  readonly major: number;
  /** The newest timeline whose pages are taken; those of a later one end the WAL. */
  readonly timeline?: number;
  /** WAL of any other cluster is refused. Without it, the first segment's holds for all. */
  readonly systemIdentifier?: string;
  /** Which records are given; all of them without it. Those left out cost almost nothing. */
  readonly wants?: RecordSieve;
  /**
   * Records that begin before this position are not checked by their own checksum, which would take most of the time: their
   * bytes come from segments whose hash has been checked. Without it every record is.
   */
  readonly trustedUntilLsn?: bigint;
  /** Told once where valid WAL ends: at the source's end, or before zeros, garbage or a cut record. */
  readonly onEnd?: (validUntilLsn: bigint) => void;
}

/** A whole record. `bytes` are a view, valid until the next record is asked for. */
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

/** A record that goes on on the next page. */
interface Partial {
  readonly offset: number;
  readonly pageLsn: bigint;
  readonly totalBytes: number;
  /** Undefined for a record that nobody wants: only its length matters. */
  readonly pieces: Buffer[] | undefined;
  leftBytes: number;
}

/**
 * Reads the records of WAL from where a segment or a page begins, in order; the rest of a record that began before is skipped.
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
  readonly #wants: RecordSieve;
  #pageLsn: bigint;
  #systemIdentifier: string | undefined;
  #timeline = 0;
  /** Where the record before begins, as two numbers: a bigint for every record would take longer than all the rest. */
  #previousHigh = 0;
  #previousLow = 0;
  #hasPrevious = false;
  #partial: Partial | undefined;
  /** Bytes, page headers not counted, of a record whose beginning was not seen. */
  #skipBytes = 0;
  /** Pages before this position hold nothing: the WAL was switched to the next segment. */
  #skipUntilLsn = 0n;
  /** Valid WAL ends this many bytes after this page's beginning. */
  #validPageLsn: bigint;
  #validOffset = 0;
  isOver = false;

  constructor(options: WalReadOptions) {
    this.#options = options;
    this.#magic = walMagic(options.major);
    this.#wants = options.wants ?? (() => true);
    this.#pageLsn = options.startLsn;
    this.#systemIdentifier = options.systemIdentifier;
    this.#validPageLsn = options.startLsn;
  }

  get validUntilLsn(): bigint {
    const end = this.#validPageLsn + BigInt(this.#validOffset);
    return this.#skipUntilLsn > end ? this.#skipUntilLsn : end;
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
      const { pieces, pageLsn: beganOn, offset: beganAt } = this.#partial;
      this.#partial = undefined;
      if (pieces === undefined) this.#validTo(pageLsn, offset);
      else {
        const bytes = Buffer.concat(pieces);
        const follows = this.#follows(bytes, 0, beganOn, beganAt);
        const record = follows ? this.#record(bytes, beganOn + BigInt(beganAt), pageLsn, offset) : undefined;
        if (record !== undefined) yield record;
      }
    }
    const isTrusted = pageLsn < (this.#options.trustedUntilLsn ?? 0n);
    while (!this.isOver && this.#partial === undefined && offset + 4 <= page.length && pageLsn >= this.#skipUntilLsn) {
      const totalBytes = page.readUInt32LE(offset);
      const end: number = offset + totalBytes;
      if (totalBytes < RECORD_HEADER_BYTES) this.isOver = true;
      else if (isTrusted && offset + RECORD_HEADER_BYTES <= page.length && !this.#isWanted(page, offset)) {
        if (!this.#follows(page, offset, pageLsn, offset)) return;
        if (end > page.length) {
          this.#partial = { pageLsn, offset, totalBytes, pieces: undefined, leftBytes: end - page.length };
          return;
        }
        offset = align(end);
        this.#validTo(pageLsn, offset);
      } else if (end <= page.length) {
        const follows = this.#follows(page, offset, pageLsn, offset);
        const record = follows ? this.#record(page.subarray(offset, end), pageLsn + BigInt(offset), pageLsn, align(end)) : undefined;
        if (record !== undefined) yield record;
        offset = align(end);
        if (this.#skipUntilLsn > pageLsn) return;
      } else {
        const piece = Buffer.from(page.subarray(offset));
        this.#partial = { pageLsn, offset, totalBytes, pieces: [piece], leftBytes: totalBytes - piece.length };
      }
    }
    // A short page is the source's last.
    if (page.length < WAL_PAGE_BYTES) this.isOver = true;
  }

  /** Whether the record whose header is whole on this page has to be looked at; a switch always has. */
  #isWanted(page: Buffer, offset: number): boolean {
    const info = (page[offset + 16] ?? 0) & 0xf0;
    const manager = page[offset + 17] ?? 0;
    return (manager === MANAGER_XLOG && info === XLOG_SWITCH) || this.#wants(manager, info, page, offset);
  }

  /** Whether the record at `at` of `bytes` names the one before as its predecessor; ends the WAL when it does not. It becomes the one before. */
  #follows(bytes: Buffer, at: number, pageLsn: bigint, offset: number): boolean {
    const low = Number(pageLsn & 0xffff_ffffn) + offset;
    const high = Number(pageLsn >> 32n);
    if (this.#hasPrevious && (bytes.readUInt32LE(at + 8) !== this.#previousLow || bytes.readUInt32LE(at + 12) !== this.#previousHigh)) {
      this.isOver = true;
      return false;
    }
    this.#hasPrevious = true;
    this.#previousLow = low;
    this.#previousHigh = high;
    return true;
  }

  #validTo(pageLsn: bigint, offset: number): void {
    this.#validPageLsn = pageLsn;
    this.#validOffset = offset;
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
      this.#hasPrevious = false;
      return header.headerBytes;
    }
    const expected = partial?.leftBytes ?? this.#skipBytes;
    const isFirst = header.lsn === this.#options.startLsn;
    const continued = header.continuedBytes ?? 0;
    if (!isFirst && continued !== expected) return undefined;
    const here = Math.min(continued, WAL_PAGE_BYTES - header.headerBytes);
    if (partial === undefined) this.#skipBytes = continued - here;
    else {
      partial.pieces?.push(Buffer.from(page.subarray(header.headerBytes, header.headerBytes + here)));
      partial.leftBytes -= Math.max(0, Math.min(here, page.length - header.headerBytes));
    }
    return header.headerBytes + (continued === here ? align(here) : here);
  }

  /** The record that ends `endOffset` bytes into a page, or undefined when it is wrong (which ends the WAL) or not wanted. */
  #record(bytes: Buffer, lsn: bigint, endPageLsn: bigint, endOffset: number): WalRecord | undefined {
    const isTrusted = lsn < (this.#options.trustedUntilLsn ?? 0n);
    if (!isTrusted && crc32c(bytes.subarray(0, 20), crc32c(bytes.subarray(RECORD_HEADER_BYTES))) !== bytes.readUInt32LE(20)) {
      this.isOver = true;
      return undefined;
    }
    const manager = bytes[17] ?? 0;
    const info = (bytes[16] ?? 0) & 0xf0;
    const size = BigInt(this.#options.segmentBytes);
    this.#validTo(endPageLsn, endOffset);
    if (manager === MANAGER_XLOG && info === XLOG_SWITCH) {
      const endLsn = endPageLsn + BigInt(endOffset);
      this.#skipUntilLsn = ((endLsn + size - 1n) / size) * size;
    }
    if (!this.#wants(manager, info, bytes, 0)) return undefined;
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

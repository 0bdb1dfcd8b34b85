import { crc32c } from '../../../src/postgres/crc32c.ts';
import { WAL_PAGE_BYTES, walMagic } from '../../../src/postgres/wal-page.ts';

export const SEGMENT_BYTES = 2 ** 20;

export interface RecordToWrite {
  readonly xid: number;
  readonly manager: number;
  readonly info: number;
  readonly data: Uint8Array;
}

/** Lays records into pages as the server does, byte by byte and without any of the reader's code but the checksum. */
export class WalBuilder {
  readonly startLsn: bigint;
  readonly #major: number;
  #bytes: number[] = [];
  #previousLsn = 0n;

  constructor(major: number, startLsn: bigint) {
    this.#major = major;
    this.startLsn = startLsn;
  }

  /** Appends a record and gives where it begins. `writtenBytes` cuts it off there, as a crash does. */
  add(record: RecordToWrite, writtenBytes = Number.POSITIVE_INFINITY): bigint {
    while (this.#bytes.length % 8 !== 0) this.#bytes.push(0);
    if (this.#atPageStart()) this.#pageHeader(0, 0);
    const lsn = this.#lsn();
    const bytes = recordBytes(record, this.#previousLsn);
    for (let index = 0; index < Math.min(bytes.length, writtenBytes); index += 1) {
      if (this.#atPageStart()) this.#pageHeader(bytes.length - index, 1);
      this.#bytes.push(bytes[index] ?? 0);
    }
    this.#previousLsn = lsn;
    return lsn;
  }

  /** Fills the page with zeros and begins the next as the server does after a crash that cut a record off. */
  overwriteCut(): void {
    while (!this.#atPageStart()) this.#bytes.push(0);
    this.#pageHeader(0, 8);
  }

  /** Fills up to the next segment, as after a switch. */
  fillSegment(): void {
    while (this.#bytes.length % SEGMENT_BYTES !== 0) this.#bytes.push(0);
  }

  get endLsn(): bigint {
    return this.startLsn + BigInt(Math.ceil(this.#bytes.length / 8) * 8);
  }

  build(): Buffer {
    return Buffer.from(this.#bytes);
  }

  #lsn(): bigint {
    return this.startLsn + BigInt(this.#bytes.length);
  }

  #atPageStart(): boolean {
    return this.#bytes.length % WAL_PAGE_BYTES === 0;
  }

  #pageHeader(continuedBytes: number, flags: number): void {
    const isLong = this.#bytes.length % SEGMENT_BYTES === 0;
    const header = Buffer.alloc(isLong ? 40 : 24);
    header.writeUInt16LE(walMagic(this.#major), 0);
    header.writeUInt16LE(flags | (isLong ? 2 : 0), 2);
    header.writeUInt32LE(1, 4);
    header.writeBigUInt64LE(this.#lsn(), 8);
    header.writeUInt32LE(continuedBytes, 16);
    if (isLong) {
      header.writeBigUInt64LE(7_710_407_255_717_780_657n, 24);
      header.writeUInt32LE(SEGMENT_BYTES, 32);
      header.writeUInt32LE(WAL_PAGE_BYTES, 36);
    }
    this.#bytes.push(...header);
  }
}

/** The data of a commit or abort at `us` microseconds since 2000. */
export function endData(us: bigint): Buffer {
  const data = Buffer.alloc(8);
  data.writeBigInt64LE(us);
  return data;
}

function recordBytes(record: RecordToWrite, previousLsn: bigint): Buffer {
  const isShort = record.data.length < 256;
  const lengths = Buffer.alloc(isShort ? 2 : 5);
  lengths[0] = isShort ? 255 : 254;
  if (isShort) lengths[1] = record.data.length;
  else lengths.writeUInt32LE(record.data.length, 1);
  const bytes = Buffer.concat([Buffer.alloc(24), lengths, record.data]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(record.xid, 4);
  bytes.writeBigUInt64LE(previousLsn, 8);
  bytes[16] = record.info;
  bytes[17] = record.manager;
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 20), crc32c(bytes.subarray(24))), 20);
  return bytes;
}

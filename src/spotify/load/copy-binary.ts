import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { escapeFault } from './escape-fault.ts';

const CHUNK_BYTES = 262_144;
/** Magic, flags, and the length of a header extension, which there is none of. */
const FILE_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const FILE_END = Buffer.from([0xff, 0xff]);
const HASH_BYTES = 32;
/** Where these stand in a row's head: number of columns, then each column behind its length. */
const ROW_AT = 18;
const LINE_AT = 26;
const HASH_AT = 34;
const JSONB_VERSION = 1;

/**
 * Collects JSON objects as rows of COPY's binary format, in buffers of about {@link CHUNK_BYTES}: batch, row, line, hash, perhaps a text,
 * and the object's bytes as they stand in the file. Nothing is escaped, and the server has nothing to take apart but the JSON.
 *
 * @see https://www.postgresql.org/docs/current/sql-copy.html (Binary Format)
 */
export class CopyBinary {
  /** What all rows begin with, the numbers and the hash to be filled in. */
  readonly #head: Buffer;
  readonly #isJsonb: boolean;
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = FILE_HEADER.copy(this.#buffer);
  #full: Buffer[] = [];
  readonly #lines: number[] = [];

  /** `text` is a column between hash and body, the same in all rows. */
  constructor(batchId: string, text: string | undefined, isJsonb: boolean) {
    this.#isJsonb = isJsonb;
    const extra = text === undefined ? [] : [Buffer.from(text)];
    const columns = [bigint(batchId), Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(HASH_BYTES), ...extra];
    this.#head = Buffer.concat([int16(columns.length + 1), ...columns.flatMap((bytes) => [int32(bytes.length), bytes])]);
  }

  get rows(): number {
    return this.#lines.length;
  }

  /** Line of the file where row `row`, from 1, begins. */
  lineOf(row: number): number | undefined {
    return this.#lines[row - 1];
  }

  /**
   * The object `buffer[start, end)`; `hasEscapes` says that there is a backslash in it.
   *
   * @throws {DbadminError} `load-failed` for bytes that are no text of PostgreSQL's.
   */
  add(buffer: Buffer, start: number, end: number, line: number, hasEscapes: boolean): void {
    const object = buffer.subarray(start, end);
    if (!isUtf8(object)) throw notUtf8(line);
    const fault = hasEscapes ? escapeFault(object.toString()) : undefined;
    if (fault !== undefined) throw new DbadminError('load-failed', `line ${line} ${fault}`);
    this.#lines.push(line);
    const head = this.#head.length;
    this.#makeRoom(head + 5 + object.length);
    const out = this.#buffer;
    const at = this.#used;
    this.#head.copy(out, at);
    out.writeInt32BE(this.#lines.length, at + ROW_AT);
    out.writeInt32BE(line, at + LINE_AT);
    out.write(hash('sha256', object, 'latin1'), at + HASH_AT, HASH_BYTES, 'latin1');
    let used = at + head;
    used = out.writeInt32BE(object.length + (this.#isJsonb ? 1 : 0), used);
    if (this.#isJsonb) out[used++] = JSONB_VERSION;
    this.#used = used + object.copy(out, used);
  }

  /** The buffers that are full; with `all` the last one too, and the end of the data. */
  take(all: boolean): readonly Buffer[] {
    if (all) {
      this.#makeRoom(FILE_END.length);
      this.#used += FILE_END.copy(this.#buffer, this.#used);
      this.#full.push(this.#buffer.subarray(0, this.#used));
      this.#used = 0;
    }
    const full = this.#full;
    this.#full = [];
    return full;
  }

  #makeRoom(roomBytes: number): void {
    if (this.#used + roomBytes <= this.#buffer.length) return;
    this.#full.push(this.#buffer.subarray(0, this.#used));
    this.#buffer = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, roomBytes));
    this.#used = 0;
  }
}

export function notUtf8(line: number | undefined): DbadminError {
  return new DbadminError('load-failed', `line ${line ?? '?'} is not UTF-8 text`, {
    hint: 'Say what it is, for example --encoding windows-1252; or mend the line and load the file again.',
  });
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function bigint(value: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { CopyChunks } from './copy-chunks.ts';
import { escapeFault } from './escape-fault.ts';

const HASH_BYTES = 32;
/** Where these stand in a row's head: number of columns, then each column behind its length. */
const ROW_AT = 18;
const LINE_AT = 26;
const HASH_AT = 34;
const JSONB_VERSION = 1;

/**
 * Collects JSON objects as rows of COPY's binary format: batch, row, line, hash, a text, and the object's bytes as they stand in the
 * file, for a column of type jsonb. Nothing is escaped, and the server has nothing to take apart but the JSON.
 *
 * @see https://www.postgresql.org/docs/current/sql-copy.html (Binary Format)
 */
export class CopyBinary {
  /** What all rows begin with, the numbers and the hash to be filled in. */
  readonly #head: Buffer;
  readonly #chunks = new CopyChunks();
  readonly #lines: number[] = [];

  /** `text` is a column between hash and body, the same in all rows. */
  constructor(batchId: string, text: string) {
    const columns = [bigint(batchId), Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(HASH_BYTES), Buffer.from(text)];
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
    const { buffer: out, at } = this.#chunks.room(head + 5 + object.length);
    this.#head.copy(out, at);
    out.writeInt32BE(this.#lines.length, at + ROW_AT);
    out.writeInt32BE(line, at + LINE_AT);
    out.write(hash('sha256', object, 'latin1'), at + HASH_AT, HASH_BYTES, 'latin1');
    const used = out.writeInt32BE(object.length + 1, at + head);
    out[used] = JSONB_VERSION;
    object.copy(out, used + 1);
  }

  /** The buffers that are full; with `all` the last one too, and the end of the data. */
  take(all: boolean): readonly Buffer[] {
    return this.#chunks.take(all);
  }
}

export function notUtf8(line: number | undefined): DbadminError {
  return new DbadminError('load-failed', `line ${line ?? '?'} is not UTF-8 text`, {
    hint: 'Say what it is, for example --encoding windows-1252; or mend the line and load the file again.',
  });
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function bigint(value: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

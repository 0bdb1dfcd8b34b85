import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { bigint, int16, int32, notUtf8 } from './copy-binary.ts';
import { CopyChunks } from './copy-chunks.ts';
import { escapeFault } from './escape-fault.ts';
import { JsonArrayScanner } from './json-scanner.ts';

/** Of a row with its numbers and lines: a page of 8 KiB holds 8160. Longer rows would be cut up and kept beside the table. */
const ROW_BYTES = 8060;
/** Beside the objects, and of each object beside its bytes. */
const ROW_HEAD_BYTES = 140;
const OBJECT_HEAD_BYTES = 4;
const HASH_BYTES = 32;
const INT4_OID = 23;
/** In PostgreSQL's binary form: dimensions, whether NULLs are among them, type of the elements, how many, number of the first. */
const ARRAY_HEAD_BYTES = 20;
const FIRST_ROW_AT = 18;

const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

/**
 * Collects the objects of one JSON array as rows of COPY's binary format, as many of them a row as fill a page: batch, number of the first,
 * lines, hash, and the bytes from the first object to the last as they stand in the file, in brackets. Neither we nor the server do
 * anything for a single object but read it.
 *
 * @see https://www.postgresql.org/docs/current/sql-copy.html (Binary Format)
 */
export class CopySlices {
  /** What all rows begin with, the number to be filled in. */
  readonly #head: Buffer;
  readonly #chunks = new CopyChunks();
  /** Where each play begins. */
  readonly #allLines: number[] = [];
  /** How many plays stand before each slice. */
  readonly #before: number[] = [];
  #text: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #lines: number[] = [];

  constructor(batchId: string) {
    this.#head = Buffer.concat([int16(5), int32(8), bigint(batchId), int32(4), int32(0)]);
  }

  get rows(): number {
    return this.#allLines.length;
  }

  /**
   * The object `buffer[start, end)`; `hasEscapes` says that there is a backslash in it. Between two objects of one buffer stands nothing
   * but a comma and blanks.
   *
   * @throws {DbadminError} `load-failed` for bytes that are no text of PostgreSQL's.
   */
  add(buffer: Buffer, start: number, end: number, line: number, hasEscapes: boolean): void {
    const fault = hasEscapes ? escapeFault(buffer.toString('utf8', start, end)) : undefined;
    if (fault !== undefined) throw new DbadminError('load-failed', `line ${line} ${fault}`);
    const lines = this.#lines.length;
    if (lines > 0 && (end - this.#start + (lines + 1) * OBJECT_HEAD_BYTES > ROW_BYTES - ROW_HEAD_BYTES || buffer !== this.#text))
      this.flush();
    if (this.#lines.length === 0) {
      this.#text = buffer;
      this.#start = start;
    }
    this.#end = end;
    this.#allLines.push(line);
    this.#lines.push(line);
  }

  /** Ends the slice: the buffer that its objects lie in will not be there any more. */
  flush(): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    const body = this.#text.subarray(this.#start, this.#end);
    if (!isUtf8(body)) throw notUtf8(lineOfBroken(body, lines));
    const before = this.rows - lines.length;
    this.#before.push(before);
    this.#write(before + 1, body, lines);
    this.#text = Buffer.alloc(0);
    this.#lines = [];
  }

  /** The buffers that are full; with `all` the last one too, and the end of the data. */
  take(all: boolean): readonly Buffer[] {
    return this.#chunks.take(all);
  }

  /**
   * Line of the file where the play begins in which line `bodyLine`, from 1, of the body of row `row`, from 1, stands; without `bodyLine`
   * the first play of the row.
   */
  lineOf(row: number, bodyLine = 1): number | undefined {
    const before = this.#before[row - 1];
    const first = before === undefined ? undefined : this.#allLines[before];
    if (before === undefined || first === undefined) return undefined;
    return this.#allLines.slice(before, this.#before[row]).findLast((line) => line < first + bodyLine);
  }

  #write(rowNo: number, body: Buffer, lines: readonly number[]): void {
    const head = this.#head;
    const linesBytes = ARRAY_HEAD_BYTES + lines.length * 8;
    const { buffer, at } = this.#chunks.room(head.length + 4 + linesBytes + 4 + HASH_BYTES + 4 + body.length + 2);
    head.copy(buffer, at);
    buffer.writeInt32BE(rowNo, at + FIRST_ROW_AT);
    let used = buffer.writeInt32BE(linesBytes, at + head.length);
    for (const value of [1, 0, INT4_OID, lines.length, 1]) used = buffer.writeInt32BE(value, used);
    for (const line of lines) used = buffer.writeInt32BE(line, buffer.writeInt32BE(4, used));
    used = buffer.writeInt32BE(HASH_BYTES, used);
    const hashAt = used;
    used = buffer.writeInt32BE(body.length + 2, used + HASH_BYTES);
    const bodyAt = used;
    buffer[used++] = BRACKET_OPEN;
    used += body.copy(buffer, used);
    buffer[used++] = BRACKET_CLOSE;
    hash('sha256', buffer.subarray(bodyAt, used), 'buffer').copy(buffer, hashAt);
  }
}

/** The line of the first play of a slice that is not UTF-8. */
function lineOfBroken(body: Buffer, lines: readonly number[]): number | undefined {
  let [at, broken] = [0, undefined as number | undefined];
  const scanner = new JsonArrayScanner((buffer, start, end) => {
    if (broken === undefined && !isUtf8(buffer.subarray(start, end))) broken = lines[at];
    at += 1;
  });
  scanner.push(Buffer.concat([Buffer.from('['), body, Buffer.from(']')]));
  return broken;
}

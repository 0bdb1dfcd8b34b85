import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { notUtf8 } from './copy-binary.ts';

const CHUNK_BYTES = 262_144;
/** More than `batch row line \x<hash>`, what parts them and the end of line need. */
const PREFIX_BYTES = 160;
const LF = 0x0a;

/**
 * Collects rows for COPY into buffers of about {@link CHUNK_BYTES}: few large writes instead of many small ones. Whether
 * the text is UTF-8 is looked at once a buffer, which costs nothing beside looking row by row.
 */
export class CopyBuffer {
  readonly #batchId: string;
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #full: Buffer[] = [];
  /** Where each row of the buffer begins. */
  #starts: number[] = [];
  readonly #lines: number[] = [];

  constructor(batchId: string) {
    this.#batchId = batchId;
  }

  get rows(): number {
    return this.#lines.length;
  }

  /** Line of the file where row `row`, from 1, begins. */
  lineOf(row: number): number | undefined {
    return this.#lines[row - 1];
  }

  /** A record of CSV as it stands, behind our columns. For `format csv` with this delimiter. */
  addRecord(buffer: Buffer, start: number, end: number, line: number, delimiter: string): void {
    this.#begin(line, end - start);
    const digest = hash('sha256', buffer.subarray(start, end), 'hex');
    this.#write([this.#batchId, this.rows, line, `\\x${digest}`, ''].join(delimiter));
    this.#used += buffer.copy(this.#buffer, this.#used, start, end);
    this.#buffer[this.#used++] = LF;
  }

  /** A value as JSON in the last column; the hash is that of `hashed`. For `format text`. */
  addValue(value: unknown, hashed: Uint8Array | string, line: number, extra: string): void {
    const text = JSON.stringify(value).replaceAll('\\', '\\\\');
    this.#begin(line, (text.length + extra.length) * 3);
    this.#write(`${this.#batchId}\t${this.rows}\t${line}\t\\\\x${hash('sha256', hashed, 'hex')}\t${extra}${text}\n`);
  }

  /** The buffers that are full; with `all` the last one too. */
  take(all: boolean): readonly Buffer[] {
    if (all) this.#flush();
    const full = this.#full;
    this.#full = [];
    return full;
  }

  #write(text: string): void {
    this.#used += this.#buffer.write(text, this.#used, 'utf8');
  }

  #begin(line: number, roomBytes: number): void {
    if (this.#used + roomBytes + PREFIX_BYTES > this.#buffer.length) this.#flush(roomBytes + PREFIX_BYTES);
    this.#starts.push(this.#used);
    this.#lines.push(line);
  }

  #flush(roomBytes = 0): void {
    if (this.#used > 0) {
      const buffer = this.#buffer.subarray(0, this.#used);
      if (!isText(buffer)) this.#refuse(buffer);
      this.#full.push(buffer);
    }
    this.#buffer = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, roomBytes));
    this.#used = 0;
    this.#starts = [];
  }

  #refuse(buffer: Buffer): never {
    const wrong = this.#starts.findIndex((start, index) => !isText(buffer.subarray(start, this.#starts[index + 1])));
    const line = this.lineOf(this.rows - this.#starts.length + wrong + 1);
    throw notUtf8(line);
  }
}

function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}

/** A text as a column of `format text`. */
export function copyText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}

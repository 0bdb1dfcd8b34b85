import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { CsvScanner } from './csv-scanner.ts';
import { JsonArrayScanner } from './json-scanner.ts';
import { songColumns, songCopyStatement } from './songs.ts';

const CHUNK_BYTES = 262_144;
/** More than `batch,row,line,\x<hash>,` and the end of line need. */
const PREFIX_BYTES = 128;
const LF = 0x0a;

/** Turns the bytes of a file into the CSV that COPY takes. */
export interface CopyRows {
  readonly rows: number;
  /** The rows that were completed by this chunk. */
  push(chunk: Buffer): readonly Buffer[];
  /** The last rows. */
  end(): readonly Buffer[];
  /** The statement the rows are for. Known once the first rows are. */
  statement(): string;
}

/**
 * Rows for `raw.song`: each record as it stands, behind our columns.
 *
 * @throws {DbadminError} `load-failed` with the line, from the scanner, for a wrong header, or for bytes that are not UTF-8.
 */
export function songRows(batchId: string): CopyRows {
  const out = new RowBuffer(batchId);
  let columns: readonly string[] | undefined;
  const scanner = new CsvScanner((buffer, start, end, line) => {
    if (columns === undefined) columns = songColumns(buffer.toString('utf8', start, end));
    else out.addRecord(buffer, start, end, line);
  });
  return {
    get rows() {
      return out.rows;
    },
    push: (chunk) => (scanner.push(chunk), out.take(false)),
    end: () => (scanner.end(), out.take(true)),
    statement: () => {
      if (columns === undefined) throw new DbadminError('load-failed', 'the songs file has no header');
      return songCopyStatement(columns);
    },
  };
}

/**
 * Rows for `raw.streaming_history`: each play as JSON on one line.
 *
 * @throws {DbadminError} `load-failed` with the line, from the scanner, or for an object that is not JSON.
 */
export function historyRows(batchId: string): CopyRows {
  const out = new RowBuffer(batchId);
  const scanner = new JsonArrayScanner((buffer, start, end, line) => out.addJson(buffer, start, end, line));
  return {
    get rows() {
      return out.rows;
    },
    push: (chunk) => (scanner.push(chunk), out.take(false)),
    end: () => (scanner.end(), out.take(true)),
    statement: () => 'copy raw.streaming_history (batch_id, row_no, line_no, hash, body) from stdin (format csv)',
  };
}

/** Collects CSV rows into buffers of about {@link CHUNK_BYTES}: few large writes instead of many small ones. */
class RowBuffer {
  readonly #batchId: string;
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #full: Buffer[] = [];
  rows = 0;

  constructor(batchId: string) {
    this.#batchId = batchId;
  }

  addRecord(buffer: Buffer, start: number, end: number, line: number): void {
    const record = buffer.subarray(start, end);
    if (!isUtf8(record) || record.includes(0)) throw notText(line);
    this.#begin(record, line, record.length);
    this.#used += buffer.copy(this.#buffer, this.#used, start, end);
    this.#buffer[this.#used++] = LF;
  }

  addJson(buffer: Buffer, start: number, end: number, line: number): void {
    const record = buffer.subarray(start, end);
    if (!isUtf8(record)) throw notText(line);
    const text = `"${compactJson(record, line).replaceAll('"', '""')}"\n`;
    this.#begin(record, line, text.length * 3);
    this.#used += this.#buffer.write(text, this.#used, 'utf8');
  }

  take(all: boolean): readonly Buffer[] {
    if (all) this.#flush();
    const full = this.#full;
    this.#full = [];
    return full;
  }

  #begin(record: Buffer, line: number, roomBytes: number): void {
    if (this.#used + roomBytes + PREFIX_BYTES > this.#buffer.length) this.#flush(roomBytes + PREFIX_BYTES);
    this.rows += 1;
    const prefix = `${this.#batchId},${this.rows},${line},\\x${hash('sha256', record, 'hex')},`;
    this.#used += this.#buffer.write(prefix, this.#used, 'latin1');
  }

  #flush(roomBytes = 0): void {
    if (this.#used > 0) this.#full.push(this.#buffer.subarray(0, this.#used));
    this.#buffer = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, roomBytes));
    this.#used = 0;
  }
}

/** The object on one line. Parsed and written again, because only that proves that it is JSON. */
function compactJson(record: Buffer, line: number): string {
  let value: unknown;
  try {
    value = JSON.parse(record.toString('utf8'));
  } catch (error) {
    throw new DbadminError('load-failed', `the play at line ${line} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const text = JSON.stringify(value);
  if (text.includes('\\u0000'))
    throw new DbadminError('load-failed', `the play at line ${line} holds a NUL character, which no text of PostgreSQL can`);
  return text;
}

function notText(line: number): DbadminError {
  return new DbadminError('load-failed', `line ${line} is not UTF-8 text`, {
    hint: 'Convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8.',
  });
}

import { DbadminError } from '../../base/errors.ts';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** What stands between two fields: spreadsheets write semicolons where the comma is the decimal mark, and tabs as "Unicode text". */
export type Delimiter = ',' | ';' | '\t';

/** Takes one record: its bytes are `buffer[start, end)`, without the end of line; `line` is where it begins, from 1. */
export type OnRecord = (buffer: Buffer, start: number, end: number, line: number) => void;

/**
 * Finds the records of a CSV text (RFC 4180, LF or CRLF) that comes in chunks, and checks their form without taking the
 * fields apart: the server's COPY does that many times faster than JavaScript can.
 *
 * The first record sets the number of fields. A byte order mark and blank lines are passed over. Chunks may end anywhere.
 *
 * @throws {DbadminError} `load-failed` with the line, when a record has another number of fields or a quote stands where none can.
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export class CsvScanner {
  readonly #onRecord: OnRecord;
  readonly #delimiter: number;
  #rest: Buffer = Buffer.alloc(0);
  /** False until enough has come to know whether a byte order mark does: a quote may follow it. */
  #begun = false;
  /** How far {@link #rest} has been looked at, and in what state. */
  #position = 0;
  #inQuotes = false;
  #afterClosingQuote = false;
  #atFieldStart = true;
  #fields = 1;
  #expectedFields = 0;
  #line = 1;
  #recordLine = 1;

  constructor(onRecord: OnRecord, delimiter: Delimiter = ',') {
    this.#onRecord = onRecord;
    this.#delimiter = delimiter.charCodeAt(0);
  }

  push(chunk: Buffer): void {
    let buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#begun) {
      this.#rest = buffer;
      if (buffer.length < UTF8_MARK.length) return;
      this.#begun = true;
      if (buffer.subarray(0, UTF8_MARK.length).equals(UTF8_MARK)) buffer = buffer.subarray(UTF8_MARK.length);
    }
    const length = buffer.length;
    const delimiter = this.#delimiter;
    let start = 0;
    let position = this.#position;
    let inQuotes = this.#inQuotes;
    let afterClosingQuote = this.#afterClosingQuote;
    let atFieldStart = this.#atFieldStart;
    let fields = this.#fields;
    for (; position < length; position += 1) {
      const byte = buffer[position];
      if (inQuotes) {
        if (byte === QUOTE) {
          inQuotes = false;
          afterClosingQuote = true;
        } else if (byte === LF) this.#line += 1;
      } else if (byte === delimiter) {
        fields += 1;
        atFieldStart = true;
        afterClosingQuote = false;
      } else if (byte === LF) {
        this.#finish(buffer, start, position, fields);
        start = position + 1;
        fields = 1;
        atFieldStart = true;
        afterClosingQuote = false;
      } else if (byte === QUOTE) {
        if (!atFieldStart && !afterClosingQuote) this.#refuse(this.#line, 'a quote stands inside a field that does not begin with one');
        inQuotes = true;
        atFieldStart = false;
        afterClosingQuote = false;
      } else if (afterClosingQuote && byte !== CR) {
        this.#refuse(this.#line, 'text follows the closing quote of a field');
      } else atFieldStart = false;
    }
    this.#rest = start === 0 ? buffer : buffer.subarray(start);
    this.#position = length - start;
    this.#inQuotes = inQuotes;
    this.#afterClosingQuote = afterClosingQuote;
    this.#atFieldStart = atFieldStart;
    this.#fields = fields;
  }

  /** The text has ended; its last record may lack the end of line. */
  end(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.push(Buffer.alloc(0));
    }
    if (this.#inQuotes) this.#refuse(this.#recordLine, 'a quoted field that begins in this record never ends');
    if (this.#rest.length > 0) this.#finish(this.#rest, 0, this.#rest.length, this.#fields);
    this.#rest = Buffer.alloc(0);
    this.#position = 0;
  }

  #finish(buffer: Buffer, start: number, lineEnd: number, fields: number): void {
    const end = lineEnd > start && buffer[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    const line = this.#recordLine;
    this.#line += 1;
    this.#recordLine = this.#line;
    if (end === start) return;
    if (this.#expectedFields === 0) this.#expectedFields = fields;
    else if (fields !== this.#expectedFields) {
      this.#refuse(line, `it has ${fields} fields, the header has ${this.#expectedFields}`);
    }
    this.#onRecord(buffer, start, end, line);
  }

  #refuse(line: number, reason: string): never {
    throw new DbadminError('load-failed', `line ${line} is not a row of CSV: ${reason}`);
  }
}

import { DbadminError } from '../../base/errors.ts';
import { foldName, splitRecord } from './columns.ts';
import { CopyBinary, notUtf8 } from './copy-binary.ts';
import { CopyBuffer } from './copy-buffer.ts';
import { CopySlices } from './copy-slices.ts';
import { CsvScanner, type Delimiter } from './csv-scanner.ts';
import { documentRows } from './document-rows.ts';
import { isRemark } from './format.ts';
import type { Layout, Loadable } from './formats.ts';
import { JsonArrayScanner } from './json-scanner.ts';
import { songColumns, songCopyStatement } from './songs.ts';

/** Turns the text of a file, in UTF-8, into the rows that COPY takes. */
export interface CopyRows {
  readonly rows: number;
  /** The rows that were completed by this chunk. */
  push(chunk: Buffer): readonly Buffer[];
  /** The last rows. */
  end(): readonly Buffer[];
  /** The statement the rows are for. Known once the first rows are. */
  statement(): string;
  /** Line of the file for line `copyLine`, from 1, of what COPY was sent, and for line `bodyLine` of the JSON in it. */
  lineOf(copyLine: number, bodyLine?: number): number | undefined;
}

/** The rows of a file of this format; `loadedAt` is when pages came that do not say when. */
export function rowsOf(format: Loadable, batchId: string, loadedAt: Date): CopyRows {
  const { kind, form, layout } = format;
  if (form.kind === 'document') return documentRows(batchId, loadedAt);
  if (form.kind === 'array') {
    return layout === undefined ? historyRows(`raw.${kind}_slice`, batchId) : arrayRows('raw.chart_entry', batchId, layout);
  }
  if (kind === 'songs') return songRows(batchId, form.delimiter);
  return columnRows(kind === 'chart' ? 'raw.chart_entry' : 'raw.playlist_entry', batchId, layout, form.delimiter);
}

interface Scanner {
  push(chunk: Buffer): void;
  end(): void;
}

function copyRows(
  out: Pick<CopyRows, 'rows' | 'lineOf'> & Pick<CopyBuffer, 'take'>,
  scanner: Scanner,
  statement: () => string,
  lineOf: CopyRows['lineOf'] = (row, bodyLine) => out.lineOf(row, bodyLine),
): CopyRows {
  return {
    get rows() {
      return out.rows;
    },
    push: (chunk) => (scanner.push(chunk), out.take(false)),
    end: () => (scanner.end(), out.take(true)),
    statement,
    lineOf,
  };
}

/**
 * Rows for `raw.song`: each record as it stands, behind our columns.
 *
 * @throws {DbadminError} `load-failed` with the line, from the scanner, for a wrong header, or for bytes that are not UTF-8.
 */
export function songRows(batchId: string, delimiter: Delimiter = ','): CopyRows {
  const out = new CopyBuffer(batchId);
  let columns: readonly string[] | undefined;
  const scanner = new CsvScanner((buffer, start, end, line) => {
    if (columns === undefined) columns = songColumns(buffer.toString('utf8', start, end), delimiter);
    else out.addRecord(buffer, start, end, line, delimiter);
  }, delimiter);
  const statement = (): string => {
    if (columns === undefined) throw new DbadminError('load-failed', 'the songs file has no header');
    return songCopyStatement(columns, delimiter);
  };
  // Records stand as they were, the lines in them included: only the header is missing.
  return copyRows(out, scanner, statement, (copyLine) => (out.lineOf(1) ?? 1) + copyLine - 1);
}

/**
 * Rows of JSON: each object of an array as it stands. That it is JSON the server finds out, which reads it anyway.
 *
 * @throws {DbadminError} `load-failed` with the line, from the scanner, or for bytes that are not UTF-8.
 */
export function arrayRows(table: string, batchId: string, layout: Layout): CopyRows {
  const out = new CopyBinary(batchId, layout);
  const scanner = new JsonArrayScanner((buffer, start, end, line, hasEscapes) => out.add(buffer, start, end, line, hasEscapes));
  return copyRows(out, scanner, () => `${jsonStatement(table, layout)} (format binary)`);
}

/**
 * Slices of a history: the objects of an array as they stand, as many in a row of `table` as fill a page.
 *
 * @throws {DbadminError} `load-failed` with the line, from the scanner, or for bytes that are not UTF-8.
 */
export function historyRows(table: string, batchId: string): CopyRows {
  const out = new CopySlices(batchId);
  const scanner = new JsonArrayScanner((buffer, start, end, line, hasEscapes) => out.add(buffer, start, end, line, hasEscapes));
  const sliced = { push: (chunk: Buffer) => (scanner.push(chunk), out.flush()), end: () => scanner.end() };
  return copyRows(out, sliced, () => `copy ${table} (batch_id, first_row_no, line_nos, hash, body) from stdin (format binary)`);
}

/**
 * Rows of JSON: each record of CSV as an object, its values under the folded names of the header.
 *
 * @throws {DbadminError} `load-failed` with the line, from the scanner, or for bytes that are not UTF-8.
 */
function columnRows(table: string, batchId: string, layout: Layout | undefined, delimiter: Delimiter): CopyRows {
  const out = new CopyBuffer(batchId);
  const extra = layout === undefined ? '' : `${layout}\t`;
  let names: readonly string[] | undefined;
  const scanner = new CsvScanner((buffer, start, end, line) => {
    const bytes = buffer.subarray(start, end);
    const record = utf8.decode(bytes, line);
    if (names === undefined && isRemark(record)) return;
    const fields = splitRecord(record, delimiter);
    if (names === undefined) names = fields.map(foldName);
    else out.addValue(Object.fromEntries(names.map((name, at) => [name, fields[at]])), bytes, line, extra);
  }, delimiter);
  return copyRows(out, scanner, () => jsonStatement(table, layout));
}

const utf8 = {
  decoder: new TextDecoder('utf-8', { fatal: true }),
  decode(bytes: Buffer, line: number): string {
    try {
      const text = this.decoder.decode(bytes);
      if (!text.includes('\0')) return text;
    } catch {
      // Said below: a NUL is no more text than broken UTF-8 is.
    }
    throw notUtf8(line);
  },
};

function jsonStatement(table: string, layout: Layout | undefined): string {
  return `copy ${table} (batch_id, row_no, line_no, hash, ${layout === undefined ? '' : 'layout, '}body) from stdin`;
}

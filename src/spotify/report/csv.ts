import { csvRecord } from '../view/csv.ts';
import type { SectionRows } from './section.ts';

export interface CsvOptions {
  /** Texts as they are stored, for programs; else those that a spreadsheet would run get an apostrophe before them. */
  readonly verbatim: boolean;
}

/**
 * A section as CSV (RFC 4180): a header of keys, NULL as nothing, lines ended by CR LF.
 *
 * Names are others' to choose, and a spreadsheet runs a cell that begins like a formula. Only texts are touched: a number
 * below zero is a number.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function sectionCsv({ section, rows }: SectionRows, { verbatim }: CsvOptions): string {
  const lines = rows.map((row) =>
    section.columns.map(({ key, measure }) => {
      const value = row[key] ?? null;
      return value === null || measure !== 'text' || verbatim ? value : harmless(value);
    }),
  );
  return [section.columns.map(({ key }) => key), ...lines].map((values) => `${csvRecord(values)}\r\n`).join('');
}

/** `text` with an apostrophe before it where a spreadsheet might take it for a formula. */
export function harmless(text: string): string {
  return /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(text) ? `'${text}` : text;
}

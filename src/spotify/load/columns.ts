import type { Delimiter } from './csv-scanner.ts';

/**
 * A column's name in lower case, with one underscore for what is neither letter nor digit: `Duration (ms)` and
 * `duration_ms` are the same column.
 */
export function foldName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '');
}

/** The fields of one record of CSV, quotes taken off. The record has the form that CsvScanner lets through. */
export function splitRecord(record: string, delimiter: Delimiter): string[] {
  if (!record.includes('"')) return record.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (record[at] === '"') {
      let end = record.indexOf('"', at + 1);
      while (end !== -1 && record[end + 1] === '"') end = record.indexOf('"', end + 2);
      if (end === -1) end = record.length;
      fields.push(record.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
    } else {
      const end = record.indexOf(delimiter, at);
      fields.push(record.slice(at, end === -1 ? undefined : end));
      at = end === -1 ? record.length : end;
    }
    if (at >= record.length) return fields;
    at += 1;
    if (at === record.length) return [...fields, ''];
  }
}

/** The delimiter that parts `header` into most names. */
export function delimiterOf(header: string): Delimiter {
  const parts = (delimiter: Delimiter): number => splitRecord(header, delimiter).length;
  let best: Delimiter = ',';
  for (const delimiter of [';', '\t'] as const) if (parts(delimiter) > parts(best)) best = delimiter;
  return best;
}

import { printable } from '../base/printable.ts';

/** One line of CSV, as RFC 4180 has it. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** Names are others' to choose: one that begins like a formula is told to a spreadsheet as a text. */
function csvCell(text: string): string {
  const safe = printable(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  return `"${safe.replaceAll('"', '""')}"`;
}

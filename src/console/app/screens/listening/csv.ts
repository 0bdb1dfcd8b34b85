import type { ReportPart } from './report.ts';

/**
 * A part as CSV (RFC 4180), as `--format csv` writes it but for zeros at the end of decimals: NULL is nothing, and a text that a spreadsheet would run as a formula
 * begins with an apostrophe.
 */
export function partCsv({ columns, rows }: Pick<ReportPart, 'columns' | 'rows'>): string {
  const lines = rows.map((row) =>
    columns.map(({ key, measure }) => {
      const value = row[key] ?? null;
      if (value === null) return '';
      const text = String(value);
      return field(measure === 'text' && /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(text) ? `'${text}` : text);
    }),
  );
  return [columns.map(({ key }) => key), ...lines].map((each) => `${each.join(',')}\r\n`).join('');
}

function field(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

import type { ReportPart } from './report.ts';

/**
 * A part as CSV (RFC 4180), the same as `--format csv`: NULL is nothing, and a text that a spreadsheet would run as a formula
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

/** Hands the browser a file. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

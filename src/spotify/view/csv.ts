/**
 * One record of CSV (RFC 4180, without the end of line). NULL is nothing at all, the empty text is a pair of quotes: COPY
 * reads both back as they were.
 */
export function csvRecord(values: readonly (string | null)[]): string {
  return values
    .map((value) => (value === null ? '' : value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value))
    .join(',');
}

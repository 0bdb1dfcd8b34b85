/** `1.2 M rows`, `1 row`, `4,812 rows`. */
export function rowsOf(rows: number): string {
  const text = rows >= 999_500 ? `${(rows / 1e6).toFixed(rows >= 9_950_000 ? 0 : 1)} M` : rows.toLocaleString('en');
  return `${text} ${rows === 1 ? 'row' : 'rows'}`;
}

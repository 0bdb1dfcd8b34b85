/**
 * The statements of what `pg_dumpall --globals-only` wrote, one by one, without comments and psql's own commands.
 *
 * Each of them ends at a semicolon at the end of a line, outside of quotes; pg_dumpall writes no dollar quotes.
 */
export function splitGlobals(text: string): readonly string[] {
  const statements: string[] = [];
  let open = '';
  for (const line of text.split('\n')) {
    if (open === '' && (line.startsWith('--') || line.startsWith('\\') || line.trim() === '')) continue;
    open += open === '' ? line : `\n${line}`;
    if (!line.endsWith(';') || !isBalanced(open)) continue;
    statements.push(open);
    open = '';
  }
  return open.trim() === '' ? statements : [...statements, open];
}

/** Whether every quote that was opened is closed. */
function isBalanced(statement: string): boolean {
  const quotes = (mark: string): number => statement.split(mark).length - 1;
  return quotes("'") % 2 === 0 && quotes('"') % 2 === 0;
}

/** A name as SQL and the replication grammar take it: always in double quotes unless it is plain lower case. */
export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A text constant of the replication grammar, which knows no backslash escapes. */
export function quoteReplicationLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name in SQL, always in double quotes: a reserved word is a name like any other. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text constant in SQL, whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}

/** A name that stands without quotes, as PostgreSQL takes it in UTF-8: only A to Z are made small. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

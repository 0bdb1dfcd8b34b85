/** A name as SQL and the replication grammar take it: always in double quotes unless it is plain lower case. */
export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A text constant of the replication grammar, which knows no backslash escapes. */
export function quoteReplicationLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The end of a password that never was valid: PostgreSQL's word for before every instant. */
export const ALWAYS_OVER = '-infinity';

/**
 * The SQL for the VALID UNTIL of role `r` of pg_roles: ISO 8601 in UTC, {@link ALWAYS_OVER}, or null for no end.
 *
 * What lies beyond the years that ISO 8601 writes with four digits is as good as never and as good as always.
 */
export const VALID_UNTIL_SQL = `case when r.rolvaliduntil < '0001-01-01 00:00:00+00' then '${ALWAYS_OVER}'
             when r.rolvaliduntil < '10000-01-01 00:00:00+00'
             then pg_catalog.to_char(r.rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end`;

/** Whether a VALID UNTIL, or an end in the file, has passed. */
export function isOver(end: string | undefined, now: Date): end is string {
  return end !== undefined && (end === ALWAYS_OVER || end <= now.toISOString());
}

/** Since when it is over, for people. */
export function overText(end: string): string {
  return end === ALWAYS_OVER ? 'was never valid' : `ended on ${end.slice(0, 10)}`;
}

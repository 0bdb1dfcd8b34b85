/** CREATE, DROP and REINDEX, ALTER TABLE … DETACH PARTITION. Not REFRESH MATERIALIZED VIEW, which is done or not. */
const IN_STEPS = /\b(?:index|reindex|detach)\b[^;]*\bconcurrently\b/i;

/**
 * What SQL that is cancelled outside of a transaction may leave behind, in words that go on after "; ": undefined where its statements are
 * not known to do anything in steps. `isRefusedInTransaction`: the server has said that they do.
 *
 * Doing it again is no cure: with IF NOT EXISTS an invalid index is passed over, and the run succeeds.
 *
 * @see https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
 */
export function whatIsLeft(sql: string, isRefusedInTransaction: boolean): string | undefined {
  if (IN_STEPS.test(sql)) {
    return 'what is cancelled in the middle of CONCURRENTLY can leave an invalid index or a partition half detached, which doing it again need not mend';
  }
  return isRefusedInTransaction ? 'it ran outside of a transaction, and what it had done by then stays' : undefined;
}

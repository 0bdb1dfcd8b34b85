/**
 * SQL that marks an attempt as done and gives one row, or none when the run has passed to another worker. Run at the end of
 * the transaction in which a job has its effect, where that happens in the control database itself: so the effect is there
 * exactly once, whenever its worker dies. `$1` is the run, `$2` the attempt.
 */
export function markEffect(schema: string): string {
  return `with mine as (select from ${schema}.run where run_id = $1::uuid and attempt = $2::integer and state = 'running' for update)
    update ${schema}.run_attempt set outcome = 'succeeded', ended_at = clock_timestamp(), exit_status = 0
      where run_id = $1::uuid and attempt = $2::integer and ended_at is null and exists (select from mine) returning 1`;
}

/** SQL that gives one row where the tables of the control database are, so that {@link markEffect} may be asked there. `$1` is the table. */
export const HAS_RUNS = `select 1 where pg_catalog.to_regclass($1) is not null and pg_catalog.has_table_privilege(pg_catalog.to_regclass($1), 'select, update')`;

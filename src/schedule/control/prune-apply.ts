import type { PoolQueries } from '../../postgres/pool.ts';

const KEPT_DAYS = 400;
const LOGS_KEPT_DAYS = 60;
const BATCH = 5000;

/** Lets go of runs older than thirteen months, and of what they printed after two, a batch at a time. */
export async function pruneHistory(db: PoolQueries, schema: string): Promise<void> {
  await db.query(
    `delete from ${schema}.run where run_id in (
        select run_id from ${schema}.run where ended_at < clock_timestamp() - $1 * interval '1 day' limit $2)`,
    [KEPT_DAYS, BATCH],
  );
  await db.query(
    `update ${schema}.run_attempt set log_tail = null where (run_id, attempt) in (
        select run_id, attempt from ${schema}.run join ${schema}.run_attempt a using (run_id, attempt)
          where run.ended_at < clock_timestamp() - $1 * interval '1 day' and a.log_tail is not null limit $2)`,
    [LOGS_KEPT_DAYS, BATCH],
  );
}

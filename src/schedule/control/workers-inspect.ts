import type { PoolQueries } from '../../postgres/pool.ts';
import type { WorkerRecord } from './registry-apply.ts';
import { RUN_COLUMNS, runOf, type RunRow } from './runs-inspect.ts';
import type { RunRecord } from '../run-record.ts';

/** A worker and when it was seen, by the clock of the control database. */
export interface SeenWorker extends WorkerRecord {
  readonly startedAt: Date;
  readonly seenAt: Date;
  /** It gave a sign of life in the last minute; it gives one every ten seconds. */
  readonly isAlive: boolean;
}

/** The workers of the last day, by name; one that was stopped in order is forgotten at once. */
export async function inspectWorkers(db: PoolQueries, schema: string): Promise<readonly SeenWorker[]> {
  const rows = await db.query<WorkerRecord & { readonly started_at: Date; readonly seen_at: Date; readonly is_alive: boolean }>(
    `select name, host, pid, version, labels, slots, started_at, seen_at, seen_at > clock_timestamp() - interval '1 minute' as is_alive
      from ${schema}.worker order by name`,
  );
  return rows.map(({ started_at: startedAt, seen_at: seenAt, is_alive: isAlive, ...worker }) => ({
    ...worker,
    startedAt,
    seenAt,
    isAlive,
  }));
}

/** What goes on or waits to: running, queued and waiting runs, longest due first. */
export async function inspectOpenRuns(db: PoolQueries, schema: string): Promise<readonly RunRecord[]> {
  const rows = await db.query<RunRow>(
    `select ${RUN_COLUMNS} from ${schema}.run where state in ('queued', 'running', 'waiting') order by due limit 1000`,
  );
  return rows.map(runOf);
}

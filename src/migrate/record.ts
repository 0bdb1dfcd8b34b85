import { historyTable, type HistoryKind } from './history.ts';
import type { Queryable } from './session.ts';

/** What all rows of one run share. */
export interface RunIdentity {
  readonly schema: string;
  readonly runId: string;
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
  readonly restorePoint: { readonly name: string; readonly lsn: string } | undefined;
}

export interface HistoryEntry {
  readonly kind: HistoryKind;
  readonly version: string | undefined;
  readonly name: string;
  readonly statementNo: number | undefined;
  readonly sha256: string;
  readonly body: string;
  /** How long it took; undefined for a statement that is only about to begin. */
  readonly tookMs: number | undefined;
  readonly attempts: number;
  /** Time spent on attempts that another session's lock ended, pauses included. */
  readonly lockWaitMs: number;
}

/** Adds a row. In a transaction it also notes the locks on tables that the transaction holds. */
export async function recordHistory(session: Queryable, run: RunIdentity, entry: HistoryEntry): Promise<void> {
  await session.query(
    `insert into ${historyTable(run.schema)} (run_id, kind, version, name, statement_no, sha256, body, started_at, finished_at,
       attempts, lock_wait_ms, tool_version, git_commit, restore_point, restore_lsn, locks)
     select $1::uuid, $2, $3, $4, $5::integer, decode($6, 'hex'), $7,
       clock_timestamp() - make_interval(secs => coalesce($8::float8, 0) / 1000),
       case when $8::float8 is not null then clock_timestamp() end,
       $9::integer, $10::bigint, $11, $12, $13, $14::pg_lsn, (${HELD_LOCKS_SQL})`,
    [
      run.runId,
      entry.kind,
      entry.version ?? null,
      entry.name,
      entry.statementNo ?? null,
      entry.sha256,
      entry.body,
      entry.tookMs ?? null,
      entry.attempts,
      Math.round(entry.lockWaitMs),
      run.toolVersion,
      run.gitCommit ?? null,
      run.restorePoint?.name ?? null,
      run.restorePoint?.lsn ?? null,
      run.schema,
    ],
  );
}

const HELD_LOCKS_SQL = `
  select coalesce(jsonb_agg(jsonb_build_object('relation', relation, 'mode', mode) order by relation, mode), '[]')
  from (
    select distinct n.nspname || '.' || c.relname as relation, l.mode
    from pg_catalog.pg_locks l
    join pg_catalog.pg_class c on c.oid = l.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.granted and c.relkind in ('r', 'p', 'm')
      and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', $15)
  ) held`;

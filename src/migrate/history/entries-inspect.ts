import { parseMoment } from '../../postgres/moment.ts';
import type { Queryable } from '../session/session.ts';
import type { HeldLock } from '../watch/held-locks.ts';
import { inspectHistoryForm } from './ensure.ts';
import { refuseNewerHistory } from './form.ts';
import { historyTable, type HistoryKind } from './history.ts';

/** A row of the history as it was written, without the text that ran. */
export interface HistoryEntryRow {
  readonly runId: string;
  readonly kind: HistoryKind;
  /** Null for routines and seeds. */
  readonly version: string | null;
  readonly name: string;
  /** For one statement of a no-transaction file; null for a whole file. */
  readonly statement: number | null;
  readonly startedAt: Date;
  /** Null: begun, and nobody wrote down that it ended. */
  readonly finishedAt: Date | null;
  readonly attempts: number;
  readonly lockWaitMs: number;
  readonly appliedBy: string;
  readonly toolVersion: string;
  readonly gitCommit: string | null;
  readonly restorePoint: { readonly name: string; readonly lsn: string; readonly timeline: number | null } | null;
  readonly locks: readonly HeldLock[];
  /** Why, for what somebody decided. */
  readonly reason: string | null;
}

export interface HistoryEntries {
  /** Newest first. */
  readonly entries: readonly HistoryEntryRow[];
  readonly total: number;
}

/** The newest `limit` rows of the history in `schema`, without those that only say that a statement was begun which then ended; none where there is no history. Creates nothing. */
export async function readHistoryEntries(session: Queryable, schema: string, limit: number): Promise<HistoryEntries> {
  const found = await inspectHistoryForm(session, schema);
  if (found === undefined) return { entries: [], total: 0 };
  refuseNewerHistory(schema, found);
  const table = historyTable(schema);
  const timeline = found.form < 2 ? 'null::integer' : 'restore_timeline';
  // That a statement was begun is worth a line only where nothing says that it ended.
  const told = `(finished_at is not null or not exists (select from ${table} later where later.seq > history.seq and later.run_id = history.run_id
    and later.name = history.name and later.statement_no is not distinct from history.statement_no))`;
  const rows = await session.query<HistoryEntryRecord>(
    `select run_id::text as run_id, kind, version, name, statement_no, pg_catalog.to_json(started_at) as started_at, pg_catalog.to_json(finished_at) as finished_at, attempts, lock_wait_ms::float8 as lock_wait_ms,
       applied_by, tool_version, git_commit, restore_point, restore_lsn::text as restore_lsn, ${timeline} as restore_timeline, locks, reason
     from ${table} as history where ${told} order by history.seq desc limit $1`,
    [limit],
  );
  const [counted] = await session.query<{ total: number }>(`select count(*)::float8 as total from ${table} as history where ${told}`);
  return { entries: rows.map(entryOf), total: counted?.total ?? rows.length };
}

interface HistoryEntryRecord {
  readonly run_id: string;
  readonly kind: HistoryKind;
  readonly version: string | null;
  readonly name: string;
  readonly statement_no: number | null;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly attempts: number;
  readonly lock_wait_ms: number;
  readonly applied_by: string;
  readonly tool_version: string;
  readonly git_commit: string | null;
  readonly restore_point: string | null;
  readonly restore_lsn: string | null;
  readonly restore_timeline: number | null;
  readonly locks: readonly HeldLock[];
  readonly reason: string | null;
}

function entryOf(row: HistoryEntryRecord): HistoryEntryRow {
  const { restore_point: point, restore_lsn: lsn } = row;
  return {
    runId: row.run_id,
    kind: row.kind,
    version: row.version,
    name: row.name,
    statement: row.statement_no,
    startedAt: new Date(row.started_at),
    finishedAt: parseMoment(row.finished_at) ?? null,
    attempts: row.attempts,
    lockWaitMs: row.lock_wait_ms,
    appliedBy: row.applied_by,
    toolVersion: row.tool_version,
    gitCommit: row.git_commit,
    restorePoint: point === null || lsn === null ? null : { name: point, lsn, timeline: row.restore_timeline },
    locks: row.locks,
    reason: row.reason,
  };
}

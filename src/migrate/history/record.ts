import { IS_RUN_LOCK, lockGoneError } from '../session/lock.ts';
import type { Queryable } from '../session/session.ts';
import { heldLocksSql, type HeldLock } from '../watch/held-locks.ts';
import { historyTable, type HistoryKind } from './history.ts';

/** What all rows of one run share. */
export interface RunIdentity {
  readonly schema: string;
  readonly runId: string;
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
  readonly restorePoint: { readonly name: string; readonly lsn: string; readonly timeline: number } | undefined;
}

export interface HistoryEntry {
  readonly kind: HistoryKind;
  readonly version: string | undefined;
  readonly name: string;
  /** As messages name the file; the name unless given. */
  readonly file?: string | undefined;
  readonly statementNo: number | undefined;
  readonly sha256: string;
  readonly body: string;
  /** How long it took when this was sent; undefined for a statement that is only about to begin. */
  readonly tookMs: number | undefined;
  /** It began with the transaction that writes the row: the server adds what has passed since this was sent, to its locks too. */
  readonly inTransaction?: boolean;
  readonly attempts: number;
  /** Time spent on attempts that another session's lock ended, pauses included. */
  readonly lockWaitMs: number;
  /** False where it is known that the transaction locks nothing that was there before: asking takes longer than many a statement. */
  readonly asksLocks?: boolean;
  readonly locks?: EntryLocks | undefined;
}

/** What is known of locks when the row is sent. */
export interface EntryLocks {
  /** By relation and mode: how long the transaction that writes the row has held it. */
  readonly knownMs: Readonly<Record<string, number>>;
  /** How long it has held any other at most. */
  readonly otherMs: number;
  /** Locks that something outside of this transaction held. */
  readonly before: readonly HeldLock[];
}

/**
 * Adds a row; in a transaction with the locks on tables that it holds. Gives the locks as they are written down.
 *
 * Only the session that holds the lock of the run can: without it the row has no run, which its table refuses, so that the
 * transaction fails also when its COMMIT was sent right behind.
 *
 * @throws {DbadminError} `migration-failed` when the lock of the run is gone.
 */
export async function recordHistory(session: Queryable, run: RunIdentity, entry: HistoryEntry): Promise<readonly HeldLock[]> {
  try {
    const asksLocks = entry.asksLocks !== false;
    const [row] = await session.query<{ locks: readonly HeldLock[] }>(insertSql(run.schema, asksLocks), [
      run.runId,
      entry.kind,
      entry.version ?? null,
      entry.name,
      entry.statementNo ?? null,
      entry.sha256,
      entry.body,
      entry.inTransaction === true,
      entry.tookMs ?? null,
      entry.attempts,
      Math.round(entry.lockWaitMs),
      run.toolVersion,
      run.gitCommit ?? null,
      run.restorePoint?.name ?? null,
      run.restorePoint?.lsn ?? null,
      run.restorePoint?.timeline ?? null,
      JSON.stringify(entry.locks?.before ?? []),
      ...(asksLocks ? [JSON.stringify(entry.locks?.knownMs ?? {}), entry.locks?.otherMs ?? Math.round(entry.tookMs ?? 0), run.schema] : []),
    ]);
    return row?.locks ?? [];
  } catch (error) {
    const { code, column } = (error ?? {}) as { readonly code?: string; readonly column?: string };
    throw code === '23502' && column === 'run_id' ? lockGoneError(entry.file ?? entry.name, error) : error;
  }
}

function insertSql(schema: string, asksLocks: boolean): string {
  return `with mine as materialized (
      select locktype, database, relation, classid, objid, objsubid, mode, granted
      from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid() and granted
    )
    insert into ${historyTable(schema)} (run_id, kind, version, name, statement_no, sha256, body, started_at, finished_at,
      attempts, lock_wait_ms, tool_version, git_commit, restore_point, restore_lsn, restore_timeline, locks)
    select case when exists (select from mine where ${IS_RUN_LOCK}) then $1::uuid end,
      $2, $3, $4, $5::integer, decode($6, 'hex'), $7,
      case when $8::boolean then now() else clock_timestamp() - make_interval(secs => coalesce($9::float8, 0) / 1000) end,
      case when $9::float8 is not null then clock_timestamp() end,
      $10::integer, $11::bigint, $12, $13, $14, $15::pg_lsn, $16::integer, $17::jsonb${asksLocks ? ` || (${LOCKS_SQL})` : ''}
    returning locks`;
}

/** How long the transaction lasts, less what it had lasted when the row was sent. */
const SINCE_SENT_MS =
  'case when $8::boolean then greatest(0, extract(epoch from clock_timestamp() - now()) * 1000 - $9::float8) else 0 end';

const LOCKS_SQL = `
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('relation', relation, 'mode', mode, 'heldMs',
    round(coalesce(($18::jsonb ->> (relation || ' ' || mode))::float8, $19::float8) + ${SINCE_SENT_MS})::bigint)
    order by relation, mode), '[]')
  from (${heldLocksSql('$20', 'mine')}) held`;

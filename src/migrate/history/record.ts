import { heldLocksSql, type HeldLock } from '../watch/held-locks.ts';
import { historyTable, type HistoryKind } from './history.ts';
import type { Queryable } from '../session/session.ts';

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
  readonly statementNo: number | undefined;
  readonly sha256: string;
  readonly body: string;
  /** How long it took; undefined for a statement that is only about to begin. */
  readonly tookMs: number | undefined;
  readonly attempts: number;
  /** Time spent on attempts that another session's lock ended, pauses included. */
  readonly lockWaitMs: number;
  readonly locks?: EntryLocks | undefined;
}

/** What is known of locks when the row is written. */
export interface EntryLocks {
  /** By relation and mode: how long the transaction that writes the row has held it. */
  readonly knownMs: Readonly<Record<string, number>>;
  /** How long it has held any other at most. */
  readonly otherMs: number;
  /** Locks that something outside of this transaction held. */
  readonly before: readonly HeldLock[];
}

/** Adds a row; in a transaction with the locks on tables that it holds. Gives the locks as they are written down. */
export async function recordHistory(session: Queryable, run: RunIdentity, entry: HistoryEntry): Promise<readonly HeldLock[]> {
  const [row] = await session.query<{ locks: readonly HeldLock[] }>(
    `insert into ${historyTable(run.schema)} (run_id, kind, version, name, statement_no, sha256, body, started_at, finished_at,
       attempts, lock_wait_ms, tool_version, git_commit, restore_point, restore_lsn, restore_timeline, locks)
     select $1::uuid, $2, $3, $4, $5::integer, decode($6, 'hex'), $7,
       clock_timestamp() - make_interval(secs => coalesce($8::float8, 0) / 1000),
       case when $8::float8 is not null then clock_timestamp() end,
       $9::integer, $10::bigint, $11, $12, $13, $14::pg_lsn, $15::integer, $16::jsonb || (${LOCKS_SQL})
     returning locks`,
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
      run.restorePoint?.timeline ?? null,
      JSON.stringify(entry.locks?.before ?? []),
      run.schema,
      JSON.stringify(entry.locks?.knownMs ?? {}),
      entry.locks?.otherMs ?? Math.round(entry.tookMs ?? 0),
    ],
  );
  return row?.locks ?? [];
}

const LOCKS_SQL = `
  select coalesce(jsonb_agg(jsonb_build_object('relation', relation, 'mode', mode,
    'heldMs', coalesce(($18::jsonb ->> (relation || ' ' || mode))::bigint, $19::bigint)) order by relation, mode), '[]')
  from (${heldLocksSql('$17')}) held`;

import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Queryable } from './session.ts';

/** The key that node-pg-migrate uses itself, so that its own command line is kept out too. */
export const LOCK_KEY = '7241865325823964';

const POLL_MS = 250;
const REMIND_MS = 10_000;

export interface LockOptions {
  readonly waitMs: number;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Takes the session's advisory lock of this database, asking again and again. It never waits inside the server: a session that
 * waits there holds a snapshot, for which another's CREATE INDEX CONCURRENTLY waits in turn, and both die of a deadlock.
 *
 * @throws {DbadminError} `locked` after `waitMs`, naming the holder.
 */
export async function acquireLock(session: Queryable, { waitMs, clock, random, log, signal }: LockOptions): Promise<void> {
  const startedMs = clock.now().getTime();
  let remindMs = startedMs;
  for (;;) {
    const [row] = await session.query<{ taken: boolean }>(`select pg_catalog.pg_try_advisory_lock(${LOCK_KEY}) as taken`);
    if (row?.taken === true) return;
    const nowMs = clock.now().getTime();
    if (nowMs - startedMs >= waitMs) {
      throw new DbadminError('locked', 'another migration is running in this database', {
        detail: `Waited ${formatDuration(nowMs - startedMs)}. The lock is held by ${await describeHolder(session)}.`,
        hint: 'Let it end and run this again, or wait longer: --lock-wait 30m.',
      });
    }
    if (nowMs >= remindMs) {
      log.info(`waiting for another migration: ${await describeHolder(session)}`);
      remindMs = nowMs + REMIND_MS;
    }
    await clock.sleep(POLL_MS * (0.5 + random()), signal);
  }
}

/** Gives the lock back. */
export async function releaseLock(session: Queryable): Promise<void> {
  await session.query(`select pg_catalog.pg_advisory_unlock(${LOCK_KEY})`);
}

/** A condition on rows of `pg_locks`: somebody holds the lock of this database. */
export const IS_RUN_LOCK = `locktype = 'advisory' and objsubid = 1 and granted and ((classid::bigint << 32) | objid::bigint) = ${LOCK_KEY}
  and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`;

/** Query for one boolean, `held`: whether this session still has the lock. */
export const LOCK_HELD_SQL = `select exists (select from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid() and ${IS_RUN_LOCK}) as held`;

/** What a file is told in whose course the lock of the run went away. */
export function lockGoneError(file: string, cause?: unknown): DbadminError {
  return new DbadminError('migration-failed', `${file}: the lock of this run is gone`, {
    detail: 'Something released the advisory lock of this session, or a connection pooler put another session in its place.',
    hint: 'Do not call pg_advisory_unlock_all() in migrations, and connect directly to the server.',
    cause,
  });
}

async function describeHolder(session: Queryable): Promise<string> {
  const [row] = await session.query<{ pid: number; usename: string | null; application_name: string | null; since: string | null }>(
    `select l.pid, a.usename, a.application_name, to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
     from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a using (pid) where ${IS_RUN_LOCK} limit 1`,
  );
  if (row === undefined) return 'nobody any more';
  return `process ${row.pid} (${row.usename ?? '?'}, ${row.application_name ?? '?'}, connected ${row.since ?? '?'})`;
}

import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/durations.ts';
import { DbadminError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

/** Any two numbers that nobody else takes; advisory locks are per database, so it is always the maintenance database's. */
const LOCK_KEYS = [0x64626164, 0x726f6c65] as const;
const LOCK_POLL_MS = 200;
const REMIND_MS = 10_000;

export interface LockOptions {
  /** How long to wait for another apply on this cluster. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Takes the cluster's lock of applies for the session of `sql`, asking again and again: a session that waits inside the server
 * holds a snapshot, which others would wait for.
 *
 * @throws {DbadminError} `locked` after `waitMs`, naming the holder.
 */
export async function takeLock(sql: Sql, { waitMs, clock, log, signal }: LockOptions): Promise<void> {
  // A lock that ends with an idle session is none.
  await sql`select set_config('idle_session_timeout', '0', false)`;
  const startedMs = clock.now().getTime();
  let remindMs = startedMs + REMIND_MS;
  for (;;) {
    signal.throwIfAborted();
    const [row] = await sql<{ taken: boolean }[]>`select pg_catalog.pg_try_advisory_lock(${LOCK_KEYS[0]}, ${LOCK_KEYS[1]}) as taken`;
    if (row?.taken === true) return;
    const nowMs = clock.now().getTime();
    if (nowMs - startedMs >= waitMs) {
      throw new DbadminError('locked', 'another dbadmin is applying roles to this cluster', {
        detail: `Waited ${formatDuration(nowMs - startedMs)}. The lock is held by ${await describeHolder(sql)}.`,
        hint: 'Let it end and run this again, or wait longer: --lock-wait 5m.',
      });
    }
    if (nowMs >= remindMs) {
      log.info(`waiting for another apply: ${await describeHolder(sql)}`);
      remindMs = nowMs + REMIND_MS;
    }
    await pause(LOCK_POLL_MS);
  }
}

/**
 * Makes sure that the lock is still ours: the session that holds it may have been ended, and the client would have connected
 * anew without saying so.
 *
 * @throws {DbadminError} `locked` when it is not.
 */
export async function checkLock(sql: Sql): Promise<void> {
  const [row] = await sql<{ held: boolean }[]>`
    select exists (select from pg_catalog.pg_locks l where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'advisory' and l.granted
       and l.classid = ${LOCK_KEYS[0]}::int::oid and l.objid = ${LOCK_KEYS[1]}::int::oid and l.objsubid = 2) as held`;
  if (row?.held === true) return;
  throw new DbadminError('locked', 'the session that holds the lock of this apply has ended', {
    detail: 'Somebody ended it, or the connection broke. Another apply may have begun.',
    hint: 'Look at what is left to do and run this again: dbadmin roles plan.',
  });
}

/** Whether somebody applies roles to this cluster now; asked in the database where the lock is. */
export async function isLockHeld(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ held: boolean }[]>`
    select exists (select from pg_catalog.pg_locks l
                    where l.locktype = 'advisory' and l.granted and l.objsubid = 2
                      and l.classid = ${LOCK_KEYS[0]}::int::oid and l.objid = ${LOCK_KEYS[1]}::int::oid
                      and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())) as held`;
  return row?.held === true;
}

async function describeHolder(sql: Sql): Promise<string> {
  const [holder] = await sql<{ pid: number; user: string | null; application: string | null; address: string | null }[]>`
    select l.pid, a.usename::text as user, a.application_name as application, host(a.client_addr) as address
      from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.objsubid = 2
       and l.classid = ${LOCK_KEYS[0]}::int::oid and l.objid = ${LOCK_KEYS[1]}::int::oid
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())`;
  if (holder === undefined) return 'a session that has just ended';
  const from = holder.address === null ? '' : ` from ${holder.address}`;
  return `process ${holder.pid} of the server, ${holder.application ?? 'unnamed'} as ${holder.user ?? 'unknown'}${from}`;
}

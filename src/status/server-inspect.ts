import type postgres from 'postgres';
import type { Clock } from '../base/clock.ts';
import { DbadminError } from '../base/errors.ts';
import { openClient } from '../postgres/client.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { parseMoment } from '../postgres/moment.ts';
import { isServerError } from '../postgres/postgres-error.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import type { ArchiverFacts, ServerFacts } from './facts.ts';

interface ServerRow {
  readonly version: string;
  readonly standby: boolean;
  readonly system: string;
  readonly written: string;
  readonly bytes: string | null;
  readonly archiving: boolean;
  readonly archived: string | null;
  readonly failed: string | null;
  readonly wal: string | null;
  readonly failures: string;
  readonly segment: string;
  readonly lists: boolean;
}

interface SlotRow {
  readonly name: string;
  readonly kind: 'physical' | 'logical';
  readonly active: boolean;
  readonly status: string | null;
  readonly kept: string | null;
}

/**
 * Asks a server what status tells of it. Any role may ask all of it but the sizes of databases that it may not connect to:
 * those are left out, and how long WAL has waited for the archiver is told to pg_monitor alone.
 *
 * @throws {DbadminError} `connection-failed`, `credentials-wrong`.
 */
export async function inspectServer(parameters: ConnectionParameters, slot: string, clock: Clock): Promise<ServerFacts> {
  const sql = await openClient(parameters, { applicationName: 'dbadmin status' });
  try {
    // Before: what it has written by the time it answers may be more than at this moment, never less.
    const askedAt = clock.now();
    const [row] = await sql<ServerRow[]>`
      select current_setting('server_version') as version, pg_is_in_recovery() as standby,
             (select system_identifier::text from pg_control_system()) as system,
             case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_flush_lsn() end::text as written,
             (select sum(pg_database_size(oid)) from pg_database where has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage'))::text as bytes,
             current_setting('archive_mode') <> 'off'
               and (current_setting('archive_command') not in ('', '(disabled)') or coalesce(current_setting('archive_library', true), '') <> '') as archiving,
             to_json(a.last_archived_time) as archived, to_json(a.last_failed_time) as failed, a.last_failed_wal as wal, a.failed_count::text as failures,
             pg_size_bytes(current_setting('wal_segment_size'))::text as segment,
             coalesce(has_function_privilege(to_regprocedure('pg_catalog.pg_ls_archive_statusdir()'), 'execute'), false) as lists
      from pg_stat_archiver a`;
    if (row === undefined) throw new DbadminError('query-failed', 'the server says nothing of its archiver');
    const slots = await sql<SlotRow[]>`
      select slot_name as name, slot_type as kind, active, wal_status as status,
             pg_wal_lsn_diff(${row.written}::pg_lsn, restart_lsn)::bigint::text as kept
      from pg_replication_slots where not temporary order by slot_name`;
    return {
      askedAt,
      version: row.version.split(' ', 1)[0] ?? row.version,
      isStandby: row.standby,
      systemIdentifier: row.system,
      writtenLsn: parseLsn(row.written),
      walSegmentBytes: Number(row.segment),
      sizeBytes: row.bytes === null ? undefined : Number(row.bytes),
      archiver: row.archiving
        ? {
            archivedAt: parseMoment(row.archived),
            failedAt: parseMoment(row.failed),
            failedWal: row.wal ?? undefined,
            failures: Number(row.failures),
            waiting: row.lists ? await inspectWaiting(sql, clock) : undefined,
          }
        : undefined,
      slots: slots.map(({ name, kind, active, status, kept }) => ({
        name,
        kind,
        isOurs: name === slot,
        isActive: active,
        walStatus: status ?? undefined,
        keptBytes: kept === null ? undefined : Math.max(0, Number(kept)),
      })),
    };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** pg_stat_archiver counts what succeeded and failed; a command that hangs does neither. Its age is told by the server's clock alone. */
async function inspectWaiting(sql: postgres.Sql, clock: Clock): Promise<ArchiverFacts['waiting']> {
  const rows = await sql<{ segments: number; age: number | null }[]>`
    select count(*)::int as segments, extract(epoch from clock_timestamp() - min(modification))::float8 as age
    from pg_ls_archive_statusdir() where name ~ '^[0-9A-F]{24}[.]ready$'`.catch((error: unknown) => {
    // A service may forbid what the role may do: the rest is known all the same.
    if (isServerError(error)) return undefined;
    throw error;
  });
  if (rows === undefined) return undefined;
  const [row] = rows;
  const age = row?.age ?? undefined;
  return { segments: row?.segments ?? 0, since: age === undefined ? undefined : new Date(clock.now().getTime() - age * 1000) };
}

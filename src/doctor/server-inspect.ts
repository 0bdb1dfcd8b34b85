import type { Sql } from 'postgres';
import { openClient } from '../postgres/client.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';

/** What a server says of itself beyond what backups try. */
export interface ServerState {
  /** `server_version_num`. */
  readonly version: number;
  readonly role: { readonly name: string; readonly isSuperuser: boolean; readonly replicates: boolean };
  readonly archive: { readonly mode: string; readonly command: string; readonly timeoutSeconds: number };
  readonly settings: {
    readonly fsync: string;
    readonly fullPageWrites: string;
    readonly passwordEncryption: string;
    readonly ssl: string;
    readonly autovacuum: string;
  };
  /** Slots of our name or our prefix that nobody reads. */
  readonly idleSlots: readonly { readonly name: string; readonly keptBytes: number | undefined }[];
  /** Undefined where the role may not read pg_hba.conf. */
  readonly hba: { readonly faults: readonly string[]; readonly trusted: readonly string[] } | undefined;
  /** Sessions of dbadmin that are idle in a transaction, or whose statement is older than a day. */
  readonly sessions: readonly { readonly pid: number; readonly name: string; readonly state: string; readonly sinceMs: number }[];
  /** Schemas that an interrupted run left in the database. */
  readonly leftSchemas: readonly string[];
  /** Age of the oldest transaction id, of 2^31. */
  readonly xidAge: number;
  /** Settings that wait for a restart. */
  readonly pendingRestart: readonly string[];
}

interface Row {
  readonly version: string;
  readonly role: string;
  readonly superuser: boolean;
  readonly replicates: boolean;
  readonly archive_mode: string;
  readonly archive_command: string;
  readonly archive_timeout: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly password_encryption: string;
  readonly ssl: string;
  readonly autovacuum: string;
  readonly xid_age: number;
  readonly pending: readonly string[];
  readonly left_schemas: readonly string[];
  readonly may_read_hba: boolean;
}

/**
 * Asks a server.
 *
 * @throws {DbadminError} `connection-failed`, `credentials-wrong`.
 */
export async function inspectServerState(parameters: ConnectionParameters, slot: string): Promise<ServerState | undefined> {
  const sql = await openClient(parameters, { applicationName: 'dbadmin doctor' });
  try {
    const [row] = await sql<Row[]>`
      select current_setting('server_version_num') as version, current_user as role, r.rolsuper as superuser,
             r.rolsuper or r.rolreplication as replicates, current_setting('archive_mode') as archive_mode,
             current_setting('archive_command') as archive_command,
             (select setting from pg_settings where name = 'archive_timeout') as archive_timeout,
             current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
             current_setting('password_encryption') as password_encryption, current_setting('ssl') as ssl,
             current_setting('autovacuum') as autovacuum,
             (select max(age(datfrozenxid)) from pg_database) as xid_age,
             to_json(array(select name from pg_settings where pending_restart order by name)) as pending,
             to_json(array(select nspname::text from pg_namespace where nspname = 'dbadmin_drill')) as left_schemas,
             has_function_privilege('pg_hba_file_rules()', 'execute') as may_read_hba
      from pg_roles r where r.rolname = current_user`;
    if (row === undefined) return undefined;
    return {
      version: Number(row.version),
      role: { name: row.role, isSuperuser: row.superuser, replicates: row.replicates },
      archive: { mode: row.archive_mode, command: row.archive_command, timeoutSeconds: Number(row.archive_timeout) },
      settings: {
        fsync: row.fsync,
        fullPageWrites: row.full_page_writes,
        passwordEncryption: row.password_encryption,
        ssl: row.ssl,
        autovacuum: row.autovacuum,
      },
      idleSlots: await inspectSlots(sql, slot),
      hba: row.may_read_hba ? await inspectHba(sql) : undefined,
      sessions: await inspectSessions(sql),
      leftSchemas: row.left_schemas,
      xidAge: row.xid_age,
      pendingRestart: row.pending,
    };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function inspectSlots(sql: Sql, slot: string): Promise<ServerState['idleSlots']> {
  const rows = await sql<{ name: string; kept: string | null }[]>`
    select slot_name as name,
           pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn)::bigint::text as kept
    from pg_replication_slots
    where not active and not temporary and (slot_name = ${slot} or slot_name like 'dbadmin%') order by 1`;
  return rows.map(({ name, kept }) => ({ name, keptBytes: kept === null ? undefined : Math.max(0, Number(kept)) }));
}

async function inspectHba(sql: Sql): Promise<ServerState['hba']> {
  const rows = await sql<{ line: number; error: string | null; type: string | null; address: string | null; method: string | null }[]>`
    select line_number as line, error, type, address, auth_method as method from pg_hba_file_rules
    where error is not null or (type <> 'local' and auth_method in ('trust', 'password') and address not in ('127.0.0.1', '::1', 'samehost'))
    order by line_number`;
  return {
    faults: rows.flatMap(({ line, error }) => (error === null ? [] : [`line ${line}: ${error}`])),
    trusted: rows.flatMap(({ line, error, type, address, method }) =>
      error === null ? [`line ${line}: ${type} ${address} ${method}`] : [],
    ),
  };
}

async function inspectSessions(sql: Sql): Promise<ServerState['sessions']> {
  const rows = await sql<{ pid: number; name: string; state: string; since: number }[]>`
    select pid, application_name as name, state, (extract(epoch from clock_timestamp() - coalesce(state_change, backend_start)) * 1000)::float8 as since
    from pg_stat_activity
    where application_name like 'dbadmin%' and pid <> pg_backend_pid() and backend_type = 'client backend'
      and ((state like 'idle in transaction%' and state_change < clock_timestamp() - interval '10 min')
           or (state = 'active' and query_start < clock_timestamp() - interval '1 day'))
    order by pid`;
  return rows.map(({ pid, name, state, since }) => ({ pid, name, state, sinceMs: since }));
}

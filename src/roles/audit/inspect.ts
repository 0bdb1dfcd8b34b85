import type { TransactionSql } from 'postgres';
import { isDbadminError, messageOf } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { AccessDatabase } from '../access/graph.ts';
import { inspectDatabaseAccess, inspectSharedAccess } from '../access/inspect.ts';
import { inspectCluster } from '../inspect-cluster.ts';
import { readSnapshot } from '../inspect.ts';
import { splitList } from '../settings.ts';
import type { ClusterState } from '../state.ts';
import { inspectAuditedDatabase } from './inspect-database.ts';
import { inspectSeen } from './inspect-seen.ts';
import type { AuditedDatabase, AuditState, HostRule, SeenLogins } from './state.ts';

export interface AuditScope {
  /** Databases to look into; undefined for every one that takes connections and is no template. */
  readonly databases: readonly string[] | undefined;
  /** Look for logins that were not used since then. */
  readonly staleSince: Date | undefined;
}

/**
 * Reads everything that an audit judges by; writes nothing. Any role may run it: what it may not read is in the notes.
 *
 * @throws {DbadminError} `connection-failed`, `credentials-wrong`, `server-unsupported`.
 */
export async function inspectForAudit(connection: ConnectionParameters, scope: AuditScope): Promise<AuditState> {
  const { shared, access } = await readSnapshot(connection, async (sql) => ({
    shared: await inspectShared(sql, scope.staleSince),
    access: await inspectSharedAccess(sql),
  }));
  const notes = [...shared.notes];
  const names = scope.databases ?? [...shared.cluster.databases.keys()].sort();
  const databases = new Map<string, AuditedDatabase>();
  const accessible = new Map<string, AccessDatabase>();
  for (const name of names) {
    try {
      const owner = access.open.get(name) ?? '';
      // One snapshot for both, so that they agree.
      const found = await readSnapshot({ ...connection, database: name }, async (sql) => ({
        audited: await inspectAuditedDatabase(sql, name),
        access: await inspectDatabaseAccess(sql, name, owner),
      }));
      databases.set(name, found.audited);
      accessible.set(name, found.access);
    } catch (error) {
      if (!isDbadminError(error) || scope.databases !== undefined) throw error;
      notes.push(`database ${name} was not looked into: ${error.detail ?? messageOf(error)}`);
    }
  }
  return { ...shared, access: { ...access.graph, databases: accessible }, databases, notes };
}

async function inspectShared(sql: TransactionSql, staleSince: Date | undefined): Promise<Omit<AuditState, 'access' | 'databases'>> {
  const cluster = await inspectCluster(sql, []);
  const hosts = await readHostRules(sql, cluster.major);
  const seen = staleSince === undefined ? undefined : await inspectSeen(sql, staleSince);
  const notes = [
    ...(cluster.canReadPasswords ? [] : [`passwords were not looked at: ${cluster.currentRole} may not read pg_authid`]),
    ...(hosts === undefined ? [`pg_hba.conf was not looked at: ${cluster.currentRole} may not read pg_hba_file_rules`] : []),
    ...(typeof seen === 'string' ? [seen] : []),
  ];
  return {
    cluster,
    maxConnections: await readMaxConnections(sql),
    searchPath: await readSearchPath(sql, cluster),
    hostRules: hosts ?? [],
    seen: typeof seen === 'string' ? undefined : seen,
    notes,
  } satisfies Omit<AuditState, 'access' | 'databases'> & { readonly seen: SeenLogins | undefined };
}

async function readMaxConnections(sql: TransactionSql): Promise<number> {
  const [row] = await sql<{ value: number }[]>`select current_setting('max_connections')::int as value`;
  return row?.value ?? 0;
}

/** The server's own, not what is set for whoever is connected. */
async function readSearchPath(sql: TransactionSql, { settings, currentRole }: ClusterState): Promise<readonly string[]> {
  const [row] = await sql<{ reset: string; boot: string }[]>`
    select reset_val as reset, boot_val as boot from pg_catalog.pg_settings where name = 'search_path'`;
  const isOurs = settings.some(({ name, role }) => name === 'search_path' && (role === currentRole || role === undefined));
  return splitList((isOurs ? row?.boot : row?.reset) ?? '"$user", public');
}

interface HostRow {
  readonly file: string;
  readonly line: number;
  readonly type: string | null;
  readonly databases: readonly string[] | null;
  readonly users: readonly string[] | null;
  readonly address: string | null;
  readonly netmask: string | null;
  readonly method: string | null;
}

/** Undefined when it may not be read. */
async function readHostRules(sql: TransactionSql, major: number): Promise<readonly HostRule[] | undefined> {
  const [may] = await sql<{ read: boolean }[]>`
    select has_table_privilege('pg_catalog.pg_hba_file_rules', 'select') and has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute') as read`;
  if (may?.read !== true) return undefined;
  const file = major >= 16 ? sql`h.file_name` : sql`current_setting('hba_file')`;
  const rows = await sql<HostRow[]>`
    select ${file} as file, h.line_number as line, h.type, to_json(h.database) as databases, to_json(h.user_name) as users, h.address, h.netmask,
           h.auth_method as method
      from pg_catalog.pg_hba_file_rules h where h.error is null order by 1, 2`;
  return rows.map((row) => ({
    file: row.file,
    line: row.line,
    type: row.type ?? '',
    databases: row.databases ?? [],
    users: row.users ?? [],
    address: row.address ?? undefined,
    netmask: row.netmask ?? undefined,
    method: row.method ?? '',
  }));
}

import type { Sql } from 'postgres';
import { openClient } from '../postgres/client.ts';
import { TAKES_CONNECTIONS_SQL } from '../postgres/open-database.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';

/** What there is of ours in one database. */
export interface DatabaseTraces {
  readonly name: string;
  /** Schemas with objects of ours. */
  readonly schemas: readonly {
    readonly name: string;
    /** `jobs`: the queue and its records, all of it ours. `history`: records beside which others may have put theirs. */
    readonly kind: 'jobs' | 'history';
    readonly ours: readonly string[];
    readonly others: readonly string[];
    readonly appliedMigrations: number;
  }[];
  /** Statements of `roles apply` that are on record here. */
  readonly statements: readonly string[];
}

export interface ClusterTraces {
  readonly databases: readonly DatabaseTraces[];
  /** Databases that let nobody in, or not us. */
  readonly unread: readonly string[];
  readonly slots: readonly { readonly name: string; readonly isActive: boolean }[];
  /** Sessions of ours beside this one. */
  readonly sessions: readonly { readonly pid: number; readonly name: string }[];
  /** By name: how many objects each role owns, in all databases. */
  readonly roles: ReadonlyMap<string, { readonly owns: number; readonly isSuperuser: boolean }>;
  readonly currentRole: string;
}

export interface UninstallScope {
  readonly slot: string;
  readonly historySchema: string;
  readonly jobsSchema: string;
}

const OURS_IN_HISTORY = [
  'migration_history',
  'migration_history_append_only',
  'roles_applied',
  'roles_applied_id_seq',
  'refuse_change',
  'refuse_history_change',
];

/** Looks for everything that dbadmin has made in a cluster. */
export async function inspectTraces(connection: ConnectionParameters, scope: UninstallScope): Promise<ClusterTraces> {
  const sql = await openClient(connection, { applicationName: 'dbadmin uninstall' });
  try {
    const names = await sql<{ name: string; open: boolean }[]>`
      select datname as name, ${sql.unsafe(TAKES_CONNECTIONS_SQL)} and has_database_privilege(oid, 'connect') as open
      from pg_database d order by datname`;
    const databases: DatabaseTraces[] = [];
    for (const { name } of names.filter(({ open }) => open)) {
      const own = await openClient({ ...connection, database: name }, { applicationName: 'dbadmin uninstall' });
      try {
        databases.push(await inspectDatabase(own, name, scope));
      } finally {
        await own.end({ timeout: 5 });
      }
    }
    const slots = await sql<{ name: string; active: boolean }[]>`
      select slot_name as name, active from pg_replication_slots
      where not temporary and slot_type = 'physical' and (slot_name = ${scope.slot} or slot_name like 'dbadmin\\_%') order by 1`;
    const sessions = await sql<{ pid: number; name: string }[]>`
      select pid, application_name as name from pg_stat_activity
      where application_name like 'dbadmin%' and application_name <> 'dbadmin uninstall' order by pid`;
    const roles = await sql<{ name: string; super: boolean; owns: number }[]>`
      select r.rolname as name, r.rolsuper as super,
             (select count(*)::int from pg_shdepend d where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and d.deptype = 'o') as owns
      from pg_roles r`;
    const [who] = await sql<{ name: string }[]>`select current_user as name`;
    return {
      databases,
      unread: names.filter(({ open, name }) => !open && name !== 'template0').map(({ name }) => name),
      slots: slots.map(({ name, active }) => ({ name, isActive: active })),
      sessions: [...sessions],
      roles: new Map(roles.map(({ name, owns, super: isSuperuser }) => [name, { owns, isSuperuser }])),
      currentRole: who?.name ?? '',
    };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function inspectDatabase(sql: Sql, name: string, { historySchema, jobsSchema }: UninstallScope): Promise<DatabaseTraces> {
  const rows = await sql<{ schema: string; jobs: boolean; object: string; kind: string }[]>`
    select n.nspname as schema, coalesce(obj_description(n.oid, 'pg_namespace'), '') like 'dbadmin schedule, tables %' as jobs, o.name as object, o.kind
    from pg_namespace n
    left join lateral (
      select relname::text as name, case relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end as kind
      from pg_class where relnamespace = n.oid and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      union all select proname::text, 'function' from pg_proc where pronamespace = n.oid
      union all select typname::text, 'type' from pg_type where typnamespace = n.oid and typtype in ('d', 'e', 'r')
    ) o on true
    where n.nspname in (${historySchema}, ${jobsSchema}, 'dbadmin') order by 1, 3`;
  const schemas: DatabaseTraces['schemas'][number][] = [];
  const statements: string[] = [];
  for (const schema of new Set(rows.map((row) => row.schema))) {
    const own = rows.filter((row) => row.schema === schema);
    if (own.some(({ jobs }) => jobs)) {
      schemas.push({ name: schema, kind: 'jobs', ours: own.map(({ object }) => object), others: [], appliedMigrations: 0 });
      continue;
    }
    const objects = own.filter(({ object }) => object !== null);
    const ours = objects.filter(
      ({ object }) => OURS_IN_HISTORY.includes(object) || /^migration_history(_\w+_seq)?$|^migration_history_/.test(object),
    );
    if (ours.length === 0 && (schema !== 'dbadmin' || objects.length > 0)) continue;
    const has = (table: string): boolean => ours.some(({ object }) => object === table);
    if (has('roles_applied')) {
      const recorded = await sql<{ statement: string }[]>`
        select unnest(a.statements) as statement from ${sql(schema)}.roles_applied a
        where a.event = 'done' or (a.event = 'began' and exists (select from ${sql(schema)}.roles_applied d where d.run = a.id and d.event = 'done'))`;
      statements.push(...recorded.map(({ statement }) => statement));
    }
    const [applied] = has('migration_history')
      ? await sql<{ count: number }[]>`select count(*)::int as count from ${sql(schema)}.migration_history`
      : [];
    schemas.push({
      name: schema,
      kind: 'history',
      ours: ours.map(({ object, kind }) => `${kind} ${object}`),
      others: objects.filter((each) => !ours.includes(each)).map(({ object, kind }) => `${kind} ${object}`),
      appliedMigrations: applied?.count ?? 0,
    });
  }
  return { name, schemas, statements };
}

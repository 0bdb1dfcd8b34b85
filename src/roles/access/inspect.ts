import type { TransactionSql } from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import { TAKES_CONNECTIONS_SQL } from '../../postgres/open-database.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { readSnapshot } from '../inspect.ts';
import { inspectDefiners } from './inspect-definers.ts';
import { fullAcl, inspectColumnAcls, inspectObjects, type FullAclEntry } from './inspect-objects.ts';
import { inspectNames } from './inspect-names.ts';
import { NO_NAMES, type AccessDatabase, type AccessGraph, type AccessGroup, type AccessNames, type AccessRole } from './graph.ts';
import type { Membership } from '../state.ts';
import { VALID_UNTIL_SQL } from '../valid-until.ts';

/**
 * Reads the access graph of a cluster with the databases `databases`; those that do not exist or take no connections are left
 * out. Writes nothing; any role may read all of it.
 *
 * @throws {DbadminError} `connection-failed`, `credentials-wrong`.
 */
export async function inspectAccess(
  connection: ConnectionParameters,
  databases: readonly string[],
  names: AccessNames = NO_NAMES,
): Promise<AccessGraph> {
  const cluster = await readSnapshot(connection, async (sql) => await inspectSharedAccess(sql, names));
  const found = new Map<string, AccessDatabase>();
  for (const name of new Set(databases)) {
    const owner = cluster.open.get(name);
    if (owner === undefined) continue;
    found.set(
      name,
      await readSnapshot({ ...connection, database: name }, async (sql) => await inspectDatabaseAccess(sql, name, owner, names)),
    );
  }
  return { ...cluster.graph, databases: found };
}

/** What of an access graph belongs to the whole cluster. */
export interface SharedAccess {
  readonly graph: Omit<AccessGraph, 'databases'>;
  /** Databases that take connections, to their owners. */
  readonly open: ReadonlyMap<string, string>;
}

/** The part of {@link inspectAccess} that any database can be asked for, in an open snapshot. */
export async function inspectSharedAccess(sql: TransactionSql, { parameters }: AccessNames = NO_NAMES): Promise<SharedAccess> {
  const [about] = await sql<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
  if (about === undefined) throw new DbadminError('query-failed', 'the server does not tell its version');
  const { major } = about;
  const open = await sql<{ name: string; owner: string }[]>`
    select d.datname::text as name, pg_catalog.pg_get_userbyid(d.datdba)::text as owner from pg_catalog.pg_database d
     where ${sql.unsafe(TAKES_CONNECTIONS_SQL)}`;
  return {
    graph: {
      major,
      roles: await readRoles(sql),
      memberships: await readMemberships(sql, major),
      shared: await readShared(sql, major, parameters),
      freeParameters: await readFreeParameters(sql, parameters),
    },
    open: new Map(open.map(({ name, owner }) => [name, owner])),
  };
}

interface RoleRow {
  readonly name: string;
  readonly login: boolean;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createrole: boolean;
  readonly createdb: boolean;
  readonly replication: boolean;
  readonly bypassrls: boolean;
  readonly until: string | null;
}

async function readRoles(sql: TransactionSql): Promise<ReadonlyMap<string, AccessRole>> {
  const rows = await sql<RoleRow[]>`
    select r.rolname::text as name, r.rolcanlogin as login, r.rolsuper as superuser, r.rolinherit as inherit, r.rolcreaterole as createrole,
           r.rolcreatedb as createdb, r.rolreplication as replication, r.rolbypassrls as bypassrls,
           ${sql.unsafe(VALID_UNTIL_SQL)} as until
      from pg_catalog.pg_roles r order by 1`;
  return new Map(rows.map(({ name, login, until, ...attributes }) => [name, { name, login, attributes, validUntil: until ?? undefined }]));
}

async function readMemberships(sql: TransactionSql, major: number): Promise<readonly Membership[]> {
  const options = major >= 16 ? sql`m.inherit_option as inherit, m.set_option as "set"` : sql`u.rolinherit as inherit, true as "set"`;
  return await sql<Membership[]>`
    select pg_catalog.pg_get_userbyid(m.roleid)::text as role, u.rolname::text as member,
           pg_catalog.pg_get_userbyid(m.grantor)::text as grantor, m.admin_option as admin, ${options}
      from pg_catalog.pg_auth_members m join pg_catalog.pg_roles u on u.oid = m.member
     order by 1, 2, 3`;
}

interface SharedRow {
  readonly kind: 'database' | 'tablespace' | 'parameter';
  readonly name: string;
  readonly owner: string;
  readonly acl: readonly FullAclEntry[] | null;
}

async function readShared(sql: TransactionSql, major: number, asked: readonly string[]): Promise<readonly AccessGroup[]> {
  const known = sql`(select json_array_elements_text(${JSON.stringify(asked)}::text::json))`;
  const parameters =
    major >= 15
      ? sql`union all select 'parameter', p.parname, 10::oid, p.paracl from pg_catalog.pg_parameter_acl p
            union all select 'parameter', lower(s.name), 10::oid, pg_catalog.acldefault('p', 10::oid) from pg_catalog.pg_settings s
             where lower(s.name) in ${known} and lower(s.name) not in (select p.parname from pg_catalog.pg_parameter_acl p)`
      : sql``;
  const rows = await sql<SharedRow[]>`
    with objects(kind, name, owner, acl) as (
      select 'database', d.datname::text, d.datdba, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) from pg_catalog.pg_database d
      union all select 'tablespace', t.spcname::text, t.spcowner, coalesce(t.spcacl, pg_catalog.acldefault('t', t.spcowner)) from pg_catalog.pg_tablespace t
      ${parameters}
    )
    select o.kind, o.name, pg_catalog.pg_get_userbyid(o.owner)::text as owner,
           (select json_agg(json_build_array(pg_catalog.pg_get_userbyid(a.grantor), a.grantee::bigint, pg_catalog.pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable))
              from pg_catalog.aclexplode(o.acl) a) as acl
      from objects o order by 1, 2`;
  return rows.map(({ kind, name, owner, acl }) => ({ kind, schema: undefined, owner, acl: fullAcl(acl), isCatalog: false, names: [name] }));
}

async function readFreeParameters(sql: TransactionSql, asked: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }[]>`
    select lower(s.name) as name from pg_catalog.pg_settings s
     where s.context = 'user' and lower(s.name) in (select json_array_elements_text(${JSON.stringify(asked)}::text::json))`;
  return new Set(rows.map(({ name }) => name));
}

/** The part of {@link inspectAccess} about the database that is connected to, in an open snapshot. */
export async function inspectDatabaseAccess(
  sql: TransactionSql,
  name: string,
  owner: string,
  names: AccessNames = NO_NAMES,
): Promise<AccessDatabase> {
  return {
    name,
    owner,
    groups: await inspectObjects(sql),
    columns: await inspectColumnAcls(sql),
    ...(await inspectDefiners(sql)),
    ...(await inspectNames(sql, names)),
  };
}

import type { Sql, TransactionSql } from 'postgres';
import { DbadminError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { TAKES_CONNECTIONS_SQL } from '../postgres/open-database.ts';
import { aclJson, parseAcl, type RawAclEntry } from './acl.ts';
import { fixForms, fixWrittenForms } from './inspect-forms.ts';
import { inspectShared } from './inspect-shared.ts';
import { splitList } from './settings.ts';
import type { ClusterState, Membership, OwnedAcl, RoleState, SettingType, StoredSetting } from './state.ts';
import { VALID_UNTIL_SQL } from './valid-until.ts';

const OLDEST_MAJOR = 14;

/**
 * Reads in one snapshot with every name schema-qualified by the server, and writes nothing. Expressions come in the form in which they are
 * compared; with `fixFileForms` in the one for a file.
 */
export async function inSnapshot<T>(
  sql: Sql,
  read: (snapshot: TransactionSql) => Promise<T>,
  fixOthers: (snapshot: TransactionSql) => Promise<void> = fixWrittenForms,
): Promise<T> {
  return (await sql.begin('isolation level repeatable read read only', async (snapshot) => {
    await fixForms(snapshot);
    await fixOthers(snapshot);
    return await read(snapshot);
  })) as T;
}

interface About {
  readonly major: number;
  readonly user: string;
  readonly session: string;
  readonly superuser: boolean;
  readonly standby: boolean;
  readonly bootstrap: string;
  readonly readable: boolean;
}

/**
 * Roles, memberships, settings and databases as they are. `settingNames` are those whose types the plan will ask for. `as` is
 * the role that the plan is for, where that is not the one that is connected; it may not be there yet.
 *
 * @throws {DbadminError} `server-unsupported` before 14.
 */
export async function inspectCluster(sql: TransactionSql, settingNames: readonly string[], as?: string): Promise<ClusterState> {
  const [about] = await sql<About[]>`
    select current_setting('server_version_num')::int / 10000 as major, current_user::text as user,
           session_user::text as session, r.rolsuper as superuser, pg_catalog.pg_is_in_recovery() as standby,
           (select b.rolname::text from pg_catalog.pg_roles b where b.oid = 10) as bootstrap,
           has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'select') as readable
      from pg_catalog.pg_roles r where r.rolname = current_user`;
  if (about === undefined) throw new DbadminError('query-failed', 'the server does not know the role that is connected');
  if (about.major < OLDEST_MAJOR) {
    throw new DbadminError('server-unsupported', `roles need PostgreSQL ${OLDEST_MAJOR} or later and this is ${about.major}`);
  }
  const settings = await readSettings(sql);
  const roles = await readRoles(sql, about.readable);
  return {
    major: about.major,
    systemIdentifier: await readSystemIdentifier(sql),
    currentRole: as ?? about.user,
    sessionRole: as ?? about.session,
    isSuperuser: as === undefined ? about.superuser : (roles.get(as)?.attributes.superuser ?? false),
    isStandby: about.standby,
    canReadPasswords: about.readable,
    bootstrapSuperuser: about.bootstrap,
    roles,
    memberships: await readMemberships(sql, about.major),
    settings,
    databases: await readDatabases(sql),
    ...(await inspectShared(sql, about.major)),
    settingTypes: await readSettingTypes(sql, [...settingNames, ...settings.map((setting) => setting.name)], {
      role: as ?? about.user,
      major: about.major,
    }),
  };
}

/** Empty where it may not be read: a managed service can take the function away. */
async function readSystemIdentifier(sql: TransactionSql): Promise<string> {
  const [may] = await sql<{ may: boolean }[]>`select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may`;
  if (may?.may !== true) return '';
  const [row] = await sql<{ system: string }[]>`select system_identifier::text as system from pg_catalog.pg_control_system()`;
  return row?.system ?? '';
}

interface RoleRow {
  readonly name: string;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createrole: boolean;
  readonly createdb: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypassrls: boolean;
  readonly limit: number;
  readonly until: string | null;
  readonly comment: string | null;
  readonly verifier: string | null;
}

async function readRoles(sql: TransactionSql, readable: boolean): Promise<ReadonlyMap<string, RoleState>> {
  // pg_roles shows stars for every password, so it stands in where pg_authid is closed.
  const verifier = readable ? sql`(select a.rolpassword from pg_catalog.pg_authid a where a.oid = r.oid)` : sql`null::text`;
  const rows = await sql<RoleRow[]>`
    select r.rolname::text as name, r.rolsuper as superuser, r.rolinherit as inherit, r.rolcreaterole as createrole,
           r.rolcreatedb as createdb, r.rolcanlogin as login, r.rolreplication as replication, r.rolbypassrls as bypassrls,
           r.rolconnlimit as limit, pg_catalog.shobj_description(r.oid, 'pg_authid') as comment, ${verifier} as verifier,
           ${sql.unsafe(VALID_UNTIL_SQL)} as until
      from pg_catalog.pg_roles r`;
  return new Map(
    rows.map(({ name, login, limit, until, comment, verifier: stored, ...attributes }) => [
      name,
      {
        name,
        login,
        attributes,
        connectionLimit: limit,
        validUntil: until ?? undefined,
        comment: comment ?? undefined,
        verifier: stored === null ? undefined : new Secret(stored),
      },
    ]),
  );
}

async function readMemberships(sql: TransactionSql, major: number): Promise<readonly Membership[]> {
  const options = major >= 16 ? sql`m.inherit_option as inherit, m.set_option as "set"` : sql`u.rolinherit as inherit, true as "set"`;
  return await sql<Membership[]>`
    select g.rolname::text as role, u.rolname::text as member, pg_catalog.pg_get_userbyid(m.grantor)::text as grantor,
           m.admin_option as admin, ${options}
      from pg_catalog.pg_auth_members m
      join pg_catalog.pg_roles g on g.oid = m.roleid
      join pg_catalog.pg_roles u on u.oid = m.member
     order by 1, 2, 3`;
}

async function readSettings(sql: TransactionSql): Promise<readonly StoredSetting[]> {
  const rows = await sql<{ role: string | null; database: string | null; pair: string }[]>`
    select r.rolname::text as role, d.datname::text as database, c.pair
      from pg_catalog.pg_db_role_setting s
     cross join lateral unnest(s.setconfig) as c(pair)
      left join pg_catalog.pg_roles r on r.oid = s.setrole
      left join pg_catalog.pg_database d on d.oid = s.setdatabase
     order by 1, 2, 3`;
  return rows.map(({ role, database, pair }) => {
    const equals = pair.indexOf('=');
    const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    const isList = name === 'search_path' || name === 'temp_tablespaces' || name.endsWith('_preload_libraries');
    return { role: role ?? undefined, database: database ?? undefined, name: name.toLowerCase(), value: isList ? splitList(value) : value };
  });
}

async function readDatabases(sql: TransactionSql): Promise<ReadonlyMap<string, OwnedAcl>> {
  const rows = await sql<{ name: string; owner: string; acl: readonly RawAclEntry[] | null }[]>`
    select d.datname::text as name, pg_catalog.pg_get_userbyid(d.datdba)::text as owner,
           ${aclJson(sql, "coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))")} as acl
      from pg_catalog.pg_database d where ${sql.unsafe(TAKES_CONNECTIONS_SQL)} and not d.datistemplate`;
  return new Map(rows.map(({ name, owner, acl }) => [name, { owner, acl: parseAcl(acl, owner) }]));
}

async function readSettingTypes(
  sql: TransactionSql,
  names: readonly string[],
  { role, major }: { readonly role: string; readonly major: number },
): Promise<ReadonlyMap<string, SettingType>> {
  const mayNot = major >= 15 ? sql`not pg_catalog.has_parameter_privilege(r.oid, p.name, 'SET')` : sql`not r.rolsuper`;
  const rows = await sql<{ name: string; vartype: string; unit: string | null; needs: boolean }[]>`
    with named as (select distinct json_array_elements_text(${JSON.stringify(names)}::text::json) as name),
         found(name, vartype, unit, guarded) as (
           select lower(s.name), s.vartype, s.unit, s.context in ('superuser', 'superuser-backend')
             from pg_catalog.pg_settings s where lower(s.name) in (select n.name from named n)
           union all
           -- One that no extension has defined here. Anybody may set it, and only a superuser, or who was given SET, store it.
           select n.name, 'string', null, true from named n
            where n.name like '%.%' and not exists (select from pg_catalog.pg_settings s where lower(s.name) = n.name))
    select p.name, p.vartype, p.unit,
           p.guarded and coalesce((select ${mayNot} from pg_catalog.pg_roles r where r.rolname = ${role}), true) as needs
      from found p`;
  return new Map(rows.map(({ name, vartype, unit, needs }) => [name, { vartype, unit: unit ?? undefined, needsGrant: needs }]));
}

import fc from 'fast-check';
import type { Sql } from 'postgres';

const GROUPS = ['"g one"', '"g""two"', '"g3"'] as const;
const ROLES = [...GROUPS, '"l one"', '"l""two"'] as const;
const RELATIONS = ['core.play', 'core.audit_log', 'core.part', 'core.v', 'mart.top', 'core.account'] as const;
const PRIVILEGES = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'] as const;

/** What people do by hand to a cluster that a roles file describes. Some of it the server refuses, as it would them. */
export function handDrift(major: number): fc.Arbitrary<readonly string[]> {
  return fc.array(fc.oneof(...onObjects(major), ...onRoles(major), ...onDefaults(major), onRows, onNothing), {
    minLength: 1,
    maxLength: 8,
  });
}

const role = fc.constantFrom(...ROLES);
const group = fc.constantFrom(...GROUPS);
const grantee = fc.constantFrom(...ROLES, 'public');
const relation = fc.constantFrom(...RELATIONS);
const schema = fc.constantFrom('core', 'mart');

function privilegeOf(major: number): fc.Arbitrary<string> {
  return fc.constantFrom(...PRIVILEGES, ...(major >= 17 ? ['maintain'] : []));
}

function onObjects(major: number): readonly fc.Arbitrary<string>[] {
  const privilege = privilegeOf(major);
  const option = fc.constantFrom('', ' with grant option');
  return [
    fc.tuple(privilege, relation, grantee).map(([what, on, to]) => `grant ${what} on ${on} to ${to}`),
    fc.tuple(privilege, relation, role, option).map(([what, on, to, grantable]) => `grant ${what} on ${on} to ${to}${grantable}`),
    fc
      .tuple(privilege, relation, role, role)
      .map(
        ([what, on, by, to]) =>
          `grant ${what} on ${on} to ${by} with grant option; set role ${by}; grant ${what} on ${on} to ${to}; reset role`,
      ),
    fc.tuple(privilege, relation, grantee).map(([what, on, from]) => `revoke ${what} on ${on} from ${from} cascade`),
    fc.tuple(relation, grantee).map(([on, from]) => `revoke all on ${on} from ${from} cascade`),
    fc.tuple(fc.constantFrom('select (id)', 'update (id)'), role).map(([what, to]) => `grant ${what} on core.play to ${to}`),
    fc.tuple(fc.constantFrom('usage', 'create'), schema, grantee).map(([what, on, to]) => `grant ${what} on schema ${on} to ${to}`),
    fc.tuple(schema, role).map(([on, from]) => `revoke all on schema ${on} from ${from} cascade`),
    fc.tuple(fc.constantFrom('connect', 'temp', 'create'), grantee).map(([what, to]) => `grant ${what} on database music to ${to}`),
    fc.tuple(fc.constantFrom('core.f(integer, text)', 'core.p()'), grantee).map(([on, to]) => `grant execute on routine ${on} to ${to}`),
    fc.tuple(schema, role).map(([on, to]) => `alter schema ${on} owner to ${to}`),
  ];
}

function onRoles(major: number): readonly fc.Arbitrary<string>[] {
  const options = fc.constantFrom('', ...(major >= 16 ? [' with inherit false', ' with admin true, set false'] : [' with admin option']));
  return [
    fc.tuple(group, role, options).map(([of, to, how]) => `grant ${of} to ${to}${how}`),
    fc
      .tuple(group, role, role)
      .map(([of, by, to]) => `grant ${of} to ${by} with admin option; set role ${by}; grant ${of} to ${to}; reset role`),
    fc.tuple(group, role).map(([of, from]) => `revoke ${of} from ${from} cascade`),
    fc
      .tuple(
        role,
        fc.constantFrom(
          'createdb',
          'noinherit',
          'login',
          'connection limit 3',
          "valid until '2098-01-01'",
          "valid until '-infinity'",
          'superuser',
        ),
      )
      .map(([who, what]) => `alter role ${who} ${what}`),
    fc
      .tuple(role, fc.constantFrom("set work_mem to '7MB'", 'reset all', 'set search_path to mart', "in database music set jit to 'off'"))
      .map(([who, what]) => `alter role ${who} ${what}`),
  ];
}

function onDefaults(major: number): readonly fc.Arbitrary<string>[] {
  const creator = fc.constantFrom('"g one"', '"g3"', '"l one"');
  return [
    fc
      .tuple(creator, privilegeOf(major), role)
      .map(([by, what, to]) => `alter default privileges for role ${by} in schema core grant ${what} on tables to ${to}`),
    fc
      .tuple(creator, privilegeOf(major), role)
      .map(([by, what, to]) => `alter default privileges for role ${by} grant ${what} on tables to ${to}`),
    fc.tuple(creator, role).map(([by, from]) => `alter default privileges for role ${by} in schema core revoke all on tables from ${from}`),
  ];
}

const onRows = fc.constantFrom(
  'alter table core.play enable row level security',
  'alter table core.play disable row level security, force row level security',
  'drop policy if exists own on core.play',
  'create policy stray on core.play using (true)',
  'alter policy own on core.play using (id = 3)',
  'alter policy own on core.play to public',
);

const onNothing = fc.oneof(
  fc.integer({ min: 0, max: 1e9 }).map((number) => `create table core.new_${number} (id int)`),
  fc.integer({ min: 0, max: 1e9 }).map((number) => `create function core.new_${number}() returns int language sql as 'select 1'`),
);

/** Runs each by itself; what the server refuses is left out. Gives what was done. */
export async function runByHand(sql: Sql, steps: readonly string[]): Promise<readonly string[]> {
  const done: string[] = [];
  for (const step of steps) {
    try {
      await sql.begin(async (transaction) => await transaction.unsafe(step));
      done.push(step);
    } catch {
      await sql.unsafe('reset role');
    }
  }
  return done;
}

/** What a file decides about the roles in its scope, as text, straight from the catalog: no code of the plan is in it. */
export async function decidedState(sql: Sql, major: number, document: string): Promise<readonly string[]> {
  const { public: preset, databases } = JSON.parse(document) as {
    public: string;
    databases: { music: { row_security: readonly unknown[] } };
  };
  const ours = `(a.grantee <> 0 and pg_get_userbyid(a.grantee) ~ '^[gl]' or a.grantee = 0 and ${preset === 'locked'})`;
  const entry = `pg_get_userbyid(a.grantor) || ' gives ' || case a.grantee when 0 then 'PUBLIC' else pg_get_userbyid(a.grantee)::text end || ' ' || a.privilege_type || a.is_grantable::text`;
  const options = major >= 16 ? `m.inherit_option::text || m.set_option::text || pg_get_userbyid(m.grantor)` : `''`;
  const acl = (letter: string, column: string, owner: string): string =>
    `aclexplode(coalesce(${column}, acldefault('${letter}', ${owner}))) a`;
  const within = (column: string): string => `${column} in ('core'::regnamespace, 'mart'::regnamespace)`;
  const rows = await sql.unsafe<{ text: string }[]>(`
    select text from (
      select 'role ' || row(rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, coalesce(rolvaliduntil, 'infinity'))::text as text
        from pg_roles where rolname ~ '^[gl]'
      union all select 'member ' || m.member::regrole || ' of ' || m.roleid::regrole || m.admin_option::text || ${options}
        from pg_auth_members m where pg_get_userbyid(m.member) ~ '^[gl]'
      union all select 'setting ' || setrole::regrole || setdatabase || c from pg_db_role_setting, unnest(setconfig) c where pg_get_userbyid(setrole) ~ '^[gl]'
      union all select 'schema ' || nspname || ' of ' || pg_get_userbyid(nspowner) from pg_namespace where nspname in ('core', 'mart')
      union all select 'schema ' || nspname || ' ' || ${entry} from pg_namespace, ${acl('n', 'nspacl', 'nspowner')}
        where nspname in ('core', 'mart') and ${ours} and a.grantee <> nspowner
      union all select 'database ' || ${entry} from pg_database, ${acl('d', 'datacl', 'datdba')} where datname = 'music' and ${ours} and a.grantee <> datdba
      union all select oid::regclass || ' ' || ${entry} from pg_class, ${acl('r', 'relacl', 'relowner')}
        where ${within('relnamespace')} and relkind in ('r', 'p', 'v', 'm', 'f') and ${ours} and a.grantee <> relowner and relname !~ '^new_'
      union all select oid::regclass || ' ' || ${entry} from pg_class, ${acl('s', 'relacl', 'relowner')}
        where ${within('relnamespace')} and relkind = 'S' and ${ours} and a.grantee <> relowner
      union all select c.oid::regclass || '.' || attname || ' ' || ${entry} from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
        where ${within('relnamespace')} and ${ours} and a.grantee <> relowner
      union all select oid::regprocedure || ' ' || ${entry} from pg_proc, ${acl('f', 'proacl', 'proowner')}
        where ${within('pronamespace')} and ${ours} and a.grantee <> proowner and proname !~ '^new_'
      union all select 'default ' || row(defaclrole, defaclnamespace, defaclobjtype)::text || ${entry} from pg_default_acl, aclexplode(defaclacl) a
        where pg_get_userbyid(defaclrole) ~ '^[gl]' and a.grantee <> 0 and ${ours} and a.grantee <> defaclrole
      ${databases.music.row_security.length === 0 ? '' : POLICIES}
    ) all_of_it order by text collate "C"`);
  return rows.map(({ text }) => text);
}

const POLICIES = `
  union all select 'rows ' || row(relrowsecurity, relforcerowsecurity)::text from pg_class where oid = 'core.play'::regclass
  union all select 'policy ' || row(polname, polcmd, polpermissive, (select array_agg(r::regrole::text order by r) from unnest(polroles) r),
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))::text from pg_policy where polrelid = 'core.play'::regclass`;

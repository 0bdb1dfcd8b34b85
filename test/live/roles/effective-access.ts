import type { Sql } from 'postgres';

/**
 * Everything that every role may do in the database of `sql`, asked of the server itself: `role privilege object`, sorted.
 * System schemas are left out; what the database, its schemas, objects, columns, languages and servers give is in.
 */
export async function effectiveAccess(sql: Sql): Promise<readonly string[]> {
  const [version] = await sql<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
  const maintain = (version?.major ?? 0) >= 17 ? ", ('MAINTAIN')" : '';
  const rows = await sql.unsafe<{ fact: string }[]>(`
    with roles as (select oid, rolname from pg_roles where rolname !~ '^pg_'),
    schemas as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'),
    relations as (select c.oid, c.relkind, c.oid::regclass::text as name from pg_class c join schemas s on s.oid = c.relnamespace)
    select format('%s: %s on database', r.rolname, p.p) as fact from roles r, (values ('CREATE'), ('CONNECT'), ('TEMP')) p(p)
     where has_database_privilege(r.oid, current_database(), p.p)
    union all select format('%s: %s on schema %s', r.rolname, p.p, s.nspname) from roles r, schemas s, (values ('CREATE'), ('USAGE')) p(p)
     where has_schema_privilege(r.oid, s.oid, p.p)
    union all select format('%s: %s on %s', r.rolname, p.p, c.name) from roles r, relations c,
       (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')${maintain},
               ('SELECT WITH GRANT OPTION'), ('INSERT WITH GRANT OPTION')) p(p)
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(r.oid, c.oid, p.p)
    union all select format('%s: %s on column %s.%s', r.rolname, p.p, c.name, a.attname) from roles r, relations c, pg_attribute a,
       (values ('SELECT'), ('INSERT'), ('UPDATE'), ('REFERENCES')) p(p)
     where a.attrelid = c.oid and a.attacl is not null and a.attnum > 0 and not a.attisdropped and has_column_privilege(r.oid, c.oid, a.attnum, p.p)
    union all select format('%s: %s on sequence %s', r.rolname, p.p, c.name) from roles r, relations c, (values ('SELECT'), ('USAGE'), ('UPDATE')) p(p)
     where case when c.relkind = 'S' then has_sequence_privilege(r.oid, c.oid, p.p) else false end
    union all select format('%s: EXECUTE%s on %s', r.rolname, o.o, f.oid::regprocedure) from roles r, pg_proc f join schemas s on s.oid = f.pronamespace,
       (values (''), (' WITH GRANT OPTION')) o(o)
     where has_function_privilege(r.oid, f.oid, 'EXECUTE' || o.o)
    union all select format('%s: USAGE on type %s', r.rolname, t.oid::regtype) from roles r, pg_type t join schemas s on s.oid = t.typnamespace
     where has_type_privilege(r.oid, t.oid, 'USAGE')
    union all select format('%s: USAGE on language %s', r.rolname, l.lanname) from roles r, pg_language l where has_language_privilege(r.oid, l.oid, 'USAGE')
    union all select format('%s: USAGE on wrapper %s', r.rolname, f.fdwname) from roles r, pg_foreign_data_wrapper f
     where has_foreign_data_wrapper_privilege(r.oid, f.oid, 'USAGE')
    union all select format('%s: USAGE on server %s', r.rolname, f.srvname) from roles r, pg_foreign_server f where has_server_privilege(r.oid, f.oid, 'USAGE')
    union all select format('%s: is %s of %s', r.rolname, k.k, g.rolname) from roles r, pg_roles g, (values ('MEMBER'), ('USAGE')) k(k)
     where r.oid <> g.oid and pg_has_role(r.oid, g.oid, k.k)
    union all select format('%s: %s', rolname, to_json(array[rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls]))
      from pg_roles where rolname !~ '^pg_'
    union all select format('%s owns %s', pg_get_userbyid(c.relowner), oid::regclass) from pg_class c
     where relnamespace in (select oid from schemas) and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all select format('%s makes %s for %s', pg_get_userbyid(d.defaclrole), d.defaclobjtype, a.what) from pg_default_acl d
     cross join lateral (select concat_ws(' ', case grantee when 0 then 'PUBLIC' else pg_get_userbyid(grantee)::text end, privilege_type, is_grantable, n.nspname)
                           as what from aclexplode(d.defaclacl) left join pg_namespace n on n.oid = d.defaclnamespace
                          where grantee <> d.defaclrole and not (grantee = 0 and d.defaclnamespace = 0 and d.defaclobjtype in ('f', 'T'))) a
    union all select format('%s makes %s without PUBLIC', pg_get_userbyid(d.defaclrole), d.defaclobjtype) from pg_default_acl d
     where d.defaclnamespace = 0 and d.defaclobjtype in ('f', 'T') and not exists (select from aclexplode(d.defaclacl) where grantee = 0)
    union all select format('%s setting %s', s.setrole::regrole, c) from pg_db_role_setting s, unnest(setconfig) c where s.setrole <> 0
    order by 1`);
  return rows.map((row) => row.fact);
}

/**
 * Takes everything about roles away again: owners, privileges, default privileges and the roles themselves. What is left are
 * the objects as a dump without owners and privileges lays them down in an empty cluster.
 */
export async function forgetRoles(sql: Sql, others: readonly Sql[] = []): Promise<void> {
  const roles = await sql<{ name: string }[]>`select quote_ident(rolname) as name from pg_roles where rolname !~ '^pg_' and oid >= 16384`;
  for (const connection of [sql, ...others]) {
    for (const { name } of roles) await connection.unsafe(`reassign owned by ${name} to current_user`);
    for (const { name } of roles) await connection.unsafe(`drop owned by ${name} cascade`);
    // From 15 on, initdb gives the schema public to this role.
    if ((await connection`select from pg_namespace where nspname = 'public'`).length > 0) {
      const [version] = await connection<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
      if ((version?.major ?? 0) >= 15) await connection.unsafe('alter schema public owner to pg_database_owner');
    }
    await connection.unsafe(`
      delete from pg_default_acl;
      update pg_class c set relacl = (select i.initprivs from pg_init_privs i where i.classoid = 'pg_class'::regclass and i.objoid = c.oid and i.objsubid = 0)
       where oid >= 16384;
      update pg_proc p set proacl = (select i.initprivs from pg_init_privs i where i.classoid = 'pg_proc'::regclass and i.objoid = p.oid) where oid >= 16384;
      update pg_type set typacl = null where oid >= 16384;
      update pg_attribute set attacl = null where attrelid >= 16384;
      update pg_namespace n set nspacl = (select i.initprivs from pg_init_privs i where i.classoid = 'pg_namespace'::regclass and i.objoid = n.oid)
       where oid >= 16384 or nspname = 'public';
      update pg_foreign_data_wrapper set fdwacl = null;
      update pg_foreign_server set srvacl = null;
      update pg_language set lanacl = null;
      update pg_database set datacl = null where datname = current_database()`);
  }
  for (const { name } of roles) await sql.unsafe(`drop role ${name}`);
}

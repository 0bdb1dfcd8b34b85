import type { TransactionSql } from 'postgres';
import type { AuditedDatabase, RowPolicy, SecuredTable, SecuredView } from './state.ts';

interface PolicyRow extends Omit<RowPolicy, 'using' | 'check'> {
  readonly using: string | null;
  readonly check: string | null;
}

interface TableRow extends Omit<SecuredTable, 'policies'> {
  readonly policies: readonly PolicyRow[] | null;
}

/** Tables with row security or policies, and the views that read them as the view's owner. */
export async function inspectRowSecurity(sql: TransactionSql): Promise<Pick<AuditedDatabase, 'securedTables' | 'securedViews'>> {
  const tables = await sql<TableRow[]>`
    select n.nspname::text as schema, c.relname::text as name, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
           c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
           (select json_agg(json_build_object('name', p.polname, 'permissive', p.polpermissive, 'forPublic', 0 = any (p.polroles),
                     'command', case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
                     'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)) order by p.polname)
              from pg_catalog.pg_policy p where p.polrelid = c.oid) as policies
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relrowsecurity or exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid)
     order by 1, 2`;
  return {
    securedTables: tables.map(({ policies, ...row }) => ({
      ...row,
      policies: (policies ?? []).map((policy) => ({ ...policy, using: policy.using ?? undefined, check: policy.check ?? undefined })),
    })),
    securedViews: await readViews(sql),
  };
}

async function readViews(sql: TransactionSql): Promise<readonly SecuredView[]> {
  return await sql<SecuredView[]>`
    select distinct vn.nspname::text as schema, v.relname::text as name, pg_catalog.pg_get_userbyid(v.relowner)::text as owner,
           v.relkind = 'm' as materialized, cn.nspname::text as "tableSchema", c.relname::text as table,
           pg_catalog.pg_get_userbyid(c.relowner)::text as "tableOwner", c.relforcerowsecurity as "tableForced"
      from pg_catalog.pg_rewrite w
      join pg_catalog.pg_class v on v.oid = w.ev_class and v.relkind in ('v', 'm')
      join pg_catalog.pg_namespace vn on vn.oid = v.relnamespace
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
           and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      join pg_catalog.pg_class c on c.oid = d.refobjid and c.relrowsecurity and c.oid <> v.oid
      join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
     where not coalesce((select o.option_value::boolean from pg_catalog.pg_options_to_table(v.reloptions) o
                          where o.option_name = 'security_invoker'), false)
     order by 1, 2`;
}

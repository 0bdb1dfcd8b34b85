import type postgres from 'postgres';
import { readGrants, type AclRow } from './acl.ts';
import type { ColumnEntry, QualifiedName, Relation, RelationKind } from './catalog.ts';
import { inspectConstraints, inspectIndexes, inspectPolicies, inspectTriggers } from './inspect-parts.ts';

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'sequence',
};

interface RelationRow {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly owner: string;
  readonly comment: string | null;
  readonly isUnlogged: boolean;
  readonly isSecurityInvoker: boolean;
  readonly hasRowSecurity: boolean;
  readonly forcesRowSecurity: boolean;
  readonly partitionKey: string | null;
  readonly partitionBound: string | null;
  readonly parents: readonly QualifiedName[] | null;
  readonly server: string | null;
  readonly reads: readonly QualifiedName[] | null;
  readonly acl: readonly AclRow[] | null;
}

/** Tables, views and the like of these schemas, by name; sequences that belong to a column go with it. */
export async function inspectRelations(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<readonly Relation[]> {
  if (schemas.length === 0) return [];
  const rows = await readRelations(sql, schemas);
  const columns = Map.groupBy(await readColumns(sql, schemas), ({ relation }) => relation);
  const constraints = await inspectConstraints(sql, schemas);
  const indexes = await inspectIndexes(sql, schemas);
  const triggers = await inspectTriggers(sql, schemas);
  const policies = await inspectPolicies(sql, schemas);
  return rows.map((row) => ({
    schema: row.schema,
    name: row.name,
    kind: KINDS[row.kind] ?? 'table',
    owner: row.owner,
    comment: row.comment ?? undefined,
    isUnlogged: row.isUnlogged,
    isSecurityInvoker: row.isSecurityInvoker,
    rowSecurity: row.forcesRowSecurity && row.hasRowSecurity ? 'forced' : row.hasRowSecurity ? 'on' : 'off',
    partitionKey: row.partitionKey ?? undefined,
    partitionBound: row.partitionBound ?? undefined,
    parents: row.parents ?? [],
    server: row.server ?? undefined,
    reads: row.reads ?? [],
    columns: row.kind === 'S' ? [] : (columns.get(row.oid) ?? []).map(columnEntry),
    constraints: constraints.get(row.oid) ?? [],
    indexes: indexes.get(row.oid) ?? [],
    triggers: triggers.get(row.oid) ?? [],
    policies: policies.get(row.oid) ?? [],
    grants: readGrants(row.acl),
  }));
}

async function readRelations(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<readonly RelationRow[]> {
  return await sql<RelationRow[]>`
    select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name, c.relkind as kind, pg_catalog.pg_get_userbyid(c.relowner) as owner,
      pg_catalog.obj_description(c.oid, 'pg_class') as comment, c.relpersistence = 'u' as "isUnlogged",
      coalesce((select o.option_value::pg_catalog.bool from pg_catalog.pg_options_to_table(c.reloptions) as o where o.option_name = 'security_invoker'), false) as "isSecurityInvoker",
      c.relrowsecurity as "hasRowSecurity", c.relforcerowsecurity as "forcesRowSecurity",
      case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as "partitionKey",
      pg_catalog.pg_get_expr(c.relpartbound, c.oid) as "partitionBound",
      (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', pn.nspname, 'name', pc.relname) order by i.inhseqno)
       from pg_catalog.pg_inherits as i join pg_catalog.pg_class as pc on pc.oid = i.inhparent join pg_catalog.pg_namespace as pn on pn.oid = pc.relnamespace
       where i.inhrelid = c.oid) as parents,
      (select s.srvname from pg_catalog.pg_foreign_table as f join pg_catalog.pg_foreign_server as s on s.oid = f.ftserver where f.ftrelid = c.oid) as server,
      case when c.relkind in ('v', 'm') then (
        select pg_catalog.jsonb_agg(distinct pg_catalog.jsonb_build_object('schema', rn.nspname, 'name', rc.relname))
        from pg_catalog.pg_rewrite as w
        join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> c.oid
        join pg_catalog.pg_class as rc on rc.oid = d.refobjid join pg_catalog.pg_namespace as rn on rn.oid = rc.relnamespace
        where w.ev_class = c.oid) end as reads,
      (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('grantee', g.grantee::pg_catalog.text::pg_catalog.int8,
         'role', pg_catalog.pg_get_userbyid(g.grantee), 'privilege', g.privilege_type, 'grantable', g.is_grantable))
       from pg_catalog.aclexplode(c.relacl) as g where g.grantee <> c.relowner) as acl
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ${sql(schemas)} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and not exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
        and (d.deptype = 'e' or (c.relkind = 'S' and d.deptype in ('a', 'i') and d.refobjsubid > 0)))
    order by n.nspname collate "C", c.relname collate "C"`;
}

interface ColumnRow {
  readonly relation: string;
  readonly name: string;
  readonly type: string;
  readonly isNotNull: boolean;
  readonly expression: string | null;
  readonly generated: string;
  readonly identity: string;
  readonly collation: string | null;
  readonly isInherited: boolean;
  readonly comment: string | null;
  readonly acl: readonly AclRow[] | null;
}

async function readColumns(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<readonly ColumnRow[]> {
  return await sql<ColumnRow[]>`
    select a.attrelid::pg_catalog.text as relation, a.attname as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "isNotNull",
      pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression, a.attgenerated as generated, a.attidentity as identity,
      (select case when cn.nspname = 'pg_catalog' then pg_catalog.quote_ident(l.collname) else pg_catalog.format('%I.%I', cn.nspname, l.collname) end
       from pg_catalog.pg_collation as l join pg_catalog.pg_namespace as cn on cn.oid = l.collnamespace
       where l.oid = a.attcollation and a.attcollation <> t.typcollation) as collation,
      a.attinhcount > 0 and not a.attislocal as "isInherited", pg_catalog.col_description(a.attrelid, a.attnum) as comment,
      (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('grantee', g.grantee::pg_catalog.text::pg_catalog.int8,
         'role', pg_catalog.pg_get_userbyid(g.grantee), 'privilege', g.privilege_type, 'grantable', g.is_grantable))
       from pg_catalog.aclexplode(a.attacl) as g where g.grantee <> c.relowner) as acl
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where n.nspname in ${sql(schemas)} and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
    order by a.attrelid, a.attnum`;
}

function columnEntry(row: ColumnRow): ColumnEntry {
  return {
    name: row.name,
    type: row.type,
    isNotNull: row.isNotNull,
    fallback: fallbackOf(row),
    collation: row.collation ?? undefined,
    isInherited: row.isInherited,
    comment: row.comment ?? undefined,
    grants: readGrants(row.acl),
  };
}

function fallbackOf({ expression, generated, identity }: ColumnRow): string | undefined {
  if (identity === 'a') return 'GENERATED ALWAYS AS IDENTITY';
  if (identity === 'd') return 'GENERATED BY DEFAULT AS IDENTITY';
  if (expression === null) return undefined;
  if (generated === 's') return `GENERATED ALWAYS AS (${expression}) STORED`;
  if (generated === 'v') return `GENERATED ALWAYS AS (${expression}) VIRTUAL`;
  return expression;
}

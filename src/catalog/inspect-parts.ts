import type postgres from 'postgres';
import type { Constraint, IndexEntry, PolicyEntry, TriggerEntry } from './catalog.ts';

/** By the relation's number. */
type OfRelations<T> = ReadonlyMap<string, readonly T[]>;

interface Part {
  readonly relation: string;
  readonly name: string;
  readonly definition: string;
  readonly comment: string | null;
}

const KINDS: Readonly<Record<string, Constraint['kind']>> = {
  p: 'primary key',
  u: 'unique',
  f: 'foreign key',
  c: 'check',
  x: 'exclusion',
  t: 'trigger',
};

/** Keys first, then references, then conditions. NOT NULL is told with its column, whatever the server's version. */
export async function inspectConstraints(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<OfRelations<Constraint>> {
  const rows = await sql<
    (Part & {
      kind: string;
      columns: readonly string[] | null;
      targetSchema: string | null;
      target: string | null;
      targetColumns: readonly string[] | null;
    })[]
  >`
    select k.conrelid::pg_catalog.text as relation, k.conname as name, k.contype as kind, pg_catalog.pg_get_constraintdef(k.oid) as definition,
      pg_catalog.obj_description(k.oid, 'pg_constraint') as comment,
      (select pg_catalog.jsonb_agg(a.attname order by u.nth) from pg_catalog.unnest(k.conkey) with ordinality as u (num, nth)
       join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.num) as columns,
      fn.nspname as "targetSchema", fc.relname as target,
      (select pg_catalog.jsonb_agg(a.attname order by u.nth) from pg_catalog.unnest(k.confkey) with ordinality as u (num, nth)
       join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = u.num) as "targetColumns"
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as c on c.oid = k.conrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_class as fc on fc.oid = k.confrelid and k.contype = 'f'
    left join pg_catalog.pg_namespace as fn on fn.oid = fc.relnamespace
    where n.nspname in ${sql(schemas)} and k.contype in ('p', 'u', 'f', 'c', 'x', 't') and k.conparentid = 0
    order by pg_catalog.strpos('pufxct', k.contype::pg_catalog.text), k.conname collate "C"`;
  return byRelation(rows, (row) => ({
    name: row.name,
    kind: KINDS[row.kind] ?? 'check',
    definition: row.definition,
    columns: row.columns ?? [],
    references:
      row.target === null || row.targetSchema === null
        ? undefined
        : { schema: row.targetSchema, name: row.target, columns: row.targetColumns ?? [] },
    comment: row.comment ?? undefined,
  }));
}

export async function inspectIndexes(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<OfRelations<IndexEntry>> {
  const rows = await sql<(Part & { isValid: boolean })[]>`
    select i.indrelid::pg_catalog.text as relation, x.relname as name, pg_catalog.pg_get_indexdef(i.indexrelid) as definition, i.indisvalid as "isValid",
      pg_catalog.obj_description(i.indexrelid, 'pg_class') as comment
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as x on x.oid = i.indexrelid
    join pg_catalog.pg_class as c on c.oid = i.indrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ${sql(schemas)} and not x.relispartition
      and not exists (select from pg_catalog.pg_constraint as k where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x'))
    order by x.relname collate "C"`;
  return byRelation(rows, ({ name, definition, isValid, comment }) => ({ name, definition, isValid, comment: comment ?? undefined }));
}

/** Those that someone made; a partition's copies of its parent's are the parent's. */
export async function inspectTriggers(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<OfRelations<TriggerEntry>> {
  const rows = await sql<(Part & { isEnabled: boolean })[]>`
    select t.tgrelid::pg_catalog.text as relation, t.tgname as name, pg_catalog.pg_get_triggerdef(t.oid) as definition, t.tgenabled <> 'D' as "isEnabled",
      pg_catalog.obj_description(t.oid, 'pg_trigger') as comment
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ${sql(schemas)} and not t.tgisinternal and t.tgparentid = 0
    order by t.tgname collate "C"`;
  return byRelation(rows, ({ name, definition, isEnabled, comment }) => ({ name, definition, isEnabled, comment: comment ?? undefined }));
}

const COMMANDS: Readonly<Record<string, PolicyEntry['command']>> = { '*': 'ALL', r: 'SELECT', a: 'INSERT', w: 'UPDATE', d: 'DELETE' };

export async function inspectPolicies(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<OfRelations<PolicyEntry>> {
  const rows = await sql<
    {
      relation: string;
      name: string;
      comment: string | null;
      isPermissive: boolean;
      command: string;
      roles: readonly string[] | null;
      using: string | null;
      check: string | null;
    }[]
  >`
    select p.polrelid::pg_catalog.text as relation, p.polname as name, p.polpermissive as "isPermissive", p.polcmd as command,
      (select pg_catalog.jsonb_agg(case when r = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(r) end) from pg_catalog.unnest(p.polroles) as r) as roles,
      pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as "check",
      pg_catalog.obj_description(p.oid, 'pg_policy') as comment
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ${sql(schemas)}
    order by p.polname collate "C"`;
  return byRelation(rows, (row) => ({
    name: row.name,
    isPermissive: row.isPermissive,
    command: COMMANDS[row.command] ?? 'ALL',
    roles: [...(row.roles ?? [])].sort(),
    using: row.using ?? undefined,
    check: row.check ?? undefined,
    comment: row.comment ?? undefined,
  }));
}

function byRelation<R extends { readonly relation: string }, T>(rows: readonly R[], entry: (row: R) => T): OfRelations<T> {
  return new Map([...Map.groupBy(rows, ({ relation }) => relation)].map(([relation, group]) => [relation, group.map((row) => entry(row))]));
}

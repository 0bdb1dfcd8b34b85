import type { TransactionSql } from 'postgres';
import type { AccessDatabase, DefinerRoutine, DefinerView, LinkedSequence, RowSecurity } from './graph.ts';
import { ROUTINE_NAME_SQL } from '../routine-name.ts';

interface RoutineRow extends Omit<DefinerRoutine, 'body'> {
  readonly body: string | null;
}

interface ViewRow extends Omit<DefinerView, 'reads'> {
  readonly reads: DefinerView['reads'] | null;
}

/** What works with the privileges of its owner, the tables whose rows are not everybody's, and what follows its table. */
export async function inspectDefiners(
  sql: TransactionSql,
): Promise<Pick<AccessDatabase, 'routines' | 'views' | 'rowSecurity' | 'linkedSequences'>> {
  const routines = await sql<RoutineRow[]>`
    select n.nspname::text as schema, ${sql.unsafe(ROUTINE_NAME_SQL)} as name,
           pg_catalog.pg_get_userbyid(p.proowner)::text as owner, l.lanname::text as language,
           case when l.lanname not in ('c', 'internal') then coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) end as body,
           coalesce((select json_agg(distinct jsonb_build_object('schema', m.nspname, 'name', c.relname))
              from pg_catalog.pg_depend d
              join pg_catalog.pg_class c on c.oid = d.refobjid
              join pg_catalog.pg_namespace m on m.oid = c.relnamespace
             where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid
               and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass), '[]') as uses
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      join pg_catalog.pg_language l on l.oid = p.prolang
     where p.prosecdef and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
     order by 1, 2`;
  return {
    routines: routines.map(({ body, ...row }) => ({ ...row, body: body ?? undefined })),
    views: await inspectViews(sql),
    rowSecurity: await sql<RowSecurity[]>`
      select n.nspname::text as schema, c.relname::text as name, c.relforcerowsecurity as forced
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relrowsecurity order by 1, 2`,
    linkedSequences: await sql<LinkedSequence[]>`
      select n.nspname::text as schema, s.relname::text as name, json_build_object('schema', m.nspname, 'name', t.relname) as "table"
        from pg_catalog.pg_depend d
        join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
        join pg_catalog.pg_namespace n on n.oid = s.relnamespace
        join pg_catalog.pg_class t on t.oid = d.refobjid
        join pg_catalog.pg_namespace m on m.oid = t.relnamespace
       where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
         and d.deptype in ('a', 'i') and d.refobjsubid > 0`,
  };
}

/**
 * Views that read with their owner's privileges, and what they read. A materialised view holds a copy, which is read the same
 * way whoever asks.
 */
async function inspectViews(sql: TransactionSql): Promise<readonly DefinerView[]> {
  const rows = await sql<ViewRow[]>`
    select n.nspname::text as schema, v.relname::text as name, pg_catalog.pg_get_userbyid(v.relowner)::text as owner,
           (select json_agg(json_build_object('schema', r.schema, 'name', r.name, 'columns', r.columns, 'isWhole', r.whole)) from (
              select m.nspname::text as schema, c.relname::text as name,
                     coalesce(json_agg(distinct a.attname::text) filter (where a.attname is not null), '[]') as columns,
                     count(distinct a.attnum) = (select count(*) from pg_catalog.pg_attribute each
                                                  where each.attrelid = c.oid and each.attnum > 0 and not each.attisdropped) as whole
                from pg_catalog.pg_rewrite w
                join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
                     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> v.oid
                join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p', 'f', 'v', 'm')
                join pg_catalog.pg_namespace m on m.oid = c.relnamespace
                left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid and a.attnum > 0
               where w.ev_class = v.oid
               group by 1, 2, c.oid) r) as reads
      from pg_catalog.pg_class v join pg_catalog.pg_namespace n on n.oid = v.relnamespace
     where v.relkind in ('v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and not coalesce((select o.option_value::boolean from pg_catalog.pg_options_to_table(v.reloptions) o
                          where o.option_name = 'security_invoker'), false)
     order by 1, 2`;
  return rows.map(({ reads, ...row }) => ({ ...row, reads: reads ?? [] }));
}

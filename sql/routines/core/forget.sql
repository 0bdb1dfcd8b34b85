-- Where a person's rows are is read from the catalog, so that a table made later is not forgotten.
create or replace function core.personal_rows(listener text)
returns table (relation regclass, predicate text, depth integer)
language sql stable
set search_path = pg_catalog
as $$
  with recursive warehouse as (
    select c.oid, n.nspname as schema_name, a.attname as column_name, a.atttypid as column_type
    from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and not c.relispartition
      and n.nspname in ('raw', 'quality', 'core', 'mart', 'reco', 'audit', 'api')
  ),
  known as (
    select (select array_agg(l.listener_id) from core.listener as l where l.name = listener) as listeners,
      (select array_agg(b.batch_id) from raw.batch as b where b.listener_name = listener) as batches
  ),
  -- By what else a row may be about them.
  recorded (key, ids) as (
    select named.key, named.ids
    from known as k
    cross join lateral (values
      ('listener_id', k.listeners), ('owner_id', k.listeners), ('batch_id', k.batches),
      ('playlist_id', (select array_agg(p.playlist_id) from core.playlist as p where p.owner_id = any (k.listeners))),
      ('top_list_id', (select array_agg(t.top_list_id) from core.top_list as t where t.listener_id = any (k.listeners))),
      ('device_id', (select array_agg(d.device_id) from core.device as d where d.listener_id = any (k.listeners)))
    ) as named (key, ids)
    where named.ids is not null
  ),
  seed as (
    select 'core.listener'::regclass::oid as oid, format('name = %L', listener) as predicate
    union all
    select w.oid, format('%I = %L', w.column_name, listener) from warehouse as w where w.column_name = 'listener_name'
    union all
    select w.oid, format('%I = any (%L::bigint[])', w.column_name, k.listeners)
    from warehouse as w, known as k
    where k.listeners is not null
      and (w.column_name in ('listener_id', 'owner_id') and w.oid <> 'core.listener'::regclass)
    union all
    select w.oid, format('%I = any (%L::bigint[])', w.column_name, k.batches)
    from warehouse as w, known as k
    where k.batches is not null and w.column_name = 'batch_id' and w.oid <> 'raw.batch'::regclass
    union all
    -- Notes for a later refresh have no foreign keys.
    select w.oid, format('%I = any (%L::bigint[])', w.column_name, r.ids)
    from warehouse as w join recorded as r on r.key = w.column_name
    where r.key in ('playlist_id', 'top_list_id', 'device_id') and w.column_type = 'bigint'::regtype
    union all
    -- Recorded values: before the change or after it.
    select 'audit.change'::regclass, format('old_row ->> %1$L = any (%2$L::text[]) or new_row ->> %1$L = any (%2$L::text[])', r.key, r.ids)
    from recorded as r
  ),
  reached as (
    select s.oid, s.predicate, 0 as depth, array[s.oid] as path from seed as s
    union all
    select f.conrelid,
      format('(%s) in (select %s from %s where %s)',
        (select string_agg(quote_ident(a.attname), ', ' order by k.n)
         from unnest(f.conkey) with ordinality as k (num, n) join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = k.num),
        (select string_agg(quote_ident(a.attname), ', ' order by k.n)
         from unnest(f.confkey) with ordinality as k (num, n) join pg_attribute as a on a.attrelid = f.confrelid and a.attnum = k.num),
        r.oid::regclass, r.predicate),
      r.depth + 1, r.path || f.conrelid
    from reached as r join pg_constraint as f on f.confrelid = r.oid and f.contype = 'f' and f.conparentid = 0
    where f.conrelid <> all (r.path)
  )
  select r.oid::regclass, string_agg(distinct r.predicate, ' or '), max(r.depth)
  from reached as r
  group by r.oid
$$;
comment on function core.personal_rows(text) is
  'Which rows of which tables are about a listener: by the columns that name them or their batches, and by foreign keys from there. Deepest first is the order in which they can be deleted.';

create or replace function core.count_personal_rows(listener text)
returns table (table_name text, rows_found bigint)
language plpgsql
security definer
set search_path = pg_catalog
as $$
declare
  each_table record;
begin
  for each_table in select p.relation, p.predicate from core.personal_rows(listener) as p order by p.relation::text loop
    table_name := each_table.relation::text;
    execute format('select count(*) from %s where %s', each_table.relation, each_table.predicate) into rows_found;
    if rows_found > 0 then
      return next;
    end if;
  end loop;
end
$$;
revoke execute on function core.count_personal_rows(text) from public;
comment on function core.count_personal_rows(text) is 'How many rows each table has about a listener; tables with none are left out.';

-- These run as their owner: landed rows and recorded changes can be deleted by nobody else, and who may erase a person needs
-- no right to delete anything in another way.
create or replace function core.erase_listener(listener text)
returns table (table_name text, rows_erased bigint)
language plpgsql
security definer
set search_path = pg_catalog
as $$
declare
  each_table record;
  -- Read once: later the rows that lead to the others are gone.
  personal jsonb := (
    select jsonb_agg(jsonb_build_object('relation', p.relation::text, 'predicate', p.predicate, 'depth', p.depth))
    from core.personal_rows(listener) as p);
  run bigint := quality.start_run('core.forget', null);
  found bigint;
  erased bigint := 0;
begin
  perform set_config('warehouse.forget', 'on', true);
  for each_table in
    select p.relation, p.predicate, p.relation like 'mart.%' as is_mart
    from jsonb_to_recordset(personal) as p (relation text, predicate text, depth integer)
    order by is_mart, p.depth desc, p.relation
  loop
    -- The marts are brought up to date by their own rules first: sums over several people go down with their plays.
    if each_table.is_mart and erased > 0 and to_regprocedure('mart.catch_up()') is not null then
      perform mart.catch_up();
    end if;
    execute format('delete from %s where %s', each_table.relation, each_table.predicate);
    get diagnostics found = row_count;
    erased := erased + found;
    if found > 0 then
      table_name := each_table.relation;
      rows_erased := found;
      return next;
    end if;
  end loop;
  for each_table in
    select p.relation, p.predicate from jsonb_to_recordset(personal) as p (relation text, predicate text)
  loop
    execute format('select count(*) from %s where %s', each_table.relation, each_table.predicate) into found;
    if found > 0 then
      raise exception 'table % still has % rows of the listener', each_table.relation, found;
    end if;
  end loop;
  call quality.finish_run(run, erased, erased, 0);
  perform set_config('warehouse.forget', '', true);
end
$$;
revoke execute on function core.erase_listener(text) from public;
comment on function core.erase_listener(text) is
  'Erases a listener from every schema, in one transaction, and proves that no row remains: else it raises and nothing is erased. Gives the rows per table. Backups keep them until they expire.';

-- By number: what repeats an erasure after a restore has to be written down somewhere, and should not keep the name.
create or replace procedure core.forget(listener_id bigint)
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
  perform e.rows_erased
  from core.listener as l, core.erase_listener(l.name) as e
  where l.listener_id = forget.listener_id;
end
$$;
revoke execute on procedure core.forget(bigint) from public;
comment on procedure core.forget(bigint) is
  'Erases a listener by their number, as core.erase_listener does; does nothing when there is none. A restore to before an erasure calls it again.';

-- A refresh often follows a load at once, before autovacuum has counted anything: planned for empty tables it loops over
-- every pair of rows. Tables that grew by a tenth since they were last measured are measured now.
create or replace function mart.measure_work() returns void
language plpgsql
security definer
set search_path = pg_catalog
as $$
declare
  each regclass;
begin
  analyze mart.play_work;
  analyze mart.touched_work;
  analyze mart.change_work;
  analyze mart.artist_work;
  for each in
    select c.oid::regclass from pg_class as c
    where c.relkind = 'r' and c.relnamespace in ('core'::regnamespace, 'mart'::regnamespace) and c.relname not like '%\_work'
      and pg_relation_size(c.oid) / current_setting('block_size')::integer > c.relpages * 1.1
  loop
    execute format('analyze %s', each);
  end loop;
end
$$;
comment on function mart.measure_work() is
  'Tells the planner how many rows there are now. Runs as its owner, since only a table''s owner may analyze it.';

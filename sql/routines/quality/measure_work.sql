create or replace function quality.measure_work() returns void
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
  -- Autovacuum finds these tables empty and says so to the planner, which then loops over every pair of rows.
  analyze quality.song_work;
  analyze quality.play_work;
  analyze quality.track_work;
  analyze quality.page_item;
  analyze quality.page_object;
end
$$;
comment on function quality.measure_work() is
  'Tells the planner how many rows the working tables hold now. Runs as its owner, since only a table''s owner may analyze it.';

create or replace function mart.checksums() returns table (table_name text, row_count bigint, checksum numeric)
language plpgsql stable
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
declare
  each text;
begin
  -- The order of rows must not matter: hashes are added up, not chained.
  foreach each in array array['dim_listener', 'dim_artist', 'dim_album', 'dim_track', 'dim_date', 'dim_time', 'dim_source',
                              'bridge_track_artist', 'fact_play', 'artist_play_summary', 'daily_summary', 'weekly_summary'] loop
    return query execute format(
      'select %L::text, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from mart.%I as t', each, each);
  end loop;
end
$$;
comment on function mart.checksums() is
  'Rows and checksum of each table of the star; the same rows give the same, in whatever order they lie.';

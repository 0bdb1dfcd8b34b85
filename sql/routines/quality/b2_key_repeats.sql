create or replace function quality.b2_key_repeats(batch bigint) returns table (row_no integer, first_row_no integer)
language sql stable
set search_path = pg_catalog
as $$
  select row_no, first_row_no
  from (
    select w.row_no, min(w.row_no) over (partition by w.playlist_spotify_id, w.track_spotify_id) as first_row_no
    from quality.song_work as w
    where w.batch_id = batch and w.rule_id is null
  ) as rows
  where row_no > first_row_no
$$;
comment on function quality.b2_key_repeats(bigint) is 'B2: accepted rows of a batch being cleansed that list a track again in the same playlist.';

-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.read_history(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  insert into quality.play_work (batch_id, row_no, end_text, ended_at, artist_name, track_name, ms_text, ms_played)
  select h.batch_id, h.row_no, t.end_text, quality.b11_utc(t.trimmed_end), quality.b4_null_marker(t.artist),
    quality.b4_null_marker(t.track), t.ms_text, quality.b5_number(t.ms_text)
  from raw.streaming_history as h
  -- Each fenced off: a play is read once, and a value trimmed once, not at each of the places where a rule mentions it.
  cross join lateral (select h.body::jsonb as body offset 0) as j
  cross join lateral (
    select j.body ->> 'endTime' as end_text, quality.b7_trim(j.body ->> 'endTime') as trimmed_end, quality.b7_trim(j.body ->> 'artistName') as artist,
      quality.b7_trim(j.body ->> 'trackName') as track, quality.b7_trim(j.body ->> 'msPlayed') as ms_text
    offset 0
  ) as t
  where h.batch_id = batch
    and not exists (select from core.play as p where p.batch_id = h.batch_id and p.row_no = h.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = h.batch_id and q.row_no = h.row_no)
$$;
comment on function core.read_history(bigint) is 'First part of core.load_history: the open rows of a batch, values cleansed, into the working table.';

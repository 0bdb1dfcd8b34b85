create or replace function core.read_history(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into quality.play_work (batch_id, row_no, end_text, ended_at, artist_name, track_name, ms_text, ms_played)
  select h.batch_id, h.row_no,
    h.body ->> 'endTime',
    quality.b11_utc(quality.b7_trim(h.body ->> 'endTime')),
    quality.b4_null_marker(quality.b7_trim(h.body ->> 'artistName')),
    quality.b4_null_marker(quality.b7_trim(h.body ->> 'trackName')),
    h.body ->> 'msPlayed',
    quality.b5_number(quality.b7_trim(h.body ->> 'msPlayed'))
  from raw.streaming_history as h
  where h.batch_id = batch
    and not exists (select from core.play as p where p.batch_id = h.batch_id and p.row_no = h.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = h.batch_id and q.row_no = h.row_no)
$$;
comment on function core.read_history(bigint) is 'First part of core.load_history: the open rows of a batch, values cleansed, into the working table.';

-- The basic export gives the minute in which a play ended, the extended one the second; both give the same milliseconds.
-- Plays that are alike in all of these are paired in the order of the files, one to one: a track skipped twice within a
-- minute is two plays in both exports.
create or replace function quality.b3_twins(batch bigint)
returns table (row_no integer, twin_batch_id bigint, twin_row_no integer)
language sql stable
set search_path = pg_catalog
as $$
  with whose as (
    select b.listener_name, b.source from raw.batch as b
    where b.batch_id = batch and b.source in ('streaming_history', 'extended_history')
  ), plays as (
    select b.batch_id, h.row_no, 'streaming_history' as source,
      quality.b11_utc(quality.b7_trim(h.body ->> 'endTime')) as minute,
      quality.b5_number(quality.b7_trim(h.body ->> 'msPlayed')) as ms_played,
      quality.b13_fold(h.body ->> 'artistName') as artist, quality.b13_fold(h.body ->> 'trackName') as track
    from raw.batch as b join raw.streaming_history as h using (batch_id)
    where b.listener_name = (select w.listener_name from whose as w)
      and (b.batch_id = batch or (select w.source from whose as w) = 'extended_history')
    union all
    select b.batch_id, x.row_no, 'extended_history',
      date_trunc('minute', quality.b11_utc(quality.b7_trim(x.body ->> 'ts')), 'UTC'),
      quality.b5_number(quality.b7_trim(x.body ->> 'ms_played')),
      quality.b13_fold(x.body ->> 'master_metadata_album_artist_name'), quality.b13_fold(x.body ->> 'master_metadata_track_name')
    from raw.batch as b join raw.extended_history as x using (batch_id)
    where b.listener_name = (select w.listener_name from whose as w)
      and (b.batch_id = batch or (select w.source from whose as w) = 'streaming_history')
  ), numbered as (
    select distinct on (p.source, p.minute, p.ms_played, p.artist, p.track, p.nth) p.*
    from (
      select q.*, row_number() over (partition by q.batch_id, q.minute, q.ms_played, q.artist, q.track order by q.row_no) as nth
      from plays as q
      where q.minute is not null and q.ms_played is not null and q.artist is not null and q.track is not null
    ) as p
    order by p.source, p.minute, p.ms_played, p.artist, p.track, p.nth, (p.batch_id <> batch), p.batch_id
  )
  select mine.row_no, other.batch_id, other.row_no
  from numbered as mine
  join numbered as other on other.source <> mine.source and other.minute = mine.minute and other.ms_played = mine.ms_played
    and other.artist = mine.artist and other.track = mine.track and other.nth = mine.nth
  where mine.batch_id = batch
$$;
comment on function quality.b3_twins(bigint) is
  'B3: plays of a history batch that the other kind of export of the same listener holds as well, and which row of it that is.';

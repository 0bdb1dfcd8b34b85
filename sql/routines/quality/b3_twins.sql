-- The basic export gives the minute in which a play ended, the extended one the second; both give the same milliseconds.
-- Plays that are alike in all of these are paired in the order of the files, one to one: a track skipped twice within a
-- minute is two plays in both exports. Names are compared as the exports write them, not as the catalogue does: it may know better.
create or replace function quality.b3_twins(batch bigint)
returns table (row_no integer, play_id bigint)
language sql stable
set search_path = pg_catalog
as $$
  with whose as (
    select l.listener_id from raw.batch as b join core.listener as l on l.name = b.listener_name where b.batch_id = batch
  ), mine as (
    select w.row_no, date_trunc('minute', w.ended_at, 'UTC') as minute, w.ms_played, quality.b13_fold(w.artist_name) as artist, quality.b13_fold(w.track_name) as track,
      'extended' as twin_feed, interval '1 minute' as within
    from quality.play_work as w where w.batch_id = batch and w.rule_id is null
    union all
    select w.row_no, date_trunc('minute', w.ended_at, 'UTC'), w.ms_played, quality.b13_fold(w.artist_name), quality.b13_fold(w.track_name),
      'basic', interval '0'
    from quality.track_work as w where w.batch_id = batch and w.rule_id is null and w.ended_at is not null
  ), numbered as (
    select m.*, row_number() over (partition by m.minute, m.ms_played, m.artist, m.track order by m.row_no) as nth
    from mine as m
  ), alike as materialized (
    select p.play_id, p.batch_id, p.row_no as their_row_no, m.row_no, m.nth, m.artist, m.track
    from whose as w
    cross join numbered as m
    join core.play as p on p.listener_id = w.listener_id and p.feed = m.twin_feed and p.ms_played = m.ms_played
      and p.ended_at >= m.minute and p.ended_at <= m.minute + m.within and p.ended_at < m.minute + interval '1 minute'
  ), told as (
    -- Plays are received in slices: batch by batch they are taken apart once, play by play once for each.
    select b.batch_id, r.row_no, r.artist, r.track
    from (select distinct a.batch_id from alike as a) as b
    cross join lateral (
      select h.row_no, h.body ->> 'artistName' as artist, h.body ->> 'trackName' as track
      from raw.streaming_history as h where h.batch_id = b.batch_id
      union all
      select x.row_no, x.body ->> 'master_metadata_album_artist_name', x.body ->> 'master_metadata_track_name'
      from raw.extended_history as x where x.batch_id = b.batch_id
    ) as r
  ), theirs as (
    select a.play_id, a.row_no, a.nth, row_number() over (partition by a.row_no order by a.batch_id, a.their_row_no) as twin_nth
    from alike as a
    join told as r on r.batch_id = a.batch_id and r.row_no = a.their_row_no
    where a.artist = quality.b13_fold(r.artist) and a.track = quality.b13_fold(r.track)
  )
  select t.row_no, t.play_id from theirs as t where t.twin_nth = t.nth
$$;
comment on function quality.b3_twins(bigint) is
  'B3: accepted plays of a history batch being cleansed that the other kind of export of the same listener told before, and which play in core that is.';

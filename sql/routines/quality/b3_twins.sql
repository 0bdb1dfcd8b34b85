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
  ), theirs as (
    select p.play_id, m.row_no, m.nth,
      row_number() over (partition by m.row_no order by p.batch_id, p.row_no) as twin_nth
    from whose as w
    cross join numbered as m
    join core.play as p on p.listener_id = w.listener_id and p.feed = m.twin_feed and p.ms_played = m.ms_played
      and p.ended_at >= m.minute and p.ended_at <= m.minute + m.within and p.ended_at < m.minute + interval '1 minute'
    left join raw.streaming_history as h on m.twin_feed = 'basic' and h.batch_id = p.batch_id and h.row_no = p.row_no
    left join raw.extended_history as x on m.twin_feed = 'extended' and x.batch_id = p.batch_id and x.row_no = p.row_no
    where m.artist = quality.b13_fold(coalesce(h.body ->> 'artistName', x.body ->> 'master_metadata_album_artist_name'))
      and m.track = quality.b13_fold(coalesce(h.body ->> 'trackName', x.body ->> 'master_metadata_track_name'))
  )
  select t.row_no, t.play_id from theirs as t where t.twin_nth = t.nth
$$;
comment on function quality.b3_twins(bigint) is
  'B3: accepted plays of a history batch being cleansed that the other kind of export of the same listener told before, and which play in core that is.';

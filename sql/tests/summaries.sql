-- The models artist_play_summary, daily_summary and weekly_summary: not null, unique, what they refer to, and what they sum.
insert into raw.batch (batch_id, source, file_name, listener_name, content_sha256, size_bytes, row_count) overriding system value
values (-1, 'streaming_history', 'f', 'ada', sha256('f'), 1, 4);
insert into core.listener (listener_id, name, time_zone) overriding system value values (-1, 'ada', 'Asia/Kolkata'), (-2, 'bea', 'UTC');
insert into core.artist (artist_id, name) overriding system value values (-1, 'A'), (-2, 'B'), (-3, 'never played');
insert into core.track (track_id, name) overriding system value values (-1, 'T'), (-2, 'U');
insert into core.track_artist (track_id, position, artist_id) values (-1, 1, -1), (-1, 2, -2), (-2, 1, -2);
insert into core.play (listener_id, track_id, ended_at, ms_played, batch_id, row_no)
values (-1, -1, '2020-12-31 18:00Z', 60000, -1, 1), (-1, -1, '2020-12-31 19:00Z', 1000, -1, 2), (-2, -2, '2021-01-03 23:30Z', 60000, -1, 3),
       (-2, -1, '2021-01-04 00:30Z', 4000000, -1, 4);
call mart.refresh();

-- Not null: every column of the three, whatever columns they come to have.
do $$
declare
  model text;
  nulls bigint;
begin
  foreach model in array array['artist_play_summary', 'daily_summary', 'weekly_summary'] loop
    execute format('select count(*) from mart.%I as m, jsonb_each(to_jsonb(m)) as c where c.value = ''null''', model) into nulls;
    assert nulls = 0, format('mart.%s has %s nulls', model, nulls);
    execute format('select count(*) from mart.%I', model) into nulls;
    assert nulls > 0, format('mart.%s is empty: nothing is tested', model);
  end loop;
end
$$;

-- Unique, and there once for each thing that has plays.
do $$
begin
  assert not exists (select from mart.artist_play_summary group by artist_id having count(*) > 1), 'an artist twice';
  assert not exists (select from mart.daily_summary group by date_id having count(*) > 1), 'a day twice';
  assert not exists (select from mart.weekly_summary group by iso_year, iso_week having count(*) > 1), 'a week twice';
  assert not exists (
    select from mart.fact_play as f join mart.bridge_track_artist as b using (track_id)
    left join mart.artist_play_summary as s on s.artist_id = b.artist_id where s.artist_id is null), 'an artist with plays is missing';
  assert not exists (select from mart.fact_play as f left join mart.daily_summary as s using (date_id) where s.date_id is null), 'a day is missing';
  assert not exists (select from mart.artist_play_summary where artist_id = -3), 'an artist without plays';
end
$$;

-- Relationships.
do $$
begin
  assert not exists (select from mart.artist_play_summary as s left join mart.dim_artist as d using (artist_id) where d.artist_id is null), 'artist';
  assert not exists (select from mart.daily_summary as s left join mart.dim_date as d using (date_id) where d.date_id is null), 'day';
  assert not exists (
    select from mart.weekly_summary as s
    left join (select distinct iso_year, iso_week from mart.dim_date) as d using (iso_year, iso_week) where d.iso_week is null), 'week';
end
$$;

-- What they sum: days and weeks alike are all plays, by the listener's own day and by the year the ISO week belongs to.
do $$
begin
  assert (select (sum(plays), sum(listens), sum(ms_played)) from mart.daily_summary)
    = (select (count(*)::numeric, count(*) filter (where ms_played between 30000 and 3600000)::numeric, sum(ms_played)::numeric) from core.play), 'days';
  assert (select (sum(plays), sum(listens), sum(ms_played)) from mart.weekly_summary)
    = (select (sum(plays), sum(listens), sum(ms_played)) from mart.daily_summary), 'weeks';
  -- 19:00 UTC is the first of January in Kolkata; the 31st is in week 53 of 2020, and so is the third in UTC.
  assert (select array_agg(date_id order by date_id) from mart.daily_summary where date_id between 20201230 and 20210105)
    = '{20201231,20210101,20210103,20210104}', 'days of the zone';
  assert (select plays from mart.weekly_summary where (iso_year, iso_week) = (2020, 53)) = 3, 'the week belongs to 2020';
  assert (select (plays, listens, listeners) from mart.weekly_summary where (iso_year, iso_week) = (2021, 1)) = (1::bigint, 0::bigint, 1::bigint), 'the first week of 2021';
  assert (select (plays, listens) from mart.artist_play_summary where artist_id = -2) = (4::bigint, 2::bigint), 'a play counts for each of its artists';
  assert (select last_played_at from mart.artist_play_summary where artist_id = -1) = '2021-01-04 00:30Z', 'the last play';
end
$$;

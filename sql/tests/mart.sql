-- The summaries by artist, day and week: not null, unique, and what they refer to; the star: no play lost or twice.
insert into raw.batch (batch_id, source, file_name, listener_name, content_sha256, size_bytes, row_count) overriding system value
values (-1, 'streaming_history', 'f', 'ada', sha256('f'), 1, 3);
insert into core.listener (listener_id, name, time_zone) overriding system value values (-1, 'ada', 'Asia/Kolkata');
insert into core.artist (artist_id, name) overriding system value values (-1, 'A'), (-2, 'B');
insert into core.track (track_id, name) overriding system value values (-1, 'T'), (-2, 'U');
insert into core.track_artist (track_id, position, artist_id) values (-1, 1, -1), (-1, 2, -2), (-2, 1, -2);
insert into core.play (listener_id, track_id, ended_at, ms_played, batch_id, row_no)
values (-1, -1, '2024-12-31 18:00Z', 60000, -1, 1), (-1, -1, '2024-12-31 19:00Z', 60000, -1, 2), (-1, -2, '2025-01-06 10:00Z', 1000, -1, 3);
call mart.refresh();

do $$
begin
  assert (select count(*) from mart.fact_play) = (select count(*) from core.play), 'a play is lost or twice';
  assert not exists (select from mart.artist_play_summary where num_nulls(artist_id, plays, listens, ms_played, last_played_at) > 0), 'a null';
  assert not exists (select from mart.artist_play_summary group by artist_id having count(*) > 1), 'an artist twice';
  assert not exists (select from mart.daily_summary as s left join mart.dim_date as d using (date_id) where d.date_id is null), 'a day unknown';
  assert not exists (select from mart.weekly_summary group by iso_year, iso_week having count(*) > 1), 'a week twice';
  assert not exists (select from mart.artist_play_summary as s left join core.artist as a using (artist_id) where a.artist_id is null), 'an artist unknown';
  assert (select plays from mart.artist_play_summary where artist_id = -2) = 3, 'a play counts for each of its artists';
  -- 18:00 and 19:00 UTC are the last day of the year and the first of the next in Kolkata, and both in the first ISO week of 2025.
  assert (select array_agg(date_id order by date_id) from mart.daily_summary where date_id < 20250103 and date_id > 20241230) = '{20241231,20250101}', 'the day of the zone';
  assert (select plays from mart.weekly_summary where (iso_year, iso_week) = (2025, 1)) = 2, 'the year of the week';
end
$$;

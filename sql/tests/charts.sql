-- Trends of charts: movement, peak, weeks, new entries, who came back and who went, genre share by week.
insert into core.artist (artist_id, name) overriding system value values (-1, 'A'), (-2, 'B'), (-3, 'C');
insert into core.track (track_id, name) overriding system value values (-1, 'T'), (-2, 'U'), (-3, 'V');
insert into core.track_artist (track_id, position, artist_id) values (-1, 1, -1), (-2, 1, -2), (-3, 1, -3);
insert into core.genre (genre_id, name) overriding system value values (-1, 'g'), (-2, 'h');
insert into core.artist_genre (artist_id, genre_id) values (-1, -1), (-2, -1), (-2, -2);
insert into core.chart (chart_id, name, period) overriding system value values (-1, 'daily', 'day');
-- Sunday, Monday, Tuesday: two ISO weeks, the first of them of the year before.
insert into core.chart_entry (chart_id, starts_on, track_id, rank)
values (-1, '2021-01-03', -1, 1), (-1, '2021-01-03', -2, 2), (-1, '2021-01-04', -3, 1), (-1, '2021-01-04', -2, 2), (-1, '2021-01-05', -1, 2),
       (-1, '2021-01-05', -2, 1);

do $$
begin
  assert (select array_agg(format('%s %s %s %s %s %s %s', extract(day from starts_on), track, rank, coalesce(movement::text, '-'), peak_rank,
            weeks_on_chart, case when is_new then 'new' when is_back_or_new then 'back' else '' end) order by starts_on, rank)
          from mart.chart_trend where chart = 'daily')
    = array['3 T 1 - 1 1 new', '3 U 2 - 2 1 new', '4 V 1 - 1 1 new', '4 U 2 0 2 2 ', '5 U 1 1 1 2 ', '5 T 2 - 1 2 back'], 'the trend';
  assert (select array_agg(format('%s %s %s %s %s', extract(day from starts_on), entries, new_entries, returned, gone) order by starts_on)
          from mart.chart_issue where chart = 'daily')
    = array['3 2   ', '4 2 1 0 1', '5 2 0 1 1'], 'the issues';
  assert (select array_agg(format('%s-%s %s %s %s', iso_year, iso_week, genre, entries, share_percent) order by iso_year, iso_week, genre)
          from mart.chart_genre_week where chart = 'daily')
    = array['2020-53 g 2 66.67', '2020-53 h 1 33.33', '2021-1 g 3 60.00', '2021-1 h 2 40.00'], 'the genres';
  assert (select (issues, weeks_on_chart, peak_rank, issues_at_peak, first_issue, last_issue) from mart.chart_track where chart = 'daily' and track = 'U')
    = (3::bigint, 2::bigint, 1::smallint, 1::bigint, date '2021-01-03', date '2021-01-05'), 'the track';
end
$$;

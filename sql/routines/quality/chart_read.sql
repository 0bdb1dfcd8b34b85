create or replace view quality.chart_read as
select c.batch_id, c.row_no, c.layout,
  coalesce(nullif(concat_ws(' ', f.chart, f.region), ''), nullif(regexp_replace(b.file_name, '(-?[0-9]{4}-[0-9]{2}-[0-9]{2})?\.[A-Za-z]+$', ''), ''), 'chart') as chart_name,
  coalesce(quality.b6_partial_date(quality.b7_trim(f.day_text)), quality.b6_partial_date(substring(b.file_name from '([0-9]{4}-[0-9]{2}-[0-9]{2})\.[A-Za-z]+$'))) as chart_day,
  quality.b5_number(quality.b7_trim(f.rank_text)) as rank,
  quality.spotify_id(f.track_uri) as track_spotify_id,
  quality.b4_null_marker(quality.b7_trim(f.track_name)) as track_name,
  quality.b10_names(f.artist_names, null) as artist_names,
  quality.b5_number(quality.b7_trim(c.body ->> 'streams')) as streams,
  quality.b5_number(quality.b7_trim(coalesce(c.body ->> 'peak_rank', c.body ->> 'highest_charting_position'))) as peak_rank,
  quality.b5_number(quality.b7_trim(c.body ->> 'previous_rank')) as previous_rank,
  quality.b5_number(quality.b7_trim(coalesce(c.body ->> 'weeks_on_chart', c.body ->> 'number_of_times_charted'))) as times_charted,
  quality.b6_week(c.body ->> 'week_of_highest_charting') as peak_week,
  (select array_agg(quality.b6_week(week) order by at) from unnest(quality.b10_list(c.body ->> 'weeks_charted')) with ordinality as w (week, at)) as weeks_charted,
  quality.b10_list(coalesce(c.body ->> 'genre', c.body ->> 'genres')) as genres,
  coalesce(quality.b4_null_marker(quality.b7_trim(c.body ->> 'release_date')),
    quality.b6_joined_date(c.body ->> 'released_year', c.body ->> 'released_month', c.body ->> 'released_day')) as release_text,
  quality.b5_number(quality.b7_trim(c.body ->> 'popularity')) as popularity,
  quality.b5_number(quality.b7_trim(c.body ->> 'artist_followers')) as artist_followers,
  quality.b5_number(quality.b7_trim(c.body ->> 'duration_ms')) as duration_ms,
  c.body, quality.b4_null_marker(quality.b7_trim(f.day_text)) as day_text
from raw.chart_entry as c
join raw.batch as b using (batch_id)
cross join lateral (
  select
    quality.b4_null_marker(quality.b7_trim(coalesce(c.body ->> 'chart', c.body ->> 'chart_name'))) as chart,
    quality.b4_null_marker(quality.b7_trim(coalesce(c.body ->> 'region', c.body ->> 'country'))) as region,
    coalesce(c.body ->> 'date', c.body ->> 'day', c.body ->> 'chart_date', c.body ->> 'snapshot_date') as day_text,
    coalesce(c.body ->> 'rank', c.body ->> 'position', c.body ->> 'daily_rank') as rank_text,
    coalesce(c.body ->> 'uri', c.body ->> 'url', c.body ->> 'track_uri', c.body ->> 'track_id', c.body ->> 'spotify_id', c.body ->> 'song_id') as track_uri,
    coalesce(c.body ->> 'track_name', c.body ->> 'title', c.body ->> 'song_name', c.body ->> 'name') as track_name,
    coalesce(c.body ->> 'artist_names', c.body ->> 'artist_name', c.body ->> 'artist_s_name', c.body ->> 'artists', c.body ->> 'artist') as artist_names
) as f;
comment on view quality.chart_read is 'Rows of charts in one shape, values cleansed, whatever layout they came in.';
comment on column quality.chart_read.chart_name is 'Chart and region as the row says; else the file''s name without day and ending.';
comment on column quality.chart_read.chart_day is 'First day of the chart, from the row or the file''s name; NULL in a track summary.';
comment on column quality.chart_read.weeks_charted is 'Of a track summary: the weeks it was in the chart, as listed; a week that is none is NULL.';
comment on column quality.chart_read.release_text is 'As received, in one field or in three; quality.b6_partial_date reads it.';
comment on column quality.chart_read.body is 'The row as received.';
comment on column quality.chart_read.day_text is 'The day of the chart as the row says it, whether it is one or not.';

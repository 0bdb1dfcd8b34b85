create or replace function quality.b5_chart_fault(body jsonb) returns text
language sql immutable parallel safe
as $$
  select pg_catalog.format('%s is not a number: %s', n.name, body ->> n.name)
  from pg_catalog.unnest(array['rank', 'position', 'daily_rank', 'streams', 'peak_rank', 'highest_charting_position', 'previous_rank', 'weeks_on_chart',
    'number_of_times_charted', 'popularity', 'artist_followers', 'duration_ms']) with ordinality as n (name, place)
  where quality.b4_null_marker(quality.b7_trim(body ->> n.name)) is not null and quality.b5_number(quality.b7_trim(body ->> n.name)) is null
  order by n.place
  limit 1
$$;
comment on function quality.b5_chart_fault(jsonb) is 'B5: what is wrong with the numbers of a row of a chart, or NULL.';

create or replace function quality.b6_chart_fault(entry quality.chart_read) returns text
language sql stable
set search_path = pg_catalog
as $$
  select case
    when entry.day_text is not null and quality.b6_partial_date(entry.day_text) is null then format('the day of the chart is not a date: %s', entry.day_text)
    when entry.layout = 'ranking' and entry.chart_day is null then 'no day of the chart is given'
    when entry.release_text is not null and quality.b6_partial_date(entry.release_text) is null
      then format('the release date is not a date: %s', entry.release_text)
    when array_position(entry.weeks_charted, null) is not null then 'one of the weeks is none' end
$$;
comment on function quality.b6_chart_fault(quality.chart_read) is 'B6: what is wrong with the dates of a row of a chart, or NULL.';

-- What the layout does not keep is not judged: a download says -1 for the previous rank of a new entry.
create or replace function quality.b8_chart_fault(entry quality.chart_read) returns text
language sql stable
set search_path = pg_catalog
as $$
  select case when entry.layout = 'ranking' and entry.rank is null then 'no rank is given' else (
    select format('%s is out of range: %s', name, number)
    from (values
      ('rank', entry.rank, 1, 32767, 'ranking'),
      ('the best rank', entry.peak_rank, 1, 32767, 'track_summary'),
      ('the number of weeks', entry.times_charted, 1, 32767, 'track_summary'),
      ('streams', entry.streams, 0, 9000000000000000000, entry.layout),
      ('popularity', entry.popularity, 0, 100, entry.layout),
      ('duration_ms', entry.duration_ms, 1, 2147483647, entry.layout)
    ) as field (name, number, low, high, layout)
    where layout = entry.layout and (number not between low and high or number <> trunc(number))
    limit 1) end
$$;
comment on function quality.b8_chart_fault(quality.chart_read) is 'B8: which value of a row of a chart is out of range, or NULL.';

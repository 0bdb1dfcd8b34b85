create or replace view mart.chart_trend as
select c.name as chart, c.period, e.starts_on, e.track_id, t.name as track, a.name as artist, e.rank, e.streams,
  was.rank as previous_rank,
  was.rank - e.rank as movement,
  was.track_id is null as is_back_or_new,
  not exists (select from core.chart_entry as x where x.chart_id = e.chart_id and x.track_id = e.track_id and x.starts_on < e.starts_on) as is_new,
  min(e.rank) over so_far as peak_rank,
  count(*) over so_far as issues_on_chart,
  dense_rank() over (partition by e.chart_id, e.track_id order by date_trunc('week', e.starts_on::timestamp)) as weeks_on_chart,
  before.starts_on is null as is_first_issue
from core.chart_entry as e
join core.chart as c on c.chart_id = e.chart_id
join core.track as t on t.track_id = e.track_id
left join core.track_artist as ta on ta.track_id = e.track_id and ta.position = 1
left join core.artist as a on a.artist_id = ta.artist_id
left join lateral (
  select max(x.starts_on) as starts_on from core.chart_entry as x where x.chart_id = e.chart_id and x.starts_on < e.starts_on
) as before on true
left join core.chart_entry as was on was.chart_id = e.chart_id and was.starts_on = before.starts_on and was.track_id = e.track_id
window so_far as (partition by e.chart_id, e.track_id order by e.starts_on);
comment on view mart.chart_trend is
  'Charts: rank, movement against the issue before (positive is up), best rank so far, issues so far; is_new marks a first entry, which in the first issue that is known (is_first_issue) says little. Ranks are NULL where the source says only that a track was in.';
comment on column mart.chart_trend.chart is 'The chart.';
comment on column mart.chart_trend.period is 'day or week: how long one issue stands.';
comment on column mart.chart_trend.starts_on is 'First day of the issue.';
comment on column mart.chart_trend.track_id is 'The track.';
comment on column mart.chart_trend.track is 'Its name.';
comment on column mart.chart_trend.artist is 'Its first artist.';
comment on column mart.chart_trend.rank is '1 is the top.';
comment on column mart.chart_trend.streams is 'Streams in the issue, where known.';
comment on column mart.chart_trend.previous_rank is 'Rank in the issue before; NULL where it was not in.';
comment on column mart.chart_trend.movement is 'Places gained since the issue before; negative: lost.';
comment on column mart.chart_trend.is_back_or_new is 'It was not in the issue before.';
comment on column mart.chart_trend.is_new is 'It was in no earlier issue.';
comment on column mart.chart_trend.peak_rank is 'Best rank until then.';
comment on column mart.chart_trend.issues_on_chart is 'Issues it was in until then.';
comment on column mart.chart_trend.weeks_on_chart is 'ISO weeks in which it was in until then.';
comment on column mart.chart_trend.is_first_issue is 'No earlier issue of the chart is known.';

create or replace view mart.chart_genre_share as
select c.name as chart, e.starts_on, extract(isoyear from e.starts_on)::integer as iso_year, extract(week from e.starts_on)::integer as iso_week,
  g.name as genre, count(*) as entries,
  round(100.0 * count(*) / sum(count(*)) over (partition by e.chart_id, e.starts_on), 2) as share_percent
from core.chart_entry as e
join core.chart as c on c.chart_id = e.chart_id
join (
  select distinct ta.track_id, ag.genre_id from core.track_artist as ta join core.artist_genre as ag on ag.artist_id = ta.artist_id
) as tg on tg.track_id = e.track_id
join core.genre as g on g.genre_id = tg.genre_id
group by e.chart_id, c.name, e.starts_on, g.name;
comment on view mart.chart_genre_share is 'Genres of a chart''s issue: entries by genre of their artists; an entry of several genres counts for each.';
comment on column mart.chart_genre_share.chart is 'The chart.';
comment on column mart.chart_genre_share.starts_on is 'First day of the issue.';
comment on column mart.chart_genre_share.iso_year is 'The year the week belongs to.';
comment on column mart.chart_genre_share.iso_week is 'ISO week, 1 to 53.';
comment on column mart.chart_genre_share.genre is 'The genre.';
comment on column mart.chart_genre_share.entries is 'Entries of the issue that have it.';
comment on column mart.chart_genre_share.share_percent is 'Of all genres of the issue''s entries.';

create or replace view mart.chart_genre_week as
select s.chart, s.iso_year, s.iso_week, date_trunc('week', min(s.starts_on)::timestamp)::date as week_start, s.genre,
  sum(s.entries)::bigint as entries,
  round(100.0 * sum(s.entries) / sum(sum(s.entries)) over (partition by s.chart, s.iso_year, s.iso_week), 2) as share_percent
from mart.chart_genre_share as s
group by s.chart, s.iso_year, s.iso_week, s.genre;
comment on view mart.chart_genre_week is 'Genres of a chart by ISO week, over all issues that begin in it.';
comment on column mart.chart_genre_week.chart is 'The chart.';
comment on column mart.chart_genre_week.iso_year is 'The year the week belongs to.';
comment on column mart.chart_genre_week.iso_week is 'ISO week, 1 to 53.';
comment on column mart.chart_genre_week.week_start is 'Monday of the week.';
comment on column mart.chart_genre_week.genre is 'The genre.';
comment on column mart.chart_genre_week.entries is 'Entries that have it.';
comment on column mart.chart_genre_week.share_percent is 'Of all genres of the week''s entries.';

create or replace view mart.chart_issue as
select i.chart, i.period, i.starts_on, extract(isoyear from i.starts_on)::integer as iso_year, extract(week from i.starts_on)::integer as iso_week,
  i.entries, i.new_entries, i.returned,
  i.entries_before - (i.entries - coalesce(i.new_entries + i.returned, 0)) as gone
from (
  select t.chart, t.period, t.starts_on, count(*) as entries,
    case when not bool_or(t.is_first_issue) then count(*) filter (where t.is_new) end as new_entries,
    case when not bool_or(t.is_first_issue) then count(*) filter (where t.is_back_or_new and not t.is_new) end as returned,
    lag(count(*)) over (partition by t.chart order by t.starts_on) as entries_before
  from mart.chart_trend as t
  group by t.chart, t.period, t.starts_on
) as i;
comment on view mart.chart_issue is
  'Issues of charts: how many entries, how many new, back after an absence, and gone since the issue before; NULL in the first that is known.';
comment on column mart.chart_issue.chart is 'The chart.';
comment on column mart.chart_issue.period is 'day or week.';
comment on column mart.chart_issue.starts_on is 'First day of the issue.';
comment on column mart.chart_issue.iso_year is 'The year the week belongs to.';
comment on column mart.chart_issue.iso_week is 'ISO week, 1 to 53.';
comment on column mart.chart_issue.entries is 'Tracks in it.';
comment on column mart.chart_issue.new_entries is 'Of them in no earlier issue.';
comment on column mart.chart_issue.returned is 'Of them in an earlier issue, but not in the one before.';
comment on column mart.chart_issue.gone is 'Tracks of the issue before that are not in this one.';

create or replace view mart.chart_track as
select t.chart, t.track_id, t.track, t.artist, count(*) as issues, max(t.weeks_on_chart) as weeks_on_chart,
  min(t.rank) as peak_rank, count(*) filter (where t.rank = t.best_rank) as issues_at_peak,
  min(t.starts_on) as first_issue, max(t.starts_on) as last_issue, sum(t.streams)::bigint as streams,
  s.peak_rank as stated_peak_rank, s.issues as stated_issues
from (
  select c.*, min(c.rank) over (partition by c.chart, c.track_id) as best_rank from mart.chart_trend as c
) as t
join core.chart as h on h.name = t.chart
left join core.chart_standing as s on s.chart_id = h.chart_id and s.track_id = t.track_id
group by t.chart, t.track_id, t.track, t.artist, s.peak_rank, s.issues;
comment on view mart.chart_track is 'Tracks of charts: peak, issues and weeks on the chart, counted; stated_* is what a file said of them as a whole.';
comment on column mart.chart_track.chart is 'The chart.';
comment on column mart.chart_track.track_id is 'The track.';
comment on column mart.chart_track.track is 'Its name.';
comment on column mart.chart_track.artist is 'Its first artist.';
comment on column mart.chart_track.issues is 'Issues it is in.';
comment on column mart.chart_track.weeks_on_chart is 'ISO weeks in which it is in.';
comment on column mart.chart_track.peak_rank is 'Best rank.';
comment on column mart.chart_track.issues_at_peak is 'Issues in which it had that rank.';
comment on column mart.chart_track.first_issue is 'First day of the first issue it is in.';
comment on column mart.chart_track.last_issue is 'First day of the last issue it is in.';
comment on column mart.chart_track.streams is 'Streams in all issues, where known.';
comment on column mart.chart_track.stated_peak_rank is 'Best rank, as a file said.';
comment on column mart.chart_track.stated_issues is 'Number of issues, as a file said.';

create or replace view mart.chart_list as
select c.name as chart, c.period, count(distinct e.starts_on) as issues, min(e.starts_on) as first_issue, max(e.starts_on) as last_issue
from core.chart as c left join core.chart_entry as e on e.chart_id = c.chart_id
group by c.name, c.period;
comment on view mart.chart_list is 'Charts, and which of their issues there are.';
comment on column mart.chart_list.chart is 'As the source names it.';
comment on column mart.chart_list.period is 'day or week: how long one issue stands.';
comment on column mart.chart_list.issues is 'How many issues there are.';
comment on column mart.chart_list.first_issue is 'First day of the first.';
comment on column mart.chart_list.last_issue is 'First day of the last.';

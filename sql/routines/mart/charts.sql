create or replace view mart.chart_trend as
select c.name as chart, c.period, e.starts_on, e.track_id, t.name as track, a.name as artist, e.rank, e.streams,
  was.rank as previous_rank,
  was.rank - e.rank as movement,
  was.track_id is null as is_back_or_new,
  not exists (select from core.chart_entry as x where x.chart_id = e.chart_id and x.track_id = e.track_id and x.starts_on < e.starts_on) as is_new,
  min(e.rank) over so_far as peak_rank,
  count(*) over so_far as issues_on_chart
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
  'Charts: rank, movement against the issue before (positive is up), best rank so far, issues so far; is_new marks a first entry. Ranks are NULL where the source says only that a track was in.';

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

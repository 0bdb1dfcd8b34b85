-- Different tracks and listeners are counted over groups, not by count(distinct): that sorts, and takes three times as long. The groups
-- of a year of days are many, and on disk they would cost more than all the rest: they get the memory they need.
create or replace function mart.recount_summaries() returns void
language sql
set search_path = pg_catalog
set work_mem = '128MB'
as $$
  with touched_day as materialized (
    select distinct w.date_id from mart.touched_work as w
  ), span as materialized (
    select d.date_id, d.iso_year, d.iso_week
    from mart.dim_date as d
    where (d.iso_year, d.iso_week) in (
      select w.iso_year, w.iso_week from mart.dim_date as w where w.date_id in (select t.date_id from touched_day as t))
  ), by_track as materialized (
    select f.date_id, f.track_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played
    from mart.fact_play as f where f.date_id in (select s.date_id from span as s)
    group by f.date_id, f.track_id
  ), by_listener as materialized (
    select f.date_id, f.listener_id
    from mart.fact_play as f where f.date_id in (select s.date_id from span as s)
    group by f.date_id, f.listener_id
  ), counted_day as materialized (
    select t.date_id, t.plays, t.listens, t.ms_played, t.tracks, l.listeners
    from (
      select x.date_id, sum(x.plays) as plays, sum(x.listens) as listens, sum(x.ms_played) as ms_played, count(*) as tracks
      from by_track as x group by x.date_id
    ) as t
    join (select x.date_id, count(*) as listeners from by_listener as x group by x.date_id) as l on l.date_id = t.date_id
    where t.date_id in (select d.date_id from touched_day as d)
  ), emptied_day as (
    delete from mart.daily_summary as d
    where d.date_id in (select t.date_id from touched_day as t) and d.date_id not in (select c.date_id from counted_day as c)
  ), kept_day as (
    insert into mart.daily_summary (date_id, plays, listens, ms_played, tracks, listeners)
    select c.date_id, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted_day as c
    on conflict (date_id) do update
      set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
          listeners = excluded.listeners
  ), counted_week as materialized (
    select t.iso_year, t.iso_week, t.plays, t.listens, t.ms_played, t.tracks, l.listeners
    from (
      select k.iso_year, k.iso_week, sum(k.plays) as plays, sum(k.listens) as listens, sum(k.ms_played) as ms_played, count(*) as tracks
      from (
        select s.iso_year, s.iso_week, x.track_id, sum(x.plays) as plays, sum(x.listens) as listens, sum(x.ms_played) as ms_played
        from by_track as x join span as s on s.date_id = x.date_id
        group by s.iso_year, s.iso_week, x.track_id
      ) as k
      group by k.iso_year, k.iso_week
    ) as t
    join (
      select s.iso_year, s.iso_week, count(distinct x.listener_id) as listeners
      from by_listener as x join span as s on s.date_id = x.date_id group by s.iso_year, s.iso_week
    ) as l on l.iso_year = t.iso_year and l.iso_week = t.iso_week
  ), emptied_week as (
    delete from mart.weekly_summary as w
    where (w.iso_year, w.iso_week) in (select s.iso_year, s.iso_week from span as s)
      and (w.iso_year, w.iso_week) not in (select c.iso_year, c.iso_week from counted_week as c)
  )
  insert into mart.weekly_summary (iso_year, iso_week, plays, listens, ms_played, tracks, listeners)
  select c.iso_year, c.iso_week, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted_week as c
  on conflict (iso_year, iso_week) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  with touched as materialized (
    select b.artist_id from mart.bridge_track_artist as b where b.track_id in (select w.track_id from mart.touched_work as w)
    union
    select w.artist_id from mart.artist_work as w
  ), credit as materialized (
    select b.track_id, b.artist_id from mart.bridge_track_artist as b where b.artist_id in (select t.artist_id from touched as t)
  ), by_track as materialized (
    select f.track_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      min(f.played_at) as first_played_at, max(f.played_at) as last_played_at
    from mart.fact_play as f
    where f.track_id in (select c.track_id from credit as c)
    group by f.track_id
  ), counted as materialized (
    select c.artist_id, sum(p.plays) as plays, sum(p.listens) as listens, sum(p.ms_played) as ms_played,
      min(p.first_played_at) as first_played_at, max(p.last_played_at) as last_played_at
    from by_track as p
    join credit as c on c.track_id = p.track_id
    group by c.artist_id
  ), emptied as (
    delete from mart.artist_play_summary as s
    where s.artist_id in (select t.artist_id from touched as t) and s.artist_id not in (select c.artist_id from counted as c)
  )
  insert into mart.artist_play_summary as s (artist_id, plays, listens, ms_played, first_played_at, last_played_at)
  select c.artist_id, c.plays, c.listens, c.ms_played, c.first_played_at, c.last_played_at from counted as c
  on conflict (artist_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played,
        first_played_at = excluded.first_played_at, last_played_at = excluded.last_played_at
    where (s.plays, s.listens, s.ms_played, s.first_played_at, s.last_played_at)
      is distinct from (excluded.plays, excluded.listens, excluded.ms_played, excluded.first_played_at, excluded.last_played_at)
$$;
comment on function mart.recount_summaries() is 'Third part of mart.refresh where much changed: days, weeks and artists whose plays changed are counted again.';

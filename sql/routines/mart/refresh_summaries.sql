create or replace function mart.refresh_summaries() returns void
language sql
set search_path = pg_catalog
as $$
  with touched as (
    select distinct w.date_id from mart.touched_work as w
  ), counted as (
    select f.date_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      count(distinct f.track_id) as tracks, count(distinct f.listener_id) as listeners
    from mart.fact_play as f where f.date_id in (select t.date_id from touched as t) group by f.date_id
  ), emptied as (
    delete from mart.daily_summary as d
    where d.date_id in (select t.date_id from touched as t) and d.date_id not in (select c.date_id from counted as c)
  )
  insert into mart.daily_summary (date_id, plays, listens, ms_played, tracks, listeners)
  select c.date_id, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted as c
  on conflict (date_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  with touched as (
    select distinct d.iso_year, d.iso_week from mart.touched_work as w join mart.dim_date as d on d.date_id = w.date_id
  ), counted as (
    select d.iso_year, d.iso_week, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      count(distinct f.track_id) as tracks, count(distinct f.listener_id) as listeners
    from mart.dim_date as d
    join mart.fact_play as f on f.date_id = d.date_id
    where (d.iso_year, d.iso_week) in (select t.iso_year, t.iso_week from touched as t)
    group by d.iso_year, d.iso_week
  ), emptied as (
    delete from mart.weekly_summary as s
    where (s.iso_year, s.iso_week) in (select t.iso_year, t.iso_week from touched as t)
      and (s.iso_year, s.iso_week) not in (select c.iso_year, c.iso_week from counted as c)
  )
  insert into mart.weekly_summary (iso_year, iso_week, plays, listens, ms_played, tracks, listeners)
  select c.iso_year, c.iso_week, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted as c
  on conflict (iso_year, iso_week) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  with touched as (
    select b.artist_id from mart.bridge_track_artist as b where b.track_id in (select w.track_id from mart.touched_work as w)
    union
    select w.artist_id from mart.artist_work as w
  ), by_track as (
    select f.track_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      min(f.played_at) as first_played_at, max(f.played_at) as last_played_at
    from mart.fact_play as f
    where f.track_id in (select b.track_id from mart.bridge_track_artist as b where b.artist_id in (select t.artist_id from touched as t))
    group by f.track_id
  ), counted as (
    select b.artist_id, sum(p.plays) as plays, sum(p.listens) as listens, sum(p.ms_played) as ms_played,
      min(p.first_played_at) as first_played_at, max(p.last_played_at) as last_played_at
    from by_track as p
    join mart.bridge_track_artist as b on b.track_id = p.track_id
    where b.artist_id in (select t.artist_id from touched as t)
    group by b.artist_id
  ), emptied as (
    delete from mart.artist_play_summary as s
    where s.artist_id in (select t.artist_id from touched as t) and s.artist_id not in (select c.artist_id from counted as c)
  )
  insert into mart.artist_play_summary (artist_id, plays, listens, ms_played, first_played_at, last_played_at)
  select c.artist_id, c.plays, c.listens, c.ms_played, c.first_played_at, c.last_played_at from counted as c
  on conflict (artist_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played,
        first_played_at = excluded.first_played_at, last_played_at = excluded.last_played_at
$$;
comment on function mart.refresh_summaries() is 'Third part of mart.refresh: days, weeks and artists whose plays changed are counted again.';

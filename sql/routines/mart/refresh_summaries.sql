-- Counting again reads every play of the days and artists concerned, which soon is all of them; correcting looks up what changed.
-- Past a share of the plays counting is the cheaper of the two.
create or replace function mart.refresh_summaries() returns void
language plpgsql
set search_path = pg_catalog
as $$
begin
  if (select count(*) * 20 from mart.change_work) > (select count(*) from mart.fact_play) then
    perform mart.recount_summaries();
  else
    perform mart.correct_days();
    perform mart.correct_weeks();
    perform mart.correct_artists();
  end if;
end
$$;
comment on function mart.refresh_summaries() is 'Third part of mart.refresh: days, weeks and artists whose plays changed.';

create or replace function mart.correct_days() returns void
language sql
set search_path = pg_catalog
as $$
  with change as materialized (
    select c.date_id, c.track_id, c.listener_id, case when c.is_after then 1 else -1 end as sign, c.is_listen, c.ms_played
    from mart.change_work as c
  ), track as (
    select k.date_id, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.date_id, c.track_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.track_id = c.track_id and f.date_id = c.date_id) as now
      from change as c group by c.date_id, c.track_id
    ) as k group by k.date_id
  ), listener as (
    select k.date_id, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.date_id, c.listener_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.listener_id = c.listener_id and f.date_id = c.date_id) as now
      from change as c group by c.date_id, c.listener_id
    ) as k group by k.date_id
  )
  insert into mart.daily_summary as s (date_id, plays, listens, ms_played, tracks, listeners)
  select d.date_id, coalesce(o.plays, 0) + d.plays, coalesce(o.listens, 0) + d.listens, coalesce(o.ms_played, 0) + d.ms_played,
    coalesce(o.tracks, 0) + t.more, coalesce(o.listeners, 0) + l.more
  from (
    select c.date_id, sum(c.sign) as plays, sum(c.sign * c.is_listen::integer) as listens, sum(c.sign * c.ms_played::bigint) as ms_played
    from change as c group by c.date_id
  ) as d
  join track as t on t.date_id = d.date_id
  join listener as l on l.date_id = d.date_id
  left join mart.daily_summary as o on o.date_id = d.date_id
  on conflict (date_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  delete from mart.daily_summary as s where s.plays = 0
$$;
comment on function mart.correct_days() is 'Part of mart.refresh_summaries: what changed is added to the days and taken from them; a track counts where none of its plays was before.';

create or replace function mart.correct_weeks() returns void
language sql
set search_path = pg_catalog
as $$
  with change as materialized (
    select d.iso_year, d.iso_week, to_char(d.week_start, 'YYYYMMDD')::integer as first_id, to_char(d.week_start + 6, 'YYYYMMDD')::integer as last_id,
      c.track_id, c.listener_id, case when c.is_after then 1 else -1 end as sign, c.is_listen, c.ms_played
    from mart.change_work as c join mart.dim_date as d on d.date_id = c.date_id
  ), track as (
    select k.iso_year, k.iso_week, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.iso_year, c.iso_week, c.track_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.track_id = c.track_id and f.date_id between c.first_id and c.last_id) as now
      from change as c group by c.iso_year, c.iso_week, c.first_id, c.last_id, c.track_id
    ) as k group by k.iso_year, k.iso_week
  ), listener as (
    select k.iso_year, k.iso_week, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.iso_year, c.iso_week, c.listener_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.listener_id = c.listener_id and f.date_id between c.first_id and c.last_id) as now
      from change as c group by c.iso_year, c.iso_week, c.first_id, c.last_id, c.listener_id
    ) as k group by k.iso_year, k.iso_week
  )
  insert into mart.weekly_summary as s (iso_year, iso_week, plays, listens, ms_played, tracks, listeners)
  select d.iso_year, d.iso_week, coalesce(o.plays, 0) + d.plays, coalesce(o.listens, 0) + d.listens, coalesce(o.ms_played, 0) + d.ms_played,
    coalesce(o.tracks, 0) + t.more, coalesce(o.listeners, 0) + l.more
  from (
    select c.iso_year, c.iso_week, sum(c.sign) as plays, sum(c.sign * c.is_listen::integer) as listens,
      sum(c.sign * c.ms_played::bigint) as ms_played
    from change as c group by c.iso_year, c.iso_week
  ) as d
  join track as t on t.iso_year = d.iso_year and t.iso_week = d.iso_week
  join listener as l on l.iso_year = d.iso_year and l.iso_week = d.iso_week
  left join mart.weekly_summary as o on o.iso_year = d.iso_year and o.iso_week = d.iso_week
  on conflict (iso_year, iso_week) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  delete from mart.weekly_summary as s where s.plays = 0
$$;
comment on function mart.correct_weeks() is 'Part of mart.refresh_summaries: as mart.correct_days, by ISO week.';

create or replace function mart.correct_artists() returns void
language sql
set search_path = pg_catalog
as $$
  -- What is only added can be added; where plays went or changed, the first and the last of the others have to be looked for.
  with added as materialized (
    select c.track_id, count(*) as plays, count(*) filter (where c.is_listen) as listens, sum(c.ms_played) as ms_played,
      min(c.played_at) as first_played_at, max(c.played_at) as last_played_at
    from mart.change_work as c where c.is_after group by c.track_id
  ), again as materialized (
    select b.artist_id from mart.bridge_track_artist as b
    where b.track_id in (select c.track_id from mart.change_work as c where not c.is_after)
    union
    select w.artist_id from mart.artist_work as w
  ), counted as materialized (
    select b.artist_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      min(f.played_at) as first_played_at, max(f.played_at) as last_played_at
    from mart.bridge_track_artist as b join mart.fact_play as f on f.track_id = b.track_id
    where b.artist_id in (select a.artist_id from again as a)
    group by b.artist_id
    union all
    select b.artist_id, coalesce(min(o.plays), 0) + sum(x.plays), coalesce(min(o.listens), 0) + sum(x.listens),
      coalesce(min(o.ms_played), 0) + sum(x.ms_played), least(min(o.first_played_at), min(x.first_played_at)),
      greatest(max(o.last_played_at), max(x.last_played_at))
    from added as x
    join mart.bridge_track_artist as b on b.track_id = x.track_id
    left join mart.artist_play_summary as o on o.artist_id = b.artist_id
    where b.artist_id not in (select a.artist_id from again as a)
    group by b.artist_id
  ), emptied as (
    delete from mart.artist_play_summary as s
    where s.artist_id in (select a.artist_id from again as a) and s.artist_id not in (select c.artist_id from counted as c)
  )
  insert into mart.artist_play_summary as s (artist_id, plays, listens, ms_played, first_played_at, last_played_at)
  select c.artist_id, c.plays, c.listens, c.ms_played, c.first_played_at, c.last_played_at from counted as c
  on conflict (artist_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played,
        first_played_at = excluded.first_played_at, last_played_at = excluded.last_played_at
$$;
comment on function mart.correct_artists() is 'Part of mart.refresh_summaries: what was added is added to its artists; those who lost plays are counted again.';

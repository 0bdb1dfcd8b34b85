-- A session is what was heard in one go, so tracks, albums and artists cut nothing out of it; days and months choose by its beginning.
create or replace function mart.listening_sessions(f mart.play_filter default null, gap interval default interval '30 minutes')
returns table (listener_id bigint, session_no bigint, started_at timestamptz, ended_at timestamptz, plays bigint)
language sql stable
set search_path = pg_catalog
as $$
  with marked as (
    select o.listener_id, o.ended_at, o.minute_seq, o.ended_at - o.ms_played * interval '1 millisecond' as began_at,
      coalesce(o.ended_at - o.ms_played * interval '1 millisecond'
        - lag(o.ended_at) over (partition by o.listener_id order by o.ended_at, o.minute_seq) > gap, true) as is_first
    from mart.ordered_listen as o
    where (f).listener_id is null or o.listener_id = (f).listener_id
  ), numbered as (
    select m.listener_id, m.began_at, m.ended_at,
      count(*) filter (where m.is_first) over (partition by m.listener_id order by m.ended_at, m.minute_seq) as session_no
    from marked as m
  ), sessions as (
    select n.listener_id, n.session_no, min(n.began_at) as started_at, max(n.ended_at) as ended_at, count(*) as plays
    from numbered as n group by n.listener_id, n.session_no
  )
  select s.listener_id, s.session_no, s.started_at, s.ended_at, s.plays
  from sessions as s
  join mart.dim_listener as l on l.listener_id = s.listener_id
  cross join lateral (select s.started_at at time zone coalesce((f).zone, l.time_zone) as local_at) as here
  where ((f).first_day is null or here.local_at >= (f).first_day)
    and ((f).last_day is null or here.local_at < (f).last_day + 1)
    and ((f).month is null or date_trunc('month', here.local_at) = (f).month)
$$;
comment on function mart.listening_sessions(mart.play_filter, interval) is
  'Sessions: a new one begins after a gap. Of the filter count listener, days, month and zone: a session is of the day it began.';

create or replace function mart.session_cards(f mart.play_filter default null, gap interval default interval '30 minutes')
returns table (sessions bigint, plays numeric, plays_each numeric, median_minutes numeric, longest_minutes numeric)
language sql stable
set search_path = pg_catalog
as $$
  select count(*), coalesce(sum(s.plays), 0), round(avg(s.plays), 1),
    round((percentile_cont(0.5) within group (order by extract(epoch from s.ended_at - s.started_at)::double precision) / 60)::numeric, 1),
    round((max(extract(epoch from s.ended_at - s.started_at)) / 60)::numeric, 1)
  from mart.listening_sessions(f, gap) as s
$$;
comment on function mart.session_cards(mart.play_filter, interval) is
  'Cards: sessions, the plays in them, plays a session, minutes of the one in the middle and of the longest.';

create or replace function core.sessions(gap interval default interval '30 minutes')
returns table (listener_id bigint, session_no bigint, started_at timestamptz, ended_at timestamptz, listens bigint)
language sql stable
set search_path = pg_catalog
as $$
  select listener_id, session_no, min(began_at), max(ended_at), count(*)
  from (
    select listener_id, began_at, ended_at,
      count(*) filter (where is_first) over (partition by listener_id order by ended_at, minute_seq) as session_no
    from (
      select l.listener_id, l.ended_at, l.minute_seq,
        l.ended_at - make_interval(secs => l.ms_played / 1000.0) as began_at,
        coalesce(l.ended_at - make_interval(secs => l.ms_played / 1000.0)
          - lag(l.ended_at) over (partition by l.listener_id order by l.ended_at, l.minute_seq) > gap, true) as is_first
      from core.listen as l
    ) as marked
  ) as numbered
  group by listener_id, session_no
$$;
comment on function core.sessions(interval) is 'Listening sessions: a new one begins when more than the gap lies between the end of a listen and the start of the next.';

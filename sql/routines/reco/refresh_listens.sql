create or replace function reco.refresh_listens() returns bigint
language plpgsql
set search_path = pg_catalog
as $$
declare
  looked_at bigint;
begin
  -- A session that touches a changed day, or may be joined to it by what came, is read again from end to end.
  with changed as (
    delete from reco.changed_day returning listener_id, day
  ), near as (
    select c.listener_id,
      c.day::timestamp at time zone 'UTC' - reach.reach as from_at, (c.day + 1)::timestamp at time zone 'UTC' + reach.reach as to_at
    from (select distinct d.listener_id, d.day from changed as d) as c
    -- A listen lasts up to an hour.
    cross join (select s.session_gap + interval '1 hour' as reach from reco.setting as s) as reach
  ), reached as (
    select n.listener_id,
      least(n.from_at, (
        select min(first.ended_at) from reco.listen as first
        where first.session_id = (
          select l.session_id from reco.listen as l
          where l.listener_id = n.listener_id and l.ended_at >= n.from_at and l.ended_at < n.to_at
          order by l.ended_at, l.session_id limit 1))) as from_at,
      greatest(n.to_at, (
        select max(last.ended_at) from reco.listen as last
        where last.session_id = (
          select l.session_id from reco.listen as l
          where l.listener_id = n.listener_id and l.ended_at >= n.from_at and l.ended_at < n.to_at
          order by l.ended_at desc, l.session_id desc limit 1))) as to_at
    from near as n
  )
  insert into reco.span_work (listener_id, span)
  select r.listener_id, unnest(range_agg(tstzrange(r.from_at, r.to_at, '[]'))) from reached as r group by r.listener_id;
  perform reco.measure_work();

  with went as (
    delete from reco.listen as l using reco.span_work as w
    where l.listener_id = w.listener_id and l.ended_at between lower(w.span) and upper(w.span)
    returning l.listener_id, l.track_id
  )
  insert into reco.listener_song_work (listener_id, track_id) select distinct w.listener_id, w.track_id from went as w;

  insert into reco.listen (session_id, position, listener_id, track_id, ended_at)
  select first_value(m.play_id) over session, row_number() over session, m.listener_id, m.track_id, m.ended_at
  from (
    select b.*, count(*) filter (where b.begins) over (partition by b.listener_id order by b.ended_at, b.minute_seq, b.play_id) as session_no
    from (
      select p.play_id, p.listener_id, coalesce(t.canonical_track_id, t.track_id) as track_id, p.ended_at, p.minute_seq,
        coalesce(p.ended_at - make_interval(secs => p.ms_played / 1000.0)
          - lag(p.ended_at) over (partition by p.listener_id order by p.ended_at, p.minute_seq, p.play_id) > s.session_gap, true) as begins
      from reco.span_work as w
      join core.listen as p on p.listener_id = w.listener_id and p.ended_at between lower(w.span) and upper(w.span)
      join core.track as t on t.track_id = p.track_id
      cross join reco.setting as s
    ) as b
  ) as m
  window session as (partition by m.listener_id, m.session_no order by m.ended_at, m.minute_seq, m.play_id);
  get diagnostics looked_at = row_count;

  insert into reco.listener_song_work (listener_id, track_id)
  select distinct l.listener_id, l.track_id
  from reco.span_work as w
  join reco.listen as l on l.listener_id = w.listener_id and l.ended_at between lower(w.span) and upper(w.span)
  on conflict do nothing;

  insert into reco.song_work (basis, track_id)
  select distinct 'sessions', w.track_id from reco.listener_song_work as w
  on conflict do nothing;
  return looked_at;
end
$$;
comment on function reco.refresh_listens() is
  'First part of reco.refresh: listens of the changed days, and the sessions they are in, are read again from core; gives how many there are.';

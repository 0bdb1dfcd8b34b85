-- The Web API says when a play of more than 30 s was over, to the millisecond, but not how long it was heard; exports say how long,
-- and the end to the second or the minute. Nobody hears the same track twice at a time: a play of it told for a moment at which an
-- export has that track playing, or just over, is the same play. Each has one twin at most, the nearest; a second look gives those a
-- twin whose nearest was nearer to another.
create or replace function quality.b3_api_twins(batch bigint)
returns table (row_no integer, item_no integer, play_id bigint)
language sql stable
set search_path = pg_catalog
as $$
  with whose as (
    select l.listener_id from raw.batch as b join core.listener as l on l.name = b.listener_name where b.batch_id = batch
  ), mine as (
    select w.row_no, 0 as item_no, w.track_id, w.ended_at, w.ms_played, interval '1 minute' as precision
    from quality.play_work as w where w.batch_id = batch and w.rule_id is null
    union all
    select w.row_no, 0, w.track_id, w.ended_at, w.ms_played, interval '1 second'
    from quality.track_work as w where w.batch_id = batch and w.rule_id is null and w.ended_at is not null
  ), told as (
    select i.row_no, i.item_no, i.fact_id as track_id, i.at, i.ms_played
    from quality.page_item as i where i.batch_id = batch and i.kind = 'play' and i.rule_id is null
  ), beside as (
    select m.row_no, m.item_no, p.play_id, m.track_id, p.track_id as other_track_id, m.ended_at, m.precision, p.ended_at as told_at
    from whose as w
    cross join mine as m
    join core.play as p on p.listener_id = w.listener_id and p.feed = 'api'
      and p.ended_at between m.ended_at - make_interval(secs => m.ms_played::double precision / 1000) - interval '10 seconds'
                         and m.ended_at + m.precision + interval '10 seconds'
    where m.ms_played >= least(30000, p.ms_played)
    union all
    select t.row_no, t.item_no, p.play_id, t.track_id, p.track_id, p.ended_at, q.precision, t.at
    from whose as w
    cross join told as t
    join core.play as p on p.listener_id = w.listener_id and p.feed <> 'api' and p.ms_played >= least(30000, t.ms_played)
      and p.ended_at between t.at - interval '70 seconds' and t.at + interval '70 minutes'
    cross join lateral (
      select case p.time_precision when 'minute' then interval '1 minute' else interval '1 second' end as precision
    ) as q
    where t.at between p.ended_at - make_interval(secs => p.ms_played / 1000.0) - interval '10 seconds'
                   and p.ended_at + q.precision + interval '10 seconds'
  ), near as materialized (
    select b.row_no, b.item_no, b.play_id,
      greatest(0, extract(epoch from b.ended_at - b.told_at), extract(epoch from b.told_at - b.ended_at - b.precision)) as apart
    from beside as b
    where b.track_id = b.other_track_id
       or exists (select from core.track_meaning as m join core.track_meaning as o using (name_folded, artist_folded)
                  where m.track_id = b.track_id and o.track_id = b.other_track_id)
  ), first_look as materialized (
    select n.row_no, n.item_no, n.play_id
    from (
      select x.*, row_number() over (partition by x.row_no, x.item_no order by x.apart, x.play_id) as of_mine,
        row_number() over (partition by x.play_id order by x.apart, x.row_no, x.item_no) as of_theirs
      from near as x
    ) as n
    where n.of_mine = 1 and n.of_theirs = 1
  ), second_look as (
    select n.row_no, n.item_no, n.play_id
    from (
      select x.*, row_number() over (partition by x.row_no, x.item_no order by x.apart, x.play_id) as of_mine,
        row_number() over (partition by x.play_id order by x.apart, x.row_no, x.item_no) as of_theirs
      from near as x
      where not exists (select from first_look as f where f.play_id = x.play_id or (f.row_no = x.row_no and f.item_no = x.item_no))
    ) as n
    where n.of_mine = 1 and n.of_theirs = 1
  )
  select f.row_no, f.item_no, f.play_id from first_look as f
  union all
  select s.row_no, s.item_no, s.play_id from second_look as s
$$;
comment on function quality.b3_api_twins(bigint) is
  'B3: accepted plays of a batch being cleansed that were told before, by the Web API where the batch is an export''s and by an export where it is the Web API''s, and which play in core that is.';

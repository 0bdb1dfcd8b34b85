create or replace function core.keep_plays(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch
  on conflict (name) do nothing;

  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no, context_type, context_uri)
  select l.listener_id, w.track_id, w.ended_at,
    coalesce(taken.last_seq, 0) + row_number() over (partition by w.ended_at order by w.row_no),
    w.ms_played::integer, w.batch_id, w.row_no, w.context_type, w.context_uri
  from quality.play_work as w
  join raw.batch as b on b.batch_id = w.batch_id
  join core.listener as l on l.name = b.listener_name
  left join lateral (
    select max(p.minute_seq) as last_seq from core.play as p where p.listener_id = l.listener_id and p.ended_at = w.ended_at
  ) as taken on true
  where w.batch_id = batch and w.rule_id is null
  order by w.row_no
$$;
comment on function core.keep_plays(bigint) is
  'Part of core.load_history: accepted rows become plays, numbered within their minute after those already there.';

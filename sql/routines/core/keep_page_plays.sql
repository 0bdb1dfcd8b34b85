create or replace function core.keep_page_plays(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  update quality.page_item as i
  set at = date_trunc('milliseconds', i.at), ms_played = coalesce(t.duration_ms, 30000)
  from core.track as t
  where i.batch_id = batch and i.kind = 'play' and i.rule_id is null and t.track_id = i.fact_id;

  update quality.page_item as i
  set rule_id = 'B1', reason = 'an earlier item says the same'
  from (
    select x.row_no, x.item_no, row_number() over (partition by x.at, x.fact_id order by x.row_no, x.item_no) as nth
    from quality.page_item as x where x.batch_id = batch and x.kind = 'play' and x.rule_id is null
  ) as again
  where i.batch_id = batch and i.row_no = again.row_no and i.item_no = again.item_no and again.nth > 1;

  update quality.page_item as i
  set rule_id = 'B1', reason = format('the play is known already: batch %s row %s item %s', p.batch_id, p.row_no, p.item_no)
  from raw.batch as b
  join core.listener as l on l.name = b.listener_name
  join core.play as p on p.listener_id = l.listener_id and p.feed = 'api'
  where b.batch_id = batch and i.batch_id = batch and i.kind = 'play' and i.rule_id is null
    and p.ended_at = i.at and p.track_id = i.fact_id;

  -- The export says how long it was heard, and stands; only the Web API says from where.
  with twin as materialized (
    select t.row_no, t.item_no, t.play_id, p.feed, p.batch_id, p.row_no as play_row_no
    from quality.b3_api_twins(batch) as t join core.play as p on p.play_id = t.play_id
  ), told as (
    update core.play as p
    set context_type = c.context_type, context_uri = c.context_uri
    from twin as t
    join quality.page_item as i on i.batch_id = batch and i.row_no = t.row_no and i.item_no = t.item_no
    cross join lateral quality.play_context(i.body) as c
    where p.play_id = t.play_id and p.context_type is null and c.context_type is not null
  )
  update quality.page_item as i
  set rule_id = 'B3', reason = format('the %s export says the same: batch %s row %s', t.feed, t.batch_id, t.play_row_no)
  from twin as t
  where i.batch_id = batch and i.row_no = t.row_no and i.item_no = t.item_no;

  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no, item_no, feed, time_precision,
    ms_is_estimated, context_type, context_uri)
  select l.listener_id, i.fact_id, i.at,
    coalesce(taken.last_seq, 0) + row_number() over (partition by i.at order by i.row_no, i.item_no),
    i.ms_played, i.batch_id, i.row_no, i.item_no, 'api', 'milliseconds', true, c.context_type, c.context_uri
  from quality.page_item as i
  join raw.batch as b on b.batch_id = i.batch_id
  join core.listener as l on l.name = b.listener_name
  cross join lateral quality.play_context(i.body) as c
  left join lateral (
    select max(p.minute_seq) as last_seq from core.play as p where p.listener_id = l.listener_id and p.ended_at = i.at
  ) as taken on true
  where i.batch_id = batch and i.kind = 'play' and i.rule_id is null
  -- Pages have the newest first.
  order by i.at, i.row_no, i.item_no
$$;
comment on function core.keep_page_plays(bigint) is
  'Part of core.load_page: accepted items become plays, heard for as long as their tracks are; those that an export told are refused by B3 and give it their context.';

-- Called with the plays of an export in the working table, before they go into core.
create or replace function core.replace_api_plays(run bigint, batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  with twin as materialized (
    select t.row_no, t.play_id from quality.b3_api_twins(batch) as t
  ), replaced as (
    delete from core.play as p using twin as t where p.play_id = t.play_id
    returning t.row_no as by_row, p.batch_id, p.row_no, p.item_no, p.context_type, p.context_uri
  ), basic as (
    update quality.play_work as w set context_type = r.context_type, context_uri = r.context_uri
    from replaced as r where w.batch_id = batch and w.row_no = r.by_row
  ), extended as (
    update quality.track_work as w set context_type = r.context_type, context_uri = r.context_uri
    from replaced as r where w.batch_id = batch and w.row_no = r.by_row
  )
  insert into quality.quarantine (batch_id, row_no, item_no, rule_id, reason, raw_row, run_id)
  select r.batch_id, r.row_no, r.item_no, 'B3',
    format('the %s export says the same: batch %s row %s', case b.source when 'extended_history' then 'extended' else 'basic' end, batch, r.by_row),
    i.item, run
  from replaced as r
  join raw.batch as b on b.batch_id = batch
  join raw.page as g on g.batch_id = r.batch_id and g.row_no = r.row_no
  cross join lateral quality.page_items(g.endpoint, g.status, g.body) as i
  where i.item_no = r.item_no
$$;
comment on function core.replace_api_plays(bigint, bigint) is
  'Part of core.load_history and core.load_extended: plays that the Web API told before give way to the export''s, which take their context (B3).';

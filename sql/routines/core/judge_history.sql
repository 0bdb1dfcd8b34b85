-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.judge_history(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  update quality.play_work as w
  set rule_id = 'B1', reason = format('says the same as row %s', r.first_row_no)
  from quality.b1_exact_repeats(batch) as r
  where w.batch_id = batch and w.row_no = r.row_no;

  update quality.play_work as w
  set rule_id = fault.rule_id, reason = fault.reason
  from quality.play_work as x
  cross join lateral (
    select judged.rule_id, judged.reason
    from (values
      (1, 'B4', case when x.artist_name is null then 'artistName is missing' when x.track_name is null then 'trackName is missing' end),
      (2, 'B7', case when quality.b7_has_lost_letters(x.artist_name) or quality.b7_has_lost_letters(x.track_name)
                     then 'a name has lost letters' end),
      (3, 'B5', case when x.ms_played is null then format('msPlayed is not a number: %s', coalesce(x.ms_text, 'missing')) end),
      (4, 'B8', quality.b8_play_fault(x.ms_played)),
      (5, 'B11', case when x.ended_at is null then format('endTime is not a time: %s', coalesce(x.end_text, 'missing')) end)
    ) as judged (rank, rule_id, reason)
    where judged.reason is not null
    order by judged.rank
    limit 1
  ) as fault
  where w.batch_id = batch and w.rule_id is null and x.batch_id = w.batch_id and x.row_no = w.row_no
$$;
comment on function core.judge_history(bigint) is 'Second part of core.load_history: which rows are refused, by which rule, and why.';

create or replace function core.judge_known_plays(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  update quality.play_work as w
  set rule_id = 'B1', reason = format('says the same as row %s', twins.first_row_no)
  from (
    select x.row_no, min(x.row_no) over (partition by x.ended_at, x.track_id, x.ms_played) as first_row_no
    from quality.play_work as x where x.batch_id = batch and x.rule_id is null
  ) as twins
  where w.batch_id = batch and w.row_no = twins.row_no and twins.row_no > twins.first_row_no;

  update quality.play_work as w
  set rule_id = 'B3', reason = format('the extended export says the same: batch %s row %s', p.batch_id, p.row_no)
  from quality.b3_twins(batch) as t
  join core.play as p on p.play_id = t.play_id
  where w.batch_id = batch and w.rule_id is null and w.row_no = t.row_no;

  update quality.play_work as w
  set rule_id = 'B1', reason = format('the play is known already: batch %s row %s', p.batch_id, p.row_no)
  from raw.batch as b
  join core.listener as l on l.name = b.listener_name
  join core.play as p on p.listener_id = l.listener_id
  where b.batch_id = batch and w.batch_id = batch and w.rule_id is null
    and p.ended_at = w.ended_at and p.track_id = w.track_id and p.ms_played = w.ms_played
$$;
comment on function core.judge_known_plays(bigint) is
  'Part of core.load_history: refuses plays that an overlapping export, or another writing of the same row, gave already.';

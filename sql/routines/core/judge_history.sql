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

  -- Looked for in one pass, and only what is found is told apart: nearly all plays are good.
  update quality.play_work as w
  set rule_id = case
        when w.artist_name is null or w.track_name is null then 'B4'
        when quality.b7_has_lost_letters(w.artist_name) or quality.b7_has_lost_letters(w.track_name) then 'B7'
        when w.ms_played is null then 'B5'
        when quality.b8_play_fault(w.ms_played) is not null then 'B8'
        else 'B11' end,
      reason = case
        when w.artist_name is null then 'artistName is missing'
        when w.track_name is null then 'trackName is missing'
        when quality.b7_has_lost_letters(w.artist_name) or quality.b7_has_lost_letters(w.track_name) then 'a name has lost letters'
        when w.ms_played is null then format('msPlayed is not a number: %s', coalesce(w.ms_text, 'missing'))
        when quality.b8_play_fault(w.ms_played) is not null then quality.b8_play_fault(w.ms_played)
        else format('endTime is not a time: %s', coalesce(w.end_text, 'missing')) end
  where w.batch_id = batch and w.rule_id is null
    and (w.artist_name is null or w.track_name is null or w.ms_played is null or w.ended_at is null
      or quality.b8_play_fault(w.ms_played) is not null
      or quality.b7_has_lost_letters(w.artist_name) or quality.b7_has_lost_letters(w.track_name))
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

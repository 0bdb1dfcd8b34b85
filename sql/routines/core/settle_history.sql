-- Plays of a batch are taken apart once, not once for each that is refused, however few the planner thinks there are.
create or replace function core.settle_history(run bigint, batch bigint) returns void
language plpgsql
set search_path = pg_catalog
set enable_nestloop = off
as $$
declare
  read_rows bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason, h.body::jsonb, run
  from quality.play_work as w
  join raw.streaming_history as h using (batch_id, row_no)
  where w.batch_id = batch and w.rule_id is not null;

  select count(*), count(*) filter (where w.rule_id is not null) into read_rows, rejected
  from quality.play_work as w where w.batch_id = batch;
  delete from quality.play_work as w where w.batch_id = batch;
  call quality.finish_run(run, read_rows, read_rows - rejected, rejected);
end
$$;
comment on function core.settle_history(bigint, bigint) is 'Last part of core.load_history: refused rows into quarantine, the run row closed.';

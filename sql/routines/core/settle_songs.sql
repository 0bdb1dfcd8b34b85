create or replace function core.settle_songs(run bigint, batch bigint) returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
  read_rows bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason,
         to_jsonb(s) - array['batch_id', 'row_no', 'line_no', 'source', 'received_at', 'hash'], run
  from quality.song_work as w
  join raw.song as s using (batch_id, row_no)
  where w.batch_id = batch and w.rule_id is not null;

  select count(*), count(*) filter (where w.rule_id is not null) into read_rows, rejected
  from quality.song_work as w where w.batch_id = batch;
  delete from quality.song_work as w where w.batch_id = batch;
  call quality.finish_run(run, read_rows, read_rows - rejected, rejected);
end
$$;
comment on function core.settle_songs(bigint, bigint) is 'Last part of core.load_songs: refused rows into quarantine, the run row closed.';

create or replace procedure core.load_history(batch bigint, inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
begin
  run := quality.start_run('core.load_history', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'streaming_history') then
      raise exception 'batch % is not a streaming history', batch;
    end if;
    perform core.read_history(batch);
    perform quality.measure_work();
    perform core.judge_history(batch);
    perform core.name_tracks(batch);
    perform core.judge_known_plays(batch);
    perform core.replace_api_plays(run, batch);
    perform core.keep_plays(batch);
    perform core.count_play_findings(run, batch);
    perform core.settle_history(run, batch);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure core.load_history(bigint, bigint) is
  'Cleanses one streaming-history batch into plays. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

create or replace procedure core.load_songs(batch bigint, inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
begin
  run := quality.start_run('core.load_songs', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'songs') then
      raise exception 'batch % is not a songs file', batch;
    end if;
    perform core.read_songs(batch);
    perform quality.measure_work();
    perform core.judge_songs(batch);
    perform core.count_song_findings(run, batch);
    perform core.keep_songs(batch);
    perform core.settle_songs(run, batch);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure core.load_songs(bigint, bigint) is
  'Cleanses one songs batch into the catalogue. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

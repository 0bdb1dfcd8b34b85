-- dbadmin: allow drop-destructive -- rebuild empties the marts in its own transaction, and makes them anew from core
create or replace procedure mart.refresh(inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('mart.refresh', null);
  begin
    looked_at := mart.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure mart.refresh(bigint) is
  'Brings the marts up to date with core: only what changed since the last refresh is written. Failing, it leaves nothing but its run row.';

create or replace procedure mart.rebuild(inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('mart.rebuild', null);
  begin
    perform mart.clear();
    insert into mart.play_work (play_id) select p.play_id from core.play as p;
    looked_at := mart.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure mart.rebuild(bigint) is
  'Makes the marts anew from core. Gives what mart.refresh gives: mart.checksums proves it. Failing, it leaves them as they were.';

create or replace function mart.catch_up() returns bigint
language plpgsql
set search_path = pg_catalog
as $$
declare
  looked_at bigint;
begin
  with taken as (
    delete from mart.changed_play returning play_id
  )
  insert into mart.play_work (play_id) select t.play_id from taken as t on conflict do nothing;
  perform mart.measure_work();
  perform mart.refresh_dimensions();
  perform mart.extend_dates();
  perform mart.measure_work();
  looked_at := mart.refresh_facts();
  perform mart.measure_work();
  perform mart.refresh_summaries();
  perform mart.drop_vanished();
  delete from mart.play_work;
  delete from mart.touched_work;
  delete from mart.change_work;
  delete from mart.artist_work;
  return looked_at;
end
$$;
comment on function mart.catch_up() is 'What mart.refresh and mart.rebuild do alike; gives how many plays were looked at.';

-- Emptied at one stroke: deleting row by row looks up every reference to every row. Runs as its owner, who may truncate.
create or replace function mart.clear() returns void
language sql
security definer
set search_path = pg_catalog
as $$
  truncate mart.artist_play_summary, mart.weekly_summary, mart.daily_summary, mart.fact_play, mart.bridge_track_artist,
    mart.dim_track, mart.dim_album, mart.dim_artist, mart.dim_listener, mart.dim_date
$$;
revoke execute on function mart.clear() from public;
comment on function mart.clear() is 'Part of mart.rebuild: empties what it makes anew.';

-- dbadmin: allow drop-destructive -- rebuild empties what it makes anew, in its own transaction
create or replace procedure reco.refresh(inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('reco.refresh', null);
  begin
    looked_at := reco.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure reco.refresh(bigint) is
  'Brings the recommender up to date with core: only songs whose co-occurrence changed are looked at; their number is the run''s. Failing, it leaves nothing but its run row.';

create or replace procedure reco.rebuild(inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('reco.rebuild', null);
  begin
    perform reco.clear();
    insert into reco.changed_day (listener_id, day)
    select distinct p.listener_id, (p.ended_at at time zone 'UTC')::date from core.play as p;
    insert into reco.changed_playlist (playlist_id) select p.playlist_id from core.playlist as p;
    looked_at := reco.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure reco.rebuild(bigint) is
  'Makes the recommender anew from core: for after a change of reco.setting. Gives what reco.refresh gives: reco.checksums proves it. Failing, it leaves things as they were.';

create or replace function reco.catch_up() returns bigint
language plpgsql
set search_path = pg_catalog
as $$
<<catch_up>>
declare
  looked_at bigint;
  basis text;
begin
  with changed as (
    delete from reco.changed_song returning track_id
  )
  insert into reco.song_work (basis, track_id)
  select distinct b.basis, c.track_id from changed as c cross join (values ('listeners'), ('playlists'), ('sessions')) as b (basis);
  perform reco.refresh_listens();
  perform reco.measure_work();
  perform reco.refresh_profiles();
  perform reco.refresh_listed();
  perform reco.measure_work();
  foreach basis in array array['sessions', 'playlists', 'listeners'] loop
    if exists (select from reco.song_work as w where w.basis = catch_up.basis) then
      perform reco.refresh_counts(basis);
      perform reco.measure_work();
      perform reco.refresh_neighbours(basis);
    end if;
  end loop;
  select count(*) into looked_at from reco.song_work;
  perform reco.refresh_features();
  delete from reco.span_work;
  delete from reco.listener_song_work;
  delete from reco.song_work;
  perform reco.measure_work();
  return looked_at;
end
$$;
comment on function reco.catch_up() is 'What reco.refresh and reco.rebuild do alike; gives how many songs'' neighbours were looked at.';

create or replace function reco.clear() returns void
language sql
security definer
set search_path = pg_catalog
as $$
  truncate reco.listen, reco.listener_song, reco.listed, reco.song_count, reco.neighbour_list, reco.song_feature, reco.feature_scale,
    reco.changed_day, reco.changed_playlist, reco.changed_song
$$;
revoke execute on function reco.clear() from public;
comment on function reco.clear() is 'Part of reco.rebuild: empties what it makes anew. Runs as its owner, who may truncate.';

create or replace function reco.measure_work() returns void
language plpgsql
security definer
set search_path = pg_catalog
as $$
declare
  each regclass;
begin
  for each in
    select c.oid::regclass from pg_class as c
    where c.relkind = 'r'
      and (c.relnamespace = 'reco'::regnamespace and c.relname like '%\_work'
        or c.relnamespace in ('core'::regnamespace, 'reco'::regnamespace)
          -- Grown by a tenth; or counted while it was empty, as after a refresh that failed.
          and (pg_relation_size(c.oid) / current_setting('block_size')::integer > c.relpages * 1.1
            or c.reltuples <= 0 and pg_relation_size(c.oid) > 0))
  loop
    execute format('analyze %s', each);
  end loop;
end
$$;
revoke execute on function reco.measure_work() from public;
comment on function reco.measure_work() is
  'Tells the planner how many rows there are now. Runs as its owner, since only a table''s owner may analyze it.';

create or replace function reco.checksums() returns table (table_name text, row_count bigint, checksum numeric)
language plpgsql stable
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
declare
  each text;
begin
  foreach each in array array['listen', 'listener_song', 'listed', 'song_count', 'neighbour_list', 'feature_scale', 'song_feature'] loop
    return query execute format(
      'select %L::text, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from reco.%I as t', each, each);
  end loop;
end
$$;
comment on function reco.checksums() is 'Rows and checksum of each table that a refresh writes; the same rows give the same, in whatever order they lie.';

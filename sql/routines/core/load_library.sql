-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.read_library(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, rule_id, reason)
  select e.batch_id, e.row_no, t.spotify_id, t.track, t.artist, t.album,
    case when t.b9 is not null then 'B9' when t.b7 is not null then 'B7' end, coalesce(t.b9, t.b7)
  from raw.library_entry as e
  cross join lateral (
    select quality.spotify_id(e.body ->> 'uri') as spotify_id, quality.b4_null_marker(quality.b7_trim(e.body ->> 'track')) as track,
      quality.b4_null_marker(quality.b7_trim(e.body ->> 'artist')) as artist, quality.b4_null_marker(quality.b7_trim(e.body ->> 'album')) as album
    where e.list = 'tracks'
  ) as f
  cross join lateral (
    select f.*, quality.b9_missing_reference(f.spotify_id, f.track, f.artist) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', f.track, f.artist, f.album)) then 'a name has lost letters' end as b7
  ) as t
  where e.batch_id = batch
    and not exists (select from core.accepted_row as a where a.batch_id = e.batch_id and a.row_no = e.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = e.batch_id and q.row_no = e.row_no);

  -- Albums, shows and the like are kept as received; no fact is made of them.
  insert into core.accepted_row (batch_id, row_no, items)
  select e.batch_id, e.row_no, 0 from raw.library_entry as e
  where e.batch_id = batch and e.list <> 'tracks'
  on conflict do nothing
$$;
comment on function core.read_library(bigint) is 'First part of core.load_library: saved tracks, values cleansed; entries of other lists are taken note of.';

create or replace function core.keep_library(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch
  on conflict (name) do nothing;

  insert into core.saved_track (listener_id, track_id)
  select distinct l.listener_id, w.track_id
  from quality.track_work as w
  join raw.batch as b on b.batch_id = w.batch_id
  join core.listener as l on l.name = b.listener_name
  where w.batch_id = batch and w.rule_id is null
  on conflict do nothing
$$;
comment on function core.keep_library(bigint) is 'Part of core.load_library: accepted rows become saved tracks.';

create or replace procedure core.load_library(batch bigint, inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
begin
  run := quality.start_run('core.load_library', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'library') then
      raise exception 'batch % is not a library', batch;
    end if;
    perform core.read_library(batch);
    perform quality.measure_work();
    perform core.know_tracks(batch);
    perform core.keep_library(batch);
    call core.settle_tracks(run, batch, true);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure core.load_library(bigint, bigint) is
  'Cleanses one library into core. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.read_playlist(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, duration_ms, rule_id, reason)
  select p.batch_id, p.row_no, p.track_spotify_id, p.track_name, p.artist_names[1], p.album_name,
    case when p.duration_ms between 1 and 2147483647 then p.duration_ms::integer end,
    case when f.b9 is not null then 'B9' when f.b7 is not null then 'B7' when f.b5 is not null then 'B5' end, coalesce(f.b9, f.b7, f.b5)
  from quality.playlist_read as p
  cross join lateral (
    select quality.b9_missing_reference(p.track_spotify_id, p.track_name, p.artist_names[1]) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', p.track_name, p.artist_names[1], p.album_name, p.playlist_name))
           then 'a name has lost letters' end as b7,
      case when p.duration_ms is null and p.duration_text is not null then format('the duration is not a number: %s', p.duration_text) end as b5
  ) as f
  where p.batch_id = batch
    and not exists (select from core.playlist_track as pt where pt.batch_id = p.batch_id and pt.row_no = p.row_no)
    and not exists (select from core.accepted_row as a where a.batch_id = p.batch_id and a.row_no = p.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = p.batch_id and q.row_no = p.row_no)
$$;
comment on function core.read_playlist(bigint) is
  'First part of core.load_playlist: the open rows of a batch, values cleansed, and which are refused, by which rule, and why.';

create or replace function core.keep_playlist(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch and b.listener_name is not null
  on conflict (name) do nothing;

  insert into core.playlist (spotify_id, name, owner_id)
  select distinct on (p.playlist_spotify_id, p.playlist_name) p.playlist_spotify_id, p.playlist_name, l.listener_id
  from quality.playlist_read as p
  join raw.batch as b using (batch_id)
  left join core.listener as l on l.name = b.listener_name
  where p.batch_id = batch
    and not exists (
      select from core.playlist as known
      where case when p.playlist_spotify_id is not null then known.spotify_id = p.playlist_spotify_id
                 else known.spotify_id is null and known.name = p.playlist_name and known.owner_id is not distinct from l.listener_id end)
  order by p.playlist_spotify_id, p.playlist_name, p.row_no
  on conflict do nothing;

  with listed as (
    select x.playlist_id, w.track_id, w.row_no, p.added_at
    from quality.track_work as w
    join quality.playlist_read as p using (batch_id, row_no)
    join raw.batch as b using (batch_id)
    left join core.listener as l on l.name = b.listener_name
    join core.playlist as x on case when p.playlist_spotify_id is not null then x.spotify_id = p.playlist_spotify_id
      else x.spotify_id is null and x.name = p.playlist_name and x.owner_id is not distinct from l.listener_id end
    where w.batch_id = batch and w.rule_id is null
  ), kept as (
    insert into core.playlist_track (playlist_id, track_id, batch_id, row_no, position, added_at)
    select distinct on (d.playlist_id, d.track_id) d.playlist_id, d.track_id, batch, d.row_no, d.row_no, d.added_at
    from listed as d order by d.playlist_id, d.track_id, d.row_no
    on conflict do nothing
    returning row_no
  )
  update quality.track_work as w
  set rule_id = 'B2', reason = 'the playlist lists the track already'
  where w.batch_id = batch and w.rule_id is null and w.row_no not in (select k.row_no from kept as k)
$$;
comment on function core.keep_playlist(bigint) is
  'Part of core.load_playlist: accepted rows become playlists and their tracks; a track listed again is refused by B2.';

create or replace procedure core.load_playlist(batch bigint, inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
begin
  run := quality.start_run('core.load_playlist', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'playlist') then
      raise exception 'batch % is not a playlist', batch;
    end if;
    perform core.read_playlist(batch);
    perform quality.measure_work();
    perform core.know_tracks(batch);
    perform core.keep_playlist(batch);
    call core.settle_tracks(run, batch, false);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure core.load_playlist(bigint, bigint) is
  'Cleanses one playlist into core. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

create or replace function core.know_tracks(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.artist (name)
  select distinct w.artist_name from quality.track_work as w
  where w.batch_id = batch and w.rule_id is null and w.artist_name is not null
  order by 1
  on conflict (name) where not is_namesake do nothing;

  insert into core.album (name, named_artist_id)
  select distinct w.album_name, a.artist_id
  from quality.track_work as w
  join core.artist as a on a.name = w.artist_name and not a.is_namesake
  left join core.track as t on t.spotify_id = w.spotify_id
  where w.batch_id = batch and w.rule_id is null and w.spotify_id is not null and w.album_name is not null and t.album_id is null
  order by 1, 2
  on conflict (name, named_artist_id) where spotify_id is null do nothing;

  -- What a catalogue said already is better than what a listing repeats of it: only gaps are filled.
  insert into core.track as t (spotify_id, name, album_id, duration_ms, popularity)
  select distinct on (w.spotify_id) w.spotify_id, w.track_name, b.album_id, w.duration_ms, w.popularity
  from quality.track_work as w
  left join core.artist as a on a.name = w.artist_name and not a.is_namesake
  left join core.album as b on b.spotify_id is null and b.name = w.album_name and b.named_artist_id = a.artist_id
  where w.batch_id = batch and w.rule_id is null and w.spotify_id is not null
  order by w.spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = coalesce(t.name, excluded.name), album_id = coalesce(t.album_id, excluded.album_id),
        duration_ms = coalesce(t.duration_ms, excluded.duration_ms), popularity = coalesce(t.popularity, excluded.popularity)
    where (t.name is null and excluded.name is not null) or (t.album_id is null and excluded.album_id is not null)
       or (t.duration_ms is null and excluded.duration_ms is not null) or (t.popularity is null and excluded.popularity is not null);

  insert into core.track_artist (track_id, position, artist_id)
  select distinct on (t.track_id) t.track_id, 1, a.artist_id
  from quality.track_work as w
  join core.track as t on t.spotify_id = w.spotify_id
  join core.artist as a on a.name = w.artist_name and not a.is_namesake
  where w.batch_id = batch and w.rule_id is null
    and not exists (select from core.track_artist as ta where ta.track_id = t.track_id)
  order by t.track_id, w.row_no
  on conflict do nothing;

  update quality.track_work as w
  set track_id = t.track_id
  from core.track as t
  where w.batch_id = batch and w.rule_id is null and t.spotify_id = w.spotify_id;

  -- Without an identifier a track is found as histories find theirs.
  insert into quality.play_work (batch_id, row_no, artist_name, track_name)
  select w.batch_id, w.row_no, w.artist_name, w.track_name from quality.track_work as w
  where w.batch_id = batch and w.rule_id is null and w.spotify_id is null
    and w.artist_name is not null and w.track_name is not null;
  select core.name_tracks(batch);
  update quality.track_work as w
  set track_id = p.track_id
  from quality.play_work as p
  where w.batch_id = batch and w.track_id is null and p.batch_id = w.batch_id and p.row_no = w.row_no;
  delete from quality.play_work as p where p.batch_id = batch
$$;
comment on function core.know_tracks(bigint) is
  'Part of the load procedures: artists, albums and tracks that rows of quality.track_work name, made where they are new; sets track_id.';

-- Plays of a batch are taken apart once, not once for each that is refused, however few the planner thinks there are.
create or replace function core.quarantine_extended(run bigint, batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason, x.body::jsonb, run
  from quality.track_work as w
  join raw.extended_history as x using (batch_id, row_no)
  where w.batch_id = batch and w.rule_id is not null
$$;
comment on function core.quarantine_extended(bigint, bigint) is 'Part of core.settle_tracks: refused plays of an extended export into quarantine.';

create or replace procedure core.settle_tracks(run bigint, batch bigint, takes_rows boolean)
language plpgsql
set search_path = pg_catalog
as $$
declare
  read_rows bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason, landed.body, run
  from quality.track_work as w
  -- By the key of each table: how many rows are refused, none or all, was not known when the working table was measured.
  cross join lateral (
    select x.body from raw.library_entry as x where x.batch_id = w.batch_id and x.row_no = w.row_no
    union all select x.body from raw.playlist_entry as x where x.batch_id = w.batch_id and x.row_no = w.row_no
    union all select x.body from raw.chart_entry as x where x.batch_id = w.batch_id and x.row_no = w.row_no
  ) as landed
  where w.batch_id = batch and w.rule_id is not null;

  perform core.quarantine_extended(run, batch);

  if takes_rows then
    insert into core.accepted_row (batch_id, row_no)
    select w.batch_id, w.row_no from quality.track_work as w where w.batch_id = batch and w.rule_id is null;
  end if;

  insert into quality.rule_count (run_id, rule_id, finding, found)
  select run, w.rule_id, 'rows refused', count(*) from quality.track_work as w
  where w.batch_id = batch and w.rule_id is not null group by w.rule_id;

  select count(*), count(*) filter (where w.rule_id is not null) into read_rows, rejected
  from quality.track_work as w where w.batch_id = batch;
  delete from quality.track_work as w where w.batch_id = batch;
  call quality.finish_run(run, read_rows, read_rows - rejected, rejected);
end
$$;
comment on procedure core.settle_tracks(bigint, bigint, boolean) is
  'Last part of the load procedures: refused rows into quarantine, counts, the run row closed; notes the rows taken where their facts do not.';

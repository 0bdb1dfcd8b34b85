-- They run as their owner: who loads plays and playlists into core needs no right here. Whoever is being forgotten is not
-- written down: their songs are noted instead of their days.
create or replace function reco.note_changed_plays() returns trigger
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    if current_setting('warehouse.forget', true) = 'on' then
      insert into reco.changed_song (track_id)
      select distinct coalesce(t.canonical_track_id, t.track_id)
      from old_plays as o join core.track as t on t.track_id = o.track_id;
    else
      insert into reco.changed_day (listener_id, day)
      select distinct o.listener_id, (o.ended_at at time zone 'UTC')::date from old_plays as o;
    end if;
  end if;
  if tg_op in ('UPDATE', 'INSERT') then
    insert into reco.changed_day (listener_id, day)
    select distinct n.listener_id, (n.ended_at at time zone 'UTC')::date from new_plays as n;
  end if;
  return null;
end
$$;
comment on function reco.note_changed_plays() is 'Trigger: notes the days whose plays came, changed or went, for the next reco.refresh; once per statement.';

create or replace trigger play_reco_insert after insert on core.play
  referencing new table as new_plays for each statement execute function reco.note_changed_plays();
create or replace trigger play_reco_update after update on core.play
  referencing old table as old_plays new table as new_plays for each statement execute function reco.note_changed_plays();
create or replace trigger play_reco_delete after delete on core.play
  referencing old table as old_plays for each statement execute function reco.note_changed_plays();

create or replace function reco.note_changed_playlists() returns trigger
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    insert into reco.changed_playlist (playlist_id) select distinct o.playlist_id from old_tracks as o;
    if current_setting('warehouse.forget', true) = 'on' then
      insert into reco.changed_song (track_id)
      select distinct coalesce(t.canonical_track_id, t.track_id)
      from old_tracks as o join core.track as t on t.track_id = o.track_id;
    end if;
  end if;
  if tg_op in ('UPDATE', 'INSERT') then
    insert into reco.changed_playlist (playlist_id) select distinct n.playlist_id from new_tracks as n;
  end if;
  return null;
end
$$;
comment on function reco.note_changed_playlists() is 'Trigger: notes playlists whose tracks came, changed or went, for the next reco.refresh; once per statement.';

create or replace trigger playlist_track_reco_insert after insert on core.playlist_track
  referencing new table as new_tracks for each statement execute function reco.note_changed_playlists();
create or replace trigger playlist_track_reco_update after update on core.playlist_track
  referencing old table as old_tracks new table as new_tracks for each statement execute function reco.note_changed_playlists();
create or replace trigger playlist_track_reco_delete after delete on core.playlist_track
  referencing old table as old_tracks for each statement execute function reco.note_changed_playlists();

create or replace function reco.note_moved_song() returns trigger
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
  insert into reco.changed_day (listener_id, day)
  select distinct p.listener_id, (p.ended_at at time zone 'UTC')::date from core.play as p where p.track_id = new.track_id;
  insert into reco.changed_playlist (playlist_id)
  select pt.playlist_id from core.playlist_track as pt where pt.track_id = new.track_id;
  return null;
end
$$;
comment on function reco.note_moved_song() is 'Trigger: another track stands for this one now, so what was heard and listed is another song; notes where, for the next reco.refresh.';

create or replace trigger track_reco_song after update of canonical_track_id on core.track
  for each row when (old.canonical_track_id is distinct from new.canonical_track_id) execute function reco.note_moved_song();

create or replace function core.touch() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  new.updated_at := now();
  return new;
end
$$;
comment on function core.touch() is 'Trigger: sets updated_at when a row really changes.';

create or replace trigger artist_touch before update on core.artist
  for each row when (old.* is distinct from new.*) execute function core.touch();
create or replace trigger album_touch before update on core.album
  for each row when (old.* is distinct from new.*) execute function core.touch();
create or replace trigger track_touch before update on core.track
  for each row when (old.* is distinct from new.*) execute function core.touch();
create or replace trigger playlist_touch before update on core.playlist
  for each row when (old.* is distinct from new.*) execute function core.touch();
create or replace trigger listener_touch before update on core.listener
  for each row when (old.* is distinct from new.*) execute function core.touch();

-- The same rules as in the load procedures, for whoever writes to core by hand or by another program.

create or replace function core.cleanse_name() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  if quality.b7_has_lost_letters(new.name) then
    raise exception using errcode = 'check_violation', message = format('name has lost letters: %s', new.name),
      detail = 'Rule B7 refuses such names rather than guess.';
  end if;
  new.name := quality.b4_null_marker(quality.b7_trim(new.name));
  return new;
end
$$;
comment on function core.cleanse_name() is 'Trigger: rules B4 and B7 on the column name.';

create or replace trigger artist_cleanse before insert or update of name on core.artist
  for each row execute function core.cleanse_name();
create or replace trigger album_cleanse before insert or update of name on core.album
  for each row execute function core.cleanse_name();
create or replace trigger track_cleanse before insert or update of name on core.track
  for each row execute function core.cleanse_name();
create or replace trigger playlist_cleanse before insert or update of name on core.playlist
  for each row execute function core.cleanse_name();
create or replace trigger listener_cleanse before insert or update of name on core.listener
  for each row execute function core.cleanse_name();

create or replace function core.cleanse_release_date() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  new.release_date := date_trunc(new.release_date_precision, new.release_date::timestamp)::date;
  return new;
end
$$;
comment on function core.cleanse_release_date() is 'Trigger: rule B6, a date says no more than its precision.';

create or replace trigger album_release_date before insert or update of release_date, release_date_precision on core.album
  for each row when (new.release_date_precision in ('year', 'month')) execute function core.cleanse_release_date();

create or replace function core.cleanse_audio_feature() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  if new.tempo_bpm = 0 then
    new.tempo_bpm := null;
    new.danceability := nullif(new.danceability, 0);
    new.speechiness := nullif(new.speechiness, 0);
    new.valence := nullif(new.valence, 0);
  end if;
  return new;
end
$$;
comment on function core.cleanse_audio_feature() is 'Trigger: rule B8, tempo 0 means never analysed, and the zeros beside it mean the same.';

create or replace trigger audio_feature_cleanse before insert or update on core.audio_feature
  for each row execute function core.cleanse_audio_feature();

-- Changes of core. Plays, listings and the catalogue are recorded when they change or go: where they came from, their batch tells.

create or replace trigger album_audit_update after update on core.album
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger album_audit_delete after delete on core.album
  for each row execute function audit.record_change();
create or replace trigger album_artist_audit_update after update on core.album_artist
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger album_artist_audit_delete after delete on core.album_artist
  for each row execute function audit.record_change();
create or replace trigger artist_audit_update after update on core.artist
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger artist_audit_delete after delete on core.artist
  for each row execute function audit.record_change();
create or replace trigger artist_genre_audit_update after update on core.artist_genre
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger artist_genre_audit_delete after delete on core.artist_genre
  for each row execute function audit.record_change();
create or replace trigger artist_top_track_audit_update after update on core.artist_top_track
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger artist_top_track_audit_delete after delete on core.artist_top_track
  for each row execute function audit.record_change();
create or replace trigger audio_feature_audit_update after update on core.audio_feature
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger audio_feature_audit_delete after delete on core.audio_feature
  for each row execute function audit.record_change();
create or replace trigger chart_audit_update after update on core.chart
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger chart_audit_delete after delete on core.chart
  for each row execute function audit.record_change();
create or replace trigger chart_entry_audit_update after update on core.chart_entry
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger chart_entry_audit_delete after delete on core.chart_entry
  for each row execute function audit.record_change();
create or replace trigger chart_standing_audit_update after update on core.chart_standing
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger chart_standing_audit_delete after delete on core.chart_standing
  for each row execute function audit.record_change();
create or replace trigger cover_audit_insert after insert on core.cover
  for each row execute function audit.record_change();
create or replace trigger cover_audit_update after update on core.cover
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger cover_audit_delete after delete on core.cover
  for each row execute function audit.record_change();
create or replace trigger device_audit_insert after insert on core.device
  for each row execute function audit.record_change();
create or replace trigger device_audit_update after update on core.device
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger device_audit_delete after delete on core.device
  for each row execute function audit.record_change();
create or replace trigger follow_audit_insert after insert on core.follow
  for each row execute function audit.record_change();
create or replace trigger follow_audit_update after update on core.follow
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger follow_audit_delete after delete on core.follow
  for each row execute function audit.record_change();
create or replace trigger genre_audit_update after update on core.genre
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger genre_audit_delete after delete on core.genre
  for each row execute function audit.record_change();
create or replace trigger listener_audit_insert after insert on core.listener
  for each row execute function audit.record_change();
create or replace trigger listener_audit_update after update on core.listener
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger listener_audit_delete after delete on core.listener
  for each row execute function audit.record_change();
create or replace trigger listener_login_audit_insert after insert on core.listener_login
  for each row execute function audit.record_change();
create or replace trigger listener_login_audit_update after update on core.listener_login
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger listener_login_audit_delete after delete on core.listener_login
  for each row execute function audit.record_change();
create or replace trigger play_audit_update after update on core.play
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger play_audit_delete after delete on core.play
  for each row execute function audit.record_change();
create or replace trigger playlist_audit_insert after insert on core.playlist
  for each row execute function audit.record_change('owner_id');
create or replace trigger playlist_audit_update after update on core.playlist
  for each row when (old.* is distinct from new.*) execute function audit.record_change('owner_id');
create or replace trigger playlist_audit_delete after delete on core.playlist
  for each row execute function audit.record_change('owner_id');
create or replace trigger playlist_track_audit_update after update on core.playlist_track
  for each row when (old.* is distinct from new.*) execute function audit.record_change('playlist');
create or replace trigger playlist_track_audit_delete after delete on core.playlist_track
  for each row execute function audit.record_change('playlist');
create or replace trigger playlist_track_subgenre_audit_update after update on core.playlist_track_subgenre
  for each row when (old.* is distinct from new.*) execute function audit.record_change('playlist');
create or replace trigger playlist_track_subgenre_audit_delete after delete on core.playlist_track_subgenre
  for each row execute function audit.record_change('playlist');
create or replace trigger saved_album_audit_insert after insert on core.saved_album
  for each row execute function audit.record_change();
create or replace trigger saved_album_audit_update after update on core.saved_album
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger saved_album_audit_delete after delete on core.saved_album
  for each row execute function audit.record_change();
create or replace trigger saved_track_audit_insert after insert on core.saved_track
  for each row execute function audit.record_change();
create or replace trigger saved_track_audit_update after update on core.saved_track
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger saved_track_audit_delete after delete on core.saved_track
  for each row execute function audit.record_change();
create or replace trigger subgenre_audit_update after update on core.subgenre
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger subgenre_audit_delete after delete on core.subgenre
  for each row execute function audit.record_change();
create or replace trigger top_list_audit_insert after insert on core.top_list
  for each row execute function audit.record_change();
create or replace trigger top_list_audit_update after update on core.top_list
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger top_list_audit_delete after delete on core.top_list
  for each row execute function audit.record_change();
create or replace trigger top_list_artist_audit_update after update on core.top_list_artist
  for each row when (old.* is distinct from new.*) execute function audit.record_change('top_list');
create or replace trigger top_list_artist_audit_delete after delete on core.top_list_artist
  for each row execute function audit.record_change('top_list');
create or replace trigger top_list_track_audit_update after update on core.top_list_track
  for each row when (old.* is distinct from new.*) execute function audit.record_change('top_list');
create or replace trigger top_list_track_audit_delete after delete on core.top_list_track
  for each row execute function audit.record_change('top_list');
create or replace trigger track_audit_update after update on core.track
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger track_audit_delete after delete on core.track
  for each row execute function audit.record_change();
create or replace trigger track_artist_audit_update after update on core.track_artist
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger track_artist_audit_delete after delete on core.track_artist
  for each row execute function audit.record_change();
create or replace trigger track_spelling_audit_update after update on core.track_spelling
  for each row when (old.* is distinct from new.*) execute function audit.record_change();
create or replace trigger track_spelling_audit_delete after delete on core.track_spelling
  for each row execute function audit.record_change();

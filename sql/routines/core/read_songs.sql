-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.read_songs(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  insert into quality.song_work
  select s.batch_id, s.row_no,
    quality.b4_null_marker(quality.b7_trim(s.track_id)),
    quality.b4_null_marker(quality.b7_trim(s.track_name)),
    quality.b4_null_marker(quality.b7_trim(s.track_artist)),
    quality.b5_number(quality.b7_trim(s.track_popularity)),
    quality.b4_null_marker(quality.b7_trim(s.track_album_id)),
    quality.b4_null_marker(quality.b7_trim(s.track_album_name)),
    quality.b4_null_marker(quality.b7_trim(s.track_album_release_date)),
    quality.b6_partial_date(quality.b7_trim(s.track_album_release_date)),
    quality.b6_date_precision(quality.b7_trim(s.track_album_release_date)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_name)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_id)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_genre)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_subgenre)),
    quality.b5_number(quality.b7_trim(s.danceability)),
    quality.b5_number(quality.b7_trim(s.energy)),
    quality.b5_number(quality.b7_trim(s.key)),
    quality.b5_number(quality.b7_trim(s.loudness)),
    quality.b5_number(quality.b7_trim(s.mode)),
    quality.b5_number(quality.b7_trim(s.speechiness)),
    quality.b5_number(quality.b7_trim(s.acousticness)),
    quality.b5_number(quality.b7_trim(s.instrumentalness)),
    quality.b5_number(quality.b7_trim(s.liveness)),
    quality.b5_number(quality.b7_trim(s.valence)),
    quality.b5_number(quality.b7_trim(s.tempo)),
    quality.b5_number(quality.b7_trim(s.duration_ms))
  from raw.song as s
  where s.batch_id = batch
    and not exists (select from core.playlist_track as pt where pt.batch_id = s.batch_id and pt.row_no = s.row_no)
    and not exists (select from core.accepted_row as a where a.batch_id = s.batch_id and a.row_no = s.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = s.batch_id and q.row_no = s.row_no)
$$;
comment on function core.read_songs(bigint) is 'First part of core.load_songs: the open rows of a batch, values cleansed, into the working table.';

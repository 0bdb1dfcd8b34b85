create or replace view quality.playlist_read as
select p.batch_id, p.row_no, p.layout,
  coalesce(quality.b4_null_marker(quality.b7_trim(f.playlist_name)), regexp_replace(b.file_name, '\.[A-Za-z]+$', '')) as playlist_name,
  quality.spotify_id(f.playlist_id) as playlist_spotify_id,
  quality.spotify_id(f.track_uri) as track_spotify_id,
  quality.b4_null_marker(quality.b7_trim(f.track_name)) as track_name,
  quality.b10_names(f.artist_names, f.artist_uris) as artist_names,
  quality.b4_null_marker(quality.b7_trim(f.album_name)) as album_name,
  quality.spotify_id(f.album_uri) as album_spotify_id,
  quality.b4_null_marker(quality.b7_trim(f.release_text)) as release_text,
  quality.b5_number(quality.b7_trim(f.duration_ms)) as duration_ms,
  quality.b4_null_marker(quality.b7_trim(f.added_text)) as added_text,
  coalesce(quality.b11_utc(quality.b7_trim(f.added_text)),
           quality.b6_partial_date(quality.b7_trim(f.added_text))::timestamp at time zone 'UTC') as added_at,
  quality.b4_null_marker(quality.b7_trim(f.duration_ms)) as duration_text
from raw.playlist_entry as p
join raw.batch as b using (batch_id)
cross join lateral (
  select
    case p.layout when 'columns' then p.body ->> 'playlist_name' else p.body #>> '{playlist,name}' end as playlist_name,
    coalesce(p.body ->> 'playlist_id', p.body ->> 'playlist_uri') as playlist_id,
    case p.layout when 'columns' then coalesce(p.body ->> 'track_uri', p.body ->> 'track_id', p.body ->> 'spotify_id', p.body ->> 'spotify_uri', p.body ->> 'uri', p.body ->> 'track_url')
      else p.body #>> '{item,track,trackUri}' end as track_uri,
    case p.layout when 'columns' then coalesce(p.body ->> 'track_name', p.body ->> 'name', p.body ->> 'title')
      else coalesce(p.body #>> '{item,track,trackName}', p.body #>> '{item,localTrack,trackName}') end as track_name,
    case p.layout when 'columns' then coalesce(p.body ->> 'artist_name_s', p.body ->> 'artist_names', p.body ->> 'artist_name', p.body ->> 'artist_s_name', p.body ->> 'artists', p.body ->> 'artist')
      else coalesce(p.body #>> '{item,track,artistName}', p.body #>> '{item,localTrack,artistName}') end as artist_names,
    coalesce(p.body ->> 'artist_uri_s', p.body ->> 'artist_id_s', p.body ->> 'artist_ids', p.body ->> 'artist_uris') as artist_uris,
    case p.layout when 'columns' then coalesce(p.body ->> 'album_name', p.body ->> 'album')
      else p.body #>> '{item,track,albumName}' end as album_name,
    coalesce(p.body ->> 'album_uri', p.body ->> 'album_id') as album_uri,
    coalesce(p.body ->> 'album_release_date', p.body ->> 'release_date') as release_text,
    coalesce(p.body ->> 'track_duration_ms', p.body ->> 'duration_ms') as duration_ms,
    case p.layout when 'columns' then p.body ->> 'added_at' else p.body #>> '{item,addedDate}' end as added_text
) as f;
comment on view quality.playlist_read is 'Entries of playlists in one shape, values cleansed, whatever layout they came in.';
comment on column quality.playlist_read.playlist_name is 'As the entry says; else the file''s name without its ending.';
comment on column quality.playlist_read.added_at is 'When it was put on the playlist; a bare date is its first moment, UTC.';
comment on column quality.playlist_read.duration_text is 'The length as the entry says it, whether it is a number or not.';

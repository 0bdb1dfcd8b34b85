create or replace view mart.saved_tracks as
select s.listener_id, s.added_at, t.track_id, t.name as track_name, a.name as artist_name, b.name as album_name
from core.saved_track as s
join core.track as t on t.track_id = s.track_id
left join core.track_artist as ta on ta.track_id = t.track_id and ta.position = 1
left join core.artist as a on a.artist_id = ta.artist_id
left join core.album as b on b.album_id = t.album_id;
comment on view mart.saved_tracks is 'Tracks in listeners'' libraries.';
comment on column mart.saved_tracks.listener_id is 'Whose library.';
comment on column mart.saved_tracks.added_at is 'When it was saved; NULL where the export does not say.';
comment on column mart.saved_tracks.track_id is 'The track.';
comment on column mart.saved_tracks.track_name is 'Its name.';
comment on column mart.saved_tracks.artist_name is 'Its first artist.';
comment on column mart.saved_tracks.album_name is 'Its album.';

create or replace view mart.saved_albums as
select s.listener_id, s.added_at, b.album_id, b.name as album_name, mart.album_artist(b.album_id) as artist_name, v.cover_id
from core.saved_album as s
join core.album as b on b.album_id = s.album_id
left join mart.cover as v on v.album_id = b.album_id;
comment on view mart.saved_albums is 'Albums in listeners'' libraries.';
comment on column mart.saved_albums.listener_id is 'Whose library.';
comment on column mart.saved_albums.added_at is 'When it was saved; NULL where the export does not say.';
comment on column mart.saved_albums.album_id is 'The album.';
comment on column mart.saved_albums.album_name is 'Its name.';
comment on column mart.saved_albums.artist_name is 'Whose it is; NULL for several.';
comment on column mart.saved_albums.cover_id is 'The stored picture; NULL where there is none.';

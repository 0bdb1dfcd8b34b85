-- The page about a person: its eight entities as views.
create or replace view mart.user_details as
select l.listener_id, l.name as user_name, l.country, l.product as account_type, l.time_zone from core.listener as l;
comment on view mart.user_details is 'Cards: who it is and which subscription; country and subscription are NULL where Spotify does not tell.';
comment on column mart.user_details.listener_id is 'The listener.';
comment on column mart.user_details.user_name is 'The name the history was loaded under.';
comment on column mart.user_details.country is 'ISO 3166 code; NULL where Spotify does not tell.';
comment on column mart.user_details.account_type is 'premium, free; NULL where Spotify does not tell.';
comment on column mart.user_details.time_zone is 'The zone of their days and hours.';

create or replace view mart.user_playlist as
select p.owner_id as listener_id, p.playlist_id, p.name as playlist, p.description,
  (select count(*) from core.playlist_track as pt where pt.playlist_id = p.playlist_id) as tracks
from core.playlist as p where p.owner_id is not null;
comment on view mart.user_playlist is 'Table: a listener''s own playlists.';
comment on column mart.user_playlist.listener_id is 'Whose it is.';
comment on column mart.user_playlist.playlist_id is 'The playlist.';
comment on column mart.user_playlist.playlist is 'Its name.';
comment on column mart.user_playlist.description is 'As its owner wrote it.';
comment on column mart.user_playlist.tracks is 'How many it holds.';

create or replace view mart.artist_details as
select a.artist_id, a.name as artist_name, a.popularity, a.followers, a.image_url, v.cover_id
from core.artist as a left join core.cover as v on v.artist_id = a.artist_id and v.image is not null;
comment on view mart.artist_details is 'Artists with popularity, followers and picture, where Spotify tells.';
comment on column mart.artist_details.artist_id is 'The artist.';
comment on column mart.artist_details.artist_name is 'Name.';
comment on column mart.artist_details.popularity is '0 to 100; NULL where Spotify does not tell.';
comment on column mart.artist_details.followers is 'Followers on Spotify; NULL where Spotify does not tell.';
comment on column mart.artist_details.image_url is 'Where Spotify keeps a picture.';
comment on column mart.artist_details.cover_id is 'The stored picture; NULL where there is none.';

create or replace view mart.followed_artists as
select f.listener_id, d.artist_id, d.artist_name, d.followers, d.popularity, f.first_seen_at
from core.follow as f join mart.artist_details as d on d.artist_id = f.artist_id
where f.ended_at is null;
comment on view mart.followed_artists is 'Cards: artists a listener follows now.';
comment on column mart.followed_artists.listener_id is 'Who follows.';
comment on column mart.followed_artists.artist_id is 'Whom.';
comment on column mart.followed_artists.artist_name is 'Name.';
comment on column mart.followed_artists.followers is 'Followers on Spotify; NULL where Spotify does not tell.';
comment on column mart.followed_artists.popularity is '0 to 100; NULL where Spotify does not tell.';
comment on column mart.followed_artists.first_seen_at is 'When it was first seen.';

create or replace view mart.user_top_artist as
select l.listener_id, l.time_range, l.taken_at, l.taken_at = max(l.taken_at) over (partition by l.listener_id, l.time_range) as is_latest,
  t.rank, d.artist_id, d.artist_name, d.image_url, d.cover_id
from core.top_list as l
join core.top_list_artist as t on t.top_list_id = l.top_list_id
join mart.artist_details as d on d.artist_id = t.artist_id;
comment on view mart.user_top_artist is 'Table: a listener''s top artists, every list that was taken; is_latest marks the last.';
comment on column mart.user_top_artist.listener_id is 'Whose list.';
comment on column mart.user_top_artist.time_range is 'short_term, medium_term or long_term.';
comment on column mart.user_top_artist.taken_at is 'When the list was taken.';
comment on column mart.user_top_artist.is_latest is 'It is the last one taken of its kind.';
comment on column mart.user_top_artist.rank is '1 is the first.';
comment on column mart.user_top_artist.artist_id is 'The artist.';
comment on column mart.user_top_artist.artist_name is 'Name.';
comment on column mart.user_top_artist.image_url is 'Where Spotify keeps a picture.';
comment on column mart.user_top_artist.cover_id is 'The stored picture; NULL where there is none.';

create or replace view mart.user_top_tracks as
select l.listener_id, l.time_range, l.taken_at, l.taken_at = max(l.taken_at) over (partition by l.listener_id, l.time_range) as is_latest,
  t.rank, k.track_id, k.name as track_name, b.name as album_name, k.popularity
from core.top_list as l
join core.top_list_track as t on t.top_list_id = l.top_list_id
join core.track as k on k.track_id = t.track_id
left join core.album as b on b.album_id = k.album_id;
comment on view mart.user_top_tracks is 'A listener''s top tracks, every list that was taken; is_latest marks the last.';
comment on column mart.user_top_tracks.listener_id is 'Whose list.';
comment on column mart.user_top_tracks.time_range is 'short_term, medium_term or long_term.';
comment on column mart.user_top_tracks.taken_at is 'When the list was taken.';
comment on column mart.user_top_tracks.is_latest is 'It is the last one taken of its kind.';
comment on column mart.user_top_tracks.rank is '1 is the first.';
comment on column mart.user_top_tracks.track_id is 'The track.';
comment on column mart.user_top_tracks.track_name is 'Name.';
comment on column mart.user_top_tracks.album_name is 'Its album.';
comment on column mart.user_top_tracks.popularity is '0 to 100; NULL where unknown.';

create or replace view mart.devices as
select d.listener_id, d.device_id, d.name as device_name, d.device_type, d.last_seen_at from core.device as d;
comment on view mart.devices is 'Cards: what a listener plays on.';
comment on column mart.devices.listener_id is 'Whose it is.';
comment on column mart.devices.device_id is 'The device.';
comment on column mart.devices.device_name is 'As Spotify or the export names it.';
comment on column mart.devices.device_type is 'Computer, Smartphone, Speaker and so on; empty where unknown.';
comment on column mart.devices.last_seen_at is 'When it was last seen.';

create or replace view mart.recently_played as
select p.listener_id, p.played_at, t.track_id, t.name as track_name, b.album_id, b.name as album_name, b.total_tracks, a.name as artist_name, p.play_id
from mart.fact_play as p
join mart.dim_track as t on t.track_id = p.track_id
left join mart.dim_album as b on b.album_id = p.album_id
left join mart.dim_artist as a on a.artist_id = p.artist_id;
comment on view mart.recently_played is 'Table: plays with track and album; order by played_at and limit.';
comment on column mart.recently_played.listener_id is 'Who listened.';
comment on column mart.recently_played.played_at is 'When it ended.';
comment on column mart.recently_played.track_id is 'The track.';
comment on column mart.recently_played.track_name is 'Its name.';
comment on column mart.recently_played.album_id is 'Its album.';
comment on column mart.recently_played.album_name is 'The albums name.';
comment on column mart.recently_played.total_tracks is 'How many tracks the album has.';
comment on column mart.recently_played.artist_name is 'Its first artist.';
comment on column mart.recently_played.play_id is 'The play.';

create or replace view mart.artist_top_tracks as
select t.artist_id, a.name as artist_name, t.taken_at, t.rank, t.track_id, k.name as track_name
from core.artist_top_track as t
join core.artist as a on a.artist_id = t.artist_id
join core.track as k on k.track_id = t.track_id;
comment on view mart.artist_top_tracks is 'An artist''s best known tracks, one row each with its rank.';
comment on column mart.artist_top_tracks.artist_id is 'The artist.';
comment on column mart.artist_top_tracks.artist_name is 'Name.';
comment on column mart.artist_top_tracks.taken_at is 'When the list was taken.';
comment on column mart.artist_top_tracks.rank is '1 is the first.';
comment on column mart.artist_top_tracks.track_id is 'The track.';
comment on column mart.artist_top_tracks.track_name is 'Its name.';

create or replace view mart.listeners_by_country as
select l.country, count(*) as listeners from core.listener as l group by l.country;
comment on view mart.listeners_by_country is 'Map: listeners by country; NULL where it is not known.';
comment on column mart.listeners_by_country.country is 'ISO 3166 code; NULL where it is not known.';
comment on column mart.listeners_by_country.listeners is 'How many.';

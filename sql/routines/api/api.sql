-- What an application may use. Views and functions run as their owner, with a fixed search path: the application needs no
-- right on what is behind them.
create or replace view api.track as
select t.track_id, t.name, a.name as artist, b.name as album, t.spotify_id, t.duration_ms, t.explicit, b.release_date, b.release_date_precision
from core.track as t
left join core.track_artist as ta on ta.track_id = t.track_id and ta.position = 1
left join core.artist as a on a.artist_id = ta.artist_id
left join core.album as b on b.album_id = t.album_id;
comment on view api.track is 'Tracks with first artist and album.';

create or replace view api.artist as
select a.artist_id, a.name, a.spotify_id, a.popularity, a.followers from core.artist as a;
comment on view api.artist is 'Artists.';

create or replace function api.listening_cards(listener bigint, month date default null)
returns table (songs bigint, plays bigint, listening_hours numeric)
language sql stable
security definer
set search_path = pg_catalog
as $$ select c.songs, c.plays, c.listening_hours from mart.cards(mart.only(listener_id => listener, month => month)) as c where listener is not null $$;
revoke execute on function api.listening_cards(bigint, date) from public;
comment on function api.listening_cards(bigint, date) is 'Songs, plays and hours of one listener, of a month or of all time.';

create or replace function api.top_tracks(listener bigint, k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, plays bigint)
language sql stable
security definer
set search_path = pg_catalog
as $$ select t.rank, t.track_id, t.name, t.artist, t.plays from mart.top_tracks(mart.only(listener_id => listener), least(k, 100)) as t where listener is not null order by t.rank $$;
revoke execute on function api.top_tracks(bigint, integer) from public;
comment on function api.top_tracks(bigint, integer) is 'The most played songs of one listener, 100 at most.';

create or replace function api.find_tracks(words text, k integer default 20)
returns table (track_id bigint, name text, artist text)
language sql stable
security definer
set search_path = pg_catalog
as $$ select t.track_id, t.name, t.artist from api.track as t where strpos(quality.b13_fold(concat_ws(' ', t.name, t.artist)), quality.b13_fold(words)) > 0 order by t.name, t.track_id limit least(k, 100) $$;
revoke execute on function api.find_tracks(text, integer) from public;
comment on function api.find_tracks(text, integer) is 'Tracks whose name or artist holds the words, 100 at most.';

create or replace function api.cover(cover bigint)
returns table (media_type text, image bytea)
language sql stable
security definer
set search_path = pg_catalog
as $$ select c.media_type, c.image from core.cover as c where c.cover_id = cover and c.image is not null $$;
revoke execute on function api.cover(bigint) from public;
comment on function api.cover(bigint) is 'A stored picture.';

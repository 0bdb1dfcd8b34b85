-- What each dimension should hold, from core. The refresh writes the difference.
create or replace view mart.artist_wanted as
select a.artist_id, a.name, a.spotify_id, a.popularity, a.followers
from core.artist as a;
comment on view mart.artist_wanted is 'What mart.dim_artist should hold.';

create or replace view mart.album_wanted as
select a.album_id, a.name, a.spotify_id, a.release_date, a.release_date_precision, a.total_tracks,
       coalesce(first.artist_id, a.named_artist_id) as artist_id
from core.album as a
left join core.album_artist as first on first.album_id = a.album_id and first.position = 1;
comment on view mart.album_wanted is 'What mart.dim_album should hold.';

create or replace view mart.track_wanted as
select t.track_id, coalesce(t.canonical_track_id, t.track_id) as song_id, t.name, t.spotify_id, t.album_id, first.artist_id,
       t.duration_ms, t.popularity, t.explicit, t.track_number
from core.track as t
left join core.track_artist as first on first.track_id = t.track_id and first.position = 1;
comment on view mart.track_wanted is 'What mart.dim_track should hold.';

create or replace view mart.play_wanted as
select p.play_id, p.listener_id, p.track_id, t.artist_id, t.album_id,
       to_char(p.ended_at at time zone l.time_zone, 'YYYYMMDD')::integer as date_id,
       extract(hour from p.ended_at at time zone l.time_zone)::smallint as time_id,
       coalesce(s.source_id, 0::smallint) as source_id, p.ended_at as played_at, p.ms_played,
       p.ms_played between 30000 and 3600000 as is_listen, t.explicit
from core.play as p
join mart.dim_listener as l on l.listener_id = p.listener_id
join mart.dim_track as t on t.track_id = p.track_id
left join mart.dim_source as s on s.context_type = p.context_type;
comment on view mart.play_wanted is 'What mart.fact_play should hold, once the dimensions are as they should be.';

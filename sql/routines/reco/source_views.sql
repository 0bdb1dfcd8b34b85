-- What there is to count. With a song in the condition they are read through its index, without one as a whole.
create or replace view reco.occurrence as
select 'sessions' as basis, l.track_id from reco.listen as l
union all
select 'playlists', p.track_id from reco.listed as p
union all
select 'listeners', s.track_id from reco.listener_song as s where s.is_profile;
comment on view reco.occurrence is 'Each time a song occurs: in a session, on a playlist, in the profile of a listener.';
comment on column reco.occurrence.basis is 'sessions, playlists or listeners.';
comment on column reco.occurrence.track_id is 'The song.';

create or replace function reco.distances() returns table (distance integer, points integer)
language sql stable
rows 10
set search_path = pg_catalog
as $$
  select d.distance, s.session_window + 1 - abs(d.distance)
  from reco.setting as s cross join lateral generate_series(-s.session_window::integer, s.session_window::integer) as d (distance)
  where d.distance <> 0
$$;
comment on function reco.distances() is
  'How far apart two listens of a session may be to count as together, and the points that gives: -5 to 5 without 0, 5 points for neighbours down to 1, unless reco.setting says otherwise.';

-- Positions are met as equals, one distance at a time: a comparison would pair every listen of a long session with every other.
create or replace view reco.together as
select 'sessions' as basis, x.track_id, y.track_id as neighbour_id, apart.points
from reco.listen as x
cross join reco.distances() as apart
join reco.listen as y on y.session_id = x.session_id and y.position = x.position + apart.distance and y.track_id <> x.track_id
union all
select 'playlists', x.track_id, y.track_id, 1
from reco.listed as x join reco.listed as y on y.playlist_id = x.playlist_id and y.track_id <> x.track_id
union all
select 'listeners', x.track_id, y.track_id, 1
from reco.listener_song as x
join reco.listener_song as y on y.listener_id = x.listener_id and y.is_profile and y.track_id <> x.track_id
where x.is_profile;
comment on view reco.together is 'Each time a song is found with another: heard within a few listens of it, listed with it, in the same listener''s profile. Every pair stands here both ways.';
comment on column reco.together.basis is 'sessions, playlists or listeners.';
comment on column reco.together.track_id is 'The song.';
comment on column reco.together.neighbour_id is 'The other.';
comment on column reco.together.points is 'How close: of sessions 1 to the window, of the others 1. Whole numbers, whose sum does not depend on the order of rows.';

create or replace view reco.neighbour as
select l.track_id, l.basis, n.rank, n.neighbour_id, n.score
from reco.neighbour_list as l
cross join lateral unnest(l.neighbours, l.scores) with ordinality as n (neighbour_id, score, rank);
comment on view reco.neighbour is 'reco.neighbour_list, one row a neighbour.';
comment on column reco.neighbour.track_id is 'The song.';
comment on column reco.neighbour.basis is 'sessions, playlists or listeners.';
comment on column reco.neighbour.rank is '1 is the nearest.';
comment on column reco.neighbour.neighbour_id is 'The neighbour.';
comment on column reco.neighbour.score is 'How near.';

create or replace view reco.song_genre as
select coalesce(t.canonical_track_id, t.track_id) as track_id, g.name as genre
from core.playlist_track_subgenre as ps
join core.subgenre as sg on sg.subgenre_id = ps.subgenre_id
join core.genre as g on g.genre_id = sg.genre_id
join core.track as t on t.track_id = ps.track_id
union
select coalesce(t.canonical_track_id, t.track_id), sg.name
from core.playlist_track_subgenre as ps
join core.subgenre as sg on sg.subgenre_id = ps.subgenre_id
join core.track as t on t.track_id = ps.track_id
union
select coalesce(t.canonical_track_id, t.track_id), g.name
from core.artist_genre as ag
join core.genre as g on g.genre_id = ag.genre_id
join core.track_artist as ta on ta.artist_id = ag.artist_id
join core.track as t on t.track_id = ta.track_id;
comment on view reco.song_genre is 'Genres and subgenres of songs: of the playlists that list them, and of their artists.';
comment on column reco.song_genre.track_id is 'The song.';
comment on column reco.song_genre.genre is 'Name of a genre or subgenre.';

create or replace view reco.song as
select t.track_id, t.name, a.artist_id, a.name as artist, t.spotify_id, t.popularity
from core.track as t
left join core.track_artist as ta on ta.track_id = t.track_id and ta.position = 1
left join core.artist as a on a.artist_id = ta.artist_id
where t.canonical_track_id is null;
comment on view reco.song is 'Songs: the tracks that stand for themselves, with their first artist.';
comment on column reco.song.track_id is 'The song.';
comment on column reco.song.name is 'Its name, where known.';
comment on column reco.song.artist_id is 'First artist.';
comment on column reco.song.artist is 'Name of the first artist.';
comment on column reco.song.spotify_id is 'Spotify''s identifier, where known.';
comment on column reco.song.popularity is '0 to 100, where Spotify tells.';

-- What reports need of core, published: who may read the marts needs no right on core.
create or replace view mart.cover as
select c.cover_id, c.album_id, c.artist_id, c.media_type, c.image from core.cover as c where c.image is not null;
comment on view mart.cover is 'Pictures of albums and artists, as far as they are stored.';
comment on column mart.cover.cover_id is 'As in core.';
comment on column mart.cover.album_id is 'The album it is the cover of, or NULL.';
comment on column mart.cover.artist_id is 'The artist it shows, or NULL.';
comment on column mart.cover.media_type is 'image/jpeg and the like.';
comment on column mart.cover.image is 'The picture''s bytes.';

create or replace view mart.track_genre as
select pt.track_id, g.name as genre
from core.playlist_track_subgenre as pt
join core.subgenre as sg on sg.subgenre_id = pt.subgenre_id
join core.genre as g on g.genre_id = sg.genre_id
union
select ta.track_id, g.name
from core.track_artist as ta
join core.artist_genre as ag on ag.artist_id = ta.artist_id
join core.genre as g on g.genre_id = ag.genre_id;
comment on view mart.track_genre is 'The genres of a track, once each: those of the playlists that list it and those of its artists.';
comment on column mart.track_genre.track_id is 'The track.';
comment on column mart.track_genre.genre is 'One of its genres.';

create or replace view mart.ordered_listen as
select l.play_id, l.listener_id, l.ended_at, l.minute_seq, l.ms_played from core.listen as l;
comment on view mart.ordered_listen is 'Plays of 30 s to 60 min in the order they were heard: within a minute, only minute_seq tells it.';
comment on column mart.ordered_listen.play_id is 'The play.';
comment on column mart.ordered_listen.listener_id is 'Who listened.';
comment on column mart.ordered_listen.ended_at is 'When it ended, as precisely as is known.';
comment on column mart.ordered_listen.minute_seq is 'Place among the plays that ended at the same known moment.';
comment on column mart.ordered_listen.ms_played is 'How long it was heard, in milliseconds.';

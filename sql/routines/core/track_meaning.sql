create or replace view core.track_meaning as
select t.track_id, t.spotify_id, t.popularity, quality.b13_fold(t.name) as name_folded, quality.b13_fold(a.name) as artist_folded
from core.track as t
left join core.track_artist as ta on ta.track_id = t.track_id and ta.position = 1
left join core.artist as a on a.artist_id = ta.artist_id;
comment on view core.track_meaning is 'What rule B13 compares: tracks whose folded name and first artist are equal mean the same.';

-- What BI tools connect to: the star under names of its own. These columns stay; the tables behind may change.
create or replace view mart.bi_play as
select p.play_id, p.listener_id, p.track_id, p.artist_id, p.album_id, p.date_id, p.time_id, p.source_id, p.played_at, p.ms_played,
  round(p.ms_played / 60000.0, 3) as minutes_played, p.is_listen, p.explicit
from mart.fact_play as p;
comment on view mart.bi_play is 'Fact: one row each play. Reports count those with is_listen.';
comment on column mart.bi_play.play_id is 'Key.';
comment on column mart.bi_play.listener_id is 'To bi_listener.';
comment on column mart.bi_play.track_id is 'To bi_track.';
comment on column mart.bi_play.artist_id is 'First artist of the track: to bi_artist; all of them by bi_track_artist.';
comment on column mart.bi_play.album_id is 'To bi_album; NULL where unknown.';
comment on column mart.bi_play.date_id is 'The day it ended, in the listener''s zone: to bi_date.';
comment on column mart.bi_play.time_id is 'The hour it ended, in the listener''s zone: to bi_time.';
comment on column mart.bi_play.source_id is 'To bi_source.';
comment on column mart.bi_play.played_at is 'When it ended, an instant.';
comment on column mart.bi_play.ms_played is 'How long it was heard, in milliseconds.';
comment on column mart.bi_play.minutes_played is 'The same in minutes.';
comment on column mart.bi_play.is_listen is 'Heard for 30 s to 60 min: what reports count as a play.';
comment on column mart.bi_play.explicit is 'The track is marked as explicit; NULL where unknown.';

create or replace view mart.bi_listener as
select l.listener_id, l.name as listener, l.time_zone from mart.dim_listener as l;
comment on view mart.bi_listener is 'Dimension: listeners.';
comment on column mart.bi_listener.listener_id is 'Key.';
comment on column mart.bi_listener.listener is 'The name the history was loaded under.';
comment on column mart.bi_listener.time_zone is 'The zone of their days and hours.';

create or replace view mart.bi_track as
select t.track_id, t.song_id, t.name as track, t.album_id, t.artist_id, t.duration_ms, t.explicit, t.track_number, t.spotify_id
from mart.dim_track as t;
comment on view mart.bi_track is 'Dimension: tracks.';
comment on column mart.bi_track.track_id is 'Key.';
comment on column mart.bi_track.song_id is 'Tracks of the same name and artist have the same: group by it for songs.';
comment on column mart.bi_track.track is 'Name; NULL where unknown.';
comment on column mart.bi_track.album_id is 'To bi_album; NULL where unknown.';
comment on column mart.bi_track.artist_id is 'First artist: to bi_artist.';
comment on column mart.bi_track.duration_ms is 'Length in milliseconds; NULL where unknown.';
comment on column mart.bi_track.explicit is 'Marked as explicit; NULL where unknown.';
comment on column mart.bi_track.track_number is 'Number on the album; NULL where unknown.';
comment on column mart.bi_track.spotify_id is 'Spotify''s identifier; NULL where unknown.';

create or replace view mart.bi_artist as
select a.artist_id, a.name as artist, a.spotify_id from mart.dim_artist as a;
comment on view mart.bi_artist is 'Dimension: artists.';
comment on column mart.bi_artist.artist_id is 'Key.';
comment on column mart.bi_artist.artist is 'Name.';
comment on column mart.bi_artist.spotify_id is 'Spotify''s identifier; NULL where unknown.';

create or replace view mart.bi_track_artist as
select b.track_id, b.artist_id, b.position from mart.bridge_track_artist as b;
comment on view mart.bi_track_artist is 'Bridge: all artists of a track. A play of several counts for each when it is crossed.';
comment on column mart.bi_track_artist.track_id is 'To bi_track.';
comment on column mart.bi_track_artist.artist_id is 'To bi_artist.';
comment on column mart.bi_track_artist.position is '1 is the first named.';

create or replace view mart.bi_album as
select b.album_id, b.name as album, b.artist_id, b.release_date, b.release_date_precision, b.total_tracks, b.spotify_id
from mart.dim_album as b;
comment on view mart.bi_album is 'Dimension: albums.';
comment on column mart.bi_album.album_id is 'Key.';
comment on column mart.bi_album.album is 'Name; NULL where unknown.';
comment on column mart.bi_album.artist_id is 'Its first artist: to bi_artist; NULL where unknown.';
comment on column mart.bi_album.release_date is 'First day of what is known.';
comment on column mart.bi_album.release_date_precision is 'year, month or day: how much of the date is known.';
comment on column mart.bi_album.total_tracks is 'How many tracks it has; NULL where unknown.';
comment on column mart.bi_album.spotify_id is 'Spotify''s identifier; NULL where unknown.';

create or replace view mart.bi_date as
select d.date_id, d.day, d.year, d.quarter, d.month, d.month_name, d.month_start, d.day_of_month, d.iso_year, d.iso_week, d.week_start,
  d.day_of_week, d.day_name, d.is_weekend
from mart.dim_date as d;
comment on view mart.bi_date is 'Dimension: days, without gaps: mark it as the date table, by day.';
comment on column mart.bi_date.date_id is 'Key: YYYYMMDD.';
comment on column mart.bi_date.day is 'The day.';
comment on column mart.bi_date.year is 'Calendar year.';
comment on column mart.bi_date.quarter is '1 to 4.';
comment on column mart.bi_date.month is '1 to 12: sort month_name by it.';
comment on column mart.bi_date.month_name is 'In English.';
comment on column mart.bi_date.month_start is 'First day of the month.';
comment on column mart.bi_date.day_of_month is '1 to 31.';
comment on column mart.bi_date.iso_year is 'The year the ISO week belongs to.';
comment on column mart.bi_date.iso_week is 'ISO week, 1 to 53: never without iso_year.';
comment on column mart.bi_date.week_start is 'Monday of the week.';
comment on column mart.bi_date.day_of_week is '1 is Monday: sort day_name by it.';
comment on column mart.bi_date.day_name is 'In English.';
comment on column mart.bi_date.is_weekend is 'Saturday or Sunday.';

create or replace view mart.bi_time as
select t.time_id, t.part_of_day from mart.dim_time as t;
comment on view mart.bi_time is 'Dimension: hours of the day.';
comment on column mart.bi_time.time_id is 'Key: the hour, 0 to 23.';
comment on column mart.bi_time.part_of_day is 'Night to 5, Morning to 11, Afternoon to 17, Evening to 23.';

create or replace view mart.bi_source as
select s.source_id, s.name as source from mart.dim_source as s;
comment on view mart.bi_source is 'Dimension: from where songs are played.';
comment on column mart.bi_source.source_id is 'Key.';
comment on column mart.bi_source.source is 'album, artist, playlist, collection, show, or Outside Playlist.';

create or replace view mart.bi_artist_summary as
select s.artist_id, a.name as artist, s.plays, s.listens, s.ms_played, s.first_played_at, s.last_played_at
from mart.artist_play_summary as s join mart.dim_artist as a on a.artist_id = s.artist_id;
comment on view mart.bi_artist_summary is 'Plays by artist, already summed; a play of several artists counts for each.';
comment on column mart.bi_artist_summary.artist_id is 'To bi_artist.';
comment on column mart.bi_artist_summary.artist is 'Name.';
comment on column mart.bi_artist_summary.plays is 'All plays.';
comment on column mart.bi_artist_summary.listens is 'Plays of 30 s to 60 min.';
comment on column mart.bi_artist_summary.ms_played is 'Time heard, in milliseconds, of all plays.';
comment on column mart.bi_artist_summary.first_played_at is 'End of the first play.';
comment on column mart.bi_artist_summary.last_played_at is 'End of the last play.';

create or replace view mart.bi_day_summary as
select s.date_id, d.day, s.plays, s.listens, s.ms_played, s.tracks, s.listeners
from mart.daily_summary as s join mart.dim_date as d on d.date_id = s.date_id;
comment on view mart.bi_day_summary is 'Plays by day, already summed.';
comment on column mart.bi_day_summary.date_id is 'To bi_date.';
comment on column mart.bi_day_summary.day is 'The day, in the listeners'' zones.';
comment on column mart.bi_day_summary.plays is 'All plays.';
comment on column mart.bi_day_summary.listens is 'Plays of 30 s to 60 min.';
comment on column mart.bi_day_summary.ms_played is 'Time heard, in milliseconds, of all plays.';
comment on column mart.bi_day_summary.tracks is 'Different tracks.';
comment on column mart.bi_day_summary.listeners is 'Different listeners.';

create or replace view mart.bi_week_summary as
select s.iso_year, s.iso_week, s.plays, s.listens, s.ms_played, s.tracks, s.listeners from mart.weekly_summary as s;
comment on view mart.bi_week_summary is 'Plays by ISO week, already summed.';
comment on column mart.bi_week_summary.iso_year is 'The year the week belongs to.';
comment on column mart.bi_week_summary.iso_week is 'ISO week, 1 to 53.';
comment on column mart.bi_week_summary.plays is 'All plays.';
comment on column mart.bi_week_summary.listens is 'Plays of 30 s to 60 min.';
comment on column mart.bi_week_summary.ms_played is 'Time heard, in milliseconds, of all plays.';
comment on column mart.bi_week_summary.tracks is 'Different tracks.';
comment on column mart.bi_week_summary.listeners is 'Different listeners.';

create or replace view mart.bi_track_genre as
select g.track_id, g.genre from mart.track_genre as g;
comment on view mart.bi_track_genre is 'Bridge: the genres of a track, once each.';
comment on column mart.bi_track_genre.track_id is 'To bi_track.';
comment on column mart.bi_track_genre.genre is 'One of its genres.';

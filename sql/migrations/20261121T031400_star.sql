-- The star: one fact row per play, dimensions one row per thing. Foreign keys are real; what is NULL is unknown.

create table mart.dim_date (
  date_id      integer primary key,
  day          date not null unique,
  year         smallint not null,
  quarter      smallint not null check (quarter between 1 and 4),
  month        smallint not null check (month between 1 and 12),
  month_name   text not null,
  month_start  date not null,
  day_of_month smallint not null check (day_of_month between 1 and 31),
  iso_year     smallint not null,
  iso_week     smallint not null check (iso_week between 1 and 53),
  week_start   date not null,
  day_of_week  smallint not null check (day_of_week between 1 and 7),
  day_name     text not null,
  is_weekend   boolean not null
);
comment on table mart.dim_date is 'Days, one row each, from the first play to the last.';
comment on column mart.dim_date.date_id is 'The day as YYYYMMDD.';
comment on column mart.dim_date.day is 'The day.';
comment on column mart.dim_date.year is 'Calendar year.';
comment on column mart.dim_date.quarter is '1 to 4.';
comment on column mart.dim_date.month is '1 to 12.';
comment on column mart.dim_date.month_name is 'In English.';
comment on column mart.dim_date.month_start is 'First day of the month.';
comment on column mart.dim_date.day_of_month is '1 to 31.';
comment on column mart.dim_date.iso_year is 'The year the ISO week belongs to.';
comment on column mart.dim_date.iso_week is 'ISO week, 1 to 53.';
comment on column mart.dim_date.week_start is 'Monday of the week.';
comment on column mart.dim_date.day_of_week is '1 is Monday, 7 Sunday.';
comment on column mart.dim_date.day_name is 'In English.';
comment on column mart.dim_date.is_weekend is 'Saturday or Sunday.';

create table mart.dim_time (
  time_id     smallint primary key check (time_id between 0 and 23),
  part_of_day text not null check (part_of_day in ('Night', 'Morning', 'Afternoon', 'Evening'))
);
insert into mart.dim_time (time_id, part_of_day)
select hour, (array['Night', 'Morning', 'Afternoon', 'Evening'])[hour / 6 + 1] from generate_series(0, 23) as hour;
comment on table mart.dim_time is 'Hours of the day.';
comment on column mart.dim_time.time_id is 'The hour, 0 to 23.';
comment on column mart.dim_time.part_of_day is 'Night to 5, Morning to 11, Afternoon to 17, Evening to 23.';

create table mart.dim_source (
  source_id    smallint primary key,
  context_type text unique,
  name         text not null unique
);
insert into mart.dim_source (source_id, context_type, name)
values (0, null, 'Outside Playlist'), (1, 'album', 'album'), (2, 'artist', 'artist'), (3, 'playlist', 'playlist'),
       (4, 'collection', 'collection'), (5, 'show', 'show');
comment on table mart.dim_source is 'From where songs are played.';
comment on column mart.dim_source.source_id is 'Our number.';
comment on column mart.dim_source.context_type is 'As core.play has it; NULL when unknown or from none.';
comment on column mart.dim_source.name is 'What reports call it.';

create table mart.dim_listener (
  listener_id bigint primary key,
  name        text not null,
  time_zone   text not null
);
comment on table mart.dim_listener is 'Listeners.';
comment on column mart.dim_listener.listener_id is 'As in core.';
comment on column mart.dim_listener.name is 'The name the history was loaded under.';
comment on column mart.dim_listener.time_zone is 'The zone of date_id and time_id of their plays.';

create table mart.dim_artist (
  artist_id  bigint primary key,
  name       text not null,
  spotify_id text,
  popularity smallint,
  followers  bigint
);
comment on table mart.dim_artist is 'Artists.';
comment on column mart.dim_artist.artist_id is 'As in core.';
comment on column mart.dim_artist.name is 'Name.';
comment on column mart.dim_artist.spotify_id is 'Spotify''s identifier, where known.';
comment on column mart.dim_artist.popularity is '0 to 100, where Spotify tells.';
comment on column mart.dim_artist.followers is 'Followers, where Spotify tells.';

create table mart.dim_album (
  album_id               bigint primary key,
  name                   text,
  spotify_id             text,
  release_date           date,
  release_date_precision text,
  total_tracks           smallint,
  artist_id              bigint references mart.dim_artist
);
create index dim_album_artist_idx on mart.dim_album (artist_id);
comment on table mart.dim_album is 'Albums.';
comment on column mart.dim_album.album_id is 'As in core.';
comment on column mart.dim_album.name is 'Name, where known.';
comment on column mart.dim_album.spotify_id is 'Spotify''s identifier, where known.';
comment on column mart.dim_album.release_date is 'First day of what is known.';
comment on column mart.dim_album.release_date_precision is 'year, month or day.';
comment on column mart.dim_album.total_tracks is 'How many tracks it has, where known.';
comment on column mart.dim_album.artist_id is 'Its first artist, where known.';

create table mart.dim_track (
  track_id     bigint primary key,
  song_id      bigint not null,
  name         text,
  spotify_id   text,
  album_id     bigint references mart.dim_album,
  artist_id    bigint references mart.dim_artist,
  duration_ms  integer,
  popularity   smallint,
  explicit     boolean,
  track_number smallint
);
create index dim_track_song_idx on mart.dim_track (song_id);
create index dim_track_album_idx on mart.dim_track (album_id);
create index dim_track_artist_idx on mart.dim_track (artist_id);
comment on table mart.dim_track is 'Tracks.';
comment on column mart.dim_track.track_id is 'As in core.';
comment on column mart.dim_track.song_id is 'The track that stands for it: tracks of the same name and artist have the same.';
comment on column mart.dim_track.name is 'Name, where known.';
comment on column mart.dim_track.spotify_id is 'Spotify''s identifier, where known.';
comment on column mart.dim_track.album_id is 'Its album, where known.';
comment on column mart.dim_track.artist_id is 'Its first artist, where known.';
comment on column mart.dim_track.duration_ms is 'Length in milliseconds, where known.';
comment on column mart.dim_track.popularity is '0 to 100, where known.';
comment on column mart.dim_track.explicit is 'Marked as explicit, where known.';
comment on column mart.dim_track.track_number is 'Number on the album, where known.';

create table mart.bridge_track_artist (
  track_id  bigint not null references mart.dim_track,
  artist_id bigint not null references mart.dim_artist,
  position  smallint not null,
  primary key (track_id, artist_id)
);
create index bridge_track_artist_artist_idx on mart.bridge_track_artist (artist_id);
comment on table mart.bridge_track_artist is 'All artists of a track.';
comment on column mart.bridge_track_artist.track_id is 'The track.';
comment on column mart.bridge_track_artist.artist_id is 'The artist.';
comment on column mart.bridge_track_artist.position is '1 is the first named.';

create table mart.fact_play (
  play_id     bigint primary key,
  listener_id bigint not null references mart.dim_listener,
  track_id    bigint not null references mart.dim_track,
  artist_id   bigint references mart.dim_artist,
  album_id    bigint references mart.dim_album,
  date_id     integer not null references mart.dim_date,
  time_id     smallint not null references mart.dim_time,
  source_id   smallint not null references mart.dim_source,
  played_at   timestamptz not null,
  ms_played   integer not null,
  is_listen   boolean not null,
  explicit    boolean
);
create index fact_play_track_idx on mart.fact_play (track_id);
create index fact_play_artist_idx on mart.fact_play (artist_id);
create index fact_play_album_idx on mart.fact_play (album_id);
create index fact_play_date_idx on mart.fact_play (date_id);
create index fact_play_listener_idx on mart.fact_play (listener_id, played_at);
comment on table mart.fact_play is 'Plays: one row each, as many as core.play has.';
comment on column mart.fact_play.play_id is 'As in core.';
comment on column mart.fact_play.listener_id is 'Who listened.';
comment on column mart.fact_play.track_id is 'To what.';
comment on column mart.fact_play.artist_id is 'First artist of the track; all of them by bridge_track_artist.';
comment on column mart.fact_play.album_id is 'Album of the track.';
comment on column mart.fact_play.date_id is 'The day it ended, in the listener''s zone.';
comment on column mart.fact_play.time_id is 'The hour it ended, in the listener''s zone.';
comment on column mart.fact_play.source_id is 'From where it was played.';
comment on column mart.fact_play.played_at is 'When it ended.';
comment on column mart.fact_play.ms_played is 'How long it was heard, in milliseconds.';
comment on column mart.fact_play.is_listen is 'Heard for 30 s to 60 min: what reports count as a play.';
comment on column mart.fact_play.explicit is 'The track is marked as explicit, where known.';

create table mart.artist_play_summary (
  artist_id      bigint primary key references mart.dim_artist,
  plays          bigint not null check (plays >= listens),
  listens        bigint not null check (listens >= 0),
  ms_played      bigint not null check (ms_played >= 0),
  first_played_at timestamptz not null,
  last_played_at timestamptz not null
);
comment on table mart.artist_play_summary is 'Plays by artist; a play of several artists counts for each.';
comment on column mart.artist_play_summary.artist_id is 'The artist.';
comment on column mart.artist_play_summary.plays is 'All plays.';
comment on column mart.artist_play_summary.listens is 'Plays of 30 s to 60 min.';
comment on column mart.artist_play_summary.ms_played is 'Time heard, in milliseconds, of all plays.';
comment on column mart.artist_play_summary.first_played_at is 'End of the first play.';
comment on column mart.artist_play_summary.last_played_at is 'End of the last play.';

create table mart.daily_summary (
  date_id   integer primary key references mart.dim_date,
  plays     bigint not null check (plays >= listens),
  listens   bigint not null check (listens >= 0),
  ms_played bigint not null check (ms_played >= 0),
  tracks    bigint not null,
  listeners bigint not null
);
comment on table mart.daily_summary is 'Plays by day, in the listeners'' zones.';
comment on column mart.daily_summary.date_id is 'The day.';
comment on column mart.daily_summary.plays is 'All plays.';
comment on column mart.daily_summary.listens is 'Plays of 30 s to 60 min.';
comment on column mart.daily_summary.ms_played is 'Time heard, in milliseconds, of all plays.';
comment on column mart.daily_summary.tracks is 'Different tracks.';
comment on column mart.daily_summary.listeners is 'Different listeners.';

create table mart.weekly_summary (
  iso_year  smallint not null,
  iso_week  smallint not null,
  plays     bigint not null check (plays >= listens),
  listens   bigint not null check (listens >= 0),
  ms_played bigint not null check (ms_played >= 0),
  tracks    bigint not null,
  listeners bigint not null,
  primary key (iso_year, iso_week)
);
comment on table mart.weekly_summary is 'Plays by ISO week, in the listeners'' zones.';
comment on column mart.weekly_summary.iso_year is 'The year the week belongs to.';
comment on column mart.weekly_summary.iso_week is 'ISO week, 1 to 53.';
comment on column mart.weekly_summary.plays is 'All plays.';
comment on column mart.weekly_summary.listens is 'Plays of 30 s to 60 min.';
comment on column mart.weekly_summary.ms_played is 'Time heard, in milliseconds, of all plays.';
comment on column mart.weekly_summary.tracks is 'Different tracks.';
comment on column mart.weekly_summary.listeners is 'Different listeners.';

-- What the next refresh has to look at. No key: the same play may change many times, and noting it must be cheap.
create table mart.changed_play (
  change_id bigint generated always as identity primary key,
  play_id   bigint not null
);
comment on table mart.changed_play is 'Plays that came, changed or went since the last refresh; noted by triggers on core.';
comment on column mart.changed_play.change_id is 'Our number.';
comment on column mart.changed_play.play_id is 'The play.';

create unlogged table mart.play_work (
  play_id bigint primary key
);
comment on table mart.play_work is 'The plays a refresh works on; empty between runs.';
comment on column mart.play_work.play_id is 'The play.';

create unlogged table mart.touched_work (
  date_id  integer not null,
  track_id bigint not null,
  primary key (date_id, track_id)
);
comment on table mart.touched_work is 'Days and tracks whose plays a refresh changed; empty between runs.';
comment on column mart.touched_work.date_id is 'The day.';
comment on column mart.touched_work.track_id is 'The track.';

create unlogged table mart.artist_work (
  artist_id bigint primary key
);
comment on table mart.artist_work is 'Artists who lost a track in a refresh; empty between runs.';
comment on column mart.artist_work.artist_id is 'The artist.';

create type mart.play_filter as (
  listener_id bigint,
  first_day   date,
  last_day    date,
  month       date,
  track_id    bigint,
  album_id    bigint,
  artist_id   bigint,
  zone        text,
  with_skips  boolean
);
comment on type mart.play_filter is 'Which plays a figure is about; NULL means all. Made by mart.only.';

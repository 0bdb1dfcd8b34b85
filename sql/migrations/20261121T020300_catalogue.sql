-- The catalogue in third normal form: what a songs file gives.

create table core.artist (
  artist_id  bigint generated always as identity primary key,
  name       text not null unique check (name <> ''),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table core.artist is 'Artists by name: neither source gives an identifier.';
comment on column core.artist.artist_id is 'Our number.';
comment on column core.artist.name is 'As written, outer blanks removed.';
comment on column core.artist.created_at is 'When the row came to be.';
comment on column core.artist.updated_at is 'When the row last changed; kept by a trigger.';

create table core.album (
  album_id               bigint generated always as identity primary key,
  spotify_id             text not null unique check (spotify_id <> ''),
  name                   text check (name <> ''),
  release_date           date,
  release_date_precision text check (release_date_precision in ('year', 'month', 'day')),
  created_at             timestamptz not null default now(),
  updated_at             timestamptz not null default now(),
  constraint album_date_has_precision check ((release_date is null) = (release_date_precision is null)),
  constraint album_date_fits_precision check (
    case release_date_precision
      when 'year' then extract(month from release_date) = 1 and extract(day from release_date) = 1
      when 'month' then extract(day from release_date) = 1
      else true
    end)
);
comment on table core.album is 'Albums.';
comment on column core.album.album_id is 'Our number.';
comment on column core.album.spotify_id is 'Spotify''s identifier.';
comment on column core.album.name is 'NULL when the source did not know it.';
comment on column core.album.release_date is 'First day of what is known: 1995 is 1995-01-01 with precision year.';
comment on column core.album.release_date_precision is 'year, month or day: how much of the date is known.';
comment on column core.album.created_at is 'When the row came to be.';
comment on column core.album.updated_at is 'When the row last changed; kept by a trigger.';

create table core.track (
  track_id           bigint generated always as identity primary key,
  spotify_id         text unique check (spotify_id <> ''),
  name               text check (name <> ''),
  album_id           bigint references core.album,
  duration_ms        integer check (duration_ms > 0),
  popularity         smallint check (popularity between 0 and 100),
  canonical_track_id bigint references core.track check (canonical_track_id <> track_id),
  created_at         timestamptz not null default now(),
  updated_at         timestamptz not null default now(),
  constraint track_is_known check (spotify_id is not null or name is not null)
);
create index track_album_idx on core.track (album_id);
create index track_canonical_idx on core.track (canonical_track_id) where canonical_track_id is not null;
comment on table core.track is 'Tracks: one per Spotify identifier, and one per spelling that only histories know.';
comment on column core.track.track_id is 'Our number.';
comment on column core.track.spotify_id is 'Spotify''s identifier; NULL for tracks known from histories only.';
comment on column core.track.name is 'NULL when the source did not know it.';
comment on column core.track.album_id is 'NULL for tracks known from histories only.';
comment on column core.track.duration_ms is 'Length in milliseconds.';
comment on column core.track.popularity is '0 to 100, as of the file it last came in.';
comment on column core.track.canonical_track_id is 'The track of the same name and artist that stands for it; NULL when it stands for itself.';
comment on column core.track.created_at is 'When the row came to be.';
comment on column core.track.updated_at is 'When the row last changed; kept by a trigger.';

create table core.track_artist (
  track_id  bigint not null references core.track,
  position  smallint not null check (position >= 1),
  artist_id bigint not null references core.artist,
  primary key (track_id, position),
  unique (track_id, artist_id)
);
create index track_artist_artist_idx on core.track_artist (artist_id);
comment on table core.track_artist is 'Who plays on a track, in the order named.';
comment on column core.track_artist.track_id is 'The track.';
comment on column core.track_artist.position is '1 is the first named.';
comment on column core.track_artist.artist_id is 'The artist.';

create table core.audio_feature (
  track_id         bigint primary key references core.track,
  danceability     double precision check (danceability between 0 and 1),
  energy           double precision check (energy between 0 and 1),
  key              smallint check (key between -1 and 11),
  loudness_db      double precision,
  mode             smallint check (mode in (0, 1)),
  speechiness      double precision check (speechiness between 0 and 1),
  acousticness     double precision check (acousticness between 0 and 1),
  instrumentalness double precision check (instrumentalness between 0 and 1),
  liveness         double precision check (liveness between 0 and 1),
  valence          double precision check (valence between 0 and 1),
  tempo_bpm        double precision check (tempo_bpm > 0)
);
comment on table core.audio_feature is 'Audio features of a track.';
comment on column core.audio_feature.track_id is 'The track.';
comment on column core.audio_feature.danceability is '0 to 1.';
comment on column core.audio_feature.energy is '0 to 1.';
comment on column core.audio_feature.key is '0 is C, 11 is B, -1 not detected.';
comment on column core.audio_feature.loudness_db is 'Decibels, usually -60 to 0.';
comment on column core.audio_feature.mode is '1 major, 0 minor.';
comment on column core.audio_feature.speechiness is '0 to 1.';
comment on column core.audio_feature.acousticness is '0 to 1.';
comment on column core.audio_feature.instrumentalness is '0 to 1.';
comment on column core.audio_feature.liveness is '0 to 1.';
comment on column core.audio_feature.valence is '0 to 1.';
comment on column core.audio_feature.tempo_bpm is 'Beats per minute; NULL when the track was never analysed (the source says 0).';

create table core.genre (
  genre_id smallint generated always as identity primary key,
  name     text not null unique check (name <> '')
);
comment on table core.genre is 'Genres of playlists.';
comment on column core.genre.genre_id is 'Our number.';
comment on column core.genre.name is 'As the source names it.';

create table core.subgenre (
  subgenre_id smallint generated always as identity primary key,
  genre_id    smallint not null references core.genre,
  name        text not null,
  unique (genre_id, name),
  check (name <> '')
);
comment on table core.subgenre is 'Subgenres; each belongs to one genre.';
comment on column core.subgenre.subgenre_id is 'Our number.';
comment on column core.subgenre.genre_id is 'The genre it is part of.';
comment on column core.subgenre.name is 'As the source names it.';

create table core.playlist (
  playlist_id bigint generated always as identity primary key,
  spotify_id  text not null unique check (spotify_id <> ''),
  name        text check (name <> ''),
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
comment on table core.playlist is 'Playlists. Several share a name.';
comment on column core.playlist.playlist_id is 'Our number.';
comment on column core.playlist.spotify_id is 'Spotify''s identifier.';
comment on column core.playlist.name is 'NULL when the source did not know it.';
comment on column core.playlist.created_at is 'When the row came to be.';
comment on column core.playlist.updated_at is 'When the row last changed; kept by a trigger.';

create table core.playlist_track (
  playlist_id bigint not null references core.playlist,
  track_id    bigint not null references core.track,
  batch_id    bigint not null references raw.batch,
  row_no      integer not null,
  primary key (playlist_id, track_id),
  unique (batch_id, row_no)
);
create index playlist_track_track_idx on core.playlist_track (track_id);
comment on table core.playlist_track is 'Which tracks a playlist holds: one row per raw row that was accepted.';
comment on column core.playlist_track.playlist_id is 'The playlist.';
comment on column core.playlist_track.track_id is 'The track.';
comment on column core.playlist_track.batch_id is 'The file that said so first.';
comment on column core.playlist_track.row_no is 'The row of that file.';

create table core.playlist_track_subgenre (
  playlist_id bigint not null,
  track_id    bigint not null,
  subgenre_id smallint not null references core.subgenre,
  primary key (playlist_id, track_id, subgenre_id),
  foreign key (playlist_id, track_id) references core.playlist_track
);
create index playlist_track_subgenre_subgenre_idx on core.playlist_track_subgenre (subgenre_id);
comment on table core.playlist_track_subgenre is 'Under which subgenres a playlist lists a track: usually one, for some playlists several.';
comment on column core.playlist_track_subgenre.playlist_id is 'The playlist.';
comment on column core.playlist_track_subgenre.track_id is 'The track.';
comment on column core.playlist_track_subgenre.subgenre_id is 'The subgenre.';

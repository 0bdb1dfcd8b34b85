-- What the other feeds know of the catalogue. What Spotify no longer tells every application may be NULL.

alter table core.artist
  add column spotify_id text check (spotify_id <> ''),
  add column is_namesake boolean not null default false,
  add column popularity smallint check (popularity between 0 and 100),
  add column followers bigint check (followers >= 0),
  add column image_url text check (image_url <> ''),
  add constraint artist_spotify_id_key unique (spotify_id),
  add constraint artist_namesake_has_id check (not is_namesake or spotify_id is not null);
alter table core.artist drop constraint artist_name_key;
create unique index artist_name_key on core.artist (name) where not is_namesake;
create index artist_namesake_idx on core.artist (name) where is_namesake;
comment on table core.artist is 'Artists: one per name as most sources give no identifier, and namesakes that only an identifier tells apart.';
comment on column core.artist.spotify_id is 'Spotify''s identifier; NULL while only the name is known.';
comment on column core.artist.is_namesake is 'Another artist of the same name was known before: sources that give names alone never mean this one.';
comment on column core.artist.popularity is '0 to 100; NULL where Spotify does not tell.';
comment on column core.artist.followers is 'Followers on Spotify; NULL where Spotify does not tell.';
comment on column core.artist.image_url is 'Where Spotify keeps a picture.';

alter table core.album
  alter column spotify_id drop not null,
  add column named_artist_id bigint references core.artist,
  add column album_type text check (album_type in ('album', 'single', 'compilation')),
  add column total_tracks smallint check (total_tracks > 0),
  add column image_url text check (image_url <> ''),
  add constraint album_is_known check (spotify_id is not null or (name is not null and named_artist_id is not null));
create unique index album_named_key on core.album (name, named_artist_id) where spotify_id is null;
create index album_named_artist_idx on core.album (named_artist_id);
comment on table core.album is 'Albums: one per Spotify identifier, and one per name and artist where a source gives no identifier.';
comment on column core.album.spotify_id is 'Spotify''s identifier; NULL when only the name is known.';
comment on column core.album.named_artist_id is 'The artist an album without an identifier was named with; part of its key then.';
comment on column core.album.album_type is 'album, single or compilation.';
comment on column core.album.total_tracks is 'How many tracks it has.';
comment on column core.album.image_url is 'Where Spotify keeps the cover.';

create table core.album_artist (
  album_id  bigint not null references core.album,
  position  smallint not null check (position >= 1),
  artist_id bigint not null references core.artist,
  primary key (album_id, position),
  unique (album_id, artist_id)
);
create index album_artist_artist_idx on core.album_artist (artist_id);
comment on table core.album_artist is 'Whose album it is, in the order named.';
comment on column core.album_artist.album_id is 'The album.';
comment on column core.album_artist.position is '1 is the first named.';
comment on column core.album_artist.artist_id is 'The artist.';

alter table core.track
  add column explicit boolean,
  add column disc_number smallint check (disc_number > 0),
  add column track_number smallint check (track_number > 0),
  add column isrc text check (isrc <> '');
comment on column core.track.explicit is 'Marked as explicit; NULL when no source said.';
comment on column core.track.disc_number is 'Disc of the album.';
comment on column core.track.track_number is 'Number on the disc.';
comment on column core.track.isrc is 'International standard recording code.';

create table core.artist_genre (
  artist_id bigint not null references core.artist,
  genre_id  smallint not null references core.genre,
  primary key (artist_id, genre_id)
);
create index artist_genre_genre_idx on core.artist_genre (genre_id);
comment on table core.artist_genre is 'The genres of an artist, as charts and Spotify give them.';
comment on column core.artist_genre.artist_id is 'The artist.';
comment on column core.artist_genre.genre_id is 'The genre.';
comment on table core.genre is 'Genres of playlists and of artists.';

create table core.artist_top_track (
  artist_id bigint not null references core.artist,
  taken_at  timestamptz not null,
  rank      smallint not null check (rank >= 1),
  track_id  bigint not null references core.track,
  primary key (artist_id, taken_at, rank),
  unique (artist_id, taken_at, track_id)
);
create index artist_top_track_track_idx on core.artist_top_track (track_id);
comment on table core.artist_top_track is 'An artist''s best known tracks as Spotify ranked them; each time taken stays.';
comment on column core.artist_top_track.artist_id is 'The artist.';
comment on column core.artist_top_track.taken_at is 'When the list was taken.';
comment on column core.artist_top_track.rank is '1 is the first.';
comment on column core.artist_top_track.track_id is 'The track.';

create table core.cover (
  cover_id   bigint generated always as identity primary key,
  album_id   bigint unique references core.album,
  artist_id  bigint unique references core.artist,
  source_url text not null check (source_url <> ''),
  media_type text check (media_type ~ '^image/[a-z0-9.+-]+$'),
  image      bytea,
  sha256     bytea generated always as (sha256(image)) stored,
  fetched_at timestamptz not null default now(),
  failure    text check (failure <> ''),
  constraint cover_of_one check (num_nonnulls(album_id, artist_id) = 1),
  constraint cover_or_failure check ((image is null) <> (failure is null) and (image is null) = (media_type is null))
);
comment on table core.cover is 'Pictures of albums and artists, kept here so that reports need no other server.';
comment on column core.cover.cover_id is 'Our number.';
comment on column core.cover.album_id is 'The album it is the cover of, or NULL.';
comment on column core.cover.artist_id is 'The artist it shows, or NULL.';
comment on column core.cover.source_url is 'Where it was fetched.';
comment on column core.cover.media_type is 'image/jpeg and the like; NULL when fetching failed.';
comment on column core.cover.image is 'The picture''s bytes; NULL when fetching failed.';
comment on column core.cover.sha256 is 'SHA-256 of the bytes.';
comment on column core.cover.fetched_at is 'When it was fetched, or tried.';
comment on column core.cover.failure is 'Why there is no picture; NULL when there is one.';

create table core.chart (
  chart_id smallint generated always as identity primary key,
  name     text not null unique check (name <> ''),
  period   text not null check (period in ('day', 'week'))
);
comment on table core.chart is 'Charts.';
comment on column core.chart.chart_id is 'Our number.';
comment on column core.chart.name is 'As the source names it.';
comment on column core.chart.period is 'day or week: how long one issue stands.';

create table core.chart_entry (
  chart_id  smallint not null references core.chart,
  starts_on date not null,
  track_id  bigint not null references core.track,
  rank      smallint check (rank >= 1),
  streams   bigint check (streams >= 0),
  primary key (chart_id, starts_on, track_id)
);
create unique index chart_entry_rank_key on core.chart_entry (chart_id, starts_on, rank) where rank is not null;
create index chart_entry_track_idx on core.chart_entry (track_id);
comment on table core.chart_entry is 'A track in one issue of a chart.';
comment on column core.chart_entry.chart_id is 'The chart.';
comment on column core.chart_entry.starts_on is 'First day of the issue.';
comment on column core.chart_entry.track_id is 'The track.';
comment on column core.chart_entry.rank is '1 is the top; NULL where the source says only that it was in.';
comment on column core.chart_entry.streams is 'Streams in the issue; NULL where the source does not tell.';

create table core.chart_standing (
  chart_id  smallint not null references core.chart,
  track_id  bigint not null references core.track,
  peak_rank smallint check (peak_rank >= 1),
  issues    smallint check (issues >= 1),
  streams   bigint check (streams >= 0),
  primary key (chart_id, track_id)
);
create index chart_standing_track_idx on core.chart_standing (track_id);
comment on table core.chart_standing is 'What a file of charts says of a track over all issues.';
comment on column core.chart_standing.chart_id is 'The chart.';
comment on column core.chart_standing.track_id is 'The track.';
comment on column core.chart_standing.peak_rank is 'Its best rank.';
comment on column core.chart_standing.issues is 'In how many issues it was.';
comment on column core.chart_standing.streams is 'Streams the file tells, without saying of which issues.';

create table core.accepted_row (
  batch_id bigint not null references raw.batch,
  row_no   integer not null,
  items    integer not null default 1 check (items >= 0),
  primary key (batch_id, row_no)
);
comment on table core.accepted_row is 'Raw rows that became facts, of the sources whose facts do not say themselves where they came from.';
comment on column core.accepted_row.batch_id is 'The file: raw.batch.';
comment on column core.accepted_row.row_no is 'The row of that file.';
comment on column core.accepted_row.items is 'How many facts it told; 0 when it told nothing new.';

-- Landing tables. Text stays text here: whatever a file says can be received, and cleansing can be repeated from it.
-- No foreign key from the rows to their batch: the check would halve the speed of COPY. The loader writes both in one
-- transaction and a batch row cannot be deleted, so the reference holds.

create table raw.batch (
  batch_id       bigint generated always as identity primary key,
  source         text not null check (source in ('songs', 'streaming_history')),
  file_name      text not null,
  listener_name  text check (listener_name <> ''),
  content_sha256 bytea not null check (length(content_sha256) = 32),
  size_bytes     bigint not null check (size_bytes >= 0),
  row_count      bigint not null check (row_count >= 0),
  received_at    timestamptz not null default now(),
  received_by    text not null default session_user,
  constraint batch_listener_of_history check ((source = 'streaming_history') = (listener_name is not null))
);
create unique index batch_content_key on raw.batch (source, coalesce(listener_name, ''), content_sha256);
comment on table raw.batch is 'One file received. The same content is received once per source and listener.';
comment on column raw.batch.source is 'Format of the file: songs (CSV, one row per track, playlist and subgenre) or streaming_history (basic account export, JSON).';
comment on column raw.batch.file_name is 'Name of the file without its directory; - for standard input.';
comment on column raw.batch.listener_name is 'Whose history it is; exports do not say. NULL for sources without a listener.';
comment on column raw.batch.content_sha256 is 'SHA-256 of the whole file.';
comment on column raw.batch.size_bytes is 'Bytes of the file.';
comment on column raw.batch.row_count is 'Rows of the file, as the loader counted them; the tests compare it with the rows.';
comment on column raw.batch.received_at is 'When the transaction that received it began.';
comment on column raw.batch.received_by is 'The role that had logged in.';

create table raw.song (
  batch_id    bigint not null,
  row_no      integer not null,
  line_no     integer not null,
  source      text not null default 'songs',
  received_at timestamptz not null default now(),
  hash        bytea not null,
  track_id                 text not null,
  track_name               text not null,
  track_artist             text not null,
  track_popularity         text not null,
  track_album_id           text not null,
  track_album_name         text not null,
  track_album_release_date text not null,
  playlist_name            text not null,
  playlist_id              text not null,
  playlist_genre           text not null,
  playlist_subgenre        text not null,
  danceability             text not null,
  energy                   text not null,
  key                      text not null,
  loudness                 text not null,
  mode                     text not null,
  speechiness              text not null,
  acousticness             text not null,
  instrumentalness         text not null,
  liveness                 text not null,
  valence                  text not null,
  tempo                    text not null,
  duration_ms              text not null,
  primary key (batch_id, row_no)
);
comment on table raw.song is 'Rows of songs files: one per track, playlist and subgenre; every field as text, as received. A missing field is the empty text.';
comment on column raw.song.batch_id is 'The file: raw.batch.';
comment on column raw.song.row_no is 'Number of the row in the file, from 1, the header not counted.';
comment on column raw.song.line_no is 'Line of the file where the row begins, from 1.';
comment on column raw.song.source is 'Format it came in.';
comment on column raw.song.received_at is 'When the transaction that received it began.';
comment on column raw.song.hash is 'SHA-256 of the row''s bytes, the end of line not counted.';

create table raw.streaming_history (
  batch_id    bigint not null,
  row_no      integer not null,
  line_no     integer not null,
  source      text not null default 'streaming_history',
  received_at timestamptz not null default now(),
  hash        bytea not null,
  body        jsonb not null,
  primary key (batch_id, row_no)
);
comment on table raw.streaming_history is 'Plays of account exports: one JSON object each, as received.';
comment on column raw.streaming_history.batch_id is 'The file: raw.batch.';
comment on column raw.streaming_history.row_no is 'Number of the play in the file, from 1.';
comment on column raw.streaming_history.line_no is 'Line of the file where the play begins, from 1.';
comment on column raw.streaming_history.source is 'Format it came in.';
comment on column raw.streaming_history.received_at is 'When the transaction that received it began.';
comment on column raw.streaming_history.hash is 'SHA-256 of the object''s bytes in the file.';
comment on column raw.streaming_history.body is 'endTime, artistName, trackName, msPlayed.';

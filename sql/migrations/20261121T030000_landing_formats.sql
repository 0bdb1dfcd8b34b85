-- Landing of what else there is: the extended account export, the library and playlists of an account export, playlist
-- files, charts, and pages of the Web API. As before, a row is kept as it was received, text as text.

alter table raw.batch drop constraint batch_source_check;
alter table raw.batch add constraint batch_source_check check (source in
  ('songs', 'streaming_history', 'extended_history', 'library', 'playlist', 'chart', 'page')) not valid;
alter table raw.batch validate constraint batch_source_check;
alter table raw.batch drop constraint batch_listener_of_history;
alter table raw.batch add constraint batch_listener_of_personal check (
  case when source in ('streaming_history', 'extended_history', 'library') then listener_name is not null
       when source in ('songs', 'chart') then listener_name is null
       else true end) not valid;
alter table raw.batch validate constraint batch_listener_of_personal;
alter table raw.batch add column archive_name text check (archive_name <> '');
alter table raw.batch add column encoding text not null default 'utf-8' check (encoding <> '');
comment on column raw.batch.source is 'Format of the file: songs (CSV, one row per track, playlist and subgenre), streaming_history (basic account export, JSON), extended_history (extended account export, JSON), library (saved items of an account export, JSON), playlist (CSV, or playlists of an account export, JSON), chart (CSV or JSON) or page (an answer of the Web API, JSON).';
comment on column raw.batch.listener_name is 'Whose data it is; exports do not say. NULL for sources without a listener; a playlist or page may have one.';
comment on column raw.batch.archive_name is 'Name of the zip archive it was read from, without its directory; NULL when the file lay open.';
comment on column raw.batch.encoding is 'Encoding of the file; the rows are UTF-8 whatever it was.';

create table raw.extended_history (
  batch_id    bigint not null,
  row_no      integer not null,
  line_no     integer not null,
  source      text not null default 'extended_history',
  received_at timestamptz not null default now(),
  hash        bytea not null,
  body        jsonb not null,
  primary key (batch_id, row_no)
);
comment on table raw.extended_history is 'Plays of extended account exports: one JSON object each, as received.';
comment on column raw.extended_history.batch_id is 'The file: raw.batch.';
comment on column raw.extended_history.row_no is 'Number of the play in the file, from 1.';
comment on column raw.extended_history.line_no is 'Line of the file where the play begins, from 1.';
comment on column raw.extended_history.source is 'Format it came in.';
comment on column raw.extended_history.received_at is 'When the transaction that received it began.';
comment on column raw.extended_history.hash is 'SHA-256 of the object''s bytes in the file.';
comment on column raw.extended_history.body is 'ts (end, UTC, to the second), ms_played, master_metadata_track_name, master_metadata_album_artist_name, master_metadata_album_album_name, spotify_track_uri, episode_name, spotify_episode_uri, platform, conn_country, reason_start, reason_end, shuffle, skipped, offline, incognito_mode and more.';

create table raw.library_entry (
  batch_id    bigint not null,
  row_no      integer not null,
  line_no     integer not null,
  source      text not null default 'library',
  received_at timestamptz not null default now(),
  hash        bytea not null,
  list        text not null check (list <> ''),
  body        jsonb not null,
  primary key (batch_id, row_no)
);
comment on table raw.library_entry is 'What a listener saved, from an account export: one JSON value each, as received.';
comment on column raw.library_entry.batch_id is 'The file: raw.batch.';
comment on column raw.library_entry.row_no is 'Number of the entry in the file, from 1, over all its lists.';
comment on column raw.library_entry.line_no is 'Line of the file where the entry begins, from 1.';
comment on column raw.library_entry.source is 'Format it came in.';
comment on column raw.library_entry.received_at is 'When the transaction that received it began.';
comment on column raw.library_entry.hash is 'SHA-256 of the entry as compact JSON.';
comment on column raw.library_entry.list is 'The list it stands in: tracks, albums, artists, shows, episodes, bannedTracks, ...';
comment on column raw.library_entry.body is 'The entry; of a track: artist, album, track, uri.';

create table raw.playlist_entry (
  batch_id    bigint not null,
  row_no      integer not null,
  line_no     integer not null,
  source      text not null default 'playlist',
  received_at timestamptz not null default now(),
  hash        bytea not null,
  layout      text not null check (layout in ('columns', 'account_export')),
  body        jsonb not null,
  primary key (batch_id, row_no)
);
comment on table raw.playlist_entry is 'Entries of playlists, from playlist files and account exports; quality.playlist_read reads both layouts.';
comment on column raw.playlist_entry.batch_id is 'The file: raw.batch.';
comment on column raw.playlist_entry.row_no is 'Number of the entry in the file, from 1: the order of the playlist.';
comment on column raw.playlist_entry.line_no is 'Line of the file where the entry begins, from 1.';
comment on column raw.playlist_entry.source is 'Format it came in.';
comment on column raw.playlist_entry.received_at is 'When the transaction that received it began.';
comment on column raw.playlist_entry.hash is 'SHA-256 of the row''s bytes, or of the entry as compact JSON.';
comment on column raw.playlist_entry.layout is 'columns: a CSV row, its values by the names of the header in lower case with underscores; account_export: {playlist: {name, lastModifiedDate}, item}.';
comment on column raw.playlist_entry.body is 'The entry as received.';

create table raw.chart_entry (
  batch_id    bigint not null,
  row_no      integer not null,
  line_no     integer not null,
  source      text not null default 'chart',
  received_at timestamptz not null default now(),
  hash        bytea not null,
  layout      text not null check (layout in ('track_summary', 'ranking')),
  body        jsonb not null,
  primary key (batch_id, row_no)
);
comment on table raw.chart_entry is 'Rows of charts, as received; quality.chart_read reads all layouts.';
comment on column raw.chart_entry.batch_id is 'The file: raw.batch. A ranking without a date column has it in the file''s name.';
comment on column raw.chart_entry.row_no is 'Number of the row in the file, from 1.';
comment on column raw.chart_entry.line_no is 'Line of the file where the row begins, from 1.';
comment on column raw.chart_entry.source is 'Format it came in.';
comment on column raw.chart_entry.received_at is 'When the transaction that received it began.';
comment on column raw.chart_entry.hash is 'SHA-256 of the row''s bytes.';
comment on column raw.chart_entry.layout is 'track_summary: one row a track, with the weeks it was charted in one field; ranking: one row a chart, day and rank.';
comment on column raw.chart_entry.body is 'The values by the names of the header in lower case with underscores (duration_ms for Duration (ms)).';

create table raw.page (
  batch_id    bigint not null,
  row_no      integer not null,
  line_no     integer not null default 1,
  source      text not null default 'page',
  received_at timestamptz not null default now(),
  hash        bytea not null,
  endpoint    text not null check (endpoint <> ''),
  url         text not null,
  status      smallint not null check (status between 100 and 599),
  fetched_at  timestamptz not null,
  object_key  text unique check (object_key <> ''),
  body        jsonb not null,
  primary key (batch_id, row_no)
);
comment on table raw.page is 'Answers of the Web API, one page a row, as received.';
comment on column raw.page.batch_id is 'The file or stored page: raw.batch, which says whose it is.';
comment on column raw.page.row_no is 'Number of the page in its batch, from 1.';
comment on column raw.page.line_no is 'Line of the file where the page begins, from 1.';
comment on column raw.page.source is 'Format it came in.';
comment on column raw.page.received_at is 'When the transaction that received it began.';
comment on column raw.page.hash is 'SHA-256 of the page''s bytes.';
comment on column raw.page.endpoint is 'Path of the request below /v1 with identifiers as {id}, such as me/player/recently-played or playlists/{id}/items.';
comment on column raw.page.url is 'The whole request, as sent or as the page says in href; it holds no token.';
comment on column raw.page.status is 'HTTP status of the answer.';
comment on column raw.page.fetched_at is 'When the answer came; for a page that does not say, when it was loaded.';
comment on column raw.page.object_key is 'Where the page lies in the landing storage; NULL for one loaded from a file.';
comment on column raw.page.body is 'The answer''s JSON.';

insert into quality.rule (rule_id, title, description, routine) values
  ('B3', 'repeats across sources', 'A play that both the basic and the extended export of a listener hold is counted once; the extended one says more and stands.', 'quality.b3_twins'),
  ('B9', 'references', 'An entry that names nothing it could refer to (a removed track, a row without track or artist) is refused.', 'quality.b9_missing_reference'),
  ('B10', 'lists as text', 'Lists written into one field, bracketed or on lines of their own, are taken apart.', 'quality.b10_list'),
  ('B12', 'no context', 'A play without a context stays NULL; only reports call it Outside Playlist.', 'quality.b12_source');

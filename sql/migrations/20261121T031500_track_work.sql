-- What extended exports, playlists, libraries and charts say of a track, in one shape, while it is made a fact.
create unlogged table quality.track_work (
  batch_id    bigint not null,
  row_no      integer not null,
  spotify_id  text,
  track_name  text,
  artist_name text,
  album_name  text,
  duration_ms integer,
  popularity  smallint,
  ended_at    timestamptz,
  ms_played   numeric,
  track_id    bigint,
  rule_id     text,
  reason      text,
  primary key (batch_id, row_no)
);
comment on table quality.track_work is 'Rows that name a track while a load procedure works on them; empty between runs.';
comment on column quality.track_work.batch_id is 'The file: raw.batch.';
comment on column quality.track_work.row_no is 'The row of that file.';
comment on column quality.track_work.spotify_id is 'Spotify''s identifier, where given.';
comment on column quality.track_work.track_name is 'Name, cleansed.';
comment on column quality.track_work.artist_name is 'First artist, cleansed.';
comment on column quality.track_work.album_name is 'Album, cleansed.';
comment on column quality.track_work.duration_ms is 'Length in milliseconds, where given.';
comment on column quality.track_work.popularity is '0 to 100, where given.';
comment on column quality.track_work.ended_at is 'Of a play: when it ended.';
comment on column quality.track_work.ms_played is 'Of a play: how long it was heard.';
comment on column quality.track_work.track_id is 'The track that is meant, once known.';
comment on column quality.track_work.rule_id is 'The rule that refuses the row, or NULL.';
comment on column quality.track_work.reason is 'Why.';

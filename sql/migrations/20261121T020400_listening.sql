-- Who listened to what, and when.

create table core.listener (
  listener_id bigint generated always as identity primary key,
  name        text not null unique check (name <> ''),
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
comment on table core.listener is 'People whose histories were loaded.';
comment on column core.listener.listener_id is 'Our number.';
comment on column core.listener.name is 'The name the history was loaded under.';
comment on column core.listener.created_at is 'When the row came to be.';
comment on column core.listener.updated_at is 'When the row last changed; kept by a trigger.';

create table core.track_spelling (
  artist_name text not null,
  track_name  text not null,
  track_id    bigint not null references core.track,
  primary key (artist_name, track_name)
);
create index track_spelling_track_idx on core.track_spelling (track_id);
comment on table core.track_spelling is 'How histories, which give no identifiers, name a track.';
comment on column core.track_spelling.artist_name is 'As written, outer blanks removed.';
comment on column core.track_spelling.track_name is 'As written, outer blanks removed.';
comment on column core.track_spelling.track_id is 'The track that is meant.';

create table core.play (
  play_id     bigint generated always as identity primary key,
  listener_id bigint not null references core.listener,
  track_id    bigint not null references core.track,
  ended_at    timestamptz not null,
  minute_seq  smallint not null check (minute_seq >= 1),
  ms_played   integer not null check (ms_played >= 0),
  is_skip     boolean not null generated always as (ms_played < 30000) stored,
  batch_id    bigint not null references raw.batch,
  row_no      integer not null,
  constraint play_ends_on_a_minute check (extract(second from ended_at at time zone 'UTC') = 0),
  unique (listener_id, ended_at, minute_seq),
  unique (listener_id, ended_at, track_id, ms_played),
  unique (batch_id, row_no)
);
create index play_track_idx on core.play (track_id);
comment on table core.play is 'Plays, one per raw row that was accepted.';
comment on column core.play.play_id is 'Our number.';
comment on column core.play.listener_id is 'Who listened.';
comment on column core.play.track_id is 'To what. For a duplicate by meaning see track.canonical_track_id.';
comment on column core.play.ended_at is 'When the play ended, UTC, to the minute: exports give no seconds.';
comment on column core.play.minute_seq is 'Order of the plays that ended in the same minute, from 1, as the export lists them.';
comment on column core.play.ms_played is 'How long it was heard, in milliseconds.';
comment on column core.play.is_skip is 'Heard for less than 30 seconds.';
comment on column core.play.batch_id is 'The file that said so first.';
comment on column core.play.row_no is 'The row of that file.';

create table core.track_play_count (
  track_id  bigint primary key references core.track,
  plays     bigint not null check (plays >= 0),
  ms_played bigint not null check (ms_played >= 0)
);
comment on table core.track_play_count is 'Plays per track, kept by triggers on core.play.';
comment on column core.track_play_count.track_id is 'The track.';
comment on column core.track_play_count.plays is 'Number of plays, skips included.';
comment on column core.track_play_count.ms_played is 'Time heard, in milliseconds.';

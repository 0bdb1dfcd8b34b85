-- What else is known of listeners, and plays that are known to the second.

create domain core.time_zone as text
  constraint time_zone_is_known check (value is null or (timestamptz '2000-01-01 00:00Z' at time zone value) is not null);
comment on domain core.time_zone is 'Name of a time zone, such as Asia/Kolkata; an unknown one is refused.';

alter table core.listener
  add column account_id text check (account_id <> ''),
  add column country char(2) check (country ~ '^[A-Z]{2}$'),
  add column product text check (product <> ''),
  add column time_zone core.time_zone not null default 'UTC',
  add constraint listener_account_id_key unique (account_id);
comment on column core.listener.account_id is 'Spotify''s stable identifier of the account; NULL until fetched.';
comment on column core.listener.country is 'ISO 3166 code; NULL where Spotify does not tell.';
comment on column core.listener.product is 'premium, free; NULL where Spotify does not tell.';
comment on column core.listener.time_zone is 'The zone their days and hours are reported in.';

create table core.device (
  device_id   bigint generated always as identity primary key,
  listener_id bigint not null references core.listener,
  name        text not null check (name <> ''),
  device_type text not null default '' ,
  spotify_id  text check (spotify_id <> ''),
  first_seen_at timestamptz not null default now(),
  last_seen_at  timestamptz not null default now(),
  unique (listener_id, name, device_type)
);
comment on table core.device is 'What a listener plays on.';
comment on column core.device.device_id is 'Our number.';
comment on column core.device.listener_id is 'Whose it is.';
comment on column core.device.name is 'As Spotify or the export names it.';
comment on column core.device.device_type is 'Computer, Smartphone, Speaker and so on; empty when the source does not tell.';
comment on column core.device.spotify_id is 'Spotify''s identifier; it may change, so it is no key.';
comment on column core.device.first_seen_at is 'When it was first seen.';
comment on column core.device.last_seen_at is 'When it was last seen.';

alter table core.play
  drop constraint play_ends_on_a_minute,
  add column item_no integer not null default 0 check (item_no >= 0),
  add column feed text not null default 'basic' check (feed in ('basic', 'extended', 'api')),
  add column time_precision text not null default 'minute' check (time_precision in ('minute', 'second', 'milliseconds')),
  add column ms_is_estimated boolean not null default false,
  add column context_type text check (context_type in ('album', 'artist', 'playlist', 'collection', 'show')),
  add column context_uri text check (context_uri <> ''),
  add column device_id bigint references core.device,
  add constraint play_ends_as_precise check (ended_at = date_trunc(time_precision, ended_at, 'UTC')),
  add constraint play_context_has_type check (context_uri is null or context_type is not null),
  drop constraint play_batch_id_row_no_key,
  add constraint play_origin_key unique (batch_id, row_no, item_no);
create index play_device_idx on core.play (device_id) where device_id is not null;
comment on table core.play is 'Plays, one per raw row, or item of a page, that was accepted.';
comment on column core.play.ended_at is 'When the play ended, UTC, as precise as the source tells.';
comment on column core.play.minute_seq is 'Order of the plays that ended at the same known moment, from 1, as the source lists them.';
comment on column core.play.item_no is 'The item of a page, from 1; 0 where the row itself is the play.';
comment on column core.play.feed is 'Which feed told of it first: basic or extended export, or api.';
comment on column core.play.time_precision is 'minute, second or milliseconds: how precisely the end is known.';
comment on column core.play.ms_is_estimated is 'The source does not say how long it was heard: ms_played is the length of the track then.';
comment on column core.play.context_type is 'From where it was played; NULL when unknown or from none.';
comment on column core.play.context_uri is 'Spotify''s URI of that album, artist or playlist.';
comment on column core.play.device_id is 'On what it was played; NULL when unknown.';

alter table core.playlist
  add column owner_id bigint references core.listener,
  add column description text check (description <> ''),
  add column followers bigint check (followers >= 0),
  alter column spotify_id drop not null;
create unique index playlist_named_key on core.playlist (name, owner_id) where spotify_id is null;
create index playlist_owner_idx on core.playlist (owner_id) where owner_id is not null;
comment on column core.playlist.spotify_id is 'Spotify''s identifier; NULL when only the owner''s name for it is known.';
comment on column core.playlist.owner_id is 'The listener it belongs to; NULL for others'' playlists.';
comment on column core.playlist.description is 'As its owner wrote it.';
comment on column core.playlist.followers is 'Followers; NULL where Spotify does not tell.';

alter table core.playlist_track
  add column item_no integer not null default 0 check (item_no >= 0),
  add column position integer check (position >= 1),
  add column added_at timestamptz,
  drop constraint playlist_track_batch_id_row_no_key,
  add constraint playlist_track_origin_key unique (batch_id, row_no, item_no);
comment on table core.playlist_track is 'Which tracks a playlist holds: one row per raw row, or item of a page, that was accepted.';
comment on column core.playlist_track.item_no is 'The item of a page, from 1; 0 where the row itself is the listing.';
comment on column core.playlist_track.position is 'Place in the playlist, from 1; NULL when the source does not tell.';
comment on column core.playlist_track.added_at is 'When it was added; NULL when the source does not tell.';

create table core.follow (
  listener_id   bigint not null references core.listener,
  artist_id     bigint not null references core.artist,
  first_seen_at timestamptz not null default now(),
  last_seen_at  timestamptz not null default now(),
  ended_at      timestamptz,
  primary key (listener_id, artist_id)
);
create index follow_artist_idx on core.follow (artist_id);
comment on table core.follow is 'Artists a listener follows.';
comment on column core.follow.listener_id is 'Who follows.';
comment on column core.follow.artist_id is 'Whom.';
comment on column core.follow.first_seen_at is 'When it was first seen.';
comment on column core.follow.last_seen_at is 'When it was last seen.';
comment on column core.follow.ended_at is 'When it was first seen to be no more; NULL while it lasts.';

create table core.saved_track (
  listener_id bigint not null references core.listener,
  track_id    bigint not null references core.track,
  added_at    timestamptz,
  primary key (listener_id, track_id)
);
create index saved_track_track_idx on core.saved_track (track_id);
comment on table core.saved_track is 'Tracks in a listener''s library.';
comment on column core.saved_track.listener_id is 'Whose library.';
comment on column core.saved_track.track_id is 'The track.';
comment on column core.saved_track.added_at is 'When it was saved; NULL when the source does not tell.';

create table core.top_list (
  top_list_id bigint generated always as identity primary key,
  listener_id bigint not null references core.listener,
  kind        text not null check (kind in ('artists', 'tracks')),
  time_range  text not null check (time_range in ('short_term', 'medium_term', 'long_term')),
  taken_at    timestamptz not null,
  unique (listener_id, kind, time_range, taken_at)
);
comment on table core.top_list is 'A listener''s top list as Spotify gave it at one time; each time taken stays.';
comment on column core.top_list.top_list_id is 'Our number.';
comment on column core.top_list.listener_id is 'Whose list.';
comment on column core.top_list.kind is 'artists or tracks.';
comment on column core.top_list.time_range is 'short_term about 4 weeks, medium_term about 6 months, long_term about a year.';
comment on column core.top_list.taken_at is 'When it was taken.';

create table core.top_list_artist (
  top_list_id bigint not null references core.top_list,
  rank        smallint not null check (rank >= 1),
  artist_id   bigint not null references core.artist,
  primary key (top_list_id, rank),
  unique (top_list_id, artist_id)
);
create index top_list_artist_artist_idx on core.top_list_artist (artist_id);
comment on table core.top_list_artist is 'The artists of a top list.';
comment on column core.top_list_artist.top_list_id is 'The list.';
comment on column core.top_list_artist.rank is '1 is the first.';
comment on column core.top_list_artist.artist_id is 'The artist.';

create table core.top_list_track (
  top_list_id bigint not null references core.top_list,
  rank        smallint not null check (rank >= 1),
  track_id    bigint not null references core.track,
  primary key (top_list_id, rank),
  unique (top_list_id, track_id)
);
create index top_list_track_track_idx on core.top_list_track (track_id);
comment on table core.top_list_track is 'The tracks of a top list.';
comment on column core.top_list_track.top_list_id is 'The list.';
comment on column core.top_list_track.rank is '1 is the first.';
comment on column core.top_list_track.track_id is 'The track.';

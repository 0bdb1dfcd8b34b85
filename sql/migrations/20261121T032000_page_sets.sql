-- What a batch of pages is: pages of the Web API that belong together, fetched in one go and received whole or not at all.
-- It holds the cursor of the next fetch, and where plays may have been lost between two.

create table raw.page_set (
  batch_id         bigint primary key references raw.batch,
  listener_name    text not null check (listener_name <> ''),
  kind             text not null check (kind in ('profile', 'recent', 'top', 'playlists', 'library', 'artists', 'devices', 'covers')),
  unit             text not null check (unit <> ''),
  field_set        text not null check (field_set in ('before', 'after', 'unknown')),
  started_at       timestamptz not null,
  items            integer not null check (items >= 0),
  content_sha256   bytea not null check (length(content_sha256) = 32),
  newest_played_at timestamptz,
  gap_after        timestamptz,
  gap_before       timestamptz,
  constraint page_set_gap_has_ends check ((gap_after is null) = (gap_before is null) and gap_after < gap_before),
  constraint page_set_cursor_of_recent check (kind = 'recent' or (newest_played_at is null and gap_after is null))
);
create index page_set_listener_idx on raw.page_set (listener_name, kind, unit, batch_id);
comment on table raw.page_set is 'Pages of the Web API that were fetched together; the rows of raw.page with the same batch_id.';
comment on column raw.page_set.batch_id is 'The batch.';
comment on column raw.page_set.listener_name is 'In whose name they were asked for.';
comment on column raw.page_set.kind is 'What spotify fetch was asked for.';
comment on column raw.page_set.unit is 'Which part of it: recent, artists short_term, a playlist by its identifier, tracks, albums.';
comment on column raw.page_set.field_set is 'before or after: whether the answers have the fields that Spotify took away in February 2026; unknown where nothing tells.';
comment on column raw.page_set.started_at is 'When the first of its pages was asked for.';
comment on column raw.page_set.items is 'Items in all of its pages.';
comment on column raw.page_set.content_sha256 is 'SHA-256 of the pages'' bodies: the same again is not received again where only the content matters.';
comment on column raw.page_set.newest_played_at is 'Of recent plays: the newest of them, which is where the next fetch begins.';
comment on column raw.page_set.gap_after is 'Plays after this moment may be lost: more were played than Spotify keeps. NULL when none are.';
comment on column raw.page_set.gap_before is 'The oldest play that Spotify still had.';

-- Pages of the Web API become facts item by item: what a page holds is accepted or refused one item at a time.

alter table quality.quarantine add column item_no integer not null default 0 check (item_no >= 0);
alter table quality.quarantine drop constraint quarantine_pkey;
alter table quality.quarantine add constraint quarantine_pkey primary key (batch_id, row_no, item_no);
comment on table quality.quarantine is 'Refused rows, and refused items of pages: one each, with the first rule that refused it.';
comment on column quality.quarantine.item_no is 'The item of a page, from 1; 0 where the whole row, or page, is refused.';

alter table core.accepted_row add column item_no integer not null default 0 check (item_no >= 0);
alter table core.accepted_row drop constraint accepted_row_pkey;
alter table core.accepted_row add constraint accepted_row_pkey primary key (batch_id, row_no, item_no);
comment on table core.accepted_row is 'Raw rows, and items of pages, that were accepted and whose facts do not say themselves where they came from, or are gone since.';
comment on column core.accepted_row.item_no is 'The item of a page, from 1; 0 where the row itself is meant.';

create table core.saved_album (
  listener_id bigint not null references core.listener,
  album_id    bigint not null references core.album,
  added_at    timestamptz,
  primary key (listener_id, album_id)
);
create index saved_album_album_idx on core.saved_album (album_id);
comment on table core.saved_album is 'Albums in a listener''s library.';
comment on column core.saved_album.listener_id is 'Whose library.';
comment on column core.saved_album.album_id is 'The album.';
comment on column core.saved_album.added_at is 'When it was saved; NULL when the source does not tell.';

alter table core.listener add column user_id text check (user_id <> '');
comment on column core.listener.user_id is 'The name of the account by which playlists name their owner; NULL until fetched.';

-- Exports that come later look for the plays that the Web API told before.
create index play_api_idx on core.play (listener_id, ended_at) where feed = 'api';
comment on column core.play.ms_is_estimated is 'The source does not say how long it was heard: ms_played is the length of the track then, or 30 s where that is not known either.';

alter table quality.play_work add column context_type text;
alter table quality.play_work add column context_uri text;
alter table quality.track_work add column context_type text;
alter table quality.track_work add column context_uri text;
comment on column quality.track_work.context_type is 'Of a play: from where it was played, as another source told.';
comment on column quality.track_work.context_uri is 'Of a play: the URI of that, as another source told.';

create unlogged table quality.page_item (
  batch_id     bigint not null,
  row_no       integer not null,
  item_no      integer not null,
  kind         text not null,
  body         jsonb not null,
  object       jsonb,
  object_key   text,
  about        text,
  at           timestamptz,
  seen_at      timestamptz not null,
  place        integer,
  ms_played    integer,
  fact_id      bigint,
  rule_id      text,
  reason       text,
  primary key (batch_id, row_no, item_no)
);
comment on table quality.page_item is 'Items of pages of the Web API while core.load_page works on them; empty between runs.';
comment on column quality.page_item.batch_id is 'The batch: raw.batch.';
comment on column quality.page_item.row_no is 'The page: raw.page.';
comment on column quality.page_item.item_no is 'The item of that page, from 1; 0 for the page itself.';
comment on column quality.page_item.kind is 'What the item tells: play, listing, saved track and so on, as quality.page_items names it.';
comment on column quality.page_item.body is 'The item as received.';
comment on column quality.page_item.object is 'The track, album, artist or playlist that it is about.';
comment on column quality.page_item.object_key is 'By which quality.page_object has that.';
comment on column quality.page_item.about is 'What the address says beside: a playlist''s, album''s or artist''s identifier, or the time range of a top list.';
comment on column quality.page_item.at is 'When it was played or added.';
comment on column quality.page_item.seen_at is 'When Spotify was asked.';
comment on column quality.page_item.place is 'Its place in the whole list, from 1.';
comment on column quality.page_item.ms_played is 'Of a play: how long it was heard.';
comment on column quality.page_item.fact_id is 'The track, album, artist or playlist in core, once known.';
comment on column quality.page_item.rule_id is 'The rule that refuses the item, or NULL.';
comment on column quality.page_item.reason is 'Why.';

create unlogged table quality.page_object (
  batch_id   bigint not null,
  kind       text not null check (kind in ('artist', 'album', 'track')),
  object_key text not null,
  spotify_id text,
  name       text,
  body       jsonb not null,
  core_id    bigint,
  primary key (batch_id, kind, object_key)
);
comment on table quality.page_object is 'Artists, albums and tracks that pages name, once each, while core.load_page works on them; empty between runs.';
comment on column quality.page_object.batch_id is 'The batch: raw.batch.';
comment on column quality.page_object.kind is 'artist, album or track.';
comment on column quality.page_object.object_key is 'Spotify''s identifier; where there is none, the names.';
comment on column quality.page_object.spotify_id is 'Spotify''s identifier, where given.';
comment on column quality.page_object.name is 'Name, cleansed.';
comment on column quality.page_object.body is 'The fullest description that the pages have of it.';
comment on column quality.page_object.core_id is 'Its number in core, once known.';

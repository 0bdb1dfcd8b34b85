-- A list that was fetched whole also says what is no longer in it; but only the newest says how things are, and only once.
create or replace function quality.is_newest_whole(batch bigint) returns boolean
language sql stable
set search_path = pg_catalog
as $$
  select exists (
      select from raw.page_set as s
      where s.batch_id = batch and not exists (
        select from raw.page_set as later
        where later.listener_name = s.listener_name and later.kind = s.kind and later.unit = s.unit and later.started_at > s.started_at))
    and not exists (
      select from quality.run as r
      where r.batch_id = batch and r.step = 'core.load_page' and r.finished_at is not null and r.error is null)
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'page')
$$;
comment on function quality.is_newest_whole(bigint) is
  'Whether a batch of pages being worked on is a whole list, none fetched later is there, and it is worked on for the first time: what it lacks is gone then.';

create or replace function core.keep_page_library(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.saved_track as s (listener_id, track_id, added_at)
  select l.listener_id, i.fact_id, min(i.at)
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind = 'saved track' and i.rule_id is null
  group by l.listener_id, i.fact_id
  on conflict (listener_id, track_id) do update set added_at = excluded.added_at
    where excluded.added_at is not null and s.added_at is distinct from excluded.added_at;

  delete from core.saved_track as s
  using raw.page_set as g join core.listener as l on l.name = g.listener_name
  where g.batch_id = batch and g.kind = 'library' and g.unit = 'tracks' and quality.is_newest_whole(batch) and s.listener_id = l.listener_id
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'saved track' and i.fact_id = s.track_id);

  insert into core.saved_album as s (listener_id, album_id, added_at)
  select l.listener_id, i.fact_id, min(i.at)
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind = 'saved album' and i.rule_id is null
  group by l.listener_id, i.fact_id
  on conflict (listener_id, album_id) do update set added_at = excluded.added_at
    where excluded.added_at is not null and s.added_at is distinct from excluded.added_at;

  delete from core.saved_album as s
  using raw.page_set as g join core.listener as l on l.name = g.listener_name
  where g.batch_id = batch and g.kind = 'library' and g.unit = 'albums' and quality.is_newest_whole(batch) and s.listener_id = l.listener_id
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'saved album' and i.fact_id = s.album_id);

  insert into core.follow as f (listener_id, artist_id, first_seen_at, last_seen_at)
  select l.listener_id, i.fact_id, min(i.seen_at), max(i.seen_at)
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind = 'follow' and i.rule_id is null
  group by l.listener_id, i.fact_id
  on conflict (listener_id, artist_id) do update
    set first_seen_at = least(f.first_seen_at, excluded.first_seen_at), last_seen_at = excluded.last_seen_at, ended_at = null
    where excluded.last_seen_at > f.last_seen_at;

  update core.follow as f
  set ended_at = g.started_at
  from raw.page_set as g join core.listener as l on l.name = g.listener_name
  where g.batch_id = batch and g.kind = 'artists' and quality.is_newest_whole(batch) and f.listener_id = l.listener_id and f.ended_at is null
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'follow' and i.fact_id = f.artist_id)
$$;
comment on function core.keep_page_library(bigint) is
  'Part of core.load_page: accepted items become saved tracks and albums and followed artists; what a whole list no longer has goes, or ends.';

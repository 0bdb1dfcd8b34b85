create or replace function core.keep_page_playlists(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  -- An account export knows a playlist by its owner's name for it.
  update core.playlist as p
  set spotify_id = c.spotify_id
  from (
    select distinct on (l.listener_id, i.object ->> 'name') l.listener_id, quality.b7_trim(i.object ->> 'name') as name, i.object_key as spotify_id
    from quality.page_item as i
    join raw.batch as b using (batch_id)
    join core.listener as l on l.name = b.listener_name and i.object #>> '{owner,id}' in (l.user_id, l.account_id)
    where i.batch_id = batch and i.kind = 'playlist' and i.rule_id is null
      and not exists (select from core.playlist as known where known.spotify_id = i.object_key)
    order by l.listener_id, i.object ->> 'name', i.row_no, i.item_no
  ) as c
  where p.spotify_id is null and p.owner_id = c.listener_id and p.name = c.name;

  insert into core.playlist as p (spotify_id, name, description, followers, owner_id)
  select distinct on (i.object_key) i.object_key, quality.b4_null_marker(quality.b7_trim(i.object ->> 'name')),
    nullif(quality.b7_trim(i.object ->> 'description'), ''), quality.b8_whole(i.object #>> '{followers,total}', 0, 9000000000), l.listener_id
  from quality.page_item as i
  join raw.batch as b using (batch_id)
  left join core.listener as l on l.name = b.listener_name and i.object #>> '{owner,id}' in (l.user_id, l.account_id)
  where i.batch_id = batch and i.kind = 'playlist' and i.rule_id is null
  order by i.object_key, i.row_no, i.item_no
  on conflict (spotify_id) do update
    set name = coalesce(excluded.name, p.name), description = excluded.description, followers = coalesce(excluded.followers, p.followers),
        owner_id = coalesce(excluded.owner_id, p.owner_id)
    where (coalesce(excluded.name, p.name), excluded.description, coalesce(excluded.followers, p.followers), coalesce(excluded.owner_id, p.owner_id))
      is distinct from (p.name, p.description, p.followers, p.owner_id);

  insert into core.playlist (spotify_id)
  select distinct i.about from quality.page_item as i
  where i.batch_id = batch and i.kind = 'listing' and i.rule_id is null
  on conflict (spotify_id) do nothing;

  update quality.page_item as i
  set rule_id = 'B2', reason = 'the playlist lists the track already'
  from (
    select x.row_no, x.item_no, row_number() over (partition by x.about, x.fact_id order by x.place, x.row_no, x.item_no) as nth
    from quality.page_item as x where x.batch_id = batch and x.kind = 'listing' and x.rule_id is null
  ) as again
  where i.batch_id = batch and i.row_no = again.row_no and i.item_no = again.item_no and again.nth > 1;

  insert into core.playlist_track as t (playlist_id, track_id, batch_id, row_no, item_no, position, added_at)
  select p.playlist_id, i.fact_id, i.batch_id, i.row_no, i.item_no, i.place, i.at
  from quality.page_item as i
  join core.playlist as p on p.spotify_id = i.about
  where i.batch_id = batch and i.kind = 'listing' and i.rule_id is null
  order by i.row_no, i.item_no
  on conflict (playlist_id, track_id) do update set position = excluded.position, added_at = coalesce(excluded.added_at, t.added_at)
    where (excluded.position, coalesce(excluded.added_at, t.added_at)) is distinct from (t.position, t.added_at)
$$;
comment on function core.keep_page_playlists(bigint) is
  'Part of core.load_page: accepted items become playlists and what they list, in their order; a track listed again is refused by B2.';

create or replace function core.drop_page_listings(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  with gone as materialized (
    select t.playlist_id, t.track_id
    from raw.page_set as g
    join core.playlist as p on p.spotify_id = g.unit
    join core.playlist_track as t on t.playlist_id = p.playlist_id
    where g.batch_id = batch and g.kind = 'playlists' and quality.is_newest_whole(batch)
      and not exists (select from quality.page_item as i
                      where i.batch_id = batch and i.kind = 'listing' and i.about = p.spotify_id and i.fact_id = t.track_id)
  )
  delete from core.playlist_track_subgenre as s using gone as g where s.playlist_id = g.playlist_id and s.track_id = g.track_id;

  -- The row that listed it stays accounted for.
  with dropped as (
    delete from core.playlist_track as t
    using raw.page_set as g join core.playlist as p on p.spotify_id = g.unit
    where g.batch_id = batch and g.kind = 'playlists' and quality.is_newest_whole(batch) and t.playlist_id = p.playlist_id
      and not exists (select from quality.page_item as i
                      where i.batch_id = batch and i.kind = 'listing' and i.about = p.spotify_id and i.fact_id = t.track_id)
    returning t.batch_id, t.row_no, t.item_no
  )
  insert into core.accepted_row (batch_id, row_no, item_no)
  select d.batch_id, d.row_no, d.item_no from dropped as d
  on conflict do nothing
$$;
comment on function core.drop_page_listings(bigint) is 'Part of core.load_page: what a playlist that was fetched whole no longer lists goes.';

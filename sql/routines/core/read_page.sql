-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.read_page(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  insert into quality.page_item (batch_id, row_no, item_no, kind, body, object, about, at, seen_at, place)
  select g.batch_id, g.row_no, i.item_no, i.kind, i.item,
    -- Albums do not repeat themselves in each of their tracks.
    case when g.endpoint = 'albums/{id}/tracks' and jsonb_typeof(o.object) = 'object' and o.object -> 'album' is null
         then o.object || jsonb_build_object('album', jsonb_build_object('id', a.in_path)) else o.object end,
    case when i.kind in ('top artist', 'top track') then coalesce(substring(g.url from '[?&]time_range=([a-z_]+)'), 'medium_term')
         else a.in_path end,
    quality.b11_utc(quality.b7_trim(coalesce(i.item ->> 'played_at', i.item ->> 'added_at'))),
    coalesce(s.started_at, g.fetched_at),
    coalesce(quality.b8_whole(g.body ->> 'offset', 0, 1000000), quality.b8_whole(substring(g.url from '[?&]offset=([0-9]+)'), 0, 1000000), 0)
      + i.item_no - (g.endpoint = 'playlists/{id}')::integer
  from raw.page as g
  left join raw.page_set as s on s.batch_id = g.batch_id
  cross join lateral (select substring(g.url from '/(?:playlists|albums|artists)/([0-9A-Za-z]+)') as in_path) as a
  cross join lateral quality.page_items(g.endpoint, g.status, g.body) as i
  cross join lateral (
    select nullif(case
        when i.kind in ('play', 'saved track') then i.item -> 'track'
        when i.kind = 'listing' then coalesce(nullif(i.item -> 'item', 'null'), i.item -> 'track')
        when i.kind = 'saved album' then i.item -> 'album'
        when i.kind not in ('page', 'other') then i.item
      end, 'null') as object
  ) as o
  where g.batch_id = batch
    and not exists (select from core.accepted_row as r where r.batch_id = g.batch_id and r.row_no = g.row_no and r.item_no = i.item_no)
    and not exists (select from core.play as p where p.batch_id = g.batch_id and p.row_no = g.row_no and p.item_no = i.item_no)
    and not exists (select from core.playlist_track as t where t.batch_id = g.batch_id and t.row_no = g.row_no and t.item_no = i.item_no)
    and not exists (select from quality.quarantine as q where q.batch_id = g.batch_id and q.row_no = g.row_no and q.item_no = i.item_no)
$$;
comment on function core.read_page(bigint) is 'First part of core.load_page: the open items of a batch of pages, one row each, into the working table.';

create or replace function core.judge_page(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
  update quality.page_item as w
  set rule_id = case when f.b9 is not null then 'B9' when f.b4 is not null then 'B4' when f.b7 is not null then 'B7' else 'B11' end,
      reason = coalesce(f.b9, f.b4, f.b7, f.b11)
  from (
    select i.row_no, i.item_no,
      case
        when i.kind = 'page' and g.status >= 300 then format('status %s is no answer', g.status)
        when i.kind = 'page' then 'the page has no list of what it should hold'
        when b.listener_name is null and i.kind in ('play', 'device', 'profile', 'top artist', 'top track', 'saved track', 'saved album', 'follow')
          then 'nobody says whose it is'
        when i.kind = 'other' then null
        when jsonb_typeof(i.object) is distinct from 'object' then 'it names nothing: what it was about is gone'
        when i.kind in ('play', 'listing', 'saved track', 'top track', 'best track', 'track') then
          case when i.object ->> 'type' <> 'track' then format('it is about something else than a track: %s', i.object ->> 'type')
               else quality.b9_missing_reference(n.spotify_id, n.name, n.first_artist) end
        when i.kind in ('saved album', 'album') and n.spotify_id is null and (n.name is null or n.first_artist is null)
          then 'it names no album: neither an identifier nor a name with its artist'
        when i.kind = 'playlist' and n.spotify_id is null then 'it names no playlist'
        when i.kind = 'profile' and coalesce(i.object ->> 'account_id', i.object ->> 'id', '') = '' then 'it names no account'
      end as b9,
      case
        when i.kind in ('top artist', 'follow', 'artist', 'device') and n.name is null then 'name is missing'
        when i.kind in ('listing', 'best track') and i.about is null then 'its address does not say of whom or what it is'
        when i.kind in ('top artist', 'top track') and i.about not in ('short_term', 'medium_term', 'long_term')
          then format('time_range is none: %s', i.about)
      end as b4,
      case when quality.b7_has_lost_letters((select string_agg(each #>> '{}', ' ') from jsonb_path_query(i.object, 'strict $.**.name') as each))
           then 'a name has lost letters' end as b7,
      case when i.kind = 'play' and i.at is null
           then format('played_at is not a time: %s', coalesce(i.body ->> 'played_at', 'missing')) end as b11
    from quality.page_item as i
    join raw.page as g on g.batch_id = i.batch_id and g.row_no = i.row_no
    join raw.batch as b on b.batch_id = i.batch_id
    cross join lateral (
      select quality.spotify_id(i.object ->> 'id') as spotify_id, quality.b4_null_marker(quality.b7_trim(i.object ->> 'name')) as name,
        quality.b4_null_marker(quality.b7_trim(i.object #>> '{artists,0,name}')) as first_artist
    ) as n
    where i.batch_id = batch
    offset 0
  ) as f
  where w.batch_id = batch and w.row_no = f.row_no and w.item_no = f.item_no and coalesce(f.b9, f.b4, f.b7, f.b11) is not null;

  update quality.page_item as w
  set object_key = quality.object_key(w.object)
  where w.batch_id = batch and w.rule_id is null and w.object is not null and w.kind not in ('profile', 'device')
$$;
comment on function core.judge_page(bigint) is 'Second part of core.load_page: which items are refused, by which rule, and why.';

create or replace function core.collect_page_objects(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  with about as (
    select case when i.kind in ('play', 'listing', 'saved track', 'top track', 'best track', 'track') then 'track'
                when i.kind in ('saved album', 'album') then 'album'
                when i.kind in ('top artist', 'follow', 'artist') then 'artist' end as kind, i.object as body
    from quality.page_item as i where i.batch_id = batch and i.rule_id is null
  ), album as (
    select o.body from about as o where o.kind = 'album'
    union all
    select o.body -> 'album' from about as o where o.kind = 'track' and jsonb_typeof(o.body -> 'album') = 'object'
  ), track as (
    select o.body from about as o where o.kind = 'track'
    union all
    select e.body || jsonb_build_object('album', a.body - 'tracks')
    from album as a
    cross join lateral jsonb_array_elements(case when jsonb_typeof(a.body #> '{tracks,items}') = 'array' then a.body #> '{tracks,items}' end) as e (body)
    where jsonb_typeof(e.body) = 'object'
  ), artist as (
    select o.body from about as o where o.kind = 'artist'
    union all
    select e.body
    from (select t.body from track as t union all select a.body from album as a) as o
    cross join lateral jsonb_array_elements(case when jsonb_typeof(o.body -> 'artists') = 'array' then o.body -> 'artists' end) as e (body)
    where jsonb_typeof(e.body) = 'object'
  ), named as (
    select o.kind, o.body, quality.object_key(o.body) as object_key, quality.spotify_id(o.body ->> 'id') as spotify_id,
      quality.b4_null_marker(quality.b7_trim(o.body ->> 'name')) as name
    from (
      select 'track' as kind, t.body from track as t
      union all select 'album', a.body from album as a
      union all select 'artist', a.body from artist as a
    ) as o
  )
  insert into quality.page_object (batch_id, kind, object_key, spotify_id, name, body)
  select distinct on (n.kind, n.object_key) batch, n.kind, n.object_key, n.spotify_id, n.name, n.body
  from named as n
  where case n.kind when 'artist' then n.name is not null
                    else n.spotify_id is not null
                      or (n.name is not null and quality.b4_null_marker(quality.b7_trim(n.body #>> '{artists,0,name}')) is not null) end
  -- The fullest description stands: many endpoints shorten what they mention.
  order by n.kind, n.object_key, (select count(*) from jsonb_object_keys(n.body)) desc, length(n.body::text) desc, n.body::text
$$;
comment on function core.collect_page_objects(bigint) is
  'Third part of core.load_page: the artists, albums and tracks that accepted items name, and those within these, once each.';

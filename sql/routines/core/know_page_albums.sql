create or replace function core.know_page_albums(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  update quality.page_object as o
  set core_id = a.album_id
  from core.album as a
  where o.batch_id = batch and o.kind = 'album' and a.spotify_id = o.spotify_id;

  -- An export names albums with their artist alone: the first identifier that comes for such a name is taken to be it.
  with claimed as (
    update core.album as a
    set spotify_id = c.spotify_id
    from (
      select distinct on (o.name, r.core_id) o.name, r.core_id as artist_id, o.spotify_id
      from quality.page_object as o
      join quality.page_object as r on r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(o.body #> '{artists,0}')
      where o.batch_id = batch and o.kind = 'album' and o.core_id is null and o.spotify_id is not null
      order by o.name, r.core_id, o.spotify_id collate "C"
    ) as c
    where a.spotify_id is null and a.name = c.name and a.named_artist_id = c.artist_id
    returning a.album_id, a.spotify_id
  )
  update quality.page_object as o
  set core_id = c.album_id
  from claimed as c
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id = c.spotify_id;

  with made as (
    insert into core.album (spotify_id, name)
    select o.spotify_id, o.name from quality.page_object as o
    where o.batch_id = batch and o.kind = 'album' and o.core_id is null and o.spotify_id is not null
    order by o.spotify_id collate "C"
    returning album_id, spotify_id
  )
  update quality.page_object as o
  set core_id = m.album_id
  from made as m
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id = m.spotify_id;

  insert into core.album (name, named_artist_id)
  select distinct o.name, r.core_id
  from quality.page_object as o
  join quality.page_object as r on r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(o.body #> '{artists,0}')
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id is null
  order by 1, 2
  on conflict (name, named_artist_id) where spotify_id is null do nothing;

  update quality.page_object as o
  set core_id = a.album_id
  from quality.page_object as r, core.album as a
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id is null
    and r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(o.body #> '{artists,0}')
    and a.spotify_id is null and a.name = o.name and a.named_artist_id = r.core_id;

  update core.album as a
  set name = coalesce(n.name, a.name), album_type = coalesce(n.album_type, a.album_type), total_tracks = coalesce(n.total_tracks, a.total_tracks),
      image_url = coalesce(n.image_url, a.image_url), release_date = coalesce(n.release_date, a.release_date),
      release_date_precision = coalesce(n.precision, a.release_date_precision)
  from (
    select o.core_id, o.name, d.release_date, d.precision, t.album_type,
      quality.b8_whole(o.body ->> 'total_tracks', 1, 32767)::smallint as total_tracks, quality.image_url(o.body -> 'images') as image_url
    from quality.page_object as o
    cross join lateral (
      select quality.b6_partial_date(quality.b7_trim(o.body ->> 'release_date')) as release_date,
        quality.b6_date_precision(quality.b7_trim(o.body ->> 'release_date')) as precision
    ) as d
    left join lateral (
      select lower(o.body ->> 'album_type') as album_type where lower(o.body ->> 'album_type') in ('album', 'single', 'compilation')
    ) as t on true
    where o.batch_id = batch and o.kind = 'album' and o.spotify_id is not null
  ) as n
  where a.album_id = n.core_id
    and (coalesce(n.name, a.name), coalesce(n.album_type, a.album_type), coalesce(n.total_tracks, a.total_tracks),
         coalesce(n.image_url, a.image_url), coalesce(n.release_date, a.release_date), coalesce(n.precision, a.release_date_precision))
      is distinct from (a.name, a.album_type, a.total_tracks, a.image_url, a.release_date, a.release_date_precision);

  delete from core.album_artist as x
  where x.album_id in (
    select c.core_id from quality.page_credits(batch, 'album') as c group by c.core_id
    having array_agg(c.artist_id order by c.position) is distinct from
      (select array_agg(k.artist_id order by k.position) from core.album_artist as k where k.album_id = c.core_id));

  insert into core.album_artist (album_id, position, artist_id)
  select c.core_id, c.position, c.artist_id
  from quality.page_credits(batch, 'album') as c
  where not exists (select from core.album_artist as k where k.album_id = c.core_id)
$$;
comment on function core.know_page_albums(bigint) is
  'Part of core.load_page: albums that pages name, found by identifier, by name and artist where that is all that is known, or made; with artists, and what changed.';

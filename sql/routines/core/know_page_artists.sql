create or replace function core.know_page_artists(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  update quality.page_object as o
  set core_id = a.artist_id
  from core.artist as a
  where o.batch_id = batch and o.kind = 'artist' and a.spotify_id = o.spotify_id;

  -- Whoever was known by name alone is taken to be the first of that name whose identifier comes.
  with claimed as (
    update core.artist as a
    set spotify_id = c.spotify_id
    from (
      select distinct on (o.name) o.name, o.spotify_id
      from quality.page_object as o
      where o.batch_id = batch and o.kind = 'artist' and o.core_id is null and o.spotify_id is not null
      order by o.name, o.spotify_id collate "C"
    ) as c
    where a.name = c.name and not a.is_namesake and a.spotify_id is null
    returning a.artist_id, a.spotify_id
  )
  update quality.page_object as o
  set core_id = c.artist_id
  from claimed as c
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id = c.spotify_id;

  with made as (
    insert into core.artist (spotify_id, name, is_namesake)
    select o.spotify_id, o.name,
      row_number() over (partition by o.name order by o.spotify_id collate "C") > 1
        or exists (select from core.artist as a where a.name = o.name and not a.is_namesake)
    from quality.page_object as o
    where o.batch_id = batch and o.kind = 'artist' and o.core_id is null and o.spotify_id is not null
    order by o.name, o.spotify_id collate "C"
    returning artist_id, spotify_id
  )
  update quality.page_object as o
  set core_id = m.artist_id
  from made as m
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id = m.spotify_id;

  insert into core.artist (name)
  select o.name from quality.page_object as o
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id is null
  order by o.name
  on conflict (name) where not is_namesake do nothing;

  update quality.page_object as o
  set core_id = a.artist_id
  from core.artist as a
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id is null and a.name = o.name and not a.is_namesake;

  update core.artist as a
  set popularity = coalesce(n.popularity, a.popularity), followers = coalesce(n.followers, a.followers),
      image_url = coalesce(n.image_url, a.image_url),
      -- Artists rename themselves; a name that another has already stays with that one.
      name = case when exists (select from core.artist as x where x.name = n.name and not x.is_namesake) then a.name else n.name end
  from (
    select o.core_id, o.name, quality.b8_whole(o.body ->> 'popularity', 0, 100)::smallint as popularity,
      quality.b8_whole(o.body #>> '{followers,total}', 0, 9000000000) as followers, quality.image_url(o.body -> 'images') as image_url
    from quality.page_object as o
    where o.batch_id = batch and o.kind = 'artist' and o.spotify_id is not null
  ) as n
  where a.artist_id = n.core_id
    and ((n.popularity is not null and n.popularity is distinct from a.popularity)
      or (n.followers is not null and n.followers is distinct from a.followers)
      or (n.image_url is not null and n.image_url is distinct from a.image_url)
      or (n.name <> a.name and not exists (select from core.artist as x where x.name = n.name and not x.is_namesake)));

  insert into core.genre (name)
  select distinct g.name
  from quality.page_object as o
  cross join lateral (
    select quality.b4_null_marker(quality.b7_trim(e #>> '{}')) as name
    from jsonb_array_elements(case when jsonb_typeof(o.body -> 'genres') = 'array' then o.body -> 'genres' end) as e
  ) as g
  where o.batch_id = batch and o.kind = 'artist' and g.name is not null
  order by 1
  on conflict do nothing;

  insert into core.artist_genre (artist_id, genre_id)
  select distinct o.core_id, g.genre_id
  from quality.page_object as o
  cross join lateral jsonb_array_elements(case when jsonb_typeof(o.body -> 'genres') = 'array' then o.body -> 'genres' end) as e
  join core.genre as g on g.name = quality.b7_trim(e #>> '{}')
  where o.batch_id = batch and o.kind = 'artist'
  on conflict do nothing
$$;
comment on function core.know_page_artists(bigint) is
  'Part of core.load_page: artists that pages name, found by identifier, by name where that is all that is known, or made; with genres, and what changed.';

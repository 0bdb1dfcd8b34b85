create or replace function core.know_page_tracks(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  update quality.page_object as o
  set core_id = t.track_id
  from core.track as t
  where o.batch_id = batch and o.kind = 'track' and t.spotify_id = o.spotify_id;

  with made as (
    insert into core.track (spotify_id, name)
    select o.spotify_id, o.name from quality.page_object as o
    where o.batch_id = batch and o.kind = 'track' and o.core_id is null and o.spotify_id is not null
    order by o.spotify_id collate "C"
    returning track_id, spotify_id
  )
  update quality.page_object as o
  set core_id = m.track_id
  from made as m
  where o.batch_id = batch and o.kind = 'track' and o.spotify_id = m.spotify_id;

  update core.track as t
  set name = coalesce(n.name, t.name), album_id = coalesce(n.album_id, t.album_id), duration_ms = coalesce(n.duration_ms, t.duration_ms),
      popularity = coalesce(n.popularity, t.popularity), explicit = coalesce(n.explicit, t.explicit),
      disc_number = coalesce(n.disc_number, t.disc_number), track_number = coalesce(n.track_number, t.track_number),
      isrc = coalesce(n.isrc, t.isrc)
  from (
    select o.core_id, o.name, b.core_id as album_id,
      quality.b8_whole(o.body ->> 'duration_ms', 1, 2147483647)::integer as duration_ms,
      quality.b8_whole(o.body ->> 'popularity', 0, 100)::smallint as popularity,
      case when jsonb_typeof(o.body -> 'explicit') = 'boolean' then (o.body -> 'explicit')::boolean end as explicit,
      quality.b8_whole(o.body ->> 'disc_number', 1, 32767)::smallint as disc_number,
      quality.b8_whole(o.body ->> 'track_number', 1, 32767)::smallint as track_number,
      quality.b4_null_marker(quality.b7_trim(o.body #>> '{external_ids,isrc}')) as isrc
    from quality.page_object as o
    left join quality.page_object as b on b.batch_id = batch and b.kind = 'album' and b.object_key = quality.object_key(o.body -> 'album')
    where o.batch_id = batch and o.kind = 'track' and o.spotify_id is not null
  ) as n
  where t.track_id = n.core_id
    and (coalesce(n.name, t.name), coalesce(n.album_id, t.album_id), coalesce(n.duration_ms, t.duration_ms),
         coalesce(n.popularity, t.popularity), coalesce(n.explicit, t.explicit), coalesce(n.disc_number, t.disc_number),
         coalesce(n.track_number, t.track_number), coalesce(n.isrc, t.isrc))
      is distinct from (t.name, t.album_id, t.duration_ms, t.popularity, t.explicit, t.disc_number, t.track_number, t.isrc);

  delete from core.track_artist as x
  where x.track_id in (
    select c.core_id from quality.page_credits(batch, 'track') as c group by c.core_id
    having array_agg(c.artist_id order by c.position) is distinct from
      (select array_agg(k.artist_id order by k.position) from core.track_artist as k where k.track_id = c.core_id));

  insert into core.track_artist (track_id, position, artist_id)
  select c.core_id, c.position, c.artist_id
  from quality.page_credits(batch, 'track') as c
  where not exists (select from core.track_artist as k where k.track_id = c.core_id);

  -- A listener's own files have no identifier: such a track is found as histories find theirs.
  insert into quality.play_work (batch_id, row_no, artist_name, track_name)
  select batch, row_number() over (order by o.object_key collate "C"), quality.b4_null_marker(quality.b7_trim(o.body #>> '{artists,0,name}')), o.name
  from quality.page_object as o
  where o.batch_id = batch and o.kind = 'track' and o.spotify_id is null;
  select core.name_tracks(batch);
  update quality.page_object as o
  set core_id = w.track_id
  from quality.play_work as w
  where o.batch_id = batch and o.kind = 'track' and o.spotify_id is null and w.batch_id = batch
    and o.name = w.track_name and quality.b4_null_marker(quality.b7_trim(o.body #>> '{artists,0,name}')) = w.artist_name;
  delete from quality.play_work as w where w.batch_id = batch;

  update quality.page_item as i
  set fact_id = o.core_id
  from quality.page_object as o
  where i.batch_id = batch and i.rule_id is null and o.batch_id = batch and o.object_key = i.object_key
    and o.kind = case when i.kind in ('play', 'listing', 'saved track', 'top track', 'best track', 'track') then 'track'
                      when i.kind in ('saved album', 'album') then 'album'
                      when i.kind in ('top artist', 'follow', 'artist') then 'artist' end
$$;
comment on function core.know_page_tracks(bigint) is
  'Part of core.load_page: tracks that pages name, found by identifier, by name where that is all that is known, or made; with artists and album, and what changed. Items then know what they are about.';

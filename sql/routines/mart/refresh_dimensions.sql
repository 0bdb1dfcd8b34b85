create or replace function mart.refresh_dimensions() returns void
language sql
set search_path = pg_catalog
as $$
  insert into mart.dim_listener as d (listener_id, name, time_zone)
  select l.listener_id, l.name, l.time_zone from core.listener as l
  on conflict (listener_id) do update set name = excluded.name, time_zone = excluded.time_zone
  where (d.name, d.time_zone) is distinct from (excluded.name, excluded.time_zone);

  insert into mart.dim_artist (artist_id, name, spotify_id, popularity, followers)
  select w.artist_id, w.name, w.spotify_id, w.popularity, w.followers
  from mart.artist_wanted as w left join mart.dim_artist as d on d.artist_id = w.artist_id
  where d.* is distinct from w.*
  on conflict (artist_id) do update
    set name = excluded.name, spotify_id = excluded.spotify_id, popularity = excluded.popularity, followers = excluded.followers;

  insert into mart.dim_album (album_id, name, spotify_id, release_date, release_date_precision, total_tracks, artist_id)
  select w.album_id, w.name, w.spotify_id, w.release_date, w.release_date_precision, w.total_tracks, w.artist_id
  from mart.album_wanted as w left join mart.dim_album as d on d.album_id = w.album_id
  where d.* is distinct from w.*
  on conflict (album_id) do update
    set name = excluded.name, spotify_id = excluded.spotify_id, release_date = excluded.release_date,
        release_date_precision = excluded.release_date_precision, total_tracks = excluded.total_tracks, artist_id = excluded.artist_id;

  -- Facts repeat a track's artist, album and mark: where these change, its plays are looked at again.
  with changed as (
    insert into mart.dim_track
      (track_id, song_id, name, spotify_id, album_id, artist_id, duration_ms, popularity, explicit, track_number)
    select w.track_id, w.song_id, w.name, w.spotify_id, w.album_id, w.artist_id, w.duration_ms, w.popularity, w.explicit, w.track_number
    from mart.track_wanted as w left join mart.dim_track as d on d.track_id = w.track_id
    where d.* is distinct from w.*
    on conflict (track_id) do update
      set song_id = excluded.song_id, name = excluded.name, spotify_id = excluded.spotify_id, album_id = excluded.album_id,
          artist_id = excluded.artist_id, duration_ms = excluded.duration_ms, popularity = excluded.popularity,
          explicit = excluded.explicit, track_number = excluded.track_number
    returning track_id, artist_id, album_id, explicit
  )
  insert into mart.play_work (play_id)
  select f.play_id
  from mart.fact_play as f join changed as c on c.track_id = f.track_id
  where (f.artist_id, f.album_id, f.explicit) is distinct from (c.artist_id, c.album_id, c.explicit)
  on conflict do nothing;

  with went as (
    delete from mart.bridge_track_artist as b
    where not exists (select from core.track_artist as ta where ta.track_id = b.track_id and ta.artist_id = b.artist_id)
    returning b.track_id, b.artist_id
  ), losers as (
    insert into mart.artist_work (artist_id) select distinct w.artist_id from went as w on conflict do nothing
  ), came as (
    insert into mart.bridge_track_artist as b (track_id, artist_id, position)
    select ta.track_id, ta.artist_id, ta.position
    from core.track_artist as ta
    left join mart.bridge_track_artist as d on d.track_id = ta.track_id and d.artist_id = ta.artist_id
    where d.position is distinct from ta.position
    on conflict (track_id, artist_id) do update set position = excluded.position
    returning b.track_id
  )
  insert into mart.play_work (play_id)
  select f.play_id from mart.fact_play as f
  where f.track_id in (select w.track_id from went as w union select c.track_id from came as c)
  on conflict do nothing
$$;
comment on function mart.refresh_dimensions() is
  'First part of mart.refresh: dimensions as core has them, written where they differ; plays of tracks that moved are noted.';

create or replace function mart.drop_vanished() returns void
language sql
set search_path = pg_catalog
as $$
  delete from mart.dim_track as d where not exists (select from core.track as t where t.track_id = d.track_id);
  delete from mart.dim_album as d where not exists (select from core.album as a where a.album_id = d.album_id);
  delete from mart.dim_artist as d where not exists (select from core.artist as a where a.artist_id = d.artist_id);
  delete from mart.dim_listener as d where not exists (select from core.listener as l where l.listener_id = d.listener_id)
$$;
comment on function mart.drop_vanished() is 'Last part of mart.refresh: what core no longer has goes from the dimensions.';

create or replace function core.name_tracks(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.artist (name)
  select distinct w.artist_name from quality.play_work as w
  where w.batch_id = batch and w.rule_id is null
  order by 1
  on conflict (name) where not is_namesake do nothing;

  -- A spelling means the catalogue's track of exactly that artist and name; of several, the one that stands for the others.
  insert into core.track_spelling (artist_name, track_name, track_id)
  select distinct on (a.name, t.name) a.name, t.name, t.track_id
  from (
    select distinct w.artist_name, w.track_name from quality.play_work as w
    where w.batch_id = batch and w.rule_id is null
      and not exists (select from core.track_spelling as ts where ts.artist_name = w.artist_name and ts.track_name = w.track_name)
  ) as s
  join core.artist as a on a.name = s.artist_name and not a.is_namesake
  join core.track_artist as ta on ta.artist_id = a.artist_id and ta.position = 1
  join core.track as t on t.track_id = ta.track_id and t.name = s.track_name
  where t.spotify_id is not null
  order by a.name, t.name, (t.canonical_track_id is not null), t.popularity desc nulls last, t.spotify_id
  on conflict do nothing;

  with unknown as materialized (
    select s.artist_name, s.track_name, nextval('core.track_track_id_seq'::regclass) as track_id
    from (
      select distinct w.artist_name, w.track_name from quality.play_work as w
      where w.batch_id = batch and w.rule_id is null
        and not exists (select from core.track_spelling as ts where ts.artist_name = w.artist_name and ts.track_name = w.track_name)
      order by 1, 2
    ) as s
  ), tracks as (
    insert into core.track (track_id, name) overriding system value select u.track_id, u.track_name from unknown as u
  ), artists as (
    insert into core.track_artist (track_id, position, artist_id)
    select u.track_id, 1, a.artist_id from unknown as u join core.artist as a on a.name = u.artist_name and not a.is_namesake
  )
  insert into core.track_spelling (artist_name, track_name, track_id)
  select u.artist_name, u.track_name, u.track_id from unknown as u;

  update quality.play_work as w
  set track_id = ts.track_id
  from core.track_spelling as ts
  where w.batch_id = batch and w.rule_id is null and ts.artist_name = w.artist_name and ts.track_name = w.track_name
$$;
comment on function core.name_tracks(bigint) is
  'Third part of core.load_history: finds the track of each spelling, or makes one without a Spotify identifier.';

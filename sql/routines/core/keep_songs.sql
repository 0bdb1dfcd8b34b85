create or replace function core.keep_songs(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.artist (name)
  select distinct w.artist_name from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2') and w.artist_name is not null
  order by 1
  on conflict (name) where not is_namesake do nothing;

  insert into core.album as a (spotify_id, name, release_date, release_date_precision)
  select distinct on (w.album_spotify_id) w.album_spotify_id, w.album_name, w.release_date, w.release_date_precision
  from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2') and w.album_spotify_id is not null
  order by w.album_spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = coalesce(excluded.name, a.name),
        release_date = coalesce(excluded.release_date, a.release_date),
        release_date_precision = coalesce(excluded.release_date_precision, a.release_date_precision)
    where (coalesce(excluded.name, a.name), coalesce(excluded.release_date, a.release_date),
           coalesce(excluded.release_date_precision, a.release_date_precision))
      is distinct from (a.name, a.release_date, a.release_date_precision);

  insert into core.track as t (spotify_id, name, album_id, duration_ms, popularity)
  select distinct on (w.track_spotify_id) w.track_spotify_id, w.track_name, a.album_id, w.duration_ms::integer, w.popularity::smallint
  from quality.song_work as w
  left join core.album as a on a.spotify_id = w.album_spotify_id
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by w.track_spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = coalesce(excluded.name, t.name),
        album_id = coalesce(excluded.album_id, t.album_id),
        duration_ms = coalesce(excluded.duration_ms, t.duration_ms),
        popularity = coalesce(excluded.popularity, t.popularity)
    where (coalesce(excluded.name, t.name), coalesce(excluded.album_id, t.album_id),
           coalesce(excluded.duration_ms, t.duration_ms), coalesce(excluded.popularity, t.popularity))
      is distinct from (t.name, t.album_id, t.duration_ms, t.popularity);

  insert into core.track_artist (track_id, position, artist_id)
  select distinct on (t.track_id) t.track_id, 1, a.artist_id
  from quality.song_work as w
  join core.track as t on t.spotify_id = w.track_spotify_id
  join core.artist as a on a.name = w.artist_name and not a.is_namesake
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by t.track_id, w.row_no
  on conflict do nothing;

  insert into core.audio_feature as f
    (track_id, danceability, energy, key, loudness_db, mode, speechiness, acousticness, instrumentalness, liveness, valence, tempo_bpm)
  select distinct on (t.track_id) t.track_id, w.danceability, w.energy, w.key::smallint, w.loudness, w.mode::smallint, w.speechiness,
         w.acousticness, w.instrumentalness, w.liveness, w.valence, w.tempo
  from quality.song_work as w
  join core.track as t on t.spotify_id = w.track_spotify_id
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by t.track_id, w.row_no
  on conflict do nothing;

  insert into core.genre (name)
  select distinct w.genre_name from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by 1
  on conflict do nothing;

  insert into core.subgenre (genre_id, name)
  select distinct g.genre_id, w.subgenre_name
  from quality.song_work as w
  join core.genre as g on g.name = w.genre_name
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by 1, 2
  on conflict do nothing;

  insert into core.playlist as p (spotify_id, name)
  select distinct on (w.playlist_spotify_id) w.playlist_spotify_id, w.playlist_name
  from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by w.playlist_spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = excluded.name
    where excluded.name is not null and excluded.name is distinct from p.name;

  insert into core.playlist_track (playlist_id, track_id, batch_id, row_no)
  select p.playlist_id, t.track_id, w.batch_id, w.row_no
  from quality.song_work as w
  join core.playlist as p on p.spotify_id = w.playlist_spotify_id
  join core.track as t on t.spotify_id = w.track_spotify_id
  where w.batch_id = batch and w.rule_id is null
  order by w.row_no;

  insert into core.playlist_track_subgenre (playlist_id, track_id, subgenre_id)
  select distinct p.playlist_id, t.track_id, sg.subgenre_id
  from quality.song_work as w
  join core.playlist as p on p.spotify_id = w.playlist_spotify_id
  join core.track as t on t.spotify_id = w.track_spotify_id
  join core.genre as g on g.name = w.genre_name
  join core.subgenre as sg on sg.genre_id = g.genre_id and sg.name = w.subgenre_name
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  on conflict do nothing
$$;
comment on function core.keep_songs(bigint) is
  'Fourth part of core.load_songs: accepted rows into the catalogue. A row refused for B2 alone still tells the subgenre and the newest attributes.';

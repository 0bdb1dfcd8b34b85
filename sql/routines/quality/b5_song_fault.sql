create or replace function quality.b5_song_fault(received raw.song, work quality.song_work) returns text
language sql stable
set search_path = pg_catalog
as $$
  select format('%s is not a number: %s', name, received_text)
  from (values
    ('track_popularity', received.track_popularity, work.popularity),
    ('danceability', received.danceability, work.danceability),
    ('energy', received.energy, work.energy),
    ('key', received.key, work.key),
    ('loudness', received.loudness, work.loudness),
    ('mode', received.mode, work.mode),
    ('speechiness', received.speechiness, work.speechiness),
    ('acousticness', received.acousticness, work.acousticness),
    ('instrumentalness', received.instrumentalness, work.instrumentalness),
    ('liveness', received.liveness, work.liveness),
    ('valence', received.valence, work.valence),
    ('tempo', received.tempo, work.tempo),
    ('duration_ms', received.duration_ms, work.duration_ms)
  ) as field (name, received_text, number)
  where number is null and quality.b4_null_marker(quality.b7_trim(received_text)) is not null
  limit 1
$$;
comment on function quality.b5_song_fault(raw.song, quality.song_work) is 'B5: what is wrong with the numbers of a song row, or NULL.';

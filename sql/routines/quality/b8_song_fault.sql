create or replace function quality.b8_song_fault(work quality.song_work) returns text
language sql stable
set search_path = pg_catalog
as $$
  select format('%s is out of range: %s', name, number)
  from (values
    ('track_popularity', work.popularity, 0, 100),
    ('danceability', work.danceability, 0, 1),
    ('energy', work.energy, 0, 1),
    ('key', work.key, -1, 11),
    ('loudness', work.loudness, -200, 100),
    ('mode', work.mode, 0, 1),
    ('speechiness', work.speechiness, 0, 1),
    ('acousticness', work.acousticness, 0, 1),
    ('instrumentalness', work.instrumentalness, 0, 1),
    ('liveness', work.liveness, 0, 1),
    ('valence', work.valence, 0, 1),
    ('tempo', work.tempo, 0, 1000),
    ('duration_ms', work.duration_ms, 1, 2147483647)
  ) as field (name, number, low, high)
  where number not between low and high
     or (name in ('track_popularity', 'key', 'mode', 'duration_ms') and number <> trunc(number))
  limit 1
$$;
comment on function quality.b8_song_fault(quality.song_work) is 'B8: which value of a song row is out of range, or NULL.';

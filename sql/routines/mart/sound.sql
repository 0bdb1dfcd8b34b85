-- What was heard sounds like: audio features, which only songs files bring.
create or replace view mart.track_sound as
select f.track_id, n.feature, n.value
from core.audio_feature as f
cross join lateral (values
  ('danceability', f.danceability), ('energy', f.energy), ('valence', f.valence), ('acousticness', f.acousticness),
  ('instrumentalness', f.instrumentalness), ('speechiness', f.speechiness), ('liveness', f.liveness),
  ('loudness_db', f.loudness_db), ('tempo_bpm', f.tempo_bpm)
) as n (feature, value)
where n.value is not null;
comment on view mart.track_sound is 'Audio features of tracks, one row each.';
comment on column mart.track_sound.track_id is 'The track.';
comment on column mart.track_sound.feature is 'danceability, energy, valence, acousticness, instrumentalness, speechiness, liveness: 0 to 1; loudness_db; tempo_bpm.';
comment on column mart.track_sound.value is 'In its own unit.';

create or replace function mart.sound_profile(f mart.play_filter default null)
returns table (feature text, plays bigint, mean numeric, catalogue_mean numeric, lowest numeric, highest numeric)
language sql stable
as $$
  with heard as (
    select p.track_id, count(*) as plays from mart.plays(f) as p group by p.track_id
  ), known as (
    select s.feature, avg(s.value) as mean, min(s.value) as lowest, max(s.value) as highest from mart.track_sound as s group by s.feature
  ), summed as (
    select s.feature, sum(h.plays)::bigint as plays, sum(h.plays * s.value) / sum(h.plays) as mean
    from heard as h join mart.track_sound as s on s.track_id = h.track_id group by s.feature
  )
  select k.feature, coalesce(s.plays, 0), round(s.mean::numeric, 4), round(k.mean::numeric, 4), round(k.lowest::numeric, 4), round(k.highest::numeric, 4)
  from known as k left join summed as s on s.feature = k.feature
  order by array_position(array['danceability', 'energy', 'valence', 'acousticness', 'instrumentalness', 'speechiness', 'liveness', 'loudness_db',
    'tempo_bpm'], k.feature)
$$;
comment on function mart.sound_profile(mart.play_filter) is
  'The mean of each audio feature over the plays whose track has it, beside the mean of all tracks there are.';

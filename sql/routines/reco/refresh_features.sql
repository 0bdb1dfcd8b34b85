-- A song more moves every mean a little, and with it every song: all are compared, and written where they differ. Means are
-- summed up as numeric, which gives the same in whatever order the rows come.
create or replace function reco.refresh_features() returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
  means double precision[];
  deviations double precision[];
begin
  insert into reco.feature_scale as s (feature, place, mean, deviation)
  select f.feature, f.place, f.mean, coalesce(nullif(f.deviation, 0), 1)
  from (
    select
      array[avg(x[1]::numeric), avg(x[2]::numeric), avg(x[3]::numeric), avg(x[4]::numeric), avg(x[5]::numeric), avg(x[6]::numeric),
        avg(x[7]::numeric), avg(x[8]::numeric), avg(x[9]::numeric)]::double precision[] as mean,
      array[stddev_pop(x[1]::numeric), stddev_pop(x[2]::numeric), stddev_pop(x[3]::numeric), stddev_pop(x[4]::numeric),
        stddev_pop(x[5]::numeric), stddev_pop(x[6]::numeric), stddev_pop(x[7]::numeric), stddev_pop(x[8]::numeric),
        stddev_pop(x[9]::numeric)]::double precision[] as deviation
    from (select s.features as x from reco.song_sound as s) as sound
    having count(*) > 0
  ) as t
  cross join lateral unnest(
    array['danceability', 'energy', 'loudness_db', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo_bpm'],
    t.mean, t.deviation) with ordinality as f (feature, mean, deviation, place)
  on conflict (feature) do update set mean = excluded.mean, deviation = excluded.deviation
  where (s.mean, s.deviation) is distinct from (excluded.mean, excluded.deviation);

  select array_agg(s.mean order by s.place), array_agg(s.deviation order by s.place) into means, deviations from reco.feature_scale as s;

  delete from reco.song_feature as f where not exists (select from reco.song_sound as s where s.track_id = f.track_id);

  insert into reco.song_feature as f (track_id, vector)
  select w.track_id, w.vector
  from (
    select s.track_id, reco.cube(array[
      (s.features[1] - means[1]) / deviations[1], (s.features[2] - means[2]) / deviations[2], (s.features[3] - means[3]) / deviations[3],
      (s.features[4] - means[4]) / deviations[4], (s.features[5] - means[5]) / deviations[5], (s.features[6] - means[6]) / deviations[6],
      (s.features[7] - means[7]) / deviations[7], (s.features[8] - means[8]) / deviations[8], (s.features[9] - means[9]) / deviations[9]
    ]) as vector
    from reco.song_sound as s
  ) as w
  left join reco.song_feature as known on known.track_id = w.track_id
  where known.vector is null or known.vector operator(reco.<>) w.vector
  on conflict (track_id) do update set vector = excluded.vector;
end
$$;
comment on function reco.refresh_features() is 'Last part of reco.refresh: the sound of each song as a point, in standard deviations from the mean.';

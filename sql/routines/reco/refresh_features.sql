-- A song more moves every mean a little, and with it every song: all are compared, and written where they differ. Sums are of
-- millionths, whole numbers, which give the same in whatever order the rows come.
create or replace function reco.refresh_features() returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
  means double precision[];
  deviations double precision[];
begin
  insert into reco.feature_scale as s (feature, place, mean, deviation)
  select name.feature, name.place, t.sum / t.n / 1e6, coalesce(nullif(sqrt((t.n * t.squares - t.sum ^ 2) / t.n ^ 2) / 1e6, 0), 1)
  from (
    select f.place, count(*)::numeric as n, sum(m.millionths) as sum, sum(m.millionths * m.millionths) as squares
    from reco.song_sound as sound
    cross join lateral unnest(sound.features) with ordinality as f (value, place)
    cross join lateral (select round(f.value * 1e6)::bigint as millionths) as m
    group by f.place
  ) as t
  join unnest(array['danceability', 'energy', 'loudness_db', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo_bpm'])
    with ordinality as name (feature, place) on name.place = t.place
  on conflict (feature) do update set mean = excluded.mean, deviation = excluded.deviation
  where (s.mean, s.deviation) is distinct from (excluded.mean, excluded.deviation);

  select array_agg(s.mean order by s.place), array_agg(s.deviation order by s.place) into means, deviations from reco.feature_scale as s;

  delete from reco.song_feature as f where not exists (select from reco.song_sound as s where s.track_id = f.track_id);

  -- Nothing was analysed, as where there are histories alone; and of no mean the planner would make a point of NULLs.
  if means is null then
    return;
  end if;

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

create or replace function reco.by_preference(genres text[] default '{}', features jsonb default '{}', seed_tracks bigint[] default '{}', k integer default 10,
  popularity_weight double precision default 0.2, unheard_by bigint default null)
returns table (rank bigint, track_id bigint, name text, artist text, score double precision, reason text, because_of bigint)
language plpgsql stable
set search_path = pg_catalog
as $$
#variable_conflict use_column
declare
  unknown text;
  wanted_genres text[] := array(select distinct quality.b13_fold(g) from unnest(genres) as g where g is not null);
  songs bigint[] := array(select distinct coalesce(t.canonical_track_id, t.track_id) from core.track as t where t.track_id = any (seed_tracks));
  places smallint[];
  targets double precision[];
begin
  select string_agg(distinct w, ', ') into unknown from unnest(wanted_genres) as w
  where not exists (select from core.genre as g where quality.b13_fold(g.name) = w)
    and not exists (select from core.subgenre as g where quality.b13_fold(g.name) = w);
  if unknown is not null then
    raise exception using errcode = 'invalid_parameter_value', message = format('there is no genre %s', unknown),
      hint = 'core.genre and core.subgenre have those that there are.';
  end if;
  select string_agg(f.key, ', ') into unknown from jsonb_each(features) as f
  where jsonb_typeof(f.value) <> 'number' or not exists (select from reco.feature_scale as s where s.feature = f.key);
  if unknown is not null then
    raise exception using errcode = 'invalid_parameter_value', message = format('there is no audio feature %s, or its value is not a number', unknown),
      hint = 'reco.feature_scale has those that there are: {"energy": 0.8, "tempo_bpm": 120}.';
  end if;
  select string_agg(s::text, ', ') into unknown from unnest(seed_tracks) as s where not exists (select from core.track as t where t.track_id = s);
  if unknown is not null then
    raise exception using errcode = 'invalid_parameter_value', message = format('there is no track %s', unknown);
  end if;
  if popularity_weight is null or popularity_weight < 0 or popularity_weight > 1 then
    raise exception using errcode = 'invalid_parameter_value', message = format('%s is no weight of popularity', popularity_weight),
      hint = 'It takes a number from 0 to 1.';
  end if;
  -- What is said of features counts; of the others, where there are seeds, how these sound.
  select array_agg(t.place order by t.place), array_agg(t.target order by t.place) into places, targets
  from (
    select s.place, coalesce(((features ->> s.feature)::double precision - s.mean) / s.deviation, sound.target) as target
    from reco.feature_scale as s
    left join lateral (
      select avg(reco.cube_ll_coord(f.vector, s.place)) as target from reco.song_feature as f where f.track_id = any (songs)
    ) as sound on true
  ) as t
  where t.target is not null;

  return query
  with allowed as materialized (
    select g.track_id from reco.song_genre as g
    where cardinality(wanted_genres) > 0 and quality.b13_fold(g.genre) = any (wanted_genres)
    group by g.track_id
  ), said as (
    select n.neighbour_id as track_id, sum(n.score) as weight
    from reco.neighbour as n where n.track_id = any (songs) group by n.neighbour_id
  ), together as (
    select s.track_id, row_number() over (order by s.weight desc, s.track_id) as place from said as s
    where cardinality(wanted_genres) = 0 or exists (select from allowed as a where a.track_id = s.track_id)
  ), sound as (
    select near.track_id, row_number() over (order by near.distance, near.track_id) as place
    from (
      select f.track_id, d.distance
      from reco.song_feature as f
      cross join lateral (
        select sum((reco.cube_ll_coord(f.vector, p.place) - p.target) ^ 2) as distance from unnest(places, targets) as p (place, target)
      ) as d
      where places is not null
        and (cardinality(wanted_genres) = 0 or exists (select from allowed as a where a.track_id = f.track_id))
      order by d.distance, f.track_id
      limit 500
    ) as near
  ), popular as (
    select c.track_id, row_number() over (order by c.weight desc, c.track_id) as place
    from (
      select s.track_id, coalesce(n.times, 0) * 1000 + coalesce(s.popularity, 0) as weight
      from reco.song as s left join reco.song_count as n on n.basis = 'sessions' and n.track_id = s.track_id
      where cardinality(wanted_genres) = 0 or exists (select from allowed as a where a.track_id = s.track_id)
    ) as c
    order by c.weight desc, c.track_id
    limit 500
  ), fused as (
    -- Reciprocal ranks: distances, scores and counts have no unit in common, places do.
    select v.track_id, sum(v.weight / (60 + v.place)) as score, (array_agg(v.reason order by v.weight / (60 + v.place) desc, v.reason))[1] as reason
    from (
      select t.track_id, t.place, 1.0::double precision as weight, 'found together' as reason from together as t
      union all select s.track_id, s.place, 1.0, 'sounds as asked' from sound as s
      union all select p.track_id, p.place, popularity_weight, 'popular' from popular as p
    ) as v
    where v.track_id <> all (songs)
      and not exists (select from reco.listener_song as h where h.listener_id = unheard_by and h.track_id = v.track_id)
      and not exists (
        select from core.saved_track as h join core.track as t on t.track_id = h.track_id
        where h.listener_id = unheard_by and coalesce(t.canonical_track_id, t.track_id) = v.track_id)
    group by v.track_id
    order by score desc, v.track_id
    limit k + 10
  )
  select row_number() over (order by f.score desc, f.track_id), f.track_id, s.name, s.artist, f.score, f.reason,
    case when f.reason = 'found together' then (
      select n.track_id from reco.neighbour as n where n.track_id = any (songs) and n.neighbour_id = f.track_id
      group by n.track_id order by sum(n.score) desc, n.track_id limit 1) end
  from fused as f join reco.song as s on s.track_id = f.track_id
  order by f.score desc, f.track_id
  limit greatest(k, 0);
end
$$;
comment on function reco.by_preference(text[], jsonb, bigint[], integer, double precision, bigint) is
  'k songs for somebody without a history: of any of these genres or subgenres (all without one), near these audio features in their own units ({"energy": 0.8, "tempo_bpm": 120}; what is not named does not count), and found together with these tracks; because_of is the one of them that said most. popularity_weight, 0 to 1, says how much it counts that others hear a song; what unheard_by heard or saved is left out. Names that are unknown are refused.';

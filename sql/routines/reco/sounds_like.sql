create or replace function reco.sounds_like(track bigint, k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, distance double precision)
language plpgsql stable
set search_path = pg_catalog
as $$
#variable_conflict use_column
declare
  here reco.cube;
begin
  select f.vector into here
  from core.track as t join reco.song_feature as f on f.track_id = coalesce(t.canonical_track_id, t.track_id)
  where t.track_id = track;
  if here is null or k < 1 then
    return;
  end if;
  -- A few more than asked for: since the last refresh another track may have come to stand for one of them.
  return query
  select row_number() over (order by n.distance, n.track_id), n.track_id, s.name, s.artist, n.distance
  from (
    select f.track_id, f.vector operator(reco.<->) here as distance
    from reco.song_feature as f order by f.vector operator(reco.<->) here limit k + 10
  ) as n
  join reco.song as s on s.track_id = n.track_id
  where n.track_id <> (select coalesce(t.canonical_track_id, t.track_id) from core.track as t where t.track_id = track)
  order by n.distance, n.track_id
  limit k;
end
$$;
comment on function reco.sounds_like(bigint, integer) is
  'The k songs whose audio features are nearest to a track''s, in standard deviations over nine features; nothing where its features are unknown. It tells what sounds alike, not what people like together.';

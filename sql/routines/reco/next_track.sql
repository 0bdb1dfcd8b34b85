create or replace function reco.next_track(track bigint, k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, score double precision, reason text)
language plpgsql stable
set search_path = pg_catalog
as $$
#variable_conflict use_column
declare
  song bigint := (select coalesce(t.canonical_track_id, t.track_id) from core.track as t where t.track_id = track);
  given bigint[] := array[song];
  step text;
  pick record;
begin
  rank := 0;
  if song is null or k < 1 then
    return;
  end if;
  for pick in
    select s.track_id, s.name, s.artist, n.score, n.basis
    from reco.neighbour_list as l
    cross join lateral unnest(l.neighbours, l.scores) with ordinality as n0 (neighbour_id, score, place)
    cross join lateral (select n0.neighbour_id, n0.score, n0.place, l.basis) as n
    join reco.song as s on s.track_id = n.neighbour_id
    where l.track_id = song
    order by array_position(array['sessions', 'playlists', 'listeners'], n.basis), n.place
  loop
    exit when rank >= k;
    continue when pick.track_id = any (given);
    rank := rank + 1;
    track_id := pick.track_id;
    name := pick.name;
    artist := pick.artist;
    score := pick.score;
    reason := case pick.basis when 'sessions' then 'heard close to it' when 'playlists' then 'on playlists with it' else 'heard by the same listeners' end;
    given := given || pick.track_id;
    return next;
  end loop;
  foreach step in array array['same artist', 'popular'] loop
    exit when rank >= k;
    for pick in
      select f.track_id, f.name, f.artist, f.times from reco.fill(step, array[song], k - rank::integer, given) as f
    loop
      rank := rank + 1;
      track_id := pick.track_id;
      name := pick.name;
      artist := pick.artist;
      score := pick.times;
      reason := step;
      given := given || pick.track_id;
      return next;
    end loop;
  end loop;
end
$$;
comment on function reco.next_track(bigint, integer) is
  'What to play after a track: songs heard close to it in sessions; where these are too few, songs on playlists with it, of the same listeners, of its artist, and last what is popular. The reason says which; scores of different reasons do not compare.';

create or replace function reco.fill(step text, songs bigint[], k integer, given bigint[], listener bigint default null, since timestamptz default null)
returns table (track_id bigint, name text, artist text, times integer)
language plpgsql stable
set search_path = pg_catalog
as $$
#variable_conflict use_column
begin
  -- Read in the order of popularity until there are enough: an index gives that order.
  if step = 'same artist' then
    return query
    select s.track_id, s.name, s.artist, coalesce(c.times, 0)
    from (
      select distinct other.track_id
      from core.track_artist as mine
      join core.track_artist as other on other.artist_id = mine.artist_id and other.position = 1
      where mine.track_id = any (songs) and mine.position = 1
    ) as o
    join reco.song as s on s.track_id = o.track_id
    left join reco.song_count as c on c.basis = 'sessions' and c.track_id = s.track_id
    where s.track_id <> all (given) and not reco.is_known(listener, s.track_id, since)
    order by c.times desc nulls last, s.popularity desc nulls last, s.track_id
    limit k;
  else
    return query
    select s.track_id, s.name, s.artist, c.times
    from reco.song_count as c join reco.song as s on s.track_id = c.track_id
    where c.basis = 'sessions' and c.track_id <> all (given) and not reco.is_known(listener, c.track_id, since)
    order by c.times desc, c.track_id
    limit k;
  end if;
end
$$;
comment on function reco.fill(text, bigint[], integer, bigint[], bigint, timestamptz) is
  'Part of the recommendations, for where co-occurrence has too little to say: the most heard songs of the same artists, or of all.';

-- Without SET, so that it is expanded into the query that calls it.
create or replace function reco.is_known(listener bigint, song bigint, since timestamptz) returns boolean
language sql stable
as $$
  select listener is not null
    and (exists (select from reco.listener_song as h where h.listener_id = listener and h.track_id = song and h.last_heard_at >= coalesce(since, '-infinity'))
      or since is null and (
        exists (select from core.saved_track as v where v.listener_id = listener and v.track_id = song)
        or exists (
          select from core.track as t join core.saved_track as v on v.track_id = t.track_id and v.listener_id = listener
          where t.canonical_track_id = song)))
$$;
comment on function reco.is_known(bigint, bigint, timestamptz) is
  'Whether a listener heard a song since then; without a time, whether they ever heard or saved it. False without a listener.';

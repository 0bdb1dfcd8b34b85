create or replace function reco.recommend(listener bigint, k integer default 10, heard text default 'never', recent interval default '30 days')
returns table (rank bigint, track_id bigint, name text, artist text, score double precision, reason text, because_of bigint)
language plpgsql stable
set search_path = pg_catalog
as $$
#variable_conflict use_column
declare
  since timestamptz;
  seeds bigint[];
  weights double precision[];
  given bigint[] := '{}';
  step text;
  pick record;
begin
  if heard is null or heard not in ('never', 'not recently', 'any') then
    raise exception using errcode = 'invalid_parameter_value', message = format('heard has no "%s"', heard),
      hint = 'It takes never, not recently or any.';
  end if;
  rank := 0;
  if k < 1 then
    return;
  end if;
  -- What was heard most says most, and what was heard last as well: half a year ago counts half.
  with last as (
    select max(l.ended_at) as at from reco.listen as l where l.listener_id = listener
  ), liked as (
    (select s.track_id, ln(1 + s.listens) * (0.5 + 0.5 * exp(-extract(epoch from last.at - s.last_heard_at)::double precision / 15552000)) as weight
     from reco.listener_song as s cross join last where s.listener_id = listener
     order by s.listens desc, s.track_id limit 40)
    union all
    (select coalesce(t.canonical_track_id, t.track_id), ln(2)
     from core.saved_track as v join core.track as t on t.track_id = v.track_id where v.listener_id = listener
     order by v.added_at desc nulls last, v.track_id limit 40)
  )
  select array_agg(l.track_id order by l.weight desc, l.track_id), array_agg(l.weight order by l.weight desc, l.track_id),
    case heard when 'never' then null when 'any' then 'infinity' else (select last.at - recent from last) end
  into seeds, weights, since
  from (select liked.track_id, sum(liked.weight) as weight from liked group by liked.track_id) as l;

  for pick in
    with said as materialized (
      -- Both lists are as long as each other. Taken apart here, where nothing is kept of them; among the tables each would be stored first.
      select n.neighbour_id, n.seed_id, n.weight * n.score as weight
      from (
        select s.track_id as seed_id, s.weight, unnest(l.neighbours) as neighbour_id, unnest(l.scores) as score
        from unnest(seeds, weights) as s (track_id, weight)
        join reco.neighbour_list as l on l.track_id = s.track_id
      ) as n
    ), summed as (
      select n.neighbour_id, sum(n.weight) as score from said as n group by n.neighbour_id
    ), best as materialized (
      -- Sorted first: from the best on, only as many are looked up as are wanted. As reco.is_known has it, which costs a call each.
      select m.neighbour_id, m.score
      from (select s.neighbour_id, s.score from summed as s order by s.score desc, s.neighbour_id offset 0) as m
      where not exists (
          select from reco.listener_song as h
          where h.listener_id = recommend.listener and h.track_id = m.neighbour_id and h.last_heard_at >= coalesce(since, '-infinity'))
        and not exists (
          select from core.saved_track as v join core.track as t on t.track_id = v.track_id
          where since is null and v.listener_id = recommend.listener and coalesce(t.canonical_track_id, t.track_id) = m.neighbour_id)
      order by m.score desc, m.neighbour_id
      limit k + 10
    ), why as (
      select distinct on (n.neighbour_id) n.neighbour_id, n.seed_id
      from said as n join best as b on b.neighbour_id = n.neighbour_id
      order by n.neighbour_id, n.weight desc, n.seed_id
    )
    select s.track_id, s.name, s.artist, b.score, y.seed_id
    from best as b
    join why as y on y.neighbour_id = b.neighbour_id
    join reco.song as s on s.track_id = b.neighbour_id
    order by b.score desc, b.neighbour_id
    limit k
  loop
    rank := rank + 1;
    track_id := pick.track_id;
    name := pick.name;
    artist := pick.artist;
    score := pick.score;
    reason := 'found together';
    because_of := pick.seed_id;
    given := given || pick.track_id;
    return next;
  end loop;
  because_of := null;
  foreach step in array array['same artist', 'popular'] loop
    exit when rank >= k;
    continue when step = 'same artist' and seeds is null;
    for pick in
      select f.track_id, f.name, f.artist, f.times from reco.fill(step, seeds[:20], k - rank::integer, given, listener, since) as f
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
comment on function reco.recommend(bigint, integer, text, interval) is
  'k songs for a listener, by what is found together with what they hear most; where that is too little, of the same artists, and last what is popular. heard says what of their own may come: never what they heard or saved; not recently: what they did not hear for so long before their last listen; any. because_of is the song of theirs that said most for it. Every song comes once, however many tracks mean it.';

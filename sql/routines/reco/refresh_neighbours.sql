-- A song's list changes when it is found with others more or less often, and when the times of one that stands on it, or
-- might, change: these times stand below the line. So that a refresh gives what a rebuild gives, all of these are found again.
-- One basis after the other: the planner then leaves out the other parts of the views, and sorts numbers instead of texts.
create or replace function reco.refresh_counts(which text) returns void
language plpgsql
set search_path = pg_catalog
as $$
begin
  insert into reco.count_work (track_id, times, before)
  select w.track_id, count(o.track_id), coalesce((select s.times from reco.song_count as s where s.basis = which and s.track_id = w.track_id), 0)
  from reco.song_work as w left join reco.occurrence as o on o.track_id = w.track_id and o.basis = which
  where w.basis = which
  group by w.track_id;
  perform reco.measure_work();

  delete from reco.song_count as s using reco.count_work as c where s.basis = which and s.track_id = c.track_id and c.times = 0;
  insert into reco.song_count (basis, track_id, times)
  select which, c.track_id, c.times from reco.count_work as c where c.times > 0 and c.times <> c.before
  on conflict (basis, track_id) do update set times = excluded.times;

  -- More of a song lowers its score: who has it on the list may drop it. Less of it raises the score: who was ever found with it may take it.
  if exists (select from reco.count_work as c where c.times > c.before and c.before > 0) then
    insert into reco.song_work (basis, track_id)
    select distinct which, l.track_id
    from reco.neighbour_list as l cross join lateral unnest(l.neighbours) as n (track_id)
    join reco.count_work as c on c.track_id = n.track_id
    where l.basis = which and c.times > c.before
    on conflict do nothing;
  end if;
  if exists (select from reco.count_work as c where c.times < c.before) then
    insert into reco.song_work (basis, track_id)
    select distinct which, t.neighbour_id
    from reco.count_work as c join reco.together as t on t.track_id = c.track_id and t.basis = which
    where c.times < c.before
    on conflict do nothing;
  end if;
  delete from reco.count_work;
end
$$;
comment on function reco.refresh_counts(text) is
  'Fourth part of reco.refresh: how often the noted songs of one basis occur now, and whose neighbours that may change beside their own.';

create or replace function reco.refresh_neighbours(which text) returns void
language plpgsql
set search_path = pg_catalog
set work_mem = '128MB'
as $$
declare
  wanted_shrinkage double precision;
  wanted_neighbours integer;
  reach double precision;
  -- What one person alone listens to says something of that person, and nothing of what people like together.
  fewest constant integer := case which when 'listeners' then 2 else 1 end;
begin
  select s.shrinkage, s.neighbours, case which when 'sessions' then s.session_window else 1 end
  into wanted_shrinkage, wanted_neighbours, reach from reco.setting as s;

  delete from reco.neighbour_list as l using reco.song_work as w
  where l.basis = which and w.basis = which and l.track_id = w.track_id
    and not (
      exists (select from reco.song_count as c where c.basis = which and c.track_id = w.track_id and c.times >= fewest)
      and exists (select from reco.together as t where t.basis = which and t.track_id = w.track_id));

  insert into reco.neighbour_list as l (track_id, basis, neighbours, scores)
  select r.track_id, which, array_agg(r.neighbour_id order by r.rank), array_agg(r.score::real order by r.rank)
  from (
    select p.track_id, p.neighbour_id, s.score,
      row_number() over (partition by p.track_id order by s.score desc, p.neighbour_id) as rank
    from (
      select t.track_id, t.neighbour_id, sum(t.points) as points
      from reco.song_work as w join reco.together as t on t.track_id = w.track_id
      where w.basis = which and t.basis = which
      group by t.track_id, t.neighbour_id
    ) as p
    join reco.song_count as mine on mine.track_id = p.track_id and mine.basis = which and mine.times >= fewest
    join reco.song_count as theirs on theirs.track_id = p.neighbour_id and theirs.basis = which
    cross join lateral (
      select p.points / reach / (sqrt(mine.times::double precision * theirs.times) + wanted_shrinkage) as score
    ) as s
  ) as r
  where r.rank <= wanted_neighbours
  group by r.track_id
  on conflict (track_id, basis) do update set neighbours = excluded.neighbours, scores = excluded.scores
  where (l.neighbours, l.scores) is distinct from (excluded.neighbours, excluded.scores);
end
$$;
comment on function reco.refresh_neighbours(text) is
  'Fifth part of reco.refresh: the neighbours of the noted songs, on one basis, are found again and written where they differ.';

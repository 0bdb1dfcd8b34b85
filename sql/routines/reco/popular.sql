create or replace function reco.popular(k integer default 10, recent interval default null)
returns table (rank bigint, track_id bigint, name text, artist text, listens bigint)
language plpgsql stable
set search_path = pg_catalog
as $$
#variable_conflict use_column
begin
  if recent is null then
    return query
    select row_number() over (order by c.times desc, c.track_id), c.track_id, s.name, s.artist, c.times::bigint
    from reco.song_count as c join reco.song as s on s.track_id = c.track_id
    where c.basis = 'sessions'
    order by c.times desc, c.track_id limit k;
  else
    return query
    select row_number() over (order by c.listens desc, c.track_id), c.track_id, s.name, s.artist, c.listens
    from (
      select l.track_id, count(*) as listens from reco.listen as l
      where l.ended_at > (select max(x.ended_at) from reco.listen as x) - recent group by l.track_id
    ) as c
    join reco.song as s on s.track_id = c.track_id
    order by c.listens desc, c.track_id limit k;
  end if;
end
$$;
comment on function reco.popular(integer, interval) is
  'The baseline: the k most heard songs of all listeners, ever or in so long before the last listen there is.';

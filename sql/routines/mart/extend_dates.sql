-- The plays of a load are fresh, and in memory: to look each up costs less than the planner thinks, who would read all that there are.
create or replace function mart.extend_dates() returns void
language sql
set search_path = pg_catalog
set random_page_cost = 1.1
as $$
  insert into mart.dim_date
  select to_char(d, 'YYYYMMDD')::integer, d::date, extract(year from d), extract(quarter from d), extract(month from d),
    (array['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'])
      [extract(month from d)::integer],
    date_trunc('month', d)::date, extract(day from d), extract(isoyear from d), extract(week from d), date_trunc('week', d)::date,
    extract(isodow from d),
    (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[extract(isodow from d)::integer],
    extract(isodow from d) >= 6
  from (
    -- A day more at both ends: no zone is further than that from UTC. What is there already leaves no hole to what is new.
    select least(new.first, known.first) as first, greatest(new.last, known.last) as last
    from (
      select min(p.ended_at) at time zone 'UTC' - interval '1 day' as first, max(p.ended_at) at time zone 'UTC' + interval '1 day' as last
      from mart.play_work as w join core.play as p on p.play_id = w.play_id
    ) as new
    cross join (select min(k.day)::timestamp as first, max(k.day)::timestamp as last from mart.dim_date as k) as known
    where new.first < known.first or new.last > known.last or known.first is null
  ) as span
  cross join lateral generate_series(date_trunc('day', span.first), date_trunc('day', span.last), interval '1 day') as d
  on conflict do nothing
$$;
comment on function mart.extend_dates() is 'Part of mart.refresh: every day from the first play to the last, in any zone, has its row.';

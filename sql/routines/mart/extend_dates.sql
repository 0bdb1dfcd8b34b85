create or replace function mart.extend_dates() returns void
language sql
set search_path = pg_catalog
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
    -- A day more at both ends: no zone is further than that from UTC.
    select min(p.ended_at) at time zone 'UTC' - interval '1 day' as first, max(p.ended_at) at time zone 'UTC' + interval '1 day' as last
    from core.play as p
  ) as span
  cross join lateral generate_series(date_trunc('day', span.first), date_trunc('day', span.last), interval '1 day') as d
  on conflict do nothing
$$;
comment on function mart.extend_dates() is 'Part of mart.refresh: every day from the first play to the last, in any zone, has its row.';

create or replace function quality.b6_partial_date(value text) returns date
language sql immutable parallel safe
as $$
  select case
    when value ~ '^[12][0-9]{3}$' then pg_catalog.make_date(value::integer, 1, 1)
    when value ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])$'
      then pg_catalog.make_date(pg_catalog.substr(value, 1, 4)::integer, pg_catalog.substr(value, 6, 2)::integer, 1)
    when value ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then
      case when pg_catalog.substr(value, 9, 2)::integer <= pg_catalog.date_part('day',
             pg_catalog.make_date(pg_catalog.substr(value, 1, 4)::integer, pg_catalog.substr(value, 6, 2)::integer, 1)
             + interval '1 month' - interval '1 day')
           then pg_catalog.make_date(pg_catalog.substr(value, 1, 4)::integer, pg_catalog.substr(value, 6, 2)::integer,
             pg_catalog.substr(value, 9, 2)::integer) end
  end
$$;
comment on function quality.b6_partial_date(text) is 'B6: the first day of a year (1995), month (1995-06) or day (1995-06-14); NULL for anything else, impossible dates included.';

create or replace function quality.b6_date_precision(value text) returns text
language sql immutable parallel safe
as $$
  select case when quality.b6_partial_date(value) is null then null
              else (case pg_catalog.length(value) when 4 then 'year' when 7 then 'month' else 'day' end) end
$$;
comment on function quality.b6_date_precision(text) is 'B6: year, month or day; NULL where b6_partial_date is NULL.';

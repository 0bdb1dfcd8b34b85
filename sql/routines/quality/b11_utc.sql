create or replace function quality.b11_utc(value text) returns timestamptz
language sql immutable parallel safe
as $$
  select case when value ~ '^[0-9-]{10}[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?Z?$'
              then (quality.b6_partial_date(pg_catalog.substr(value, 1, 10))
                    + pg_catalog.make_time(pg_catalog.substr(value, 12, 2)::integer, pg_catalog.substr(value, 15, 2)::integer,
                        coalesce(pg_catalog.substring(value, '^.{17}([0-9.]+)')::double precision, 0)))
                   at time zone 'UTC' end
$$;
comment on function quality.b11_utc(text) is 'B11: the moment in a text of the form 2021-04-22 05:41 or 2021-04-22T05:41:12.345Z, which is UTC; NULL for anything else.';

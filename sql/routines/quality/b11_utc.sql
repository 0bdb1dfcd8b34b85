-- Nearly all ends have one of three forms and a day that every month has: those are told by their digits, at a quarter of the price.
create or replace function quality.b11_utc(value text) returns timestamptz
language sql immutable parallel safe
as $$
  select case
    when pg_catalog.translate(value, '123456789', '000000000') in ('0000-00-00 00:00', '0000-00-00T00:00:00Z', '0000-00-00 00:00:00')
      and pg_catalog.left(value, 1) in ('1', '2')
      and pg_catalog.substr(value, 6, 2)::integer between 1 and 12 and pg_catalog.substr(value, 9, 2)::integer between 1 and 28
      and pg_catalog.substr(value, 12, 2)::integer <= 23 and pg_catalog.substr(value, 15, 2)::integer <= 59
      and coalesce(nullif(pg_catalog.substr(value, 18, 2), '')::integer, 0) <= 59
    then pg_catalog.make_timestamp(pg_catalog.left(value, 4)::integer, pg_catalog.substr(value, 6, 2)::integer,
           pg_catalog.substr(value, 9, 2)::integer, pg_catalog.substr(value, 12, 2)::integer, pg_catalog.substr(value, 15, 2)::integer,
           coalesce(nullif(pg_catalog.substr(value, 18, 2), '')::double precision, 0)) at time zone 'UTC'
    when value ~ '^[0-9-]{10}[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?Z?$'
    then (quality.b6_partial_date(pg_catalog.substr(value, 1, 10))
          + pg_catalog.make_time(pg_catalog.substr(value, 12, 2)::integer, pg_catalog.substr(value, 15, 2)::integer,
              coalesce(pg_catalog.substring(value, '^.{17}([0-9.]+)')::double precision, 0)))
         at time zone 'UTC' end
$$;
comment on function quality.b11_utc(text) is 'B11: the moment in a text of the form 2021-04-22 05:41 or 2021-04-22T05:41:12.345Z, which is UTC; NULL for anything else.';

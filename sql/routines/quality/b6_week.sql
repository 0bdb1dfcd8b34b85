create or replace function quality.b6_week(value text) returns daterange
language sql immutable parallel safe
as $$
  select case when quality.b7_trim(value) ~ '^[0-9-]{10}--[0-9-]{10}$'
               and quality.b6_partial_date(pg_catalog.left(quality.b7_trim(value), 10))
                 < quality.b6_partial_date(pg_catalog.right(quality.b7_trim(value), 10))
              then pg_catalog.daterange(quality.b6_partial_date(pg_catalog.left(quality.b7_trim(value), 10)),
                                        quality.b6_partial_date(pg_catalog.right(quality.b7_trim(value), 10))) end
$$;
comment on function quality.b6_week(text) is 'B6: the days of a text such as 2021-07-23--2021-07-30, the last excluded; NULL for anything else.';

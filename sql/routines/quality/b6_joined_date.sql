-- What is missing must not let a day pass for a month: then it is no date, and the row is refused.
create or replace function quality.b6_joined_date(year text, month text, day text) returns text
language sql immutable parallel safe
as $$
  select case
    when p.day is not null then pg_catalog.concat(p.year, '-', p.month, '-', p.day)
    when p.month is not null then pg_catalog.concat(p.year, '-', p.month)
    else p.year end
  from (
    select quality.b4_null_marker(quality.b7_trim(year)) as year,
      pg_catalog.regexp_replace(quality.b4_null_marker(quality.b7_trim(month)), '^([0-9])$', '0\1') as month,
      pg_catalog.regexp_replace(quality.b4_null_marker(quality.b7_trim(day)), '^([0-9])$', '0\1') as day
  ) as p
$$;
comment on function quality.b6_joined_date(text, text, text) is
  'B6: a date of three columns as one text such as 2019-06-14, 2019-06 or 2019, for quality.b6_partial_date to read; NULL when all are empty.';

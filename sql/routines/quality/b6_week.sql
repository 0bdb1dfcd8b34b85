-- In plpgsql, which keeps the plan of each expression: charts have many weeks a row.
create or replace function quality.b6_week(value text) returns daterange
language plpgsql immutable parallel safe
set search_path = pg_catalog
as $$
declare
  trimmed text := quality.b7_trim(value);
  first_day date;
  last_day date;
begin
  if trimmed !~ '^[0-9-]{10}--[0-9-]{10}$' then
    return null;
  end if;
  first_day := quality.b6_partial_date(left(trimmed, 10));
  last_day := quality.b6_partial_date(right(trimmed, 10));
  return case when first_day < last_day then daterange(first_day, last_day) end;
end
$$;
comment on function quality.b6_week(text) is 'B6: the days of a text such as 2021-07-23--2021-07-30, the last excluded; NULL for anything else.';

create or replace function quality.b4_null_marker(value text) returns text
language sql immutable parallel safe
as $$
  select case when pg_catalog.lower(value) in ('', 'na', '[]', 'unknown artist', 'unknown track')
              then null else value end
$$;
comment on function quality.b4_null_marker(text) is 'B4: NULL for a text that only says nothing is known; expects a trimmed text.';

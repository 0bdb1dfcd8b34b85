create or replace function quality.b10_list(value text) returns text[]
language sql immutable parallel safe
as $$
  select case
    when quality.b7_trim(value) ~ '^\[.*\]$' then (
      select pg_catalog.array_agg(pg_catalog.regexp_replace(coalesce(found[1], found[2]), '\\(.)', '\1', 'g') order by at)
      from pg_catalog.regexp_matches(value, '''((?:[^''\\]|\\.)*)''|"((?:[^"\\]|\\.)*)"', 'g') with ordinality as items (found, at))
    when quality.b4_null_marker(quality.b7_trim(value)) is null then null
    else (
      select pg_catalog.array_agg(quality.b7_trim(part) order by at)
      from pg_catalog.regexp_split_to_table(value, '[\r\n;]+') with ordinality as parts (part, at)
      where quality.b7_trim(part) <> '')
  end
$$;
comment on function quality.b10_list(text) is
  'B10: the items of a list in one text: [''a'', "b"], or items on lines of their own or between semicolons; NULL for an empty list.';

-- A comma may belong to a name: names are only parted at commas when as many identifiers stand beside them.
create or replace function quality.b10_names(names text, identifiers text) returns text[]
language sql immutable parallel safe
as $$
  select case
    when quality.b7_trim(names) ~ '^\[.*\]$' or names ~ '[\r\n;]' then quality.b10_list(names)
    when quality.b4_null_marker(quality.b7_trim(names)) is null then null
    when pg_catalog.cardinality(pg_catalog.regexp_split_to_array(quality.b7_trim(names), '\s*,\s*'))
       = pg_catalog.cardinality(pg_catalog.regexp_split_to_array(quality.b7_trim(identifiers), '\s*[,;]\s*'))
      then pg_catalog.regexp_split_to_array(quality.b7_trim(names), '\s*,\s*')
    else array[quality.b7_trim(names)]
  end
$$;
comment on function quality.b10_names(text, text) is 'B10: names of one field, parted at commas only when as many identifiers stand beside them.';

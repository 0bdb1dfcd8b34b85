-- Digits are bounded so that no text can make the cast fail: a bad value must refuse one row, not the batch.
create or replace function quality.b5_number(value text) returns numeric
language sql immutable parallel safe
as $$
  select case
    -- Digits alone are told without looking for the rest.
    when pg_catalog.length(value) between 1 and 30 and pg_catalog.translate(value, '0123456789', '') = '' then value::pg_catalog.numeric
    when value ~ '^[+-]?([0-9]{1,30}|[0-9]{1,3}(,[0-9]{3}){1,9})(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,3})?$'
    then pg_catalog.replace(value, ',', '')::pg_catalog.numeric end
$$;
comment on function quality.b5_number(text) is 'B5: the number in a text, thousands separators and scientific notation included; NULL when it is none.';

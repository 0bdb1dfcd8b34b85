-- In plpgsql, and asking first whether it has one of the two usual forms: cutting a part out by a pattern takes twenty times as long.
create or replace function quality.spotify_id(value text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog
as $$
declare
  trimmed text := quality.b7_trim(value);
begin
  if trimmed ~ '^(?:spotify:[a-z]+:)?[0-9A-Za-z]{22}$' then
    return right(trimmed, 22);
  end if;
  return substring(trimmed, '^(?:spotify:[a-z]+:|https?://open\.spotify\.com/(?:intl-[a-z]+/)?[a-z]+/)?([0-9A-Za-z]{22})(?:\?.*)?$');
end
$$;
comment on function quality.spotify_id(text) is 'The 22 letters and digits of an identifier given alone, as a URI (spotify:track:...) or as an address; NULL for anything else.';

create or replace function quality.spotify_id(value text) returns text
language sql immutable parallel safe
as $$
  select pg_catalog.substring(quality.b4_null_marker(quality.b7_trim(value)), '^(?:spotify:[a-z]+:|https?://open\.spotify\.com/(?:intl-[a-z]+/)?[a-z]+/)?([0-9A-Za-z]{22})(?:\?.*)?$')
$$;
comment on function quality.spotify_id(text) is 'The 22 letters and digits of an identifier given alone, as a URI (spotify:track:...) or as an address; NULL for anything else.';

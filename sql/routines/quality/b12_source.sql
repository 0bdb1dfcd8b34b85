create or replace function quality.b12_source(context_type text) returns text
language sql immutable parallel safe
as $$ select coalesce(quality.b4_null_marker(quality.b7_trim(context_type)), 'Outside Playlist') $$;
comment on function quality.b12_source(text) is 'B12: what reports call the place a play came from; without a context Outside Playlist. For reports only.';

create or replace function quality.b9_missing_reference(track_spotify_id text, track_name text, artist_name text) returns text
language sql immutable parallel safe
as $$
  select case when track_spotify_id is null and (track_name is null or artist_name is null)
              then 'it names no track: neither an identifier nor a name with its artist' end
$$;
comment on function quality.b9_missing_reference(text, text, text) is 'B9: why an entry refers to nothing, or NULL; expects texts that rule B4 has seen.';

-- Spotify gives identifiers to all but files of the listener's own; those have names only.
create or replace function quality.object_key(object jsonb) returns text
language sql immutable parallel safe
as $$
  select coalesce(
    quality.spotify_id(object ->> 'id'),
    pg_catalog.concat_ws(E'\n', quality.b4_null_marker(quality.b7_trim(object ->> 'name')),
      quality.b4_null_marker(quality.b7_trim(object #>> '{artists,0,name}'))))
$$;
comment on function quality.object_key(jsonb) is
  'What tells an artist, album or track of the Web API from others: its identifier, or its name with that of its first artist.';

create or replace function quality.b8_whole(value text, low bigint, high bigint) returns bigint
language sql immutable parallel safe
as $$
  select case when number between low and high and number = pg_catalog.trunc(number) then number::bigint end
  from (select quality.b5_number(value) as number) as read
$$;
comment on function quality.b8_whole(text, bigint, bigint) is 'B8: the whole number in a text, where it lies within bounds; NULL for anything else.';

-- They come from wide to small: the middle one is wide enough for a tile.
create or replace function quality.image_url(images jsonb) returns text
language sql immutable parallel safe
as $$
  select case when pg_catalog.jsonb_typeof(images) = 'array'
              then nullif(images -> ((pg_catalog.jsonb_array_length(images) - 1) / 2) ->> 'url', '') end
$$;
comment on function quality.image_url(jsonb) is 'Of the pictures that the Web API names the address of one that fits a tile; NULL where there is none.';

create or replace function quality.play_context(item jsonb)
returns table (context_type text, context_uri text)
language sql immutable parallel safe
as $$
  select c.type, case when c.type is not null then nullif(item #>> '{context,uri}', '') end
  from (
    select case when item #>> '{context,type}' in ('album', 'artist', 'playlist', 'collection', 'show') then item #>> '{context,type}' end as type
  ) as c
$$;
comment on function quality.play_context(jsonb) is 'From where the Web API says a play was; NULLs where it was from nowhere, or from something we do not know.';

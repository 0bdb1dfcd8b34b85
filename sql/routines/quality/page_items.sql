-- What is no answer, or lacks the list it should have, is one item of the kind page, which the load refuses. Of endpoints that no
-- fact is made of, the whole page is one item of the kind other.
create or replace function quality.page_items(endpoint text, status integer, body jsonb)
returns table (item_no integer, kind text, item jsonb)
language sql immutable parallel safe
set search_path = pg_catalog
as $$
  with named as (
    select case endpoint
        when 'me' then 'profile'
        when 'me/player/recently-played' then 'play'
        when 'me/player/devices' then 'device'
        when 'me/top/artists' then 'top artist'
        when 'me/top/tracks' then 'top track'
        when 'me/tracks' then 'saved track'
        when 'me/albums' then 'saved album'
        when 'me/following' then 'follow'
        when 'me/playlists' then 'playlist'
        when 'users/{id}/playlists' then 'playlist'
        when 'playlists/{id}' then 'playlist'
        when 'playlists/{id}/items' then 'listing'
        when 'playlists/{id}/tracks' then 'listing'
        when 'artists/{id}/top-tracks' then 'best track'
        when 'artists/{id}/albums' then 'album'
        when 'albums/{id}/tracks' then 'track'
        when 'albums' then 'album' when 'albums/{id}' then 'album'
        when 'artists' then 'artist' when 'artists/{id}' then 'artist'
        when 'tracks' then 'track' when 'tracks/{id}' then 'track'
        else 'other'
      end as kind,
      case
        when endpoint = 'me/following' then body #> '{artists,items}'
        when endpoint = 'me/player/devices' then body -> 'devices'
        when endpoint = 'artists/{id}/top-tracks' then body -> 'tracks'
        when endpoint in ('albums', 'artists', 'tracks') then body -> endpoint
        when endpoint in ('me/player/recently-played', 'me/top/artists', 'me/top/tracks', 'me/tracks', 'me/albums', 'me/playlists',
          'users/{id}/playlists', 'playlists/{id}/items', 'playlists/{id}/tracks', 'artists/{id}/albums', 'albums/{id}/tracks')
          then body -> 'items'
        else jsonb_build_array(body)
      end as list
  ), listed as (
    select 0 as part, n.kind, e.item, e.nth
    from named as n cross join lateral jsonb_array_elements(case when jsonb_typeof(n.list) = 'array' then n.list end) with ordinality as e (item, nth)
    where status < 300 and jsonb_typeof(body) = 'object'
    union all
    -- A whole playlist brings the beginning of its content with it.
    select 1, 'listing', e.item, e.nth
    from jsonb_array_elements(case when jsonb_typeof(body #> '{items,items}') = 'array' then body #> '{items,items}'
                                   when jsonb_typeof(body #> '{tracks,items}') = 'array' then body #> '{tracks,items}' end)
      with ordinality as e (item, nth)
    where status < 300 and endpoint = 'playlists/{id}'
  )
  select (row_number() over (order by l.part, l.nth))::integer, l.kind, l.item from listed as l
  union all
  select 0, 'page', body from named as n
  where status >= 300 or jsonb_typeof(body) is distinct from 'object' or jsonb_typeof(n.list) is distinct from 'array'
$$;
comment on function quality.page_items(text, integer, jsonb) is
  'What a page of the Web API holds, item by item, and what each item tells; for all endpoints, with the fields of before and after February 2026.';

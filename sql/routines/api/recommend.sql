-- The recommender, for an application: it says who asks, and sees neither what they heard nor what others did.
create or replace function api.recommend(listener bigint, k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, reason text)
language sql stable
security definer
set search_path = pg_catalog
as $$ select r.rank, r.track_id, r.name, r.artist, r.reason from reco.recommend(listener, least(k, 100)) as r where listener is not null order by r.rank $$;
revoke execute on function api.recommend(bigint, integer) from public;
comment on function api.recommend(bigint, integer) is 'Songs that a listener has not heard and may like, best first, 100 at most.';

create or replace function api.next_track(track bigint, k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, reason text)
language sql stable
security definer
set search_path = pg_catalog
as $$ select r.rank, r.track_id, r.name, r.artist, r.reason from reco.next_track(track, least(k, 100)) as r order by r.rank $$;
revoke execute on function api.next_track(bigint, integer) from public;
comment on function api.next_track(bigint, integer) is 'What is heard after a song, best first, 100 at most.';

create or replace function api.sounds_like(track bigint, k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, distance double precision)
language sql stable
security definer
set search_path = pg_catalog
as $$ select r.rank, r.track_id, r.name, r.artist, r.distance from reco.sounds_like(track, least(k, 100)) as r order by r.rank $$;
revoke execute on function api.sounds_like(bigint, integer) from public;
comment on function api.sounds_like(bigint, integer) is 'Songs whose audio features are nearest, 100 at most: how they sound, not who likes them.';

create or replace function api.by_preference(genres text[] default '{}', features jsonb default '{}', seed_tracks bigint[] default '{}', k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, reason text)
language sql stable
security definer
set search_path = pg_catalog
as $$ select r.rank, r.track_id, r.name, r.artist, r.reason from reco.by_preference(genres, features, seed_tracks, least(k, 100)) as r order by r.rank $$;
revoke execute on function api.by_preference(text[], jsonb, bigint[], integer) from public;
comment on function api.by_preference(text[], jsonb, bigint[], integer) is 'Songs for somebody without a history: of these genres, near these features, with these songs; 100 at most.';

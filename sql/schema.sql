-- The schema that the migrations and routines make on PostgreSQL 17. Written by dbadmin; what is changed here is overwritten.

SET client_min_messages = warning;
SET check_function_bodies = false;
SELECT pg_catalog.set_config('search_path', '', false);

-- Name: api; Type: SCHEMA; Schema: -

CREATE SCHEMA api;

-- Name: SCHEMA api; Type: COMMENT; Schema: -

COMMENT ON SCHEMA api IS 'What an application may use: views and functions, and nothing behind them.';

-- Name: audit; Type: SCHEMA; Schema: -

CREATE SCHEMA audit;

-- Name: SCHEMA audit; Type: COMMENT; Schema: -

COMMENT ON SCHEMA audit IS 'Who changed what, from what, to what. Written by triggers only.';

-- Name: core; Type: SCHEMA; Schema: -

CREATE SCHEMA core;

-- Name: SCHEMA core; Type: COMMENT; Schema: -

COMMENT ON SCHEMA core IS 'The cleansed facts in third normal form. Written by the load procedures only.';

-- Name: mart; Type: SCHEMA; Schema: -

CREATE SCHEMA mart;

-- Name: SCHEMA mart; Type: COMMENT; Schema: -

COMMENT ON SCHEMA mart IS 'The star and its summaries, and a view or function for every visual of the reports. Written by mart.refresh and mart.rebuild.';

-- Name: quality; Type: SCHEMA; Schema: -

CREATE SCHEMA quality;

-- Name: SCHEMA quality; Type: COMMENT; Schema: -

COMMENT ON SCHEMA quality IS 'Cleansing rules, what each found per run, and the rows they refused.';

-- Name: raw; Type: SCHEMA; Schema: -

CREATE SCHEMA raw;

-- Name: SCHEMA raw; Type: COMMENT; Schema: -

COMMENT ON SCHEMA raw IS 'Every row as it was received, with its batch; append-only. Written by dbadmin spotify load.';

-- Name: reco; Type: SCHEMA; Schema: -

CREATE SCHEMA reco;

-- Name: SCHEMA reco; Type: COMMENT; Schema: -

COMMENT ON SCHEMA reco IS 'The recommender: which songs are found together, how they sound, and how good its answers are. Written by reco.refresh and reco.rebuild.';

-- Name: cube; Type: EXTENSION; Schema: -

CREATE EXTENSION IF NOT EXISTS cube WITH SCHEMA reco;

-- Name: EXTENSION cube; Type: COMMENT; Schema: -

COMMENT ON EXTENSION cube IS 'data type for multidimensional cubes';

-- Name: time_zone; Type: DOMAIN; Schema: core

CREATE DOMAIN core.time_zone AS text
	CONSTRAINT time_zone_is_known CHECK (((VALUE IS NULL) OR (('2000-01-01 00:00:00+00'::timestamp with time zone AT TIME ZONE VALUE) IS NOT NULL)));

-- Name: DOMAIN time_zone; Type: COMMENT; Schema: core

COMMENT ON DOMAIN core.time_zone IS 'Name of a time zone, such as Asia/Kolkata; an unknown one is refused.';

-- Name: play_filter; Type: TYPE; Schema: mart

CREATE TYPE mart.play_filter AS (
	listener_id bigint,
	first_day date,
	last_day date,
	month date,
	track_id bigint,
	album_id bigint,
	artist_id bigint,
	zone text,
	with_skips boolean
);

-- Name: TYPE play_filter; Type: COMMENT; Schema: mart

COMMENT ON TYPE mart.play_filter IS 'Which plays a figure is about; NULL means all. Made by mart.only.';

-- Name: by_preference(text[], jsonb, bigint[], integer); Type: FUNCTION; Schema: api

CREATE FUNCTION api.by_preference(genres text[] DEFAULT '{}'::text[], features jsonb DEFAULT '{}'::jsonb, seed_tracks bigint[] DEFAULT '{}'::bigint[], k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select r.rank, r.track_id, r.name, r.artist, r.reason from reco.by_preference(genres, features, seed_tracks, least(k, 100)) as r order by r.rank $$;

-- Name: FUNCTION by_preference(genres text[], features jsonb, seed_tracks bigint[], k integer); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.by_preference(genres text[], features jsonb, seed_tracks bigint[], k integer) IS 'Songs for somebody without a history: of these genres, near these features, with these songs; 100 at most.';

-- Name: cover(bigint); Type: FUNCTION; Schema: api

CREATE FUNCTION api.cover(cover bigint) RETURNS TABLE(media_type text, image bytea)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select c.media_type, c.image from core.cover as c where c.cover_id = cover and c.image is not null $$;

-- Name: FUNCTION cover(cover bigint); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.cover(cover bigint) IS 'A stored picture.';

-- Name: find_tracks(text, integer); Type: FUNCTION; Schema: api

CREATE FUNCTION api.find_tracks(words text, k integer DEFAULT 20) RETURNS TABLE(track_id bigint, name text, artist text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select t.track_id, t.name, t.artist from api.track as t where strpos(quality.b13_fold(concat_ws(' ', t.name, t.artist)), quality.b13_fold(words)) > 0 order by t.name, t.track_id limit least(k, 100) $$;

-- Name: FUNCTION find_tracks(words text, k integer); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.find_tracks(words text, k integer) IS 'Tracks whose name or artist holds the words, 100 at most.';

-- Name: listening_cards(bigint, date); Type: FUNCTION; Schema: api

CREATE FUNCTION api.listening_cards(listener bigint, month date DEFAULT NULL::date) RETURNS TABLE(songs bigint, plays bigint, listening_hours numeric)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select c.songs, c.plays, c.listening_hours from mart.cards(mart.only(listener_id => listener, month => month)) as c where listener is not null $$;

-- Name: FUNCTION listening_cards(listener bigint, month date); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.listening_cards(listener bigint, month date) IS 'Songs, plays and hours of one listener, of a month or of all time.';

-- Name: next_track(bigint, integer); Type: FUNCTION; Schema: api

CREATE FUNCTION api.next_track(track bigint, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select r.rank, r.track_id, r.name, r.artist, r.reason from reco.next_track(track, least(k, 100)) as r order by r.rank $$;

-- Name: FUNCTION next_track(track bigint, k integer); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.next_track(track bigint, k integer) IS 'What is heard after a song, best first, 100 at most.';

-- Name: recommend(bigint, integer); Type: FUNCTION; Schema: api

CREATE FUNCTION api.recommend(listener bigint, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select r.rank, r.track_id, r.name, r.artist, r.reason from reco.recommend(listener, least(k, 100)) as r where listener is not null order by r.rank $$;

-- Name: FUNCTION recommend(listener bigint, k integer); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.recommend(listener bigint, k integer) IS 'Songs that a listener has not heard and may like, best first, 100 at most.';

-- Name: sounds_like(bigint, integer); Type: FUNCTION; Schema: api

CREATE FUNCTION api.sounds_like(track bigint, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, distance double precision)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select r.rank, r.track_id, r.name, r.artist, r.distance from reco.sounds_like(track, least(k, 100)) as r order by r.rank $$;

-- Name: FUNCTION sounds_like(track bigint, k integer); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.sounds_like(track bigint, k integer) IS 'Songs whose audio features are nearest, 100 at most: how they sound, not who likes them.';

-- Name: top_tracks(bigint, integer); Type: FUNCTION; Schema: api

CREATE FUNCTION api.top_tracks(listener bigint, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, plays bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select t.rank, t.track_id, t.name, t.artist, t.plays from mart.top_tracks(mart.only(listener_id => listener), least(k, 100)) as t where listener is not null order by t.rank $$;

-- Name: FUNCTION top_tracks(listener bigint, k integer); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.top_tracks(listener bigint, k integer) IS 'The most played songs of one listener, 100 at most.';

-- Name: listener_of(text, jsonb); Type: FUNCTION; Schema: audit

CREATE FUNCTION audit.listener_of(about text, changed jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
begin
  return case about
    when 'playlist' then (select p.owner_id from core.playlist as p where p.playlist_id = (changed ->> 'playlist_id')::bigint)
    when 'top_list' then (select t.listener_id from core.top_list as t where t.top_list_id = (changed ->> 'top_list_id')::bigint)
    else (changed ->> about)::bigint
  end;
end
$$;

-- Name: FUNCTION listener_of(about text, changed jsonb); Type: COMMENT; Schema: audit

COMMENT ON FUNCTION audit.listener_of(about text, changed jsonb) IS 'The listener a changed row is about, or NULL: by the column that is named, or by the playlist or top list it is part of.';

-- Name: record_change(); Type: FUNCTION; Schema: audit

CREATE FUNCTION audit.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
declare
  before_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - 'image' end;
  after_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - 'image' end;
begin
  -- Erasing a person must not write down what was erased; the run row says that it was done.
  if current_setting('warehouse.forget', true) = 'on' then
    return null;
  end if;
  insert into audit.change (changed_by, acting_as, table_name, operation, listener_id, old_row, new_row)
  values (session_user, current_setting('role'), tg_table_schema || '.' || tg_table_name, tg_op,
          audit.listener_of(coalesce(tg_argv[0], 'listener_id'), coalesce(after_row, before_row)), before_row, after_row);
  return null;
end
$$;

-- Name: FUNCTION record_change(); Type: COMMENT; Schema: audit

COMMENT ON FUNCTION audit.record_change() IS 'Trigger: writes the change to audit.change. Its argument says how to find whom the row is about, where no column listener_id does: see audit.listener_of.';

-- Name: refuse_change(); Type: FUNCTION; Schema: audit

CREATE FUNCTION audit.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if tg_op = 'DELETE' and current_setting('warehouse.forget', true) = 'on' then
    return null;
  end if;
  raise exception using errcode = 'restrict_violation', message = 'table audit.change is append-only',
    detail = format('%s is refused: what was recorded stays, but for what is about a person who is forgotten.', tg_op);
end
$$;

-- Name: FUNCTION refuse_change(); Type: COMMENT; Schema: audit

COMMENT ON FUNCTION audit.refuse_change() IS 'Trigger: refuses UPDATE, DELETE and TRUNCATE of recorded changes.';

-- Name: cleanse_audio_feature(); Type: FUNCTION; Schema: core

CREATE FUNCTION core.cleanse_audio_feature() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if new.tempo_bpm = 0 then
    new.tempo_bpm := null;
    new.danceability := nullif(new.danceability, 0);
    new.speechiness := nullif(new.speechiness, 0);
    new.valence := nullif(new.valence, 0);
  end if;
  return new;
end
$$;

-- Name: FUNCTION cleanse_audio_feature(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.cleanse_audio_feature() IS 'Trigger: rule B8, tempo 0 means never analysed, and the zeros beside it mean the same.';

-- Name: cleanse_name(); Type: FUNCTION; Schema: core

CREATE FUNCTION core.cleanse_name() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if quality.b7_has_lost_letters(new.name) then
    raise exception using errcode = 'check_violation', message = format('name has lost letters: %s', new.name),
      detail = 'Rule B7 refuses such names rather than guess.';
  end if;
  new.name := quality.b4_null_marker(quality.b7_trim(new.name));
  return new;
end
$$;

-- Name: FUNCTION cleanse_name(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.cleanse_name() IS 'Trigger: rules B4 and B7 on the column name.';

-- Name: cleanse_play(); Type: FUNCTION; Schema: core

CREATE FUNCTION core.cleanse_play() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  new.ended_at := date_trunc(new.time_precision, new.ended_at, 'UTC');
  if new.minute_seq is null then
    select coalesce(max(p.minute_seq), 0) + 1 into new.minute_seq
    from core.play as p where p.listener_id = new.listener_id and p.ended_at = new.ended_at;
  end if;
  return new;
end
$$;

-- Name: FUNCTION cleanse_play(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.cleanse_play() IS 'Trigger: rule B11, ends are kept as precisely as the source tells them, and plays of one moment are numbered.';

-- Name: cleanse_release_date(); Type: FUNCTION; Schema: core

CREATE FUNCTION core.cleanse_release_date() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  new.release_date := date_trunc(new.release_date_precision, new.release_date::timestamp)::date;
  return new;
end
$$;

-- Name: FUNCTION cleanse_release_date(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.cleanse_release_date() IS 'Trigger: rule B6, a date says no more than its precision.';

-- Name: collect_page_objects(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.collect_page_objects(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  with about as (
    select case when i.kind in ('play', 'listing', 'saved track', 'top track', 'best track', 'track') then 'track'
                when i.kind in ('saved album', 'album') then 'album'
                when i.kind in ('top artist', 'follow', 'artist') then 'artist' end as kind, i.object as body
    from quality.page_item as i where i.batch_id = batch and i.rule_id is null
  ), album as (
    select o.body from about as o where o.kind = 'album'
    union all
    select o.body -> 'album' from about as o where o.kind = 'track' and jsonb_typeof(o.body -> 'album') = 'object'
  ), track as (
    select o.body from about as o where o.kind = 'track'
    union all
    select e.body || jsonb_build_object('album', a.body - 'tracks')
    from album as a
    cross join lateral jsonb_array_elements(case when jsonb_typeof(a.body #> '{tracks,items}') = 'array' then a.body #> '{tracks,items}' end) as e (body)
    where jsonb_typeof(e.body) = 'object'
  ), artist as (
    select o.body from about as o where o.kind = 'artist'
    union all
    select e.body
    from (select t.body from track as t union all select a.body from album as a) as o
    cross join lateral jsonb_array_elements(case when jsonb_typeof(o.body -> 'artists') = 'array' then o.body -> 'artists' end) as e (body)
    where jsonb_typeof(e.body) = 'object'
  ), named as (
    select o.kind, o.body, quality.object_key(o.body) as object_key, quality.spotify_id(o.body ->> 'id') as spotify_id,
      quality.b4_null_marker(quality.b7_trim(o.body ->> 'name')) as name
    from (
      select 'track' as kind, t.body from track as t
      union all select 'album', a.body from album as a
      union all select 'artist', a.body from artist as a
    ) as o
  )
  insert into quality.page_object (batch_id, kind, object_key, spotify_id, name, body)
  select distinct on (n.kind, n.object_key) batch, n.kind, n.object_key, n.spotify_id, n.name, n.body
  from named as n
  where case n.kind when 'artist' then n.name is not null
                    else n.spotify_id is not null
                      or (n.name is not null and quality.b4_null_marker(quality.b7_trim(n.body #>> '{artists,0,name}')) is not null) end
  -- The fullest description stands: many endpoints shorten what they mention.
  order by n.kind, n.object_key, (select count(*) from jsonb_object_keys(n.body)) desc, length(n.body::text) desc, n.body::text
$$;

-- Name: FUNCTION collect_page_objects(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.collect_page_objects(batch bigint) IS 'Third part of core.load_page: the artists, albums and tracks that accepted items name, and those within these, once each.';

-- Name: count_personal_rows(text); Type: FUNCTION; Schema: core

CREATE FUNCTION core.count_personal_rows(listener text) RETURNS TABLE(table_name text, rows_found bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
declare
  each_table record;
begin
  for each_table in select p.relation, p.predicate from core.personal_rows(listener) as p order by p.relation::text loop
    table_name := each_table.relation::text;
    execute format('select count(*) from %s where %s', each_table.relation, each_table.predicate) into rows_found;
    if rows_found > 0 then
      return next;
    end if;
  end loop;
end
$$;

-- Name: FUNCTION count_personal_rows(listener text); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.count_personal_rows(listener text) IS 'How many rows each table has about a listener; tables with none are left out.';

-- Name: count_play_findings(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.count_play_findings(run bigint, batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into quality.rule_count (run_id, rule_id, finding, found)
  select run, f.rule_id, f.finding, f.found
  from (
    select
      count(*) filter (where w.rule_id = 'B1') as repeats,
      count(*) filter (where w.rule_id = 'B4') as nameless,
      count(*) filter (where w.rule_id = 'B5') as not_numbers,
      count(*) filter (where quality.b7_trim(j.artist) <> j.artist
        or quality.b7_trim(j.track) <> j.track) as blanks,
      count(*) filter (where w.rule_id = 'B7') as lost_letters,
      count(*) filter (where w.rule_id = 'B8') as out_of_range,
      count(*) filter (where w.rule_id is null and w.ms_played < 30000) as skips,
      count(*) filter (where w.rule_id is null and w.ms_played = 0) as zero,
      count(*) filter (where w.rule_id is null and w.ms_played > 900000) as long,
      count(*) filter (where w.rule_id is null and w.ms_played > 3600000) as very_long,
      count(*) filter (where w.rule_id = 'B11') as impossible_times
    from quality.play_work as w
    join raw.streaming_history as h using (batch_id, row_no)
    cross join lateral json_to_record(h.body) as r ("artistName" text, "trackName" text)
    cross join lateral (select r."artistName" as artist, r."trackName" as track) as j
    where w.batch_id = batch
  ) as t
  cross join lateral (
    -- Against all plays of the listener from the first of the file to its last, and the one before: that may be of another file.
    select count(*) filter (where p.minute_twin) as same_minute, count(*) filter (where p.overlaps) as overlapping
    from (
      select q.batch_id,
        row_number() over (partition by q.ended_at, q.track_id order by q.minute_seq) > 1 as minute_twin,
        q.ms_played > 1000 * extract(epoch from q.ended_at - lag(q.ended_at) over (order by q.ended_at, q.minute_seq)) + 60000 as overlaps
      from (
        select l.listener_id, min(f.ended_at) as first_at, max(f.ended_at) as last_at
        from core.play as f
        join raw.batch as b on b.batch_id = f.batch_id
        join core.listener as l on l.name = b.listener_name
        where f.batch_id = batch
        group by l.listener_id
      ) as span
      cross join lateral (
        (select o.* from core.play as o where o.listener_id = span.listener_id and o.ended_at < span.first_at
         order by o.ended_at desc, o.minute_seq desc limit 1)
        union all
        select o.* from core.play as o where o.listener_id = span.listener_id and o.ended_at between span.first_at and span.last_at
      ) as q
    ) as p
    where p.batch_id = batch
  ) as among
  cross join lateral (values
    ('B1', 'exact repeats', t.repeats),
    ('B2', 'same track again in the same minute, kept', among.same_minute),
    ('B4', 'play without artist or track', t.nameless),
    ('B5', 'text in a number column', t.not_numbers),
    ('B7', 'outer blanks', t.blanks),
    ('B7', 'lost letters', t.lost_letters),
    ('B8', 'out of range', t.out_of_range),
    ('B8', 'skips: shorter than 30 s', t.skips),
    ('B8', 'heard for 0 ms', t.zero),
    ('B8', 'longer than 15 min', t.long),
    ('B8', 'longer than 60 min', t.very_long),
    ('B11', 'impossible time', t.impossible_times),
    ('B11', 'overlaps the play before', among.overlapping)
  ) as f (rule_id, finding, found)
$$;

-- Name: FUNCTION count_play_findings(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.count_play_findings(run bigint, batch bigint) IS 'Part of core.load_history: what each rule found, in rows.';

-- Name: count_plays(); Type: FUNCTION; Schema: core

CREATE FUNCTION core.count_plays() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    update core.track_play_count as c
    set plays = c.plays - gone.plays, ms_played = c.ms_played - gone.ms_played
    from (select o.track_id, count(*) as plays, sum(o.ms_played) as ms_played from old_plays as o group by o.track_id) as gone
    where c.track_id = gone.track_id;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    insert into core.track_play_count as c (track_id, plays, ms_played)
    select n.track_id, count(*), sum(n.ms_played) from new_plays as n group by n.track_id order by n.track_id
    on conflict (track_id) do update set plays = c.plays + excluded.plays, ms_played = c.ms_played + excluded.ms_played;
  end if;
  return null;
end
$$;

-- Name: FUNCTION count_plays(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.count_plays() IS 'Trigger: keeps core.track_play_count, once per statement.';

-- Name: count_song_findings(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.count_song_findings(run bigint, batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into quality.rule_count (run_id, rule_id, finding, found)
  select run, f.rule_id, f.finding, f.found
  from (
    select
      count(*) filter (where w.rule_id = 'B1') as repeats,
      count(*) filter (where w.rule_id = 'B2') as key_repeats,
      count(*) filter (where w.track_name is null) as no_track_name,
      count(*) filter (where w.artist_name is null) as no_artist,
      count(*) filter (where w.album_name is null) as no_album_name,
      count(*) filter (where s.instrumentalness ~ '[0-9][eE]') as scientific,
      count(*) filter (where concat_ws(' ', s.energy, s.acousticness, s.instrumentalness, s.valence, s.liveness, s.speechiness,
        s.danceability) ~ '[0-9][eE][+-]?[0-9]') as scientific_any,
      count(*) filter (where w.rule_id = 'B5') as not_numbers,
      count(*) filter (where w.release_date_precision = 'day') as days,
      count(*) filter (where w.release_date_precision = 'month') as months,
      count(*) filter (where w.release_date_precision = 'year') as years,
      count(*) filter (where w.rule_id = 'B6') as impossible_dates,
      count(*) filter (where quality.b7_trim(s.track_name) <> s.track_name or quality.b7_trim(s.track_artist) <> s.track_artist
        or quality.b7_trim(s.track_album_name) <> s.track_album_name or quality.b7_trim(s.playlist_name) <> s.playlist_name) as blanks,
      count(*) filter (where w.rule_id = 'B7') as lost_letters,
      count(*) filter (where w.rule_id = 'B8') as out_of_range,
      count(*) filter (where w.loudness > 0) as loud,
      count(*) filter (where w.tempo = 0) as not_analysed,
      count(*) filter (where w.duration_ms < 30000) as short,
      count(*) filter (where w.popularity = 0) as unpopular
    from quality.song_work as w
    join raw.song as s using (batch_id, row_no)
    where w.batch_id = batch
  ) as t
  cross join lateral (values
    ('B1', 'exact repeats', t.repeats),
    ('B2', 'track again in the same playlist', t.key_repeats),
    ('B4', 'track without a name', t.no_track_name),
    ('B4', 'track without an artist', t.no_artist),
    ('B4', 'album without a name', t.no_album_name),
    ('B5', 'scientific notation in instrumentalness', t.scientific),
    ('B5', 'scientific notation in any feature', t.scientific_any),
    ('B5', 'text in a number column', t.not_numbers),
    ('B6', 'release date to the day', t.days),
    ('B6', 'release date to the month', t.months),
    ('B6', 'release date to the year', t.years),
    ('B6', 'impossible date', t.impossible_dates),
    ('B7', 'outer blanks', t.blanks),
    ('B7', 'lost letters', t.lost_letters),
    ('B8', 'out of range', t.out_of_range),
    ('B8', 'loudness above 0 dB', t.loud),
    ('B8', 'tempo 0: never analysed', t.not_analysed),
    ('B8', 'shorter than 30 s', t.short),
    ('B8', 'popularity 0', t.unpopular)
  ) as f (rule_id, finding, found)
$$;

-- Name: FUNCTION count_song_findings(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.count_song_findings(run bigint, batch bigint) IS 'Third part of core.load_songs: what each rule found, in rows.';

-- Name: drop_page_listings(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.drop_page_listings(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  with gone as materialized (
    select t.playlist_id, t.track_id
    from raw.page_set as g
    join core.playlist as p on p.spotify_id = g.unit
    join core.playlist_track as t on t.playlist_id = p.playlist_id
    where g.batch_id = batch and g.kind = 'playlists' and quality.is_newest_whole(batch)
      and not exists (select from quality.page_item as i
                      where i.batch_id = batch and i.kind = 'listing' and i.about = p.spotify_id and i.fact_id = t.track_id)
  )
  delete from core.playlist_track_subgenre as s using gone as g where s.playlist_id = g.playlist_id and s.track_id = g.track_id;

  -- The row that listed it stays accounted for.
  with dropped as (
    delete from core.playlist_track as t
    using raw.page_set as g join core.playlist as p on p.spotify_id = g.unit
    where g.batch_id = batch and g.kind = 'playlists' and quality.is_newest_whole(batch) and t.playlist_id = p.playlist_id
      and not exists (select from quality.page_item as i
                      where i.batch_id = batch and i.kind = 'listing' and i.about = p.spotify_id and i.fact_id = t.track_id)
    returning t.batch_id, t.row_no, t.item_no
  )
  insert into core.accepted_row (batch_id, row_no, item_no)
  select d.batch_id, d.row_no, d.item_no from dropped as d
  on conflict do nothing
$$;

-- Name: FUNCTION drop_page_listings(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.drop_page_listings(batch bigint) IS 'Part of core.load_page: what a playlist that was fetched whole no longer lists goes.';

-- Name: erase_listener(text); Type: FUNCTION; Schema: core

CREATE FUNCTION core.erase_listener(listener text) RETURNS TABLE(table_name text, rows_erased bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
declare
  each_table record;
  -- Read once: later the rows that lead to the others are gone.
  personal jsonb := (
    select jsonb_agg(jsonb_build_object('relation', p.relation::text, 'predicate', p.predicate, 'depth', p.depth))
    from core.personal_rows(listener) as p);
  run bigint := quality.start_run('core.forget', null);
  found bigint;
  erased bigint := 0;
begin
  perform set_config('warehouse.forget', 'on', true);
  for each_table in
    select p.relation, p.predicate, p.relation like 'mart.%' as is_mart
    from jsonb_to_recordset(personal) as p (relation text, predicate text, depth integer)
    order by is_mart, p.depth desc, p.relation
  loop
    -- The marts are brought up to date by their own rules first: sums over several people go down with their plays.
    if each_table.is_mart and erased > 0 and to_regprocedure('mart.catch_up()') is not null then
      perform mart.catch_up();
    end if;
    execute format('delete from %s where %s', each_table.relation, each_table.predicate);
    get diagnostics found = row_count;
    erased := erased + found;
    if found > 0 then
      table_name := each_table.relation;
      rows_erased := found;
      return next;
    end if;
  end loop;
  for each_table in
    select p.relation, p.predicate from jsonb_to_recordset(personal) as p (relation text, predicate text)
  loop
    execute format('select count(*) from %s where %s', each_table.relation, each_table.predicate) into found;
    if found > 0 then
      raise exception 'table % still has % rows of the listener', each_table.relation, found;
    end if;
  end loop;
  call quality.finish_run(run, erased, erased, 0);
  perform set_config('warehouse.forget', '', true);
end
$$;

-- Name: FUNCTION erase_listener(listener text); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.erase_listener(listener text) IS 'Erases a listener from every schema, in one transaction, and proves that no row remains: else it raises and nothing is erased. Gives the rows per table. Backups keep them until they expire.';

-- Name: forget(bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.forget(IN listener_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  perform e.rows_erased
  from core.listener as l, core.erase_listener(l.name) as e
  where l.listener_id = forget.listener_id;
end
$$;

-- Name: PROCEDURE forget(IN listener_id bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.forget(IN listener_id bigint) IS 'Erases a listener by their number, as core.erase_listener does; does nothing when there is none. A restore to before an erasure calls it again.';

-- Name: judge_extended(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.judge_extended(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  update quality.track_work as w
  set rule_id = case when f.b9 is not null then 'B9' when f.b7 is not null then 'B7' when f.b5 is not null then 'B5'
                     when f.b8 is not null then 'B8' when f.b11 is not null then 'B11' else 'B1' end,
      reason = coalesce(f.b9, f.b7, f.b5, f.b8, f.b11, f.b1)
  from (
    select y.row_no, quality.b9_missing_reference(y.spotify_id, y.track_name, y.artist_name) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', y.track_name, y.artist_name, y.album_name)) then 'a name has lost letters' end as b7,
      case when y.ms_played is null then 'ms_played is not a number' end as b5, quality.b8_play_fault(y.ms_played) as b8,
      case when y.ended_at is null then 'ts is not a time' end as b11,
      case when row_number() over (partition by y.ended_at, y.spotify_id, y.track_name, y.artist_name, y.ms_played order by y.row_no) > 1
           then 'says the same as an earlier row' end as b1
    from quality.track_work as y where y.batch_id = batch
    offset 0
  ) as f
  where w.batch_id = batch and w.row_no = f.row_no and coalesce(f.b9, f.b7, f.b5, f.b8, f.b11, f.b1) is not null
$$;

-- Name: FUNCTION judge_extended(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.judge_extended(batch bigint) IS 'Second part of core.load_extended: which rows are refused, by which rule, and why.';

-- Name: judge_history(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.judge_history(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  update quality.play_work as w
  set rule_id = 'B1', reason = format('says the same as row %s', r.first_row_no)
  from quality.b1_exact_repeats(batch) as r
  where w.batch_id = batch and w.row_no = r.row_no;

  -- Looked for in one pass, and only what is found is told apart: nearly all plays are good.
  update quality.play_work as w
  set rule_id = case
        when w.artist_name is null or w.track_name is null then 'B4'
        when quality.b7_has_lost_letters(w.artist_name) or quality.b7_has_lost_letters(w.track_name) then 'B7'
        when w.ms_played is null then 'B5'
        when quality.b8_play_fault(w.ms_played) is not null then 'B8'
        else 'B11' end,
      reason = case
        when w.artist_name is null then 'artistName is missing'
        when w.track_name is null then 'trackName is missing'
        when quality.b7_has_lost_letters(w.artist_name) or quality.b7_has_lost_letters(w.track_name) then 'a name has lost letters'
        when w.ms_played is null then format('msPlayed is not a number: %s', coalesce(w.ms_text, 'missing'))
        when quality.b8_play_fault(w.ms_played) is not null then quality.b8_play_fault(w.ms_played)
        else format('endTime is not a time: %s', coalesce(w.end_text, 'missing')) end
  where w.batch_id = batch and w.rule_id is null
    and (w.artist_name is null or w.track_name is null or w.ms_played is null or w.ended_at is null
      or quality.b8_play_fault(w.ms_played) is not null
      or quality.b7_has_lost_letters(w.artist_name) or quality.b7_has_lost_letters(w.track_name))
$$;

-- Name: FUNCTION judge_history(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.judge_history(batch bigint) IS 'Second part of core.load_history: which rows are refused, by which rule, and why.';

-- Name: judge_known_plays(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.judge_known_plays(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.play_work as w
  set rule_id = 'B1', reason = format('says the same as row %s', twins.first_row_no)
  from (
    select x.row_no, min(x.row_no) over (partition by x.ended_at, x.track_id, x.ms_played) as first_row_no
    from quality.play_work as x where x.batch_id = batch and x.rule_id is null
  ) as twins
  where w.batch_id = batch and w.row_no = twins.row_no and twins.row_no > twins.first_row_no;

  update quality.play_work as w
  set rule_id = 'B3', reason = format('the extended export says the same: batch %s row %s', p.batch_id, p.row_no)
  from quality.b3_twins(batch) as t
  join core.play as p on p.play_id = t.play_id
  where w.batch_id = batch and w.rule_id is null and w.row_no = t.row_no;

  update quality.play_work as w
  set rule_id = 'B1', reason = format('the play is known already: batch %s row %s', p.batch_id, p.row_no)
  from raw.batch as b
  join core.listener as l on l.name = b.listener_name
  join core.play as p on p.listener_id = l.listener_id
  where b.batch_id = batch and w.batch_id = batch and w.rule_id is null
    and p.ended_at = w.ended_at and p.track_id = w.track_id and p.ms_played = w.ms_played
$$;

-- Name: FUNCTION judge_known_plays(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.judge_known_plays(batch bigint) IS 'Part of core.load_history: refuses plays that an overlapping export, or another writing of the same row, gave already.';

-- Name: judge_page(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.judge_page(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $_$
  update quality.page_item as w
  set rule_id = case when f.b9 is not null then 'B9' when f.b4 is not null then 'B4' when f.b7 is not null then 'B7' else 'B11' end,
      reason = coalesce(f.b9, f.b4, f.b7, f.b11)
  from (
    select i.row_no, i.item_no,
      case
        when i.kind = 'page' and g.status >= 300 then format('status %s is no answer', g.status)
        when i.kind = 'page' then 'the page has no list of what it should hold'
        when b.listener_name is null and i.kind in ('play', 'device', 'profile', 'top artist', 'top track', 'saved track', 'saved album', 'follow')
          then 'nobody says whose it is'
        when i.kind = 'other' then null
        when jsonb_typeof(i.object) is distinct from 'object' then 'it names nothing: what it was about is gone'
        when i.kind in ('play', 'listing', 'saved track', 'top track', 'best track', 'track') then
          case when i.object ->> 'type' <> 'track' then format('it is about something else than a track: %s', i.object ->> 'type')
               else quality.b9_missing_reference(n.spotify_id, n.name, n.first_artist) end
        when i.kind in ('saved album', 'album') and n.spotify_id is null and (n.name is null or n.first_artist is null)
          then 'it names no album: neither an identifier nor a name with its artist'
        when i.kind = 'playlist' and n.spotify_id is null then 'it names no playlist'
        when i.kind = 'profile' and coalesce(i.object ->> 'account_id', i.object ->> 'id', '') = '' then 'it names no account'
      end as b9,
      case
        when i.kind in ('top artist', 'follow', 'artist', 'device') and n.name is null then 'name is missing'
        when i.kind in ('listing', 'best track') and i.about is null then 'its address does not say of whom or what it is'
        when i.kind in ('top artist', 'top track') and i.about not in ('short_term', 'medium_term', 'long_term')
          then format('time_range is none: %s', i.about)
      end as b4,
      case when quality.b7_has_lost_letters((select string_agg(each #>> '{}', ' ') from jsonb_path_query(i.object, 'strict $.**.name') as each))
           then 'a name has lost letters' end as b7,
      case when i.kind = 'play' and i.at is null
           then format('played_at is not a time: %s', coalesce(i.body ->> 'played_at', 'missing')) end as b11
    from quality.page_item as i
    join raw.page as g on g.batch_id = i.batch_id and g.row_no = i.row_no
    join raw.batch as b on b.batch_id = i.batch_id
    cross join lateral (
      select quality.spotify_id(i.object ->> 'id') as spotify_id, quality.b4_null_marker(quality.b7_trim(i.object ->> 'name')) as name,
        quality.b4_null_marker(quality.b7_trim(i.object #>> '{artists,0,name}')) as first_artist
    ) as n
    where i.batch_id = batch
    offset 0
  ) as f
  where w.batch_id = batch and w.row_no = f.row_no and w.item_no = f.item_no and coalesce(f.b9, f.b4, f.b7, f.b11) is not null;

  update quality.page_item as w
  set object_key = quality.object_key(w.object)
  where w.batch_id = batch and w.rule_id is null and w.object is not null and w.kind not in ('profile', 'device')
$_$;

-- Name: FUNCTION judge_page(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.judge_page(batch bigint) IS 'Second part of core.load_page: which items are refused, by which rule, and why.';

-- Name: judge_songs(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.judge_songs(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.song_work as w
  set rule_id = 'B1', reason = format('says the same as row %s', r.first_row_no)
  from quality.b1_exact_repeats(batch) as r
  where w.batch_id = batch and w.row_no = r.row_no;

  -- Columns, not VALUES: a scan of VALUES plans every SQL function in it anew for each row (20 s instead of 3 s for 33,000 rows).
  update quality.song_work as w
  set rule_id = case when f.b4 is not null then 'B4' when f.b7 is not null then 'B7' when f.b5 is not null then 'B5'
                     when f.b6 is not null then 'B6' else 'B8' end,
      reason = coalesce(f.b4, f.b7, f.b5, f.b6, f.b8)
  from (
    select x.row_no,
      case when x.track_spotify_id is null then 'track_id is missing'
           when x.playlist_spotify_id is null then 'playlist_id is missing'
           when x.genre_name is null or x.subgenre_name is null then 'playlist_genre or playlist_subgenre is missing' end as b4,
      case when quality.b7_has_lost_letters(concat_ws(' ', x.track_name, x.artist_name, x.album_name, x.playlist_name))
           then 'a name has lost letters' end as b7,
      quality.b5_song_fault(s, x) as b5,
      case when x.release_text is not null and x.release_date is null
           then format('track_album_release_date is not a date: %s', x.release_text) end as b6,
      quality.b8_song_fault(x) as b8
    from quality.song_work as x
    join raw.song as s on s.batch_id = x.batch_id and s.row_no = x.row_no
    where x.batch_id = batch and x.rule_id is null
    offset 0 -- each fault is worked out once, not again for every mention of it above
  ) as f
  where w.batch_id = batch and w.row_no = f.row_no and coalesce(f.b4, f.b7, f.b5, f.b6, f.b8) is not null;

  update quality.song_work as w
  set rule_id = 'B2', reason = format('the playlist lists the track already in row %s', r.first_row_no)
  from quality.b2_key_repeats(batch) as r
  where w.batch_id = batch and w.row_no = r.row_no;

  update quality.song_work as w
  set rule_id = 'B2', reason = format('the playlist lists the track already: batch %s row %s', pt.batch_id, pt.row_no)
  from core.playlist_track as pt
  join core.playlist as p on p.playlist_id = pt.playlist_id
  join core.track as t on t.track_id = pt.track_id
  where w.batch_id = batch and w.rule_id is null and p.spotify_id = w.playlist_spotify_id and t.spotify_id = w.track_spotify_id
$$;

-- Name: FUNCTION judge_songs(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.judge_songs(batch bigint) IS 'Second part of core.load_songs: which rows are refused, by which rule, and why.';

-- Name: keep_chart(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_chart(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.chart (name, period)
  select distinct c.chart_name, case when c.layout = 'track_summary' or c.chart_name ~* 'week' then 'week' else 'day' end
  from quality.chart_read as c where c.batch_id = batch
  on conflict (name) do nothing;

  insert into core.chart_entry (chart_id, starts_on, track_id, rank, streams)
  select h.chart_id, c.chart_day, w.track_id, c.rank::smallint, c.streams::bigint
  from quality.track_work as w
  join quality.chart_read as c using (batch_id, row_no)
  join core.chart as h on h.name = c.chart_name
  where w.batch_id = batch and w.rule_id is null and c.layout = 'ranking'
  on conflict do nothing;

  -- A summary tells one rank only, that of the best week; where two tracks claim it, neither is believed over the other.
  insert into core.chart_entry (chart_id, starts_on, track_id, rank)
  select e.chart_id, e.starts_on, e.track_id, case when count(*) over (partition by e.chart_id, e.starts_on, e.rank) = 1 then e.rank end
  from (
    select distinct on (h.chart_id, lower(week), w.track_id) h.chart_id, lower(week) as starts_on, w.track_id,
      case when week = c.peak_week then c.peak_rank::smallint end as rank
    from quality.track_work as w
    join quality.chart_read as c using (batch_id, row_no)
    join core.chart as h on h.name = c.chart_name
    cross join lateral unnest(c.weeks_charted) as week
    where w.batch_id = batch and w.rule_id is null and c.layout = 'track_summary' and week is not null
    order by h.chart_id, lower(week), w.track_id, w.row_no
  ) as e
  on conflict do nothing;

  insert into core.chart_standing (chart_id, track_id, peak_rank, issues, streams)
  select distinct on (h.chart_id, w.track_id) h.chart_id, w.track_id, c.peak_rank::smallint, c.times_charted::smallint, c.streams::bigint
  from quality.track_work as w
  join quality.chart_read as c using (batch_id, row_no)
  join core.chart as h on h.name = c.chart_name
  where w.batch_id = batch and w.rule_id is null and c.layout = 'track_summary'
  order by h.chart_id, w.track_id, w.row_no
  on conflict do nothing;

  insert into core.genre (name)
  select distinct g from quality.track_work as w
  join quality.chart_read as c using (batch_id, row_no) cross join lateral unnest(c.genres) as g
  where w.batch_id = batch and w.rule_id is null and quality.b4_null_marker(g) is not null
  order by 1
  on conflict do nothing;

  insert into core.artist_genre (artist_id, genre_id)
  select distinct a.artist_id, g.genre_id
  from quality.track_work as w
  join quality.chart_read as c using (batch_id, row_no)
  join core.artist as a on a.name = w.artist_name and not a.is_namesake
  cross join lateral unnest(c.genres) as named
  join core.genre as g on g.name = named
  where w.batch_id = batch and w.rule_id is null
  on conflict do nothing
$$;

-- Name: FUNCTION keep_chart(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_chart(batch bigint) IS 'Part of core.load_chart: accepted rows become entries, standings and genres of artists.';

-- Name: keep_extended(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_extended(run bigint, batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch
  on conflict (name) do nothing;

  update quality.track_work as w
  set rule_id = 'B1', reason = format('the play is known already: batch %s row %s', p.batch_id, p.row_no)
  from raw.batch as b
  join core.listener as l on l.name = b.listener_name
  join core.play as p on p.listener_id = l.listener_id and p.feed = 'extended'
  where b.batch_id = batch and w.batch_id = batch and w.rule_id is null
    and p.ended_at = w.ended_at and p.track_id = w.track_id and p.ms_played = w.ms_played;

  -- The extended export says more and stands: the basic one's play gives way, and its row says to which.
  with replaced as (
    delete from core.play as p using quality.b3_twins(batch) as t where p.play_id = t.play_id
    returning p.batch_id, p.row_no, t.row_no as by_row, p.context_type, p.context_uri
  ), told as (
    update quality.track_work as w set context_type = r.context_type, context_uri = r.context_uri
    from replaced as r where w.batch_id = batch and w.row_no = r.by_row and r.context_type is not null
  )
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select r.batch_id, r.row_no, 'B3', format('the extended export says the same: batch %s row %s', batch, r.by_row), h.body::jsonb, run
  from (select distinct d.batch_id from replaced as d) as b
  -- Fenced off: batch by batch plays are taken apart once, play by play once for each.
  cross join lateral (select l.row_no, l.body from raw.streaming_history as l where l.batch_id = b.batch_id offset 0) as h
  join replaced as r on r.batch_id = b.batch_id and r.row_no = h.row_no;

  select core.replace_api_plays(run, batch);

  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no, feed, time_precision, context_type, context_uri)
  select l.listener_id, w.track_id, w.ended_at,
    coalesce(taken.last_seq, 0) + row_number() over (partition by w.ended_at order by w.row_no),
    w.ms_played::integer, w.batch_id, w.row_no, 'extended', 'second', w.context_type, w.context_uri
  from quality.track_work as w
  join raw.batch as b on b.batch_id = w.batch_id
  join core.listener as l on l.name = b.listener_name
  left join lateral (
    select max(p.minute_seq) as last_seq from core.play as p where p.listener_id = l.listener_id and p.ended_at = w.ended_at
  ) as taken on true
  where w.batch_id = batch and w.rule_id is null
  order by w.row_no
$$;

-- Name: FUNCTION keep_extended(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_extended(run bigint, batch bigint) IS 'Part of core.load_extended: accepted rows become plays known to the second; plays of the basic export and of the Web API that they repeat give way (B3).';

-- Name: keep_library(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_library(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch
  on conflict (name) do nothing;

  insert into core.saved_track (listener_id, track_id)
  select distinct l.listener_id, w.track_id
  from quality.track_work as w
  join raw.batch as b on b.batch_id = w.batch_id
  join core.listener as l on l.name = b.listener_name
  where w.batch_id = batch and w.rule_id is null
  on conflict do nothing
$$;

-- Name: FUNCTION keep_library(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_library(batch bigint) IS 'Part of core.load_library: accepted rows become saved tracks.';

-- Name: keep_page_library(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_page_library(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.saved_track as s (listener_id, track_id, added_at)
  select l.listener_id, i.fact_id, min(i.at)
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind = 'saved track' and i.rule_id is null
  group by l.listener_id, i.fact_id
  on conflict (listener_id, track_id) do update set added_at = excluded.added_at
    where excluded.added_at is not null and s.added_at is distinct from excluded.added_at;

  delete from core.saved_track as s
  using raw.page_set as g join core.listener as l on l.name = g.listener_name
  where g.batch_id = batch and g.kind = 'library' and g.unit = 'tracks' and quality.is_newest_whole(batch) and s.listener_id = l.listener_id
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'saved track' and i.fact_id = s.track_id);

  insert into core.saved_album as s (listener_id, album_id, added_at)
  select l.listener_id, i.fact_id, min(i.at)
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind = 'saved album' and i.rule_id is null
  group by l.listener_id, i.fact_id
  on conflict (listener_id, album_id) do update set added_at = excluded.added_at
    where excluded.added_at is not null and s.added_at is distinct from excluded.added_at;

  delete from core.saved_album as s
  using raw.page_set as g join core.listener as l on l.name = g.listener_name
  where g.batch_id = batch and g.kind = 'library' and g.unit = 'albums' and quality.is_newest_whole(batch) and s.listener_id = l.listener_id
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'saved album' and i.fact_id = s.album_id);

  insert into core.follow as f (listener_id, artist_id, first_seen_at, last_seen_at)
  select l.listener_id, i.fact_id, min(i.seen_at), max(i.seen_at)
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind = 'follow' and i.rule_id is null
  group by l.listener_id, i.fact_id
  on conflict (listener_id, artist_id) do update
    set first_seen_at = least(f.first_seen_at, excluded.first_seen_at), last_seen_at = excluded.last_seen_at, ended_at = null
    where excluded.last_seen_at > f.last_seen_at;

  update core.follow as f
  set ended_at = g.started_at
  from raw.page_set as g join core.listener as l on l.name = g.listener_name
  where g.batch_id = batch and g.kind = 'artists' and quality.is_newest_whole(batch) and f.listener_id = l.listener_id and f.ended_at is null
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'follow' and i.fact_id = f.artist_id)
$$;

-- Name: FUNCTION keep_page_library(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_page_library(batch bigint) IS 'Part of core.load_page: accepted items become saved tracks and albums and followed artists; what a whole list no longer has goes, or ends.';

-- Name: keep_page_person(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_page_person(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $_$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch and b.listener_name is not null
  on conflict (name) do nothing;

  -- Loaded under two names, one person's plays would count twice.
  update quality.page_item as i
  set rule_id = 'B2', reason = format('the account is that of listener %s', l.name)
  from raw.batch as b, core.listener as l
  where i.batch_id = batch and i.kind = 'profile' and i.rule_id is null
    and b.batch_id = batch and l.name <> b.listener_name and l.account_id = i.object ->> 'account_id';

  update core.listener as l
  set account_id = coalesce(n.account_id, l.account_id), user_id = coalesce(n.user_id, l.user_id), country = coalesce(n.country, l.country),
      product = coalesce(n.product, l.product)
  from (
    select distinct on (b.listener_name) b.listener_name, nullif(i.object ->> 'account_id', '') as account_id, nullif(i.object ->> 'id', '') as user_id,
      substring(upper(i.object ->> 'country') from '^[A-Z]{2}$') as country, quality.b4_null_marker(quality.b7_trim(i.object ->> 'product')) as product
    from quality.page_item as i join raw.batch as b using (batch_id)
    where i.batch_id = batch and i.kind = 'profile' and i.rule_id is null
    order by b.listener_name, i.row_no desc, i.item_no desc
  ) as n
  where l.name = n.listener_name
    and (coalesce(n.account_id, l.account_id), coalesce(n.user_id, l.user_id), coalesce(n.country, l.country), coalesce(n.product, l.product))
      is distinct from (l.account_id, l.user_id, l.country, l.product);

  insert into core.device as d (listener_id, name, device_type, spotify_id, first_seen_at, last_seen_at)
  select distinct on (l.listener_id, n.name, n.device_type) l.listener_id, n.name, n.device_type, nullif(i.object ->> 'id', ''), i.seen_at, i.seen_at
  from quality.page_item as i
  join raw.batch as b using (batch_id)
  join core.listener as l on l.name = b.listener_name
  cross join lateral (
    select quality.b7_trim(i.object ->> 'name') as name, coalesce(quality.b7_trim(i.object ->> 'type'), '') as device_type
  ) as n
  where i.batch_id = batch and i.kind = 'device' and i.rule_id is null
  order by l.listener_id, n.name, n.device_type, i.row_no, i.item_no
  on conflict (listener_id, name, device_type) do update
    set spotify_id = coalesce(excluded.spotify_id, d.spotify_id), first_seen_at = least(d.first_seen_at, excluded.first_seen_at),
        last_seen_at = excluded.last_seen_at
    where excluded.last_seen_at > d.last_seen_at;

  update quality.page_item as i
  set rule_id = 'B2', reason = 'the list has it already'
  from (
    select x.row_no, x.item_no,
      row_number() over (partition by x.kind, x.about, x.seen_at, x.fact_id order by x.place, x.row_no, x.item_no) as nth,
      row_number() over (partition by x.kind, x.about, x.seen_at, x.place order by x.row_no, x.item_no) as nth_there
    from quality.page_item as x
    where x.batch_id = batch and x.kind in ('top artist', 'top track', 'best track') and x.rule_id is null
  ) as again
  where i.batch_id = batch and i.row_no = again.row_no and i.item_no = again.item_no and (again.nth > 1 or again.nth_there > 1);

  insert into core.top_list (listener_id, kind, time_range, taken_at)
  select distinct l.listener_id, case i.kind when 'top artist' then 'artists' else 'tracks' end, i.about, i.seen_at
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind in ('top artist', 'top track') and i.rule_id is null
  order by 1, 2, 3, 4
  on conflict do nothing;

  insert into core.top_list_artist (top_list_id, rank, artist_id)
  select t.top_list_id, i.place, i.fact_id
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  join core.top_list as t on t.listener_id = l.listener_id and t.kind = 'artists' and t.time_range = i.about and t.taken_at = i.seen_at
  where i.batch_id = batch and i.kind = 'top artist' and i.rule_id is null
  on conflict do nothing;

  insert into core.top_list_track (top_list_id, rank, track_id)
  select t.top_list_id, i.place, i.fact_id
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  join core.top_list as t on t.listener_id = l.listener_id and t.kind = 'tracks' and t.time_range = i.about and t.taken_at = i.seen_at
  where i.batch_id = batch and i.kind = 'top track' and i.rule_id is null
  on conflict do nothing;

  insert into core.artist_top_track (artist_id, taken_at, rank, track_id)
  select a.artist_id, i.seen_at, i.place, i.fact_id
  from quality.page_item as i join core.artist as a on a.spotify_id = i.about
  where i.batch_id = batch and i.kind = 'best track' and i.rule_id is null
  on conflict do nothing
$_$;

-- Name: FUNCTION keep_page_person(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_page_person(batch bigint) IS 'Part of core.load_page: accepted items become what is known of the listener, their devices, and top lists, which stay as they were each time.';

-- Name: keep_page_playlists(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_page_playlists(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  -- An account export knows a playlist by its owner's name for it.
  update core.playlist as p
  set spotify_id = c.spotify_id
  from (
    select distinct on (l.listener_id, i.object ->> 'name') l.listener_id, quality.b7_trim(i.object ->> 'name') as name, i.object_key as spotify_id
    from quality.page_item as i
    join raw.batch as b using (batch_id)
    join core.listener as l on l.name = b.listener_name and i.object #>> '{owner,id}' in (l.user_id, l.account_id)
    where i.batch_id = batch and i.kind = 'playlist' and i.rule_id is null
      and not exists (select from core.playlist as known where known.spotify_id = i.object_key)
    order by l.listener_id, i.object ->> 'name', i.row_no, i.item_no
  ) as c
  where p.spotify_id is null and p.owner_id = c.listener_id and p.name = c.name;

  insert into core.playlist as p (spotify_id, name, description, followers, owner_id)
  select distinct on (i.object_key) i.object_key, quality.b4_null_marker(quality.b7_trim(i.object ->> 'name')),
    nullif(quality.b7_trim(i.object ->> 'description'), ''), quality.b8_whole(i.object #>> '{followers,total}', 0, 9000000000), l.listener_id
  from quality.page_item as i
  join raw.batch as b using (batch_id)
  left join core.listener as l on l.name = b.listener_name and i.object #>> '{owner,id}' in (l.user_id, l.account_id)
  where i.batch_id = batch and i.kind = 'playlist' and i.rule_id is null
  order by i.object_key, i.row_no, i.item_no
  on conflict (spotify_id) do update
    set name = coalesce(excluded.name, p.name), description = excluded.description, followers = coalesce(excluded.followers, p.followers),
        owner_id = coalesce(excluded.owner_id, p.owner_id)
    where (coalesce(excluded.name, p.name), excluded.description, coalesce(excluded.followers, p.followers), coalesce(excluded.owner_id, p.owner_id))
      is distinct from (p.name, p.description, p.followers, p.owner_id);

  insert into core.playlist (spotify_id)
  select distinct i.about from quality.page_item as i
  where i.batch_id = batch and i.kind = 'listing' and i.rule_id is null
  on conflict (spotify_id) do nothing;

  update quality.page_item as i
  set rule_id = 'B2', reason = 'the playlist lists the track already'
  from (
    select x.row_no, x.item_no, row_number() over (partition by x.about, x.fact_id order by x.place, x.row_no, x.item_no) as nth
    from quality.page_item as x where x.batch_id = batch and x.kind = 'listing' and x.rule_id is null
  ) as again
  where i.batch_id = batch and i.row_no = again.row_no and i.item_no = again.item_no and again.nth > 1;

  insert into core.playlist_track as t (playlist_id, track_id, batch_id, row_no, item_no, position, added_at)
  select p.playlist_id, i.fact_id, i.batch_id, i.row_no, i.item_no, i.place, i.at
  from quality.page_item as i
  join core.playlist as p on p.spotify_id = i.about
  where i.batch_id = batch and i.kind = 'listing' and i.rule_id is null
  order by i.row_no, i.item_no
  on conflict (playlist_id, track_id) do update set position = excluded.position, added_at = coalesce(excluded.added_at, t.added_at)
    where (excluded.position, coalesce(excluded.added_at, t.added_at)) is distinct from (t.position, t.added_at)
$$;

-- Name: FUNCTION keep_page_playlists(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_page_playlists(batch bigint) IS 'Part of core.load_page: accepted items become playlists and what they list, in their order; a track listed again is refused by B2.';

-- Name: keep_page_plays(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_page_plays(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.page_item as i
  set at = date_trunc('milliseconds', i.at), ms_played = coalesce(t.duration_ms, 30000)
  from core.track as t
  where i.batch_id = batch and i.kind = 'play' and i.rule_id is null and t.track_id = i.fact_id;

  update quality.page_item as i
  set rule_id = 'B1', reason = 'an earlier item says the same'
  from (
    select x.row_no, x.item_no, row_number() over (partition by x.at, x.fact_id order by x.row_no, x.item_no) as nth
    from quality.page_item as x where x.batch_id = batch and x.kind = 'play' and x.rule_id is null
  ) as again
  where i.batch_id = batch and i.row_no = again.row_no and i.item_no = again.item_no and again.nth > 1;

  update quality.page_item as i
  set rule_id = 'B1', reason = format('the play is known already: batch %s row %s item %s', p.batch_id, p.row_no, p.item_no)
  from raw.batch as b
  join core.listener as l on l.name = b.listener_name
  join core.play as p on p.listener_id = l.listener_id and p.feed = 'api'
  where b.batch_id = batch and i.batch_id = batch and i.kind = 'play' and i.rule_id is null
    and p.ended_at = i.at and p.track_id = i.fact_id;

  -- The export says how long it was heard, and stands; only the Web API says from where.
  with twin as materialized (
    select t.row_no, t.item_no, t.play_id, p.feed, p.batch_id, p.row_no as play_row_no
    from quality.b3_api_twins(batch) as t join core.play as p on p.play_id = t.play_id
  ), told as (
    update core.play as p
    set context_type = c.context_type, context_uri = c.context_uri
    from twin as t
    join quality.page_item as i on i.batch_id = batch and i.row_no = t.row_no and i.item_no = t.item_no
    cross join lateral quality.play_context(i.body) as c
    where p.play_id = t.play_id and p.context_type is null and c.context_type is not null
  )
  update quality.page_item as i
  set rule_id = 'B3', reason = format('the %s export says the same: batch %s row %s', t.feed, t.batch_id, t.play_row_no)
  from twin as t
  where i.batch_id = batch and i.row_no = t.row_no and i.item_no = t.item_no;

  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no, item_no, feed, time_precision,
    ms_is_estimated, context_type, context_uri)
  select l.listener_id, i.fact_id, i.at,
    coalesce(taken.last_seq, 0) + row_number() over (partition by i.at order by i.row_no, i.item_no),
    i.ms_played, i.batch_id, i.row_no, i.item_no, 'api', 'milliseconds', true, c.context_type, c.context_uri
  from quality.page_item as i
  join raw.batch as b on b.batch_id = i.batch_id
  join core.listener as l on l.name = b.listener_name
  cross join lateral quality.play_context(i.body) as c
  left join lateral (
    select max(p.minute_seq) as last_seq from core.play as p where p.listener_id = l.listener_id and p.ended_at = i.at
  ) as taken on true
  where i.batch_id = batch and i.kind = 'play' and i.rule_id is null
  -- Pages have the newest first.
  order by i.at, i.row_no, i.item_no
$$;

-- Name: FUNCTION keep_page_plays(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_page_plays(batch bigint) IS 'Part of core.load_page: accepted items become plays, heard for as long as their tracks are; those that an export told are refused by B3 and give it their context.';

-- Name: keep_playlist(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_playlist(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch and b.listener_name is not null
  on conflict (name) do nothing;

  insert into core.playlist (spotify_id, name, owner_id)
  select distinct on (p.playlist_spotify_id, p.playlist_name) p.playlist_spotify_id, p.playlist_name, l.listener_id
  from quality.playlist_read as p
  join raw.batch as b using (batch_id)
  left join core.listener as l on l.name = b.listener_name
  where p.batch_id = batch
    and not exists (
      select from core.playlist as known
      where case when p.playlist_spotify_id is not null then known.spotify_id = p.playlist_spotify_id
                 else known.spotify_id is null and known.name = p.playlist_name and known.owner_id is not distinct from l.listener_id end)
  order by p.playlist_spotify_id, p.playlist_name, p.row_no
  on conflict do nothing;

  with listed as (
    select x.playlist_id, w.track_id, w.row_no, p.added_at
    from quality.track_work as w
    join quality.playlist_read as p using (batch_id, row_no)
    join raw.batch as b using (batch_id)
    left join core.listener as l on l.name = b.listener_name
    join core.playlist as x on case when p.playlist_spotify_id is not null then x.spotify_id = p.playlist_spotify_id
      else x.spotify_id is null and x.name = p.playlist_name and x.owner_id is not distinct from l.listener_id end
    where w.batch_id = batch and w.rule_id is null
  ), kept as (
    insert into core.playlist_track (playlist_id, track_id, batch_id, row_no, position, added_at)
    select distinct on (d.playlist_id, d.track_id) d.playlist_id, d.track_id, batch, d.row_no, d.row_no, d.added_at
    from listed as d order by d.playlist_id, d.track_id, d.row_no
    on conflict do nothing
    returning row_no
  )
  update quality.track_work as w
  set rule_id = 'B2', reason = 'the playlist lists the track already'
  where w.batch_id = batch and w.rule_id is null and w.row_no not in (select k.row_no from kept as k)
$$;

-- Name: FUNCTION keep_playlist(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_playlist(batch bigint) IS 'Part of core.load_playlist: accepted rows become playlists and their tracks; a track listed again is refused by B2.';

-- Name: keep_plays(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_plays(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch
  on conflict (name) do nothing;

  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no, context_type, context_uri)
  select l.listener_id, w.track_id, w.ended_at,
    coalesce(taken.last_seq, 0) + row_number() over (partition by w.ended_at order by w.row_no),
    w.ms_played::integer, w.batch_id, w.row_no, w.context_type, w.context_uri
  from quality.play_work as w
  join raw.batch as b on b.batch_id = w.batch_id
  join core.listener as l on l.name = b.listener_name
  left join lateral (
    select max(p.minute_seq) as last_seq from core.play as p where p.listener_id = l.listener_id and p.ended_at = w.ended_at
  ) as taken on true
  where w.batch_id = batch and w.rule_id is null
  order by w.row_no
$$;

-- Name: FUNCTION keep_plays(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_plays(batch bigint) IS 'Part of core.load_history: accepted rows become plays, numbered within their minute after those already there.';

-- Name: keep_songs(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.keep_songs(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.artist (name)
  select distinct w.artist_name from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2') and w.artist_name is not null
  order by 1
  on conflict (name) where not is_namesake do nothing;

  insert into core.album as a (spotify_id, name, release_date, release_date_precision)
  select distinct on (w.album_spotify_id) w.album_spotify_id, w.album_name, w.release_date, w.release_date_precision
  from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2') and w.album_spotify_id is not null
  order by w.album_spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = coalesce(excluded.name, a.name),
        release_date = coalesce(excluded.release_date, a.release_date),
        release_date_precision = coalesce(excluded.release_date_precision, a.release_date_precision)
    where (coalesce(excluded.name, a.name), coalesce(excluded.release_date, a.release_date),
           coalesce(excluded.release_date_precision, a.release_date_precision))
      is distinct from (a.name, a.release_date, a.release_date_precision);

  insert into core.track as t (spotify_id, name, album_id, duration_ms, popularity)
  select distinct on (w.track_spotify_id) w.track_spotify_id, w.track_name, a.album_id, w.duration_ms::integer, w.popularity::smallint
  from quality.song_work as w
  left join core.album as a on a.spotify_id = w.album_spotify_id
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by w.track_spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = coalesce(excluded.name, t.name),
        album_id = coalesce(excluded.album_id, t.album_id),
        duration_ms = coalesce(excluded.duration_ms, t.duration_ms),
        popularity = coalesce(excluded.popularity, t.popularity)
    where (coalesce(excluded.name, t.name), coalesce(excluded.album_id, t.album_id),
           coalesce(excluded.duration_ms, t.duration_ms), coalesce(excluded.popularity, t.popularity))
      is distinct from (t.name, t.album_id, t.duration_ms, t.popularity);

  insert into core.track_artist (track_id, position, artist_id)
  select distinct on (t.track_id) t.track_id, 1, a.artist_id
  from quality.song_work as w
  join core.track as t on t.spotify_id = w.track_spotify_id
  join core.artist as a on a.name = w.artist_name and not a.is_namesake
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by t.track_id, w.row_no
  on conflict do nothing;

  insert into core.audio_feature as f
    (track_id, danceability, energy, key, loudness_db, mode, speechiness, acousticness, instrumentalness, liveness, valence, tempo_bpm)
  select distinct on (t.track_id) t.track_id, w.danceability, w.energy, w.key::smallint, w.loudness, w.mode::smallint, w.speechiness,
         w.acousticness, w.instrumentalness, w.liveness, w.valence, w.tempo
  from quality.song_work as w
  join core.track as t on t.spotify_id = w.track_spotify_id
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by t.track_id, w.row_no
  on conflict do nothing;

  insert into core.genre (name)
  select distinct w.genre_name from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by 1
  on conflict do nothing;

  insert into core.subgenre (genre_id, name)
  select distinct g.genre_id, w.subgenre_name
  from quality.song_work as w
  join core.genre as g on g.name = w.genre_name
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by 1, 2
  on conflict do nothing;

  insert into core.playlist as p (spotify_id, name)
  select distinct on (w.playlist_spotify_id) w.playlist_spotify_id, w.playlist_name
  from quality.song_work as w
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  order by w.playlist_spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = excluded.name
    where excluded.name is not null and excluded.name is distinct from p.name;

  insert into core.playlist_track (playlist_id, track_id, batch_id, row_no)
  select p.playlist_id, t.track_id, w.batch_id, w.row_no
  from quality.song_work as w
  join core.playlist as p on p.spotify_id = w.playlist_spotify_id
  join core.track as t on t.spotify_id = w.track_spotify_id
  where w.batch_id = batch and w.rule_id is null
  order by w.row_no;

  insert into core.playlist_track_subgenre (playlist_id, track_id, subgenre_id)
  select distinct p.playlist_id, t.track_id, sg.subgenre_id
  from quality.song_work as w
  join core.playlist as p on p.spotify_id = w.playlist_spotify_id
  join core.track as t on t.spotify_id = w.track_spotify_id
  join core.genre as g on g.name = w.genre_name
  join core.subgenre as sg on sg.genre_id = g.genre_id and sg.name = w.subgenre_name
  where w.batch_id = batch and (w.rule_id is null or w.rule_id = 'B2')
  on conflict do nothing
$$;

-- Name: FUNCTION keep_songs(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.keep_songs(batch bigint) IS 'Fourth part of core.load_songs: accepted rows into the catalogue. A row refused for B2 alone still tells the subgenre and the newest attributes.';

-- Name: know_page_albums(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.know_page_albums(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.page_object as o
  set core_id = a.album_id
  from core.album as a
  where o.batch_id = batch and o.kind = 'album' and a.spotify_id = o.spotify_id;

  -- An export names albums with their artist alone: the first identifier that comes for such a name is taken to be it.
  with claimed as (
    update core.album as a
    set spotify_id = c.spotify_id
    from (
      select distinct on (o.name, r.core_id) o.name, r.core_id as artist_id, o.spotify_id
      from quality.page_object as o
      join quality.page_object as r on r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(o.body #> '{artists,0}')
      where o.batch_id = batch and o.kind = 'album' and o.core_id is null and o.spotify_id is not null
      order by o.name, r.core_id, o.spotify_id collate "C"
    ) as c
    where a.spotify_id is null and a.name = c.name and a.named_artist_id = c.artist_id
    returning a.album_id, a.spotify_id
  )
  update quality.page_object as o
  set core_id = c.album_id
  from claimed as c
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id = c.spotify_id;

  with made as (
    insert into core.album (spotify_id, name)
    select o.spotify_id, o.name from quality.page_object as o
    where o.batch_id = batch and o.kind = 'album' and o.core_id is null and o.spotify_id is not null
    order by o.spotify_id collate "C"
    returning album_id, spotify_id
  )
  update quality.page_object as o
  set core_id = m.album_id
  from made as m
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id = m.spotify_id;

  insert into core.album (name, named_artist_id)
  select distinct o.name, r.core_id
  from quality.page_object as o
  join quality.page_object as r on r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(o.body #> '{artists,0}')
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id is null
  order by 1, 2
  on conflict (name, named_artist_id) where spotify_id is null do nothing;

  update quality.page_object as o
  set core_id = a.album_id
  from quality.page_object as r, core.album as a
  where o.batch_id = batch and o.kind = 'album' and o.spotify_id is null
    and r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(o.body #> '{artists,0}')
    and a.spotify_id is null and a.name = o.name and a.named_artist_id = r.core_id;

  update core.album as a
  set name = coalesce(n.name, a.name), album_type = coalesce(n.album_type, a.album_type), total_tracks = coalesce(n.total_tracks, a.total_tracks),
      image_url = coalesce(n.image_url, a.image_url), release_date = coalesce(n.release_date, a.release_date),
      release_date_precision = coalesce(n.precision, a.release_date_precision)
  from (
    select o.core_id, o.name, d.release_date, d.precision, t.album_type,
      quality.b8_whole(o.body ->> 'total_tracks', 1, 32767)::smallint as total_tracks, quality.image_url(o.body -> 'images') as image_url
    from quality.page_object as o
    cross join lateral (
      select quality.b6_partial_date(quality.b7_trim(o.body ->> 'release_date')) as release_date,
        quality.b6_date_precision(quality.b7_trim(o.body ->> 'release_date')) as precision
    ) as d
    left join lateral (
      select lower(o.body ->> 'album_type') as album_type where lower(o.body ->> 'album_type') in ('album', 'single', 'compilation')
    ) as t on true
    where o.batch_id = batch and o.kind = 'album' and o.spotify_id is not null
  ) as n
  where a.album_id = n.core_id
    and (coalesce(n.name, a.name), coalesce(n.album_type, a.album_type), coalesce(n.total_tracks, a.total_tracks),
         coalesce(n.image_url, a.image_url), coalesce(n.release_date, a.release_date), coalesce(n.precision, a.release_date_precision))
      is distinct from (a.name, a.album_type, a.total_tracks, a.image_url, a.release_date, a.release_date_precision);

  delete from core.album_artist as x
  where x.album_id in (
    select c.core_id from quality.page_credits(batch, 'album') as c group by c.core_id
    having array_agg(c.artist_id order by c.position) is distinct from
      (select array_agg(k.artist_id order by k.position) from core.album_artist as k where k.album_id = c.core_id));

  insert into core.album_artist (album_id, position, artist_id)
  select c.core_id, c.position, c.artist_id
  from quality.page_credits(batch, 'album') as c
  where not exists (select from core.album_artist as k where k.album_id = c.core_id)
$$;

-- Name: FUNCTION know_page_albums(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.know_page_albums(batch bigint) IS 'Part of core.load_page: albums that pages name, found by identifier, by name and artist where that is all that is known, or made; with artists, and what changed.';

-- Name: know_page_artists(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.know_page_artists(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.page_object as o
  set core_id = a.artist_id
  from core.artist as a
  where o.batch_id = batch and o.kind = 'artist' and a.spotify_id = o.spotify_id;

  -- Whoever was known by name alone is taken to be the first of that name whose identifier comes.
  with claimed as (
    update core.artist as a
    set spotify_id = c.spotify_id
    from (
      select distinct on (o.name) o.name, o.spotify_id
      from quality.page_object as o
      where o.batch_id = batch and o.kind = 'artist' and o.core_id is null and o.spotify_id is not null
      order by o.name, o.spotify_id collate "C"
    ) as c
    where a.name = c.name and not a.is_namesake and a.spotify_id is null
    returning a.artist_id, a.spotify_id
  )
  update quality.page_object as o
  set core_id = c.artist_id
  from claimed as c
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id = c.spotify_id;

  with made as (
    insert into core.artist (spotify_id, name, is_namesake)
    select o.spotify_id, o.name,
      row_number() over (partition by o.name order by o.spotify_id collate "C") > 1
        or exists (select from core.artist as a where a.name = o.name and not a.is_namesake)
    from quality.page_object as o
    where o.batch_id = batch and o.kind = 'artist' and o.core_id is null and o.spotify_id is not null
    order by o.name, o.spotify_id collate "C"
    returning artist_id, spotify_id
  )
  update quality.page_object as o
  set core_id = m.artist_id
  from made as m
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id = m.spotify_id;

  insert into core.artist (name)
  select o.name from quality.page_object as o
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id is null
  order by o.name
  on conflict (name) where not is_namesake do nothing;

  update quality.page_object as o
  set core_id = a.artist_id
  from core.artist as a
  where o.batch_id = batch and o.kind = 'artist' and o.spotify_id is null and a.name = o.name and not a.is_namesake;

  update core.artist as a
  set popularity = coalesce(n.popularity, a.popularity), followers = coalesce(n.followers, a.followers),
      image_url = coalesce(n.image_url, a.image_url),
      -- Artists rename themselves; a name that another has already stays with that one.
      name = case when exists (select from core.artist as x where x.name = n.name and not x.is_namesake) then a.name else n.name end
  from (
    select o.core_id, o.name, quality.b8_whole(o.body ->> 'popularity', 0, 100)::smallint as popularity,
      quality.b8_whole(o.body #>> '{followers,total}', 0, 9000000000) as followers, quality.image_url(o.body -> 'images') as image_url
    from quality.page_object as o
    where o.batch_id = batch and o.kind = 'artist' and o.spotify_id is not null
  ) as n
  where a.artist_id = n.core_id
    and ((n.popularity is not null and n.popularity is distinct from a.popularity)
      or (n.followers is not null and n.followers is distinct from a.followers)
      or (n.image_url is not null and n.image_url is distinct from a.image_url)
      or (n.name <> a.name and not exists (select from core.artist as x where x.name = n.name and not x.is_namesake)));

  insert into core.genre (name)
  select distinct g.name
  from quality.page_object as o
  cross join lateral (
    select quality.b4_null_marker(quality.b7_trim(e #>> '{}')) as name
    from jsonb_array_elements(case when jsonb_typeof(o.body -> 'genres') = 'array' then o.body -> 'genres' end) as e
  ) as g
  where o.batch_id = batch and o.kind = 'artist' and g.name is not null
  order by 1
  on conflict do nothing;

  insert into core.artist_genre (artist_id, genre_id)
  select distinct o.core_id, g.genre_id
  from quality.page_object as o
  cross join lateral jsonb_array_elements(case when jsonb_typeof(o.body -> 'genres') = 'array' then o.body -> 'genres' end) as e
  join core.genre as g on g.name = quality.b7_trim(e #>> '{}')
  where o.batch_id = batch and o.kind = 'artist'
  on conflict do nothing
$$;

-- Name: FUNCTION know_page_artists(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.know_page_artists(batch bigint) IS 'Part of core.load_page: artists that pages name, found by identifier, by name where that is all that is known, or made; with genres, and what changed.';

-- Name: know_page_tracks(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.know_page_tracks(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.page_object as o
  set core_id = t.track_id
  from core.track as t
  where o.batch_id = batch and o.kind = 'track' and t.spotify_id = o.spotify_id;

  with made as (
    insert into core.track (spotify_id, name)
    select o.spotify_id, o.name from quality.page_object as o
    where o.batch_id = batch and o.kind = 'track' and o.core_id is null and o.spotify_id is not null
    order by o.spotify_id collate "C"
    returning track_id, spotify_id
  )
  update quality.page_object as o
  set core_id = m.track_id
  from made as m
  where o.batch_id = batch and o.kind = 'track' and o.spotify_id = m.spotify_id;

  update core.track as t
  set name = coalesce(n.name, t.name), album_id = coalesce(n.album_id, t.album_id), duration_ms = coalesce(n.duration_ms, t.duration_ms),
      popularity = coalesce(n.popularity, t.popularity), explicit = coalesce(n.explicit, t.explicit),
      disc_number = coalesce(n.disc_number, t.disc_number), track_number = coalesce(n.track_number, t.track_number),
      isrc = coalesce(n.isrc, t.isrc)
  from (
    select o.core_id, o.name, b.core_id as album_id,
      quality.b8_whole(o.body ->> 'duration_ms', 1, 2147483647)::integer as duration_ms,
      quality.b8_whole(o.body ->> 'popularity', 0, 100)::smallint as popularity,
      case when jsonb_typeof(o.body -> 'explicit') = 'boolean' then (o.body -> 'explicit')::boolean end as explicit,
      quality.b8_whole(o.body ->> 'disc_number', 1, 32767)::smallint as disc_number,
      quality.b8_whole(o.body ->> 'track_number', 1, 32767)::smallint as track_number,
      quality.b4_null_marker(quality.b7_trim(o.body #>> '{external_ids,isrc}')) as isrc
    from quality.page_object as o
    left join quality.page_object as b on b.batch_id = batch and b.kind = 'album' and b.object_key = quality.object_key(o.body -> 'album')
    where o.batch_id = batch and o.kind = 'track' and o.spotify_id is not null
  ) as n
  where t.track_id = n.core_id
    and (coalesce(n.name, t.name), coalesce(n.album_id, t.album_id), coalesce(n.duration_ms, t.duration_ms),
         coalesce(n.popularity, t.popularity), coalesce(n.explicit, t.explicit), coalesce(n.disc_number, t.disc_number),
         coalesce(n.track_number, t.track_number), coalesce(n.isrc, t.isrc))
      is distinct from (t.name, t.album_id, t.duration_ms, t.popularity, t.explicit, t.disc_number, t.track_number, t.isrc);

  delete from core.track_artist as x
  where x.track_id in (
    select c.core_id from quality.page_credits(batch, 'track') as c group by c.core_id
    having array_agg(c.artist_id order by c.position) is distinct from
      (select array_agg(k.artist_id order by k.position) from core.track_artist as k where k.track_id = c.core_id));

  insert into core.track_artist (track_id, position, artist_id)
  select c.core_id, c.position, c.artist_id
  from quality.page_credits(batch, 'track') as c
  where not exists (select from core.track_artist as k where k.track_id = c.core_id);

  -- A listener's own files have no identifier: such a track is found as histories find theirs.
  insert into quality.play_work (batch_id, row_no, artist_name, track_name)
  select batch, row_number() over (order by o.object_key collate "C"), quality.b4_null_marker(quality.b7_trim(o.body #>> '{artists,0,name}')), o.name
  from quality.page_object as o
  where o.batch_id = batch and o.kind = 'track' and o.spotify_id is null;
  select core.name_tracks(batch);
  update quality.page_object as o
  set core_id = w.track_id
  from quality.play_work as w
  where o.batch_id = batch and o.kind = 'track' and o.spotify_id is null and w.batch_id = batch
    and o.name = w.track_name and quality.b4_null_marker(quality.b7_trim(o.body #>> '{artists,0,name}')) = w.artist_name;
  delete from quality.play_work as w where w.batch_id = batch;

  update quality.page_item as i
  set fact_id = o.core_id
  from quality.page_object as o
  where i.batch_id = batch and i.rule_id is null and o.batch_id = batch and o.object_key = i.object_key
    and o.kind = case when i.kind in ('play', 'listing', 'saved track', 'top track', 'best track', 'track') then 'track'
                      when i.kind in ('saved album', 'album') then 'album'
                      when i.kind in ('top artist', 'follow', 'artist') then 'artist' end
$$;

-- Name: FUNCTION know_page_tracks(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.know_page_tracks(batch bigint) IS 'Part of core.load_page: tracks that pages name, found by identifier, by name where that is all that is known, or made; with artists and album, and what changed. Items then know what they are about.';

-- Name: know_tracks(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.know_tracks(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.artist (name)
  select distinct w.artist_name from quality.track_work as w
  where w.batch_id = batch and w.rule_id is null and w.artist_name is not null
  order by 1
  on conflict (name) where not is_namesake do nothing;

  insert into core.album (name, named_artist_id)
  select distinct w.album_name, a.artist_id
  from quality.track_work as w
  join core.artist as a on a.name = w.artist_name and not a.is_namesake
  left join core.track as t on t.spotify_id = w.spotify_id
  where w.batch_id = batch and w.rule_id is null and w.spotify_id is not null and w.album_name is not null and t.album_id is null
  order by 1, 2
  on conflict (name, named_artist_id) where spotify_id is null do nothing;

  -- What a catalogue said already is better than what a listing repeats of it: only gaps are filled.
  insert into core.track as t (spotify_id, name, album_id, duration_ms, popularity)
  select distinct on (w.spotify_id) w.spotify_id, w.track_name, b.album_id, w.duration_ms, w.popularity
  from quality.track_work as w
  left join core.artist as a on a.name = w.artist_name and not a.is_namesake
  left join core.album as b on b.spotify_id is null and b.name = w.album_name and b.named_artist_id = a.artist_id
  where w.batch_id = batch and w.rule_id is null and w.spotify_id is not null
  order by w.spotify_id, w.row_no
  on conflict (spotify_id) do update
    set name = coalesce(t.name, excluded.name), album_id = coalesce(t.album_id, excluded.album_id),
        duration_ms = coalesce(t.duration_ms, excluded.duration_ms), popularity = coalesce(t.popularity, excluded.popularity)
    where (t.name is null and excluded.name is not null) or (t.album_id is null and excluded.album_id is not null)
       or (t.duration_ms is null and excluded.duration_ms is not null) or (t.popularity is null and excluded.popularity is not null);

  insert into core.track_artist (track_id, position, artist_id)
  select distinct on (t.track_id) t.track_id, 1, a.artist_id
  from quality.track_work as w
  join core.track as t on t.spotify_id = w.spotify_id
  join core.artist as a on a.name = w.artist_name and not a.is_namesake
  where w.batch_id = batch and w.rule_id is null
    and not exists (select from core.track_artist as ta where ta.track_id = t.track_id)
  order by t.track_id, w.row_no
  on conflict do nothing;

  update quality.track_work as w
  set track_id = t.track_id
  from core.track as t
  where w.batch_id = batch and w.rule_id is null and t.spotify_id = w.spotify_id;

  -- Without an identifier a track is found as histories find theirs.
  insert into quality.play_work (batch_id, row_no, artist_name, track_name)
  select w.batch_id, w.row_no, w.artist_name, w.track_name from quality.track_work as w
  where w.batch_id = batch and w.rule_id is null and w.spotify_id is null
    and w.artist_name is not null and w.track_name is not null;
  select core.name_tracks(batch);
  update quality.track_work as w
  set track_id = p.track_id
  from quality.play_work as p
  where w.batch_id = batch and w.track_id is null and p.batch_id = w.batch_id and p.row_no = w.row_no;
  delete from quality.play_work as p where p.batch_id = batch
$$;

-- Name: FUNCTION know_tracks(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.know_tracks(batch bigint) IS 'Part of the load procedures: artists, albums and tracks that rows of quality.track_work name, made where they are new; sets track_id.';

-- Name: link_canonical_tracks(bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.link_canonical_tracks(INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('core.link_canonical_tracks', null);
  begin
    -- Nameless tracks share nothing but our ignorance: counted as a group, never linked.
    update core.track as t
    set canonical_track_id = wanted.canonical
    from (
      select m.track_id, nullif(first_value(m.track_id) over (
               partition by m.name_folded, m.artist_folded
               order by (m.spotify_id is null), m.popularity desc nulls last, m.spotify_id collate "C", m.track_id), m.track_id) as canonical
      from core.track_meaning as m
      where m.name_folded is not null
    ) as wanted
    where t.track_id = wanted.track_id and t.canonical_track_id is distinct from wanted.canonical;

    insert into quality.rule_count (run_id, rule_id, finding, found)
    select run, 'B13', f.finding, f.found
    from (
      select count(*) as groups, count(*) filter (where g.name_folded is null) as nameless, sum(g.ids - 1) as surplus
      from (
        select m.name_folded, m.artist_folded, count(*) as ids
        from core.track_meaning as m where m.spotify_id is not null
        group by m.name_folded, m.artist_folded having count(*) > 1
      ) as g
    ) as ids
    cross join (
      select count(*) as linked from core.track as t where t.spotify_id is null and t.canonical_track_id is not null
    ) as spellings
    cross join lateral (values
      ('groups of Spotify identifiers that mean the same', ids.groups),
      ('groups without a name, not linked', ids.nameless),
      ('surplus Spotify identifiers', coalesce(ids.surplus, 0)),
      ('spellings of histories linked to another track', spellings.linked)
    ) as f (finding, found);

    select count(*) into looked_at from core.track;
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE link_canonical_tracks(INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.link_canonical_tracks(INOUT run bigint) IS 'B13: links tracks of the same name and artist to the most popular of them. Can be called again; only links that changed are written.';

-- Name: load_chart(bigint, bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.load_chart(IN batch bigint, INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
begin
  run := quality.start_run('core.load_chart', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'chart') then
      raise exception 'batch % is not a file of charts', batch;
    end if;
    perform core.read_chart(batch);
    perform quality.measure_work();
    perform core.know_tracks(batch);
    perform core.keep_chart(batch);
    call core.settle_tracks(run, batch, true);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE load_chart(IN batch bigint, INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.load_chart(IN batch bigint, INOUT run bigint) IS 'Cleanses one file of charts into core. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Name: load_extended(bigint, bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.load_extended(IN batch bigint, INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
begin
  run := quality.start_run('core.load_extended', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'extended_history') then
      raise exception 'batch % is not an extended history', batch;
    end if;
    perform core.read_extended(batch);
    perform quality.measure_work();
    perform core.judge_extended(batch);
    perform core.know_tracks(batch);
    perform core.keep_extended(run, batch);
    call core.settle_tracks(run, batch, false);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE load_extended(IN batch bigint, INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.load_extended(IN batch bigint, INOUT run bigint) IS 'Cleanses one batch of an extended export into plays. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Name: load_history(bigint, bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.load_history(IN batch bigint, INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
begin
  run := quality.start_run('core.load_history', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'streaming_history') then
      raise exception 'batch % is not a streaming history', batch;
    end if;
    perform core.read_history(batch);
    perform quality.measure_work();
    perform core.judge_history(batch);
    perform core.name_tracks(batch);
    perform core.judge_known_plays(batch);
    perform core.replace_api_plays(run, batch);
    perform core.keep_plays(batch);
    perform core.count_play_findings(run, batch);
    perform core.settle_history(run, batch);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE load_history(IN batch bigint, INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.load_history(IN batch bigint, INOUT run bigint) IS 'Cleanses one streaming-history batch into plays. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Name: load_library(bigint, bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.load_library(IN batch bigint, INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
begin
  run := quality.start_run('core.load_library', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'library') then
      raise exception 'batch % is not a library', batch;
    end if;
    perform core.read_library(batch);
    perform quality.measure_work();
    perform core.know_tracks(batch);
    perform core.keep_library(batch);
    call core.settle_tracks(run, batch, true);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE load_library(IN batch bigint, INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.load_library(IN batch bigint, INOUT run bigint) IS 'Cleanses one library into core. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Name: load_page(bigint, bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.load_page(IN batch bigint, INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
begin
  run := quality.start_run('core.load_page', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'page') then
      raise exception 'batch % has no pages of the Web API', batch;
    end if;
    perform core.read_page(batch);
    perform core.judge_page(batch);
    perform core.collect_page_objects(batch);
    perform quality.measure_work();
    perform core.know_page_artists(batch);
    perform core.know_page_albums(batch);
    perform core.know_page_tracks(batch);
    perform core.keep_page_person(batch);
    perform core.keep_page_plays(batch);
    perform core.keep_page_library(batch);
    perform core.keep_page_playlists(batch);
    perform core.drop_page_listings(batch);
    perform core.settle_page(run, batch);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE load_page(IN batch bigint, INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.load_page(IN batch bigint, INOUT run bigint) IS 'Cleanses one batch of pages of the Web API into core, item by item; rows of its run are items. Can be called again: only items not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Name: load_playlist(bigint, bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.load_playlist(IN batch bigint, INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
begin
  run := quality.start_run('core.load_playlist', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'playlist') then
      raise exception 'batch % is not a playlist', batch;
    end if;
    perform core.read_playlist(batch);
    perform quality.measure_work();
    perform core.know_tracks(batch);
    perform core.keep_playlist(batch);
    call core.settle_tracks(run, batch, false);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE load_playlist(IN batch bigint, INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.load_playlist(IN batch bigint, INOUT run bigint) IS 'Cleanses one playlist into core. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Name: load_songs(bigint, bigint); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.load_songs(IN batch bigint, INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
begin
  run := quality.start_run('core.load_songs', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'songs') then
      raise exception 'batch % is not a songs file', batch;
    end if;
    perform core.read_songs(batch);
    perform quality.measure_work();
    perform core.judge_songs(batch);
    perform core.count_song_findings(run, batch);
    perform core.keep_songs(batch);
    perform core.settle_songs(run, batch);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE load_songs(IN batch bigint, INOUT run bigint); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.load_songs(IN batch bigint, INOUT run bigint) IS 'Cleanses one songs batch into the catalogue. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

-- Name: name_tracks(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.name_tracks(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into core.artist (name)
  select distinct w.artist_name from quality.play_work as w
  where w.batch_id = batch and w.rule_id is null
  order by 1
  on conflict (name) where not is_namesake do nothing;

  -- A spelling means the catalogue's track of exactly that artist and name; of several, the one that stands for the others.
  insert into core.track_spelling (artist_name, track_name, track_id)
  select distinct on (a.name, t.name) a.name, t.name, t.track_id
  from (
    select distinct w.artist_name, w.track_name from quality.play_work as w
    where w.batch_id = batch and w.rule_id is null
      and not exists (select from core.track_spelling as ts where ts.artist_name = w.artist_name and ts.track_name = w.track_name)
  ) as s
  join core.artist as a on a.name = s.artist_name and not a.is_namesake
  join core.track_artist as ta on ta.artist_id = a.artist_id and ta.position = 1
  join core.track as t on t.track_id = ta.track_id and t.name = s.track_name
  where t.spotify_id is not null
  order by a.name, t.name, (t.canonical_track_id is not null), t.popularity desc nulls last, t.spotify_id
  on conflict do nothing;

  with unknown as materialized (
    select s.artist_name, s.track_name, nextval('core.track_track_id_seq'::regclass) as track_id
    from (
      select distinct w.artist_name, w.track_name from quality.play_work as w
      where w.batch_id = batch and w.rule_id is null
        and not exists (select from core.track_spelling as ts where ts.artist_name = w.artist_name and ts.track_name = w.track_name)
      order by 1, 2
    ) as s
  ), tracks as (
    insert into core.track (track_id, name) overriding system value select u.track_id, u.track_name from unknown as u
  ), artists as (
    insert into core.track_artist (track_id, position, artist_id)
    select u.track_id, 1, a.artist_id from unknown as u join core.artist as a on a.name = u.artist_name and not a.is_namesake
  )
  insert into core.track_spelling (artist_name, track_name, track_id)
  select u.artist_name, u.track_name, u.track_id from unknown as u;

  update quality.play_work as w
  set track_id = ts.track_id
  from core.track_spelling as ts
  where w.batch_id = batch and w.rule_id is null and ts.artist_name = w.artist_name and ts.track_name = w.track_name
$$;

-- Name: FUNCTION name_tracks(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.name_tracks(batch bigint) IS 'Third part of core.load_history: finds the track of each spelling, or makes one without a Spotify identifier.';

-- Name: own_listener(); Type: FUNCTION; Schema: core

CREATE FUNCTION core.own_listener() RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select l.listener_id from core.listener_login as l where l.login = current_user
$$;

-- Name: FUNCTION own_listener(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.own_listener() IS 'The listener who asks, by core.listener_login; NULL for everybody else.';

-- Name: personal_rows(text); Type: FUNCTION; Schema: core

CREATE FUNCTION core.personal_rows(listener text) RETURNS TABLE(relation regclass, predicate text, depth integer)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
  with recursive warehouse as (
    select c.oid, n.nspname as schema_name, a.attname as column_name, a.atttypid as column_type
    from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and not c.relispartition
      and n.nspname in ('raw', 'quality', 'core', 'mart', 'reco', 'audit', 'api')
  ),
  known as (
    select (select array_agg(l.listener_id) from core.listener as l where l.name = listener) as listeners,
      (select array_agg(b.batch_id) from raw.batch as b where b.listener_name = listener) as batches
  ),
  -- By what else a row may be about them.
  recorded (key, ids) as (
    select named.key, named.ids
    from known as k
    cross join lateral (values
      ('listener_id', k.listeners), ('owner_id', k.listeners), ('batch_id', k.batches),
      ('playlist_id', (select array_agg(p.playlist_id) from core.playlist as p where p.owner_id = any (k.listeners))),
      ('top_list_id', (select array_agg(t.top_list_id) from core.top_list as t where t.listener_id = any (k.listeners))),
      ('device_id', (select array_agg(d.device_id) from core.device as d where d.listener_id = any (k.listeners)))
    ) as named (key, ids)
    where named.ids is not null
  ),
  seed as (
    select 'core.listener'::regclass::oid as oid, format('name = %L', listener) as predicate
    union all
    select w.oid, format('%I = %L', w.column_name, listener) from warehouse as w where w.column_name = 'listener_name'
    union all
    select w.oid, format('%I = any (%L::bigint[])', w.column_name, k.listeners)
    from warehouse as w, known as k
    where k.listeners is not null
      and (w.column_name in ('listener_id', 'owner_id') and w.oid <> 'core.listener'::regclass)
    union all
    select w.oid, format('%I = any (%L::bigint[])', w.column_name, k.batches)
    from warehouse as w, known as k
    where k.batches is not null and w.column_name = 'batch_id' and w.oid <> 'raw.batch'::regclass
    union all
    -- Notes for a later refresh have no foreign keys.
    select w.oid, format('%I = any (%L::bigint[])', w.column_name, r.ids)
    from warehouse as w join recorded as r on r.key = w.column_name
    where r.key in ('playlist_id', 'top_list_id', 'device_id') and w.column_type = 'bigint'::regtype
    union all
    -- Recorded values: before the change or after it.
    select 'audit.change'::regclass, format('old_row ->> %1$L = any (%2$L::text[]) or new_row ->> %1$L = any (%2$L::text[])', r.key, r.ids)
    from recorded as r
  ),
  reached as (
    select s.oid, s.predicate, 0 as depth, array[s.oid] as path from seed as s
    union all
    select f.conrelid,
      format('(%s) in (select %s from %s where %s)',
        (select string_agg(quote_ident(a.attname), ', ' order by k.n)
         from unnest(f.conkey) with ordinality as k (num, n) join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = k.num),
        (select string_agg(quote_ident(a.attname), ', ' order by k.n)
         from unnest(f.confkey) with ordinality as k (num, n) join pg_attribute as a on a.attrelid = f.confrelid and a.attnum = k.num),
        r.oid::regclass, r.predicate),
      r.depth + 1, r.path || f.conrelid
    from reached as r join pg_constraint as f on f.confrelid = r.oid and f.contype = 'f' and f.conparentid = 0
    where f.conrelid <> all (r.path)
  )
  select r.oid::regclass, string_agg(distinct r.predicate, ' or '), max(r.depth)
  from reached as r
  group by r.oid
$_$;

-- Name: FUNCTION personal_rows(listener text); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.personal_rows(listener text) IS 'Which rows of which tables are about a listener: by the columns that name them or their batches, and by foreign keys from there. Deepest first is the order in which they can be deleted.';

-- Name: quarantine_extended(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.quarantine_extended(run bigint, batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason, x.body::jsonb, run
  from quality.track_work as w
  join raw.extended_history as x using (batch_id, row_no)
  where w.batch_id = batch and w.rule_id is not null
$$;

-- Name: FUNCTION quarantine_extended(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.quarantine_extended(run bigint, batch bigint) IS 'Part of core.settle_tracks: refused plays of an extended export into quarantine.';

-- Name: read_chart(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_chart(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, duration_ms, popularity, rule_id, reason)
  select c.batch_id, c.row_no, c.track_spotify_id, c.track_name, c.artist_names[1],
    case when c.duration_ms between 1 and 2147483647 then c.duration_ms::integer end,
    case when c.popularity between 0 and 100 then c.popularity::smallint end,
    case when f.b9 is not null then 'B9' when f.b7 is not null then 'B7' when f.b5 is not null then 'B5' when f.b6 is not null then 'B6'
         when f.b8 is not null then 'B8' when f.b2 is not null then 'B2' end,
    coalesce(f.b9, f.b7, f.b5, f.b6, f.b8, f.b2)
  from (
    select r.*, r as entry, row_number() over (partition by r.chart_name, r.chart_day, coalesce(r.track_spotify_id, r.track_name || ' by ' || r.artist_names[1])
                                   order by r.row_no) as nth,
      row_number() over (partition by r.chart_name, r.chart_day, r.rank order by r.row_no) as nth_of_rank
    from quality.chart_read as r where r.batch_id = batch
  ) as c
  cross join lateral (
    select quality.b9_missing_reference(c.track_spotify_id, c.track_name, c.artist_names[1]) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', c.track_name, c.artist_names[1])) then 'a name has lost letters' end as b7,
      quality.b5_chart_fault(c.body) as b5, quality.b6_chart_fault(c.entry) as b6, quality.b8_chart_fault(c.entry) as b8,
      case when c.nth > 1 then 'an earlier row is about the same track'
           when c.layout = 'ranking' and c.nth_of_rank > 1 then 'an earlier row has the same rank' end as b2
  ) as f
  where not exists (select from core.accepted_row as a where a.batch_id = c.batch_id and a.row_no = c.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = c.batch_id and q.row_no = c.row_no)
$$;

-- Name: FUNCTION read_chart(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_chart(batch bigint) IS 'First part of core.load_chart: the open rows of a batch, values cleansed, and which are refused, by which rule, and why.';

-- Name: read_extended(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_extended(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, ended_at, ms_played)
  select x.batch_id, x.row_no, quality.spotify_id(t.uri), quality.b4_null_marker(t.track), quality.b4_null_marker(t.artist),
    quality.b4_null_marker(t.album), quality.b11_utc(t.ts), quality.b5_number(t.ms_played)
  from raw.extended_history as x
  -- Each fenced off: a play is read once, and a value trimmed once, not at each of the places where a rule mentions it.
  cross join lateral (select x.body::jsonb as body offset 0) as j
  cross join lateral (
    select j.body ->> 'spotify_track_uri' as uri, quality.b7_trim(j.body ->> 'master_metadata_track_name') as track,
      quality.b7_trim(j.body ->> 'master_metadata_album_artist_name') as artist,
      quality.b7_trim(j.body ->> 'master_metadata_album_album_name') as album,
      quality.b7_trim(j.body ->> 'ts') as ts, quality.b7_trim(j.body ->> 'ms_played') as ms_played
    offset 0
  ) as t
  where x.batch_id = batch
    and not exists (select from core.play as p where p.batch_id = x.batch_id and p.row_no = x.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = x.batch_id and q.row_no = x.row_no)
$$;

-- Name: FUNCTION read_extended(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_extended(batch bigint) IS 'First part of core.load_extended: the open rows of a batch, values cleansed, into the working table.';

-- Name: read_history(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_history(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.play_work (batch_id, row_no, end_text, ended_at, artist_name, track_name, ms_text, ms_played)
  select h.batch_id, h.row_no, t.end_text, quality.b11_utc(t.trimmed_end), quality.b4_null_marker(t.artist),
    quality.b4_null_marker(t.track), t.ms_text, quality.b5_number(t.ms_text)
  from raw.streaming_history as h
  -- Each fenced off: a play is read once, and a value trimmed once, not at each of the places where a rule mentions it.
  cross join lateral (select h.body::jsonb as body offset 0) as j
  cross join lateral (
    select j.body ->> 'endTime' as end_text, quality.b7_trim(j.body ->> 'endTime') as trimmed_end, quality.b7_trim(j.body ->> 'artistName') as artist,
      quality.b7_trim(j.body ->> 'trackName') as track, quality.b7_trim(j.body ->> 'msPlayed') as ms_text
    offset 0
  ) as t
  where h.batch_id = batch
    and not exists (select from core.play as p where p.batch_id = h.batch_id and p.row_no = h.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = h.batch_id and q.row_no = h.row_no)
$$;

-- Name: FUNCTION read_history(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_history(batch bigint) IS 'First part of core.load_history: the open rows of a batch, values cleansed, into the working table.';

-- Name: read_library(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_library(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, rule_id, reason)
  select e.batch_id, e.row_no, t.spotify_id, t.track, t.artist, t.album,
    case when t.b9 is not null then 'B9' when t.b7 is not null then 'B7' end, coalesce(t.b9, t.b7)
  from raw.library_entry as e
  cross join lateral (
    select quality.spotify_id(e.body ->> 'uri') as spotify_id, quality.b4_null_marker(quality.b7_trim(e.body ->> 'track')) as track,
      quality.b4_null_marker(quality.b7_trim(e.body ->> 'artist')) as artist, quality.b4_null_marker(quality.b7_trim(e.body ->> 'album')) as album
    where e.list = 'tracks'
  ) as f
  cross join lateral (
    select f.*, quality.b9_missing_reference(f.spotify_id, f.track, f.artist) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', f.track, f.artist, f.album)) then 'a name has lost letters' end as b7
  ) as t
  where e.batch_id = batch
    and not exists (select from core.accepted_row as a where a.batch_id = e.batch_id and a.row_no = e.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = e.batch_id and q.row_no = e.row_no);

  -- Albums, shows and the like are kept as received; no fact is made of them.
  insert into core.accepted_row (batch_id, row_no, items)
  select e.batch_id, e.row_no, 0 from raw.library_entry as e
  where e.batch_id = batch and e.list <> 'tracks'
  on conflict do nothing
$$;

-- Name: FUNCTION read_library(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_library(batch bigint) IS 'First part of core.load_library: saved tracks, values cleansed; entries of other lists are taken note of.';

-- Name: read_page(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_page(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.page_item (batch_id, row_no, item_no, kind, body, object, about, at, seen_at, place)
  select g.batch_id, g.row_no, i.item_no, i.kind, i.item,
    -- Albums do not repeat themselves in each of their tracks.
    case when g.endpoint = 'albums/{id}/tracks' and jsonb_typeof(o.object) = 'object' and o.object -> 'album' is null
         then o.object || jsonb_build_object('album', jsonb_build_object('id', a.in_path)) else o.object end,
    case when i.kind in ('top artist', 'top track') then coalesce(substring(g.url from '[?&]time_range=([a-z_]+)'), 'medium_term')
         else a.in_path end,
    quality.b11_utc(quality.b7_trim(coalesce(i.item ->> 'played_at', i.item ->> 'added_at'))),
    coalesce(s.started_at, g.fetched_at),
    coalesce(quality.b8_whole(g.body ->> 'offset', 0, 1000000), quality.b8_whole(substring(g.url from '[?&]offset=([0-9]+)'), 0, 1000000), 0)
      + i.item_no - (g.endpoint = 'playlists/{id}')::integer
  from raw.page as g
  left join raw.page_set as s on s.batch_id = g.batch_id
  cross join lateral (select substring(g.url from '/(?:playlists|albums|artists)/([0-9A-Za-z]+)') as in_path) as a
  cross join lateral quality.page_items(g.endpoint, g.status, g.body) as i
  cross join lateral (
    select nullif(case
        when i.kind in ('play', 'saved track') then i.item -> 'track'
        when i.kind = 'listing' then coalesce(nullif(i.item -> 'item', 'null'), i.item -> 'track')
        when i.kind = 'saved album' then i.item -> 'album'
        when i.kind not in ('page', 'other') then i.item
      end, 'null') as object
  ) as o
  where g.batch_id = batch
    and not exists (select from core.accepted_row as r where r.batch_id = g.batch_id and r.row_no = g.row_no and r.item_no = i.item_no)
    and not exists (select from core.play as p where p.batch_id = g.batch_id and p.row_no = g.row_no and p.item_no = i.item_no)
    and not exists (select from core.playlist_track as t where t.batch_id = g.batch_id and t.row_no = g.row_no and t.item_no = i.item_no)
    and not exists (select from quality.quarantine as q where q.batch_id = g.batch_id and q.row_no = g.row_no and q.item_no = i.item_no)
$$;

-- Name: FUNCTION read_page(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_page(batch bigint) IS 'First part of core.load_page: the open items of a batch of pages, one row each, into the working table.';

-- Name: read_playlist(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_playlist(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, duration_ms, rule_id, reason)
  select p.batch_id, p.row_no, p.track_spotify_id, p.track_name, p.artist_names[1], p.album_name,
    case when p.duration_ms between 1 and 2147483647 then p.duration_ms::integer end,
    case when f.b9 is not null then 'B9' when f.b7 is not null then 'B7' when f.b5 is not null then 'B5' end, coalesce(f.b9, f.b7, f.b5)
  from quality.playlist_read as p
  cross join lateral (
    select quality.b9_missing_reference(p.track_spotify_id, p.track_name, p.artist_names[1]) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', p.track_name, p.artist_names[1], p.album_name, p.playlist_name))
           then 'a name has lost letters' end as b7,
      case when p.duration_ms is null and p.duration_text is not null then format('the duration is not a number: %s', p.duration_text) end as b5
  ) as f
  where p.batch_id = batch
    and not exists (select from core.playlist_track as pt where pt.batch_id = p.batch_id and pt.row_no = p.row_no)
    and not exists (select from core.accepted_row as a where a.batch_id = p.batch_id and a.row_no = p.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = p.batch_id and q.row_no = p.row_no)
$$;

-- Name: FUNCTION read_playlist(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_playlist(batch bigint) IS 'First part of core.load_playlist: the open rows of a batch, values cleansed, and which are refused, by which rule, and why.';

-- Name: read_songs(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_songs(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
  insert into quality.song_work
  select s.batch_id, s.row_no,
    quality.b4_null_marker(quality.b7_trim(s.track_id)),
    quality.b4_null_marker(quality.b7_trim(s.track_name)),
    quality.b4_null_marker(quality.b7_trim(s.track_artist)),
    quality.b5_number(quality.b7_trim(s.track_popularity)),
    quality.b4_null_marker(quality.b7_trim(s.track_album_id)),
    quality.b4_null_marker(quality.b7_trim(s.track_album_name)),
    quality.b4_null_marker(quality.b7_trim(s.track_album_release_date)),
    quality.b6_partial_date(quality.b7_trim(s.track_album_release_date)),
    quality.b6_date_precision(quality.b7_trim(s.track_album_release_date)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_name)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_id)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_genre)),
    quality.b4_null_marker(quality.b7_trim(s.playlist_subgenre)),
    quality.b5_number(quality.b7_trim(s.danceability)),
    quality.b5_number(quality.b7_trim(s.energy)),
    quality.b5_number(quality.b7_trim(s.key)),
    quality.b5_number(quality.b7_trim(s.loudness)),
    quality.b5_number(quality.b7_trim(s.mode)),
    quality.b5_number(quality.b7_trim(s.speechiness)),
    quality.b5_number(quality.b7_trim(s.acousticness)),
    quality.b5_number(quality.b7_trim(s.instrumentalness)),
    quality.b5_number(quality.b7_trim(s.liveness)),
    quality.b5_number(quality.b7_trim(s.valence)),
    quality.b5_number(quality.b7_trim(s.tempo)),
    quality.b5_number(quality.b7_trim(s.duration_ms))
  from raw.song as s
  where s.batch_id = batch
    and not exists (select from core.playlist_track as pt where pt.batch_id = s.batch_id and pt.row_no = s.row_no)
    and not exists (select from core.accepted_row as a where a.batch_id = s.batch_id and a.row_no = s.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = s.batch_id and q.row_no = s.row_no)
$$;

-- Name: FUNCTION read_songs(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_songs(batch bigint) IS 'First part of core.load_songs: the open rows of a batch, values cleansed, into the working table.';

-- Name: replace_api_plays(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.replace_api_plays(run bigint, batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  with twin as materialized (
    select t.row_no, t.play_id from quality.b3_api_twins(batch) as t
  ), replaced as (
    delete from core.play as p using twin as t where p.play_id = t.play_id
    returning t.row_no as by_row, p.batch_id, p.row_no, p.item_no, p.context_type, p.context_uri
  ), basic as (
    update quality.play_work as w set context_type = r.context_type, context_uri = r.context_uri
    from replaced as r where w.batch_id = batch and w.row_no = r.by_row
  ), extended as (
    update quality.track_work as w set context_type = r.context_type, context_uri = r.context_uri
    from replaced as r where w.batch_id = batch and w.row_no = r.by_row
  )
  insert into quality.quarantine (batch_id, row_no, item_no, rule_id, reason, raw_row, run_id)
  select r.batch_id, r.row_no, r.item_no, 'B3',
    format('the %s export says the same: batch %s row %s', case b.source when 'extended_history' then 'extended' else 'basic' end, batch, r.by_row),
    i.item, run
  from replaced as r
  join raw.batch as b on b.batch_id = batch
  join raw.page as g on g.batch_id = r.batch_id and g.row_no = r.row_no
  cross join lateral quality.page_items(g.endpoint, g.status, g.body) as i
  where i.item_no = r.item_no
$$;

-- Name: FUNCTION replace_api_plays(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.replace_api_plays(run bigint, batch bigint) IS 'Part of core.load_history and core.load_extended: plays that the Web API told before give way to the export''s, which take their context (B3).';

-- Name: sessions(interval); Type: FUNCTION; Schema: core

CREATE FUNCTION core.sessions(gap interval DEFAULT '00:30:00'::interval) RETURNS TABLE(listener_id bigint, session_no bigint, started_at timestamp with time zone, ended_at timestamp with time zone, listens bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select listener_id, session_no, min(began_at), max(ended_at), count(*)
  from (
    select listener_id, began_at, ended_at,
      count(*) filter (where is_first) over (partition by listener_id order by ended_at, minute_seq) as session_no
    from (
      select l.listener_id, l.ended_at, l.minute_seq,
        l.ended_at - make_interval(secs => l.ms_played / 1000.0) as began_at,
        coalesce(l.ended_at - make_interval(secs => l.ms_played / 1000.0)
          - lag(l.ended_at) over (partition by l.listener_id order by l.ended_at, l.minute_seq) > gap, true) as is_first
      from core.listen as l
    ) as marked
  ) as numbered
  group by listener_id, session_no
$$;

-- Name: FUNCTION sessions(gap interval); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.sessions(gap interval) IS 'Listening sessions: a new one begins when more than the gap lies between the end of a listen and the start of the next.';

-- Name: settle_history(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.settle_history(run bigint, batch bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_nestloop TO 'off'
    AS $$
declare
  read_rows bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason, h.body::jsonb, run
  from quality.play_work as w
  join raw.streaming_history as h using (batch_id, row_no)
  where w.batch_id = batch and w.rule_id is not null;

  select count(*), count(*) filter (where w.rule_id is not null) into read_rows, rejected
  from quality.play_work as w where w.batch_id = batch;
  delete from quality.play_work as w where w.batch_id = batch;
  call quality.finish_run(run, read_rows, read_rows - rejected, rejected);
end
$$;

-- Name: FUNCTION settle_history(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.settle_history(run bigint, batch bigint) IS 'Last part of core.load_history: refused rows into quarantine, the run row closed.';

-- Name: settle_page(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.settle_page(run bigint, batch bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  read_items bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, item_no, rule_id, reason, raw_row, run_id)
  select i.batch_id, i.row_no, i.item_no, i.rule_id, i.reason, i.body, run
  from quality.page_item as i where i.batch_id = batch and i.rule_id is not null;

  insert into core.accepted_row (batch_id, row_no, item_no, items)
  select i.batch_id, i.row_no, i.item_no, (i.kind <> 'other')::integer
  from quality.page_item as i
  where i.batch_id = batch and i.rule_id is null
    and not exists (select from core.play as p where p.batch_id = batch and p.row_no = i.row_no and p.item_no = i.item_no)
    and not exists (select from core.playlist_track as t where t.batch_id = batch and t.row_no = i.row_no and t.item_no = i.item_no);

  insert into quality.rule_count (run_id, rule_id, finding, found)
  select run, i.rule_id, 'items refused', count(*) from quality.page_item as i
  where i.batch_id = batch and i.rule_id is not null group by i.rule_id;

  select count(*), count(*) filter (where i.rule_id is not null) into read_items, rejected
  from quality.page_item as i where i.batch_id = batch;
  delete from quality.page_item as i where i.batch_id = batch;
  delete from quality.page_object as o where o.batch_id = batch;
  call quality.finish_run(run, read_items, read_items - rejected, rejected);
end
$$;

-- Name: FUNCTION settle_page(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.settle_page(run bigint, batch bigint) IS 'Last part of core.load_page: refused items into quarantine, the others accounted for, the run row closed.';

-- Name: settle_songs(bigint, bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.settle_songs(run bigint, batch bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  read_rows bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason,
         to_jsonb(s) - array['batch_id', 'row_no', 'line_no', 'source', 'received_at', 'hash'], run
  from quality.song_work as w
  join raw.song as s using (batch_id, row_no)
  where w.batch_id = batch and w.rule_id is not null;

  select count(*), count(*) filter (where w.rule_id is not null) into read_rows, rejected
  from quality.song_work as w where w.batch_id = batch;
  delete from quality.song_work as w where w.batch_id = batch;
  call quality.finish_run(run, read_rows, read_rows - rejected, rejected);
end
$$;

-- Name: FUNCTION settle_songs(run bigint, batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.settle_songs(run bigint, batch bigint) IS 'Last part of core.load_songs: refused rows into quarantine, the run row closed.';

-- Name: settle_tracks(bigint, bigint, boolean); Type: PROCEDURE; Schema: core

CREATE PROCEDURE core.settle_tracks(IN run bigint, IN batch bigint, IN takes_rows boolean)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  read_rows bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason, landed.body, run
  from quality.track_work as w
  -- By the key of each table: how many rows are refused, none or all, was not known when the working table was measured.
  cross join lateral (
    select x.body from raw.library_entry as x where x.batch_id = w.batch_id and x.row_no = w.row_no
    union all select x.body from raw.playlist_entry as x where x.batch_id = w.batch_id and x.row_no = w.row_no
    union all select x.body from raw.chart_entry as x where x.batch_id = w.batch_id and x.row_no = w.row_no
  ) as landed
  where w.batch_id = batch and w.rule_id is not null;

  perform core.quarantine_extended(run, batch);

  if takes_rows then
    insert into core.accepted_row (batch_id, row_no)
    select w.batch_id, w.row_no from quality.track_work as w where w.batch_id = batch and w.rule_id is null;
  end if;

  insert into quality.rule_count (run_id, rule_id, finding, found)
  select run, w.rule_id, 'rows refused', count(*) from quality.track_work as w
  where w.batch_id = batch and w.rule_id is not null group by w.rule_id;

  select count(*), count(*) filter (where w.rule_id is not null) into read_rows, rejected
  from quality.track_work as w where w.batch_id = batch;
  delete from quality.track_work as w where w.batch_id = batch;
  call quality.finish_run(run, read_rows, read_rows - rejected, rejected);
end
$$;

-- Name: PROCEDURE settle_tracks(IN run bigint, IN batch bigint, IN takes_rows boolean); Type: COMMENT; Schema: core

COMMENT ON PROCEDURE core.settle_tracks(IN run bigint, IN batch bigint, IN takes_rows boolean) IS 'Last part of the load procedures: refused rows into quarantine, counts, the run row closed; notes the rows taken where their facts do not.';

-- Name: touch(); Type: FUNCTION; Schema: core

CREATE FUNCTION core.touch() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  new.updated_at := now();
  return new;
end
$$;

-- Name: FUNCTION touch(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.touch() IS 'Trigger: sets updated_at when a row really changes.';

-- Name: album_artist(bigint); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.album_artist(album bigint) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select coalesce(
    (select a.name from mart.dim_album as b join mart.dim_artist as a on a.artist_id = b.artist_id where b.album_id = album),
    (select min(a.name) from mart.dim_track as t join mart.dim_artist as a on a.artist_id = t.artist_id
     where t.album_id = album having count(distinct t.artist_id) = 1))
$$;

-- Name: FUNCTION album_artist(album bigint); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.album_artist(album bigint) IS 'Whose album it is: as its source says, or else the artist of all its tracks; NULL for several.';

-- Name: album_choices(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.album_choices(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(album_id bigint, name text, artist text, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (select p.album_id, count(*) as plays from mart.plays(f) as p where p.album_id is not null group by p.album_id),
  -- Whose they are, as mart.album_artist says it, for all at once: thousands of calls take longer than counting the plays.
  alone as (
    select t.album_id, min(a.name) as artist
    from mart.dim_track as t join mart.dim_artist as a on a.artist_id = t.artist_id
    where t.album_id in (select c.album_id from counted as c)
    group by t.album_id having min(t.artist_id) = max(t.artist_id)
  )
  select c.album_id, b.name, coalesce(a.name, s.artist), c.plays
  from counted as c
  join mart.dim_album as b on b.album_id = c.album_id
  left join mart.dim_artist as a on a.artist_id = b.artist_id
  left join alone as s on s.album_id = c.album_id
  order by b.name, 3, c.album_id
$$;

-- Name: FUNCTION album_choices(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.album_choices(f mart.play_filter) IS 'Slicer: the albums that have plays.';

-- Name: cards(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.cards(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(songs bigint, plays bigint, explicit_percent numeric, weekend_plays bigint, weekday_plays bigint, listening_time interval, listening_hours numeric, songs_by_source jsonb)
    LANGUAGE sql STABLE
    AS $$
  -- Plays of a song that are alike in all that is asked are counted first: what is distinct is then told among few rows.
  with played as materialized (
    select p.track_id, p.source_id, p.explicit, date_part('isodow', p.day) >= 6 as is_weekend, count(*) as plays, sum(p.ms_played) as ms_played
    from mart.plays(f) as p group by 1, 2, 3, 4
  )
  select count(distinct p.track_id), coalesce(sum(p.plays), 0)::bigint,
    round(100.0 * coalesce(sum(p.plays) filter (where p.explicit), 0) / nullif(sum(p.plays) filter (where p.explicit is not null), 0), 2),
    coalesce(sum(p.plays) filter (where p.is_weekend), 0)::bigint, coalesce(sum(p.plays) filter (where not p.is_weekend), 0)::bigint,
    make_interval(secs => coalesce(sum(p.ms_played), 0) / 1000.0), round(coalesce(sum(p.ms_played), 0) / 3600000.0, 2),
    (select jsonb_object_agg(s.name, n.songs)
     from (select q.source_id, count(distinct q.track_id) as songs from played as q group by q.source_id) as n
     join mart.dim_source as s on s.source_id = n.source_id)
  from played as p
$$;

-- Name: FUNCTION cards(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.cards(f mart.play_filter) IS 'Cards: songs, plays, share of explicit plays among those where it is known, weekend and weekday plays, listening time and hours, songs by source.';

-- Name: catch_up(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.catch_up() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  looked_at bigint;
begin
  with taken as (
    delete from mart.changed_play returning play_id
  )
  insert into mart.play_work (play_id) select t.play_id from taken as t on conflict do nothing;
  perform mart.measure_work();
  perform mart.refresh_dimensions();
  perform mart.extend_dates();
  perform mart.measure_work();
  looked_at := mart.refresh_facts();
  perform mart.measure_work();
  perform mart.refresh_summaries();
  perform mart.drop_vanished();
  delete from mart.play_work;
  delete from mart.touched_work;
  delete from mart.change_work;
  delete from mart.artist_work;
  return looked_at;
end
$$;

-- Name: FUNCTION catch_up(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.catch_up() IS 'What mart.refresh and mart.rebuild do alike; gives how many plays were looked at.';

-- Name: checksums(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.checksums() RETURNS TABLE(table_name text, row_count bigint, checksum numeric)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    AS $$
declare
  each text;
begin
  -- The order of rows must not matter: hashes are added up, not chained.
  foreach each in array array['dim_listener', 'dim_artist', 'dim_album', 'dim_track', 'dim_date', 'dim_time', 'dim_source',
                              'bridge_track_artist', 'fact_play', 'artist_play_summary', 'daily_summary', 'weekly_summary'] loop
    return query execute format(
      'select %L::text, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from mart.%I as t', each, each);
  end loop;
end
$$;

-- Name: FUNCTION checksums(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.checksums() IS 'Rows and checksum of each table of the star; the same rows give the same, in whatever order they lie.';

-- Name: clear(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.clear() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
  truncate mart.artist_play_summary, mart.weekly_summary, mart.daily_summary, mart.fact_play, mart.bridge_track_artist,
    mart.dim_track, mart.dim_album, mart.dim_artist, mart.dim_listener, mart.dim_date
$$;

-- Name: FUNCTION clear(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.clear() IS 'Part of mart.rebuild: empties what it makes anew.';

-- Name: correct_artists(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.correct_artists() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  -- What is only added can be added; where plays went or changed, the first and the last of the others have to be looked for.
  with added as materialized (
    select c.track_id, count(*) as plays, count(*) filter (where c.is_listen) as listens, sum(c.ms_played) as ms_played,
      min(c.played_at) as first_played_at, max(c.played_at) as last_played_at
    from mart.change_work as c where c.is_after group by c.track_id
  ), again as materialized (
    select b.artist_id from mart.bridge_track_artist as b
    where b.track_id in (select c.track_id from mart.change_work as c where not c.is_after)
    union
    select w.artist_id from mart.artist_work as w
  ), counted as materialized (
    select b.artist_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      min(f.played_at) as first_played_at, max(f.played_at) as last_played_at
    from mart.bridge_track_artist as b join mart.fact_play as f on f.track_id = b.track_id
    where b.artist_id in (select a.artist_id from again as a)
    group by b.artist_id
    union all
    select b.artist_id, coalesce(min(o.plays), 0) + sum(x.plays), coalesce(min(o.listens), 0) + sum(x.listens),
      coalesce(min(o.ms_played), 0) + sum(x.ms_played), least(min(o.first_played_at), min(x.first_played_at)),
      greatest(max(o.last_played_at), max(x.last_played_at))
    from added as x
    join mart.bridge_track_artist as b on b.track_id = x.track_id
    left join mart.artist_play_summary as o on o.artist_id = b.artist_id
    where b.artist_id not in (select a.artist_id from again as a)
    group by b.artist_id
  ), emptied as (
    delete from mart.artist_play_summary as s
    where s.artist_id in (select a.artist_id from again as a) and s.artist_id not in (select c.artist_id from counted as c)
  )
  insert into mart.artist_play_summary as s (artist_id, plays, listens, ms_played, first_played_at, last_played_at)
  select c.artist_id, c.plays, c.listens, c.ms_played, c.first_played_at, c.last_played_at from counted as c
  on conflict (artist_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played,
        first_played_at = excluded.first_played_at, last_played_at = excluded.last_played_at
$$;

-- Name: FUNCTION correct_artists(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.correct_artists() IS 'Part of mart.refresh_summaries: what was added is added to its artists; those who lost plays are counted again.';

-- Name: correct_days(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.correct_days() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  with change as materialized (
    select c.date_id, c.track_id, c.listener_id, case when c.is_after then 1 else -1 end as sign, c.is_listen, c.ms_played
    from mart.change_work as c
  ), track as (
    select k.date_id, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.date_id, c.track_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.track_id = c.track_id and f.date_id = c.date_id) as now
      from change as c group by c.date_id, c.track_id
    ) as k group by k.date_id
  ), listener as (
    select k.date_id, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.date_id, c.listener_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.listener_id = c.listener_id and f.date_id = c.date_id) as now
      from change as c group by c.date_id, c.listener_id
    ) as k group by k.date_id
  )
  insert into mart.daily_summary as s (date_id, plays, listens, ms_played, tracks, listeners)
  select d.date_id, coalesce(o.plays, 0) + d.plays, coalesce(o.listens, 0) + d.listens, coalesce(o.ms_played, 0) + d.ms_played,
    coalesce(o.tracks, 0) + t.more, coalesce(o.listeners, 0) + l.more
  from (
    select c.date_id, sum(c.sign) as plays, sum(c.sign * c.is_listen::integer) as listens, sum(c.sign * c.ms_played::bigint) as ms_played
    from change as c group by c.date_id
  ) as d
  join track as t on t.date_id = d.date_id
  join listener as l on l.date_id = d.date_id
  left join mart.daily_summary as o on o.date_id = d.date_id
  on conflict (date_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  delete from mart.daily_summary as s where s.plays = 0
$$;

-- Name: FUNCTION correct_days(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.correct_days() IS 'Part of mart.refresh_summaries: what changed is added to the days and taken from them; a track counts where none of its plays was before.';

-- Name: correct_weeks(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.correct_weeks() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  with change as materialized (
    select d.iso_year, d.iso_week, to_char(d.week_start, 'YYYYMMDD')::integer as first_id, to_char(d.week_start + 6, 'YYYYMMDD')::integer as last_id,
      c.track_id, c.listener_id, case when c.is_after then 1 else -1 end as sign, c.is_listen, c.ms_played
    from mart.change_work as c join mart.dim_date as d on d.date_id = c.date_id
  ), track as (
    select k.iso_year, k.iso_week, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.iso_year, c.iso_week, c.track_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.track_id = c.track_id and f.date_id between c.first_id and c.last_id) as now
      from change as c group by c.iso_year, c.iso_week, c.first_id, c.last_id, c.track_id
    ) as k group by k.iso_year, k.iso_week
  ), listener as (
    select k.iso_year, k.iso_week, sum((k.now > 0)::integer - (k.now > k.more)::integer) as more
    from (
      select c.iso_year, c.iso_week, c.listener_id, sum(c.sign) as more,
        (select count(*) from mart.fact_play as f where f.listener_id = c.listener_id and f.date_id between c.first_id and c.last_id) as now
      from change as c group by c.iso_year, c.iso_week, c.first_id, c.last_id, c.listener_id
    ) as k group by k.iso_year, k.iso_week
  )
  insert into mart.weekly_summary as s (iso_year, iso_week, plays, listens, ms_played, tracks, listeners)
  select d.iso_year, d.iso_week, coalesce(o.plays, 0) + d.plays, coalesce(o.listens, 0) + d.listens, coalesce(o.ms_played, 0) + d.ms_played,
    coalesce(o.tracks, 0) + t.more, coalesce(o.listeners, 0) + l.more
  from (
    select c.iso_year, c.iso_week, sum(c.sign) as plays, sum(c.sign * c.is_listen::integer) as listens,
      sum(c.sign * c.ms_played::bigint) as ms_played
    from change as c group by c.iso_year, c.iso_week
  ) as d
  join track as t on t.iso_year = d.iso_year and t.iso_week = d.iso_week
  join listener as l on l.iso_year = d.iso_year and l.iso_week = d.iso_week
  left join mart.weekly_summary as o on o.iso_year = d.iso_year and o.iso_week = d.iso_week
  on conflict (iso_year, iso_week) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  delete from mart.weekly_summary as s where s.plays = 0
$$;

-- Name: FUNCTION correct_weeks(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.correct_weeks() IS 'Part of mart.refresh_summaries: as mart.correct_days, by ISO week.';

-- Name: date_range(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.date_range(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(first_day date, last_day date, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (select p.day, count(*) as plays from mart.plays(f) as p group by p.day)
  select min(c.day), max(c.day), coalesce(sum(c.plays), 0)::bigint from counted as c
$$;

-- Name: FUNCTION date_range(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.date_range(f mart.play_filter) IS 'Slicer: the first and the last day that have plays, and how many.';

-- Name: drop_vanished(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.drop_vanished() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  delete from mart.dim_track as d where not exists (select from core.track as t where t.track_id = d.track_id);
  delete from mart.dim_album as d where not exists (select from core.album as a where a.album_id = d.album_id);
  delete from mart.dim_artist as d where not exists (select from core.artist as a where a.artist_id = d.artist_id);
  delete from mart.dim_listener as d where not exists (select from core.listener as l where l.listener_id = d.listener_id)
$$;

-- Name: FUNCTION drop_vanished(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.drop_vanished() IS 'Last part of mart.refresh: what core no longer has goes from the dimensions.';

-- Name: extend_dates(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.extend_dates() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET random_page_cost TO '1.1'
    AS $$
  insert into mart.dim_date
  select to_char(d, 'YYYYMMDD')::integer, d::date, extract(year from d), extract(quarter from d), extract(month from d),
    (array['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'])
      [extract(month from d)::integer],
    date_trunc('month', d)::date, extract(day from d), extract(isoyear from d), extract(week from d), date_trunc('week', d)::date,
    extract(isodow from d),
    (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[extract(isodow from d)::integer],
    extract(isodow from d) >= 6
  from (
    -- A day more at both ends: no zone is further than that from UTC. What is there already leaves no hole to what is new.
    select least(new.first, known.first) as first, greatest(new.last, known.last) as last
    from (
      select min(p.ended_at) at time zone 'UTC' - interval '1 day' as first, max(p.ended_at) at time zone 'UTC' + interval '1 day' as last
      from mart.play_work as w join core.play as p on p.play_id = w.play_id
    ) as new
    cross join (select min(k.day)::timestamp as first, max(k.day)::timestamp as last from mart.dim_date as k) as known
    where new.first < known.first or new.last > known.last or known.first is null
  ) as span
  cross join lateral generate_series(date_trunc('day', span.first), date_trunc('day', span.last), interval '1 day') as d
  on conflict do nothing
$$;

-- Name: FUNCTION extend_dates(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.extend_dates() IS 'Part of mart.refresh: every day from the first play to the last, in any zone, has its row.';

-- Name: genre_mix(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.genre_mix(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(genre text, plays bigint, share_percent numeric)
    LANGUAGE sql STABLE
    AS $$
  with counted as (
    select x.genre, count(*) as plays
    from mart.plays(f) as p join mart.track_genre as x on x.track_id = p.track_id
    group by x.genre
  )
  select c.genre, c.plays, round(100.0 * c.plays / sum(c.plays) over (), 2) from counted as c order by 2 desc, 1
$$;

-- Name: FUNCTION genre_mix(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.genre_mix(f mart.play_filter) IS 'Plays by genre of the track''s playlists and artists; a track of several genres counts for each, and one without none.';

-- Name: listening_sessions(mart.play_filter, interval); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.listening_sessions(f mart.play_filter DEFAULT NULL::mart.play_filter, gap interval DEFAULT '00:30:00'::interval) RETURNS TABLE(listener_id bigint, session_no bigint, started_at timestamp with time zone, ended_at timestamp with time zone, plays bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with marked as (
    select o.listener_id, o.ended_at, o.minute_seq, o.ended_at - o.ms_played * interval '1 millisecond' as began_at,
      coalesce(o.ended_at - o.ms_played * interval '1 millisecond'
        - lag(o.ended_at) over (partition by o.listener_id order by o.ended_at, o.minute_seq) > gap, true) as is_first
    from mart.ordered_listen as o
    where (f).listener_id is null or o.listener_id = (f).listener_id
  ), numbered as (
    select m.listener_id, m.began_at, m.ended_at,
      count(*) filter (where m.is_first) over (partition by m.listener_id order by m.ended_at, m.minute_seq) as session_no
    from marked as m
  ), sessions as (
    select n.listener_id, n.session_no, min(n.began_at) as started_at, max(n.ended_at) as ended_at, count(*) as plays
    from numbered as n group by n.listener_id, n.session_no
  )
  select s.listener_id, s.session_no, s.started_at, s.ended_at, s.plays
  from sessions as s
  join mart.dim_listener as l on l.listener_id = s.listener_id
  cross join lateral (select s.started_at at time zone coalesce((f).zone, l.time_zone) as local_at) as here
  where ((f).first_day is null or here.local_at >= (f).first_day)
    and ((f).last_day is null or here.local_at < (f).last_day + 1)
    and ((f).month is null or date_trunc('month', here.local_at) = (f).month)
$$;

-- Name: FUNCTION listening_sessions(f mart.play_filter, gap interval); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.listening_sessions(f mart.play_filter, gap interval) IS 'Sessions: a new one begins after a gap. Of the filter count listener, days, month and zone: a session is of the day it began.';

-- Name: measure_work(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.measure_work() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
declare
  each regclass;
begin
  analyze mart.play_work;
  analyze mart.touched_work;
  analyze mart.change_work;
  analyze mart.artist_work;
  for each in
    select c.oid::regclass from pg_class as c
    where c.relkind = 'r' and c.relnamespace in ('core'::regnamespace, 'mart'::regnamespace) and c.relname not like '%\_work'
      and pg_relation_size(c.oid) / current_setting('block_size')::integer > c.relpages * 1.1
  loop
    execute format('analyze %s', each);
  end loop;
end
$$;

-- Name: FUNCTION measure_work(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.measure_work() IS 'Tells the planner how many rows there are now. Runs as its owner, since only a table''s owner may analyze it.';

-- Name: months(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.months(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(month date, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (select p.day, count(*) as plays from mart.plays(f) as p group by p.day)
  select date_trunc('month', c.day::timestamp)::date, sum(c.plays)::bigint from counted as c group by 1 order by 1
$$;

-- Name: FUNCTION months(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.months(f mart.play_filter) IS 'Slicer: the months that have plays.';

-- Name: note_changed_plays(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.note_changed_plays() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    insert into mart.changed_play (play_id) select o.play_id from old_plays as o;
  end if;
  if tg_op = 'INSERT' then
    insert into mart.changed_play (play_id) select n.play_id from new_plays as n;
  end if;
  return null;
end
$$;

-- Name: FUNCTION note_changed_plays(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.note_changed_plays() IS 'Trigger: notes plays that came, changed or went, for the next mart.refresh; once per statement.';

-- Name: note_moved_listener(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.note_moved_listener() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  insert into mart.changed_play (play_id) select p.play_id from core.play as p where p.listener_id = new.listener_id;
  return null;
end
$$;

-- Name: FUNCTION note_moved_listener(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.note_moved_listener() IS 'Trigger: another time zone puts a listener''s plays on other days and hours; notes them for the next mart.refresh.';

-- Name: only(bigint, date, date, date, bigint, bigint, bigint, text, boolean); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart."only"(listener_id bigint DEFAULT NULL::bigint, first_day date DEFAULT NULL::date, last_day date DEFAULT NULL::date, month date DEFAULT NULL::date, track_id bigint DEFAULT NULL::bigint, album_id bigint DEFAULT NULL::bigint, artist_id bigint DEFAULT NULL::bigint, zone text DEFAULT NULL::text, with_skips boolean DEFAULT false) RETURNS mart.play_filter
    LANGUAGE sql IMMUTABLE
    AS $$
  select row(listener_id, first_day, last_day, pg_catalog.date_trunc('month', month::timestamp)::date, track_id, album_id, artist_id, zone,
    with_skips)::mart.play_filter
$$;

-- Name: FUNCTION "only"(listener_id bigint, first_day date, last_day date, month date, track_id bigint, album_id bigint, artist_id bigint, zone text, with_skips boolean); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart."only"(listener_id bigint, first_day date, last_day date, month date, track_id bigint, album_id bigint, artist_id bigint, zone text, with_skips boolean) IS 'Which plays a figure is about: all that is given holds together. month is any day of it; a track stands for all of the same meaning; without a zone days are those of each listener''s own; with_skips counts plays outside 30 s to 60 min as well.';

-- Name: platform_family(text); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.platform_family(platform text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $_$
  select case
    when btrim(platform) = '' or platform is null then null
    when platform ~* 'web[ _]?player' then 'web player'
    when platform ~* 'cast|sonos|speaker|alexa|playstation|xbox|partner|(^|[^a-z])(tv|car|echo|ps[345])([^a-z]|$)' then 'speaker or TV'
    when platform ~* 'android' then 'Android'
    when platform ~* 'ios|iphone|ipad|ipod' then 'iOS'
    when platform ~* 'os ?x|macos|darwin' then 'macOS'
    when platform ~* 'windows' then 'Windows'
    when platform ~* 'linux' then 'Linux'
    else 'other' end
$_$;

-- Name: FUNCTION platform_family(platform text); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.platform_family(platform text) IS 'The kind of device that a platform of the extended export names; its make and version say nothing in a report.';

-- Name: plays(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(play_id bigint, listener_id bigint, track_id bigint, song_id bigint, artist_id bigint, album_id bigint, source_id smallint, played_at timestamp with time zone, local_at timestamp without time zone, day date, hour smallint, ms_played integer, explicit boolean)
    LANGUAGE sql STABLE
    AS $$
  select p.play_id, p.listener_id, p.track_id, t.song_id, p.artist_id, p.album_id, p.source_id, p.played_at, here.local_at,
         -- Their own day and hour stand in the fact; reckoning them for a million plays costs more than reading these.
         case when (f).zone is null then pg_catalog.make_date(p.date_id / 10000, p.date_id / 100 % 100, p.date_id % 100)
              else here.local_at::pg_catalog.date end,
         case when (f).zone is null then p.time_id else extract(hour from here.local_at)::smallint end, p.ms_played, p.explicit
  from mart.fact_play as p
  join mart.dim_track as t on t.track_id = p.track_id
  join mart.dim_listener as l on l.listener_id = p.listener_id
  cross join lateral (select p.played_at at time zone coalesce((f).zone, l.time_zone) as local_at) as here
  where ((f).listener_id is null or p.listener_id = (f).listener_id)
    and ((f).first_day is null or here.local_at >= (f).first_day)
    and ((f).last_day is null or here.local_at < (f).last_day + 1)
    and ((f).month is null or pg_catalog.date_trunc('month', here.local_at) = (f).month)
    -- The same a little wider, by a column that an index has: no two places of the earth are two days apart.
    and ((f).first_day is null or p.played_at >= ((f).first_day - 2)::timestamptz)
    and ((f).last_day is null or p.played_at < ((f).last_day + 3)::timestamptz)
    and ((f).month is null or (p.played_at >= ((f).month - 2)::timestamptz and p.played_at < ((f).month + 34)::timestamptz))
    -- A song under several identifiers is one song, as in the lists it was chosen from.
    and ((f).track_id is null or t.song_id = (select d.song_id from mart.dim_track as d where d.track_id = (f).track_id))
    and ((f).album_id is null or p.album_id = (f).album_id)
    and ((f).artist_id is null
         or exists (select from mart.bridge_track_artist as b where b.track_id = p.track_id and b.artist_id = (f).artist_id))
    and (p.is_listen or coalesce((f).with_skips, false))
$$;

-- Name: FUNCTION plays(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays(f mart.play_filter) IS 'The plays a filter lets through, with day and hour in the wanted zone. All other figures count these.';

-- Name: plays_by_circumstance(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_circumstance(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(circumstance text, value text, plays bigint, ms_played bigint, share_percent numeric)
    LANGUAGE sql STABLE
    AS $$
  -- Plays that are alike in what is told are counted first: few ways of listening are left, and only of these are the kinds of device told.
  with alike as materialized (
    select c.platform_text, c.shuffle, c.offline, c.reason_start, c.reason_end, count(*) as plays, sum(p.ms_played) as ms_played
    from mart.plays(f) as p join mart.play_circumstance as c on c.play_id = p.play_id
    group by 1, 2, 3, 4, 5
  ), told as (
    select a.*, mart.platform_family(a.platform_text) as platform from alike as a
  )
  select v.circumstance, v.value, sum(t.plays)::bigint, sum(t.ms_played)::bigint,
    round(100.0 * sum(t.plays) / sum(sum(t.plays)) over (partition by v.circumstance), 2)
  from told as t
  cross join lateral (values
    ('platform', coalesce(t.platform, 'unknown')),
    ('shuffle', case lower(t.shuffle) when 'true' then 'on' when 'false' then 'off' else 'unknown' end),
    ('offline', case lower(t.offline) when 'true' then 'offline' when 'false' then 'online' else 'unknown' end),
    ('began by', coalesce(nullif(t.reason_start, ''), 'unknown')),
    ('ended by', coalesce(nullif(t.reason_end, ''), 'unknown'))
  ) as v (circumstance, value)
  group by v.circumstance, v.value
  order by array_position(array['platform', 'shuffle', 'offline', 'began by', 'ended by'], v.circumstance), 3 desc, 2
$$;

-- Name: FUNCTION plays_by_circumstance(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_circumstance(f mart.play_filter) IS 'Plays by platform, shuffle, offline, and why they began and ended, of those that an extended export tells of.';

-- Name: plays_by_content(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_content(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(content text, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  select case when p.explicit then 'explicit' when not p.explicit then 'not explicit' else 'unknown' end, count(*)
  from mart.plays(f) as p group by 1 order by 2 desc, 1
$$;

-- Name: FUNCTION plays_by_content(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_content(f mart.play_filter) IS 'Pie: plays by explicit content.';

-- Name: plays_by_day(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_day(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(day date, month date, day_of_month integer, plays bigint, ms_played bigint)
    LANGUAGE sql STABLE
    AS $$
  select p.day, date_trunc('month', p.day::timestamp)::date, extract(day from p.day)::integer, count(*), sum(p.ms_played)
  from mart.plays(f) as p group by p.day order by p.day
$$;

-- Name: FUNCTION plays_by_day(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_day(f mart.play_filter) IS 'Line: plays by month and day.';

-- Name: plays_by_hour(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_hour(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(hour smallint, part_of_day text, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (select p.hour, count(*) as plays from mart.plays(f) as p group by p.hour)
  select t.time_id, t.part_of_day, coalesce(c.plays, 0)
  from mart.dim_time as t left join counted as c on c.hour = t.time_id
  order by t.time_id
$$;

-- Name: FUNCTION plays_by_hour(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_hour(f mart.play_filter) IS 'Ribbon: plays by hour and part of the day; all 24 hours.';

-- Name: plays_by_length(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_length(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(length text, plays bigint, ms_played bigint, share_percent numeric)
    LANGUAGE sql STABLE
    AS $$
  select l.length, count(p.play_id), coalesce(sum(p.ms_played), 0)::bigint,
    round(100.0 * count(p.play_id) / nullif(sum(count(p.play_id)) over (), 0), 2)
  from unnest(array['under 30 s', '30 s to 60 min', 'over 60 min']) with ordinality as l (length, place)
  left join (
    select q.play_id, q.ms_played, case when q.ms_played < 30000 then 1 when q.ms_played <= 3600000 then 2 else 3 end as place
    from mart.plays(f) as q
  ) as p on p.place = l.place
  group by l.length, l.place order by l.place
$$;

-- Name: FUNCTION plays_by_length(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_length(f mart.play_filter) IS 'Plays by how long they were heard: what is shorter than 30 s was skipped. Of a filter with with_skips; without, only what counts as listening is there.';

-- Name: plays_by_source(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_source(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(source text, plays bigint, songs bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (
    select p.source_id, p.track_id, count(*) as plays from mart.plays(f) as p group by p.source_id, p.track_id
  )
  select s.name, sum(c.plays)::bigint, count(distinct c.track_id)
  from counted as c join mart.dim_source as s on s.source_id = c.source_id
  group by s.name order by 2 desc, 1
$$;

-- Name: FUNCTION plays_by_source(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_source(f mart.play_filter) IS 'Donut: plays and songs by where they were played from.';

-- Name: plays_by_week(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_week(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(iso_year integer, iso_week integer, week_start date, plays bigint, ms_played bigint)
    LANGUAGE sql STABLE
    AS $$
  with days as (
    select p.day, count(*) as plays, sum(p.ms_played) as ms_played from mart.plays(f) as p group by p.day
  )
  select extract(isoyear from d.day)::integer, extract(week from d.day)::integer, date_trunc('week', d.day::timestamp)::date, sum(d.plays)::bigint,
    sum(d.ms_played)::bigint
  from days as d group by 1, 2, 3 order by 1, 2
$$;

-- Name: FUNCTION plays_by_week(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_week(f mart.play_filter) IS 'Trend: plays by ISO week, with the year the week belongs to.';

-- Name: plays_by_weekday(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_weekday(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(day_of_week integer, day_name text, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  with days as (
    select p.day, count(*) as plays from mart.plays(f) as p group by p.day
  ), counted as (
    select extract(isodow from y.day)::integer as day_of_week, sum(y.plays)::bigint as plays from days as y group by 1
  )
  select d.day_of_week::integer, d.day_name, coalesce(c.plays, 0)
  from unnest(array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']) with ordinality as d (day_name, day_of_week)
  left join counted as c on c.day_of_week = d.day_of_week
  order by d.day_of_week
$$;

-- Name: FUNCTION plays_by_weekday(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_weekday(f mart.play_filter) IS 'Bars: plays by day of the week, Monday first; all seven.';

-- Name: plays_by_weekday_and_hour(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_weekday_and_hour(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(day_of_week integer, day_name text, hour smallint, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  with hours as (
    select p.day, p.hour, count(*) as plays from mart.plays(f) as p group by p.day, p.hour
  ), counted as (
    select extract(isodow from h.day)::integer as day_of_week, h.hour, sum(h.plays)::bigint as plays from hours as h group by 1, 2
  )
  select d.day_of_week::integer, d.day_name, t.time_id, coalesce(c.plays, 0)
  from unnest(array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']) with ordinality as d (day_name, day_of_week)
  cross join mart.dim_time as t
  left join counted as c on c.day_of_week = d.day_of_week and c.hour = t.time_id
  order by d.day_of_week, t.time_id
$$;

-- Name: FUNCTION plays_by_weekday_and_hour(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_weekday_and_hour(f mart.play_filter) IS 'Heat map: plays by day of the week and hour; all 168.';

-- Name: rebuild(bigint); Type: PROCEDURE; Schema: mart

CREATE PROCEDURE mart.rebuild(INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('mart.rebuild', null);
  begin
    perform mart.clear();
    insert into mart.play_work (play_id) select p.play_id from core.play as p;
    looked_at := mart.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE rebuild(INOUT run bigint); Type: COMMENT; Schema: mart

COMMENT ON PROCEDURE mart.rebuild(INOUT run bigint) IS 'Makes the marts anew from core. Gives what mart.refresh gives: mart.checksums proves it. Failing, it leaves them as they were.';

-- Name: recount_summaries(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.recount_summaries() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET work_mem TO '128MB'
    AS $$
  with touched_day as materialized (
    select distinct w.date_id from mart.touched_work as w
  ), span as materialized (
    select d.date_id, d.iso_year, d.iso_week
    from mart.dim_date as d
    where (d.iso_year, d.iso_week) in (
      select w.iso_year, w.iso_week from mart.dim_date as w where w.date_id in (select t.date_id from touched_day as t))
  ), by_track as materialized (
    select f.date_id, f.track_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played
    from mart.fact_play as f where f.date_id in (select s.date_id from span as s)
    group by f.date_id, f.track_id
  ), by_listener as materialized (
    select f.date_id, f.listener_id
    from mart.fact_play as f where f.date_id in (select s.date_id from span as s)
    group by f.date_id, f.listener_id
  ), counted_day as materialized (
    select t.date_id, t.plays, t.listens, t.ms_played, t.tracks, l.listeners
    from (
      select x.date_id, sum(x.plays) as plays, sum(x.listens) as listens, sum(x.ms_played) as ms_played, count(*) as tracks
      from by_track as x group by x.date_id
    ) as t
    join (select x.date_id, count(*) as listeners from by_listener as x group by x.date_id) as l on l.date_id = t.date_id
    where t.date_id in (select d.date_id from touched_day as d)
  ), emptied_day as (
    delete from mart.daily_summary as d
    where d.date_id in (select t.date_id from touched_day as t) and d.date_id not in (select c.date_id from counted_day as c)
  ), kept_day as (
    insert into mart.daily_summary (date_id, plays, listens, ms_played, tracks, listeners)
    select c.date_id, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted_day as c
    on conflict (date_id) do update
      set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
          listeners = excluded.listeners
  ), counted_week as materialized (
    select t.iso_year, t.iso_week, t.plays, t.listens, t.ms_played, t.tracks, l.listeners
    from (
      select k.iso_year, k.iso_week, sum(k.plays) as plays, sum(k.listens) as listens, sum(k.ms_played) as ms_played, count(*) as tracks
      from (
        select s.iso_year, s.iso_week, x.track_id, sum(x.plays) as plays, sum(x.listens) as listens, sum(x.ms_played) as ms_played
        from by_track as x join span as s on s.date_id = x.date_id
        group by s.iso_year, s.iso_week, x.track_id
      ) as k
      group by k.iso_year, k.iso_week
    ) as t
    join (
      select s.iso_year, s.iso_week, count(distinct x.listener_id) as listeners
      from by_listener as x join span as s on s.date_id = x.date_id group by s.iso_year, s.iso_week
    ) as l on l.iso_year = t.iso_year and l.iso_week = t.iso_week
  ), emptied_week as (
    delete from mart.weekly_summary as w
    where (w.iso_year, w.iso_week) in (select s.iso_year, s.iso_week from span as s)
      and (w.iso_year, w.iso_week) not in (select c.iso_year, c.iso_week from counted_week as c)
  )
  insert into mart.weekly_summary (iso_year, iso_week, plays, listens, ms_played, tracks, listeners)
  select c.iso_year, c.iso_week, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted_week as c
  on conflict (iso_year, iso_week) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  with touched as materialized (
    select b.artist_id from mart.bridge_track_artist as b where b.track_id in (select w.track_id from mart.touched_work as w)
    union
    select w.artist_id from mart.artist_work as w
  ), credit as materialized (
    select b.track_id, b.artist_id from mart.bridge_track_artist as b where b.artist_id in (select t.artist_id from touched as t)
  ), by_track as materialized (
    select f.track_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      min(f.played_at) as first_played_at, max(f.played_at) as last_played_at
    from mart.fact_play as f
    where f.track_id in (select c.track_id from credit as c)
    group by f.track_id
  ), counted as materialized (
    select c.artist_id, sum(p.plays) as plays, sum(p.listens) as listens, sum(p.ms_played) as ms_played,
      min(p.first_played_at) as first_played_at, max(p.last_played_at) as last_played_at
    from by_track as p
    join credit as c on c.track_id = p.track_id
    group by c.artist_id
  ), emptied as (
    delete from mart.artist_play_summary as s
    where s.artist_id in (select t.artist_id from touched as t) and s.artist_id not in (select c.artist_id from counted as c)
  )
  insert into mart.artist_play_summary as s (artist_id, plays, listens, ms_played, first_played_at, last_played_at)
  select c.artist_id, c.plays, c.listens, c.ms_played, c.first_played_at, c.last_played_at from counted as c
  on conflict (artist_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played,
        first_played_at = excluded.first_played_at, last_played_at = excluded.last_played_at
    where (s.plays, s.listens, s.ms_played, s.first_played_at, s.last_played_at)
      is distinct from (excluded.plays, excluded.listens, excluded.ms_played, excluded.first_played_at, excluded.last_played_at)
$$;

-- Name: FUNCTION recount_summaries(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.recount_summaries() IS 'Third part of mart.refresh where much changed: days, weeks and artists whose plays changed are counted again.';

-- Name: refresh(bigint); Type: PROCEDURE; Schema: mart

CREATE PROCEDURE mart.refresh(INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('mart.refresh', null);
  begin
    looked_at := mart.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE refresh(INOUT run bigint); Type: COMMENT; Schema: mart

COMMENT ON PROCEDURE mart.refresh(INOUT run bigint) IS 'Brings the marts up to date with core: only what changed since the last refresh is written. Failing, it leaves nothing but its run row.';

-- Name: refresh_dimensions(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.refresh_dimensions() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into mart.dim_listener as d (listener_id, name, time_zone)
  select l.listener_id, l.name, l.time_zone from core.listener as l
  on conflict (listener_id) do update set name = excluded.name, time_zone = excluded.time_zone
  where (d.name, d.time_zone) is distinct from (excluded.name, excluded.time_zone);

  insert into mart.dim_artist (artist_id, name, spotify_id, popularity, followers)
  select w.artist_id, w.name, w.spotify_id, w.popularity, w.followers
  from mart.artist_wanted as w left join mart.dim_artist as d on d.artist_id = w.artist_id
  where d.* is distinct from w.*
  on conflict (artist_id) do update
    set name = excluded.name, spotify_id = excluded.spotify_id, popularity = excluded.popularity, followers = excluded.followers;

  insert into mart.dim_album (album_id, name, spotify_id, release_date, release_date_precision, total_tracks, artist_id)
  select w.album_id, w.name, w.spotify_id, w.release_date, w.release_date_precision, w.total_tracks, w.artist_id
  from mart.album_wanted as w left join mart.dim_album as d on d.album_id = w.album_id
  where d.* is distinct from w.*
  on conflict (album_id) do update
    set name = excluded.name, spotify_id = excluded.spotify_id, release_date = excluded.release_date,
        release_date_precision = excluded.release_date_precision, total_tracks = excluded.total_tracks, artist_id = excluded.artist_id;

  -- Facts repeat a track's artist, album and mark: where these change, its plays are looked at again.
  with changed as (
    insert into mart.dim_track
      (track_id, song_id, name, spotify_id, album_id, artist_id, duration_ms, popularity, explicit, track_number)
    select w.track_id, w.song_id, w.name, w.spotify_id, w.album_id, w.artist_id, w.duration_ms, w.popularity, w.explicit, w.track_number
    from mart.track_wanted as w left join mart.dim_track as d on d.track_id = w.track_id
    where d.* is distinct from w.*
    on conflict (track_id) do update
      set song_id = excluded.song_id, name = excluded.name, spotify_id = excluded.spotify_id, album_id = excluded.album_id,
          artist_id = excluded.artist_id, duration_ms = excluded.duration_ms, popularity = excluded.popularity,
          explicit = excluded.explicit, track_number = excluded.track_number
    returning track_id, artist_id, album_id, explicit
  )
  insert into mart.play_work (play_id)
  select f.play_id
  from mart.fact_play as f join changed as c on c.track_id = f.track_id
  where (f.artist_id, f.album_id, f.explicit) is distinct from (c.artist_id, c.album_id, c.explicit)
  on conflict do nothing;

  with went as (
    delete from mart.bridge_track_artist as b
    where not exists (select from core.track_artist as ta where ta.track_id = b.track_id and ta.artist_id = b.artist_id)
    returning b.track_id, b.artist_id
  ), losers as (
    insert into mart.artist_work (artist_id) select distinct w.artist_id from went as w on conflict do nothing
  ), came as (
    insert into mart.bridge_track_artist as b (track_id, artist_id, position)
    select ta.track_id, ta.artist_id, ta.position
    from core.track_artist as ta
    left join mart.bridge_track_artist as d on d.track_id = ta.track_id and d.artist_id = ta.artist_id
    where d.position is distinct from ta.position
    on conflict (track_id, artist_id) do update set position = excluded.position
    returning b.track_id
  )
  insert into mart.play_work (play_id)
  select f.play_id from mart.fact_play as f
  where f.track_id in (select w.track_id from went as w union select c.track_id from came as c)
  on conflict do nothing
$$;

-- Name: FUNCTION refresh_dimensions(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.refresh_dimensions() IS 'First part of mart.refresh: dimensions as core has them, written where they differ; plays of tracks that moved are noted.';

-- Name: refresh_facts(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.refresh_facts() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET random_page_cost TO '1.1'
    AS $$
declare
  looked_at bigint;
begin
  -- What their days and artists were before matters as much as what they are after.
  insert into mart.touched_work (date_id, track_id)
  select distinct f.date_id, f.track_id from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id
  on conflict do nothing;

  insert into mart.change_work (play_id, is_after, date_id, track_id, listener_id, is_listen, ms_played, played_at)
  select f.play_id, false, f.date_id, f.track_id, f.listener_id, f.is_listen, f.ms_played, f.played_at
  from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id;

  delete from mart.fact_play as f using mart.play_work as w
  where f.play_id = w.play_id and not exists (select from core.play as p where p.play_id = f.play_id);

  insert into mart.fact_play as f
    (play_id, listener_id, track_id, artist_id, album_id, date_id, time_id, source_id, played_at, ms_played, is_listen, explicit)
  select n.play_id, n.listener_id, n.track_id, n.artist_id, n.album_id, n.date_id, n.time_id, n.source_id, n.played_at, n.ms_played,
         n.is_listen, n.explicit
  from mart.play_wanted as n
  join mart.play_work as w on w.play_id = n.play_id
  on conflict (play_id) do update
    set listener_id = excluded.listener_id, track_id = excluded.track_id, artist_id = excluded.artist_id, album_id = excluded.album_id,
        date_id = excluded.date_id, time_id = excluded.time_id, source_id = excluded.source_id, played_at = excluded.played_at,
        ms_played = excluded.ms_played, is_listen = excluded.is_listen, explicit = excluded.explicit
    where f.* is distinct from excluded.*;

  insert into mart.touched_work (date_id, track_id)
  select distinct f.date_id, f.track_id from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id
  on conflict do nothing;

  insert into mart.change_work (play_id, is_after, date_id, track_id, listener_id, is_listen, ms_played, played_at)
  select f.play_id, true, f.date_id, f.track_id, f.listener_id, f.is_listen, f.ms_played, f.played_at
  from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id;

  select count(*) into looked_at from mart.play_work;
  return looked_at;
end
$$;

-- Name: FUNCTION refresh_facts(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.refresh_facts() IS 'Second part of mart.refresh: the noted plays become facts, or cease to be; gives how many were looked at.';

-- Name: refresh_or_raise(); Type: PROCEDURE; Schema: mart

CREATE PROCEDURE mart.refresh_or_raise()
    LANGUAGE plpgsql
    AS $$
declare
  run bigint;
begin
  call mart.refresh(run);
  -- The run row stays, whatever is raised then.
  commit;
  perform quality.demand_run(run);
end
$$;

-- Name: PROCEDURE refresh_or_raise(); Type: COMMENT; Schema: mart

COMMENT ON PROCEDURE mart.refresh_or_raise() IS 'Brings the marts up to date as mart.refresh does, commits, and fails when that failed. Not for inside a transaction.';

-- Name: refresh_summaries(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.refresh_summaries() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if (select count(*) * 20 from mart.change_work) > (select count(*) from mart.fact_play) then
    perform mart.recount_summaries();
  else
    perform mart.correct_days();
    perform mart.correct_weeks();
    perform mart.correct_artists();
  end if;
end
$$;

-- Name: FUNCTION refresh_summaries(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.refresh_summaries() IS 'Third part of mart.refresh: days, weeks and artists whose plays changed.';

-- Name: session_cards(mart.play_filter, interval); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.session_cards(f mart.play_filter DEFAULT NULL::mart.play_filter, gap interval DEFAULT '00:30:00'::interval) RETURNS TABLE(sessions bigint, plays numeric, plays_each numeric, median_minutes numeric, longest_minutes numeric)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select count(*), coalesce(sum(s.plays), 0), round(avg(s.plays), 1),
    round((percentile_cont(0.5) within group (order by extract(epoch from s.ended_at - s.started_at)::double precision) / 60)::numeric, 1),
    round((max(extract(epoch from s.ended_at - s.started_at)) / 60)::numeric, 1)
  from mart.listening_sessions(f, gap) as s
$$;

-- Name: FUNCTION session_cards(f mart.play_filter, gap interval); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.session_cards(f mart.play_filter, gap interval) IS 'Cards: sessions, the plays in them, plays a session, minutes of the one in the middle and of the longest.';

-- Name: skipped_tracks(mart.play_filter, integer); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.skipped_tracks(f mart.play_filter DEFAULT NULL::mart.play_filter, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, skips bigint, plays bigint, skip_percent numeric)
    LANGUAGE sql STABLE
    AS $$
  with counted as (
    select p.song_id, count(*) filter (where p.ms_played < 30000) as skips, count(*) as plays
    from mart.plays(f) as p group by p.song_id
    having count(*) filter (where p.ms_played < 30000) > 0
    order by 2 desc, 3, 1 limit k
  )
  select row_number() over (order by c.skips desc, c.plays, c.song_id), c.song_id, t.name, a.name, c.skips, c.plays, round(100.0 * c.skips / c.plays, 1)
  from counted as c
  join mart.dim_track as t on t.track_id = c.song_id
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  order by 1
$$;

-- Name: FUNCTION skipped_tracks(f mart.play_filter, k integer); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.skipped_tracks(f mart.play_filter, k integer) IS 'The k songs that were left most often within 30 s, and how many of their plays that were. Of a filter with with_skips.';

-- Name: sound_profile(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.sound_profile(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(feature text, plays bigint, mean numeric, catalogue_mean numeric, lowest numeric, highest numeric)
    LANGUAGE sql STABLE
    AS $$
  with heard as (
    select p.track_id, count(*) as plays from mart.plays(f) as p group by p.track_id
  ), known as (
    select s.feature, avg(s.value) as mean, min(s.value) as lowest, max(s.value) as highest from mart.track_sound as s group by s.feature
  ), summed as (
    select s.feature, sum(h.plays)::bigint as plays, sum(h.plays * s.value) / sum(h.plays) as mean
    from heard as h join mart.track_sound as s on s.track_id = h.track_id group by s.feature
  )
  select k.feature, coalesce(s.plays, 0), round(s.mean::numeric, 4), round(k.mean::numeric, 4), round(k.lowest::numeric, 4), round(k.highest::numeric, 4)
  from known as k left join summed as s on s.feature = k.feature
  order by array_position(array['danceability', 'energy', 'valence', 'acousticness', 'instrumentalness', 'speechiness', 'liveness', 'loudness_db',
    'tempo_bpm'], k.feature)
$$;

-- Name: FUNCTION sound_profile(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.sound_profile(f mart.play_filter) IS 'The mean of each audio feature over the plays whose track has it, beside the mean of all tracks there are.';

-- Name: top_albums(mart.play_filter, integer); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.top_albums(f mart.play_filter DEFAULT NULL::mart.play_filter, k integer DEFAULT 4) RETURNS TABLE(rank bigint, album_id bigint, name text, artist text, plays bigint, ms_played bigint, cover_id bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (
    select p.album_id, count(*) as plays, sum(p.ms_played) as ms_played
    from mart.plays(f) as p where p.album_id is not null group by p.album_id order by 2 desc, 3 desc, 1 limit k
  )
  select row_number() over (order by c.plays desc, c.ms_played desc, c.album_id), c.album_id, b.name, mart.album_artist(c.album_id), c.plays, c.ms_played, v.cover_id
  from counted as c
  join mart.dim_album as b on b.album_id = c.album_id
  left join mart.cover as v on v.album_id = c.album_id
  order by 1
$$;

-- Name: FUNCTION top_albums(f mart.play_filter, k integer); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.top_albums(f mart.play_filter, k integer) IS 'Treemap: the k most played albums.';

-- Name: top_artists(mart.play_filter, integer); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.top_artists(f mart.play_filter DEFAULT NULL::mart.play_filter, k integer DEFAULT 5) RETURNS TABLE(rank bigint, artist_id bigint, name text, plays bigint, ms_played bigint, cover_id bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (
    select b.artist_id, count(*) as plays, sum(p.ms_played) as ms_played
    from mart.plays(f) as p join mart.bridge_track_artist as b on b.track_id = p.track_id
    group by b.artist_id order by 2 desc, 3 desc, 1 limit k
  )
  select row_number() over (order by c.plays desc, c.ms_played desc, c.artist_id), c.artist_id, a.name, c.plays, c.ms_played, v.cover_id
  from counted as c
  join mart.dim_artist as a on a.artist_id = c.artist_id
  left join mart.cover as v on v.artist_id = c.artist_id
  order by 1
$$;

-- Name: FUNCTION top_artists(f mart.play_filter, k integer); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.top_artists(f mart.play_filter, k integer) IS 'Columns: the k most played artists; a play of several artists counts for each.';

-- Name: top_tracks(mart.play_filter, integer); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.top_tracks(f mart.play_filter DEFAULT NULL::mart.play_filter, k integer DEFAULT 5) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, plays bigint, ms_played bigint, album_id bigint, cover_id bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (
    select p.song_id, count(*) as plays, sum(p.ms_played) as ms_played
    from mart.plays(f) as p group by p.song_id order by 2 desc, 3 desc, 1 limit k
  )
  select row_number() over (order by c.plays desc, c.ms_played desc, c.song_id), c.song_id, t.name, a.name, c.plays, c.ms_played,
         t.album_id, v.cover_id
  from counted as c
  join mart.dim_track as t on t.track_id = c.song_id
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  left join mart.cover as v on v.album_id = t.album_id
  order by 1
$$;

-- Name: FUNCTION top_tracks(f mart.play_filter, k integer); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.top_tracks(f mart.play_filter, k integer) IS 'Tiles and columns: the k most played songs, by plays and not by popularity; tracks of the same meaning count as one. cover_id is NULL where there is no picture.';

-- Name: track_choices(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.track_choices(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(track_id bigint, name text, artist text, plays bigint)
    LANGUAGE sql STABLE
    AS $$
  with counted as (select p.song_id, count(*) as plays from mart.plays(f) as p group by p.song_id)
  select c.song_id, t.name, a.name, c.plays
  from counted as c
  join mart.dim_track as t on t.track_id = c.song_id
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  order by t.name, a.name, c.song_id
$$;

-- Name: FUNCTION track_choices(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.track_choices(f mart.play_filter) IS 'Slicer: the songs that have plays; tracks of the same meaning are one, as in top_tracks.';

-- Name: track_detail(bigint, mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.track_detail(track bigint, f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(track_id bigint, name text, artist text, album text, popularity smallint, release_date date, release_date_precision text, plays bigint, track_number smallint, total_tracks smallint, cover_id bigint)
    LANGUAGE sql STABLE
    AS $$
  select t.track_id, t.name, a.name, b.name, t.popularity, b.release_date, b.release_date_precision,
    (select count(*) from mart.plays(f) as p where p.song_id = t.song_id), t.track_number, b.total_tracks, v.cover_id
  from mart.dim_track as t
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  left join mart.dim_album as b on b.album_id = t.album_id
  left join mart.cover as v on v.album_id = t.album_id
  where t.track_id = track
$$;

-- Name: FUNCTION track_detail(track bigint, f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.track_detail(track bigint, f mart.play_filter) IS 'Card of one track: name, popularity, release date, plays (of all tracks of the same meaning, as in top_tracks), number on the album and how many tracks that has.';

-- Name: b10_list(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b10_list(value text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
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
$_$;

-- Name: FUNCTION b10_list(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b10_list(value text) IS 'B10: the items of a list in one text: [''a'', "b"], or items on lines of their own or between semicolons; NULL for an empty list.';

-- Name: b10_names(text, text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b10_names(names text, identifiers text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case
    when quality.b7_trim(names) ~ '^\[.*\]$' or names ~ '[\r\n;]' then quality.b10_list(names)
    when quality.b4_null_marker(quality.b7_trim(names)) is null then null
    when pg_catalog.cardinality(pg_catalog.regexp_split_to_array(quality.b7_trim(names), '\s*,\s*'))
       = pg_catalog.cardinality(pg_catalog.regexp_split_to_array(quality.b7_trim(identifiers), '\s*[,;]\s*'))
      then pg_catalog.regexp_split_to_array(quality.b7_trim(names), '\s*,\s*')
    else array[quality.b7_trim(names)]
  end
$_$;

-- Name: FUNCTION b10_names(names text, identifiers text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b10_names(names text, identifiers text) IS 'B10: names of one field, parted at commas only when as many identifiers stand beside them.';

-- Name: b11_utc(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b11_utc(value text) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case
    when pg_catalog.translate(value, '123456789', '000000000') in ('0000-00-00 00:00', '0000-00-00T00:00:00Z', '0000-00-00 00:00:00')
      and pg_catalog.left(value, 1) in ('1', '2')
      and pg_catalog.substr(value, 6, 2)::integer between 1 and 12 and pg_catalog.substr(value, 9, 2)::integer between 1 and 28
      and pg_catalog.substr(value, 12, 2)::integer <= 23 and pg_catalog.substr(value, 15, 2)::integer <= 59
      and coalesce(nullif(pg_catalog.substr(value, 18, 2), '')::integer, 0) <= 59
    then pg_catalog.make_timestamp(pg_catalog.left(value, 4)::integer, pg_catalog.substr(value, 6, 2)::integer,
           pg_catalog.substr(value, 9, 2)::integer, pg_catalog.substr(value, 12, 2)::integer, pg_catalog.substr(value, 15, 2)::integer,
           coalesce(nullif(pg_catalog.substr(value, 18, 2), '')::double precision, 0)) at time zone 'UTC'
    when value ~ '^[0-9-]{10}[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?Z?$'
    then (quality.b6_partial_date(pg_catalog.substr(value, 1, 10))
          + pg_catalog.make_time(pg_catalog.substr(value, 12, 2)::integer, pg_catalog.substr(value, 15, 2)::integer,
              coalesce(pg_catalog.substring(value, '^.{17}([0-9.]+)')::double precision, 0)))
         at time zone 'UTC' end
$_$;

-- Name: FUNCTION b11_utc(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b11_utc(value text) IS 'B11: the moment in a text of the form 2021-04-22 05:41 or 2021-04-22T05:41:12.345Z, which is UTC; NULL for anything else.';

-- Name: b12_source(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b12_source(context_type text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select coalesce(quality.b4_null_marker(quality.b7_trim(context_type)), 'Outside Playlist') $$;

-- Name: FUNCTION b12_source(context_type text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b12_source(context_type text) IS 'B12: what reports call the place a play came from; without a context Outside Playlist. For reports only.';

-- Name: b13_fold(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b13_fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select pg_catalog.lower(quality.b7_trim(value) collate "und-x-icu") $$;

-- Name: FUNCTION b13_fold(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b13_fold(value text) IS 'B13: the form in which two names mean the same.';

-- Name: b1_exact_repeats(bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b1_exact_repeats(batch bigint) RETURNS TABLE(row_no integer, first_row_no integer)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select row_no, first_row_no
  from (
    select s.row_no, min(s.row_no) over (partition by s.hash) as first_row_no from raw.song as s where s.batch_id = batch
    union all
    select h.row_no, min(h.row_no) over (partition by h.hash) from raw.streaming_history as h where h.batch_id = batch
    union all
    select x.row_no, min(x.row_no) over (partition by x.hash) from raw.extended_history as x where x.batch_id = batch
    union all
    select l.row_no, min(l.row_no) over (partition by l.list, l.hash) from raw.library_entry as l where l.batch_id = batch
    union all
    select p.row_no, min(p.row_no) over (partition by p.hash) from raw.playlist_entry as p where p.batch_id = batch
    union all
    select c.row_no, min(c.row_no) over (partition by c.hash) from raw.chart_entry as c where c.batch_id = batch
  ) as rows
  where row_no > first_row_no
$$;

-- Name: FUNCTION b1_exact_repeats(batch bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b1_exact_repeats(batch bigint) IS 'B1: rows of a batch that are byte for byte an earlier row of it.';

-- Name: b2_key_repeats(bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b2_key_repeats(batch bigint) RETURNS TABLE(row_no integer, first_row_no integer)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select row_no, first_row_no
  from (
    select w.row_no, min(w.row_no) over (partition by w.playlist_spotify_id, w.track_spotify_id) as first_row_no
    from quality.song_work as w
    where w.batch_id = batch and w.rule_id is null
  ) as rows
  where row_no > first_row_no
$$;

-- Name: FUNCTION b2_key_repeats(batch bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b2_key_repeats(batch bigint) IS 'B2: accepted rows of a batch being cleansed that list a track again in the same playlist.';

-- Name: b3_api_twins(bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b3_api_twins(batch bigint) RETURNS TABLE(row_no integer, item_no integer, play_id bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with whose as (
    select l.listener_id from raw.batch as b join core.listener as l on l.name = b.listener_name where b.batch_id = batch
  ), mine as (
    select w.row_no, 0 as item_no, w.track_id, w.ended_at, w.ms_played, interval '1 minute' as precision
    from quality.play_work as w where w.batch_id = batch and w.rule_id is null
    union all
    select w.row_no, 0, w.track_id, w.ended_at, w.ms_played, interval '1 second'
    from quality.track_work as w where w.batch_id = batch and w.rule_id is null and w.ended_at is not null
  ), told as (
    select i.row_no, i.item_no, i.fact_id as track_id, i.at, i.ms_played
    from quality.page_item as i where i.batch_id = batch and i.kind = 'play' and i.rule_id is null
  ), beside as (
    select m.row_no, m.item_no, p.play_id, m.track_id, p.track_id as other_track_id, m.ended_at, m.precision, p.ended_at as told_at
    from whose as w
    cross join mine as m
    join core.play as p on p.listener_id = w.listener_id and p.feed = 'api'
      and p.ended_at between m.ended_at - make_interval(secs => m.ms_played::double precision / 1000) - interval '10 seconds'
                         and m.ended_at + m.precision + interval '10 seconds'
    where m.ms_played >= least(30000, p.ms_played)
    union all
    select t.row_no, t.item_no, p.play_id, t.track_id, p.track_id, p.ended_at, q.precision, t.at
    from whose as w
    cross join told as t
    join core.play as p on p.listener_id = w.listener_id and p.feed <> 'api' and p.ms_played >= least(30000, t.ms_played)
      and p.ended_at between t.at - interval '70 seconds' and t.at + interval '70 minutes'
    cross join lateral (
      select case p.time_precision when 'minute' then interval '1 minute' else interval '1 second' end as precision
    ) as q
    where t.at between p.ended_at - make_interval(secs => p.ms_played / 1000.0) - interval '10 seconds'
                   and p.ended_at + q.precision + interval '10 seconds'
  ), near as materialized (
    select b.row_no, b.item_no, b.play_id,
      greatest(0, extract(epoch from b.ended_at - b.told_at), extract(epoch from b.told_at - b.ended_at - b.precision)) as apart
    from beside as b
    where b.track_id = b.other_track_id
       or exists (select from core.track_meaning as m join core.track_meaning as o using (name_folded, artist_folded)
                  where m.track_id = b.track_id and o.track_id = b.other_track_id)
  ), first_look as materialized (
    select n.row_no, n.item_no, n.play_id
    from (
      select x.*, row_number() over (partition by x.row_no, x.item_no order by x.apart, x.play_id) as of_mine,
        row_number() over (partition by x.play_id order by x.apart, x.row_no, x.item_no) as of_theirs
      from near as x
    ) as n
    where n.of_mine = 1 and n.of_theirs = 1
  ), second_look as (
    select n.row_no, n.item_no, n.play_id
    from (
      select x.*, row_number() over (partition by x.row_no, x.item_no order by x.apart, x.play_id) as of_mine,
        row_number() over (partition by x.play_id order by x.apart, x.row_no, x.item_no) as of_theirs
      from near as x
      where not exists (select from first_look as f where f.play_id = x.play_id or (f.row_no = x.row_no and f.item_no = x.item_no))
    ) as n
    where n.of_mine = 1 and n.of_theirs = 1
  )
  select f.row_no, f.item_no, f.play_id from first_look as f
  union all
  select s.row_no, s.item_no, s.play_id from second_look as s
$$;

-- Name: FUNCTION b3_api_twins(batch bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b3_api_twins(batch bigint) IS 'B3: accepted plays of a batch being cleansed that were told before, by the Web API where the batch is an export''s and by an export where it is the Web API''s, and which play in core that is.';

-- Name: b3_twins(bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b3_twins(batch bigint) RETURNS TABLE(row_no integer, play_id bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with whose as (
    select l.listener_id from raw.batch as b join core.listener as l on l.name = b.listener_name where b.batch_id = batch
  ), mine as (
    select w.row_no, date_trunc('minute', w.ended_at, 'UTC') as minute, w.ms_played, quality.b13_fold(w.artist_name) as artist, quality.b13_fold(w.track_name) as track,
      'extended' as twin_feed, interval '1 minute' as within
    from quality.play_work as w where w.batch_id = batch and w.rule_id is null
    union all
    select w.row_no, date_trunc('minute', w.ended_at, 'UTC'), w.ms_played, quality.b13_fold(w.artist_name), quality.b13_fold(w.track_name),
      'basic', interval '0'
    from quality.track_work as w where w.batch_id = batch and w.rule_id is null and w.ended_at is not null
  ), numbered as (
    select m.*, row_number() over (partition by m.minute, m.ms_played, m.artist, m.track order by m.row_no) as nth
    from mine as m
  ), alike as materialized (
    select p.play_id, p.batch_id, p.row_no as their_row_no, m.row_no, m.nth, m.artist, m.track
    from whose as w
    cross join numbered as m
    join core.play as p on p.listener_id = w.listener_id and p.feed = m.twin_feed and p.ms_played = m.ms_played
      and p.ended_at >= m.minute and p.ended_at <= m.minute + m.within and p.ended_at < m.minute + interval '1 minute'
  ), told as (
    -- Plays are received in slices: batch by batch they are taken apart once, play by play once for each.
    select b.batch_id, r.row_no, r.artist, r.track
    from (select distinct a.batch_id from alike as a) as b
    cross join lateral (
      select h.row_no, h.body ->> 'artistName' as artist, h.body ->> 'trackName' as track
      from raw.streaming_history as h where h.batch_id = b.batch_id
      union all
      select x.row_no, x.body ->> 'master_metadata_album_artist_name', x.body ->> 'master_metadata_track_name'
      from raw.extended_history as x where x.batch_id = b.batch_id
    ) as r
  ), theirs as (
    select a.play_id, a.row_no, a.nth, row_number() over (partition by a.row_no order by a.batch_id, a.their_row_no) as twin_nth
    from alike as a
    join told as r on r.batch_id = a.batch_id and r.row_no = a.their_row_no
    where a.artist = quality.b13_fold(r.artist) and a.track = quality.b13_fold(r.track)
  )
  select t.row_no, t.play_id from theirs as t where t.twin_nth = t.nth
$$;

-- Name: FUNCTION b3_twins(batch bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b3_twins(batch bigint) IS 'B3: accepted plays of a history batch being cleansed that the other kind of export of the same listener told before, and which play in core that is.';

-- Name: b4_null_marker(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b4_null_marker(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when pg_catalog.lower(value) in ('', 'na', '[]', 'unknown artist', 'unknown track')
              then null else value end
$$;

-- Name: FUNCTION b4_null_marker(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b4_null_marker(value text) IS 'B4: NULL for a text that only says nothing is known; expects a trimmed text.';

-- Name: b5_chart_fault(jsonb); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b5_chart_fault(body jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select pg_catalog.format('%s is not a number: %s', n.name, body ->> n.name)
  from pg_catalog.unnest(array['rank', 'position', 'daily_rank', 'streams', 'peak_rank', 'highest_charting_position', 'previous_rank', 'weeks_on_chart',
    'number_of_times_charted', 'popularity', 'artist_followers', 'duration_ms']) with ordinality as n (name, place)
  where quality.b4_null_marker(quality.b7_trim(body ->> n.name)) is not null and quality.b5_number(quality.b7_trim(body ->> n.name)) is null
  order by n.place
  limit 1
$$;

-- Name: FUNCTION b5_chart_fault(body jsonb); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b5_chart_fault(body jsonb) IS 'B5: what is wrong with the numbers of a row of a chart, or NULL.';

-- Name: b5_number(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b5_number(value text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case
    -- Digits alone are told without looking for the rest.
    when pg_catalog.length(value) between 1 and 30 and pg_catalog.translate(value, '0123456789', '') = '' then value::pg_catalog.numeric
    when value ~ '^[+-]?([0-9]{1,30}|[0-9]{1,3}(,[0-9]{3}){1,9})(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,3})?$'
    then pg_catalog.replace(value, ',', '')::pg_catalog.numeric end
$_$;

-- Name: FUNCTION b5_number(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b5_number(value text) IS 'B5: the number in a text, thousands separators and scientific notation included; NULL when it is none.';

-- Name: song_work; Type: TABLE; Schema: quality

CREATE UNLOGGED TABLE quality.song_work (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    track_spotify_id text,
    track_name text,
    artist_name text,
    popularity numeric,
    album_spotify_id text,
    album_name text,
    release_text text,
    release_date date,
    release_date_precision text,
    playlist_name text,
    playlist_spotify_id text,
    genre_name text,
    subgenre_name text,
    danceability numeric,
    energy numeric,
    key numeric,
    loudness numeric,
    mode numeric,
    speechiness numeric,
    acousticness numeric,
    instrumentalness numeric,
    liveness numeric,
    valence numeric,
    tempo numeric,
    duration_ms numeric,
    rule_id text,
    reason text
);

-- Name: TABLE song_work; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.song_work IS 'Rows of a songs file while core.load_songs works on them; empty between runs.';

-- Name: COLUMN song_work.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN song_work.row_no; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.row_no IS 'The row of that file.';

-- Name: COLUMN song_work.track_spotify_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.track_spotify_id IS 'Spotify''s identifier of the track, cleansed.';

-- Name: COLUMN song_work.track_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.track_name IS 'Name, cleansed.';

-- Name: COLUMN song_work.artist_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.artist_name IS 'First artist, cleansed.';

-- Name: COLUMN song_work.popularity; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.popularity IS 'As read; a range is judged afterwards.';

-- Name: COLUMN song_work.album_spotify_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.album_spotify_id IS 'Spotify''s identifier of the album, cleansed.';

-- Name: COLUMN song_work.album_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.album_name IS 'Name of the album, cleansed.';

-- Name: COLUMN song_work.release_text; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.release_text IS 'The release date as received.';

-- Name: COLUMN song_work.release_date; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.release_date IS 'First day of what it says.';

-- Name: COLUMN song_work.release_date_precision; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.release_date_precision IS 'year, month or day.';

-- Name: COLUMN song_work.playlist_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.playlist_name IS 'Name of the playlist, cleansed.';

-- Name: COLUMN song_work.playlist_spotify_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.playlist_spotify_id IS 'Spotify''s identifier of the playlist, cleansed.';

-- Name: COLUMN song_work.genre_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.genre_name IS 'Genre, cleansed.';

-- Name: COLUMN song_work.subgenre_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.subgenre_name IS 'Subgenre, cleansed.';

-- Name: COLUMN song_work.danceability; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.danceability IS 'As read.';

-- Name: COLUMN song_work.energy; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.energy IS 'As read.';

-- Name: COLUMN song_work.key; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.key IS 'As read.';

-- Name: COLUMN song_work.loudness; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.loudness IS 'As read.';

-- Name: COLUMN song_work.mode; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.mode IS 'As read.';

-- Name: COLUMN song_work.speechiness; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.speechiness IS 'As read.';

-- Name: COLUMN song_work.acousticness; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.acousticness IS 'As read.';

-- Name: COLUMN song_work.instrumentalness; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.instrumentalness IS 'As read.';

-- Name: COLUMN song_work.liveness; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.liveness IS 'As read.';

-- Name: COLUMN song_work.valence; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.valence IS 'As read.';

-- Name: COLUMN song_work.tempo; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.tempo IS 'As read.';

-- Name: COLUMN song_work.duration_ms; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.duration_ms IS 'As read.';

-- Name: COLUMN song_work.rule_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.rule_id IS 'The rule that refuses the row, or NULL.';

-- Name: COLUMN song_work.reason; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.song_work.reason IS 'Why.';

-- Name: song; Type: TABLE; Schema: raw

CREATE TABLE raw.song (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    line_no integer NOT NULL,
    source text DEFAULT 'songs'::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    track_id text NOT NULL,
    track_name text NOT NULL,
    track_artist text NOT NULL,
    track_popularity text NOT NULL,
    track_album_id text NOT NULL,
    track_album_name text NOT NULL,
    track_album_release_date text NOT NULL,
    playlist_name text NOT NULL,
    playlist_id text NOT NULL,
    playlist_genre text NOT NULL,
    playlist_subgenre text NOT NULL,
    danceability text NOT NULL,
    energy text NOT NULL,
    key text NOT NULL,
    loudness text NOT NULL,
    mode text NOT NULL,
    speechiness text NOT NULL,
    acousticness text NOT NULL,
    instrumentalness text NOT NULL,
    liveness text NOT NULL,
    valence text NOT NULL,
    tempo text NOT NULL,
    duration_ms text NOT NULL
);

-- Name: TABLE song; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.song IS 'Rows of songs files: one per track, playlist and subgenre; every field as text, as received. A missing field is the empty text.';

-- Name: COLUMN song.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN song.row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.row_no IS 'Number of the row in the file, from 1, the header not counted.';

-- Name: COLUMN song.line_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.line_no IS 'Line of the file where the row begins, from 1.';

-- Name: COLUMN song.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.source IS 'Format it came in.';

-- Name: COLUMN song.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN song.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.hash IS 'SHA-256 of the row''s bytes, the end of line not counted.';

-- Name: COLUMN song.track_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.track_id IS 'Spotify''s identifier of the track.';

-- Name: COLUMN song.track_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.track_name IS 'Name of the track.';

-- Name: COLUMN song.track_artist; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.track_artist IS 'Its artist, or several in one text.';

-- Name: COLUMN song.track_popularity; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.track_popularity IS '0 to 100.';

-- Name: COLUMN song.track_album_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.track_album_id IS 'Spotify''s identifier of the album.';

-- Name: COLUMN song.track_album_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.track_album_name IS 'Name of the album.';

-- Name: COLUMN song.track_album_release_date; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.track_album_release_date IS 'Day, month or year.';

-- Name: COLUMN song.playlist_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.playlist_name IS 'Name of the playlist.';

-- Name: COLUMN song.playlist_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.playlist_id IS 'Spotify''s identifier of the playlist.';

-- Name: COLUMN song.playlist_genre; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.playlist_genre IS 'Genre of the playlist.';

-- Name: COLUMN song.playlist_subgenre; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.playlist_subgenre IS 'Subgenre of the playlist.';

-- Name: COLUMN song.danceability; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.danceability IS '0 to 1.';

-- Name: COLUMN song.energy; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.energy IS '0 to 1.';

-- Name: COLUMN song.key; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.key IS '0 is C, 11 is B, -1 not detected.';

-- Name: COLUMN song.loudness; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.loudness IS 'Decibels.';

-- Name: COLUMN song.mode; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.mode IS '1 major, 0 minor.';

-- Name: COLUMN song.speechiness; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.speechiness IS '0 to 1.';

-- Name: COLUMN song.acousticness; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.acousticness IS '0 to 1.';

-- Name: COLUMN song.instrumentalness; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.instrumentalness IS '0 to 1, often in scientific notation.';

-- Name: COLUMN song.liveness; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.liveness IS '0 to 1.';

-- Name: COLUMN song.valence; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.valence IS '0 to 1.';

-- Name: COLUMN song.tempo; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.tempo IS 'Beats per minute; 0 where never analysed.';

-- Name: COLUMN song.duration_ms; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.song.duration_ms IS 'Length in milliseconds.';

-- Name: b5_song_fault(raw.song, quality.song_work); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b5_song_fault(received raw.song, work quality.song_work) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select format('%s is not a number: %s', name, received_text)
  from (values
    ('track_popularity', received.track_popularity, work.popularity),
    ('danceability', received.danceability, work.danceability),
    ('energy', received.energy, work.energy),
    ('key', received.key, work.key),
    ('loudness', received.loudness, work.loudness),
    ('mode', received.mode, work.mode),
    ('speechiness', received.speechiness, work.speechiness),
    ('acousticness', received.acousticness, work.acousticness),
    ('instrumentalness', received.instrumentalness, work.instrumentalness),
    ('liveness', received.liveness, work.liveness),
    ('valence', received.valence, work.valence),
    ('tempo', received.tempo, work.tempo),
    ('duration_ms', received.duration_ms, work.duration_ms)
  ) as field (name, received_text, number)
  where number is null and quality.b4_null_marker(quality.b7_trim(received_text)) is not null
  limit 1
$$;

-- Name: FUNCTION b5_song_fault(received raw.song, work quality.song_work); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b5_song_fault(received raw.song, work quality.song_work) IS 'B5: what is wrong with the numbers of a song row, or NULL.';

-- Name: b6_joined_date(text, text, text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b6_joined_date(year text, month text, day text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case
    when p.day is not null then pg_catalog.concat(p.year, '-', p.month, '-', p.day)
    when p.month is not null then pg_catalog.concat(p.year, '-', p.month)
    else p.year end
  from (
    select quality.b4_null_marker(quality.b7_trim(year)) as year,
      pg_catalog.regexp_replace(quality.b4_null_marker(quality.b7_trim(month)), '^([0-9])$', '0\1') as month,
      pg_catalog.regexp_replace(quality.b4_null_marker(quality.b7_trim(day)), '^([0-9])$', '0\1') as day
  ) as p
$_$;

-- Name: FUNCTION b6_joined_date(year text, month text, day text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b6_joined_date(year text, month text, day text) IS 'B6: a date of three columns as one text such as 2019-06-14, 2019-06 or 2019, for quality.b6_partial_date to read; NULL when all are empty.';

-- Name: b6_partial_date(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b6_partial_date(value text) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case
    when value ~ '^[12][0-9]{3}$' then pg_catalog.make_date(value::integer, 1, 1)
    when value ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])$'
      then pg_catalog.make_date(pg_catalog.substr(value, 1, 4)::integer, pg_catalog.substr(value, 6, 2)::integer, 1)
    when value ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then
      case when pg_catalog.substr(value, 9, 2)::integer <= pg_catalog.date_part('day',
             pg_catalog.make_date(pg_catalog.substr(value, 1, 4)::integer, pg_catalog.substr(value, 6, 2)::integer, 1)
             + interval '1 month' - interval '1 day')
           then pg_catalog.make_date(pg_catalog.substr(value, 1, 4)::integer, pg_catalog.substr(value, 6, 2)::integer,
             pg_catalog.substr(value, 9, 2)::integer) end
  end
$_$;

-- Name: FUNCTION b6_partial_date(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b6_partial_date(value text) IS 'B6: the first day of a year (1995), month (1995-06) or day (1995-06-14); NULL for anything else, impossible dates included.';

-- Name: b6_week(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b6_week(value text) RETURNS daterange
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $_$
declare
  trimmed text := quality.b7_trim(value);
  first_day date;
  last_day date;
begin
  if trimmed !~ '^[0-9-]{10}--[0-9-]{10}$' then
    return null;
  end if;
  first_day := quality.b6_partial_date(left(trimmed, 10));
  last_day := quality.b6_partial_date(right(trimmed, 10));
  return case when first_day < last_day then daterange(first_day, last_day) end;
end
$_$;

-- Name: FUNCTION b6_week(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b6_week(value text) IS 'B6: the days of a text such as 2021-07-23--2021-07-30, the last excluded; NULL for anything else.';

-- Name: b7_trim(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b7_trim(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select pg_catalog.btrim(value, E' \t\n\r\f\u000b\u00a0\u2003\u2009\u200b\u3000\ufeff') $$;

-- Name: FUNCTION b7_trim(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b7_trim(value text) IS 'B7: the text without outer blanks, byte order marks and the like.';

-- Name: spotify_id(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.spotify_id(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $_$
declare
  trimmed text := quality.b7_trim(value);
begin
  if trimmed ~ '^(?:spotify:[a-z]+:)?[0-9A-Za-z]{22}$' then
    return right(trimmed, 22);
  end if;
  return substring(trimmed, '^(?:spotify:[a-z]+:|https?://open\.spotify\.com/(?:intl-[a-z]+/)?[a-z]+/)?([0-9A-Za-z]{22})(?:\?.*)?$');
end
$_$;

-- Name: FUNCTION spotify_id(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.spotify_id(value text) IS 'The 22 letters and digits of an identifier given alone, as a URI (spotify:track:...) or as an address; NULL for anything else.';

-- Name: batch; Type: TABLE; Schema: raw

CREATE TABLE raw.batch (
    batch_id bigint NOT NULL,
    source text NOT NULL,
    file_name text NOT NULL,
    listener_name text,
    content_sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    row_count bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    received_by text DEFAULT SESSION_USER NOT NULL,
    archive_name text,
    encoding text DEFAULT 'utf-8'::text NOT NULL,
    CONSTRAINT batch_archive_name_check CHECK ((archive_name <> ''::text)),
    CONSTRAINT batch_content_sha256_check CHECK ((length(content_sha256) = 32)),
    CONSTRAINT batch_encoding_check CHECK ((encoding <> ''::text)),
    CONSTRAINT batch_listener_name_check CHECK ((listener_name <> ''::text)),
    CONSTRAINT batch_listener_of_personal CHECK (
CASE
    WHEN (source = ANY (ARRAY['streaming_history'::text, 'extended_history'::text, 'library'::text])) THEN (listener_name IS NOT NULL)
    WHEN (source = ANY (ARRAY['songs'::text, 'chart'::text])) THEN (listener_name IS NULL)
    ELSE true
END),
    CONSTRAINT batch_row_count_check CHECK ((row_count >= 0)),
    CONSTRAINT batch_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT batch_source_check CHECK ((source = ANY (ARRAY['songs'::text, 'streaming_history'::text, 'extended_history'::text, 'library'::text, 'playlist'::text, 'chart'::text, 'page'::text])))
);

-- Name: TABLE batch; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.batch IS 'One file received. The same content is received once per source and listener.';

-- Name: COLUMN batch.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.batch_id IS 'Our number.';

-- Name: COLUMN batch.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.source IS 'Format of the file: songs (CSV, one row per track, playlist and subgenre), streaming_history (basic account export, JSON), extended_history (extended account export, JSON), library (saved items of an account export, JSON), playlist (CSV, or playlists of an account export, JSON), chart (CSV or JSON) or page (an answer of the Web API, JSON).';

-- Name: COLUMN batch.file_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.file_name IS 'Name of the file without its directory; - for standard input.';

-- Name: COLUMN batch.listener_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.listener_name IS 'Whose data it is; exports do not say. NULL for sources without a listener; a playlist or page may have one.';

-- Name: COLUMN batch.content_sha256; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.content_sha256 IS 'SHA-256 of the whole file.';

-- Name: COLUMN batch.size_bytes; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.size_bytes IS 'Bytes of the file.';

-- Name: COLUMN batch.row_count; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.row_count IS 'Rows of the file, as the loader counted them; the tests compare it with the rows.';

-- Name: COLUMN batch.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN batch.received_by; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.received_by IS 'The role that had logged in.';

-- Name: COLUMN batch.archive_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.archive_name IS 'Name of the zip archive it was read from, without its directory; NULL when the file lay open.';

-- Name: COLUMN batch.encoding; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.encoding IS 'Encoding of the file; the rows are UTF-8 whatever it was.';

-- Name: chart_entry; Type: TABLE; Schema: raw

CREATE TABLE raw.chart_entry (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    line_no integer NOT NULL,
    source text DEFAULT 'chart'::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    layout text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT chart_entry_layout_check CHECK ((layout = ANY (ARRAY['track_summary'::text, 'ranking'::text])))
);

-- Name: TABLE chart_entry; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.chart_entry IS 'Rows of charts, as received; quality.chart_read reads all layouts.';

-- Name: COLUMN chart_entry.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.batch_id IS 'The file: raw.batch. A ranking without a date column has it in the file''s name.';

-- Name: COLUMN chart_entry.row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.row_no IS 'Number of the row in the file, from 1.';

-- Name: COLUMN chart_entry.line_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.line_no IS 'Line of the file where the row begins, from 1.';

-- Name: COLUMN chart_entry.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.source IS 'Format it came in.';

-- Name: COLUMN chart_entry.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN chart_entry.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.hash IS 'SHA-256 of the row''s bytes.';

-- Name: COLUMN chart_entry.layout; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.layout IS 'track_summary: one row a track, with the weeks it was charted in one field; ranking: one row a chart, day and rank.';

-- Name: COLUMN chart_entry.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.chart_entry.body IS 'The values by the names of the header in lower case with underscores (duration_ms for Duration (ms)).';

-- Name: chart_read; Type: VIEW; Schema: quality

CREATE VIEW quality.chart_read AS
 SELECT c.batch_id,
    c.row_no,
    c.layout,
    COALESCE(NULLIF(concat_ws(' '::text, f.chart, f.region), ''::text), NULLIF(regexp_replace(b.file_name, '(-?[0-9]{4}-[0-9]{2}-[0-9]{2})?\.[A-Za-z]+$'::text, ''::text), ''::text), 'chart'::text) AS chart_name,
    COALESCE(quality.b6_partial_date(quality.b7_trim(f.day_text)), quality.b6_partial_date("substring"(b.file_name, '([0-9]{4}-[0-9]{2}-[0-9]{2})\.[A-Za-z]+$'::text))) AS chart_day,
    quality.b5_number(quality.b7_trim(f.rank_text)) AS rank,
    quality.spotify_id(f.track_uri) AS track_spotify_id,
    quality.b4_null_marker(quality.b7_trim(f.track_name)) AS track_name,
    quality.b10_names(f.artist_names, NULL::text) AS artist_names,
    quality.b5_number(quality.b7_trim((c.body ->> 'streams'::text))) AS streams,
    quality.b5_number(quality.b7_trim(COALESCE((c.body ->> 'peak_rank'::text), (c.body ->> 'highest_charting_position'::text)))) AS peak_rank,
    quality.b5_number(quality.b7_trim((c.body ->> 'previous_rank'::text))) AS previous_rank,
    quality.b5_number(quality.b7_trim(COALESCE((c.body ->> 'weeks_on_chart'::text), (c.body ->> 'number_of_times_charted'::text)))) AS times_charted,
    quality.b6_week((c.body ->> 'week_of_highest_charting'::text)) AS peak_week,
    ( SELECT array_agg(quality.b6_week(w.week) ORDER BY w.at) AS array_agg
           FROM unnest(quality.b10_list((c.body ->> 'weeks_charted'::text))) WITH ORDINALITY w(week, at)) AS weeks_charted,
    quality.b10_list(COALESCE((c.body ->> 'genre'::text), (c.body ->> 'genres'::text))) AS genres,
    COALESCE(quality.b4_null_marker(quality.b7_trim((c.body ->> 'release_date'::text))), quality.b6_joined_date((c.body ->> 'released_year'::text), (c.body ->> 'released_month'::text), (c.body ->> 'released_day'::text))) AS release_text,
    quality.b5_number(quality.b7_trim((c.body ->> 'popularity'::text))) AS popularity,
    quality.b5_number(quality.b7_trim((c.body ->> 'artist_followers'::text))) AS artist_followers,
    quality.b5_number(quality.b7_trim((c.body ->> 'duration_ms'::text))) AS duration_ms,
    c.body,
    quality.b4_null_marker(quality.b7_trim(f.day_text)) AS day_text
   FROM ((raw.chart_entry c
     JOIN raw.batch b USING (batch_id))
     CROSS JOIN LATERAL ( SELECT quality.b4_null_marker(quality.b7_trim(COALESCE((c.body ->> 'chart'::text), (c.body ->> 'chart_name'::text)))) AS chart,
            quality.b4_null_marker(quality.b7_trim(COALESCE((c.body ->> 'region'::text), (c.body ->> 'country'::text)))) AS region,
            COALESCE((c.body ->> 'date'::text), (c.body ->> 'day'::text), (c.body ->> 'chart_date'::text), (c.body ->> 'snapshot_date'::text)) AS day_text,
            COALESCE((c.body ->> 'rank'::text), (c.body ->> 'position'::text), (c.body ->> 'daily_rank'::text)) AS rank_text,
            COALESCE((c.body ->> 'uri'::text), (c.body ->> 'url'::text), (c.body ->> 'track_uri'::text), (c.body ->> 'track_id'::text), (c.body ->> 'spotify_id'::text), (c.body ->> 'song_id'::text)) AS track_uri,
            COALESCE((c.body ->> 'track_name'::text), (c.body ->> 'title'::text), (c.body ->> 'song_name'::text), (c.body ->> 'name'::text)) AS track_name,
            COALESCE((c.body ->> 'artist_names'::text), (c.body ->> 'artist_name'::text), (c.body ->> 'artist_s_name'::text), (c.body ->> 'artists'::text), (c.body ->> 'artist'::text)) AS artist_names) f);

-- Name: VIEW chart_read; Type: COMMENT; Schema: quality

COMMENT ON VIEW quality.chart_read IS 'Rows of charts in one shape, values cleansed, whatever layout they came in.';

-- Name: COLUMN chart_read.chart_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.chart_name IS 'Chart and region as the row says; else the file''s name without day and ending.';

-- Name: COLUMN chart_read.chart_day; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.chart_day IS 'First day of the chart, from the row or the file''s name; NULL in a track summary.';

-- Name: COLUMN chart_read.weeks_charted; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.weeks_charted IS 'Of a track summary: the weeks it was in the chart, as listed; a week that is none is NULL.';

-- Name: COLUMN chart_read.release_text; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.release_text IS 'As received, in one field or in three; quality.b6_partial_date reads it.';

-- Name: COLUMN chart_read.body; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.body IS 'The row as received.';

-- Name: COLUMN chart_read.day_text; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.day_text IS 'The day of the chart as the row says it, whether it is one or not.';

-- Name: b6_chart_fault(quality.chart_read); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b6_chart_fault(entry quality.chart_read) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select case
    when entry.day_text is not null and quality.b6_partial_date(entry.day_text) is null then format('the day of the chart is not a date: %s', entry.day_text)
    when entry.layout = 'ranking' and entry.chart_day is null then 'no day of the chart is given'
    when entry.release_text is not null and quality.b6_partial_date(entry.release_text) is null
      then format('the release date is not a date: %s', entry.release_text)
    when array_position(entry.weeks_charted, null) is not null then 'one of the weeks is none' end
$$;

-- Name: FUNCTION b6_chart_fault(entry quality.chart_read); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b6_chart_fault(entry quality.chart_read) IS 'B6: what is wrong with the dates of a row of a chart, or NULL.';

-- Name: b6_date_precision(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b6_date_precision(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when quality.b6_partial_date(value) is null then null
              else (case pg_catalog.length(value) when 4 then 'year' when 7 then 'month' else 'day' end) end
$$;

-- Name: FUNCTION b6_date_precision(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b6_date_precision(value text) IS 'B6: year, month or day; NULL where b6_partial_date is NULL.';

-- Name: b7_has_lost_letters(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b7_has_lost_letters(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select pg_catalog.strpos(value, E'\ufffd') > 0 or pg_catalog.strpos(value, E'\u00ef\u00bf\u00bd') > 0 $$;

-- Name: FUNCTION b7_has_lost_letters(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b7_has_lost_letters(value text) IS 'B7: whether an encoding mishap replaced letters (U+FFFD, or its bytes read as Latin-1).';

-- Name: b8_chart_fault(quality.chart_read); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b8_chart_fault(entry quality.chart_read) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select case when entry.layout = 'ranking' and entry.rank is null then 'no rank is given' else (
    select format('%s is out of range: %s', name, number)
    from (values
      ('rank', entry.rank, 1, 32767, 'ranking'),
      ('the best rank', entry.peak_rank, 1, 32767, 'track_summary'),
      ('the number of weeks', entry.times_charted, 1, 32767, 'track_summary'),
      ('streams', entry.streams, 0, 9000000000000000000, entry.layout),
      ('popularity', entry.popularity, 0, 100, entry.layout),
      ('duration_ms', entry.duration_ms, 1, 2147483647, entry.layout)
    ) as field (name, number, low, high, layout)
    where layout = entry.layout and (number not between low and high or number <> trunc(number))
    limit 1) end
$$;

-- Name: FUNCTION b8_chart_fault(entry quality.chart_read); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b8_chart_fault(entry quality.chart_read) IS 'B8: which value of a row of a chart is out of range, or NULL.';

-- Name: b8_play_fault(numeric); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b8_play_fault(ms_played numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when ms_played < 0 or ms_played > 2147483647 or ms_played <> pg_catalog.trunc(ms_played)
              then 'msPlayed is out of range: ' || ms_played::text end
$$;

-- Name: FUNCTION b8_play_fault(ms_played numeric); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b8_play_fault(ms_played numeric) IS 'B8: what is wrong with the milliseconds of a play, or NULL. Skips and very long plays are facts, not faults.';

-- Name: b8_song_fault(quality.song_work); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b8_song_fault(work quality.song_work) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select format('%s is out of range: %s', name, number)
  from (values
    ('track_popularity', work.popularity, 0, 100),
    ('danceability', work.danceability, 0, 1),
    ('energy', work.energy, 0, 1),
    ('key', work.key, -1, 11),
    ('loudness', work.loudness, -200, 100),
    ('mode', work.mode, 0, 1),
    ('speechiness', work.speechiness, 0, 1),
    ('acousticness', work.acousticness, 0, 1),
    ('instrumentalness', work.instrumentalness, 0, 1),
    ('liveness', work.liveness, 0, 1),
    ('valence', work.valence, 0, 1),
    ('tempo', work.tempo, 0, 1000),
    ('duration_ms', work.duration_ms, 1, 2147483647)
  ) as field (name, number, low, high)
  where number not between low and high
     or (name in ('track_popularity', 'key', 'mode', 'duration_ms') and number <> trunc(number))
  limit 1
$$;

-- Name: FUNCTION b8_song_fault(work quality.song_work); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b8_song_fault(work quality.song_work) IS 'B8: which value of a song row is out of range, or NULL.';

-- Name: b8_whole(text, bigint, bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b8_whole(value text, low bigint, high bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when number between low and high and number = pg_catalog.trunc(number) then number::bigint end
  from (select quality.b5_number(value) as number) as read
$$;

-- Name: FUNCTION b8_whole(value text, low bigint, high bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b8_whole(value text, low bigint, high bigint) IS 'B8: the whole number in a text, where it lies within bounds; NULL for anything else.';

-- Name: b9_missing_reference(text, text, text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b9_missing_reference(track_spotify_id text, track_name text, artist_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when track_spotify_id is null and (track_name is null or artist_name is null)
              then 'it names no track: neither an identifier nor a name with its artist' end
$$;

-- Name: FUNCTION b9_missing_reference(track_spotify_id text, track_name text, artist_name text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b9_missing_reference(track_spotify_id text, track_name text, artist_name text) IS 'B9: why an entry refers to nothing, or NULL; expects texts that rule B4 has seen.';

-- Name: demand_run(bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.demand_run(run bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  failed quality.run;
begin
  select r.* into failed from quality.run as r where r.run_id = run and r.error is not null;
  if found then
    raise exception using message = format('%s failed: %s', failed.step, failed.error), hint = format('See quality.run where run_id = %s.', run);
  end if;
end
$$;

-- Name: FUNCTION demand_run(run bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.demand_run(run bigint) IS 'Raises what a run row says went wrong; does nothing for a run that went well.';

-- Name: fail_run(bigint, text); Type: PROCEDURE; Schema: quality

CREATE PROCEDURE quality.fail_run(IN run bigint, IN message text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  update quality.run as r set finished_at = clock_timestamp(), error = message where r.run_id = run;
  raise warning using message = format('load step failed and was undone: %s', message),
    hint = format('See quality.run where run_id = %s.', run);
end
$$;

-- Name: PROCEDURE fail_run(IN run bigint, IN message text); Type: COMMENT; Schema: quality

COMMENT ON PROCEDURE quality.fail_run(IN run bigint, IN message text) IS 'Closes the run row of a step that failed. The step''s own work is undone already; a warning says so.';

-- Name: finish_run(bigint, bigint, bigint, bigint); Type: PROCEDURE; Schema: quality

CREATE PROCEDURE quality.finish_run(IN run bigint, IN rows_in bigint, IN rows_out bigint, IN rows_rejected bigint)
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.run as r
  set finished_at = clock_timestamp(), rows_in = finish_run.rows_in, rows_out = finish_run.rows_out,
      rows_rejected = finish_run.rows_rejected
  where r.run_id = run
$$;

-- Name: PROCEDURE finish_run(IN run bigint, IN rows_in bigint, IN rows_out bigint, IN rows_rejected bigint); Type: COMMENT; Schema: quality

COMMENT ON PROCEDURE quality.finish_run(IN run bigint, IN rows_in bigint, IN rows_out bigint, IN rows_rejected bigint) IS 'Closes the run row of a step that went well.';

-- Name: image_url(jsonb); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.image_url(images jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when pg_catalog.jsonb_typeof(images) = 'array'
              then nullif(images -> ((pg_catalog.jsonb_array_length(images) - 1) / 2) ->> 'url', '') end
$$;

-- Name: FUNCTION image_url(images jsonb); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.image_url(images jsonb) IS 'Of the pictures that the Web API names the address of one that fits a tile; NULL where there is none.';

-- Name: is_newest_whole(bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.is_newest_whole(batch bigint) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select exists (
      select from raw.page_set as s
      where s.batch_id = batch and not exists (
        select from raw.page_set as later
        where later.listener_name = s.listener_name and later.kind = s.kind and later.unit = s.unit and later.started_at > s.started_at))
    and not exists (
      select from quality.run as r
      where r.batch_id = batch and r.step = 'core.load_page' and r.finished_at is not null and r.error is null)
    and not exists (select from quality.page_item as i where i.batch_id = batch and i.kind = 'page')
$$;

-- Name: FUNCTION is_newest_whole(batch bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.is_newest_whole(batch bigint) IS 'Whether a batch of pages being worked on is a whole list, none fetched later is there, and it is worked on for the first time: what it lacks is gone then.';

-- Name: measure_work(); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.measure_work() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  -- Autovacuum finds these tables empty and says so to the planner, which then loops over every pair of rows.
  analyze quality.song_work;
  analyze quality.play_work;
  analyze quality.track_work;
  analyze quality.page_item;
  analyze quality.page_object;
end
$$;

-- Name: FUNCTION measure_work(); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.measure_work() IS 'Tells the planner how many rows the working tables hold now. Runs as its owner, since only a table''s owner may analyze it.';

-- Name: object_key(jsonb); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.object_key(object jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select coalesce(
    quality.spotify_id(object ->> 'id'),
    pg_catalog.concat_ws(E'\n', quality.b4_null_marker(quality.b7_trim(object ->> 'name')),
      quality.b4_null_marker(quality.b7_trim(object #>> '{artists,0,name}'))))
$$;

-- Name: FUNCTION object_key(object jsonb); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.object_key(object jsonb) IS 'What tells an artist, album or track of the Web API from others: its identifier, or its name with that of its first artist.';

-- Name: page_credits(bigint, text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.page_credits(batch bigint, kind text) RETURNS TABLE(core_id bigint, "position" smallint, artist_id bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select o.core_id, (row_number() over (partition by o.core_id order by min(e.nth)))::smallint, r.core_id
  from quality.page_object as o
  cross join lateral jsonb_array_elements(case when jsonb_typeof(o.body -> 'artists') = 'array' then o.body -> 'artists' end)
    with ordinality as e (body, nth)
  join quality.page_object as r on r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(e.body)
  where o.batch_id = batch and o.kind = page_credits.kind and o.core_id is not null
  group by o.core_id, r.core_id
$$;

-- Name: FUNCTION page_credits(batch bigint, kind text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.page_credits(batch bigint, kind text) IS 'Whose the albums or tracks of a batch of pages being worked on are, in the order named, once they are in core.';

-- Name: page_items(text, integer, jsonb); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.page_items(endpoint text, status integer, body jsonb) RETURNS TABLE(item_no integer, kind text, item jsonb)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
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

-- Name: FUNCTION page_items(endpoint text, status integer, body jsonb); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.page_items(endpoint text, status integer, body jsonb) IS 'What a page of the Web API holds, item by item, and what each item tells; for all endpoints, with the fields of before and after February 2026.';

-- Name: play_context(jsonb); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.play_context(item jsonb) RETURNS TABLE(context_type text, context_uri text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select c.type, case when c.type is not null then nullif(item #>> '{context,uri}', '') end
  from (
    select case when item #>> '{context,type}' in ('album', 'artist', 'playlist', 'collection', 'show') then item #>> '{context,type}' end as type
  ) as c
$$;

-- Name: FUNCTION play_context(item jsonb); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.play_context(item jsonb) IS 'From where the Web API says a play was; NULLs where it was from nowhere, or from something we do not know.';

-- Name: start_run(text, bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.start_run(step text, batch bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  run bigint;
begin
  -- One step at a time: two loads that meet the same new artist would otherwise wait for each other in a circle.
  perform pg_advisory_xact_lock(hashtextextended('warehouse.load', 0));
  insert into quality.run (step, batch_id) values (step, batch) returning run_id into run;
  return run;
end
$$;

-- Name: FUNCTION start_run(step text, batch bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.start_run(step text, batch bigint) IS 'Opens the run row of a load step and waits until no other step runs.';

-- Name: refuse_change(); Type: FUNCTION; Schema: raw

CREATE FUNCTION raw.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if tg_op = 'DELETE' and current_setting('warehouse.forget', true) = 'on' then
    return null;
  end if;
  raise exception using
    errcode = 'restrict_violation',
    message = format('table %I.%I is append-only', tg_table_schema, tg_table_name),
    detail = format('%s is refused: cleansing must be repeatable from what was received.', tg_op);
end
$$;

-- Name: FUNCTION refuse_change(); Type: COMMENT; Schema: raw

COMMENT ON FUNCTION raw.refuse_change() IS 'Trigger: refuses UPDATE, DELETE and TRUNCATE of landed rows.';

-- Name: by_preference(text[], jsonb, bigint[], integer, double precision, bigint); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.by_preference(genres text[] DEFAULT '{}'::text[], features jsonb DEFAULT '{}'::jsonb, seed_tracks bigint[] DEFAULT '{}'::bigint[], k integer DEFAULT 10, popularity_weight double precision DEFAULT 0.2, unheard_by bigint DEFAULT NULL::bigint) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, score double precision, reason text, because_of bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
#variable_conflict use_column
declare
  unknown text;
  wanted_genres text[] := array(select distinct quality.b13_fold(g) from unnest(genres) as g where g is not null);
  songs bigint[] := array(select distinct coalesce(t.canonical_track_id, t.track_id) from core.track as t where t.track_id = any (seed_tracks));
  places smallint[];
  targets double precision[];
begin
  select string_agg(distinct w, ', ') into unknown from unnest(wanted_genres) as w
  where not exists (select from core.genre as g where quality.b13_fold(g.name) = w)
    and not exists (select from core.subgenre as g where quality.b13_fold(g.name) = w);
  if unknown is not null then
    raise exception using errcode = 'invalid_parameter_value', message = format('there is no genre %s', unknown),
      hint = 'core.genre and core.subgenre have those that there are.';
  end if;
  select string_agg(f.key, ', ') into unknown from jsonb_each(features) as f
  where jsonb_typeof(f.value) <> 'number' or not exists (select from reco.feature_scale as s where s.feature = f.key);
  if unknown is not null then
    raise exception using errcode = 'invalid_parameter_value', message = format('there is no audio feature %s, or its value is not a number', unknown),
      hint = 'reco.feature_scale has those that there are: {"energy": 0.8, "tempo_bpm": 120}.';
  end if;
  select string_agg(s::text, ', ') into unknown from unnest(seed_tracks) as s where not exists (select from core.track as t where t.track_id = s);
  if unknown is not null then
    raise exception using errcode = 'invalid_parameter_value', message = format('there is no track %s', unknown);
  end if;
  if popularity_weight is null or popularity_weight < 0 or popularity_weight > 1 then
    raise exception using errcode = 'invalid_parameter_value', message = format('%s is no weight of popularity', popularity_weight),
      hint = 'It takes a number from 0 to 1.';
  end if;
  -- What is said of features counts; of the others, where there are seeds, how these sound.
  select array_agg(t.place order by t.place), array_agg(t.target order by t.place) into places, targets
  from (
    select s.place, coalesce(((features ->> s.feature)::double precision - s.mean) / s.deviation, sound.target) as target
    from reco.feature_scale as s
    left join lateral (
      select avg(reco.cube_ll_coord(f.vector, s.place)) as target from reco.song_feature as f where f.track_id = any (songs)
    ) as sound on true
  ) as t
  where t.target is not null;

  return query
  with allowed as materialized (
    select g.track_id from reco.song_genre as g
    where cardinality(wanted_genres) > 0 and quality.b13_fold(g.genre) = any (wanted_genres)
    group by g.track_id
  ), said as (
    select n.neighbour_id as track_id, sum(n.score) as weight
    from reco.neighbour as n where n.track_id = any (songs) group by n.neighbour_id
  ), together as (
    select s.track_id, row_number() over (order by s.weight desc, s.track_id) as place from said as s
    where cardinality(wanted_genres) = 0 or exists (select from allowed as a where a.track_id = s.track_id)
  ), sound as (
    select near.track_id, row_number() over (order by near.distance, near.track_id) as place
    from (
      select f.track_id, d.distance
      from reco.song_feature as f
      cross join lateral (
        select sum((reco.cube_ll_coord(f.vector, p.place) - p.target) ^ 2) as distance from unnest(places, targets) as p (place, target)
      ) as d
      where places is not null
        and (cardinality(wanted_genres) = 0 or exists (select from allowed as a where a.track_id = f.track_id))
      order by d.distance, f.track_id
      limit 500
    ) as near
  ), popular as (
    select c.track_id, row_number() over (order by c.weight desc, c.track_id) as place
    from (
      select s.track_id, coalesce(n.times, 0) * 1000 + coalesce(s.popularity, 0) as weight
      from reco.song as s left join reco.song_count as n on n.basis = 'sessions' and n.track_id = s.track_id
      where cardinality(wanted_genres) = 0 or exists (select from allowed as a where a.track_id = s.track_id)
    ) as c
    order by c.weight desc, c.track_id
    limit 500
  ), fused as (
    -- Reciprocal ranks: distances, scores and counts have no unit in common, places do.
    select v.track_id, sum(v.weight / (60 + v.place)) as score, (array_agg(v.reason order by v.weight / (60 + v.place) desc, v.reason))[1] as reason
    from (
      select t.track_id, t.place, 1.0::double precision as weight, 'found together' as reason from together as t
      union all select s.track_id, s.place, 1.0, 'sounds as asked' from sound as s
      union all select p.track_id, p.place, popularity_weight, 'popular' from popular as p
    ) as v
    where v.track_id <> all (songs)
      and not exists (select from reco.listener_song as h where h.listener_id = unheard_by and h.track_id = v.track_id)
      and not exists (
        select from core.saved_track as h join core.track as t on t.track_id = h.track_id
        where h.listener_id = unheard_by and coalesce(t.canonical_track_id, t.track_id) = v.track_id)
    group by v.track_id
    order by score desc, v.track_id
    limit k + 10
  )
  select row_number() over (order by f.score desc, f.track_id), f.track_id, s.name, s.artist, f.score, f.reason,
    case when f.reason = 'found together' then (
      select n.track_id from reco.neighbour as n where n.track_id = any (songs) and n.neighbour_id = f.track_id
      group by n.track_id order by sum(n.score) desc, n.track_id limit 1) end
  from fused as f join reco.song as s on s.track_id = f.track_id
  order by f.score desc, f.track_id
  limit greatest(k, 0);
end
$$;

-- Name: FUNCTION by_preference(genres text[], features jsonb, seed_tracks bigint[], k integer, popularity_weight double precision, unheard_by bigint); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.by_preference(genres text[], features jsonb, seed_tracks bigint[], k integer, popularity_weight double precision, unheard_by bigint) IS 'k songs for somebody without a history: of any of these genres or subgenres (all without one), near these audio features in their own units ({"energy": 0.8, "tempo_bpm": 120}; what is not named does not count), and found together with these tracks; because_of is the one of them that said most. popularity_weight, 0 to 1, says how much it counts that others hear a song; what unheard_by heard or saved is left out. Names that are unknown are refused.';

-- Name: catch_up(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.catch_up() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
<<catch_up>>
declare
  looked_at bigint;
  basis text;
begin
  with changed as (
    delete from reco.changed_song returning track_id
  )
  insert into reco.song_work (basis, track_id)
  select distinct b.basis, c.track_id from changed as c cross join (values ('listeners'), ('playlists'), ('sessions')) as b (basis);
  perform reco.refresh_listens();
  perform reco.measure_work();
  perform reco.refresh_profiles();
  perform reco.refresh_listed();
  perform reco.measure_work();
  foreach basis in array array['sessions', 'playlists', 'listeners'] loop
    if exists (select from reco.song_work as w where w.basis = catch_up.basis) then
      perform reco.refresh_counts(basis);
      perform reco.measure_work();
      perform reco.refresh_neighbours(basis);
    end if;
  end loop;
  select count(*) into looked_at from reco.song_work;
  perform reco.refresh_features();
  delete from reco.span_work;
  delete from reco.listener_song_work;
  delete from reco.song_work;
  perform reco.measure_work();
  return looked_at;
end
$$;

-- Name: FUNCTION catch_up(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.catch_up() IS 'What reco.refresh and reco.rebuild do alike; gives how many songs'' neighbours were looked at.';

-- Name: checksums(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.checksums() RETURNS TABLE(table_name text, row_count bigint, checksum numeric)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    AS $$
declare
  each text;
begin
  foreach each in array array['listen', 'listener_song', 'listed', 'song_count', 'neighbour_list', 'feature_scale', 'song_feature'] loop
    return query execute format(
      'select %L::text, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from reco.%I as t', each, each);
  end loop;
end
$$;

-- Name: FUNCTION checksums(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.checksums() IS 'Rows and checksum of each table that a refresh writes; the same rows give the same, in whatever order they lie.';

-- Name: clear(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.clear() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
  truncate reco.listen, reco.listener_song, reco.listed, reco.song_count, reco.neighbour_list, reco.song_feature, reco.feature_scale,
    reco.changed_day, reco.changed_playlist, reco.changed_song
$$;

-- Name: FUNCTION clear(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.clear() IS 'Part of reco.rebuild: empties what it makes anew. Runs as its owner, who may truncate.';

-- Name: distances(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.distances() RETURNS TABLE(distance integer, points integer)
    LANGUAGE sql STABLE ROWS 10
    SET search_path TO 'pg_catalog'
    AS $$
  select d.distance, s.session_window + 1 - abs(d.distance)
  from reco.setting as s cross join lateral generate_series(-s.session_window::integer, s.session_window::integer) as d (distance)
  where d.distance <> 0
$$;

-- Name: FUNCTION distances(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.distances() IS 'How far apart two listens of a session may be to count as together, and the points that gives: -5 to 5 without 0, 5 points for neighbours down to 1, unless reco.setting says otherwise.';

-- Name: fill(text, bigint[], integer, bigint[], bigint, timestamp with time zone); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.fill(step text, songs bigint[], k integer, given bigint[], listener bigint DEFAULT NULL::bigint, since timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(track_id bigint, name text, artist text, times integer)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
#variable_conflict use_column
begin
  -- Read in the order of popularity until there are enough: an index gives that order.
  if step = 'same artist' then
    return query
    select s.track_id, s.name, s.artist, coalesce(c.times, 0)
    from (
      select distinct other.track_id
      from core.track_artist as mine
      join core.track_artist as other on other.artist_id = mine.artist_id and other.position = 1
      where mine.track_id = any (songs) and mine.position = 1
    ) as o
    join reco.song as s on s.track_id = o.track_id
    left join reco.song_count as c on c.basis = 'sessions' and c.track_id = s.track_id
    where s.track_id <> all (given) and not reco.is_known(listener, s.track_id, since)
    order by c.times desc nulls last, s.popularity desc nulls last, s.track_id
    limit k;
  else
    return query
    select s.track_id, s.name, s.artist, c.times
    from reco.song_count as c join reco.song as s on s.track_id = c.track_id
    where c.basis = 'sessions' and c.track_id <> all (given) and not reco.is_known(listener, c.track_id, since)
    order by c.times desc, c.track_id
    limit k;
  end if;
end
$$;

-- Name: FUNCTION fill(step text, songs bigint[], k integer, given bigint[], listener bigint, since timestamp with time zone); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.fill(step text, songs bigint[], k integer, given bigint[], listener bigint, since timestamp with time zone) IS 'Part of the recommendations, for where co-occurrence has too little to say: the most heard songs of the same artists, or of all.';

-- Name: is_known(bigint, bigint, timestamp with time zone); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.is_known(listener bigint, song bigint, since timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
  select listener is not null
    and (exists (select from reco.listener_song as h where h.listener_id = listener and h.track_id = song and h.last_heard_at >= coalesce(since, '-infinity'))
      or since is null and (
        exists (select from core.saved_track as v where v.listener_id = listener and v.track_id = song)
        or exists (
          select from core.track as t join core.saved_track as v on v.track_id = t.track_id and v.listener_id = listener
          where t.canonical_track_id = song)))
$$;

-- Name: FUNCTION is_known(listener bigint, song bigint, since timestamp with time zone); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.is_known(listener bigint, song bigint, since timestamp with time zone) IS 'Whether a listener heard a song since then; without a time, whether they ever heard or saved it. False without a listener.';

-- Name: measure_work(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.measure_work() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
declare
  each regclass;
begin
  for each in
    select c.oid::regclass from pg_class as c
    where c.relkind = 'r'
      and (c.relnamespace = 'reco'::regnamespace and c.relname like '%\_work'
        or c.relnamespace in ('core'::regnamespace, 'reco'::regnamespace)
          -- Grown by a tenth; or counted while it was empty, as after a refresh that failed.
          and (pg_relation_size(c.oid) / current_setting('block_size')::integer > c.relpages * 1.1
            or c.reltuples <= 0 and pg_relation_size(c.oid) > 0))
  loop
    execute format('analyze %s', each);
  end loop;
end
$$;

-- Name: FUNCTION measure_work(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.measure_work() IS 'Tells the planner how many rows there are now. Runs as its owner, since only a table''s owner may analyze it.';

-- Name: next_track(bigint, integer); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.next_track(track bigint, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, score double precision, reason text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
#variable_conflict use_column
declare
  song bigint := (select coalesce(t.canonical_track_id, t.track_id) from core.track as t where t.track_id = track);
  given bigint[] := array[song];
  step text;
  pick record;
begin
  rank := 0;
  if song is null or k < 1 then
    return;
  end if;
  for pick in
    select s.track_id, s.name, s.artist, n.score, n.basis
    from reco.neighbour_list as l
    cross join lateral unnest(l.neighbours, l.scores) with ordinality as n0 (neighbour_id, score, place)
    cross join lateral (select n0.neighbour_id, n0.score, n0.place, l.basis) as n
    join reco.song as s on s.track_id = n.neighbour_id
    where l.track_id = song
    order by array_position(array['sessions', 'playlists', 'listeners'], n.basis), n.place
  loop
    exit when rank >= k;
    continue when pick.track_id = any (given);
    rank := rank + 1;
    track_id := pick.track_id;
    name := pick.name;
    artist := pick.artist;
    score := pick.score;
    reason := case pick.basis when 'sessions' then 'heard close to it' when 'playlists' then 'on playlists with it' else 'heard by the same listeners' end;
    given := given || pick.track_id;
    return next;
  end loop;
  foreach step in array array['same artist', 'popular'] loop
    exit when rank >= k;
    for pick in
      select f.track_id, f.name, f.artist, f.times from reco.fill(step, array[song], k - rank::integer, given) as f
    loop
      rank := rank + 1;
      track_id := pick.track_id;
      name := pick.name;
      artist := pick.artist;
      score := pick.times;
      reason := step;
      given := given || pick.track_id;
      return next;
    end loop;
  end loop;
end
$$;

-- Name: FUNCTION next_track(track bigint, k integer); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.next_track(track bigint, k integer) IS 'What to play after a track: songs heard close to it in sessions; where these are too few, songs on playlists with it, of the same listeners, of its artist, and last what is popular. The reason says which; scores of different reasons do not compare.';

-- Name: note_changed_playlists(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.note_changed_playlists() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    insert into reco.changed_playlist (playlist_id) select distinct o.playlist_id from old_tracks as o;
    if current_setting('warehouse.forget', true) = 'on' then
      insert into reco.changed_song (track_id)
      select distinct coalesce(t.canonical_track_id, t.track_id)
      from old_tracks as o join core.track as t on t.track_id = o.track_id;
    end if;
  end if;
  if tg_op in ('UPDATE', 'INSERT') then
    insert into reco.changed_playlist (playlist_id) select distinct n.playlist_id from new_tracks as n;
  end if;
  return null;
end
$$;

-- Name: FUNCTION note_changed_playlists(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.note_changed_playlists() IS 'Trigger: notes playlists whose tracks came, changed or went, for the next reco.refresh; once per statement.';

-- Name: note_changed_plays(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.note_changed_plays() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    if current_setting('warehouse.forget', true) = 'on' then
      insert into reco.changed_song (track_id)
      select distinct coalesce(t.canonical_track_id, t.track_id)
      from old_plays as o join core.track as t on t.track_id = o.track_id;
    else
      insert into reco.changed_day (listener_id, day)
      select distinct o.listener_id, (o.ended_at at time zone 'UTC')::date from old_plays as o;
    end if;
  end if;
  if tg_op in ('UPDATE', 'INSERT') then
    insert into reco.changed_day (listener_id, day)
    select distinct n.listener_id, (n.ended_at at time zone 'UTC')::date from new_plays as n;
  end if;
  return null;
end
$$;

-- Name: FUNCTION note_changed_plays(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.note_changed_plays() IS 'Trigger: notes the days whose plays came, changed or went, for the next reco.refresh; once per statement.';

-- Name: note_moved_song(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.note_moved_song() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  insert into reco.changed_day (listener_id, day)
  select distinct p.listener_id, (p.ended_at at time zone 'UTC')::date from core.play as p where p.track_id = new.track_id;
  insert into reco.changed_playlist (playlist_id)
  select pt.playlist_id from core.playlist_track as pt where pt.track_id = new.track_id;
  return null;
end
$$;

-- Name: FUNCTION note_moved_song(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.note_moved_song() IS 'Trigger: another track stands for this one now, so what was heard and listed is another song; notes where, for the next reco.refresh.';

-- Name: popular(integer, interval); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.popular(k integer DEFAULT 10, recent interval DEFAULT NULL::interval) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, listens bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
#variable_conflict use_column
begin
  if recent is null then
    return query
    select row_number() over (order by c.times desc, c.track_id), c.track_id, s.name, s.artist, c.times::bigint
    from reco.song_count as c join reco.song as s on s.track_id = c.track_id
    where c.basis = 'sessions'
    order by c.times desc, c.track_id limit k;
  else
    return query
    select row_number() over (order by c.listens desc, c.track_id), c.track_id, s.name, s.artist, c.listens
    from (
      select l.track_id, count(*) as listens from reco.listen as l
      where l.ended_at > (select max(x.ended_at) from reco.listen as x) - recent group by l.track_id
    ) as c
    join reco.song as s on s.track_id = c.track_id
    order by c.listens desc, c.track_id limit k;
  end if;
end
$$;

-- Name: FUNCTION popular(k integer, recent interval); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.popular(k integer, recent interval) IS 'The baseline: the k most heard songs of all listeners, ever or in so long before the last listen there is.';

-- Name: rebuild(bigint); Type: PROCEDURE; Schema: reco

CREATE PROCEDURE reco.rebuild(INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('reco.rebuild', null);
  begin
    perform reco.clear();
    insert into reco.changed_day (listener_id, day)
    select distinct p.listener_id, (p.ended_at at time zone 'UTC')::date from core.play as p;
    insert into reco.changed_playlist (playlist_id) select p.playlist_id from core.playlist as p;
    looked_at := reco.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE rebuild(INOUT run bigint); Type: COMMENT; Schema: reco

COMMENT ON PROCEDURE reco.rebuild(INOUT run bigint) IS 'Makes the recommender anew from core: for after a change of reco.setting. Gives what reco.refresh gives: reco.checksums proves it. Failing, it leaves things as they were.';

-- Name: recommend(bigint, integer, text, interval); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.recommend(listener bigint, k integer DEFAULT 10, heard text DEFAULT 'never'::text, recent interval DEFAULT '30 days'::interval) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, score double precision, reason text, because_of bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
#variable_conflict use_column
declare
  since timestamptz;
  seeds bigint[];
  weights double precision[];
  given bigint[] := '{}';
  step text;
  pick record;
begin
  if heard is null or heard not in ('never', 'not recently', 'any') then
    raise exception using errcode = 'invalid_parameter_value', message = format('heard has no "%s"', heard),
      hint = 'It takes never, not recently or any.';
  end if;
  rank := 0;
  if k < 1 then
    return;
  end if;
  -- What was heard most says most, and what was heard last as well: half a year ago counts half.
  with last as (
    select max(l.ended_at) as at from reco.listen as l where l.listener_id = listener
  ), liked as (
    (select s.track_id, ln(1 + s.listens) * (0.5 + 0.5 * exp(-extract(epoch from last.at - s.last_heard_at)::double precision / 15552000)) as weight
     from reco.listener_song as s cross join last where s.listener_id = listener
     order by s.listens desc, s.track_id limit 40)
    union all
    (select coalesce(t.canonical_track_id, t.track_id), ln(2)
     from core.saved_track as v join core.track as t on t.track_id = v.track_id where v.listener_id = listener
     order by v.added_at desc nulls last, v.track_id limit 40)
  )
  select array_agg(l.track_id order by l.weight desc, l.track_id), array_agg(l.weight order by l.weight desc, l.track_id),
    case heard when 'never' then null when 'any' then 'infinity' else (select last.at - recent from last) end
  into seeds, weights, since
  from (select liked.track_id, sum(liked.weight) as weight from liked group by liked.track_id) as l;

  for pick in
    with said as materialized (
      -- Both lists are as long as each other. Taken apart here, where nothing is kept of them; among the tables each would be stored first.
      select n.neighbour_id, n.seed_id, n.weight * n.score as weight
      from (
        select s.track_id as seed_id, s.weight, unnest(l.neighbours) as neighbour_id, unnest(l.scores) as score
        from unnest(seeds, weights) as s (track_id, weight)
        join reco.neighbour_list as l on l.track_id = s.track_id
      ) as n
    ), summed as (
      select n.neighbour_id, sum(n.weight) as score from said as n group by n.neighbour_id
    ), best as materialized (
      -- Sorted first: from the best on, only as many are looked up as are wanted. As reco.is_known has it, which costs a call each.
      select m.neighbour_id, m.score
      from (select s.neighbour_id, s.score from summed as s order by s.score desc, s.neighbour_id offset 0) as m
      where not exists (
          select from reco.listener_song as h
          where h.listener_id = recommend.listener and h.track_id = m.neighbour_id and h.last_heard_at >= coalesce(since, '-infinity'))
        and not exists (
          select from core.saved_track as v join core.track as t on t.track_id = v.track_id
          where since is null and v.listener_id = recommend.listener and coalesce(t.canonical_track_id, t.track_id) = m.neighbour_id)
      order by m.score desc, m.neighbour_id
      limit k + 10
    ), why as (
      select distinct on (n.neighbour_id) n.neighbour_id, n.seed_id
      from said as n join best as b on b.neighbour_id = n.neighbour_id
      order by n.neighbour_id, n.weight desc, n.seed_id
    )
    select s.track_id, s.name, s.artist, b.score, y.seed_id
    from best as b
    join why as y on y.neighbour_id = b.neighbour_id
    join reco.song as s on s.track_id = b.neighbour_id
    order by b.score desc, b.neighbour_id
    limit k
  loop
    rank := rank + 1;
    track_id := pick.track_id;
    name := pick.name;
    artist := pick.artist;
    score := pick.score;
    reason := 'found together';
    because_of := pick.seed_id;
    given := given || pick.track_id;
    return next;
  end loop;
  because_of := null;
  foreach step in array array['same artist', 'popular'] loop
    exit when rank >= k;
    continue when step = 'same artist' and seeds is null;
    for pick in
      select f.track_id, f.name, f.artist, f.times from reco.fill(step, seeds[:20], k - rank::integer, given, listener, since) as f
    loop
      rank := rank + 1;
      track_id := pick.track_id;
      name := pick.name;
      artist := pick.artist;
      score := pick.times;
      reason := step;
      given := given || pick.track_id;
      return next;
    end loop;
  end loop;
end
$$;

-- Name: FUNCTION recommend(listener bigint, k integer, heard text, recent interval); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.recommend(listener bigint, k integer, heard text, recent interval) IS 'k songs for a listener, by what is found together with what they hear most; where that is too little, of the same artists, and last what is popular. heard says what of their own may come: never what they heard or saved; not recently: what they did not hear for so long before their last listen; any. because_of is the song of theirs that said most for it. Every song comes once, however many tracks mean it.';

-- Name: refresh(bigint); Type: PROCEDURE; Schema: reco

CREATE PROCEDURE reco.refresh(INOUT run bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('reco.refresh', null);
  begin
    looked_at := reco.catch_up();
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;

-- Name: PROCEDURE refresh(INOUT run bigint); Type: COMMENT; Schema: reco

COMMENT ON PROCEDURE reco.refresh(INOUT run bigint) IS 'Brings the recommender up to date with core: only songs whose co-occurrence changed are looked at; their number is the run''s. Failing, it leaves nothing but its run row.';

-- Name: refresh_counts(text); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.refresh_counts(which text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  insert into reco.count_work (track_id, times, before)
  select w.track_id, count(o.track_id), coalesce((select s.times from reco.song_count as s where s.basis = which and s.track_id = w.track_id), 0)
  from reco.song_work as w left join reco.occurrence as o on o.track_id = w.track_id and o.basis = which
  where w.basis = which
  group by w.track_id;
  perform reco.measure_work();

  delete from reco.song_count as s using reco.count_work as c where s.basis = which and s.track_id = c.track_id and c.times = 0;
  insert into reco.song_count (basis, track_id, times)
  select which, c.track_id, c.times from reco.count_work as c where c.times > 0 and c.times <> c.before
  on conflict (basis, track_id) do update set times = excluded.times;

  -- More of a song lowers its score: who has it on the list may drop it. Less of it raises the score: who was ever found with it may take it.
  if exists (select from reco.count_work as c where c.times > c.before and c.before > 0) then
    insert into reco.song_work (basis, track_id)
    select distinct which, l.track_id
    from reco.neighbour_list as l cross join lateral unnest(l.neighbours) as n (track_id)
    join reco.count_work as c on c.track_id = n.track_id
    where l.basis = which and c.times > c.before
    on conflict do nothing;
  end if;
  if exists (select from reco.count_work as c where c.times < c.before) then
    insert into reco.song_work (basis, track_id)
    select distinct which, t.neighbour_id
    from reco.count_work as c join reco.together as t on t.track_id = c.track_id and t.basis = which
    where c.times < c.before
    on conflict do nothing;
  end if;
  delete from reco.count_work;
end
$$;

-- Name: FUNCTION refresh_counts(which text); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.refresh_counts(which text) IS 'Fourth part of reco.refresh: how often the noted songs of one basis occur now, and whose neighbours that may change beside their own.';

-- Name: refresh_features(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.refresh_features() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  means double precision[];
  deviations double precision[];
begin
  insert into reco.feature_scale as s (feature, place, mean, deviation)
  select name.feature, name.place, t.sum / t.n / 1e6, coalesce(nullif(sqrt((t.n * t.squares - t.sum ^ 2) / t.n ^ 2) / 1e6, 0), 1)
  from (
    select f.place, count(*)::numeric as n, sum(m.millionths) as sum, sum(m.millionths * m.millionths) as squares
    from reco.song_sound as sound
    cross join lateral unnest(sound.features) with ordinality as f (value, place)
    cross join lateral (select round(f.value * 1e6)::bigint as millionths) as m
    group by f.place
  ) as t
  join unnest(array['danceability', 'energy', 'loudness_db', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo_bpm'])
    with ordinality as name (feature, place) on name.place = t.place
  on conflict (feature) do update set mean = excluded.mean, deviation = excluded.deviation
  where (s.mean, s.deviation) is distinct from (excluded.mean, excluded.deviation);

  select array_agg(s.mean order by s.place), array_agg(s.deviation order by s.place) into means, deviations from reco.feature_scale as s;

  delete from reco.song_feature as f where not exists (select from reco.song_sound as s where s.track_id = f.track_id);

  -- Nothing was analysed, as where there are histories alone; and of no mean the planner would make a point of NULLs.
  if means is null then
    return;
  end if;

  insert into reco.song_feature as f (track_id, vector)
  select w.track_id, w.vector
  from (
    select s.track_id, reco.cube(array[
      (s.features[1] - means[1]) / deviations[1], (s.features[2] - means[2]) / deviations[2], (s.features[3] - means[3]) / deviations[3],
      (s.features[4] - means[4]) / deviations[4], (s.features[5] - means[5]) / deviations[5], (s.features[6] - means[6]) / deviations[6],
      (s.features[7] - means[7]) / deviations[7], (s.features[8] - means[8]) / deviations[8], (s.features[9] - means[9]) / deviations[9]
    ]) as vector
    from reco.song_sound as s
  ) as w
  left join reco.song_feature as known on known.track_id = w.track_id
  where known.vector is null or known.vector operator(reco.<>) w.vector
  on conflict (track_id) do update set vector = excluded.vector;
end
$$;

-- Name: FUNCTION refresh_features(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.refresh_features() IS 'Last part of reco.refresh: the sound of each song as a point, in standard deviations from the mean.';

-- Name: refresh_listed(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.refresh_listed() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  with changed as (
    delete from reco.changed_playlist returning playlist_id
  ), touched as (
    select distinct c.playlist_id from changed as c
  ), wanted as (
    select w.playlist_id, w.track_id
    from (
      select u.playlist_id, u.track_id, count(*) over (partition by u.playlist_id) as songs
      from (
        select distinct pt.playlist_id, coalesce(t.canonical_track_id, t.track_id) as track_id
        from core.playlist_track as pt join core.track as t on t.track_id = pt.track_id
        where pt.playlist_id in (select t.playlist_id from touched as t)
      ) as u
    ) as w
    where w.songs between 2 and (select s.playlist_songs from reco.setting as s)
  ), went as (
    delete from reco.listed as l
    where l.playlist_id in (select t.playlist_id from touched as t)
      and not exists (select from wanted as w where w.playlist_id = l.playlist_id and w.track_id = l.track_id)
    returning l.playlist_id, l.track_id
  ), came as (
    insert into reco.listed (playlist_id, track_id)
    select w.playlist_id, w.track_id from wanted as w
    on conflict do nothing
    returning playlist_id, track_id
  ), moved as (
    select w.playlist_id from went as w union select c.playlist_id from came as c
  )
  insert into reco.song_work (basis, track_id)
  select 'playlists', w.track_id from wanted as w where w.playlist_id in (select m.playlist_id from moved as m)
  union
  select 'playlists', w.track_id from went as w
  on conflict do nothing
$$;

-- Name: FUNCTION refresh_listed(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.refresh_listed() IS 'Third part of reco.refresh: the songs of changed playlists.';

-- Name: refresh_listens(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.refresh_listens() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  looked_at bigint;
begin
  -- A session that touches a changed day, or may be joined to it by what came, is read again from end to end.
  with changed as (
    delete from reco.changed_day returning listener_id, day
  ), near as (
    select c.listener_id,
      c.day::timestamp at time zone 'UTC' - reach.reach as from_at, (c.day + 1)::timestamp at time zone 'UTC' + reach.reach as to_at
    from (select distinct d.listener_id, d.day from changed as d) as c
    -- A listen lasts up to an hour.
    cross join (select s.session_gap + interval '1 hour' as reach from reco.setting as s) as reach
  ), reached as (
    select n.listener_id,
      least(n.from_at, (
        select min(first.ended_at) from reco.listen as first
        where first.session_id = (
          select l.session_id from reco.listen as l
          where l.listener_id = n.listener_id and l.ended_at >= n.from_at and l.ended_at < n.to_at
          order by l.ended_at, l.session_id limit 1))) as from_at,
      greatest(n.to_at, (
        select max(last.ended_at) from reco.listen as last
        where last.session_id = (
          select l.session_id from reco.listen as l
          where l.listener_id = n.listener_id and l.ended_at >= n.from_at and l.ended_at < n.to_at
          order by l.ended_at desc, l.session_id desc limit 1))) as to_at
    from near as n
  )
  insert into reco.span_work (listener_id, span)
  select r.listener_id, unnest(range_agg(tstzrange(r.from_at, r.to_at, '[]'))) from reached as r group by r.listener_id;
  perform reco.measure_work();

  with went as (
    delete from reco.listen as l using reco.span_work as w
    where l.listener_id = w.listener_id and l.ended_at between lower(w.span) and upper(w.span)
    returning l.listener_id, l.track_id
  )
  insert into reco.listener_song_work (listener_id, track_id) select distinct w.listener_id, w.track_id from went as w;

  insert into reco.listen (session_id, position, listener_id, track_id, ended_at)
  select first_value(m.play_id) over session, row_number() over session, m.listener_id, m.track_id, m.ended_at
  from (
    select b.*, count(*) filter (where b.begins) over (partition by b.listener_id order by b.ended_at, b.minute_seq, b.play_id) as session_no
    from (
      select p.play_id, p.listener_id, coalesce(t.canonical_track_id, t.track_id) as track_id, p.ended_at, p.minute_seq,
        coalesce(p.ended_at - make_interval(secs => p.ms_played / 1000.0)
          - lag(p.ended_at) over (partition by p.listener_id order by p.ended_at, p.minute_seq, p.play_id) > s.session_gap, true) as begins
      from reco.span_work as w
      join core.listen as p on p.listener_id = w.listener_id and p.ended_at between lower(w.span) and upper(w.span)
      join core.track as t on t.track_id = p.track_id
      cross join reco.setting as s
    ) as b
  ) as m
  window session as (partition by m.listener_id, m.session_no order by m.ended_at, m.minute_seq, m.play_id);
  get diagnostics looked_at = row_count;

  insert into reco.listener_song_work (listener_id, track_id)
  select distinct l.listener_id, l.track_id
  from reco.span_work as w
  join reco.listen as l on l.listener_id = w.listener_id and l.ended_at between lower(w.span) and upper(w.span)
  on conflict do nothing;

  insert into reco.song_work (basis, track_id)
  select distinct 'sessions', w.track_id from reco.listener_song_work as w
  on conflict do nothing;
  return looked_at;
end
$$;

-- Name: FUNCTION refresh_listens(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.refresh_listens() IS 'First part of reco.refresh: listens of the changed days, and the sessions they are in, are read again from core; gives how many there are.';

-- Name: refresh_neighbours(text); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.refresh_neighbours(which text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET work_mem TO '128MB'
    AS $$
declare
  wanted_shrinkage double precision;
  wanted_neighbours integer;
  reach double precision;
  -- What one person alone listens to says something of that person, and nothing of what people like together.
  fewest constant integer := case which when 'listeners' then 2 else 1 end;
begin
  select s.shrinkage, s.neighbours, case which when 'sessions' then s.session_window else 1 end
  into wanted_shrinkage, wanted_neighbours, reach from reco.setting as s;

  delete from reco.neighbour_list as l using reco.song_work as w
  where l.basis = which and w.basis = which and l.track_id = w.track_id
    and not (
      exists (select from reco.song_count as c where c.basis = which and c.track_id = w.track_id and c.times >= fewest)
      and exists (select from reco.together as t where t.basis = which and t.track_id = w.track_id));

  insert into reco.neighbour_list as l (track_id, basis, neighbours, scores)
  select r.track_id, which, array_agg(r.neighbour_id order by r.rank), array_agg(r.score::real order by r.rank)
  from (
    select p.track_id, p.neighbour_id, s.score,
      row_number() over (partition by p.track_id order by s.score desc, p.neighbour_id) as rank
    from (
      select t.track_id, t.neighbour_id, sum(t.points) as points
      from reco.song_work as w join reco.together as t on t.track_id = w.track_id
      where w.basis = which and t.basis = which
      group by t.track_id, t.neighbour_id
    ) as p
    join reco.song_count as mine on mine.track_id = p.track_id and mine.basis = which and mine.times >= fewest
    join reco.song_count as theirs on theirs.track_id = p.neighbour_id and theirs.basis = which
    cross join lateral (
      select p.points / reach / (sqrt(mine.times::double precision * theirs.times) + wanted_shrinkage) as score
    ) as s
  ) as r
  where r.rank <= wanted_neighbours
  group by r.track_id
  on conflict (track_id, basis) do update set neighbours = excluded.neighbours, scores = excluded.scores
  where (l.neighbours, l.scores) is distinct from (excluded.neighbours, excluded.scores);
end
$$;

-- Name: FUNCTION refresh_neighbours(which text); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.refresh_neighbours(which text) IS 'Fifth part of reco.refresh: the neighbours of the noted songs, on one basis, are found again and written where they differ.';

-- Name: refresh_or_raise(); Type: PROCEDURE; Schema: reco

CREATE PROCEDURE reco.refresh_or_raise()
    LANGUAGE plpgsql
    AS $$
declare
  run bigint;
begin
  call reco.refresh(run);
  -- The run row stays, whatever is raised then.
  commit;
  perform quality.demand_run(run);
end
$$;

-- Name: PROCEDURE refresh_or_raise(); Type: COMMENT; Schema: reco

COMMENT ON PROCEDURE reco.refresh_or_raise() IS 'Brings the recommender up to date as reco.refresh does, commits, and fails when that failed. Not for inside a transaction.';

-- Name: refresh_profiles(); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.refresh_profiles() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
  delete from reco.listener_song as s using reco.listener_song_work as w
  where s.listener_id = w.listener_id and s.track_id = w.track_id
    and not exists (select from reco.listen as l where l.track_id = s.track_id and l.listener_id = s.listener_id);

  insert into reco.listener_song as s (listener_id, track_id, listens, last_heard_at)
  select l.listener_id, l.track_id, count(*), max(l.ended_at)
  from reco.listener_song_work as w
  join reco.listen as l on l.track_id = w.track_id and l.listener_id = w.listener_id
  group by l.listener_id, l.track_id
  on conflict (listener_id, track_id) do update set listens = excluded.listens, last_heard_at = excluded.last_heard_at
  where (s.listens, s.last_heard_at) is distinct from (excluded.listens, excluded.last_heard_at);

  -- Counted now: planned for the empty table it was before, what follows would loop over every pair of rows.
  perform reco.measure_work();

  -- Who came into a profile, or left it, changes what everybody else in it is found with.
  with touched as (
    select distinct w.listener_id from reco.listener_song_work as w
  ), ranked as (
    select s.listener_id, s.track_id, s.is_profile,
      row_number() over (partition by s.listener_id order by s.listens desc, s.track_id) <= (select e.profile_songs from reco.setting as e) as wanted
    from reco.listener_song as s where s.listener_id in (select t.listener_id from touched as t)
  ), moved as (
    update reco.listener_song as s set is_profile = r.wanted
    from ranked as r
    where s.listener_id = r.listener_id and s.track_id = r.track_id and r.is_profile <> r.wanted
    returning s.listener_id
  )
  insert into reco.song_work (basis, track_id)
  select distinct 'listeners', r.track_id from ranked as r
  where (r.is_profile or r.wanted) and r.listener_id in (select m.listener_id from moved as m)
  union
  select 'listeners', w.track_id from reco.listener_song_work as w
  where not exists (select from reco.listener_song as s where s.listener_id = w.listener_id and s.track_id = w.track_id)
  on conflict do nothing;
end
$$;

-- Name: FUNCTION refresh_profiles(); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.refresh_profiles() IS 'Second part of reco.refresh: how often listeners heard what, and which of it stands for them.';

-- Name: sounds_like(bigint, integer); Type: FUNCTION; Schema: reco

CREATE FUNCTION reco.sounds_like(track bigint, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, distance double precision)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
#variable_conflict use_column
declare
  here reco.cube;
begin
  select f.vector into here
  from core.track as t join reco.song_feature as f on f.track_id = coalesce(t.canonical_track_id, t.track_id)
  where t.track_id = track;
  if here is null or k < 1 then
    return;
  end if;
  -- A few more than asked for: since the last refresh another track may have come to stand for one of them.
  return query
  select row_number() over (order by n.distance, n.track_id), n.track_id, s.name, s.artist, n.distance
  from (
    select f.track_id, f.vector operator(reco.<->) here as distance
    from reco.song_feature as f order by f.vector operator(reco.<->) here limit k + 10
  ) as n
  join reco.song as s on s.track_id = n.track_id
  where n.track_id <> (select coalesce(t.canonical_track_id, t.track_id) from core.track as t where t.track_id = track)
  order by n.distance, n.track_id
  limit k;
end
$$;

-- Name: FUNCTION sounds_like(track bigint, k integer); Type: COMMENT; Schema: reco

COMMENT ON FUNCTION reco.sounds_like(track bigint, k integer) IS 'The k songs whose audio features are nearest to a track''s, in standard deviations over nine features; nothing where its features are unknown. It tells what sounds alike, not what people like together.';

-- Name: artist; Type: TABLE; Schema: core

CREATE TABLE core.artist (
    artist_id bigint NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    spotify_id text,
    is_namesake boolean DEFAULT false NOT NULL,
    popularity smallint,
    followers bigint,
    image_url text,
    CONSTRAINT artist_followers_check CHECK ((followers >= 0)),
    CONSTRAINT artist_image_url_check CHECK ((image_url <> ''::text)),
    CONSTRAINT artist_name_check CHECK ((name <> ''::text)),
    CONSTRAINT artist_namesake_has_id CHECK (((NOT is_namesake) OR (spotify_id IS NOT NULL))),
    CONSTRAINT artist_popularity_check CHECK (((popularity >= 0) AND (popularity <= 100))),
    CONSTRAINT artist_spotify_id_check CHECK ((spotify_id <> ''::text))
);

-- Name: TABLE artist; Type: COMMENT; Schema: core

COMMENT ON TABLE core.artist IS 'Artists: one per name as most sources give no identifier, and namesakes that only an identifier tells apart.';

-- Name: COLUMN artist.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.artist_id IS 'Our number.';

-- Name: COLUMN artist.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.name IS 'As written, outer blanks removed.';

-- Name: COLUMN artist.created_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.created_at IS 'When the row came to be.';

-- Name: COLUMN artist.updated_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.updated_at IS 'When the row last changed; kept by a trigger.';

-- Name: COLUMN artist.spotify_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.spotify_id IS 'Spotify''s identifier; NULL while only the name is known.';

-- Name: COLUMN artist.is_namesake; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.is_namesake IS 'Another artist of the same name was known before: sources that give names alone never mean this one.';

-- Name: COLUMN artist.popularity; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.popularity IS '0 to 100; NULL where Spotify does not tell.';

-- Name: COLUMN artist.followers; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.followers IS 'Followers on Spotify; NULL where Spotify does not tell.';

-- Name: COLUMN artist.image_url; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.image_url IS 'Where Spotify keeps a picture.';

-- Name: artist; Type: VIEW; Schema: api

CREATE VIEW api.artist AS
 SELECT artist_id,
    name,
    spotify_id,
    popularity,
    followers
   FROM core.artist a;

-- Name: VIEW artist; Type: COMMENT; Schema: api

COMMENT ON VIEW api.artist IS 'Artists.';

-- Name: album; Type: TABLE; Schema: core

CREATE TABLE core.album (
    album_id bigint NOT NULL,
    spotify_id text,
    name text,
    release_date date,
    release_date_precision text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    named_artist_id bigint,
    album_type text,
    total_tracks smallint,
    image_url text,
    CONSTRAINT album_album_type_check CHECK ((album_type = ANY (ARRAY['album'::text, 'single'::text, 'compilation'::text]))),
    CONSTRAINT album_date_fits_precision CHECK (
CASE release_date_precision
    WHEN 'year'::text THEN ((EXTRACT(month FROM release_date) = (1)::numeric) AND (EXTRACT(day FROM release_date) = (1)::numeric))
    WHEN 'month'::text THEN (EXTRACT(day FROM release_date) = (1)::numeric)
    ELSE true
END),
    CONSTRAINT album_date_has_precision CHECK (((release_date IS NULL) = (release_date_precision IS NULL))),
    CONSTRAINT album_image_url_check CHECK ((image_url <> ''::text)),
    CONSTRAINT album_is_known CHECK (((spotify_id IS NOT NULL) OR ((name IS NOT NULL) AND (named_artist_id IS NOT NULL)))),
    CONSTRAINT album_name_check CHECK ((name <> ''::text)),
    CONSTRAINT album_release_date_precision_check CHECK ((release_date_precision = ANY (ARRAY['year'::text, 'month'::text, 'day'::text]))),
    CONSTRAINT album_spotify_id_check CHECK ((spotify_id <> ''::text)),
    CONSTRAINT album_total_tracks_check CHECK ((total_tracks > 0))
);

-- Name: TABLE album; Type: COMMENT; Schema: core

COMMENT ON TABLE core.album IS 'Albums: one per Spotify identifier, and one per name and artist where a source gives no identifier.';

-- Name: COLUMN album.album_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.album_id IS 'Our number.';

-- Name: COLUMN album.spotify_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.spotify_id IS 'Spotify''s identifier; NULL when only the name is known.';

-- Name: COLUMN album.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.name IS 'NULL when the source did not know it.';

-- Name: COLUMN album.release_date; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.release_date IS 'First day of what is known: 1995 is 1995-01-01 with precision year.';

-- Name: COLUMN album.release_date_precision; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.release_date_precision IS 'year, month or day: how much of the date is known.';

-- Name: COLUMN album.created_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.created_at IS 'When the row came to be.';

-- Name: COLUMN album.updated_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.updated_at IS 'When the row last changed; kept by a trigger.';

-- Name: COLUMN album.named_artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.named_artist_id IS 'The artist an album without an identifier was named with; part of its key then.';

-- Name: COLUMN album.album_type; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.album_type IS 'album, single or compilation.';

-- Name: COLUMN album.total_tracks; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.total_tracks IS 'How many tracks it has.';

-- Name: COLUMN album.image_url; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.image_url IS 'Where Spotify keeps the cover.';

-- Name: track; Type: TABLE; Schema: core

CREATE TABLE core.track (
    track_id bigint NOT NULL,
    spotify_id text,
    name text,
    album_id bigint,
    duration_ms integer,
    popularity smallint,
    canonical_track_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    explicit boolean,
    disc_number smallint,
    track_number smallint,
    isrc text,
    CONSTRAINT track_check CHECK ((canonical_track_id <> track_id)),
    CONSTRAINT track_disc_number_check CHECK ((disc_number > 0)),
    CONSTRAINT track_duration_ms_check CHECK ((duration_ms > 0)),
    CONSTRAINT track_is_known CHECK (((spotify_id IS NOT NULL) OR (name IS NOT NULL))),
    CONSTRAINT track_isrc_check CHECK ((isrc <> ''::text)),
    CONSTRAINT track_name_check CHECK ((name <> ''::text)),
    CONSTRAINT track_popularity_check CHECK (((popularity >= 0) AND (popularity <= 100))),
    CONSTRAINT track_spotify_id_check CHECK ((spotify_id <> ''::text)),
    CONSTRAINT track_track_number_check CHECK ((track_number > 0))
);

-- Name: TABLE track; Type: COMMENT; Schema: core

COMMENT ON TABLE core.track IS 'Tracks: one per Spotify identifier, and one per spelling that only histories know.';

-- Name: COLUMN track.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.track_id IS 'Our number.';

-- Name: COLUMN track.spotify_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.spotify_id IS 'Spotify''s identifier; NULL for tracks known from histories only.';

-- Name: COLUMN track.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.name IS 'NULL when the source did not know it.';

-- Name: COLUMN track.album_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.album_id IS 'NULL for tracks known from histories only.';

-- Name: COLUMN track.duration_ms; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.duration_ms IS 'Length in milliseconds.';

-- Name: COLUMN track.popularity; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.popularity IS '0 to 100, as of the file it last came in.';

-- Name: COLUMN track.canonical_track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.canonical_track_id IS 'The track of the same name and artist that stands for it; NULL when it stands for itself.';

-- Name: COLUMN track.created_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.created_at IS 'When the row came to be.';

-- Name: COLUMN track.updated_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.updated_at IS 'When the row last changed; kept by a trigger.';

-- Name: COLUMN track.explicit; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.explicit IS 'Marked as explicit; NULL when no source said.';

-- Name: COLUMN track.disc_number; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.disc_number IS 'Disc of the album.';

-- Name: COLUMN track.track_number; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.track_number IS 'Number on the disc.';

-- Name: COLUMN track.isrc; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track.isrc IS 'International standard recording code.';

-- Name: track_artist; Type: TABLE; Schema: core

CREATE TABLE core.track_artist (
    track_id bigint NOT NULL,
    "position" smallint NOT NULL,
    artist_id bigint NOT NULL,
    CONSTRAINT track_artist_position_check CHECK (("position" >= 1))
);

-- Name: TABLE track_artist; Type: COMMENT; Schema: core

COMMENT ON TABLE core.track_artist IS 'Who plays on a track, in the order named.';

-- Name: COLUMN track_artist.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_artist.track_id IS 'The track.';

-- Name: COLUMN track_artist."position"; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_artist."position" IS '1 is the first named.';

-- Name: COLUMN track_artist.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_artist.artist_id IS 'The artist.';

-- Name: track; Type: VIEW; Schema: api

CREATE VIEW api.track AS
 SELECT t.track_id,
    t.name,
    a.name AS artist,
    b.name AS album,
    t.spotify_id,
    t.duration_ms,
    t.explicit,
    b.release_date,
    b.release_date_precision
   FROM (((core.track t
     LEFT JOIN core.track_artist ta ON (((ta.track_id = t.track_id) AND (ta."position" = 1))))
     LEFT JOIN core.artist a ON ((a.artist_id = ta.artist_id)))
     LEFT JOIN core.album b ON ((b.album_id = t.album_id)));

-- Name: VIEW track; Type: COMMENT; Schema: api

COMMENT ON VIEW api.track IS 'Tracks with first artist and album.';

-- Name: change; Type: TABLE; Schema: audit

CREATE TABLE audit.change (
    change_id bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    changed_by text NOT NULL,
    acting_as text NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    table_name text NOT NULL,
    operation text NOT NULL,
    listener_id bigint,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT change_has_rows CHECK ((((old_row IS NULL) = (operation = 'INSERT'::text)) AND ((new_row IS NULL) = (operation = 'DELETE'::text)))),
    CONSTRAINT change_operation_check CHECK ((operation = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text])))
);

-- Name: TABLE change; Type: COMMENT; Schema: audit

COMMENT ON TABLE audit.change IS 'Changes of core: every update and delete, and inserts of what a person owns. Where other rows came from, their batch tells.';

-- Name: COLUMN change.change_id; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.change_id IS 'Our number.';

-- Name: COLUMN change.changed_at; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.changed_at IS 'When.';

-- Name: COLUMN change.changed_by; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.changed_by IS 'The role that had logged in.';

-- Name: COLUMN change.acting_as; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.acting_as IS 'The role it had become by SET ROLE, or none.';

-- Name: COLUMN change.xid; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.xid IS 'The transaction: changes of one belong together.';

-- Name: COLUMN change.table_name; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.table_name IS 'The table, with its schema.';

-- Name: COLUMN change.operation; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.operation IS 'INSERT, UPDATE or DELETE.';

-- Name: COLUMN change.listener_id; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.listener_id IS 'The listener the row is about, so that forgetting them finds it; NULL for the catalogue.';

-- Name: COLUMN change.old_row; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.old_row IS 'The row before; NULL for an insert.';

-- Name: COLUMN change.new_row; Type: COMMENT; Schema: audit

COMMENT ON COLUMN audit.change.new_row IS 'The row after; NULL for a delete.';

-- Name: change_change_id_seq; Type: SEQUENCE; Schema: audit

ALTER TABLE audit.change ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.change_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: accepted_row; Type: TABLE; Schema: core

CREATE TABLE core.accepted_row (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    items integer DEFAULT 1 NOT NULL,
    item_no integer DEFAULT 0 NOT NULL,
    CONSTRAINT accepted_row_item_no_check CHECK ((item_no >= 0)),
    CONSTRAINT accepted_row_items_check CHECK ((items >= 0))
);

-- Name: TABLE accepted_row; Type: COMMENT; Schema: core

COMMENT ON TABLE core.accepted_row IS 'Raw rows, and items of pages, that were accepted and whose facts do not say themselves where they came from, or are gone since.';

-- Name: COLUMN accepted_row.batch_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.accepted_row.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN accepted_row.row_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.accepted_row.row_no IS 'The row of that file.';

-- Name: COLUMN accepted_row.items; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.accepted_row.items IS 'How many facts it told; 0 when it told nothing new.';

-- Name: COLUMN accepted_row.item_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.accepted_row.item_no IS 'The item of a page, from 1; 0 where the row itself is meant.';

-- Name: album_album_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.album ALTER COLUMN album_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.album_album_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: album_artist; Type: TABLE; Schema: core

CREATE TABLE core.album_artist (
    album_id bigint NOT NULL,
    "position" smallint NOT NULL,
    artist_id bigint NOT NULL,
    CONSTRAINT album_artist_position_check CHECK (("position" >= 1))
);

-- Name: TABLE album_artist; Type: COMMENT; Schema: core

COMMENT ON TABLE core.album_artist IS 'Whose album it is, in the order named.';

-- Name: COLUMN album_artist.album_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album_artist.album_id IS 'The album.';

-- Name: COLUMN album_artist."position"; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album_artist."position" IS '1 is the first named.';

-- Name: COLUMN album_artist.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album_artist.artist_id IS 'The artist.';

-- Name: artist_artist_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.artist ALTER COLUMN artist_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.artist_artist_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: artist_genre; Type: TABLE; Schema: core

CREATE TABLE core.artist_genre (
    artist_id bigint NOT NULL,
    genre_id smallint NOT NULL
);

-- Name: TABLE artist_genre; Type: COMMENT; Schema: core

COMMENT ON TABLE core.artist_genre IS 'The genres of an artist, as charts and Spotify give them.';

-- Name: COLUMN artist_genre.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist_genre.artist_id IS 'The artist.';

-- Name: COLUMN artist_genre.genre_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist_genre.genre_id IS 'The genre.';

-- Name: artist_top_track; Type: TABLE; Schema: core

CREATE TABLE core.artist_top_track (
    artist_id bigint NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    rank smallint NOT NULL,
    track_id bigint NOT NULL,
    CONSTRAINT artist_top_track_rank_check CHECK ((rank >= 1))
);

-- Name: TABLE artist_top_track; Type: COMMENT; Schema: core

COMMENT ON TABLE core.artist_top_track IS 'An artist''s best known tracks as Spotify ranked them; each time taken stays.';

-- Name: COLUMN artist_top_track.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist_top_track.artist_id IS 'The artist.';

-- Name: COLUMN artist_top_track.taken_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist_top_track.taken_at IS 'When the list was taken.';

-- Name: COLUMN artist_top_track.rank; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist_top_track.rank IS '1 is the first.';

-- Name: COLUMN artist_top_track.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist_top_track.track_id IS 'The track.';

-- Name: audio_feature; Type: TABLE; Schema: core

CREATE TABLE core.audio_feature (
    track_id bigint NOT NULL,
    danceability double precision,
    energy double precision,
    key smallint,
    loudness_db double precision,
    mode smallint,
    speechiness double precision,
    acousticness double precision,
    instrumentalness double precision,
    liveness double precision,
    valence double precision,
    tempo_bpm double precision,
    CONSTRAINT audio_feature_acousticness_check CHECK (((acousticness >= (0)::double precision) AND (acousticness <= (1)::double precision))),
    CONSTRAINT audio_feature_danceability_check CHECK (((danceability >= (0)::double precision) AND (danceability <= (1)::double precision))),
    CONSTRAINT audio_feature_energy_check CHECK (((energy >= (0)::double precision) AND (energy <= (1)::double precision))),
    CONSTRAINT audio_feature_instrumentalness_check CHECK (((instrumentalness >= (0)::double precision) AND (instrumentalness <= (1)::double precision))),
    CONSTRAINT audio_feature_key_check CHECK (((key >= '-1'::integer) AND (key <= 11))),
    CONSTRAINT audio_feature_liveness_check CHECK (((liveness >= (0)::double precision) AND (liveness <= (1)::double precision))),
    CONSTRAINT audio_feature_mode_check CHECK ((mode = ANY (ARRAY[0, 1]))),
    CONSTRAINT audio_feature_speechiness_check CHECK (((speechiness >= (0)::double precision) AND (speechiness <= (1)::double precision))),
    CONSTRAINT audio_feature_tempo_bpm_check CHECK ((tempo_bpm > (0)::double precision)),
    CONSTRAINT audio_feature_valence_check CHECK (((valence >= (0)::double precision) AND (valence <= (1)::double precision)))
);

-- Name: TABLE audio_feature; Type: COMMENT; Schema: core

COMMENT ON TABLE core.audio_feature IS 'Audio features of a track.';

-- Name: COLUMN audio_feature.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.track_id IS 'The track.';

-- Name: COLUMN audio_feature.danceability; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.danceability IS '0 to 1.';

-- Name: COLUMN audio_feature.energy; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.energy IS '0 to 1.';

-- Name: COLUMN audio_feature.key; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.key IS '0 is C, 11 is B, -1 not detected.';

-- Name: COLUMN audio_feature.loudness_db; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.loudness_db IS 'Decibels, usually -60 to 0.';

-- Name: COLUMN audio_feature.mode; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.mode IS '1 major, 0 minor.';

-- Name: COLUMN audio_feature.speechiness; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.speechiness IS '0 to 1.';

-- Name: COLUMN audio_feature.acousticness; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.acousticness IS '0 to 1.';

-- Name: COLUMN audio_feature.instrumentalness; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.instrumentalness IS '0 to 1.';

-- Name: COLUMN audio_feature.liveness; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.liveness IS '0 to 1.';

-- Name: COLUMN audio_feature.valence; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.valence IS '0 to 1.';

-- Name: COLUMN audio_feature.tempo_bpm; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.audio_feature.tempo_bpm IS 'Beats per minute; NULL when the track was never analysed (the source says 0).';

-- Name: chart; Type: TABLE; Schema: core

CREATE TABLE core.chart (
    chart_id smallint NOT NULL,
    name text NOT NULL,
    period text NOT NULL,
    CONSTRAINT chart_name_check CHECK ((name <> ''::text)),
    CONSTRAINT chart_period_check CHECK ((period = ANY (ARRAY['day'::text, 'week'::text])))
);

-- Name: TABLE chart; Type: COMMENT; Schema: core

COMMENT ON TABLE core.chart IS 'Charts.';

-- Name: COLUMN chart.chart_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart.chart_id IS 'Our number.';

-- Name: COLUMN chart.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart.name IS 'As the source names it.';

-- Name: COLUMN chart.period; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart.period IS 'day or week: how long one issue stands.';

-- Name: chart_chart_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.chart ALTER COLUMN chart_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.chart_chart_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: chart_entry; Type: TABLE; Schema: core

CREATE TABLE core.chart_entry (
    chart_id smallint NOT NULL,
    starts_on date NOT NULL,
    track_id bigint NOT NULL,
    rank smallint,
    streams bigint,
    CONSTRAINT chart_entry_rank_check CHECK ((rank >= 1)),
    CONSTRAINT chart_entry_streams_check CHECK ((streams >= 0))
);

-- Name: TABLE chart_entry; Type: COMMENT; Schema: core

COMMENT ON TABLE core.chart_entry IS 'A track in one issue of a chart.';

-- Name: COLUMN chart_entry.chart_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_entry.chart_id IS 'The chart.';

-- Name: COLUMN chart_entry.starts_on; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_entry.starts_on IS 'First day of the issue.';

-- Name: COLUMN chart_entry.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_entry.track_id IS 'The track.';

-- Name: COLUMN chart_entry.rank; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_entry.rank IS '1 is the top; NULL where the source says only that it was in.';

-- Name: COLUMN chart_entry.streams; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_entry.streams IS 'Streams in the issue; NULL where the source does not tell.';

-- Name: chart_standing; Type: TABLE; Schema: core

CREATE TABLE core.chart_standing (
    chart_id smallint NOT NULL,
    track_id bigint NOT NULL,
    peak_rank smallint,
    issues smallint,
    streams bigint,
    CONSTRAINT chart_standing_issues_check CHECK ((issues >= 1)),
    CONSTRAINT chart_standing_peak_rank_check CHECK ((peak_rank >= 1)),
    CONSTRAINT chart_standing_streams_check CHECK ((streams >= 0))
);

-- Name: TABLE chart_standing; Type: COMMENT; Schema: core

COMMENT ON TABLE core.chart_standing IS 'What a file of charts says of a track over all issues.';

-- Name: COLUMN chart_standing.chart_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_standing.chart_id IS 'The chart.';

-- Name: COLUMN chart_standing.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_standing.track_id IS 'The track.';

-- Name: COLUMN chart_standing.peak_rank; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_standing.peak_rank IS 'Its best rank.';

-- Name: COLUMN chart_standing.issues; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_standing.issues IS 'In how many issues it was.';

-- Name: COLUMN chart_standing.streams; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.chart_standing.streams IS 'Streams the file tells, without saying of which issues.';

-- Name: cover; Type: TABLE; Schema: core

CREATE TABLE core.cover (
    cover_id bigint NOT NULL,
    album_id bigint,
    artist_id bigint,
    source_url text NOT NULL,
    media_type text,
    image bytea,
    sha256 bytea GENERATED ALWAYS AS (sha256(image)) STORED,
    fetched_at timestamp with time zone DEFAULT now() NOT NULL,
    failure text,
    CONSTRAINT cover_failure_check CHECK ((failure <> ''::text)),
    CONSTRAINT cover_media_type_check CHECK ((media_type ~ '^image/[a-z0-9.+-]+$'::text)),
    CONSTRAINT cover_of_one CHECK ((num_nonnulls(album_id, artist_id) = 1)),
    CONSTRAINT cover_or_failure CHECK ((((image IS NULL) <> (failure IS NULL)) AND ((image IS NULL) = (media_type IS NULL)))),
    CONSTRAINT cover_source_url_check CHECK ((source_url <> ''::text))
);

-- Name: TABLE cover; Type: COMMENT; Schema: core

COMMENT ON TABLE core.cover IS 'Pictures of albums and artists, kept here so that reports need no other server.';

-- Name: COLUMN cover.cover_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.cover_id IS 'Our number.';

-- Name: COLUMN cover.album_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.album_id IS 'The album it is the cover of, or NULL.';

-- Name: COLUMN cover.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.artist_id IS 'The artist it shows, or NULL.';

-- Name: COLUMN cover.source_url; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.source_url IS 'Where it was fetched.';

-- Name: COLUMN cover.media_type; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.media_type IS 'image/jpeg and the like; NULL when fetching failed.';

-- Name: COLUMN cover.image; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.image IS 'The picture''s bytes; NULL when fetching failed.';

-- Name: COLUMN cover.sha256; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.sha256 IS 'SHA-256 of the bytes.';

-- Name: COLUMN cover.fetched_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.fetched_at IS 'When it was fetched, or tried.';

-- Name: COLUMN cover.failure; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.cover.failure IS 'Why there is no picture; NULL when there is one.';

-- Name: cover_cover_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.cover ALTER COLUMN cover_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.cover_cover_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: device; Type: TABLE; Schema: core

CREATE TABLE core.device (
    device_id bigint NOT NULL,
    listener_id bigint NOT NULL,
    name text NOT NULL,
    device_type text DEFAULT ''::text NOT NULL,
    spotify_id text,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT device_name_check CHECK ((name <> ''::text)),
    CONSTRAINT device_spotify_id_check CHECK ((spotify_id <> ''::text))
);

-- Name: TABLE device; Type: COMMENT; Schema: core

COMMENT ON TABLE core.device IS 'What a listener plays on.';

-- Name: COLUMN device.device_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.device.device_id IS 'Our number.';

-- Name: COLUMN device.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.device.listener_id IS 'Whose it is.';

-- Name: COLUMN device.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.device.name IS 'As Spotify or the export names it.';

-- Name: COLUMN device.device_type; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.device.device_type IS 'Computer, Smartphone, Speaker and so on; empty when the source does not tell.';

-- Name: COLUMN device.spotify_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.device.spotify_id IS 'Spotify''s identifier; it may change, so it is no key.';

-- Name: COLUMN device.first_seen_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.device.first_seen_at IS 'When it was first seen.';

-- Name: COLUMN device.last_seen_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.device.last_seen_at IS 'When it was last seen.';

-- Name: device_device_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.device ALTER COLUMN device_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.device_device_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: follow; Type: TABLE; Schema: core

CREATE TABLE core.follow (
    listener_id bigint NOT NULL,
    artist_id bigint NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone
);

-- Name: TABLE follow; Type: COMMENT; Schema: core

COMMENT ON TABLE core.follow IS 'Artists a listener follows.';

-- Name: COLUMN follow.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.follow.listener_id IS 'Who follows.';

-- Name: COLUMN follow.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.follow.artist_id IS 'Whom.';

-- Name: COLUMN follow.first_seen_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.follow.first_seen_at IS 'When it was first seen.';

-- Name: COLUMN follow.last_seen_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.follow.last_seen_at IS 'When it was last seen.';

-- Name: COLUMN follow.ended_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.follow.ended_at IS 'When it was first seen to be no more; NULL while it lasts.';

-- Name: genre; Type: TABLE; Schema: core

CREATE TABLE core.genre (
    genre_id smallint NOT NULL,
    name text NOT NULL,
    CONSTRAINT genre_name_check CHECK ((name <> ''::text))
);

-- Name: TABLE genre; Type: COMMENT; Schema: core

COMMENT ON TABLE core.genre IS 'Genres of playlists and of artists.';

-- Name: COLUMN genre.genre_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.genre.genre_id IS 'Our number.';

-- Name: COLUMN genre.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.genre.name IS 'As the source names it.';

-- Name: genre_genre_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.genre ALTER COLUMN genre_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.genre_genre_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: play; Type: TABLE; Schema: core

CREATE TABLE core.play (
    play_id bigint NOT NULL,
    listener_id bigint NOT NULL,
    track_id bigint NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    minute_seq smallint NOT NULL,
    ms_played integer NOT NULL,
    is_skip boolean GENERATED ALWAYS AS ((ms_played < 30000)) STORED NOT NULL,
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    item_no integer DEFAULT 0 NOT NULL,
    feed text DEFAULT 'basic'::text NOT NULL,
    time_precision text DEFAULT 'minute'::text NOT NULL,
    ms_is_estimated boolean DEFAULT false NOT NULL,
    context_type text,
    context_uri text,
    device_id bigint,
    CONSTRAINT play_context_has_type CHECK (((context_uri IS NULL) OR (context_type IS NOT NULL))),
    CONSTRAINT play_context_type_check CHECK ((context_type = ANY (ARRAY['album'::text, 'artist'::text, 'playlist'::text, 'collection'::text, 'show'::text]))),
    CONSTRAINT play_context_uri_check CHECK ((context_uri <> ''::text)),
    CONSTRAINT play_ends_as_precise CHECK ((ended_at = date_trunc(time_precision, ended_at, 'UTC'::text))),
    CONSTRAINT play_feed_check CHECK ((feed = ANY (ARRAY['basic'::text, 'extended'::text, 'api'::text]))),
    CONSTRAINT play_item_no_check CHECK ((item_no >= 0)),
    CONSTRAINT play_minute_seq_check CHECK ((minute_seq >= 1)),
    CONSTRAINT play_ms_played_check CHECK ((ms_played >= 0)),
    CONSTRAINT play_time_precision_check CHECK ((time_precision = ANY (ARRAY['minute'::text, 'second'::text, 'milliseconds'::text])))
);

-- Name: TABLE play; Type: COMMENT; Schema: core

COMMENT ON TABLE core.play IS 'Plays, one per raw row, or item of a page, that was accepted.';

-- Name: COLUMN play.play_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.play_id IS 'Our number.';

-- Name: COLUMN play.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.listener_id IS 'Who listened.';

-- Name: COLUMN play.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.track_id IS 'To what. For a duplicate by meaning see track.canonical_track_id.';

-- Name: COLUMN play.ended_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.ended_at IS 'When the play ended, UTC, as precise as the source tells.';

-- Name: COLUMN play.minute_seq; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.minute_seq IS 'Order of the plays that ended at the same known moment, from 1, as the source lists them.';

-- Name: COLUMN play.ms_played; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.ms_played IS 'How long it was heard, in milliseconds.';

-- Name: COLUMN play.is_skip; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.is_skip IS 'Heard for less than 30 seconds.';

-- Name: COLUMN play.batch_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.batch_id IS 'The file that said so first.';

-- Name: COLUMN play.row_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.row_no IS 'The row of that file.';

-- Name: COLUMN play.item_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.item_no IS 'The item of a page, from 1; 0 where the row itself is the play.';

-- Name: COLUMN play.feed; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.feed IS 'Which feed told of it first: basic or extended export, or api.';

-- Name: COLUMN play.time_precision; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.time_precision IS 'minute, second or milliseconds: how precisely the end is known.';

-- Name: COLUMN play.ms_is_estimated; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.ms_is_estimated IS 'The source does not say how long it was heard: ms_played is the length of the track then, or 30 s where that is not known either.';

-- Name: COLUMN play.context_type; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.context_type IS 'From where it was played; NULL when unknown or from none.';

-- Name: COLUMN play.context_uri; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.context_uri IS 'Spotify''s URI of that album, artist or playlist.';

-- Name: COLUMN play.device_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.device_id IS 'On what it was played; NULL when unknown.';

-- Name: listen; Type: VIEW; Schema: core

CREATE VIEW core.listen AS
 SELECT play_id,
    listener_id,
    track_id,
    ended_at,
    minute_seq,
    ms_played
   FROM core.play p
  WHERE ((ms_played >= 30000) AND (ms_played <= 3600000));

-- Name: VIEW listen; Type: COMMENT; Schema: core

COMMENT ON VIEW core.listen IS 'Plays that count as listening: 30 s to 60 min.';

-- Name: listener; Type: TABLE; Schema: core

CREATE TABLE core.listener (
    listener_id bigint NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    account_id text,
    country character(2),
    product text,
    time_zone core.time_zone DEFAULT 'UTC'::text NOT NULL,
    user_id text,
    CONSTRAINT listener_account_id_check CHECK ((account_id <> ''::text)),
    CONSTRAINT listener_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT listener_name_check CHECK ((name <> ''::text)),
    CONSTRAINT listener_product_check CHECK ((product <> ''::text)),
    CONSTRAINT listener_user_id_check CHECK ((user_id <> ''::text))
);

-- Name: TABLE listener; Type: COMMENT; Schema: core

COMMENT ON TABLE core.listener IS 'People whose histories were loaded.';

-- Name: COLUMN listener.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.listener_id IS 'Our number.';

-- Name: COLUMN listener.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.name IS 'The name the history was loaded under.';

-- Name: COLUMN listener.created_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.created_at IS 'When the row came to be.';

-- Name: COLUMN listener.updated_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.updated_at IS 'When the row last changed; kept by a trigger.';

-- Name: COLUMN listener.account_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.account_id IS 'Spotify''s stable identifier of the account; NULL until fetched.';

-- Name: COLUMN listener.country; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.country IS 'ISO 3166 code; NULL where Spotify does not tell.';

-- Name: COLUMN listener.product; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.product IS 'premium, free; NULL where Spotify does not tell.';

-- Name: COLUMN listener.time_zone; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.time_zone IS 'The zone their days and hours are reported in.';

-- Name: COLUMN listener.user_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener.user_id IS 'The name of the account by which playlists name their owner; NULL until fetched.';

-- Name: listener_listener_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.listener ALTER COLUMN listener_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.listener_listener_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: listener_login; Type: TABLE; Schema: core

CREATE TABLE core.listener_login (
    login name NOT NULL,
    listener_id bigint NOT NULL
);

-- Name: TABLE listener_login; Type: COMMENT; Schema: core

COMMENT ON TABLE core.listener_login IS 'Which login of the cluster is which listener; row policies look here. Written by the owner.';

-- Name: COLUMN listener_login.login; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener_login.login IS 'The role that logs in.';

-- Name: COLUMN listener_login.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.listener_login.listener_id IS 'Whose rows it sees.';

-- Name: play_play_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.play ALTER COLUMN play_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.play_play_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: playlist; Type: TABLE; Schema: core

CREATE TABLE core.playlist (
    playlist_id bigint NOT NULL,
    spotify_id text,
    name text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    owner_id bigint,
    description text,
    followers bigint,
    CONSTRAINT playlist_description_check CHECK ((description <> ''::text)),
    CONSTRAINT playlist_followers_check CHECK ((followers >= 0)),
    CONSTRAINT playlist_name_check CHECK ((name <> ''::text)),
    CONSTRAINT playlist_spotify_id_check CHECK ((spotify_id <> ''::text))
);

-- Name: TABLE playlist; Type: COMMENT; Schema: core

COMMENT ON TABLE core.playlist IS 'Playlists. Several share a name.';

-- Name: COLUMN playlist.playlist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.playlist_id IS 'Our number.';

-- Name: COLUMN playlist.spotify_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.spotify_id IS 'Spotify''s identifier; NULL when only the owner''s name for it is known.';

-- Name: COLUMN playlist.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.name IS 'NULL when the source did not know it.';

-- Name: COLUMN playlist.created_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.created_at IS 'When the row came to be.';

-- Name: COLUMN playlist.updated_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.updated_at IS 'When the row last changed; kept by a trigger.';

-- Name: COLUMN playlist.owner_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.owner_id IS 'The listener it belongs to; NULL for others'' playlists.';

-- Name: COLUMN playlist.description; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.description IS 'As its owner wrote it.';

-- Name: COLUMN playlist.followers; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.followers IS 'Followers; NULL where Spotify does not tell.';

-- Name: playlist_playlist_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.playlist ALTER COLUMN playlist_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.playlist_playlist_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: playlist_track; Type: TABLE; Schema: core

CREATE TABLE core.playlist_track (
    playlist_id bigint NOT NULL,
    track_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    item_no integer DEFAULT 0 NOT NULL,
    "position" integer,
    added_at timestamp with time zone,
    CONSTRAINT playlist_track_item_no_check CHECK ((item_no >= 0)),
    CONSTRAINT playlist_track_position_check CHECK (("position" >= 1))
);

-- Name: TABLE playlist_track; Type: COMMENT; Schema: core

COMMENT ON TABLE core.playlist_track IS 'Which tracks a playlist holds: one row per raw row, or item of a page, that was accepted.';

-- Name: COLUMN playlist_track.playlist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.playlist_id IS 'The playlist.';

-- Name: COLUMN playlist_track.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.track_id IS 'The track.';

-- Name: COLUMN playlist_track.batch_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.batch_id IS 'The file that said so first.';

-- Name: COLUMN playlist_track.row_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.row_no IS 'The row of that file.';

-- Name: COLUMN playlist_track.item_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.item_no IS 'The item of a page, from 1; 0 where the row itself is the listing.';

-- Name: COLUMN playlist_track."position"; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track."position" IS 'Place in the playlist, from 1; NULL when the source does not tell.';

-- Name: COLUMN playlist_track.added_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.added_at IS 'When it was added; NULL when the source does not tell.';

-- Name: playlist_track_subgenre; Type: TABLE; Schema: core

CREATE TABLE core.playlist_track_subgenre (
    playlist_id bigint NOT NULL,
    track_id bigint NOT NULL,
    subgenre_id smallint NOT NULL
);

-- Name: TABLE playlist_track_subgenre; Type: COMMENT; Schema: core

COMMENT ON TABLE core.playlist_track_subgenre IS 'Under which subgenres a playlist lists a track: usually one, for some playlists several.';

-- Name: COLUMN playlist_track_subgenre.playlist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track_subgenre.playlist_id IS 'The playlist.';

-- Name: COLUMN playlist_track_subgenre.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track_subgenre.track_id IS 'The track.';

-- Name: COLUMN playlist_track_subgenre.subgenre_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track_subgenre.subgenre_id IS 'The subgenre.';

-- Name: saved_album; Type: TABLE; Schema: core

CREATE TABLE core.saved_album (
    listener_id bigint NOT NULL,
    album_id bigint NOT NULL,
    added_at timestamp with time zone
);

-- Name: TABLE saved_album; Type: COMMENT; Schema: core

COMMENT ON TABLE core.saved_album IS 'Albums in a listener''s library.';

-- Name: COLUMN saved_album.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.saved_album.listener_id IS 'Whose library.';

-- Name: COLUMN saved_album.album_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.saved_album.album_id IS 'The album.';

-- Name: COLUMN saved_album.added_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.saved_album.added_at IS 'When it was saved; NULL when the source does not tell.';

-- Name: saved_track; Type: TABLE; Schema: core

CREATE TABLE core.saved_track (
    listener_id bigint NOT NULL,
    track_id bigint NOT NULL,
    added_at timestamp with time zone
);

-- Name: TABLE saved_track; Type: COMMENT; Schema: core

COMMENT ON TABLE core.saved_track IS 'Tracks in a listener''s library.';

-- Name: COLUMN saved_track.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.saved_track.listener_id IS 'Whose library.';

-- Name: COLUMN saved_track.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.saved_track.track_id IS 'The track.';

-- Name: COLUMN saved_track.added_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.saved_track.added_at IS 'When it was saved; NULL when the source does not tell.';

-- Name: subgenre; Type: TABLE; Schema: core

CREATE TABLE core.subgenre (
    subgenre_id smallint NOT NULL,
    genre_id smallint NOT NULL,
    name text NOT NULL,
    CONSTRAINT subgenre_name_check CHECK ((name <> ''::text))
);

-- Name: TABLE subgenre; Type: COMMENT; Schema: core

COMMENT ON TABLE core.subgenre IS 'Subgenres; each belongs to one genre.';

-- Name: COLUMN subgenre.subgenre_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.subgenre.subgenre_id IS 'Our number.';

-- Name: COLUMN subgenre.genre_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.subgenre.genre_id IS 'The genre it is part of.';

-- Name: COLUMN subgenre.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.subgenre.name IS 'As the source names it.';

-- Name: subgenre_subgenre_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.subgenre ALTER COLUMN subgenre_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.subgenre_subgenre_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: top_list; Type: TABLE; Schema: core

CREATE TABLE core.top_list (
    top_list_id bigint NOT NULL,
    listener_id bigint NOT NULL,
    kind text NOT NULL,
    time_range text NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    CONSTRAINT top_list_kind_check CHECK ((kind = ANY (ARRAY['artists'::text, 'tracks'::text]))),
    CONSTRAINT top_list_time_range_check CHECK ((time_range = ANY (ARRAY['short_term'::text, 'medium_term'::text, 'long_term'::text])))
);

-- Name: TABLE top_list; Type: COMMENT; Schema: core

COMMENT ON TABLE core.top_list IS 'A listener''s top list as Spotify gave it at one time; each time taken stays.';

-- Name: COLUMN top_list.top_list_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list.top_list_id IS 'Our number.';

-- Name: COLUMN top_list.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list.listener_id IS 'Whose list.';

-- Name: COLUMN top_list.kind; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list.kind IS 'artists or tracks.';

-- Name: COLUMN top_list.time_range; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list.time_range IS 'short_term about 4 weeks, medium_term about 6 months, long_term about a year.';

-- Name: COLUMN top_list.taken_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list.taken_at IS 'When it was taken.';

-- Name: top_list_artist; Type: TABLE; Schema: core

CREATE TABLE core.top_list_artist (
    top_list_id bigint NOT NULL,
    rank smallint NOT NULL,
    artist_id bigint NOT NULL,
    CONSTRAINT top_list_artist_rank_check CHECK ((rank >= 1))
);

-- Name: TABLE top_list_artist; Type: COMMENT; Schema: core

COMMENT ON TABLE core.top_list_artist IS 'The artists of a top list.';

-- Name: COLUMN top_list_artist.top_list_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list_artist.top_list_id IS 'The list.';

-- Name: COLUMN top_list_artist.rank; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list_artist.rank IS '1 is the first.';

-- Name: COLUMN top_list_artist.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list_artist.artist_id IS 'The artist.';

-- Name: top_list_top_list_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.top_list ALTER COLUMN top_list_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.top_list_top_list_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: top_list_track; Type: TABLE; Schema: core

CREATE TABLE core.top_list_track (
    top_list_id bigint NOT NULL,
    rank smallint NOT NULL,
    track_id bigint NOT NULL,
    CONSTRAINT top_list_track_rank_check CHECK ((rank >= 1))
);

-- Name: TABLE top_list_track; Type: COMMENT; Schema: core

COMMENT ON TABLE core.top_list_track IS 'The tracks of a top list.';

-- Name: COLUMN top_list_track.top_list_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list_track.top_list_id IS 'The list.';

-- Name: COLUMN top_list_track.rank; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list_track.rank IS '1 is the first.';

-- Name: COLUMN top_list_track.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.top_list_track.track_id IS 'The track.';

-- Name: track_meaning; Type: VIEW; Schema: core

CREATE VIEW core.track_meaning AS
 SELECT t.track_id,
    t.spotify_id,
    t.popularity,
    quality.b13_fold(t.name) AS name_folded,
    quality.b13_fold(a.name) AS artist_folded
   FROM ((core.track t
     LEFT JOIN core.track_artist ta ON (((ta.track_id = t.track_id) AND (ta."position" = 1))))
     LEFT JOIN core.artist a ON ((a.artist_id = ta.artist_id)));

-- Name: VIEW track_meaning; Type: COMMENT; Schema: core

COMMENT ON VIEW core.track_meaning IS 'What rule B13 compares: tracks whose folded name and first artist are equal mean the same.';

-- Name: track_play_count; Type: TABLE; Schema: core

CREATE TABLE core.track_play_count (
    track_id bigint NOT NULL,
    plays bigint NOT NULL,
    ms_played bigint NOT NULL,
    CONSTRAINT track_play_count_ms_played_check CHECK ((ms_played >= 0)),
    CONSTRAINT track_play_count_plays_check CHECK ((plays >= 0))
);

-- Name: TABLE track_play_count; Type: COMMENT; Schema: core

COMMENT ON TABLE core.track_play_count IS 'Plays per track, kept by triggers on core.play.';

-- Name: COLUMN track_play_count.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_play_count.track_id IS 'The track.';

-- Name: COLUMN track_play_count.plays; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_play_count.plays IS 'Number of plays, skips included.';

-- Name: COLUMN track_play_count.ms_played; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_play_count.ms_played IS 'Time heard, in milliseconds.';

-- Name: track_spelling; Type: TABLE; Schema: core

CREATE TABLE core.track_spelling (
    artist_name text NOT NULL,
    track_name text NOT NULL,
    track_id bigint NOT NULL
);

-- Name: TABLE track_spelling; Type: COMMENT; Schema: core

COMMENT ON TABLE core.track_spelling IS 'How histories, which give no identifiers, name a track.';

-- Name: COLUMN track_spelling.artist_name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_spelling.artist_name IS 'As written, outer blanks removed.';

-- Name: COLUMN track_spelling.track_name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_spelling.track_name IS 'As written, outer blanks removed.';

-- Name: COLUMN track_spelling.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.track_spelling.track_id IS 'The track that is meant.';

-- Name: track_track_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.track ALTER COLUMN track_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.track_track_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: album_wanted; Type: VIEW; Schema: mart

CREATE VIEW mart.album_wanted AS
 SELECT a.album_id,
    a.name,
    a.spotify_id,
    a.release_date,
    a.release_date_precision,
    a.total_tracks,
    COALESCE(first.artist_id, a.named_artist_id) AS artist_id
   FROM (core.album a
     LEFT JOIN core.album_artist first ON (((first.album_id = a.album_id) AND (first."position" = 1))));

-- Name: VIEW album_wanted; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.album_wanted IS 'What mart.dim_album should hold.';

-- Name: artist_details; Type: VIEW; Schema: mart

CREATE VIEW mart.artist_details AS
 SELECT a.artist_id,
    a.name AS artist_name,
    a.popularity,
    a.followers,
    a.image_url,
    v.cover_id
   FROM (core.artist a
     LEFT JOIN core.cover v ON (((v.artist_id = a.artist_id) AND (v.image IS NOT NULL))));

-- Name: VIEW artist_details; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.artist_details IS 'Artists with popularity, followers and picture, where Spotify tells.';

-- Name: COLUMN artist_details.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_details.artist_id IS 'The artist.';

-- Name: COLUMN artist_details.artist_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_details.artist_name IS 'Name.';

-- Name: COLUMN artist_details.popularity; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_details.popularity IS '0 to 100; NULL where Spotify does not tell.';

-- Name: COLUMN artist_details.followers; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_details.followers IS 'Followers on Spotify; NULL where Spotify does not tell.';

-- Name: COLUMN artist_details.image_url; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_details.image_url IS 'Where Spotify keeps a picture.';

-- Name: COLUMN artist_details.cover_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_details.cover_id IS 'The stored picture; NULL where there is none.';

-- Name: artist_play_summary; Type: TABLE; Schema: mart

CREATE TABLE mart.artist_play_summary (
    artist_id bigint NOT NULL,
    plays bigint NOT NULL,
    listens bigint NOT NULL,
    ms_played bigint NOT NULL,
    first_played_at timestamp with time zone NOT NULL,
    last_played_at timestamp with time zone NOT NULL,
    CONSTRAINT artist_play_summary_check CHECK ((plays >= listens)),
    CONSTRAINT artist_play_summary_listens_check CHECK ((listens >= 0)),
    CONSTRAINT artist_play_summary_ms_played_check CHECK ((ms_played >= 0))
);

-- Name: TABLE artist_play_summary; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.artist_play_summary IS 'Plays by artist; a play of several artists counts for each.';

-- Name: COLUMN artist_play_summary.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_play_summary.artist_id IS 'The artist.';

-- Name: COLUMN artist_play_summary.plays; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_play_summary.plays IS 'All plays.';

-- Name: COLUMN artist_play_summary.listens; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_play_summary.listens IS 'Plays of 30 s to 60 min.';

-- Name: COLUMN artist_play_summary.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_play_summary.ms_played IS 'Time heard, in milliseconds, of all plays.';

-- Name: COLUMN artist_play_summary.first_played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_play_summary.first_played_at IS 'End of the first play.';

-- Name: COLUMN artist_play_summary.last_played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_play_summary.last_played_at IS 'End of the last play.';

-- Name: artist_top_tracks; Type: VIEW; Schema: mart

CREATE VIEW mart.artist_top_tracks AS
 SELECT t.artist_id,
    a.name AS artist_name,
    t.taken_at,
    t.rank,
    t.track_id,
    k.name AS track_name
   FROM ((core.artist_top_track t
     JOIN core.artist a ON ((a.artist_id = t.artist_id)))
     JOIN core.track k ON ((k.track_id = t.track_id)));

-- Name: VIEW artist_top_tracks; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.artist_top_tracks IS 'An artist''s best known tracks, one row each with its rank.';

-- Name: COLUMN artist_top_tracks.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_top_tracks.artist_id IS 'The artist.';

-- Name: COLUMN artist_top_tracks.artist_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_top_tracks.artist_name IS 'Name.';

-- Name: COLUMN artist_top_tracks.taken_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_top_tracks.taken_at IS 'When the list was taken.';

-- Name: COLUMN artist_top_tracks.rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_top_tracks.rank IS '1 is the first.';

-- Name: COLUMN artist_top_tracks.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_top_tracks.track_id IS 'The track.';

-- Name: COLUMN artist_top_tracks.track_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_top_tracks.track_name IS 'Its name.';

-- Name: artist_wanted; Type: VIEW; Schema: mart

CREATE VIEW mart.artist_wanted AS
 SELECT artist_id,
    name,
    spotify_id,
    popularity,
    followers
   FROM core.artist a;

-- Name: VIEW artist_wanted; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.artist_wanted IS 'What mart.dim_artist should hold.';

-- Name: artist_work; Type: TABLE; Schema: mart

CREATE UNLOGGED TABLE mart.artist_work (
    artist_id bigint NOT NULL
);

-- Name: TABLE artist_work; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.artist_work IS 'Artists who lost a track in a refresh; empty between runs.';

-- Name: COLUMN artist_work.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.artist_work.artist_id IS 'The artist.';

-- Name: fact_play; Type: TABLE; Schema: mart

CREATE TABLE mart.fact_play (
    play_id bigint NOT NULL,
    listener_id bigint NOT NULL,
    track_id bigint NOT NULL,
    artist_id bigint,
    album_id bigint,
    date_id integer NOT NULL,
    time_id smallint NOT NULL,
    source_id smallint NOT NULL,
    played_at timestamp with time zone NOT NULL,
    ms_played integer NOT NULL,
    is_listen boolean NOT NULL,
    explicit boolean
);

-- Name: TABLE fact_play; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.fact_play IS 'Plays: one row each, as many as core.play has.';

-- Name: COLUMN fact_play.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.play_id IS 'As in core.';

-- Name: COLUMN fact_play.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.listener_id IS 'Who listened.';

-- Name: COLUMN fact_play.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.track_id IS 'To what.';

-- Name: COLUMN fact_play.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.artist_id IS 'First artist of the track; all of them by bridge_track_artist.';

-- Name: COLUMN fact_play.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.album_id IS 'Album of the track.';

-- Name: COLUMN fact_play.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.date_id IS 'The day it ended, in the listener''s zone.';

-- Name: COLUMN fact_play.time_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.time_id IS 'The hour it ended, in the listener''s zone.';

-- Name: COLUMN fact_play.source_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.source_id IS 'From where it was played.';

-- Name: COLUMN fact_play.played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.played_at IS 'When it ended.';

-- Name: COLUMN fact_play.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.ms_played IS 'How long it was heard, in milliseconds.';

-- Name: COLUMN fact_play.is_listen; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.is_listen IS 'Heard for 30 s to 60 min: what reports count as a play.';

-- Name: COLUMN fact_play.explicit; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.fact_play.explicit IS 'The track is marked as explicit, where known.';

-- Name: quarantine; Type: TABLE; Schema: quality

CREATE TABLE quality.quarantine (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    rule_id text NOT NULL,
    reason text NOT NULL,
    raw_row jsonb NOT NULL,
    run_id bigint NOT NULL,
    quarantined_at timestamp with time zone DEFAULT now() NOT NULL,
    item_no integer DEFAULT 0 NOT NULL,
    CONSTRAINT quarantine_item_no_check CHECK ((item_no >= 0)),
    CONSTRAINT quarantine_reason_check CHECK ((reason <> ''::text))
);

-- Name: TABLE quarantine; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.quarantine IS 'Refused rows, and refused items of pages: one each, with the first rule that refused it.';

-- Name: COLUMN quarantine.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN quarantine.row_no; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.row_no IS 'The row in the file.';

-- Name: COLUMN quarantine.rule_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.rule_id IS 'The rule that refused it.';

-- Name: COLUMN quarantine.reason; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.reason IS 'What was wrong, with the value.';

-- Name: COLUMN quarantine.raw_row; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.raw_row IS 'The row as received.';

-- Name: COLUMN quarantine.run_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.run_id IS 'The run that refused it.';

-- Name: COLUMN quarantine.quarantined_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.quarantined_at IS 'When.';

-- Name: COLUMN quarantine.item_no; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.quarantine.item_no IS 'The item of a page, from 1; 0 where the whole row, or page, is refused.';

-- Name: run; Type: TABLE; Schema: quality

CREATE TABLE quality.run (
    run_id bigint NOT NULL,
    step text NOT NULL,
    batch_id bigint,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    rows_in bigint,
    rows_out bigint,
    rows_rejected bigint,
    error text,
    started_by text DEFAULT SESSION_USER,
    CONSTRAINT run_adds_up CHECK ((rows_in = (rows_out + rows_rejected))),
    CONSTRAINT run_rows_in_check CHECK ((rows_in >= 0)),
    CONSTRAINT run_rows_out_check CHECK ((rows_out >= 0)),
    CONSTRAINT run_rows_rejected_check CHECK ((rows_rejected >= 0))
);

-- Name: TABLE run; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.run IS 'One execution of a load step.';

-- Name: COLUMN run.run_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.run_id IS 'Number of the execution.';

-- Name: COLUMN run.step; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.step IS 'The procedure.';

-- Name: COLUMN run.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.batch_id IS 'The batch it cleansed, where the step works on one.';

-- Name: COLUMN run.started_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.started_at IS 'When it began.';

-- Name: COLUMN run.finished_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.finished_at IS 'When it ended, well or not; NULL while it runs.';

-- Name: COLUMN run.rows_in; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.rows_in IS 'Rows it looked at that no earlier run had disposed of.';

-- Name: COLUMN run.rows_out; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.rows_out IS 'Rows that became facts.';

-- Name: COLUMN run.rows_rejected; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.rows_rejected IS 'Rows it put into quarantine.';

-- Name: COLUMN run.error; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.error IS 'Why it failed; nothing of a failed run stays but this row.';

-- Name: COLUMN run.started_by; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.run.started_by IS 'The role that had logged in; NULL for runs of before this was noted.';

-- Name: basis; Type: VIEW; Schema: mart

CREATE VIEW mart.basis AS
 SELECT played.plays,
    played.listens,
    played.listeners,
    played.first_played_at,
    played.last_played_at,
    ( SELECT max(r.finished_at) AS max
           FROM quality.run r
          WHERE ((r.step = ANY (ARRAY['mart.refresh'::text, 'mart.rebuild'::text])) AND (r.error IS NULL))) AS refreshed_at,
    landed.files,
    landed.rows_received,
    landed.last_received_at,
    ( SELECT count(*) AS count
           FROM quality.quarantine) AS rows_rejected
   FROM (( SELECT count(*) AS plays,
            count(*) FILTER (WHERE p.is_listen) AS listens,
            count(DISTINCT p.listener_id) AS listeners,
            min(p.played_at) AS first_played_at,
            max(p.played_at) AS last_played_at
           FROM mart.fact_play p) played
     CROSS JOIN ( SELECT count(*) AS files,
            (COALESCE(sum(b.row_count), (0)::numeric))::bigint AS rows_received,
            max(b.received_at) AS last_received_at
           FROM raw.batch b) landed);

-- Name: VIEW basis; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.basis IS 'What the figures of the marts rest on: plays, from when to when, last refresh, files and rows received, rows refused.';

-- Name: COLUMN basis.plays; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.plays IS 'Plays in the marts, short and long ones too.';

-- Name: COLUMN basis.listens; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.listens IS 'Of them plays of 30 s to 60 min, which reports count.';

-- Name: COLUMN basis.listeners; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.listeners IS 'Listeners who have plays.';

-- Name: COLUMN basis.first_played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.first_played_at IS 'When the first ended.';

-- Name: COLUMN basis.last_played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.last_played_at IS 'When the last ended.';

-- Name: COLUMN basis.refreshed_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.refreshed_at IS 'When the marts were last refreshed or rebuilt without a failure.';

-- Name: COLUMN basis.files; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.files IS 'Files and pages that were received.';

-- Name: COLUMN basis.rows_received; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.rows_received IS 'Rows in them.';

-- Name: COLUMN basis.last_received_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.last_received_at IS 'When the last came.';

-- Name: COLUMN basis.rows_rejected; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.basis.rows_rejected IS 'Rows that a rule refused.';

-- Name: dim_album; Type: TABLE; Schema: mart

CREATE TABLE mart.dim_album (
    album_id bigint NOT NULL,
    name text,
    spotify_id text,
    release_date date,
    release_date_precision text,
    total_tracks smallint,
    artist_id bigint
);

-- Name: TABLE dim_album; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.dim_album IS 'Albums.';

-- Name: COLUMN dim_album.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_album.album_id IS 'As in core.';

-- Name: COLUMN dim_album.name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_album.name IS 'Name, where known.';

-- Name: COLUMN dim_album.spotify_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_album.spotify_id IS 'Spotify''s identifier, where known.';

-- Name: COLUMN dim_album.release_date; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_album.release_date IS 'First day of what is known.';

-- Name: COLUMN dim_album.release_date_precision; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_album.release_date_precision IS 'year, month or day.';

-- Name: COLUMN dim_album.total_tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_album.total_tracks IS 'How many tracks it has, where known.';

-- Name: COLUMN dim_album.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_album.artist_id IS 'Its first artist, where known.';

-- Name: bi_album; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_album AS
 SELECT album_id,
    name AS album,
    artist_id,
    release_date,
    release_date_precision,
    total_tracks,
    spotify_id
   FROM mart.dim_album b;

-- Name: VIEW bi_album; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_album IS 'Dimension: albums.';

-- Name: COLUMN bi_album.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_album.album_id IS 'Key.';

-- Name: COLUMN bi_album.album; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_album.album IS 'Name; NULL where unknown.';

-- Name: COLUMN bi_album.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_album.artist_id IS 'Its first artist: to bi_artist; NULL where unknown.';

-- Name: COLUMN bi_album.release_date; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_album.release_date IS 'First day of what is known.';

-- Name: COLUMN bi_album.release_date_precision; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_album.release_date_precision IS 'year, month or day: how much of the date is known.';

-- Name: COLUMN bi_album.total_tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_album.total_tracks IS 'How many tracks it has; NULL where unknown.';

-- Name: COLUMN bi_album.spotify_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_album.spotify_id IS 'Spotify''s identifier; NULL where unknown.';

-- Name: dim_artist; Type: TABLE; Schema: mart

CREATE TABLE mart.dim_artist (
    artist_id bigint NOT NULL,
    name text NOT NULL,
    spotify_id text,
    popularity smallint,
    followers bigint
);

-- Name: TABLE dim_artist; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.dim_artist IS 'Artists.';

-- Name: COLUMN dim_artist.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_artist.artist_id IS 'As in core.';

-- Name: COLUMN dim_artist.name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_artist.name IS 'Name.';

-- Name: COLUMN dim_artist.spotify_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_artist.spotify_id IS 'Spotify''s identifier, where known.';

-- Name: COLUMN dim_artist.popularity; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_artist.popularity IS '0 to 100, where Spotify tells.';

-- Name: COLUMN dim_artist.followers; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_artist.followers IS 'Followers, where Spotify tells.';

-- Name: bi_artist; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_artist AS
 SELECT artist_id,
    name AS artist,
    spotify_id
   FROM mart.dim_artist a;

-- Name: VIEW bi_artist; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_artist IS 'Dimension: artists.';

-- Name: COLUMN bi_artist.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist.artist_id IS 'Key.';

-- Name: COLUMN bi_artist.artist; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist.artist IS 'Name.';

-- Name: COLUMN bi_artist.spotify_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist.spotify_id IS 'Spotify''s identifier; NULL where unknown.';

-- Name: bi_artist_summary; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_artist_summary AS
 SELECT s.artist_id,
    a.name AS artist,
    s.plays,
    s.listens,
    s.ms_played,
    s.first_played_at,
    s.last_played_at
   FROM (mart.artist_play_summary s
     JOIN mart.dim_artist a ON ((a.artist_id = s.artist_id)));

-- Name: VIEW bi_artist_summary; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_artist_summary IS 'Plays by artist, already summed; a play of several artists counts for each.';

-- Name: COLUMN bi_artist_summary.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist_summary.artist_id IS 'To bi_artist.';

-- Name: COLUMN bi_artist_summary.artist; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist_summary.artist IS 'Name.';

-- Name: COLUMN bi_artist_summary.plays; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist_summary.plays IS 'All plays.';

-- Name: COLUMN bi_artist_summary.listens; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist_summary.listens IS 'Plays of 30 s to 60 min.';

-- Name: COLUMN bi_artist_summary.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist_summary.ms_played IS 'Time heard, in milliseconds, of all plays.';

-- Name: COLUMN bi_artist_summary.first_played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist_summary.first_played_at IS 'End of the first play.';

-- Name: COLUMN bi_artist_summary.last_played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_artist_summary.last_played_at IS 'End of the last play.';

-- Name: dim_date; Type: TABLE; Schema: mart

CREATE TABLE mart.dim_date (
    date_id integer NOT NULL,
    day date NOT NULL,
    year smallint NOT NULL,
    quarter smallint NOT NULL,
    month smallint NOT NULL,
    month_name text NOT NULL,
    month_start date NOT NULL,
    day_of_month smallint NOT NULL,
    iso_year smallint NOT NULL,
    iso_week smallint NOT NULL,
    week_start date NOT NULL,
    day_of_week smallint NOT NULL,
    day_name text NOT NULL,
    is_weekend boolean NOT NULL,
    CONSTRAINT dim_date_day_of_month_check CHECK (((day_of_month >= 1) AND (day_of_month <= 31))),
    CONSTRAINT dim_date_day_of_week_check CHECK (((day_of_week >= 1) AND (day_of_week <= 7))),
    CONSTRAINT dim_date_iso_week_check CHECK (((iso_week >= 1) AND (iso_week <= 53))),
    CONSTRAINT dim_date_month_check CHECK (((month >= 1) AND (month <= 12))),
    CONSTRAINT dim_date_quarter_check CHECK (((quarter >= 1) AND (quarter <= 4)))
);

-- Name: TABLE dim_date; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.dim_date IS 'Days, one row each, from the first play to the last.';

-- Name: COLUMN dim_date.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.date_id IS 'The day as YYYYMMDD.';

-- Name: COLUMN dim_date.day; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.day IS 'The day.';

-- Name: COLUMN dim_date.year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.year IS 'Calendar year.';

-- Name: COLUMN dim_date.quarter; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.quarter IS '1 to 4.';

-- Name: COLUMN dim_date.month; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.month IS '1 to 12.';

-- Name: COLUMN dim_date.month_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.month_name IS 'In English.';

-- Name: COLUMN dim_date.month_start; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.month_start IS 'First day of the month.';

-- Name: COLUMN dim_date.day_of_month; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.day_of_month IS '1 to 31.';

-- Name: COLUMN dim_date.iso_year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.iso_year IS 'The year the ISO week belongs to.';

-- Name: COLUMN dim_date.iso_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.iso_week IS 'ISO week, 1 to 53.';

-- Name: COLUMN dim_date.week_start; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.week_start IS 'Monday of the week.';

-- Name: COLUMN dim_date.day_of_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.day_of_week IS '1 is Monday, 7 Sunday.';

-- Name: COLUMN dim_date.day_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.day_name IS 'In English.';

-- Name: COLUMN dim_date.is_weekend; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_date.is_weekend IS 'Saturday or Sunday.';

-- Name: bi_date; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_date AS
 SELECT date_id,
    day,
    year,
    quarter,
    month,
    month_name,
    month_start,
    day_of_month,
    iso_year,
    iso_week,
    week_start,
    day_of_week,
    day_name,
    is_weekend
   FROM mart.dim_date d;

-- Name: VIEW bi_date; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_date IS 'Dimension: days, without gaps: mark it as the date table, by day.';

-- Name: COLUMN bi_date.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.date_id IS 'Key: YYYYMMDD.';

-- Name: COLUMN bi_date.day; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.day IS 'The day.';

-- Name: COLUMN bi_date.year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.year IS 'Calendar year.';

-- Name: COLUMN bi_date.quarter; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.quarter IS '1 to 4.';

-- Name: COLUMN bi_date.month; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.month IS '1 to 12: sort month_name by it.';

-- Name: COLUMN bi_date.month_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.month_name IS 'In English.';

-- Name: COLUMN bi_date.month_start; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.month_start IS 'First day of the month.';

-- Name: COLUMN bi_date.day_of_month; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.day_of_month IS '1 to 31.';

-- Name: COLUMN bi_date.iso_year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.iso_year IS 'The year the ISO week belongs to.';

-- Name: COLUMN bi_date.iso_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.iso_week IS 'ISO week, 1 to 53: never without iso_year.';

-- Name: COLUMN bi_date.week_start; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.week_start IS 'Monday of the week.';

-- Name: COLUMN bi_date.day_of_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.day_of_week IS '1 is Monday: sort day_name by it.';

-- Name: COLUMN bi_date.day_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.day_name IS 'In English.';

-- Name: COLUMN bi_date.is_weekend; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_date.is_weekend IS 'Saturday or Sunday.';

-- Name: daily_summary; Type: TABLE; Schema: mart

CREATE TABLE mart.daily_summary (
    date_id integer NOT NULL,
    plays bigint NOT NULL,
    listens bigint NOT NULL,
    ms_played bigint NOT NULL,
    tracks bigint NOT NULL,
    listeners bigint NOT NULL,
    CONSTRAINT daily_summary_check CHECK ((plays >= listens)),
    CONSTRAINT daily_summary_listens_check CHECK ((listens >= 0)),
    CONSTRAINT daily_summary_ms_played_check CHECK ((ms_played >= 0))
);

-- Name: TABLE daily_summary; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.daily_summary IS 'Plays by day, in the listeners'' zones.';

-- Name: COLUMN daily_summary.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.daily_summary.date_id IS 'The day.';

-- Name: COLUMN daily_summary.plays; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.daily_summary.plays IS 'All plays.';

-- Name: COLUMN daily_summary.listens; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.daily_summary.listens IS 'Plays of 30 s to 60 min.';

-- Name: COLUMN daily_summary.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.daily_summary.ms_played IS 'Time heard, in milliseconds, of all plays.';

-- Name: COLUMN daily_summary.tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.daily_summary.tracks IS 'Different tracks.';

-- Name: COLUMN daily_summary.listeners; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.daily_summary.listeners IS 'Different listeners.';

-- Name: bi_day_summary; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_day_summary AS
 SELECT s.date_id,
    d.day,
    s.plays,
    s.listens,
    s.ms_played,
    s.tracks,
    s.listeners
   FROM (mart.daily_summary s
     JOIN mart.dim_date d ON ((d.date_id = s.date_id)));

-- Name: VIEW bi_day_summary; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_day_summary IS 'Plays by day, already summed.';

-- Name: COLUMN bi_day_summary.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_day_summary.date_id IS 'To bi_date.';

-- Name: COLUMN bi_day_summary.day; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_day_summary.day IS 'The day, in the listeners'' zones.';

-- Name: COLUMN bi_day_summary.plays; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_day_summary.plays IS 'All plays.';

-- Name: COLUMN bi_day_summary.listens; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_day_summary.listens IS 'Plays of 30 s to 60 min.';

-- Name: COLUMN bi_day_summary.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_day_summary.ms_played IS 'Time heard, in milliseconds, of all plays.';

-- Name: COLUMN bi_day_summary.tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_day_summary.tracks IS 'Different tracks.';

-- Name: COLUMN bi_day_summary.listeners; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_day_summary.listeners IS 'Different listeners.';

-- Name: dim_listener; Type: TABLE; Schema: mart

CREATE TABLE mart.dim_listener (
    listener_id bigint NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL
);

-- Name: TABLE dim_listener; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.dim_listener IS 'Listeners.';

-- Name: COLUMN dim_listener.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_listener.listener_id IS 'As in core.';

-- Name: COLUMN dim_listener.name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_listener.name IS 'The name the history was loaded under.';

-- Name: COLUMN dim_listener.time_zone; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_listener.time_zone IS 'The zone of date_id and time_id of their plays.';

-- Name: bi_listener; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_listener AS
 SELECT listener_id,
    name AS listener,
    time_zone
   FROM mart.dim_listener l;

-- Name: VIEW bi_listener; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_listener IS 'Dimension: listeners.';

-- Name: COLUMN bi_listener.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_listener.listener_id IS 'Key.';

-- Name: COLUMN bi_listener.listener; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_listener.listener IS 'The name the history was loaded under.';

-- Name: COLUMN bi_listener.time_zone; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_listener.time_zone IS 'The zone of their days and hours.';

-- Name: bi_play; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_play AS
 SELECT play_id,
    listener_id,
    track_id,
    artist_id,
    album_id,
    date_id,
    time_id,
    source_id,
    played_at,
    ms_played,
    round(((ms_played)::numeric / 60000.0), 3) AS minutes_played,
    is_listen,
    explicit
   FROM mart.fact_play p;

-- Name: VIEW bi_play; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_play IS 'Fact: one row each play. Reports count those with is_listen.';

-- Name: COLUMN bi_play.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.play_id IS 'Key.';

-- Name: COLUMN bi_play.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.listener_id IS 'To bi_listener.';

-- Name: COLUMN bi_play.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.track_id IS 'To bi_track.';

-- Name: COLUMN bi_play.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.artist_id IS 'First artist of the track: to bi_artist; all of them by bi_track_artist.';

-- Name: COLUMN bi_play.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.album_id IS 'To bi_album; NULL where unknown.';

-- Name: COLUMN bi_play.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.date_id IS 'The day it ended, in the listener''s zone: to bi_date.';

-- Name: COLUMN bi_play.time_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.time_id IS 'The hour it ended, in the listener''s zone: to bi_time.';

-- Name: COLUMN bi_play.source_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.source_id IS 'To bi_source.';

-- Name: COLUMN bi_play.played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.played_at IS 'When it ended, an instant.';

-- Name: COLUMN bi_play.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.ms_played IS 'How long it was heard, in milliseconds.';

-- Name: COLUMN bi_play.minutes_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.minutes_played IS 'The same in minutes.';

-- Name: COLUMN bi_play.is_listen; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.is_listen IS 'Heard for 30 s to 60 min: what reports count as a play.';

-- Name: COLUMN bi_play.explicit; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_play.explicit IS 'The track is marked as explicit; NULL where unknown.';

-- Name: dim_source; Type: TABLE; Schema: mart

CREATE TABLE mart.dim_source (
    source_id smallint NOT NULL,
    context_type text,
    name text NOT NULL
);

-- Name: TABLE dim_source; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.dim_source IS 'From where songs are played.';

-- Name: COLUMN dim_source.source_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_source.source_id IS 'Our number.';

-- Name: COLUMN dim_source.context_type; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_source.context_type IS 'As core.play has it; NULL when unknown or from none.';

-- Name: COLUMN dim_source.name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_source.name IS 'What reports call it.';

-- Name: bi_source; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_source AS
 SELECT source_id,
    name AS source
   FROM mart.dim_source s;

-- Name: VIEW bi_source; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_source IS 'Dimension: from where songs are played.';

-- Name: COLUMN bi_source.source_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_source.source_id IS 'Key.';

-- Name: COLUMN bi_source.source; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_source.source IS 'album, artist, playlist, collection, show, or Outside Playlist.';

-- Name: dim_time; Type: TABLE; Schema: mart

CREATE TABLE mart.dim_time (
    time_id smallint NOT NULL,
    part_of_day text NOT NULL,
    CONSTRAINT dim_time_part_of_day_check CHECK ((part_of_day = ANY (ARRAY['Night'::text, 'Morning'::text, 'Afternoon'::text, 'Evening'::text]))),
    CONSTRAINT dim_time_time_id_check CHECK (((time_id >= 0) AND (time_id <= 23)))
);

-- Name: TABLE dim_time; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.dim_time IS 'Hours of the day.';

-- Name: COLUMN dim_time.time_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_time.time_id IS 'The hour, 0 to 23.';

-- Name: COLUMN dim_time.part_of_day; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_time.part_of_day IS 'Night to 5, Morning to 11, Afternoon to 17, Evening to 23.';

-- Name: bi_time; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_time AS
 SELECT time_id,
    part_of_day
   FROM mart.dim_time t;

-- Name: VIEW bi_time; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_time IS 'Dimension: hours of the day.';

-- Name: COLUMN bi_time.time_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_time.time_id IS 'Key: the hour, 0 to 23.';

-- Name: COLUMN bi_time.part_of_day; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_time.part_of_day IS 'Night to 5, Morning to 11, Afternoon to 17, Evening to 23.';

-- Name: dim_track; Type: TABLE; Schema: mart

CREATE TABLE mart.dim_track (
    track_id bigint NOT NULL,
    song_id bigint NOT NULL,
    name text,
    spotify_id text,
    album_id bigint,
    artist_id bigint,
    duration_ms integer,
    popularity smallint,
    explicit boolean,
    track_number smallint
);

-- Name: TABLE dim_track; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.dim_track IS 'Tracks.';

-- Name: COLUMN dim_track.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.track_id IS 'As in core.';

-- Name: COLUMN dim_track.song_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.song_id IS 'The track that stands for it: tracks of the same name and artist have the same.';

-- Name: COLUMN dim_track.name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.name IS 'Name, where known.';

-- Name: COLUMN dim_track.spotify_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.spotify_id IS 'Spotify''s identifier, where known.';

-- Name: COLUMN dim_track.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.album_id IS 'Its album, where known.';

-- Name: COLUMN dim_track.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.artist_id IS 'Its first artist, where known.';

-- Name: COLUMN dim_track.duration_ms; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.duration_ms IS 'Length in milliseconds, where known.';

-- Name: COLUMN dim_track.popularity; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.popularity IS '0 to 100, where known.';

-- Name: COLUMN dim_track.explicit; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.explicit IS 'Marked as explicit, where known.';

-- Name: COLUMN dim_track.track_number; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.dim_track.track_number IS 'Number on the album, where known.';

-- Name: bi_track; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_track AS
 SELECT track_id,
    song_id,
    name AS track,
    album_id,
    artist_id,
    duration_ms,
    explicit,
    track_number,
    spotify_id
   FROM mart.dim_track t;

-- Name: VIEW bi_track; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_track IS 'Dimension: tracks.';

-- Name: COLUMN bi_track.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.track_id IS 'Key.';

-- Name: COLUMN bi_track.song_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.song_id IS 'Tracks of the same name and artist have the same: group by it for songs.';

-- Name: COLUMN bi_track.track; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.track IS 'Name; NULL where unknown.';

-- Name: COLUMN bi_track.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.album_id IS 'To bi_album; NULL where unknown.';

-- Name: COLUMN bi_track.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.artist_id IS 'First artist: to bi_artist.';

-- Name: COLUMN bi_track.duration_ms; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.duration_ms IS 'Length in milliseconds; NULL where unknown.';

-- Name: COLUMN bi_track.explicit; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.explicit IS 'Marked as explicit; NULL where unknown.';

-- Name: COLUMN bi_track.track_number; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.track_number IS 'Number on the album; NULL where unknown.';

-- Name: COLUMN bi_track.spotify_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track.spotify_id IS 'Spotify''s identifier; NULL where unknown.';

-- Name: bridge_track_artist; Type: TABLE; Schema: mart

CREATE TABLE mart.bridge_track_artist (
    track_id bigint NOT NULL,
    artist_id bigint NOT NULL,
    "position" smallint NOT NULL
);

-- Name: TABLE bridge_track_artist; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.bridge_track_artist IS 'All artists of a track.';

-- Name: COLUMN bridge_track_artist.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bridge_track_artist.track_id IS 'The track.';

-- Name: COLUMN bridge_track_artist.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bridge_track_artist.artist_id IS 'The artist.';

-- Name: COLUMN bridge_track_artist."position"; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bridge_track_artist."position" IS '1 is the first named.';

-- Name: bi_track_artist; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_track_artist AS
 SELECT track_id,
    artist_id,
    "position"
   FROM mart.bridge_track_artist b;

-- Name: VIEW bi_track_artist; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_track_artist IS 'Bridge: all artists of a track. A play of several counts for each when it is crossed.';

-- Name: COLUMN bi_track_artist.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track_artist.track_id IS 'To bi_track.';

-- Name: COLUMN bi_track_artist.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track_artist.artist_id IS 'To bi_artist.';

-- Name: COLUMN bi_track_artist."position"; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track_artist."position" IS '1 is the first named.';

-- Name: track_genre; Type: VIEW; Schema: mart

CREATE VIEW mart.track_genre AS
 SELECT pt.track_id,
    g.name AS genre
   FROM ((core.playlist_track_subgenre pt
     JOIN core.subgenre sg ON ((sg.subgenre_id = pt.subgenre_id)))
     JOIN core.genre g ON ((g.genre_id = sg.genre_id)))
UNION
 SELECT ta.track_id,
    g.name AS genre
   FROM ((core.track_artist ta
     JOIN core.artist_genre ag ON ((ag.artist_id = ta.artist_id)))
     JOIN core.genre g ON ((g.genre_id = ag.genre_id)));

-- Name: VIEW track_genre; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.track_genre IS 'The genres of a track, once each: those of the playlists that list it and those of its artists.';

-- Name: COLUMN track_genre.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.track_genre.track_id IS 'The track.';

-- Name: COLUMN track_genre.genre; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.track_genre.genre IS 'One of its genres.';

-- Name: bi_track_genre; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_track_genre AS
 SELECT track_id,
    genre
   FROM mart.track_genre g;

-- Name: VIEW bi_track_genre; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_track_genre IS 'Bridge: the genres of a track, once each.';

-- Name: COLUMN bi_track_genre.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track_genre.track_id IS 'To bi_track.';

-- Name: COLUMN bi_track_genre.genre; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_track_genre.genre IS 'One of its genres.';

-- Name: weekly_summary; Type: TABLE; Schema: mart

CREATE TABLE mart.weekly_summary (
    iso_year smallint NOT NULL,
    iso_week smallint NOT NULL,
    plays bigint NOT NULL,
    listens bigint NOT NULL,
    ms_played bigint NOT NULL,
    tracks bigint NOT NULL,
    listeners bigint NOT NULL,
    CONSTRAINT weekly_summary_check CHECK ((plays >= listens)),
    CONSTRAINT weekly_summary_listens_check CHECK ((listens >= 0)),
    CONSTRAINT weekly_summary_ms_played_check CHECK ((ms_played >= 0))
);

-- Name: TABLE weekly_summary; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.weekly_summary IS 'Plays by ISO week, in the listeners'' zones.';

-- Name: COLUMN weekly_summary.iso_year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.weekly_summary.iso_year IS 'The year the week belongs to.';

-- Name: COLUMN weekly_summary.iso_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.weekly_summary.iso_week IS 'ISO week, 1 to 53.';

-- Name: COLUMN weekly_summary.plays; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.weekly_summary.plays IS 'All plays.';

-- Name: COLUMN weekly_summary.listens; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.weekly_summary.listens IS 'Plays of 30 s to 60 min.';

-- Name: COLUMN weekly_summary.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.weekly_summary.ms_played IS 'Time heard, in milliseconds, of all plays.';

-- Name: COLUMN weekly_summary.tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.weekly_summary.tracks IS 'Different tracks.';

-- Name: COLUMN weekly_summary.listeners; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.weekly_summary.listeners IS 'Different listeners.';

-- Name: bi_week_summary; Type: VIEW; Schema: mart

CREATE VIEW mart.bi_week_summary AS
 SELECT iso_year,
    iso_week,
    plays,
    listens,
    ms_played,
    tracks,
    listeners
   FROM mart.weekly_summary s;

-- Name: VIEW bi_week_summary; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.bi_week_summary IS 'Plays by ISO week, already summed.';

-- Name: COLUMN bi_week_summary.iso_year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_week_summary.iso_year IS 'The year the week belongs to.';

-- Name: COLUMN bi_week_summary.iso_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_week_summary.iso_week IS 'ISO week, 1 to 53.';

-- Name: COLUMN bi_week_summary.plays; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_week_summary.plays IS 'All plays.';

-- Name: COLUMN bi_week_summary.listens; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_week_summary.listens IS 'Plays of 30 s to 60 min.';

-- Name: COLUMN bi_week_summary.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_week_summary.ms_played IS 'Time heard, in milliseconds, of all plays.';

-- Name: COLUMN bi_week_summary.tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_week_summary.tracks IS 'Different tracks.';

-- Name: COLUMN bi_week_summary.listeners; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.bi_week_summary.listeners IS 'Different listeners.';

-- Name: change_work; Type: TABLE; Schema: mart

CREATE UNLOGGED TABLE mart.change_work (
    play_id bigint NOT NULL,
    is_after boolean NOT NULL,
    date_id integer NOT NULL,
    track_id bigint NOT NULL,
    listener_id bigint NOT NULL,
    is_listen boolean NOT NULL,
    ms_played integer NOT NULL,
    played_at timestamp with time zone NOT NULL
);

-- Name: TABLE change_work; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.change_work IS 'Plays that a refresh changed, as they were before and as they are after; empty between runs.';

-- Name: COLUMN change_work.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.play_id IS 'The play.';

-- Name: COLUMN change_work.is_after; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.is_after IS 'How it is now; false for how it was.';

-- Name: COLUMN change_work.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.date_id IS 'The day.';

-- Name: COLUMN change_work.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.track_id IS 'The track.';

-- Name: COLUMN change_work.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.listener_id IS 'The listener.';

-- Name: COLUMN change_work.is_listen; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.is_listen IS 'Heard for 30 s to 60 min.';

-- Name: COLUMN change_work.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.ms_played IS 'How long it was heard, in milliseconds.';

-- Name: COLUMN change_work.played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.change_work.played_at IS 'When it ended.';

-- Name: changed_play; Type: TABLE; Schema: mart

CREATE TABLE mart.changed_play (
    change_id bigint NOT NULL,
    play_id bigint NOT NULL
);

-- Name: TABLE changed_play; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.changed_play IS 'Plays that came, changed or went since the last refresh; noted by triggers on core.';

-- Name: COLUMN changed_play.change_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.changed_play.change_id IS 'Our number.';

-- Name: COLUMN changed_play.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.changed_play.play_id IS 'The play.';

-- Name: changed_play_change_id_seq; Type: SEQUENCE; Schema: mart

ALTER TABLE mart.changed_play ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME mart.changed_play_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: chart_genre_share; Type: VIEW; Schema: mart

CREATE VIEW mart.chart_genre_share AS
 SELECT c.name AS chart,
    e.starts_on,
    (EXTRACT(isoyear FROM e.starts_on))::integer AS iso_year,
    (EXTRACT(week FROM e.starts_on))::integer AS iso_week,
    g.name AS genre,
    count(*) AS entries,
    round(((100.0 * (count(*))::numeric) / sum(count(*)) OVER (PARTITION BY e.chart_id, e.starts_on)), 2) AS share_percent
   FROM (((core.chart_entry e
     JOIN core.chart c ON ((c.chart_id = e.chart_id)))
     JOIN ( SELECT DISTINCT ta.track_id,
            ag.genre_id
           FROM (core.track_artist ta
             JOIN core.artist_genre ag ON ((ag.artist_id = ta.artist_id)))) tg ON ((tg.track_id = e.track_id)))
     JOIN core.genre g ON ((g.genre_id = tg.genre_id)))
  GROUP BY e.chart_id, c.name, e.starts_on, g.name;

-- Name: VIEW chart_genre_share; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.chart_genre_share IS 'Genres of a chart''s issue: entries by genre of their artists; an entry of several genres counts for each.';

-- Name: COLUMN chart_genre_share.chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_share.chart IS 'The chart.';

-- Name: COLUMN chart_genre_share.starts_on; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_share.starts_on IS 'First day of the issue.';

-- Name: COLUMN chart_genre_share.iso_year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_share.iso_year IS 'The year the week belongs to.';

-- Name: COLUMN chart_genre_share.iso_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_share.iso_week IS 'ISO week, 1 to 53.';

-- Name: COLUMN chart_genre_share.genre; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_share.genre IS 'The genre.';

-- Name: COLUMN chart_genre_share.entries; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_share.entries IS 'Entries of the issue that have it.';

-- Name: COLUMN chart_genre_share.share_percent; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_share.share_percent IS 'Of all genres of the issue''s entries.';

-- Name: chart_genre_week; Type: VIEW; Schema: mart

CREATE VIEW mart.chart_genre_week AS
 SELECT chart,
    iso_year,
    iso_week,
    (date_trunc('week'::text, (min(starts_on))::timestamp without time zone))::date AS week_start,
    genre,
    (sum(entries))::bigint AS entries,
    round(((100.0 * sum(entries)) / sum(sum(entries)) OVER (PARTITION BY chart, iso_year, iso_week)), 2) AS share_percent
   FROM mart.chart_genre_share s
  GROUP BY chart, iso_year, iso_week, genre;

-- Name: VIEW chart_genre_week; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.chart_genre_week IS 'Genres of a chart by ISO week, over all issues that begin in it.';

-- Name: COLUMN chart_genre_week.chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_week.chart IS 'The chart.';

-- Name: COLUMN chart_genre_week.iso_year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_week.iso_year IS 'The year the week belongs to.';

-- Name: COLUMN chart_genre_week.iso_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_week.iso_week IS 'ISO week, 1 to 53.';

-- Name: COLUMN chart_genre_week.week_start; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_week.week_start IS 'Monday of the week.';

-- Name: COLUMN chart_genre_week.genre; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_week.genre IS 'The genre.';

-- Name: COLUMN chart_genre_week.entries; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_week.entries IS 'Entries that have it.';

-- Name: COLUMN chart_genre_week.share_percent; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_genre_week.share_percent IS 'Of all genres of the week''s entries.';

-- Name: chart_trend; Type: VIEW; Schema: mart

CREATE VIEW mart.chart_trend AS
 SELECT c.name AS chart,
    c.period,
    e.starts_on,
    e.track_id,
    t.name AS track,
    a.name AS artist,
    e.rank,
    e.streams,
    was.rank AS previous_rank,
    (was.rank - e.rank) AS movement,
    (was.track_id IS NULL) AS is_back_or_new,
    (NOT (EXISTS ( SELECT
           FROM core.chart_entry x
          WHERE ((x.chart_id = e.chart_id) AND (x.track_id = e.track_id) AND (x.starts_on < e.starts_on))))) AS is_new,
    min(e.rank) OVER so_far AS peak_rank,
    count(*) OVER so_far AS issues_on_chart,
    dense_rank() OVER (PARTITION BY e.chart_id, e.track_id ORDER BY (date_trunc('week'::text, (e.starts_on)::timestamp without time zone))) AS weeks_on_chart,
    (before.starts_on IS NULL) AS is_first_issue
   FROM ((((((core.chart_entry e
     JOIN core.chart c ON ((c.chart_id = e.chart_id)))
     JOIN core.track t ON ((t.track_id = e.track_id)))
     LEFT JOIN core.track_artist ta ON (((ta.track_id = e.track_id) AND (ta."position" = 1))))
     LEFT JOIN core.artist a ON ((a.artist_id = ta.artist_id)))
     LEFT JOIN LATERAL ( SELECT max(x.starts_on) AS starts_on
           FROM core.chart_entry x
          WHERE ((x.chart_id = e.chart_id) AND (x.starts_on < e.starts_on))) before ON (true))
     LEFT JOIN core.chart_entry was ON (((was.chart_id = e.chart_id) AND (was.starts_on = before.starts_on) AND (was.track_id = e.track_id))))
  WINDOW so_far AS (PARTITION BY e.chart_id, e.track_id ORDER BY e.starts_on);

-- Name: VIEW chart_trend; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.chart_trend IS 'Charts: rank, movement against the issue before (positive is up), best rank so far, issues so far; is_new marks a first entry, which in the first issue that is known (is_first_issue) says little. Ranks are NULL where the source says only that a track was in.';

-- Name: COLUMN chart_trend.chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.chart IS 'The chart.';

-- Name: COLUMN chart_trend.period; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.period IS 'day or week: how long one issue stands.';

-- Name: COLUMN chart_trend.starts_on; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.starts_on IS 'First day of the issue.';

-- Name: COLUMN chart_trend.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.track_id IS 'The track.';

-- Name: COLUMN chart_trend.track; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.track IS 'Its name.';

-- Name: COLUMN chart_trend.artist; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.artist IS 'Its first artist.';

-- Name: COLUMN chart_trend.rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.rank IS '1 is the top.';

-- Name: COLUMN chart_trend.streams; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.streams IS 'Streams in the issue, where known.';

-- Name: COLUMN chart_trend.previous_rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.previous_rank IS 'Rank in the issue before; NULL where it was not in.';

-- Name: COLUMN chart_trend.movement; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.movement IS 'Places gained since the issue before; negative: lost.';

-- Name: COLUMN chart_trend.is_back_or_new; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.is_back_or_new IS 'It was not in the issue before.';

-- Name: COLUMN chart_trend.is_new; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.is_new IS 'It was in no earlier issue.';

-- Name: COLUMN chart_trend.peak_rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.peak_rank IS 'Best rank until then.';

-- Name: COLUMN chart_trend.issues_on_chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.issues_on_chart IS 'Issues it was in until then.';

-- Name: COLUMN chart_trend.weeks_on_chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.weeks_on_chart IS 'ISO weeks in which it was in until then.';

-- Name: COLUMN chart_trend.is_first_issue; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_trend.is_first_issue IS 'No earlier issue of the chart is known.';

-- Name: chart_issue; Type: VIEW; Schema: mart

CREATE VIEW mart.chart_issue AS
 SELECT chart,
    period,
    starts_on,
    (EXTRACT(isoyear FROM starts_on))::integer AS iso_year,
    (EXTRACT(week FROM starts_on))::integer AS iso_week,
    entries,
    new_entries,
    returned,
    (entries_before - (entries - COALESCE((new_entries + returned), (0)::bigint))) AS gone
   FROM ( SELECT t.chart,
            t.period,
            t.starts_on,
            count(*) AS entries,
                CASE
                    WHEN (NOT bool_or(t.is_first_issue)) THEN count(*) FILTER (WHERE t.is_new)
                    ELSE NULL::bigint
                END AS new_entries,
                CASE
                    WHEN (NOT bool_or(t.is_first_issue)) THEN count(*) FILTER (WHERE (t.is_back_or_new AND (NOT t.is_new)))
                    ELSE NULL::bigint
                END AS returned,
            lag(count(*)) OVER (PARTITION BY t.chart ORDER BY t.starts_on) AS entries_before
           FROM mart.chart_trend t
          GROUP BY t.chart, t.period, t.starts_on) i;

-- Name: VIEW chart_issue; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.chart_issue IS 'Issues of charts: how many entries, how many new, back after an absence, and gone since the issue before; NULL in the first that is known.';

-- Name: COLUMN chart_issue.chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.chart IS 'The chart.';

-- Name: COLUMN chart_issue.period; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.period IS 'day or week.';

-- Name: COLUMN chart_issue.starts_on; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.starts_on IS 'First day of the issue.';

-- Name: COLUMN chart_issue.iso_year; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.iso_year IS 'The year the week belongs to.';

-- Name: COLUMN chart_issue.iso_week; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.iso_week IS 'ISO week, 1 to 53.';

-- Name: COLUMN chart_issue.entries; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.entries IS 'Tracks in it.';

-- Name: COLUMN chart_issue.new_entries; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.new_entries IS 'Of them in no earlier issue.';

-- Name: COLUMN chart_issue.returned; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.returned IS 'Of them in an earlier issue, but not in the one before.';

-- Name: COLUMN chart_issue.gone; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_issue.gone IS 'Tracks of the issue before that are not in this one.';

-- Name: chart_list; Type: VIEW; Schema: mart

CREATE VIEW mart.chart_list AS
 SELECT c.name AS chart,
    c.period,
    count(DISTINCT e.starts_on) AS issues,
    min(e.starts_on) AS first_issue,
    max(e.starts_on) AS last_issue
   FROM (core.chart c
     LEFT JOIN core.chart_entry e ON ((e.chart_id = c.chart_id)))
  GROUP BY c.name, c.period;

-- Name: VIEW chart_list; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.chart_list IS 'Charts, and which of their issues there are.';

-- Name: COLUMN chart_list.chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_list.chart IS 'As the source names it.';

-- Name: COLUMN chart_list.period; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_list.period IS 'day or week: how long one issue stands.';

-- Name: COLUMN chart_list.issues; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_list.issues IS 'How many issues there are.';

-- Name: COLUMN chart_list.first_issue; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_list.first_issue IS 'First day of the first.';

-- Name: COLUMN chart_list.last_issue; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_list.last_issue IS 'First day of the last.';

-- Name: chart_track; Type: VIEW; Schema: mart

CREATE VIEW mart.chart_track AS
 SELECT t.chart,
    t.track_id,
    t.track,
    t.artist,
    count(*) AS issues,
    max(t.weeks_on_chart) AS weeks_on_chart,
    min(t.rank) AS peak_rank,
    count(*) FILTER (WHERE (t.rank = t.best_rank)) AS issues_at_peak,
    min(t.starts_on) AS first_issue,
    max(t.starts_on) AS last_issue,
    (sum(t.streams))::bigint AS streams,
    s.peak_rank AS stated_peak_rank,
    s.issues AS stated_issues
   FROM ((( SELECT c.chart,
            c.period,
            c.starts_on,
            c.track_id,
            c.track,
            c.artist,
            c.rank,
            c.streams,
            c.previous_rank,
            c.movement,
            c.is_back_or_new,
            c.is_new,
            c.peak_rank,
            c.issues_on_chart,
            c.weeks_on_chart,
            c.is_first_issue,
            min(c.rank) OVER (PARTITION BY c.chart, c.track_id) AS best_rank
           FROM mart.chart_trend c) t
     JOIN core.chart h ON ((h.name = t.chart)))
     LEFT JOIN core.chart_standing s ON (((s.chart_id = h.chart_id) AND (s.track_id = t.track_id))))
  GROUP BY t.chart, t.track_id, t.track, t.artist, s.peak_rank, s.issues;

-- Name: VIEW chart_track; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.chart_track IS 'Tracks of charts: peak, issues and weeks on the chart, counted; stated_* is what a file said of them as a whole.';

-- Name: COLUMN chart_track.chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.chart IS 'The chart.';

-- Name: COLUMN chart_track.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.track_id IS 'The track.';

-- Name: COLUMN chart_track.track; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.track IS 'Its name.';

-- Name: COLUMN chart_track.artist; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.artist IS 'Its first artist.';

-- Name: COLUMN chart_track.issues; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.issues IS 'Issues it is in.';

-- Name: COLUMN chart_track.weeks_on_chart; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.weeks_on_chart IS 'ISO weeks in which it is in.';

-- Name: COLUMN chart_track.peak_rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.peak_rank IS 'Best rank.';

-- Name: COLUMN chart_track.issues_at_peak; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.issues_at_peak IS 'Issues in which it had that rank.';

-- Name: COLUMN chart_track.first_issue; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.first_issue IS 'First day of the first issue it is in.';

-- Name: COLUMN chart_track.last_issue; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.last_issue IS 'First day of the last issue it is in.';

-- Name: COLUMN chart_track.streams; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.streams IS 'Streams in all issues, where known.';

-- Name: COLUMN chart_track.stated_peak_rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.stated_peak_rank IS 'Best rank, as a file said.';

-- Name: COLUMN chart_track.stated_issues; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.chart_track.stated_issues IS 'Number of issues, as a file said.';

-- Name: cover; Type: VIEW; Schema: mart

CREATE VIEW mart.cover AS
 SELECT cover_id,
    album_id,
    artist_id,
    media_type,
    image
   FROM core.cover c
  WHERE (image IS NOT NULL);

-- Name: VIEW cover; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.cover IS 'Pictures of albums and artists, as far as they are stored.';

-- Name: COLUMN cover.cover_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.cover.cover_id IS 'As in core.';

-- Name: COLUMN cover.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.cover.album_id IS 'The album it is the cover of, or NULL.';

-- Name: COLUMN cover.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.cover.artist_id IS 'The artist it shows, or NULL.';

-- Name: COLUMN cover.media_type; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.cover.media_type IS 'image/jpeg and the like.';

-- Name: COLUMN cover.image; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.cover.image IS 'The picture''s bytes.';

-- Name: devices; Type: VIEW; Schema: mart

CREATE VIEW mart.devices AS
 SELECT listener_id,
    device_id,
    name AS device_name,
    device_type,
    last_seen_at
   FROM core.device d;

-- Name: VIEW devices; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.devices IS 'Cards: what a listener plays on.';

-- Name: COLUMN devices.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.devices.listener_id IS 'Whose it is.';

-- Name: COLUMN devices.device_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.devices.device_id IS 'The device.';

-- Name: COLUMN devices.device_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.devices.device_name IS 'As Spotify or the export names it.';

-- Name: COLUMN devices.device_type; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.devices.device_type IS 'Computer, Smartphone, Speaker and so on; empty where unknown.';

-- Name: COLUMN devices.last_seen_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.devices.last_seen_at IS 'When it was last seen.';

-- Name: followed_artists; Type: VIEW; Schema: mart

CREATE VIEW mart.followed_artists AS
 SELECT f.listener_id,
    d.artist_id,
    d.artist_name,
    d.followers,
    d.popularity,
    f.first_seen_at
   FROM (core.follow f
     JOIN mart.artist_details d ON ((d.artist_id = f.artist_id)))
  WHERE (f.ended_at IS NULL);

-- Name: VIEW followed_artists; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.followed_artists IS 'Cards: artists a listener follows now.';

-- Name: COLUMN followed_artists.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.followed_artists.listener_id IS 'Who follows.';

-- Name: COLUMN followed_artists.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.followed_artists.artist_id IS 'Whom.';

-- Name: COLUMN followed_artists.artist_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.followed_artists.artist_name IS 'Name.';

-- Name: COLUMN followed_artists.followers; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.followed_artists.followers IS 'Followers on Spotify; NULL where Spotify does not tell.';

-- Name: COLUMN followed_artists.popularity; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.followed_artists.popularity IS '0 to 100; NULL where Spotify does not tell.';

-- Name: COLUMN followed_artists.first_seen_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.followed_artists.first_seen_at IS 'When it was first seen.';

-- Name: listeners_by_country; Type: VIEW; Schema: mart

CREATE VIEW mart.listeners_by_country AS
 SELECT country,
    count(*) AS listeners
   FROM core.listener l
  GROUP BY country;

-- Name: VIEW listeners_by_country; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.listeners_by_country IS 'Map: listeners by country; NULL where it is not known.';

-- Name: COLUMN listeners_by_country.country; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.listeners_by_country.country IS 'ISO 3166 code; NULL where it is not known.';

-- Name: COLUMN listeners_by_country.listeners; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.listeners_by_country.listeners IS 'How many.';

-- Name: load_run; Type: VIEW; Schema: mart

CREATE VIEW mart.load_run AS
 SELECT run_id,
    step,
    started_at,
    finished_at,
    rows_in,
    rows_out,
    rows_rejected,
    (error IS NOT NULL) AS has_failed
   FROM quality.run r;

-- Name: VIEW load_run; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.load_run IS 'Runs of load steps and refreshes; why one failed is in quality.run.';

-- Name: COLUMN load_run.run_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.run_id IS 'Number of the execution.';

-- Name: COLUMN load_run.step; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.step IS 'The procedure.';

-- Name: COLUMN load_run.started_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.started_at IS 'When it began.';

-- Name: COLUMN load_run.finished_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.finished_at IS 'When it ended, well or not; NULL while it runs.';

-- Name: COLUMN load_run.rows_in; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.rows_in IS 'Rows it looked at.';

-- Name: COLUMN load_run.rows_out; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.rows_out IS 'Rows that became facts.';

-- Name: COLUMN load_run.rows_rejected; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.rows_rejected IS 'Rows it refused.';

-- Name: COLUMN load_run.has_failed; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.load_run.has_failed IS 'It failed, and nothing of it stayed.';

-- Name: ordered_listen; Type: VIEW; Schema: mart

CREATE VIEW mart.ordered_listen AS
 SELECT play_id,
    listener_id,
    ended_at,
    minute_seq,
    ms_played
   FROM core.listen l;

-- Name: VIEW ordered_listen; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.ordered_listen IS 'Plays of 30 s to 60 min in the order they were heard: within a minute, only minute_seq tells it.';

-- Name: COLUMN ordered_listen.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.ordered_listen.play_id IS 'The play.';

-- Name: COLUMN ordered_listen.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.ordered_listen.listener_id IS 'Who listened.';

-- Name: COLUMN ordered_listen.ended_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.ordered_listen.ended_at IS 'When it ended, as precisely as is known.';

-- Name: COLUMN ordered_listen.minute_seq; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.ordered_listen.minute_seq IS 'Place among the plays that ended at the same known moment.';

-- Name: COLUMN ordered_listen.ms_played; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.ordered_listen.ms_played IS 'How long it was heard, in milliseconds.';

-- Name: extended_history_slice; Type: TABLE; Schema: raw

CREATE TABLE raw.extended_history_slice (
    batch_id bigint NOT NULL,
    first_row_no integer NOT NULL,
    line_nos integer[] NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    body json NOT NULL,
    CONSTRAINT extended_history_slice_first_row_no_check CHECK ((first_row_no > 0)),
    CONSTRAINT extended_history_slice_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT extended_history_slice_line_nos_check CHECK ((cardinality(line_nos) > 0))
)
WITH (toast_tuple_target='8160');

-- Name: TABLE extended_history_slice; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.extended_history_slice IS 'Plays of extended account exports as received, about a dozen a row, so that a row fills a page; raw.extended_history gives them one by one.';

-- Name: COLUMN extended_history_slice.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history_slice.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN extended_history_slice.first_row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history_slice.first_row_no IS 'Number of the first play in the file, from 1.';

-- Name: COLUMN extended_history_slice.line_nos; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history_slice.line_nos IS 'For each play the line of the file where it begins, from 1.';

-- Name: COLUMN extended_history_slice.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history_slice.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN extended_history_slice.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history_slice.hash IS 'SHA-256 of body.';

-- Name: COLUMN extended_history_slice.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history_slice.body IS 'The plays, an array of JSON: the bytes of the file, with what parts the plays, in brackets.';

-- Name: extended_history; Type: VIEW; Schema: raw

CREATE VIEW raw.extended_history AS
 SELECT s.batch_id,
    (s.first_row_no + ((e.place - 1))::integer) AS row_no,
    s.line_nos[e.place] AS line_no,
    'extended_history'::text AS source,
    s.received_at,
    sha256(convert_to((e.body)::text, 'UTF8'::name)) AS hash,
    e.body
   FROM (raw.extended_history_slice s
     CROSS JOIN LATERAL json_array_elements(s.body) WITH ORDINALITY e(body, place));

-- Name: VIEW extended_history; Type: COMMENT; Schema: raw

COMMENT ON VIEW raw.extended_history IS 'Plays of extended account exports: one JSON object each, as received.';

-- Name: COLUMN extended_history.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN extended_history.row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history.row_no IS 'Number of the play in the file, from 1.';

-- Name: COLUMN extended_history.line_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history.line_no IS 'Line of the file where the play begins, from 1.';

-- Name: COLUMN extended_history.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history.source IS 'Format it came in.';

-- Name: COLUMN extended_history.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN extended_history.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history.hash IS 'SHA-256 of the object''s bytes in the file.';

-- Name: COLUMN extended_history.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.extended_history.body IS 'ts (end, UTC, to the second), ms_played, master_metadata_track_name, master_metadata_album_artist_name, master_metadata_album_album_name, spotify_track_uri, episode_name, spotify_episode_uri, platform, conn_country, reason_start, reason_end, shuffle, skipped, offline, incognito_mode and more.';

-- Name: play_circumstance; Type: VIEW; Schema: mart

CREATE VIEW mart.play_circumstance AS
 SELECT p.play_id,
    mart.platform_family(told.platform) AS platform,
    told.shuffle,
    told.offline,
    told.reason_start,
    told.reason_end,
    told.platform AS platform_text
   FROM ((core.play p
     JOIN raw.extended_history x ON (((x.batch_id = p.batch_id) AND (x.row_no = p.row_no))))
     CROSS JOIN LATERAL json_to_record(x.body) told(platform text, shuffle text, offline text, reason_start text, reason_end text))
  WHERE (p.feed = 'extended'::text);

-- Name: VIEW play_circumstance; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.play_circumstance IS 'What the extended export says of a play beside the play itself. Read from the rows as received: costs a few seconds a million plays.';

-- Name: COLUMN play_circumstance.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_circumstance.play_id IS 'The play.';

-- Name: COLUMN play_circumstance.platform; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_circumstance.platform IS 'Kind of device: Android, iOS, Windows, macOS, Linux, web player, speaker or TV, other; NULL where the export does not say.';

-- Name: COLUMN play_circumstance.shuffle; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_circumstance.shuffle IS 'true or false, as received.';

-- Name: COLUMN play_circumstance.offline; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_circumstance.offline IS 'true or false, as received.';

-- Name: COLUMN play_circumstance.reason_start; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_circumstance.reason_start IS 'Why it began: trackdone, clickrow and so on.';

-- Name: COLUMN play_circumstance.reason_end; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_circumstance.reason_end IS 'Why it ended: trackdone, fwdbtn and so on.';

-- Name: COLUMN play_circumstance.platform_text; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_circumstance.platform_text IS 'The platform as received.';

-- Name: play_wanted; Type: VIEW; Schema: mart

CREATE VIEW mart.play_wanted AS
 SELECT p.play_id,
    p.listener_id,
    p.track_id,
    t.artist_id,
    t.album_id,
    (to_char((p.ended_at AT TIME ZONE l.time_zone), 'YYYYMMDD'::text))::integer AS date_id,
    (EXTRACT(hour FROM (p.ended_at AT TIME ZONE l.time_zone)))::smallint AS time_id,
    COALESCE(s.source_id, (0)::smallint) AS source_id,
    p.ended_at AS played_at,
    p.ms_played,
    ((p.ms_played >= 30000) AND (p.ms_played <= 3600000)) AS is_listen,
    t.explicit
   FROM (((core.play p
     JOIN mart.dim_listener l ON ((l.listener_id = p.listener_id)))
     JOIN mart.dim_track t ON ((t.track_id = p.track_id)))
     LEFT JOIN mart.dim_source s ON ((s.context_type = p.context_type)));

-- Name: VIEW play_wanted; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.play_wanted IS 'What mart.fact_play should hold, once the dimensions are as they should be.';

-- Name: play_work; Type: TABLE; Schema: mart

CREATE UNLOGGED TABLE mart.play_work (
    play_id bigint NOT NULL
);

-- Name: TABLE play_work; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.play_work IS 'The plays a refresh works on; empty between runs.';

-- Name: COLUMN play_work.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.play_work.play_id IS 'The play.';

-- Name: received; Type: VIEW; Schema: mart

CREATE VIEW mart.received AS
 SELECT source,
    count(*) AS files,
    (sum(row_count))::bigint AS rows_received,
    min(received_at) AS first_received_at,
    max(received_at) AS last_received_at
   FROM raw.batch b
  GROUP BY source;

-- Name: VIEW received; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.received IS 'What was received, by format.';

-- Name: COLUMN received.source; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.received.source IS 'The format: streaming_history, extended_history, songs and so on.';

-- Name: COLUMN received.files; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.received.files IS 'Files, or answers of the Web API.';

-- Name: COLUMN received.rows_received; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.received.rows_received IS 'Rows in them.';

-- Name: COLUMN received.first_received_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.received.first_received_at IS 'When the first came.';

-- Name: COLUMN received.last_received_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.received.last_received_at IS 'When the last came.';

-- Name: recently_played; Type: VIEW; Schema: mart

CREATE VIEW mart.recently_played AS
 SELECT p.listener_id,
    p.played_at,
    t.track_id,
    t.name AS track_name,
    b.album_id,
    b.name AS album_name,
    b.total_tracks,
    a.name AS artist_name,
    p.play_id
   FROM (((mart.fact_play p
     JOIN mart.dim_track t ON ((t.track_id = p.track_id)))
     LEFT JOIN mart.dim_album b ON ((b.album_id = p.album_id)))
     LEFT JOIN mart.dim_artist a ON ((a.artist_id = p.artist_id)));

-- Name: VIEW recently_played; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.recently_played IS 'Table: plays with track and album; order by played_at and limit.';

-- Name: COLUMN recently_played.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.listener_id IS 'Who listened.';

-- Name: COLUMN recently_played.played_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.played_at IS 'When it ended.';

-- Name: COLUMN recently_played.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.track_id IS 'The track.';

-- Name: COLUMN recently_played.track_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.track_name IS 'Its name.';

-- Name: COLUMN recently_played.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.album_id IS 'Its album.';

-- Name: COLUMN recently_played.album_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.album_name IS 'The albums name.';

-- Name: COLUMN recently_played.total_tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.total_tracks IS 'How many tracks the album has.';

-- Name: COLUMN recently_played.artist_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.artist_name IS 'Its first artist.';

-- Name: COLUMN recently_played.play_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.recently_played.play_id IS 'The play.';

-- Name: rule; Type: TABLE; Schema: quality

CREATE TABLE quality.rule (
    rule_id text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    routine text NOT NULL,
    CONSTRAINT rule_rule_id_check CHECK ((rule_id ~ '^B[0-9]+$'::text))
);

-- Name: TABLE rule; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.rule IS 'The cleansing rules in force.';

-- Name: COLUMN rule.rule_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule.rule_id IS 'B1 to B13.';

-- Name: COLUMN rule.title; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule.title IS 'The rule in a few words.';

-- Name: COLUMN rule.description; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule.description IS 'What it looks for and what happens then.';

-- Name: COLUMN rule.routine; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule.routine IS 'The function that is the rule, schema-qualified.';

-- Name: refused_rows; Type: VIEW; Schema: mart

CREATE VIEW mart.refused_rows AS
 SELECT r.rule_id,
    r.title,
    r.description,
    count(q.row_no) AS rows_rejected,
    count(DISTINCT q.batch_id) AS files,
    max(q.quarantined_at) AS last_at
   FROM (quality.rule r
     LEFT JOIN quality.quarantine q ON ((q.rule_id = r.rule_id)))
  GROUP BY r.rule_id, r.title, r.description;

-- Name: VIEW refused_rows; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.refused_rows IS 'The cleansing rules, and how many rows each refused; the rows themselves are in quality.quarantine.';

-- Name: COLUMN refused_rows.rule_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.refused_rows.rule_id IS 'B1 to B13.';

-- Name: COLUMN refused_rows.title; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.refused_rows.title IS 'The rule in a few words.';

-- Name: COLUMN refused_rows.description; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.refused_rows.description IS 'What it looks for and what happens then.';

-- Name: COLUMN refused_rows.rows_rejected; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.refused_rows.rows_rejected IS 'Rows it refused.';

-- Name: COLUMN refused_rows.files; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.refused_rows.files IS 'Files they came in.';

-- Name: COLUMN refused_rows.last_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.refused_rows.last_at IS 'When the last was refused.';

-- Name: report_page; Type: TABLE; Schema: mart

CREATE TABLE mart.report_page (
    report text NOT NULL,
    page smallint NOT NULL,
    title text NOT NULL,
    CONSTRAINT report_page_page_check CHECK ((page >= 1)),
    CONSTRAINT report_page_report_check CHECK ((report = ANY (ARRAY['user'::text, 'listening'::text])))
);

-- Name: TABLE report_page; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.report_page IS 'Pages of the reports: titles, and where a page button leads.';

-- Name: COLUMN report_page.report; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.report_page.report IS 'user: about a person; listening: about plays.';

-- Name: COLUMN report_page.page; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.report_page.page IS 'From 1.';

-- Name: COLUMN report_page.title; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.report_page.title IS 'What stands on top.';

-- Name: saved_albums; Type: VIEW; Schema: mart

CREATE VIEW mart.saved_albums AS
 SELECT s.listener_id,
    s.added_at,
    b.album_id,
    b.name AS album_name,
    mart.album_artist(b.album_id) AS artist_name,
    v.cover_id
   FROM ((core.saved_album s
     JOIN core.album b ON ((b.album_id = s.album_id)))
     LEFT JOIN mart.cover v ON ((v.album_id = b.album_id)));

-- Name: VIEW saved_albums; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.saved_albums IS 'Albums in listeners'' libraries.';

-- Name: COLUMN saved_albums.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_albums.listener_id IS 'Whose library.';

-- Name: COLUMN saved_albums.added_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_albums.added_at IS 'When it was saved; NULL where the export does not say.';

-- Name: COLUMN saved_albums.album_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_albums.album_id IS 'The album.';

-- Name: COLUMN saved_albums.album_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_albums.album_name IS 'Its name.';

-- Name: COLUMN saved_albums.artist_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_albums.artist_name IS 'Whose it is; NULL for several.';

-- Name: COLUMN saved_albums.cover_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_albums.cover_id IS 'The stored picture; NULL where there is none.';

-- Name: saved_tracks; Type: VIEW; Schema: mart

CREATE VIEW mart.saved_tracks AS
 SELECT s.listener_id,
    s.added_at,
    t.track_id,
    t.name AS track_name,
    a.name AS artist_name,
    b.name AS album_name
   FROM ((((core.saved_track s
     JOIN core.track t ON ((t.track_id = s.track_id)))
     LEFT JOIN core.track_artist ta ON (((ta.track_id = t.track_id) AND (ta."position" = 1))))
     LEFT JOIN core.artist a ON ((a.artist_id = ta.artist_id)))
     LEFT JOIN core.album b ON ((b.album_id = t.album_id)));

-- Name: VIEW saved_tracks; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.saved_tracks IS 'Tracks in listeners'' libraries.';

-- Name: COLUMN saved_tracks.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_tracks.listener_id IS 'Whose library.';

-- Name: COLUMN saved_tracks.added_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_tracks.added_at IS 'When it was saved; NULL where the export does not say.';

-- Name: COLUMN saved_tracks.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_tracks.track_id IS 'The track.';

-- Name: COLUMN saved_tracks.track_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_tracks.track_name IS 'Its name.';

-- Name: COLUMN saved_tracks.artist_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_tracks.artist_name IS 'Its first artist.';

-- Name: COLUMN saved_tracks.album_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.saved_tracks.album_name IS 'Its album.';

-- Name: touched_work; Type: TABLE; Schema: mart

CREATE UNLOGGED TABLE mart.touched_work (
    date_id integer NOT NULL,
    track_id bigint NOT NULL
);

-- Name: TABLE touched_work; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.touched_work IS 'Days and tracks whose plays a refresh changed; empty between runs.';

-- Name: COLUMN touched_work.date_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.touched_work.date_id IS 'The day.';

-- Name: COLUMN touched_work.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.touched_work.track_id IS 'The track.';

-- Name: track_sound; Type: VIEW; Schema: mart

CREATE VIEW mart.track_sound AS
 SELECT f.track_id,
    n.feature,
    n.value
   FROM (core.audio_feature f
     CROSS JOIN LATERAL ( VALUES ('danceability'::text,f.danceability), ('energy'::text,f.energy), ('valence'::text,f.valence), ('acousticness'::text,f.acousticness), ('instrumentalness'::text,f.instrumentalness), ('speechiness'::text,f.speechiness), ('liveness'::text,f.liveness), ('loudness_db'::text,f.loudness_db), ('tempo_bpm'::text,f.tempo_bpm)) n(feature, value))
  WHERE (n.value IS NOT NULL);

-- Name: VIEW track_sound; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.track_sound IS 'Audio features of tracks, one row each.';

-- Name: COLUMN track_sound.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.track_sound.track_id IS 'The track.';

-- Name: COLUMN track_sound.feature; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.track_sound.feature IS 'danceability, energy, valence, acousticness, instrumentalness, speechiness, liveness: 0 to 1; loudness_db; tempo_bpm.';

-- Name: COLUMN track_sound.value; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.track_sound.value IS 'In its own unit.';

-- Name: track_wanted; Type: VIEW; Schema: mart

CREATE VIEW mart.track_wanted AS
 SELECT t.track_id,
    COALESCE(t.canonical_track_id, t.track_id) AS song_id,
    t.name,
    t.spotify_id,
    t.album_id,
    first.artist_id,
    t.duration_ms,
    t.popularity,
    t.explicit,
    t.track_number
   FROM (core.track t
     LEFT JOIN core.track_artist first ON (((first.track_id = t.track_id) AND (first."position" = 1))));

-- Name: VIEW track_wanted; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.track_wanted IS 'What mart.dim_track should hold.';

-- Name: user_details; Type: VIEW; Schema: mart

CREATE VIEW mart.user_details AS
 SELECT listener_id,
    name AS user_name,
    country,
    product AS account_type,
    time_zone
   FROM core.listener l;

-- Name: VIEW user_details; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.user_details IS 'Cards: who it is and which subscription; country and subscription are NULL where Spotify does not tell.';

-- Name: COLUMN user_details.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_details.listener_id IS 'The listener.';

-- Name: COLUMN user_details.user_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_details.user_name IS 'The name the history was loaded under.';

-- Name: COLUMN user_details.country; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_details.country IS 'ISO 3166 code; NULL where Spotify does not tell.';

-- Name: COLUMN user_details.account_type; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_details.account_type IS 'premium, free; NULL where Spotify does not tell.';

-- Name: COLUMN user_details.time_zone; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_details.time_zone IS 'The zone of their days and hours.';

-- Name: user_playlist; Type: VIEW; Schema: mart

CREATE VIEW mart.user_playlist AS
 SELECT owner_id AS listener_id,
    playlist_id,
    name AS playlist,
    description,
    ( SELECT count(*) AS count
           FROM core.playlist_track pt
          WHERE (pt.playlist_id = p.playlist_id)) AS tracks
   FROM core.playlist p
  WHERE (owner_id IS NOT NULL);

-- Name: VIEW user_playlist; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.user_playlist IS 'Table: a listener''s own playlists.';

-- Name: COLUMN user_playlist.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_playlist.listener_id IS 'Whose it is.';

-- Name: COLUMN user_playlist.playlist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_playlist.playlist_id IS 'The playlist.';

-- Name: COLUMN user_playlist.playlist; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_playlist.playlist IS 'Its name.';

-- Name: COLUMN user_playlist.description; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_playlist.description IS 'As its owner wrote it.';

-- Name: COLUMN user_playlist.tracks; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_playlist.tracks IS 'How many it holds.';

-- Name: user_top_artist; Type: VIEW; Schema: mart

CREATE VIEW mart.user_top_artist AS
 SELECT l.listener_id,
    l.time_range,
    l.taken_at,
    (l.taken_at = max(l.taken_at) OVER (PARTITION BY l.listener_id, l.time_range)) AS is_latest,
    t.rank,
    d.artist_id,
    d.artist_name,
    d.image_url,
    d.cover_id
   FROM ((core.top_list l
     JOIN core.top_list_artist t ON ((t.top_list_id = l.top_list_id)))
     JOIN mart.artist_details d ON ((d.artist_id = t.artist_id)));

-- Name: VIEW user_top_artist; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.user_top_artist IS 'Table: a listener''s top artists, every list that was taken; is_latest marks the last.';

-- Name: COLUMN user_top_artist.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.listener_id IS 'Whose list.';

-- Name: COLUMN user_top_artist.time_range; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.time_range IS 'short_term, medium_term or long_term.';

-- Name: COLUMN user_top_artist.taken_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.taken_at IS 'When the list was taken.';

-- Name: COLUMN user_top_artist.is_latest; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.is_latest IS 'It is the last one taken of its kind.';

-- Name: COLUMN user_top_artist.rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.rank IS '1 is the first.';

-- Name: COLUMN user_top_artist.artist_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.artist_id IS 'The artist.';

-- Name: COLUMN user_top_artist.artist_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.artist_name IS 'Name.';

-- Name: COLUMN user_top_artist.image_url; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.image_url IS 'Where Spotify keeps a picture.';

-- Name: COLUMN user_top_artist.cover_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_artist.cover_id IS 'The stored picture; NULL where there is none.';

-- Name: user_top_tracks; Type: VIEW; Schema: mart

CREATE VIEW mart.user_top_tracks AS
 SELECT l.listener_id,
    l.time_range,
    l.taken_at,
    (l.taken_at = max(l.taken_at) OVER (PARTITION BY l.listener_id, l.time_range)) AS is_latest,
    t.rank,
    k.track_id,
    k.name AS track_name,
    b.name AS album_name,
    k.popularity
   FROM (((core.top_list l
     JOIN core.top_list_track t ON ((t.top_list_id = l.top_list_id)))
     JOIN core.track k ON ((k.track_id = t.track_id)))
     LEFT JOIN core.album b ON ((b.album_id = k.album_id)));

-- Name: VIEW user_top_tracks; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.user_top_tracks IS 'A listener''s top tracks, every list that was taken; is_latest marks the last.';

-- Name: COLUMN user_top_tracks.listener_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.listener_id IS 'Whose list.';

-- Name: COLUMN user_top_tracks.time_range; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.time_range IS 'short_term, medium_term or long_term.';

-- Name: COLUMN user_top_tracks.taken_at; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.taken_at IS 'When the list was taken.';

-- Name: COLUMN user_top_tracks.is_latest; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.is_latest IS 'It is the last one taken of its kind.';

-- Name: COLUMN user_top_tracks.rank; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.rank IS '1 is the first.';

-- Name: COLUMN user_top_tracks.track_id; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.track_id IS 'The track.';

-- Name: COLUMN user_top_tracks.track_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.track_name IS 'Name.';

-- Name: COLUMN user_top_tracks.album_name; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.album_name IS 'Its album.';

-- Name: COLUMN user_top_tracks.popularity; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.user_top_tracks.popularity IS '0 to 100; NULL where unknown.';

-- Name: visual; Type: TABLE; Schema: mart

CREATE TABLE mart.visual (
    report text NOT NULL,
    page smallint NOT NULL,
    number smallint NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    relation text NOT NULL,
    section text NOT NULL,
    test text NOT NULL,
    screen text NOT NULL,
    CONSTRAINT visual_number_check CHECK ((number >= 1)),
    CONSTRAINT visual_screen_check CHECK ((screen ~ '^[a-z]+#[a-z]+(-[a-z]+)*$'::text)),
    CONSTRAINT visual_section_check CHECK ((section ~ '^[a-z]+(-[a-z]+)*$'::text)),
    CONSTRAINT visual_test_check CHECK ((test <> ''::text))
);

-- Name: TABLE visual; Type: COMMENT; Schema: mart

COMMENT ON TABLE mart.visual IS 'Every visual of the reports, and what gives its figures. A test fails where that is missing.';

-- Name: COLUMN visual.report; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.report IS 'The report.';

-- Name: COLUMN visual.page; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.page IS 'Its page.';

-- Name: COLUMN visual.number; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.number IS 'From 1 on each page.';

-- Name: COLUMN visual.kind; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.kind IS 'card, slicer, tile and so on.';

-- Name: COLUMN visual.title; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.title IS 'What it shows.';

-- Name: COLUMN visual.relation; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.relation IS 'The view, table or function, with its schema.';

-- Name: COLUMN visual.section; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.section IS 'What dbadmin spotify report calls it: the same name gives it as a table, as CSV and in the page.';

-- Name: COLUMN visual.test; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.test IS 'The test that holds its figures against core, or its words against mart.report_page.';

-- Name: COLUMN visual.screen; Type: COMMENT; Schema: mart

COMMENT ON COLUMN mart.visual.screen IS 'Screen and panel that show it.';

-- Name: library_entry; Type: TABLE; Schema: raw

CREATE TABLE raw.library_entry (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    line_no integer NOT NULL,
    source text DEFAULT 'library'::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    list text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT library_entry_list_check CHECK ((list <> ''::text))
);

-- Name: TABLE library_entry; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.library_entry IS 'What a listener saved, from an account export: one JSON value each, as received.';

-- Name: COLUMN library_entry.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN library_entry.row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.row_no IS 'Number of the entry in the file, from 1, over all its lists.';

-- Name: COLUMN library_entry.line_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.line_no IS 'Line of the file where the entry begins, from 1.';

-- Name: COLUMN library_entry.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.source IS 'Format it came in.';

-- Name: COLUMN library_entry.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN library_entry.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.hash IS 'SHA-256 of the entry as compact JSON.';

-- Name: COLUMN library_entry.list; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.list IS 'The list it stands in: tracks, albums, artists, shows, episodes, bannedTracks, ...';

-- Name: COLUMN library_entry.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.library_entry.body IS 'The entry; of a track: artist, album, track, uri.';

-- Name: page; Type: TABLE; Schema: raw

CREATE TABLE raw.page (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    line_no integer DEFAULT 1 NOT NULL,
    source text DEFAULT 'page'::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    endpoint text NOT NULL,
    url text NOT NULL,
    status smallint NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    object_key text,
    body jsonb NOT NULL,
    CONSTRAINT page_endpoint_check CHECK ((endpoint <> ''::text)),
    CONSTRAINT page_object_key_check CHECK ((object_key <> ''::text)),
    CONSTRAINT page_status_check CHECK (((status >= 100) AND (status <= 599)))
);

-- Name: TABLE page; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.page IS 'Answers of the Web API, one page a row, as received.';

-- Name: COLUMN page.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.batch_id IS 'The file or stored page: raw.batch, which says whose it is.';

-- Name: COLUMN page.row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.row_no IS 'Number of the page in its batch, from 1.';

-- Name: COLUMN page.line_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.line_no IS 'Line of the file where the page begins, from 1.';

-- Name: COLUMN page.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.source IS 'Format it came in.';

-- Name: COLUMN page.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN page.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.hash IS 'SHA-256 of the page''s bytes.';

-- Name: COLUMN page.endpoint; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.endpoint IS 'Path of the request below /v1 with identifiers as {id}, such as me/player/recently-played or playlists/{id}/items.';

-- Name: COLUMN page.url; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.url IS 'The whole request, as sent or as the page says in href; it holds no token.';

-- Name: COLUMN page.status; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.status IS 'HTTP status of the answer.';

-- Name: COLUMN page.fetched_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.fetched_at IS 'When the answer came; for a page that does not say, when it was loaded.';

-- Name: COLUMN page.object_key; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.object_key IS 'Where the page lies in the landing storage; NULL for one loaded from a file.';

-- Name: COLUMN page.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page.body IS 'The answer''s JSON.';

-- Name: playlist_entry; Type: TABLE; Schema: raw

CREATE TABLE raw.playlist_entry (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    line_no integer NOT NULL,
    source text DEFAULT 'playlist'::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    layout text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT playlist_entry_layout_check CHECK ((layout = ANY (ARRAY['columns'::text, 'account_export'::text])))
);

-- Name: TABLE playlist_entry; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.playlist_entry IS 'Entries of playlists, from playlist files and account exports; quality.playlist_read reads both layouts.';

-- Name: COLUMN playlist_entry.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN playlist_entry.row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.row_no IS 'Number of the entry in the file, from 1: the order of the playlist.';

-- Name: COLUMN playlist_entry.line_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.line_no IS 'Line of the file where the entry begins, from 1.';

-- Name: COLUMN playlist_entry.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.source IS 'Format it came in.';

-- Name: COLUMN playlist_entry.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN playlist_entry.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.hash IS 'SHA-256 of the row''s bytes, or of the entry as compact JSON.';

-- Name: COLUMN playlist_entry.layout; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.layout IS 'columns: a CSV row, its values by the names of the header in lower case with underscores; account_export: {playlist: {name, lastModifiedDate}, item}.';

-- Name: COLUMN playlist_entry.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.playlist_entry.body IS 'The entry as received.';

-- Name: streaming_history_slice; Type: TABLE; Schema: raw

CREATE TABLE raw.streaming_history_slice (
    batch_id bigint NOT NULL,
    first_row_no integer NOT NULL,
    line_nos integer[] NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    body json NOT NULL,
    CONSTRAINT streaming_history_slice_first_row_no_check CHECK ((first_row_no > 0)),
    CONSTRAINT streaming_history_slice_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT streaming_history_slice_line_nos_check CHECK ((cardinality(line_nos) > 0))
)
WITH (toast_tuple_target='8160');

-- Name: TABLE streaming_history_slice; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.streaming_history_slice IS 'Plays of account exports as received, some dozens a row, so that a row fills a page; raw.streaming_history gives them one by one.';

-- Name: COLUMN streaming_history_slice.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history_slice.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN streaming_history_slice.first_row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history_slice.first_row_no IS 'Number of the first play in the file, from 1.';

-- Name: COLUMN streaming_history_slice.line_nos; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history_slice.line_nos IS 'For each play the line of the file where it begins, from 1.';

-- Name: COLUMN streaming_history_slice.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history_slice.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN streaming_history_slice.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history_slice.hash IS 'SHA-256 of body.';

-- Name: COLUMN streaming_history_slice.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history_slice.body IS 'The plays, an array of JSON: the bytes of the file, with what parts the plays, in brackets.';

-- Name: streaming_history; Type: VIEW; Schema: raw

CREATE VIEW raw.streaming_history AS
 SELECT s.batch_id,
    (s.first_row_no + ((e.place - 1))::integer) AS row_no,
    s.line_nos[e.place] AS line_no,
    'streaming_history'::text AS source,
    s.received_at,
    sha256(convert_to((e.body)::text, 'UTF8'::name)) AS hash,
    e.body
   FROM (raw.streaming_history_slice s
     CROSS JOIN LATERAL json_array_elements(s.body) WITH ORDINALITY e(body, place));

-- Name: VIEW streaming_history; Type: COMMENT; Schema: raw

COMMENT ON VIEW raw.streaming_history IS 'Plays of account exports: one JSON object each, as received.';

-- Name: COLUMN streaming_history.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN streaming_history.row_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history.row_no IS 'Number of the play in the file, from 1.';

-- Name: COLUMN streaming_history.line_no; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history.line_no IS 'Line of the file where the play begins, from 1.';

-- Name: COLUMN streaming_history.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history.source IS 'Format it came in.';

-- Name: COLUMN streaming_history.received_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history.received_at IS 'When the transaction that received it began.';

-- Name: COLUMN streaming_history.hash; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history.hash IS 'SHA-256 of the object''s bytes in the file.';

-- Name: COLUMN streaming_history.body; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.streaming_history.body IS 'endTime, artistName, trackName, msPlayed.';

-- Name: accounting; Type: VIEW; Schema: quality

CREATE VIEW quality.accounting AS
 SELECT b.batch_id,
    b.source,
    b.file_name,
    b.listener_name,
    received.rows AS rows_received,
    facts.rows AS rows_out,
    refused.rows AS rows_rejected,
    ((received.rows - facts.rows) - refused.rows) AS rows_open
   FROM (((raw.batch b
     CROSS JOIN LATERAL ( SELECT count(*) AS rows
           FROM ( SELECT
                   FROM raw.song s
                  WHERE (s.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM raw.streaming_history h
                  WHERE (h.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM raw.extended_history x
                  WHERE (x.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM raw.library_entry l
                  WHERE (l.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM raw.playlist_entry p
                  WHERE (p.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM raw.chart_entry c
                  WHERE (c.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM (raw.page g
                     CROSS JOIN LATERAL quality.page_items(g.endpoint, (g.status)::integer, g.body) i(item_no, kind, item))
                  WHERE (g.batch_id = b.batch_id)) landed) received)
     CROSS JOIN LATERAL ( SELECT count(*) AS rows
           FROM ( SELECT
                   FROM core.playlist_track pt
                  WHERE (pt.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM core.play p
                  WHERE (p.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM core.accepted_row r
                  WHERE (r.batch_id = b.batch_id)) kept) facts)
     CROSS JOIN LATERAL ( SELECT count(*) AS rows
           FROM quality.quarantine q
          WHERE (q.batch_id = b.batch_id)) refused);

-- Name: VIEW accounting; Type: COMMENT; Schema: quality

COMMENT ON VIEW quality.accounting IS 'Rows in = rows out + rejected, counted over the tables, of pages their items: rows_open is what no step has disposed of yet.';

-- Name: page_item; Type: TABLE; Schema: quality

CREATE UNLOGGED TABLE quality.page_item (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    item_no integer NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL,
    object jsonb,
    object_key text,
    about text,
    at timestamp with time zone,
    seen_at timestamp with time zone NOT NULL,
    place integer,
    ms_played integer,
    fact_id bigint,
    rule_id text,
    reason text
);

-- Name: TABLE page_item; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.page_item IS 'Items of pages of the Web API while core.load_page works on them; empty between runs.';

-- Name: COLUMN page_item.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.batch_id IS 'The batch: raw.batch.';

-- Name: COLUMN page_item.row_no; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.row_no IS 'The page: raw.page.';

-- Name: COLUMN page_item.item_no; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.item_no IS 'The item of that page, from 1; 0 for the page itself.';

-- Name: COLUMN page_item.kind; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.kind IS 'What the item tells: play, listing, saved track and so on, as quality.page_items names it.';

-- Name: COLUMN page_item.body; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.body IS 'The item as received.';

-- Name: COLUMN page_item.object; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.object IS 'The track, album, artist or playlist that it is about.';

-- Name: COLUMN page_item.object_key; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.object_key IS 'By which quality.page_object has that.';

-- Name: COLUMN page_item.about; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.about IS 'What the address says beside: a playlist''s, album''s or artist''s identifier, or the time range of a top list.';

-- Name: COLUMN page_item.at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.at IS 'When it was played or added.';

-- Name: COLUMN page_item.seen_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.seen_at IS 'When Spotify was asked.';

-- Name: COLUMN page_item.place; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.place IS 'Its place in the whole list, from 1.';

-- Name: COLUMN page_item.ms_played; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.ms_played IS 'Of a play: how long it was heard.';

-- Name: COLUMN page_item.fact_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.fact_id IS 'The track, album, artist or playlist in core, once known.';

-- Name: COLUMN page_item.rule_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.rule_id IS 'The rule that refuses the item, or NULL.';

-- Name: COLUMN page_item.reason; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_item.reason IS 'Why.';

-- Name: page_object; Type: TABLE; Schema: quality

CREATE UNLOGGED TABLE quality.page_object (
    batch_id bigint NOT NULL,
    kind text NOT NULL,
    object_key text NOT NULL,
    spotify_id text,
    name text,
    body jsonb NOT NULL,
    core_id bigint,
    CONSTRAINT page_object_kind_check CHECK ((kind = ANY (ARRAY['artist'::text, 'album'::text, 'track'::text])))
);

-- Name: TABLE page_object; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.page_object IS 'Artists, albums and tracks that pages name, once each, while core.load_page works on them; empty between runs.';

-- Name: COLUMN page_object.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_object.batch_id IS 'The batch: raw.batch.';

-- Name: COLUMN page_object.kind; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_object.kind IS 'artist, album or track.';

-- Name: COLUMN page_object.object_key; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_object.object_key IS 'Spotify''s identifier; where there is none, the names.';

-- Name: COLUMN page_object.spotify_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_object.spotify_id IS 'Spotify''s identifier, where given.';

-- Name: COLUMN page_object.name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_object.name IS 'Name, cleansed.';

-- Name: COLUMN page_object.body; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_object.body IS 'The fullest description that the pages have of it.';

-- Name: COLUMN page_object.core_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.page_object.core_id IS 'Its number in core, once known.';

-- Name: play_work; Type: TABLE; Schema: quality

CREATE UNLOGGED TABLE quality.play_work (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    end_text text,
    ended_at timestamp with time zone,
    artist_name text,
    track_name text,
    ms_text text,
    ms_played numeric,
    track_id bigint,
    rule_id text,
    reason text,
    context_type text,
    context_uri text
);

-- Name: TABLE play_work; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.play_work IS 'Plays of an export while core.load_history works on them; empty between runs.';

-- Name: COLUMN play_work.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN play_work.row_no; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.row_no IS 'The play of that file.';

-- Name: COLUMN play_work.end_text; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.end_text IS 'The end as received.';

-- Name: COLUMN play_work.ended_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.ended_at IS 'When it ended, UTC.';

-- Name: COLUMN play_work.artist_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.artist_name IS 'Artist, cleansed.';

-- Name: COLUMN play_work.track_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.track_name IS 'Track, cleansed.';

-- Name: COLUMN play_work.ms_text; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.ms_text IS 'The time heard, as received.';

-- Name: COLUMN play_work.ms_played; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.ms_played IS 'How long it was heard, in milliseconds.';

-- Name: COLUMN play_work.track_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.track_id IS 'The track that is meant, once known.';

-- Name: COLUMN play_work.rule_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.rule_id IS 'The rule that refuses the play, or NULL.';

-- Name: COLUMN play_work.reason; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.reason IS 'Why.';

-- Name: COLUMN play_work.context_type; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.context_type IS 'From where it was played.';

-- Name: COLUMN play_work.context_uri; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.play_work.context_uri IS 'Spotify''s URI of that.';

-- Name: playlist_read; Type: VIEW; Schema: quality

CREATE VIEW quality.playlist_read AS
 SELECT p.batch_id,
    p.row_no,
    p.layout,
    COALESCE(quality.b4_null_marker(quality.b7_trim(f.playlist_name)), regexp_replace(b.file_name, '\.[A-Za-z]+$'::text, ''::text)) AS playlist_name,
    quality.spotify_id(f.playlist_id) AS playlist_spotify_id,
    quality.spotify_id(f.track_uri) AS track_spotify_id,
    quality.b4_null_marker(quality.b7_trim(f.track_name)) AS track_name,
    quality.b10_names(f.artist_names, f.artist_uris) AS artist_names,
    quality.b4_null_marker(quality.b7_trim(f.album_name)) AS album_name,
    quality.spotify_id(f.album_uri) AS album_spotify_id,
    quality.b4_null_marker(quality.b7_trim(f.release_text)) AS release_text,
    quality.b5_number(quality.b7_trim(f.duration_ms)) AS duration_ms,
    quality.b4_null_marker(quality.b7_trim(f.added_text)) AS added_text,
    COALESCE(quality.b11_utc(quality.b7_trim(f.added_text)), ((quality.b6_partial_date(quality.b7_trim(f.added_text)))::timestamp without time zone AT TIME ZONE 'UTC'::text)) AS added_at,
    quality.b4_null_marker(quality.b7_trim(f.duration_ms)) AS duration_text
   FROM ((raw.playlist_entry p
     JOIN raw.batch b USING (batch_id))
     CROSS JOIN LATERAL ( SELECT
                CASE p.layout
                    WHEN 'columns'::text THEN (p.body ->> 'playlist_name'::text)
                    ELSE (p.body #>> '{playlist,name}'::text[])
                END AS playlist_name,
            COALESCE((p.body ->> 'playlist_id'::text), (p.body ->> 'playlist_uri'::text)) AS playlist_id,
                CASE p.layout
                    WHEN 'columns'::text THEN COALESCE((p.body ->> 'track_uri'::text), (p.body ->> 'track_id'::text), (p.body ->> 'spotify_id'::text), (p.body ->> 'spotify_uri'::text), (p.body ->> 'uri'::text), (p.body ->> 'track_url'::text))
                    ELSE (p.body #>> '{item,track,trackUri}'::text[])
                END AS track_uri,
                CASE p.layout
                    WHEN 'columns'::text THEN COALESCE((p.body ->> 'track_name'::text), (p.body ->> 'name'::text), (p.body ->> 'title'::text))
                    ELSE COALESCE((p.body #>> '{item,track,trackName}'::text[]), (p.body #>> '{item,localTrack,trackName}'::text[]))
                END AS track_name,
                CASE p.layout
                    WHEN 'columns'::text THEN COALESCE((p.body ->> 'artist_name_s'::text), (p.body ->> 'artist_names'::text), (p.body ->> 'artist_name'::text), (p.body ->> 'artist_s_name'::text), (p.body ->> 'artists'::text), (p.body ->> 'artist'::text))
                    ELSE COALESCE((p.body #>> '{item,track,artistName}'::text[]), (p.body #>> '{item,localTrack,artistName}'::text[]))
                END AS artist_names,
            COALESCE((p.body ->> 'artist_uri_s'::text), (p.body ->> 'artist_id_s'::text), (p.body ->> 'artist_ids'::text), (p.body ->> 'artist_uris'::text)) AS artist_uris,
                CASE p.layout
                    WHEN 'columns'::text THEN COALESCE((p.body ->> 'album_name'::text), (p.body ->> 'album'::text))
                    ELSE (p.body #>> '{item,track,albumName}'::text[])
                END AS album_name,
            COALESCE((p.body ->> 'album_uri'::text), (p.body ->> 'album_id'::text)) AS album_uri,
            COALESCE((p.body ->> 'album_release_date'::text), (p.body ->> 'release_date'::text)) AS release_text,
            COALESCE((p.body ->> 'track_duration_ms'::text), (p.body ->> 'duration_ms'::text)) AS duration_ms,
                CASE p.layout
                    WHEN 'columns'::text THEN (p.body ->> 'added_at'::text)
                    ELSE (p.body #>> '{item,addedDate}'::text[])
                END AS added_text) f);

-- Name: VIEW playlist_read; Type: COMMENT; Schema: quality

COMMENT ON VIEW quality.playlist_read IS 'Entries of playlists in one shape, values cleansed, whatever layout they came in.';

-- Name: COLUMN playlist_read.playlist_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.playlist_read.playlist_name IS 'As the entry says; else the file''s name without its ending.';

-- Name: COLUMN playlist_read.added_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.playlist_read.added_at IS 'When it was put on the playlist; a bare date is its first moment, UTC.';

-- Name: COLUMN playlist_read.duration_text; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.playlist_read.duration_text IS 'The length as the entry says it, whether it is a number or not.';

-- Name: page_set; Type: TABLE; Schema: raw

CREATE TABLE raw.page_set (
    batch_id bigint NOT NULL,
    listener_name text NOT NULL,
    kind text NOT NULL,
    unit text NOT NULL,
    field_set text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    items integer NOT NULL,
    content_sha256 bytea NOT NULL,
    newest_played_at timestamp with time zone,
    gap_after timestamp with time zone,
    gap_before timestamp with time zone,
    CONSTRAINT page_set_content_sha256_check CHECK ((length(content_sha256) = 32)),
    CONSTRAINT page_set_cursor_of_recent CHECK (((kind = 'recent'::text) OR ((newest_played_at IS NULL) AND (gap_after IS NULL)))),
    CONSTRAINT page_set_field_set_check CHECK ((field_set = ANY (ARRAY['before'::text, 'after'::text, 'unknown'::text]))),
    CONSTRAINT page_set_gap_has_ends CHECK ((((gap_after IS NULL) = (gap_before IS NULL)) AND (gap_after < gap_before))),
    CONSTRAINT page_set_items_check CHECK ((items >= 0)),
    CONSTRAINT page_set_kind_check CHECK ((kind = ANY (ARRAY['profile'::text, 'recent'::text, 'top'::text, 'playlists'::text, 'library'::text, 'artists'::text, 'devices'::text, 'covers'::text]))),
    CONSTRAINT page_set_listener_name_check CHECK ((listener_name <> ''::text)),
    CONSTRAINT page_set_unit_check CHECK ((unit <> ''::text))
);

-- Name: TABLE page_set; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.page_set IS 'Pages of the Web API that were fetched together; the rows of raw.page with the same batch_id.';

-- Name: COLUMN page_set.batch_id; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.batch_id IS 'The batch.';

-- Name: COLUMN page_set.listener_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.listener_name IS 'In whose name they were asked for.';

-- Name: COLUMN page_set.kind; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.kind IS 'What spotify fetch was asked for.';

-- Name: COLUMN page_set.unit; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.unit IS 'Which part of it: recent, artists short_term, a playlist by its identifier, tracks, albums.';

-- Name: COLUMN page_set.field_set; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.field_set IS 'before or after: whether the answers have the fields that Spotify took away in February 2026; unknown where nothing tells.';

-- Name: COLUMN page_set.started_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.started_at IS 'When the first of its pages was asked for.';

-- Name: COLUMN page_set.items; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.items IS 'Items in all of its pages.';

-- Name: COLUMN page_set.content_sha256; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.content_sha256 IS 'SHA-256 of the pages'' bodies: the same again is not received again where only the content matters.';

-- Name: COLUMN page_set.newest_played_at; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.newest_played_at IS 'Of recent plays: the newest of them, which is where the next fetch begins.';

-- Name: COLUMN page_set.gap_after; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.gap_after IS 'Plays after this moment may be lost: more were played than Spotify keeps. NULL when none are.';

-- Name: COLUMN page_set.gap_before; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.page_set.gap_before IS 'The oldest play that Spotify still had.';

-- Name: possible_gap; Type: VIEW; Schema: quality

CREATE VIEW quality.possible_gap AS
 SELECT listener_name,
    gap_after,
    gap_before,
    started_at AS noticed_at,
    batch_id
   FROM raw.page_set
  WHERE (gap_after IS NOT NULL);

-- Name: VIEW possible_gap; Type: COMMENT; Schema: quality

COMMENT ON VIEW quality.possible_gap IS 'Between which moments plays of a listener may be missing: the Web API keeps the last 50 only.';

-- Name: COLUMN possible_gap.listener_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.possible_gap.listener_name IS 'Whose plays.';

-- Name: COLUMN possible_gap.gap_after; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.possible_gap.gap_after IS 'The last play known before.';

-- Name: COLUMN possible_gap.gap_before; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.possible_gap.gap_before IS 'The first play known afterwards.';

-- Name: COLUMN possible_gap.noticed_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.possible_gap.noticed_at IS 'When the fetch began that noticed it.';

-- Name: COLUMN possible_gap.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.possible_gap.batch_id IS 'The pages of that fetch.';

-- Name: rule_count; Type: TABLE; Schema: quality

CREATE TABLE quality.rule_count (
    run_id bigint NOT NULL,
    rule_id text NOT NULL,
    finding text NOT NULL,
    found bigint NOT NULL,
    CONSTRAINT rule_count_found_check CHECK ((found >= 0))
);

-- Name: TABLE rule_count; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.rule_count IS 'What each rule found in a run.';

-- Name: COLUMN rule_count.run_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule_count.run_id IS 'The run.';

-- Name: COLUMN rule_count.rule_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule_count.rule_id IS 'The rule.';

-- Name: COLUMN rule_count.finding; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule_count.finding IS 'Which of the things the rule looks for.';

-- Name: COLUMN rule_count.found; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.rule_count.found IS 'How many; rows unless the finding names another unit.';

-- Name: run_run_id_seq; Type: SEQUENCE; Schema: quality

ALTER TABLE quality.run ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME quality.run_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: track_work; Type: TABLE; Schema: quality

CREATE UNLOGGED TABLE quality.track_work (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    spotify_id text,
    track_name text,
    artist_name text,
    album_name text,
    duration_ms integer,
    popularity smallint,
    ended_at timestamp with time zone,
    ms_played numeric,
    track_id bigint,
    rule_id text,
    reason text,
    context_type text,
    context_uri text
);

-- Name: TABLE track_work; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.track_work IS 'Rows that name a track while a load procedure works on them; empty between runs.';

-- Name: COLUMN track_work.batch_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN track_work.row_no; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.row_no IS 'The row of that file.';

-- Name: COLUMN track_work.spotify_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.spotify_id IS 'Spotify''s identifier, where given.';

-- Name: COLUMN track_work.track_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.track_name IS 'Name, cleansed.';

-- Name: COLUMN track_work.artist_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.artist_name IS 'First artist, cleansed.';

-- Name: COLUMN track_work.album_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.album_name IS 'Album, cleansed.';

-- Name: COLUMN track_work.duration_ms; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.duration_ms IS 'Length in milliseconds, where given.';

-- Name: COLUMN track_work.popularity; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.popularity IS '0 to 100, where given.';

-- Name: COLUMN track_work.ended_at; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.ended_at IS 'Of a play: when it ended.';

-- Name: COLUMN track_work.ms_played; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.ms_played IS 'Of a play: how long it was heard.';

-- Name: COLUMN track_work.track_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.track_id IS 'The track that is meant, once known.';

-- Name: COLUMN track_work.rule_id; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.rule_id IS 'The rule that refuses the row, or NULL.';

-- Name: COLUMN track_work.reason; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.reason IS 'Why.';

-- Name: COLUMN track_work.context_type; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.context_type IS 'Of a play: from where it was played, as another source told.';

-- Name: COLUMN track_work.context_uri; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.track_work.context_uri IS 'Of a play: the URI of that, as another source told.';

-- Name: batch_batch_id_seq; Type: SEQUENCE; Schema: raw

ALTER TABLE raw.batch ALTER COLUMN batch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME raw.batch_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: changed_day; Type: TABLE; Schema: reco

CREATE TABLE reco.changed_day (
    change_id bigint NOT NULL,
    listener_id bigint NOT NULL,
    day date NOT NULL
);

-- Name: TABLE changed_day; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.changed_day IS 'Days, UTC, on which plays of a listener came, changed or went since the last refresh; noted by triggers.';

-- Name: COLUMN changed_day.change_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.changed_day.change_id IS 'Our number.';

-- Name: COLUMN changed_day.listener_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.changed_day.listener_id IS 'The listener.';

-- Name: COLUMN changed_day.day; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.changed_day.day IS 'The day.';

-- Name: changed_day_change_id_seq; Type: SEQUENCE; Schema: reco

ALTER TABLE reco.changed_day ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME reco.changed_day_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: changed_playlist; Type: TABLE; Schema: reco

CREATE TABLE reco.changed_playlist (
    change_id bigint NOT NULL,
    playlist_id bigint NOT NULL
);

-- Name: TABLE changed_playlist; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.changed_playlist IS 'Playlists whose tracks came, changed or went since the last refresh; noted by triggers.';

-- Name: COLUMN changed_playlist.change_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.changed_playlist.change_id IS 'Our number.';

-- Name: COLUMN changed_playlist.playlist_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.changed_playlist.playlist_id IS 'The playlist.';

-- Name: changed_playlist_change_id_seq; Type: SEQUENCE; Schema: reco

ALTER TABLE reco.changed_playlist ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME reco.changed_playlist_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: changed_song; Type: TABLE; Schema: reco

CREATE TABLE reco.changed_song (
    change_id bigint NOT NULL,
    track_id bigint NOT NULL
);

-- Name: TABLE changed_song; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.changed_song IS 'Songs that a forgotten listener had heard or listed: noted without saying who.';

-- Name: COLUMN changed_song.change_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.changed_song.change_id IS 'Our number.';

-- Name: COLUMN changed_song.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.changed_song.track_id IS 'The song.';

-- Name: changed_song_change_id_seq; Type: SEQUENCE; Schema: reco

ALTER TABLE reco.changed_song ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME reco.changed_song_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: count_work; Type: TABLE; Schema: reco

CREATE UNLOGGED TABLE reco.count_work (
    track_id bigint NOT NULL,
    times integer NOT NULL,
    before integer NOT NULL
);

-- Name: TABLE count_work; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.count_work IS 'How often songs occur and did before; empty between runs.';

-- Name: COLUMN count_work.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.count_work.track_id IS 'The song.';

-- Name: COLUMN count_work.times; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.count_work.times IS 'How often it occurs now.';

-- Name: COLUMN count_work.before; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.count_work.before IS 'How often it did at the last refresh.';

-- Name: evaluation; Type: TABLE; Schema: reco

CREATE TABLE reco.evaluation (
    evaluation_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    source text NOT NULL,
    seed bigint NOT NULL,
    settings jsonb NOT NULL,
    reached boolean,
    CONSTRAINT evaluation_source_check CHECK ((source <> ''::text))
);

-- Name: TABLE evaluation; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.evaluation IS 'Runs of dbadmin spotify evaluate.';

-- Name: COLUMN evaluation.evaluation_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation.evaluation_id IS 'Our number.';

-- Name: COLUMN evaluation.started_at; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation.started_at IS 'When it began.';

-- Name: COLUMN evaluation.finished_at; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation.finished_at IS 'When its figures were stored.';

-- Name: COLUMN evaluation.source; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation.source IS 'warehouse, or the files that were read, without their directories.';

-- Name: COLUMN evaluation.seed; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation.seed IS 'The seed of its splits and intervals: the same gives the same figures.';

-- Name: COLUMN evaluation.settings; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation.settings IS 'Shrinkage, neighbours, window and the like.';

-- Name: COLUMN evaluation.reached; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation.reached IS 'Whether the method beat popularity by as much as it must; NULL where nothing was demanded.';

-- Name: evaluation_evaluation_id_seq; Type: SEQUENCE; Schema: reco

ALTER TABLE reco.evaluation ALTER COLUMN evaluation_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME reco.evaluation_evaluation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: evaluation_figure; Type: TABLE; Schema: reco

CREATE TABLE reco.evaluation_figure (
    evaluation_id bigint NOT NULL,
    task text NOT NULL,
    method text NOT NULL,
    metric text NOT NULL,
    value double precision NOT NULL,
    low double precision,
    high double precision,
    CONSTRAINT evaluation_interval_has_ends CHECK (((low IS NULL) = (high IS NULL)))
);

-- Name: TABLE evaluation_figure; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.evaluation_figure IS 'What each method reached.';

-- Name: COLUMN evaluation_figure.evaluation_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_figure.evaluation_id IS 'The run.';

-- Name: COLUMN evaluation_figure.task; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_figure.task IS 'The task.';

-- Name: COLUMN evaluation_figure.method; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_figure.method IS 'The method.';

-- Name: COLUMN evaluation_figure.metric; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_figure.metric IS 'HR@10, NDCG@10, recall@10 and so on.';

-- Name: COLUMN evaluation_figure.value; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_figure.value IS 'The figure.';

-- Name: COLUMN evaluation_figure.low; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_figure.low IS 'Lower end of the 95 % interval (bootstrap), where there is one.';

-- Name: COLUMN evaluation_figure.high; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_figure.high IS 'Upper end.';

-- Name: evaluation_task; Type: TABLE; Schema: reco

CREATE TABLE reco.evaluation_task (
    evaluation_id bigint NOT NULL,
    task text NOT NULL,
    cases bigint NOT NULL,
    items bigint NOT NULL,
    CONSTRAINT evaluation_task_cases_check CHECK ((cases >= 0)),
    CONSTRAINT evaluation_task_items_check CHECK ((items >= 0)),
    CONSTRAINT evaluation_task_task_check CHECK ((task = ANY (ARRAY['next track'::text, 'playlists'::text, 'interactions'::text])))
);

-- Name: TABLE evaluation_task; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.evaluation_task IS 'What was tried in a run.';

-- Name: COLUMN evaluation_task.evaluation_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_task.evaluation_id IS 'The run.';

-- Name: COLUMN evaluation_task.task; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_task.task IS 'next track: the last fifth of the time; playlists, interactions: a hidden fifth of each.';

-- Name: COLUMN evaluation_task.cases; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_task.cases IS 'How many questions were asked.';

-- Name: COLUMN evaluation_task.items; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.evaluation_task.items IS 'How many songs, or items, were ranked for each: all there are.';

-- Name: feature_scale; Type: TABLE; Schema: reco

CREATE TABLE reco.feature_scale (
    feature text NOT NULL,
    place smallint NOT NULL,
    mean double precision NOT NULL,
    deviation double precision NOT NULL,
    CONSTRAINT feature_scale_deviation_check CHECK ((deviation > (0)::double precision)),
    CONSTRAINT feature_scale_place_check CHECK (((place >= 1) AND (place <= 9)))
);

-- Name: TABLE feature_scale; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.feature_scale IS 'Mean and standard deviation of each audio feature over the songs: what 1 means in reco.song_feature.';

-- Name: COLUMN feature_scale.feature; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.feature_scale.feature IS 'As core.audio_feature names it.';

-- Name: COLUMN feature_scale.place; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.feature_scale.place IS 'Its dimension in the vectors.';

-- Name: COLUMN feature_scale.mean; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.feature_scale.mean IS 'Mean.';

-- Name: COLUMN feature_scale.deviation; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.feature_scale.deviation IS 'Standard deviation; 1 where all are equal.';

-- Name: listed; Type: TABLE; Schema: reco

CREATE TABLE reco.listed (
    playlist_id bigint NOT NULL,
    track_id bigint NOT NULL
);

-- Name: TABLE listed; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.listed IS 'Songs of the playlists that are not too long to say anything.';

-- Name: COLUMN listed.playlist_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listed.playlist_id IS 'The playlist.';

-- Name: COLUMN listed.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listed.track_id IS 'The song.';

-- Name: listen; Type: TABLE; Schema: reco

CREATE TABLE reco.listen (
    session_id bigint NOT NULL,
    "position" integer NOT NULL,
    listener_id bigint NOT NULL,
    track_id bigint NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    CONSTRAINT listen_position_check CHECK (("position" >= 1))
);

-- Name: TABLE listen; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.listen IS 'Listens in the order of their sessions: plays of 30 s to 60 min, by song.';

-- Name: COLUMN listen.session_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listen.session_id IS 'The session: play_id of its first listen.';

-- Name: COLUMN listen."position"; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listen."position" IS 'Place in the session, from 1.';

-- Name: COLUMN listen.listener_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listen.listener_id IS 'Who listened.';

-- Name: COLUMN listen.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listen.track_id IS 'The song: the track that stands for all of the same meaning.';

-- Name: COLUMN listen.ended_at; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listen.ended_at IS 'When the listen ended.';

-- Name: listener_song; Type: TABLE; Schema: reco

CREATE TABLE reco.listener_song (
    listener_id bigint NOT NULL,
    track_id bigint NOT NULL,
    listens integer NOT NULL,
    last_heard_at timestamp with time zone NOT NULL,
    is_profile boolean DEFAULT false NOT NULL,
    CONSTRAINT listener_song_listens_check CHECK ((listens > 0))
);

-- Name: TABLE listener_song; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.listener_song IS 'What each listener listens to.';

-- Name: COLUMN listener_song.listener_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listener_song.listener_id IS 'The listener.';

-- Name: COLUMN listener_song.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listener_song.track_id IS 'The song.';

-- Name: COLUMN listener_song.listens; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listener_song.listens IS 'How often they listened to it.';

-- Name: COLUMN listener_song.last_heard_at; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listener_song.last_heard_at IS 'When the last of these listens ended.';

-- Name: COLUMN listener_song.is_profile; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listener_song.is_profile IS 'Among their most heard songs, which stand for them.';

-- Name: listener_song_work; Type: TABLE; Schema: reco

CREATE UNLOGGED TABLE reco.listener_song_work (
    listener_id bigint NOT NULL,
    track_id bigint NOT NULL
);

-- Name: TABLE listener_song_work; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.listener_song_work IS 'What listeners listen to more or less than before a refresh; empty between runs.';

-- Name: COLUMN listener_song_work.listener_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listener_song_work.listener_id IS 'The listener.';

-- Name: COLUMN listener_song_work.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.listener_song_work.track_id IS 'The song.';

-- Name: neighbour_list; Type: TABLE; Schema: reco

CREATE TABLE reco.neighbour_list (
    track_id bigint NOT NULL,
    basis text NOT NULL,
    neighbours bigint[] NOT NULL,
    scores real[] NOT NULL,
    CONSTRAINT neighbour_list_basis_check CHECK ((basis = ANY (ARRAY['listeners'::text, 'playlists'::text, 'sessions'::text]))),
    CONSTRAINT neighbour_list_has_scores CHECK (((cardinality(neighbours) = cardinality(scores)) AND (cardinality(neighbours) > 0)))
);

-- Name: TABLE neighbour_list; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.neighbour_list IS 'The songs most found together with each, one row a list so that it is read in one step; reco.neighbour shows one row a neighbour.';

-- Name: COLUMN neighbour_list.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour_list.track_id IS 'The song.';

-- Name: COLUMN neighbour_list.basis; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour_list.basis IS 'listeners: heard by the same people; playlists: on the same playlists; sessions: heard close to each other.';

-- Name: COLUMN neighbour_list.neighbours; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour_list.neighbours IS 'The songs, best first.';

-- Name: COLUMN neighbour_list.scores; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour_list.scores IS 'Their scores: times together / (root of the product of their times + shrinkage).';

-- Name: neighbour; Type: VIEW; Schema: reco

CREATE VIEW reco.neighbour AS
 SELECT l.track_id,
    l.basis,
    n.rank,
    n.neighbour_id,
    n.score
   FROM (reco.neighbour_list l
     CROSS JOIN LATERAL UNNEST(l.neighbours, l.scores) WITH ORDINALITY n(neighbour_id, score, rank));

-- Name: VIEW neighbour; Type: COMMENT; Schema: reco

COMMENT ON VIEW reco.neighbour IS 'reco.neighbour_list, one row a neighbour.';

-- Name: COLUMN neighbour.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour.track_id IS 'The song.';

-- Name: COLUMN neighbour.basis; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour.basis IS 'sessions, playlists or listeners.';

-- Name: COLUMN neighbour.rank; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour.rank IS '1 is the nearest.';

-- Name: COLUMN neighbour.neighbour_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour.neighbour_id IS 'The neighbour.';

-- Name: COLUMN neighbour.score; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.neighbour.score IS 'How near.';

-- Name: occurrence; Type: VIEW; Schema: reco

CREATE VIEW reco.occurrence AS
 SELECT 'sessions'::text AS basis,
    l.track_id
   FROM reco.listen l
UNION ALL
 SELECT 'playlists'::text AS basis,
    p.track_id
   FROM reco.listed p
UNION ALL
 SELECT 'listeners'::text AS basis,
    s.track_id
   FROM reco.listener_song s
  WHERE s.is_profile;

-- Name: VIEW occurrence; Type: COMMENT; Schema: reco

COMMENT ON VIEW reco.occurrence IS 'Each time a song occurs: in a session, on a playlist, in the profile of a listener.';

-- Name: COLUMN occurrence.basis; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.occurrence.basis IS 'sessions, playlists or listeners.';

-- Name: COLUMN occurrence.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.occurrence.track_id IS 'The song.';

-- Name: setting; Type: TABLE; Schema: reco

CREATE TABLE reco.setting (
    only_row boolean DEFAULT true NOT NULL,
    shrinkage double precision DEFAULT 5 NOT NULL,
    neighbours smallint DEFAULT 50 NOT NULL,
    session_gap interval DEFAULT '00:30:00'::interval NOT NULL,
    session_window smallint DEFAULT 5 NOT NULL,
    profile_songs smallint DEFAULT 100 NOT NULL,
    playlist_songs smallint DEFAULT 500 NOT NULL,
    CONSTRAINT setting_neighbours_check CHECK (((neighbours >= 1) AND (neighbours <= 500))),
    CONSTRAINT setting_only_row_check CHECK (only_row),
    CONSTRAINT setting_playlist_songs_check CHECK (((playlist_songs >= 2) AND (playlist_songs <= 5000))),
    CONSTRAINT setting_profile_songs_check CHECK (((profile_songs >= 2) AND (profile_songs <= 1000))),
    CONSTRAINT setting_session_gap_check CHECK ((session_gap > '00:00:00'::interval)),
    CONSTRAINT setting_session_window_check CHECK (((session_window >= 1) AND (session_window <= 50))),
    CONSTRAINT setting_shrinkage_check CHECK ((shrinkage >= (0)::double precision))
);

-- Name: TABLE setting; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.setting IS 'How neighbours are found: one row. After a change call reco.rebuild.';

-- Name: COLUMN setting.only_row; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.setting.only_row IS 'There is one row.';

-- Name: COLUMN setting.shrinkage; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.setting.shrinkage IS 'Added below the line of the cosine: what was found together once by chance shall not stand above what is found together often.';

-- Name: COLUMN setting.neighbours; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.setting.neighbours IS 'Neighbours kept per song and basis.';

-- Name: COLUMN setting.session_gap; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.setting.session_gap IS 'A longer silence ends a session.';

-- Name: COLUMN setting.session_window; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.setting.session_window IS 'Songs of a session are together when at most so many listens apart.';

-- Name: COLUMN setting.profile_songs; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.setting.profile_songs IS 'How many of a listener''s most heard songs stand for them: pairs grow with the square.';

-- Name: COLUMN setting.playlist_songs; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.setting.playlist_songs IS 'Longer playlists are left out: being in a pile of everything says nothing.';

-- Name: song; Type: VIEW; Schema: reco

CREATE VIEW reco.song AS
 SELECT t.track_id,
    t.name,
    a.artist_id,
    a.name AS artist,
    t.spotify_id,
    t.popularity
   FROM ((core.track t
     LEFT JOIN core.track_artist ta ON (((ta.track_id = t.track_id) AND (ta."position" = 1))))
     LEFT JOIN core.artist a ON ((a.artist_id = ta.artist_id)))
  WHERE (t.canonical_track_id IS NULL);

-- Name: VIEW song; Type: COMMENT; Schema: reco

COMMENT ON VIEW reco.song IS 'Songs: the tracks that stand for themselves, with their first artist.';

-- Name: COLUMN song.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song.track_id IS 'The song.';

-- Name: COLUMN song.name; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song.name IS 'Its name, where known.';

-- Name: COLUMN song.artist_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song.artist_id IS 'First artist.';

-- Name: COLUMN song.artist; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song.artist IS 'Name of the first artist.';

-- Name: COLUMN song.spotify_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song.spotify_id IS 'Spotify''s identifier, where known.';

-- Name: COLUMN song.popularity; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song.popularity IS '0 to 100, where Spotify tells.';

-- Name: song_count; Type: TABLE; Schema: reco

CREATE TABLE reco.song_count (
    basis text NOT NULL,
    track_id bigint NOT NULL,
    times integer NOT NULL,
    CONSTRAINT song_count_basis_check CHECK ((basis = ANY (ARRAY['listeners'::text, 'playlists'::text, 'sessions'::text]))),
    CONSTRAINT song_count_times_check CHECK ((times > 0))
);

-- Name: TABLE song_count; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.song_count IS 'How often each song occurs: the popularity baseline, and what co-occurrence is measured against.';

-- Name: COLUMN song_count.basis; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_count.basis IS 'listeners: in how many profiles; playlists: in how many playlists; sessions: how many listens.';

-- Name: COLUMN song_count.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_count.track_id IS 'The song.';

-- Name: COLUMN song_count.times; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_count.times IS 'How often.';

-- Name: song_feature; Type: TABLE; Schema: reco

CREATE TABLE reco.song_feature (
    track_id bigint NOT NULL,
    vector reco.cube NOT NULL
);

-- Name: TABLE song_feature; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.song_feature IS 'The sound of each song whose nine features are known, as a point.';

-- Name: COLUMN song_feature.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_feature.track_id IS 'The song.';

-- Name: COLUMN song_feature.vector; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_feature.vector IS 'Nine dimensions in the order of reco.feature_scale, in standard deviations from the mean.';

-- Name: song_genre; Type: VIEW; Schema: reco

CREATE VIEW reco.song_genre AS
 SELECT COALESCE(t.canonical_track_id, t.track_id) AS track_id,
    g.name AS genre
   FROM (((core.playlist_track_subgenre ps
     JOIN core.subgenre sg ON ((sg.subgenre_id = ps.subgenre_id)))
     JOIN core.genre g ON ((g.genre_id = sg.genre_id)))
     JOIN core.track t ON ((t.track_id = ps.track_id)))
UNION
 SELECT COALESCE(t.canonical_track_id, t.track_id) AS track_id,
    sg.name AS genre
   FROM ((core.playlist_track_subgenre ps
     JOIN core.subgenre sg ON ((sg.subgenre_id = ps.subgenre_id)))
     JOIN core.track t ON ((t.track_id = ps.track_id)))
UNION
 SELECT COALESCE(t.canonical_track_id, t.track_id) AS track_id,
    g.name AS genre
   FROM (((core.artist_genre ag
     JOIN core.genre g ON ((g.genre_id = ag.genre_id)))
     JOIN core.track_artist ta ON ((ta.artist_id = ag.artist_id)))
     JOIN core.track t ON ((t.track_id = ta.track_id)));

-- Name: VIEW song_genre; Type: COMMENT; Schema: reco

COMMENT ON VIEW reco.song_genre IS 'Genres and subgenres of songs: of the playlists that list them, and of their artists.';

-- Name: COLUMN song_genre.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_genre.track_id IS 'The song.';

-- Name: COLUMN song_genre.genre; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_genre.genre IS 'Name of a genre or subgenre.';

-- Name: song_sound; Type: VIEW; Schema: reco

CREATE VIEW reco.song_sound AS
 SELECT DISTINCT ON (COALESCE(t.canonical_track_id, t.track_id)) COALESCE(t.canonical_track_id, t.track_id) AS track_id,
    ARRAY[f.danceability, f.energy, f.loudness_db, f.speechiness, f.acousticness, f.instrumentalness, f.liveness, f.valence, f.tempo_bpm] AS features
   FROM (core.audio_feature f
     JOIN core.track t ON ((t.track_id = f.track_id)))
  WHERE (num_nulls(f.danceability, f.energy, f.loudness_db, f.speechiness, f.acousticness, f.instrumentalness, f.liveness, f.valence, f.tempo_bpm) = 0)
  ORDER BY COALESCE(t.canonical_track_id, t.track_id), (t.canonical_track_id IS NOT NULL), t.track_id;

-- Name: VIEW song_sound; Type: COMMENT; Schema: reco

COMMENT ON VIEW reco.song_sound IS 'The nine audio features of each song that was analysed; its own before those of a track it stands for.';

-- Name: COLUMN song_sound.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_sound.track_id IS 'The song.';

-- Name: COLUMN song_sound.features; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_sound.features IS 'In the order of reco.feature_scale.';

-- Name: song_work; Type: TABLE; Schema: reco

CREATE UNLOGGED TABLE reco.song_work (
    basis text NOT NULL,
    track_id bigint NOT NULL
);

-- Name: TABLE song_work; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.song_work IS 'Songs whose neighbours a refresh finds again; empty between runs.';

-- Name: COLUMN song_work.basis; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_work.basis IS 'listeners, playlists or sessions.';

-- Name: COLUMN song_work.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.song_work.track_id IS 'The song.';

-- Name: span_work; Type: TABLE; Schema: reco

CREATE UNLOGGED TABLE reco.span_work (
    listener_id bigint NOT NULL,
    span tstzrange NOT NULL
);

-- Name: TABLE span_work; Type: COMMENT; Schema: reco

COMMENT ON TABLE reco.span_work IS 'The times whose listens a refresh reads again; empty between runs.';

-- Name: COLUMN span_work.listener_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.span_work.listener_id IS 'The listener.';

-- Name: COLUMN span_work.span; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.span_work.span IS 'Whole sessions, always.';

-- Name: together; Type: VIEW; Schema: reco

CREATE VIEW reco.together AS
 SELECT 'sessions'::text AS basis,
    x.track_id,
    y.track_id AS neighbour_id,
    apart.points
   FROM ((reco.listen x
     CROSS JOIN reco.distances() apart(distance, points))
     JOIN reco.listen y ON (((y.session_id = x.session_id) AND (y."position" = (x."position" + apart.distance)) AND (y.track_id <> x.track_id))))
UNION ALL
 SELECT 'playlists'::text AS basis,
    x.track_id,
    y.track_id AS neighbour_id,
    1 AS points
   FROM (reco.listed x
     JOIN reco.listed y ON (((y.playlist_id = x.playlist_id) AND (y.track_id <> x.track_id))))
UNION ALL
 SELECT 'listeners'::text AS basis,
    x.track_id,
    y.track_id AS neighbour_id,
    1 AS points
   FROM (reco.listener_song x
     JOIN reco.listener_song y ON (((y.listener_id = x.listener_id) AND y.is_profile AND (y.track_id <> x.track_id))))
  WHERE x.is_profile;

-- Name: VIEW together; Type: COMMENT; Schema: reco

COMMENT ON VIEW reco.together IS 'Each time a song is found with another: heard within a few listens of it, listed with it, in the same listener''s profile. Every pair stands here both ways.';

-- Name: COLUMN together.basis; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.together.basis IS 'sessions, playlists or listeners.';

-- Name: COLUMN together.track_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.together.track_id IS 'The song.';

-- Name: COLUMN together.neighbour_id; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.together.neighbour_id IS 'The other.';

-- Name: COLUMN together.points; Type: COMMENT; Schema: reco

COMMENT ON COLUMN reco.together.points IS 'How close: of sessions 1 to the window, of the others 1. Whole numbers, whose sum does not depend on the order of rows.';

-- Name: change change_pkey; Type: CONSTRAINT; Schema: audit

ALTER TABLE ONLY audit.change
    ADD CONSTRAINT change_pkey PRIMARY KEY (change_id);

-- Name: accepted_row accepted_row_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.accepted_row
    ADD CONSTRAINT accepted_row_pkey PRIMARY KEY (batch_id, row_no, item_no);

-- Name: album_artist album_artist_album_id_artist_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album_artist
    ADD CONSTRAINT album_artist_album_id_artist_id_key UNIQUE (album_id, artist_id);

-- Name: album_artist album_artist_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album_artist
    ADD CONSTRAINT album_artist_pkey PRIMARY KEY (album_id, "position");

-- Name: album album_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album
    ADD CONSTRAINT album_pkey PRIMARY KEY (album_id);

-- Name: album album_spotify_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album
    ADD CONSTRAINT album_spotify_id_key UNIQUE (spotify_id);

-- Name: artist_genre artist_genre_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist_genre
    ADD CONSTRAINT artist_genre_pkey PRIMARY KEY (artist_id, genre_id);

-- Name: artist artist_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist
    ADD CONSTRAINT artist_pkey PRIMARY KEY (artist_id);

-- Name: artist artist_spotify_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist
    ADD CONSTRAINT artist_spotify_id_key UNIQUE (spotify_id);

-- Name: artist_top_track artist_top_track_artist_id_taken_at_track_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist_top_track
    ADD CONSTRAINT artist_top_track_artist_id_taken_at_track_id_key UNIQUE (artist_id, taken_at, track_id);

-- Name: artist_top_track artist_top_track_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist_top_track
    ADD CONSTRAINT artist_top_track_pkey PRIMARY KEY (artist_id, taken_at, rank);

-- Name: audio_feature audio_feature_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.audio_feature
    ADD CONSTRAINT audio_feature_pkey PRIMARY KEY (track_id);

-- Name: chart_entry chart_entry_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart_entry
    ADD CONSTRAINT chart_entry_pkey PRIMARY KEY (chart_id, starts_on, track_id);

-- Name: chart chart_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart
    ADD CONSTRAINT chart_name_key UNIQUE (name);

-- Name: chart chart_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart
    ADD CONSTRAINT chart_pkey PRIMARY KEY (chart_id);

-- Name: chart_standing chart_standing_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart_standing
    ADD CONSTRAINT chart_standing_pkey PRIMARY KEY (chart_id, track_id);

-- Name: cover cover_album_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.cover
    ADD CONSTRAINT cover_album_id_key UNIQUE (album_id);

-- Name: cover cover_artist_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.cover
    ADD CONSTRAINT cover_artist_id_key UNIQUE (artist_id);

-- Name: cover cover_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.cover
    ADD CONSTRAINT cover_pkey PRIMARY KEY (cover_id);

-- Name: device device_listener_id_name_device_type_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.device
    ADD CONSTRAINT device_listener_id_name_device_type_key UNIQUE (listener_id, name, device_type);

-- Name: device device_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (device_id);

-- Name: follow follow_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.follow
    ADD CONSTRAINT follow_pkey PRIMARY KEY (listener_id, artist_id);

-- Name: genre genre_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.genre
    ADD CONSTRAINT genre_name_key UNIQUE (name);

-- Name: genre genre_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.genre
    ADD CONSTRAINT genre_pkey PRIMARY KEY (genre_id);

-- Name: listener listener_account_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.listener
    ADD CONSTRAINT listener_account_id_key UNIQUE (account_id);

-- Name: listener_login listener_login_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.listener_login
    ADD CONSTRAINT listener_login_pkey PRIMARY KEY (login);

-- Name: listener listener_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.listener
    ADD CONSTRAINT listener_name_key UNIQUE (name);

-- Name: listener listener_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.listener
    ADD CONSTRAINT listener_pkey PRIMARY KEY (listener_id);

-- Name: play play_listener_id_ended_at_minute_seq_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_listener_id_ended_at_minute_seq_key UNIQUE (listener_id, ended_at, minute_seq);

-- Name: play play_listener_id_ended_at_track_id_ms_played_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_listener_id_ended_at_track_id_ms_played_key UNIQUE (listener_id, ended_at, track_id, ms_played);

-- Name: play play_origin_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_origin_key UNIQUE (batch_id, row_no, item_no);

-- Name: play play_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_pkey PRIMARY KEY (play_id);

-- Name: playlist playlist_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist
    ADD CONSTRAINT playlist_pkey PRIMARY KEY (playlist_id);

-- Name: playlist playlist_spotify_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist
    ADD CONSTRAINT playlist_spotify_id_key UNIQUE (spotify_id);

-- Name: playlist_track playlist_track_origin_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track
    ADD CONSTRAINT playlist_track_origin_key UNIQUE (batch_id, row_no, item_no);

-- Name: playlist_track playlist_track_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track
    ADD CONSTRAINT playlist_track_pkey PRIMARY KEY (playlist_id, track_id);

-- Name: playlist_track_subgenre playlist_track_subgenre_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track_subgenre
    ADD CONSTRAINT playlist_track_subgenre_pkey PRIMARY KEY (playlist_id, track_id, subgenre_id);

-- Name: saved_album saved_album_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.saved_album
    ADD CONSTRAINT saved_album_pkey PRIMARY KEY (listener_id, album_id);

-- Name: saved_track saved_track_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.saved_track
    ADD CONSTRAINT saved_track_pkey PRIMARY KEY (listener_id, track_id);

-- Name: subgenre subgenre_genre_id_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.subgenre
    ADD CONSTRAINT subgenre_genre_id_name_key UNIQUE (genre_id, name);

-- Name: subgenre subgenre_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.subgenre
    ADD CONSTRAINT subgenre_pkey PRIMARY KEY (subgenre_id);

-- Name: top_list_artist top_list_artist_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_artist
    ADD CONSTRAINT top_list_artist_pkey PRIMARY KEY (top_list_id, rank);

-- Name: top_list_artist top_list_artist_top_list_id_artist_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_artist
    ADD CONSTRAINT top_list_artist_top_list_id_artist_id_key UNIQUE (top_list_id, artist_id);

-- Name: top_list top_list_listener_id_kind_time_range_taken_at_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list
    ADD CONSTRAINT top_list_listener_id_kind_time_range_taken_at_key UNIQUE (listener_id, kind, time_range, taken_at);

-- Name: top_list top_list_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list
    ADD CONSTRAINT top_list_pkey PRIMARY KEY (top_list_id);

-- Name: top_list_track top_list_track_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_track
    ADD CONSTRAINT top_list_track_pkey PRIMARY KEY (top_list_id, rank);

-- Name: top_list_track top_list_track_top_list_id_track_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_track
    ADD CONSTRAINT top_list_track_top_list_id_track_id_key UNIQUE (top_list_id, track_id);

-- Name: track_artist track_artist_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_artist
    ADD CONSTRAINT track_artist_pkey PRIMARY KEY (track_id, "position");

-- Name: track_artist track_artist_track_id_artist_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_artist
    ADD CONSTRAINT track_artist_track_id_artist_id_key UNIQUE (track_id, artist_id);

-- Name: track track_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track
    ADD CONSTRAINT track_pkey PRIMARY KEY (track_id);

-- Name: track_play_count track_play_count_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_play_count
    ADD CONSTRAINT track_play_count_pkey PRIMARY KEY (track_id);

-- Name: track_spelling track_spelling_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_spelling
    ADD CONSTRAINT track_spelling_pkey PRIMARY KEY (artist_name, track_name);

-- Name: track track_spotify_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track
    ADD CONSTRAINT track_spotify_id_key UNIQUE (spotify_id);

-- Name: artist_play_summary artist_play_summary_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.artist_play_summary
    ADD CONSTRAINT artist_play_summary_pkey PRIMARY KEY (artist_id);

-- Name: artist_work artist_work_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.artist_work
    ADD CONSTRAINT artist_work_pkey PRIMARY KEY (artist_id);

-- Name: bridge_track_artist bridge_track_artist_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.bridge_track_artist
    ADD CONSTRAINT bridge_track_artist_pkey PRIMARY KEY (track_id, artist_id);

-- Name: change_work change_work_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.change_work
    ADD CONSTRAINT change_work_pkey PRIMARY KEY (play_id, is_after);

-- Name: changed_play changed_play_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.changed_play
    ADD CONSTRAINT changed_play_pkey PRIMARY KEY (change_id);

-- Name: daily_summary daily_summary_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.daily_summary
    ADD CONSTRAINT daily_summary_pkey PRIMARY KEY (date_id);

-- Name: dim_album dim_album_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_album
    ADD CONSTRAINT dim_album_pkey PRIMARY KEY (album_id);

-- Name: dim_artist dim_artist_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_artist
    ADD CONSTRAINT dim_artist_pkey PRIMARY KEY (artist_id);

-- Name: dim_date dim_date_day_key; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_date
    ADD CONSTRAINT dim_date_day_key UNIQUE (day);

-- Name: dim_date dim_date_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_date
    ADD CONSTRAINT dim_date_pkey PRIMARY KEY (date_id);

-- Name: dim_listener dim_listener_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_listener
    ADD CONSTRAINT dim_listener_pkey PRIMARY KEY (listener_id);

-- Name: dim_source dim_source_context_type_key; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_source
    ADD CONSTRAINT dim_source_context_type_key UNIQUE (context_type);

-- Name: dim_source dim_source_name_key; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_source
    ADD CONSTRAINT dim_source_name_key UNIQUE (name);

-- Name: dim_source dim_source_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_source
    ADD CONSTRAINT dim_source_pkey PRIMARY KEY (source_id);

-- Name: dim_time dim_time_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_time
    ADD CONSTRAINT dim_time_pkey PRIMARY KEY (time_id);

-- Name: dim_track dim_track_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_track
    ADD CONSTRAINT dim_track_pkey PRIMARY KEY (track_id);

-- Name: fact_play fact_play_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_pkey PRIMARY KEY (play_id);

-- Name: play_work play_work_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.play_work
    ADD CONSTRAINT play_work_pkey PRIMARY KEY (play_id);

-- Name: report_page report_page_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.report_page
    ADD CONSTRAINT report_page_pkey PRIMARY KEY (report, page);

-- Name: touched_work touched_work_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.touched_work
    ADD CONSTRAINT touched_work_pkey PRIMARY KEY (date_id, track_id);

-- Name: visual visual_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.visual
    ADD CONSTRAINT visual_pkey PRIMARY KEY (report, page, number);

-- Name: weekly_summary weekly_summary_pkey; Type: CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.weekly_summary
    ADD CONSTRAINT weekly_summary_pkey PRIMARY KEY (iso_year, iso_week);

-- Name: page_item page_item_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.page_item
    ADD CONSTRAINT page_item_pkey PRIMARY KEY (batch_id, row_no, item_no);

-- Name: page_object page_object_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.page_object
    ADD CONSTRAINT page_object_pkey PRIMARY KEY (batch_id, kind, object_key);

-- Name: play_work play_work_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.play_work
    ADD CONSTRAINT play_work_pkey PRIMARY KEY (batch_id, row_no);

-- Name: quarantine quarantine_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (batch_id, row_no, item_no);

-- Name: rule_count rule_count_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.rule_count
    ADD CONSTRAINT rule_count_pkey PRIMARY KEY (run_id, rule_id, finding);

-- Name: rule rule_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.rule
    ADD CONSTRAINT rule_pkey PRIMARY KEY (rule_id);

-- Name: run run_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (run_id);

-- Name: song_work song_work_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.song_work
    ADD CONSTRAINT song_work_pkey PRIMARY KEY (batch_id, row_no);

-- Name: track_work track_work_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.track_work
    ADD CONSTRAINT track_work_pkey PRIMARY KEY (batch_id, row_no);

-- Name: batch batch_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (batch_id);

-- Name: chart_entry chart_entry_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.chart_entry
    ADD CONSTRAINT chart_entry_pkey PRIMARY KEY (batch_id, row_no);

-- Name: extended_history_slice extended_history_slice_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.extended_history_slice
    ADD CONSTRAINT extended_history_slice_pkey PRIMARY KEY (batch_id, first_row_no);

-- Name: library_entry library_entry_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.library_entry
    ADD CONSTRAINT library_entry_pkey PRIMARY KEY (batch_id, row_no);

-- Name: page page_object_key_key; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.page
    ADD CONSTRAINT page_object_key_key UNIQUE (object_key);

-- Name: page page_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.page
    ADD CONSTRAINT page_pkey PRIMARY KEY (batch_id, row_no);

-- Name: page_set page_set_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.page_set
    ADD CONSTRAINT page_set_pkey PRIMARY KEY (batch_id);

-- Name: playlist_entry playlist_entry_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.playlist_entry
    ADD CONSTRAINT playlist_entry_pkey PRIMARY KEY (batch_id, row_no);

-- Name: song song_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.song
    ADD CONSTRAINT song_pkey PRIMARY KEY (batch_id, row_no);

-- Name: streaming_history_slice streaming_history_slice_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.streaming_history_slice
    ADD CONSTRAINT streaming_history_slice_pkey PRIMARY KEY (batch_id, first_row_no);

-- Name: changed_day changed_day_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.changed_day
    ADD CONSTRAINT changed_day_pkey PRIMARY KEY (change_id);

-- Name: changed_playlist changed_playlist_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.changed_playlist
    ADD CONSTRAINT changed_playlist_pkey PRIMARY KEY (change_id);

-- Name: changed_song changed_song_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.changed_song
    ADD CONSTRAINT changed_song_pkey PRIMARY KEY (change_id);

-- Name: count_work count_work_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.count_work
    ADD CONSTRAINT count_work_pkey PRIMARY KEY (track_id);

-- Name: evaluation_figure evaluation_figure_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.evaluation_figure
    ADD CONSTRAINT evaluation_figure_pkey PRIMARY KEY (evaluation_id, task, method, metric);

-- Name: evaluation evaluation_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.evaluation
    ADD CONSTRAINT evaluation_pkey PRIMARY KEY (evaluation_id);

-- Name: evaluation_task evaluation_task_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.evaluation_task
    ADD CONSTRAINT evaluation_task_pkey PRIMARY KEY (evaluation_id, task);

-- Name: feature_scale feature_scale_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.feature_scale
    ADD CONSTRAINT feature_scale_pkey PRIMARY KEY (feature);

-- Name: feature_scale feature_scale_place_key; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.feature_scale
    ADD CONSTRAINT feature_scale_place_key UNIQUE (place);

-- Name: listed listed_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.listed
    ADD CONSTRAINT listed_pkey PRIMARY KEY (playlist_id, track_id);

-- Name: listen listen_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.listen
    ADD CONSTRAINT listen_pkey PRIMARY KEY (session_id, "position");

-- Name: listener_song listener_song_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.listener_song
    ADD CONSTRAINT listener_song_pkey PRIMARY KEY (listener_id, track_id);

-- Name: listener_song_work listener_song_work_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.listener_song_work
    ADD CONSTRAINT listener_song_work_pkey PRIMARY KEY (listener_id, track_id);

-- Name: neighbour_list neighbour_list_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.neighbour_list
    ADD CONSTRAINT neighbour_list_pkey PRIMARY KEY (track_id, basis);

-- Name: setting setting_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (only_row);

-- Name: song_count song_count_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.song_count
    ADD CONSTRAINT song_count_pkey PRIMARY KEY (basis, track_id);

-- Name: song_feature song_feature_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.song_feature
    ADD CONSTRAINT song_feature_pkey PRIMARY KEY (track_id);

-- Name: song_work song_work_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.song_work
    ADD CONSTRAINT song_work_pkey PRIMARY KEY (basis, track_id);

-- Name: span_work span_work_pkey; Type: CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.span_work
    ADD CONSTRAINT span_work_pkey PRIMARY KEY (listener_id, span);

-- Name: change_listener_idx; Type: INDEX; Schema: audit

CREATE INDEX change_listener_idx ON audit.change USING btree (listener_id) WHERE (listener_id IS NOT NULL);

-- Name: change_table_idx; Type: INDEX; Schema: audit

CREATE INDEX change_table_idx ON audit.change USING btree (table_name, changed_at);

-- Name: album_artist_artist_idx; Type: INDEX; Schema: core

CREATE INDEX album_artist_artist_idx ON core.album_artist USING btree (artist_id);

-- Name: album_named_artist_idx; Type: INDEX; Schema: core

CREATE INDEX album_named_artist_idx ON core.album USING btree (named_artist_id);

-- Name: album_named_key; Type: INDEX; Schema: core

CREATE UNIQUE INDEX album_named_key ON core.album USING btree (name, named_artist_id) WHERE (spotify_id IS NULL);

-- Name: artist_genre_genre_idx; Type: INDEX; Schema: core

CREATE INDEX artist_genre_genre_idx ON core.artist_genre USING btree (genre_id);

-- Name: artist_name_key; Type: INDEX; Schema: core

CREATE UNIQUE INDEX artist_name_key ON core.artist USING btree (name) WHERE (NOT is_namesake);

-- Name: artist_namesake_idx; Type: INDEX; Schema: core

CREATE INDEX artist_namesake_idx ON core.artist USING btree (name) WHERE is_namesake;

-- Name: artist_top_track_track_idx; Type: INDEX; Schema: core

CREATE INDEX artist_top_track_track_idx ON core.artist_top_track USING btree (track_id);

-- Name: chart_entry_rank_key; Type: INDEX; Schema: core

CREATE UNIQUE INDEX chart_entry_rank_key ON core.chart_entry USING btree (chart_id, starts_on, rank) WHERE (rank IS NOT NULL);

-- Name: chart_entry_track_idx; Type: INDEX; Schema: core

CREATE INDEX chart_entry_track_idx ON core.chart_entry USING btree (track_id);

-- Name: chart_standing_track_idx; Type: INDEX; Schema: core

CREATE INDEX chart_standing_track_idx ON core.chart_standing USING btree (track_id);

-- Name: follow_artist_idx; Type: INDEX; Schema: core

CREATE INDEX follow_artist_idx ON core.follow USING btree (artist_id);

-- Name: listener_login_listener_idx; Type: INDEX; Schema: core

CREATE INDEX listener_login_listener_idx ON core.listener_login USING btree (listener_id);

-- Name: play_api_idx; Type: INDEX; Schema: core

CREATE INDEX play_api_idx ON core.play USING btree (listener_id, ended_at) WHERE (feed = 'api'::text);

-- Name: play_device_idx; Type: INDEX; Schema: core

CREATE INDEX play_device_idx ON core.play USING btree (device_id) WHERE (device_id IS NOT NULL);

-- Name: play_track_idx; Type: INDEX; Schema: core

CREATE INDEX play_track_idx ON core.play USING btree (track_id);

-- Name: playlist_named_key; Type: INDEX; Schema: core

CREATE UNIQUE INDEX playlist_named_key ON core.playlist USING btree (name, owner_id) WHERE (spotify_id IS NULL);

-- Name: playlist_owner_idx; Type: INDEX; Schema: core

CREATE INDEX playlist_owner_idx ON core.playlist USING btree (owner_id) WHERE (owner_id IS NOT NULL);

-- Name: playlist_track_subgenre_subgenre_idx; Type: INDEX; Schema: core

CREATE INDEX playlist_track_subgenre_subgenre_idx ON core.playlist_track_subgenre USING btree (subgenre_id);

-- Name: playlist_track_track_idx; Type: INDEX; Schema: core

CREATE INDEX playlist_track_track_idx ON core.playlist_track USING btree (track_id);

-- Name: saved_album_album_idx; Type: INDEX; Schema: core

CREATE INDEX saved_album_album_idx ON core.saved_album USING btree (album_id);

-- Name: saved_track_track_idx; Type: INDEX; Schema: core

CREATE INDEX saved_track_track_idx ON core.saved_track USING btree (track_id);

-- Name: top_list_artist_artist_idx; Type: INDEX; Schema: core

CREATE INDEX top_list_artist_artist_idx ON core.top_list_artist USING btree (artist_id);

-- Name: top_list_track_track_idx; Type: INDEX; Schema: core

CREATE INDEX top_list_track_track_idx ON core.top_list_track USING btree (track_id);

-- Name: track_album_idx; Type: INDEX; Schema: core

CREATE INDEX track_album_idx ON core.track USING btree (album_id);

-- Name: track_artist_artist_idx; Type: INDEX; Schema: core

CREATE INDEX track_artist_artist_idx ON core.track_artist USING btree (artist_id);

-- Name: track_canonical_idx; Type: INDEX; Schema: core

CREATE INDEX track_canonical_idx ON core.track USING btree (canonical_track_id) WHERE (canonical_track_id IS NOT NULL);

-- Name: track_spelling_track_idx; Type: INDEX; Schema: core

CREATE INDEX track_spelling_track_idx ON core.track_spelling USING btree (track_id);

-- Name: bridge_track_artist_artist_idx; Type: INDEX; Schema: mart

CREATE INDEX bridge_track_artist_artist_idx ON mart.bridge_track_artist USING btree (artist_id);

-- Name: dim_album_artist_idx; Type: INDEX; Schema: mart

CREATE INDEX dim_album_artist_idx ON mart.dim_album USING btree (artist_id);

-- Name: dim_track_album_idx; Type: INDEX; Schema: mart

CREATE INDEX dim_track_album_idx ON mart.dim_track USING btree (album_id);

-- Name: dim_track_artist_idx; Type: INDEX; Schema: mart

CREATE INDEX dim_track_artist_idx ON mart.dim_track USING btree (artist_id);

-- Name: dim_track_song_idx; Type: INDEX; Schema: mart

CREATE INDEX dim_track_song_idx ON mart.dim_track USING btree (song_id);

-- Name: fact_play_album_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_album_idx ON mart.fact_play USING btree (album_id);

-- Name: fact_play_artist_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_artist_idx ON mart.fact_play USING btree (artist_id);

-- Name: fact_play_date_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_date_idx ON mart.fact_play USING btree (date_id);

-- Name: fact_play_listener_date_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_listener_date_idx ON mart.fact_play USING btree (listener_id, date_id);

-- Name: fact_play_listener_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_listener_idx ON mart.fact_play USING btree (listener_id, played_at);

-- Name: fact_play_track_date_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_track_date_idx ON mart.fact_play USING btree (track_id, date_id);

-- Name: quarantine_run_idx; Type: INDEX; Schema: quality

CREATE INDEX quarantine_run_idx ON quality.quarantine USING btree (run_id);

-- Name: run_batch_idx; Type: INDEX; Schema: quality

CREATE INDEX run_batch_idx ON quality.run USING btree (batch_id);

-- Name: batch_content_key; Type: INDEX; Schema: raw

CREATE UNIQUE INDEX batch_content_key ON raw.batch USING btree (source, COALESCE(listener_name, ''::text), content_sha256);

-- Name: page_set_listener_idx; Type: INDEX; Schema: raw

CREATE INDEX page_set_listener_idx ON raw.page_set USING btree (listener_name, kind, unit, batch_id);

-- Name: listed_track_idx; Type: INDEX; Schema: reco

CREATE INDEX listed_track_idx ON reco.listed USING btree (track_id, playlist_id);

-- Name: listen_ended_idx; Type: INDEX; Schema: reco

CREATE INDEX listen_ended_idx ON reco.listen USING btree (ended_at);

-- Name: listen_listener_idx; Type: INDEX; Schema: reco

CREATE INDEX listen_listener_idx ON reco.listen USING btree (listener_id, ended_at);

-- Name: listen_track_idx; Type: INDEX; Schema: reco

CREATE INDEX listen_track_idx ON reco.listen USING btree (track_id, listener_id) INCLUDE (session_id, "position", ended_at);

-- Name: listener_song_listens_idx; Type: INDEX; Schema: reco

CREATE INDEX listener_song_listens_idx ON reco.listener_song USING btree (listener_id, listens DESC, track_id);

-- Name: listener_song_profile_idx; Type: INDEX; Schema: reco

CREATE INDEX listener_song_profile_idx ON reco.listener_song USING btree (track_id, listener_id) WHERE is_profile;

-- Name: song_count_times_idx; Type: INDEX; Schema: reco

CREATE INDEX song_count_times_idx ON reco.song_count USING btree (basis, times DESC, track_id);

-- Name: song_feature_vector_idx; Type: INDEX; Schema: reco

CREATE INDEX song_feature_vector_idx ON reco.song_feature USING gist (vector);

-- Name: change change_append_only; Type: TRIGGER; Schema: audit

CREATE TRIGGER change_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.change FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Name: album_artist album_artist_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER album_artist_audit_delete AFTER DELETE ON core.album_artist FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: album_artist album_artist_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER album_artist_audit_update AFTER UPDATE ON core.album_artist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: album album_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER album_audit_delete AFTER DELETE ON core.album FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: album album_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER album_audit_update AFTER UPDATE ON core.album FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: album album_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER album_cleanse BEFORE INSERT OR UPDATE OF name ON core.album FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: album album_release_date; Type: TRIGGER; Schema: core

CREATE TRIGGER album_release_date BEFORE INSERT OR UPDATE OF release_date, release_date_precision ON core.album FOR EACH ROW WHEN ((new.release_date_precision = ANY (ARRAY['year'::text, 'month'::text]))) EXECUTE FUNCTION core.cleanse_release_date();

-- Name: album album_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER album_touch BEFORE UPDATE ON core.album FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: artist artist_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_audit_delete AFTER DELETE ON core.artist FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: artist artist_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_audit_update AFTER UPDATE ON core.artist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: artist artist_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_cleanse BEFORE INSERT OR UPDATE OF name ON core.artist FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: artist_genre artist_genre_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_genre_audit_delete AFTER DELETE ON core.artist_genre FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: artist_genre artist_genre_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_genre_audit_update AFTER UPDATE ON core.artist_genre FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: artist_top_track artist_top_track_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_top_track_audit_delete AFTER DELETE ON core.artist_top_track FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: artist_top_track artist_top_track_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_top_track_audit_update AFTER UPDATE ON core.artist_top_track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: artist artist_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_touch BEFORE UPDATE ON core.artist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: audio_feature audio_feature_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER audio_feature_audit_delete AFTER DELETE ON core.audio_feature FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: audio_feature audio_feature_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER audio_feature_audit_update AFTER UPDATE ON core.audio_feature FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: audio_feature audio_feature_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER audio_feature_cleanse BEFORE INSERT OR UPDATE ON core.audio_feature FOR EACH ROW EXECUTE FUNCTION core.cleanse_audio_feature();

-- Name: chart chart_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER chart_audit_delete AFTER DELETE ON core.chart FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: chart chart_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER chart_audit_update AFTER UPDATE ON core.chart FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: chart_entry chart_entry_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER chart_entry_audit_delete AFTER DELETE ON core.chart_entry FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: chart_entry chart_entry_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER chart_entry_audit_update AFTER UPDATE ON core.chart_entry FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: chart_standing chart_standing_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER chart_standing_audit_delete AFTER DELETE ON core.chart_standing FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: chart_standing chart_standing_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER chart_standing_audit_update AFTER UPDATE ON core.chart_standing FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: cover cover_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER cover_audit_delete AFTER DELETE ON core.cover FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: cover cover_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER cover_audit_insert AFTER INSERT ON core.cover FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: cover cover_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER cover_audit_update AFTER UPDATE ON core.cover FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: device device_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER device_audit_delete AFTER DELETE ON core.device FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: device device_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER device_audit_insert AFTER INSERT ON core.device FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: device device_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER device_audit_update AFTER UPDATE ON core.device FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: follow follow_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER follow_audit_delete AFTER DELETE ON core.follow FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: follow follow_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER follow_audit_insert AFTER INSERT ON core.follow FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: follow follow_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER follow_audit_update AFTER UPDATE ON core.follow FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: genre genre_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER genre_audit_delete AFTER DELETE ON core.genre FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: genre genre_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER genre_audit_update AFTER UPDATE ON core.genre FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: listener listener_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_audit_delete AFTER DELETE ON core.listener FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: listener listener_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_audit_insert AFTER INSERT ON core.listener FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: listener listener_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_audit_update AFTER UPDATE ON core.listener FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: listener listener_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_cleanse BEFORE INSERT OR UPDATE OF name ON core.listener FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: listener_login listener_login_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_login_audit_delete AFTER DELETE ON core.listener_login FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: listener_login listener_login_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_login_audit_insert AFTER INSERT ON core.listener_login FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: listener_login listener_login_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_login_audit_update AFTER UPDATE ON core.listener_login FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: listener listener_note_zone; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_note_zone AFTER UPDATE OF time_zone ON core.listener FOR EACH ROW WHEN (((old.time_zone)::text IS DISTINCT FROM (new.time_zone)::text)) EXECUTE FUNCTION mart.note_moved_listener();

-- Name: listener listener_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_touch BEFORE UPDATE ON core.listener FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: play play_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER play_audit_delete AFTER DELETE ON core.play FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: play play_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER play_audit_update AFTER UPDATE ON core.play FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: play play_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER play_cleanse BEFORE INSERT ON core.play FOR EACH ROW EXECUTE FUNCTION core.cleanse_play();

-- Name: play play_count_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER play_count_delete AFTER DELETE ON core.play REFERENCING OLD TABLE AS old_plays FOR EACH STATEMENT EXECUTE FUNCTION core.count_plays();

-- Name: play play_count_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER play_count_insert AFTER INSERT ON core.play REFERENCING NEW TABLE AS new_plays FOR EACH STATEMENT EXECUTE FUNCTION core.count_plays();

-- Name: play play_count_update; Type: TRIGGER; Schema: core

CREATE TRIGGER play_count_update AFTER UPDATE ON core.play REFERENCING OLD TABLE AS old_plays NEW TABLE AS new_plays FOR EACH STATEMENT EXECUTE FUNCTION core.count_plays();

-- Name: play play_note_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER play_note_delete AFTER DELETE ON core.play REFERENCING OLD TABLE AS old_plays FOR EACH STATEMENT EXECUTE FUNCTION mart.note_changed_plays();

-- Name: play play_note_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER play_note_insert AFTER INSERT ON core.play REFERENCING NEW TABLE AS new_plays FOR EACH STATEMENT EXECUTE FUNCTION mart.note_changed_plays();

-- Name: play play_note_update; Type: TRIGGER; Schema: core

CREATE TRIGGER play_note_update AFTER UPDATE ON core.play REFERENCING OLD TABLE AS old_plays FOR EACH STATEMENT EXECUTE FUNCTION mart.note_changed_plays();

-- Name: play play_reco_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER play_reco_delete AFTER DELETE ON core.play REFERENCING OLD TABLE AS old_plays FOR EACH STATEMENT EXECUTE FUNCTION reco.note_changed_plays();

-- Name: play play_reco_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER play_reco_insert AFTER INSERT ON core.play REFERENCING NEW TABLE AS new_plays FOR EACH STATEMENT EXECUTE FUNCTION reco.note_changed_plays();

-- Name: play play_reco_update; Type: TRIGGER; Schema: core

CREATE TRIGGER play_reco_update AFTER UPDATE ON core.play REFERENCING OLD TABLE AS old_plays NEW TABLE AS new_plays FOR EACH STATEMENT EXECUTE FUNCTION reco.note_changed_plays();

-- Name: playlist playlist_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_audit_delete AFTER DELETE ON core.playlist FOR EACH ROW EXECUTE FUNCTION audit.record_change('owner_id');

-- Name: playlist playlist_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_audit_insert AFTER INSERT ON core.playlist FOR EACH ROW EXECUTE FUNCTION audit.record_change('owner_id');

-- Name: playlist playlist_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_audit_update AFTER UPDATE ON core.playlist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change('owner_id');

-- Name: playlist playlist_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_cleanse BEFORE INSERT OR UPDATE OF name ON core.playlist FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: playlist playlist_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_touch BEFORE UPDATE ON core.playlist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: playlist_track playlist_track_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_audit_delete AFTER DELETE ON core.playlist_track FOR EACH ROW EXECUTE FUNCTION audit.record_change('playlist');

-- Name: playlist_track playlist_track_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_audit_update AFTER UPDATE ON core.playlist_track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change('playlist');

-- Name: playlist_track playlist_track_reco_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_reco_delete AFTER DELETE ON core.playlist_track REFERENCING OLD TABLE AS old_tracks FOR EACH STATEMENT EXECUTE FUNCTION reco.note_changed_playlists();

-- Name: playlist_track playlist_track_reco_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_reco_insert AFTER INSERT ON core.playlist_track REFERENCING NEW TABLE AS new_tracks FOR EACH STATEMENT EXECUTE FUNCTION reco.note_changed_playlists();

-- Name: playlist_track playlist_track_reco_update; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_reco_update AFTER UPDATE ON core.playlist_track REFERENCING OLD TABLE AS old_tracks NEW TABLE AS new_tracks FOR EACH STATEMENT EXECUTE FUNCTION reco.note_changed_playlists();

-- Name: playlist_track_subgenre playlist_track_subgenre_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_subgenre_audit_delete AFTER DELETE ON core.playlist_track_subgenre FOR EACH ROW EXECUTE FUNCTION audit.record_change('playlist');

-- Name: playlist_track_subgenre playlist_track_subgenre_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_subgenre_audit_update AFTER UPDATE ON core.playlist_track_subgenre FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change('playlist');

-- Name: saved_album saved_album_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER saved_album_audit_delete AFTER DELETE ON core.saved_album FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: saved_album saved_album_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER saved_album_audit_insert AFTER INSERT ON core.saved_album FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: saved_album saved_album_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER saved_album_audit_update AFTER UPDATE ON core.saved_album FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: saved_track saved_track_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER saved_track_audit_delete AFTER DELETE ON core.saved_track FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: saved_track saved_track_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER saved_track_audit_insert AFTER INSERT ON core.saved_track FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: saved_track saved_track_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER saved_track_audit_update AFTER UPDATE ON core.saved_track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: subgenre subgenre_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER subgenre_audit_delete AFTER DELETE ON core.subgenre FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: subgenre subgenre_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER subgenre_audit_update AFTER UPDATE ON core.subgenre FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: top_list_artist top_list_artist_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_artist_audit_delete AFTER DELETE ON core.top_list_artist FOR EACH ROW EXECUTE FUNCTION audit.record_change('top_list');

-- Name: top_list_artist top_list_artist_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_artist_audit_update AFTER UPDATE ON core.top_list_artist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change('top_list');

-- Name: top_list top_list_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_audit_delete AFTER DELETE ON core.top_list FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: top_list top_list_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_audit_insert AFTER INSERT ON core.top_list FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: top_list top_list_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_audit_update AFTER UPDATE ON core.top_list FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: top_list_track top_list_track_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_track_audit_delete AFTER DELETE ON core.top_list_track FOR EACH ROW EXECUTE FUNCTION audit.record_change('top_list');

-- Name: top_list_track top_list_track_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_track_audit_update AFTER UPDATE ON core.top_list_track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change('top_list');

-- Name: track_artist track_artist_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER track_artist_audit_delete AFTER DELETE ON core.track_artist FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: track_artist track_artist_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER track_artist_audit_update AFTER UPDATE ON core.track_artist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: track track_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER track_audit_delete AFTER DELETE ON core.track FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: track track_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER track_audit_update AFTER UPDATE ON core.track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: track track_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER track_cleanse BEFORE INSERT OR UPDATE OF name ON core.track FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: track track_reco_song; Type: TRIGGER; Schema: core

CREATE TRIGGER track_reco_song AFTER UPDATE OF canonical_track_id ON core.track FOR EACH ROW WHEN ((old.canonical_track_id IS DISTINCT FROM new.canonical_track_id)) EXECUTE FUNCTION reco.note_moved_song();

-- Name: track_spelling track_spelling_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER track_spelling_audit_delete AFTER DELETE ON core.track_spelling FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: track_spelling track_spelling_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER track_spelling_audit_update AFTER UPDATE ON core.track_spelling FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: track track_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER track_touch BEFORE UPDATE ON core.track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: batch batch_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER batch_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.batch FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: chart_entry chart_entry_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER chart_entry_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.chart_entry FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: extended_history_slice extended_history_slice_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER extended_history_slice_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.extended_history_slice FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: library_entry library_entry_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER library_entry_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.library_entry FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: page page_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER page_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.page FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: page_set page_set_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER page_set_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.page_set FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: playlist_entry playlist_entry_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER playlist_entry_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.playlist_entry FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: song song_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER song_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.song FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: streaming_history_slice streaming_history_slice_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER streaming_history_slice_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.streaming_history_slice FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: accepted_row accepted_row_batch_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.accepted_row
    ADD CONSTRAINT accepted_row_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw.batch(batch_id);

-- Name: album_artist album_artist_album_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album_artist
    ADD CONSTRAINT album_artist_album_id_fkey FOREIGN KEY (album_id) REFERENCES core.album(album_id);

-- Name: album_artist album_artist_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album_artist
    ADD CONSTRAINT album_artist_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES core.artist(artist_id);

-- Name: album album_named_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album
    ADD CONSTRAINT album_named_artist_id_fkey FOREIGN KEY (named_artist_id) REFERENCES core.artist(artist_id);

-- Name: artist_genre artist_genre_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist_genre
    ADD CONSTRAINT artist_genre_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES core.artist(artist_id);

-- Name: artist_genre artist_genre_genre_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist_genre
    ADD CONSTRAINT artist_genre_genre_id_fkey FOREIGN KEY (genre_id) REFERENCES core.genre(genre_id);

-- Name: artist_top_track artist_top_track_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist_top_track
    ADD CONSTRAINT artist_top_track_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES core.artist(artist_id);

-- Name: artist_top_track artist_top_track_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist_top_track
    ADD CONSTRAINT artist_top_track_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: audio_feature audio_feature_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.audio_feature
    ADD CONSTRAINT audio_feature_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: chart_entry chart_entry_chart_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart_entry
    ADD CONSTRAINT chart_entry_chart_id_fkey FOREIGN KEY (chart_id) REFERENCES core.chart(chart_id);

-- Name: chart_entry chart_entry_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart_entry
    ADD CONSTRAINT chart_entry_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: chart_standing chart_standing_chart_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart_standing
    ADD CONSTRAINT chart_standing_chart_id_fkey FOREIGN KEY (chart_id) REFERENCES core.chart(chart_id);

-- Name: chart_standing chart_standing_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.chart_standing
    ADD CONSTRAINT chart_standing_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: cover cover_album_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.cover
    ADD CONSTRAINT cover_album_id_fkey FOREIGN KEY (album_id) REFERENCES core.album(album_id);

-- Name: cover cover_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.cover
    ADD CONSTRAINT cover_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES core.artist(artist_id);

-- Name: device device_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.device
    ADD CONSTRAINT device_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: follow follow_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.follow
    ADD CONSTRAINT follow_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES core.artist(artist_id);

-- Name: follow follow_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.follow
    ADD CONSTRAINT follow_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: listener_login listener_login_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.listener_login
    ADD CONSTRAINT listener_login_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: play play_batch_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw.batch(batch_id);

-- Name: play play_device_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_device_id_fkey FOREIGN KEY (device_id) REFERENCES core.device(device_id);

-- Name: play play_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: play play_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: playlist playlist_owner_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist
    ADD CONSTRAINT playlist_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES core.listener(listener_id);

-- Name: playlist_track playlist_track_batch_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track
    ADD CONSTRAINT playlist_track_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw.batch(batch_id);

-- Name: playlist_track playlist_track_playlist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track
    ADD CONSTRAINT playlist_track_playlist_id_fkey FOREIGN KEY (playlist_id) REFERENCES core.playlist(playlist_id);

-- Name: playlist_track_subgenre playlist_track_subgenre_playlist_id_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track_subgenre
    ADD CONSTRAINT playlist_track_subgenre_playlist_id_track_id_fkey FOREIGN KEY (playlist_id, track_id) REFERENCES core.playlist_track(playlist_id, track_id);

-- Name: playlist_track_subgenre playlist_track_subgenre_subgenre_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track_subgenre
    ADD CONSTRAINT playlist_track_subgenre_subgenre_id_fkey FOREIGN KEY (subgenre_id) REFERENCES core.subgenre(subgenre_id);

-- Name: playlist_track playlist_track_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track
    ADD CONSTRAINT playlist_track_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: saved_album saved_album_album_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.saved_album
    ADD CONSTRAINT saved_album_album_id_fkey FOREIGN KEY (album_id) REFERENCES core.album(album_id);

-- Name: saved_album saved_album_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.saved_album
    ADD CONSTRAINT saved_album_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: saved_track saved_track_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.saved_track
    ADD CONSTRAINT saved_track_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: saved_track saved_track_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.saved_track
    ADD CONSTRAINT saved_track_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: subgenre subgenre_genre_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.subgenre
    ADD CONSTRAINT subgenre_genre_id_fkey FOREIGN KEY (genre_id) REFERENCES core.genre(genre_id);

-- Name: top_list_artist top_list_artist_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_artist
    ADD CONSTRAINT top_list_artist_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES core.artist(artist_id);

-- Name: top_list_artist top_list_artist_top_list_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_artist
    ADD CONSTRAINT top_list_artist_top_list_id_fkey FOREIGN KEY (top_list_id) REFERENCES core.top_list(top_list_id);

-- Name: top_list top_list_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list
    ADD CONSTRAINT top_list_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: top_list_track top_list_track_top_list_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_track
    ADD CONSTRAINT top_list_track_top_list_id_fkey FOREIGN KEY (top_list_id) REFERENCES core.top_list(top_list_id);

-- Name: top_list_track top_list_track_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.top_list_track
    ADD CONSTRAINT top_list_track_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: track track_album_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track
    ADD CONSTRAINT track_album_id_fkey FOREIGN KEY (album_id) REFERENCES core.album(album_id);

-- Name: track_artist track_artist_artist_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_artist
    ADD CONSTRAINT track_artist_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES core.artist(artist_id);

-- Name: track_artist track_artist_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_artist
    ADD CONSTRAINT track_artist_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: track track_canonical_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track
    ADD CONSTRAINT track_canonical_track_id_fkey FOREIGN KEY (canonical_track_id) REFERENCES core.track(track_id);

-- Name: track_play_count track_play_count_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_play_count
    ADD CONSTRAINT track_play_count_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: track_spelling track_spelling_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.track_spelling
    ADD CONSTRAINT track_spelling_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: artist_play_summary artist_play_summary_artist_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.artist_play_summary
    ADD CONSTRAINT artist_play_summary_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES mart.dim_artist(artist_id);

-- Name: bridge_track_artist bridge_track_artist_artist_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.bridge_track_artist
    ADD CONSTRAINT bridge_track_artist_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES mart.dim_artist(artist_id);

-- Name: bridge_track_artist bridge_track_artist_track_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.bridge_track_artist
    ADD CONSTRAINT bridge_track_artist_track_id_fkey FOREIGN KEY (track_id) REFERENCES mart.dim_track(track_id);

-- Name: daily_summary daily_summary_date_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.daily_summary
    ADD CONSTRAINT daily_summary_date_id_fkey FOREIGN KEY (date_id) REFERENCES mart.dim_date(date_id);

-- Name: dim_album dim_album_artist_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_album
    ADD CONSTRAINT dim_album_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES mart.dim_artist(artist_id);

-- Name: dim_track dim_track_album_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_track
    ADD CONSTRAINT dim_track_album_id_fkey FOREIGN KEY (album_id) REFERENCES mart.dim_album(album_id);

-- Name: dim_track dim_track_artist_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.dim_track
    ADD CONSTRAINT dim_track_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES mart.dim_artist(artist_id);

-- Name: fact_play fact_play_album_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_album_id_fkey FOREIGN KEY (album_id) REFERENCES mart.dim_album(album_id);

-- Name: fact_play fact_play_artist_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES mart.dim_artist(artist_id);

-- Name: fact_play fact_play_date_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_date_id_fkey FOREIGN KEY (date_id) REFERENCES mart.dim_date(date_id);

-- Name: fact_play fact_play_listener_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES mart.dim_listener(listener_id);

-- Name: fact_play fact_play_source_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_source_id_fkey FOREIGN KEY (source_id) REFERENCES mart.dim_source(source_id);

-- Name: fact_play fact_play_time_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_time_id_fkey FOREIGN KEY (time_id) REFERENCES mart.dim_time(time_id);

-- Name: fact_play fact_play_track_id_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.fact_play
    ADD CONSTRAINT fact_play_track_id_fkey FOREIGN KEY (track_id) REFERENCES mart.dim_track(track_id);

-- Name: visual visual_report_page_fkey; Type: FK CONSTRAINT; Schema: mart

ALTER TABLE ONLY mart.visual
    ADD CONSTRAINT visual_report_page_fkey FOREIGN KEY (report, page) REFERENCES mart.report_page(report, page);

-- Name: quarantine quarantine_batch_id_fkey; Type: FK CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.quarantine
    ADD CONSTRAINT quarantine_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw.batch(batch_id);

-- Name: quarantine quarantine_rule_id_fkey; Type: FK CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.quarantine
    ADD CONSTRAINT quarantine_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES quality.rule(rule_id);

-- Name: quarantine quarantine_run_id_fkey; Type: FK CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.quarantine
    ADD CONSTRAINT quarantine_run_id_fkey FOREIGN KEY (run_id) REFERENCES quality.run(run_id);

-- Name: rule_count rule_count_rule_id_fkey; Type: FK CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.rule_count
    ADD CONSTRAINT rule_count_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES quality.rule(rule_id);

-- Name: rule_count rule_count_run_id_fkey; Type: FK CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.rule_count
    ADD CONSTRAINT rule_count_run_id_fkey FOREIGN KEY (run_id) REFERENCES quality.run(run_id);

-- Name: run run_batch_id_fkey; Type: FK CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.run
    ADD CONSTRAINT run_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw.batch(batch_id);

-- Name: page_set page_set_batch_id_fkey; Type: FK CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.page_set
    ADD CONSTRAINT page_set_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw.batch(batch_id);

-- Name: evaluation_figure evaluation_figure_evaluation_id_task_fkey; Type: FK CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.evaluation_figure
    ADD CONSTRAINT evaluation_figure_evaluation_id_task_fkey FOREIGN KEY (evaluation_id, task) REFERENCES reco.evaluation_task(evaluation_id, task);

-- Name: evaluation_task evaluation_task_evaluation_id_fkey; Type: FK CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.evaluation_task
    ADD CONSTRAINT evaluation_task_evaluation_id_fkey FOREIGN KEY (evaluation_id) REFERENCES reco.evaluation(evaluation_id);

-- Name: listed listed_playlist_id_fkey; Type: FK CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.listed
    ADD CONSTRAINT listed_playlist_id_fkey FOREIGN KEY (playlist_id) REFERENCES core.playlist(playlist_id);

-- Name: listen listen_listener_id_fkey; Type: FK CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.listen
    ADD CONSTRAINT listen_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: listener_song listener_song_listener_id_fkey; Type: FK CONSTRAINT; Schema: reco

ALTER TABLE ONLY reco.listener_song
    ADD CONSTRAINT listener_song_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

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

-- Name: top_tracks(bigint, integer); Type: FUNCTION; Schema: api

CREATE FUNCTION api.top_tracks(listener bigint, k integer DEFAULT 10) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, plays bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select t.rank, t.track_id, t.name, t.artist, t.plays from mart.top_tracks(mart.only(listener_id => listener), least(k, 100)) as t where listener is not null order by t.rank $$;

-- Name: FUNCTION top_tracks(listener bigint, k integer); Type: COMMENT; Schema: api

COMMENT ON FUNCTION api.top_tracks(listener bigint, k integer) IS 'The most played songs of one listener, 100 at most.';

-- Name: record_change(); Type: FUNCTION; Schema: audit

CREATE FUNCTION audit.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
declare
  before_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - 'image' end;
  after_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - 'image' end;
  listener_key text := coalesce(tg_argv[0], 'listener_id');
begin
  -- Erasing a person must not write down what was erased; the run row says that it was done.
  if current_setting('warehouse.forget', true) = 'on' then
    return null;
  end if;
  insert into audit.change (changed_by, acting_as, table_name, operation, listener_id, old_row, new_row)
  values (session_user, current_setting('role'), tg_table_schema || '.' || tg_table_name, tg_op,
          (coalesce(after_row, before_row) ->> listener_key)::bigint, before_row, after_row);
  return null;
end
$$;

-- Name: FUNCTION record_change(); Type: COMMENT; Schema: audit

COMMENT ON FUNCTION audit.record_change() IS 'Trigger: writes the change to audit.change. Its argument names the column that says whom the row is about, if not listener_id.';

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

-- Name: count_personal_rows(text); Type: FUNCTION; Schema: core

CREATE FUNCTION core.count_personal_rows(listener text) RETURNS TABLE(table_name text, rows_found bigint)
    LANGUAGE plpgsql
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
      count(*) filter (where quality.b7_trim(h.body ->> 'artistName') <> h.body ->> 'artistName'
        or quality.b7_trim(h.body ->> 'trackName') <> h.body ->> 'trackName') as blanks,
      count(*) filter (where w.rule_id = 'B7') as lost_letters,
      count(*) filter (where w.rule_id = 'B8') as out_of_range,
      count(*) filter (where w.rule_id is null and w.ms_played < 30000) as skips,
      count(*) filter (where w.rule_id is null and w.ms_played = 0) as zero,
      count(*) filter (where w.rule_id is null and w.ms_played > 900000) as long,
      count(*) filter (where w.rule_id is null and w.ms_played > 3600000) as very_long,
      count(*) filter (where w.rule_id = 'B11') as impossible_times
    from quality.play_work as w
    join raw.streaming_history as h using (batch_id, row_no)
    where w.batch_id = batch
  ) as t
  cross join lateral (
    -- Against all plays of the listener: the first of a file follows the last of the file before.
    select count(*) filter (where p.minute_twin) as same_minute, count(*) filter (where p.overlaps) as overlapping
    from (
      select q.batch_id,
        row_number() over (partition by q.ended_at, q.track_id order by q.minute_seq) > 1 as minute_twin,
        q.ms_played > 1000 * extract(epoch from q.ended_at - lag(q.ended_at) over (order by q.ended_at, q.minute_seq)) + 60000 as overlaps
      from core.play as q
      join core.listener as l on l.listener_id = q.listener_id
      join raw.batch as b on b.listener_name = l.name
      where b.batch_id = batch
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

-- Name: erase_listener(text); Type: FUNCTION; Schema: core

CREATE FUNCTION core.erase_listener(listener text) RETURNS TABLE(table_name text, rows_erased bigint)
    LANGUAGE plpgsql
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
    LANGUAGE plpgsql
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

-- Name: judge_history(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.judge_history(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  update quality.play_work as w
  set rule_id = 'B1', reason = format('says the same as row %s', r.first_row_no)
  from quality.b1_exact_repeats(batch) as r
  where w.batch_id = batch and w.row_no = r.row_no;

  update quality.play_work as w
  set rule_id = fault.rule_id, reason = fault.reason
  from quality.play_work as x
  cross join lateral (
    select judged.rule_id, judged.reason
    from (values
      (1, 'B4', case when x.artist_name is null then 'artistName is missing' when x.track_name is null then 'trackName is missing' end),
      (2, 'B7', case when quality.b7_has_lost_letters(x.artist_name) or quality.b7_has_lost_letters(x.track_name)
                     then 'a name has lost letters' end),
      (3, 'B5', case when x.ms_played is null then format('msPlayed is not a number: %s', coalesce(x.ms_text, 'missing')) end),
      (4, 'B8', quality.b8_play_fault(x.ms_played)),
      (5, 'B11', case when x.ended_at is null then format('endTime is not a time: %s', coalesce(x.end_text, 'missing')) end)
    ) as judged (rank, rule_id, reason)
    where judged.reason is not null
    order by judged.rank
    limit 1
  ) as fault
  where w.batch_id = batch and w.rule_id is null and x.batch_id = w.batch_id and x.row_no = w.row_no
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
  set rule_id = 'B1', reason = format('the play is known already: batch %s row %s', p.batch_id, p.row_no)
  from raw.batch as b
  join core.listener as l on l.name = b.listener_name
  join core.play as p on p.listener_id = l.listener_id
  where b.batch_id = batch and w.batch_id = batch and w.rule_id is null
    and p.ended_at = w.ended_at and p.track_id = w.track_id and p.ms_played = w.ms_played;

  update quality.play_work as w
  set rule_id = 'B3', reason = format('the extended export says the same: batch %s row %s', t.twin_batch_id, t.twin_row_no)
  from quality.b3_twins(batch) as t
  join core.play as p on p.batch_id = t.twin_batch_id and p.row_no = t.twin_row_no
  where w.batch_id = batch and w.rule_id is null and w.row_no = t.row_no
$$;

-- Name: FUNCTION judge_known_plays(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.judge_known_plays(batch bigint) IS 'Part of core.load_history: refuses plays that an overlapping export, or another writing of the same row, gave already.';

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
    delete from core.play as p
    using quality.b3_twins(batch) as t, quality.track_work as w
    where w.batch_id = batch and w.row_no = t.row_no and w.rule_id is null and p.batch_id = t.twin_batch_id and p.row_no = t.twin_row_no
    returning p.batch_id, p.row_no, t.row_no as by_row
  )
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select r.batch_id, r.row_no, 'B3', format('the extended export says the same: batch %s row %s', batch, r.by_row), h.body, run
  from replaced as r join raw.streaming_history as h on h.batch_id = r.batch_id and h.row_no = r.row_no;

  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no, feed, time_precision)
  select l.listener_id, w.track_id, w.ended_at,
    coalesce(taken.last_seq, 0) + row_number() over (partition by w.ended_at order by w.row_no),
    w.ms_played::integer, w.batch_id, w.row_no, 'extended', 'second'
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

COMMENT ON FUNCTION core.keep_extended(run bigint, batch bigint) IS 'Part of core.load_extended: accepted rows become plays known to the second; plays of the basic export that they repeat give way (B3).';

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

  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no)
  select l.listener_id, w.track_id, w.ended_at,
    coalesce(taken.last_seq, 0) + row_number() over (partition by w.ended_at order by w.row_no),
    w.ms_played::integer, w.batch_id, w.row_no
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
  from (select distinct w.artist_name, w.track_name from quality.play_work as w where w.batch_id = batch and w.rule_id is null) as s
  join core.artist as a on a.name = s.artist_name and not a.is_namesake
  join core.track_artist as ta on ta.artist_id = a.artist_id and ta.position = 1
  join core.track as t on t.track_id = ta.track_id and t.name = s.track_name
  where t.spotify_id is not null
  order by a.name, t.name, (t.canonical_track_id is not null), t.popularity desc nulls last, t.spotify_id
  on conflict do nothing;

  with unknown as materialized (
    select s.artist_name, s.track_name, nextval('core.track_track_id_seq'::regclass) as track_id
    from (
      select w.artist_name, w.track_name from quality.play_work as w where w.batch_id = batch and w.rule_id is null
      except
      select ts.artist_name, ts.track_name from core.track_spelling as ts
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

-- Name: personal_rows(text); Type: FUNCTION; Schema: core

CREATE FUNCTION core.personal_rows(listener text) RETURNS TABLE(relation regclass, predicate text, depth integer)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with recursive warehouse as (
    select c.oid, n.nspname as schema_name, a.attname as column_name
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
$$;

-- Name: FUNCTION personal_rows(listener text); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.personal_rows(listener text) IS 'Which rows of which tables are about a listener: by the columns that name them or their batches, and by foreign keys from there. Deepest first is the order in which they can be deleted.';

-- Name: read_chart(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_chart(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, duration_ms, popularity, rule_id, reason)
  select c.batch_id, c.row_no, c.track_spotify_id, c.track_name, c.artist_names[1],
    case when c.duration_ms between 1 and 2147483647 then c.duration_ms::integer end,
    case when c.popularity between 0 and 100 then c.popularity::smallint end,
    case when f.b9 is not null then 'B9' when f.b7 is not null then 'B7' when f.b6 is not null then 'B6' when f.b8 is not null then 'B8'
         when f.b2 is not null then 'B2' end,
    coalesce(f.b9, f.b7, f.b6, f.b8, f.b2)
  from (
    select r.*, row_number() over (partition by r.chart_name, r.chart_day, coalesce(r.track_spotify_id, r.track_name || ' by ' || r.artist_names[1])
                                   order by r.row_no) as nth,
      row_number() over (partition by r.chart_name, r.chart_day, r.rank order by r.row_no) as nth_of_rank
    from quality.chart_read as r where r.batch_id = batch
  ) as c
  cross join lateral (
    select quality.b9_missing_reference(c.track_spotify_id, c.track_name, c.artist_names[1]) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', c.track_name, c.artist_names[1])) then 'a name has lost letters' end as b7,
      case when c.layout = 'ranking' and c.chart_day is null then 'no day of the chart is given' end as b6,
      case when c.layout = 'ranking' and (c.rank is null or c.rank not between 1 and 32767 or c.rank <> trunc(c.rank)) then 'rank is not a rank' end as b8,
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
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, ended_at, ms_played)
  select x.batch_id, x.row_no, quality.spotify_id(x.body ->> 'spotify_track_uri'),
    quality.b4_null_marker(quality.b7_trim(x.body ->> 'master_metadata_track_name')),
    quality.b4_null_marker(quality.b7_trim(x.body ->> 'master_metadata_album_artist_name')),
    quality.b4_null_marker(quality.b7_trim(x.body ->> 'master_metadata_album_album_name')),
    quality.b11_utc(quality.b7_trim(x.body ->> 'ts')), quality.b5_number(quality.b7_trim(x.body ->> 'ms_played'))
  from raw.extended_history as x
  where x.batch_id = batch
    and not exists (select from core.play as p where p.batch_id = x.batch_id and p.row_no = x.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = x.batch_id and q.row_no = x.row_no);

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

-- Name: FUNCTION read_extended(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_extended(batch bigint) IS 'First part of core.load_extended: the open rows of a batch, values cleansed, and which are refused, by which rule, and why.';

-- Name: read_history(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_history(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into quality.play_work (batch_id, row_no, end_text, ended_at, artist_name, track_name, ms_text, ms_played)
  select h.batch_id, h.row_no,
    h.body ->> 'endTime',
    quality.b11_utc(quality.b7_trim(h.body ->> 'endTime')),
    quality.b4_null_marker(quality.b7_trim(h.body ->> 'artistName')),
    quality.b4_null_marker(quality.b7_trim(h.body ->> 'trackName')),
    h.body ->> 'msPlayed',
    quality.b5_number(quality.b7_trim(h.body ->> 'msPlayed'))
  from raw.streaming_history as h
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
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, rule_id, reason)
  select e.batch_id, e.row_no, t.spotify_id, t.track, t.artist, t.album, case when t.b9 is not null then 'B9' end, t.b9
  from raw.library_entry as e
  cross join lateral (
    select quality.spotify_id(e.body ->> 'uri') as spotify_id, quality.b4_null_marker(quality.b7_trim(e.body ->> 'track')) as track,
      quality.b4_null_marker(quality.b7_trim(e.body ->> 'artist')) as artist, quality.b4_null_marker(quality.b7_trim(e.body ->> 'album')) as album
    where e.list = 'tracks'
  ) as f
  cross join lateral (
    select f.*, quality.b9_missing_reference(f.spotify_id, f.track, f.artist) as b9
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

-- Name: read_playlist(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_playlist(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  insert into quality.track_work (batch_id, row_no, spotify_id, track_name, artist_name, album_name, duration_ms, rule_id, reason)
  select p.batch_id, p.row_no, p.track_spotify_id, p.track_name, p.artist_names[1], p.album_name,
    case when p.duration_ms between 1 and 2147483647 then p.duration_ms::integer end,
    case when f.b9 is not null then 'B9' when f.b7 is not null then 'B7' end, coalesce(f.b9, f.b7)
  from quality.playlist_read as p
  cross join lateral (
    select quality.b9_missing_reference(p.track_spotify_id, p.track_name, p.artist_names[1]) as b9,
      case when quality.b7_has_lost_letters(concat_ws(' ', p.track_name, p.artist_names[1], p.album_name, p.playlist_name))
           then 'a name has lost letters' end as b7
  ) as f
  where p.batch_id = batch
    and not exists (select from core.playlist_track as pt where pt.batch_id = p.batch_id and pt.row_no = p.row_no)
    and not exists (select from quality.quarantine as q where q.batch_id = p.batch_id and q.row_no = p.row_no)
$$;

-- Name: FUNCTION read_playlist(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_playlist(batch bigint) IS 'First part of core.load_playlist: the open rows of a batch, values cleansed, and which are refused, by which rule, and why.';

-- Name: read_songs(bigint); Type: FUNCTION; Schema: core

CREATE FUNCTION core.read_songs(batch bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
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
    and not exists (select from quality.quarantine as q where q.batch_id = s.batch_id and q.row_no = s.row_no)
$$;

-- Name: FUNCTION read_songs(batch bigint); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.read_songs(batch bigint) IS 'First part of core.load_songs: the open rows of a batch, values cleansed, into the working table.';

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
    AS $$
declare
  read_rows bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, rule_id, reason, raw_row, run_id)
  select w.batch_id, w.row_no, w.rule_id, w.reason, h.body, run
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
  join (
    select x.batch_id, x.row_no, x.body from raw.extended_history as x where x.batch_id = batch
    union all select x.batch_id, x.row_no, x.body from raw.library_entry as x where x.batch_id = batch
    union all select x.batch_id, x.row_no, x.body from raw.playlist_entry as x where x.batch_id = batch
    union all select x.batch_id, x.row_no, x.body from raw.chart_entry as x where x.batch_id = batch
  ) as landed using (batch_id, row_no)
  where w.batch_id = batch and w.rule_id is not null;

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

-- Name: album_choices(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.album_choices(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(album_id bigint, name text, artist text, plays bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select p.album_id, b.name, a.name, count(*)
  from mart.plays(f) as p
  join mart.dim_album as b on b.album_id = p.album_id
  left join mart.dim_artist as a on a.artist_id = b.artist_id
  group by p.album_id, b.name, a.name
  order by b.name, a.name, p.album_id
$$;

-- Name: FUNCTION album_choices(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.album_choices(f mart.play_filter) IS 'Slicer: the albums that have plays.';

-- Name: cards(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.cards(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(songs bigint, plays bigint, explicit_percent numeric, weekend_plays bigint, weekday_plays bigint, listening_time interval, listening_hours numeric, songs_by_source jsonb)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with played as materialized (select * from mart.plays(f))
  select count(distinct p.track_id), count(*),
    round(100.0 * count(*) filter (where p.explicit) / nullif(count(*) filter (where p.explicit is not null), 0), 2),
    count(*) filter (where extract(isodow from p.day) >= 6), count(*) filter (where extract(isodow from p.day) < 6),
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

-- Name: date_range(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.date_range(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(first_day date, last_day date)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$ select min(p.day), max(p.day) from mart.plays(f) as p $$;

-- Name: FUNCTION date_range(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.date_range(f mart.play_filter) IS 'Slicer: the first and the last day that have plays.';

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
    -- A day more at both ends: no zone is further than that from UTC.
    select min(p.ended_at) at time zone 'UTC' - interval '1 day' as first, max(p.ended_at) at time zone 'UTC' + interval '1 day' as last
    from core.play as p
  ) as span
  cross join lateral generate_series(date_trunc('day', span.first), date_trunc('day', span.last), interval '1 day') as d
  on conflict do nothing
$$;

-- Name: FUNCTION extend_dates(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.extend_dates() IS 'Part of mart.refresh: every day from the first play to the last, in any zone, has its row.';

-- Name: genre_mix(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.genre_mix(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(genre text, plays bigint, share_percent numeric)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with genres as (
    select distinct pt.track_id, sg.genre_id
    from core.playlist_track_subgenre as pt join core.subgenre as sg on sg.subgenre_id = pt.subgenre_id
    union
    select b.track_id, ag.genre_id from mart.bridge_track_artist as b join core.artist_genre as ag on ag.artist_id = b.artist_id
  ), counted as (
    select g.name, count(*) as plays
    from mart.plays(f) as p join genres as x on x.track_id = p.track_id join core.genre as g on g.genre_id = x.genre_id
    group by g.name
  )
  select c.name, c.plays, round(100.0 * c.plays / sum(c.plays) over (), 2) from counted as c order by 2 desc, 1
$$;

-- Name: FUNCTION genre_mix(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.genre_mix(f mart.play_filter) IS 'Plays by genre of the track''s playlists and artists; a track of several genres counts for each, and one without none.';

-- Name: listening_sessions(mart.play_filter, interval); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.listening_sessions(f mart.play_filter DEFAULT NULL::mart.play_filter, gap interval DEFAULT '00:30:00'::interval) RETURNS TABLE(listener_id bigint, session_no bigint, started_at timestamp with time zone, ended_at timestamp with time zone, plays bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select s.listener_id, s.session_no, s.started_at, s.ended_at, s.listens
  from core.sessions(gap) as s
  where ((f).listener_id is null or s.listener_id = (f).listener_id)
$$;

-- Name: FUNCTION listening_sessions(f mart.play_filter, gap interval); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.listening_sessions(f mart.play_filter, gap interval) IS 'Sessions: a new one begins after a gap. Of the filter only listener_id is looked at.';

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
    SET search_path TO 'pg_catalog'
    AS $$ select date_trunc('month', p.local_at)::date, count(*) from mart.plays(f) as p group by 1 order by 1 $$;

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

COMMENT ON FUNCTION mart."only"(listener_id bigint, first_day date, last_day date, month date, track_id bigint, album_id bigint, artist_id bigint, zone text, with_skips boolean) IS 'Which plays a figure is about: all that is given holds together. month is any day of it; without a zone days are those of each listener''s own; with_skips counts plays outside 30 s to 60 min as well.';

-- Name: plays(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(play_id bigint, listener_id bigint, track_id bigint, song_id bigint, artist_id bigint, album_id bigint, source_id smallint, played_at timestamp with time zone, local_at timestamp without time zone, day date, hour smallint, ms_played integer, explicit boolean)
    LANGUAGE sql STABLE
    AS $$
  select p.play_id, p.listener_id, p.track_id, t.song_id, p.artist_id, p.album_id, p.source_id, p.played_at, here.local_at,
         here.local_at::pg_catalog.date, extract(hour from here.local_at)::smallint, p.ms_played, p.explicit
  from mart.fact_play as p
  join mart.dim_track as t on t.track_id = p.track_id
  join mart.dim_listener as l on l.listener_id = p.listener_id
  cross join lateral (select p.played_at at time zone coalesce((f).zone, l.time_zone) as local_at) as here
  where ((f).listener_id is null or p.listener_id = (f).listener_id)
    and ((f).first_day is null or here.local_at >= (f).first_day)
    and ((f).last_day is null or here.local_at < (f).last_day + 1)
    and ((f).month is null or pg_catalog.date_trunc('month', here.local_at) = (f).month)
    and ((f).track_id is null or p.track_id = (f).track_id)
    and ((f).album_id is null or p.album_id = (f).album_id)
    and ((f).artist_id is null
         or exists (select from mart.bridge_track_artist as b where b.track_id = p.track_id and b.artist_id = (f).artist_id))
    and (p.is_listen or coalesce((f).with_skips, false))
$$;

-- Name: FUNCTION plays(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays(f mart.play_filter) IS 'The plays a filter lets through, with day and hour in the wanted zone. All other figures count these.';

-- Name: plays_by_content(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_content(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(content text, plays bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select case when p.explicit then 'explicit' when not p.explicit then 'not explicit' else 'unknown' end, count(*)
  from mart.plays(f) as p group by 1 order by 2 desc, 1
$$;

-- Name: FUNCTION plays_by_content(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_content(f mart.play_filter) IS 'Pie: plays by explicit content.';

-- Name: plays_by_day(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_day(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(day date, month date, day_of_month integer, plays bigint, ms_played bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select p.day, date_trunc('month', p.day::timestamp)::date, extract(day from p.day)::integer, count(*), sum(p.ms_played)
  from mart.plays(f) as p group by p.day order by p.day
$$;

-- Name: FUNCTION plays_by_day(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_day(f mart.play_filter) IS 'Line: plays by month and day.';

-- Name: plays_by_hour(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_hour(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(hour smallint, part_of_day text, plays bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select t.time_id, t.part_of_day, count(p.play_id)
  from mart.dim_time as t left join mart.plays(f) as p on p.hour = t.time_id
  group by t.time_id, t.part_of_day order by t.time_id
$$;

-- Name: FUNCTION plays_by_hour(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_hour(f mart.play_filter) IS 'Ribbon: plays by hour and part of the day; all 24 hours.';

-- Name: plays_by_source(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_source(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(source text, plays bigint, songs bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select s.name, count(*), count(distinct p.track_id)
  from mart.plays(f) as p join mart.dim_source as s on s.source_id = p.source_id
  group by s.name order by 2 desc, 1
$$;

-- Name: FUNCTION plays_by_source(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_source(f mart.play_filter) IS 'Donut: plays and songs by where they were played from.';

-- Name: plays_by_week(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_week(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(iso_year integer, iso_week integer, week_start date, plays bigint, ms_played bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select extract(isoyear from p.day)::integer, extract(week from p.day)::integer, date_trunc('week', p.day::timestamp)::date, count(*), sum(p.ms_played)
  from mart.plays(f) as p group by 1, 2, 3 order by 1, 2
$$;

-- Name: FUNCTION plays_by_week(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_week(f mart.play_filter) IS 'Trend: plays by ISO week, with the year the week belongs to.';

-- Name: plays_by_weekday(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.plays_by_weekday(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(day_of_week integer, day_name text, plays bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select d.day_of_week::integer, d.day_name, count(p.play_id)
  from unnest(array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']) with ordinality as d (day_name, day_of_week)
  left join mart.plays(f) as p on extract(isodow from p.day) = d.day_of_week
  group by d.day_of_week, d.day_name order by d.day_of_week
$$;

-- Name: FUNCTION plays_by_weekday(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.plays_by_weekday(f mart.play_filter) IS 'Bars: plays by day of the week, Monday first; all seven.';

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
    AS $$
declare
  looked_at bigint;
begin
  -- What their days and artists were before matters as much as what they are after.
  insert into mart.touched_work (date_id, track_id)
  select distinct f.date_id, f.track_id from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id
  on conflict do nothing;

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

  select count(*) into looked_at from mart.play_work;
  return looked_at;
end
$$;

-- Name: FUNCTION refresh_facts(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.refresh_facts() IS 'Second part of mart.refresh: the noted plays become facts, or cease to be; gives how many were looked at.';

-- Name: refresh_summaries(); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.refresh_summaries() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
  with touched as (
    select distinct w.date_id from mart.touched_work as w
  ), counted as (
    select f.date_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      count(distinct f.track_id) as tracks, count(distinct f.listener_id) as listeners
    from mart.fact_play as f where f.date_id in (select t.date_id from touched as t) group by f.date_id
  ), emptied as (
    delete from mart.daily_summary as d
    where d.date_id in (select t.date_id from touched as t) and d.date_id not in (select c.date_id from counted as c)
  )
  insert into mart.daily_summary (date_id, plays, listens, ms_played, tracks, listeners)
  select c.date_id, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted as c
  on conflict (date_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  with touched as (
    select distinct d.iso_year, d.iso_week from mart.touched_work as w join mart.dim_date as d on d.date_id = w.date_id
  ), counted as (
    select d.iso_year, d.iso_week, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      count(distinct f.track_id) as tracks, count(distinct f.listener_id) as listeners
    from mart.dim_date as d
    join mart.fact_play as f on f.date_id = d.date_id
    where (d.iso_year, d.iso_week) in (select t.iso_year, t.iso_week from touched as t)
    group by d.iso_year, d.iso_week
  ), emptied as (
    delete from mart.weekly_summary as s
    where (s.iso_year, s.iso_week) in (select t.iso_year, t.iso_week from touched as t)
      and (s.iso_year, s.iso_week) not in (select c.iso_year, c.iso_week from counted as c)
  )
  insert into mart.weekly_summary (iso_year, iso_week, plays, listens, ms_played, tracks, listeners)
  select c.iso_year, c.iso_week, c.plays, c.listens, c.ms_played, c.tracks, c.listeners from counted as c
  on conflict (iso_year, iso_week) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played, tracks = excluded.tracks,
        listeners = excluded.listeners;

  with touched as (
    select b.artist_id from mart.bridge_track_artist as b where b.track_id in (select w.track_id from mart.touched_work as w)
    union
    select w.artist_id from mart.artist_work as w
  ), by_track as (
    select f.track_id, count(*) as plays, count(*) filter (where f.is_listen) as listens, sum(f.ms_played) as ms_played,
      min(f.played_at) as first_played_at, max(f.played_at) as last_played_at
    from mart.fact_play as f
    where f.track_id in (select b.track_id from mart.bridge_track_artist as b where b.artist_id in (select t.artist_id from touched as t))
    group by f.track_id
  ), counted as (
    select b.artist_id, sum(p.plays) as plays, sum(p.listens) as listens, sum(p.ms_played) as ms_played,
      min(p.first_played_at) as first_played_at, max(p.last_played_at) as last_played_at
    from by_track as p
    join mart.bridge_track_artist as b on b.track_id = p.track_id
    where b.artist_id in (select t.artist_id from touched as t)
    group by b.artist_id
  ), emptied as (
    delete from mart.artist_play_summary as s
    where s.artist_id in (select t.artist_id from touched as t) and s.artist_id not in (select c.artist_id from counted as c)
  )
  insert into mart.artist_play_summary (artist_id, plays, listens, ms_played, first_played_at, last_played_at)
  select c.artist_id, c.plays, c.listens, c.ms_played, c.first_played_at, c.last_played_at from counted as c
  on conflict (artist_id) do update
    set plays = excluded.plays, listens = excluded.listens, ms_played = excluded.ms_played,
        first_played_at = excluded.first_played_at, last_played_at = excluded.last_played_at
$$;

-- Name: FUNCTION refresh_summaries(); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.refresh_summaries() IS 'Third part of mart.refresh: days, weeks and artists whose plays changed are counted again.';

-- Name: top_albums(mart.play_filter, integer); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.top_albums(f mart.play_filter DEFAULT NULL::mart.play_filter, k integer DEFAULT 4) RETURNS TABLE(rank bigint, album_id bigint, name text, artist text, plays bigint, ms_played bigint, cover_id bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with counted as (
    select p.album_id, count(*) as plays, sum(p.ms_played) as ms_played
    from mart.plays(f) as p where p.album_id is not null group by p.album_id order by 2 desc, 3 desc, 1 limit k
  )
  select row_number() over (order by c.plays desc, c.ms_played desc, c.album_id), c.album_id, b.name, a.name, c.plays, c.ms_played, v.cover_id
  from counted as c
  join mart.dim_album as b on b.album_id = c.album_id
  left join mart.dim_artist as a on a.artist_id = b.artist_id
  left join core.cover as v on v.album_id = c.album_id and v.image is not null
  order by 1
$$;

-- Name: FUNCTION top_albums(f mart.play_filter, k integer); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.top_albums(f mart.play_filter, k integer) IS 'Treemap: the k most played albums.';

-- Name: top_artists(mart.play_filter, integer); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.top_artists(f mart.play_filter DEFAULT NULL::mart.play_filter, k integer DEFAULT 5) RETURNS TABLE(rank bigint, artist_id bigint, name text, plays bigint, ms_played bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select row_number() over (order by count(*) desc, sum(p.ms_played) desc, b.artist_id), b.artist_id, a.name, count(*), sum(p.ms_played)
  from mart.plays(f) as p
  join mart.bridge_track_artist as b on b.track_id = p.track_id
  join mart.dim_artist as a on a.artist_id = b.artist_id
  group by b.artist_id, a.name
  order by 1
  limit k
$$;

-- Name: FUNCTION top_artists(f mart.play_filter, k integer); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.top_artists(f mart.play_filter, k integer) IS 'Columns: the k most played artists; a play of several artists counts for each.';

-- Name: top_tracks(mart.play_filter, integer); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.top_tracks(f mart.play_filter DEFAULT NULL::mart.play_filter, k integer DEFAULT 5) RETURNS TABLE(rank bigint, track_id bigint, name text, artist text, plays bigint, ms_played bigint, album_id bigint, cover_id bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
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
  left join core.cover as v on v.album_id = t.album_id and v.image is not null
  order by 1
$$;

-- Name: FUNCTION top_tracks(f mart.play_filter, k integer); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.top_tracks(f mart.play_filter, k integer) IS 'Tiles and columns: the k most played songs, by plays and not by popularity; tracks of the same meaning count as one. cover_id is NULL where there is no picture.';

-- Name: track_choices(mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.track_choices(f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(track_id bigint, name text, artist text, plays bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select p.track_id, t.name, a.name, count(*)
  from mart.plays(f) as p
  join mart.dim_track as t on t.track_id = p.track_id
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  group by p.track_id, t.name, a.name
  order by t.name, a.name, p.track_id
$$;

-- Name: FUNCTION track_choices(f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.track_choices(f mart.play_filter) IS 'Slicer: the tracks that have plays.';

-- Name: track_detail(bigint, mart.play_filter); Type: FUNCTION; Schema: mart

CREATE FUNCTION mart.track_detail(track bigint, f mart.play_filter DEFAULT NULL::mart.play_filter) RETURNS TABLE(track_id bigint, name text, artist text, album text, popularity smallint, release_date date, release_date_precision text, plays bigint, track_number smallint, total_tracks smallint, cover_id bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select t.track_id, t.name, a.name, b.name, t.popularity, b.release_date, b.release_date_precision,
    (select count(*) from mart.plays(f) as p where p.track_id = t.track_id), t.track_number, b.total_tracks, v.cover_id
  from mart.dim_track as t
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  left join mart.dim_album as b on b.album_id = t.album_id
  left join core.cover as v on v.album_id = t.album_id and v.image is not null
  where t.track_id = track
$$;

-- Name: FUNCTION track_detail(track bigint, f mart.play_filter); Type: COMMENT; Schema: mart

COMMENT ON FUNCTION mart.track_detail(track bigint, f mart.play_filter) IS 'Card of one track: name, popularity, release date, plays, number on the album and how many tracks that has.';

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
  select case when value ~ '^[0-9-]{10}[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?Z?$'
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

-- Name: b3_twins(bigint); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b3_twins(batch bigint) RETURNS TABLE(row_no integer, twin_batch_id bigint, twin_row_no integer)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with whose as (
    select b.listener_name, b.source from raw.batch as b
    where b.batch_id = batch and b.source in ('streaming_history', 'extended_history')
  ), plays as (
    select b.batch_id, h.row_no, 'streaming_history' as source,
      quality.b11_utc(quality.b7_trim(h.body ->> 'endTime')) as minute,
      quality.b5_number(quality.b7_trim(h.body ->> 'msPlayed')) as ms_played,
      quality.b13_fold(h.body ->> 'artistName') as artist, quality.b13_fold(h.body ->> 'trackName') as track
    from raw.batch as b join raw.streaming_history as h using (batch_id)
    where b.listener_name = (select w.listener_name from whose as w)
      and (b.batch_id = batch or (select w.source from whose as w) = 'extended_history')
    union all
    select b.batch_id, x.row_no, 'extended_history',
      date_trunc('minute', quality.b11_utc(quality.b7_trim(x.body ->> 'ts')), 'UTC'),
      quality.b5_number(quality.b7_trim(x.body ->> 'ms_played')),
      quality.b13_fold(x.body ->> 'master_metadata_album_artist_name'), quality.b13_fold(x.body ->> 'master_metadata_track_name')
    from raw.batch as b join raw.extended_history as x using (batch_id)
    where b.listener_name = (select w.listener_name from whose as w)
      and (b.batch_id = batch or (select w.source from whose as w) = 'streaming_history')
  ), numbered as (
    select distinct on (p.source, p.minute, p.ms_played, p.artist, p.track, p.nth) p.*
    from (
      select q.*, row_number() over (partition by q.batch_id, q.minute, q.ms_played, q.artist, q.track order by q.row_no) as nth
      from plays as q
      where q.minute is not null and q.ms_played is not null and q.artist is not null and q.track is not null
    ) as p
    order by p.source, p.minute, p.ms_played, p.artist, p.track, p.nth, (p.batch_id <> batch), p.batch_id
  )
  select mine.row_no, other.batch_id, other.row_no
  from numbered as mine
  join numbered as other on other.source <> mine.source and other.minute = mine.minute and other.ms_played = mine.ms_played
    and other.artist = mine.artist and other.track = mine.track and other.nth = mine.nth
  where mine.batch_id = batch
$$;

-- Name: FUNCTION b3_twins(batch bigint); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b3_twins(batch bigint) IS 'B3: plays of a history batch that the other kind of export of the same listener holds as well, and which row of it that is.';

-- Name: b4_null_marker(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b4_null_marker(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when pg_catalog.lower(value) in ('', 'na', '[]', 'unknown artist', 'unknown track')
              then null else value end
$$;

-- Name: FUNCTION b4_null_marker(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b4_null_marker(value text) IS 'B4: NULL for a text that only says nothing is known; expects a trimmed text.';

-- Name: b5_number(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b5_number(value text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case
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

-- Name: b6_date_precision(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b6_date_precision(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when quality.b6_partial_date(value) is null then null
              else (case pg_catalog.length(value) when 4 then 'year' when 7 then 'month' else 'day' end) end
$$;

-- Name: FUNCTION b6_date_precision(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b6_date_precision(value text) IS 'B6: year, month or day; NULL where b6_partial_date is NULL.';

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

-- Name: b7_has_lost_letters(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b7_has_lost_letters(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select pg_catalog.strpos(value, E'\ufffd') > 0 or pg_catalog.strpos(value, E'\u00ef\u00bf\u00bd') > 0 $$;

-- Name: FUNCTION b7_has_lost_letters(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b7_has_lost_letters(value text) IS 'B7: whether an encoding mishap replaced letters (U+FFFD, or its bytes read as Latin-1).';

-- Name: b7_trim(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b7_trim(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select pg_catalog.btrim(value, E' \t\n\r\f\u000b\u00a0\u2003\u2009\u200b\u3000\ufeff') $$;

-- Name: FUNCTION b7_trim(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b7_trim(value text) IS 'B7: the text without outer blanks, byte order marks and the like.';

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

-- Name: b9_missing_reference(text, text, text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b9_missing_reference(track_spotify_id text, track_name text, artist_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when track_spotify_id is null and (track_name is null or artist_name is null)
              then 'it names no track: neither an identifier nor a name with its artist' end
$$;

-- Name: FUNCTION b9_missing_reference(track_spotify_id text, track_name text, artist_name text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b9_missing_reference(track_spotify_id text, track_name text, artist_name text) IS 'B9: why an entry refers to nothing, or NULL; expects texts that rule B4 has seen.';

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

-- Name: measure_work(); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.measure_work() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
  -- Autovacuum finds these tables empty and says so to the planner, which then loops over every pair of rows.
  analyze quality.song_work;
  analyze quality.play_work;
end
$$;

-- Name: FUNCTION measure_work(); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.measure_work() IS 'Tells the planner how many rows the working tables hold now. Runs as its owner, since only a table''s owner may analyze it.';

-- Name: spotify_id(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.spotify_id(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select pg_catalog.substring(quality.b4_null_marker(quality.b7_trim(value)), '^(?:spotify:[a-z]+:|https?://open\.spotify\.com/(?:intl-[a-z]+/)?[a-z]+/)?([0-9A-Za-z]{22})(?:\?.*)?$')
$_$;

-- Name: FUNCTION spotify_id(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.spotify_id(value text) IS 'The 22 letters and digits of an identifier given alone, as a URI (spotify:track:...) or as an address; NULL for anything else.';

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
    CONSTRAINT accepted_row_items_check CHECK ((items >= 0))
);

-- Name: TABLE accepted_row; Type: COMMENT; Schema: core

COMMENT ON TABLE core.accepted_row IS 'Raw rows that became facts, of the sources whose facts do not say themselves where they came from.';

-- Name: COLUMN accepted_row.batch_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.accepted_row.batch_id IS 'The file: raw.batch.';

-- Name: COLUMN accepted_row.row_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.accepted_row.row_no IS 'The row of that file.';

-- Name: COLUMN accepted_row.items; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.accepted_row.items IS 'How many facts it told; 0 when it told nothing new.';

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

COMMENT ON COLUMN core.play.ms_is_estimated IS 'The source does not say how long it was heard: ms_played is the length of the track then.';

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
    CONSTRAINT listener_account_id_check CHECK ((account_id <> ''::text)),
    CONSTRAINT listener_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT listener_name_check CHECK ((name <> ''::text)),
    CONSTRAINT listener_product_check CHECK ((product <> ''::text))
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

-- Name: listener_listener_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.listener ALTER COLUMN listener_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.listener_listener_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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
    count(*) OVER so_far AS issues_on_chart
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

COMMENT ON VIEW mart.chart_trend IS 'Charts: rank, movement against the issue before (positive is up), best rank so far, issues so far; is_new marks a first entry. Ranks are NULL where the source says only that a track was in.';

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

-- Name: listeners_by_country; Type: VIEW; Schema: mart

CREATE VIEW mart.listeners_by_country AS
 SELECT country,
    count(*) AS listeners
   FROM core.listener l
  GROUP BY country;

-- Name: VIEW listeners_by_country; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.listeners_by_country IS 'Map: listeners by country; NULL where it is not known.';

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

-- Name: recently_played; Type: VIEW; Schema: mart

CREATE VIEW mart.recently_played AS
 SELECT p.listener_id,
    p.played_at,
    t.track_id,
    t.name AS track_name,
    b.album_id,
    b.name AS album_name,
    b.total_tracks
   FROM ((mart.fact_play p
     JOIN mart.dim_track t ON ((t.track_id = p.track_id)))
     LEFT JOIN mart.dim_album b ON ((b.album_id = p.album_id)));

-- Name: VIEW recently_played; Type: COMMENT; Schema: mart

COMMENT ON VIEW mart.recently_played IS 'Table: plays with track and album; order by played_at and limit.';

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

-- Name: visual; Type: TABLE; Schema: mart

CREATE TABLE mart.visual (
    report text NOT NULL,
    page smallint NOT NULL,
    number smallint NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    relation text NOT NULL,
    CONSTRAINT visual_number_check CHECK ((number >= 1))
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

-- Name: quarantine; Type: TABLE; Schema: quality

CREATE TABLE quality.quarantine (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    rule_id text NOT NULL,
    reason text NOT NULL,
    raw_row jsonb NOT NULL,
    run_id bigint NOT NULL,
    quarantined_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT quarantine_reason_check CHECK ((reason <> ''::text))
);

-- Name: TABLE quarantine; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.quarantine IS 'Refused rows: one per raw row, with the first rule that refused it.';

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

-- Name: extended_history; Type: TABLE; Schema: raw

CREATE TABLE raw.extended_history (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    line_no integer NOT NULL,
    source text DEFAULT 'extended_history'::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    body jsonb NOT NULL
);

-- Name: TABLE extended_history; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.extended_history IS 'Plays of extended account exports: one JSON object each, as received.';

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

-- Name: streaming_history; Type: TABLE; Schema: raw

CREATE TABLE raw.streaming_history (
    batch_id bigint NOT NULL,
    row_no integer NOT NULL,
    line_no integer NOT NULL,
    source text DEFAULT 'streaming_history'::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    hash bytea NOT NULL,
    body jsonb NOT NULL
);

-- Name: TABLE streaming_history; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.streaming_history IS 'Plays of account exports: one JSON object each, as received.';

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
                   FROM raw.page g
                  WHERE (g.batch_id = b.batch_id)) landed) received)
     CROSS JOIN LATERAL ( SELECT count(*) AS rows
           FROM ( SELECT
                   FROM core.playlist_track pt
                  WHERE (pt.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM core.play p
                  WHERE ((p.batch_id = b.batch_id) AND (p.item_no = 0))
                UNION ALL
                 SELECT
                   FROM core.accepted_row r
                  WHERE (r.batch_id = b.batch_id)) kept) facts)
     CROSS JOIN LATERAL ( SELECT count(*) AS rows
           FROM quality.quarantine q
          WHERE (q.batch_id = b.batch_id)) refused);

-- Name: VIEW accounting; Type: COMMENT; Schema: quality

COMMENT ON VIEW quality.accounting IS 'Rows in = rows out + rejected, counted over the tables: rows_open is what no step has disposed of yet.';

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
    quality.b4_null_marker(quality.b7_trim((c.body ->> 'release_date'::text))) AS release_text,
    quality.b5_number(quality.b7_trim((c.body ->> 'popularity'::text))) AS popularity,
    quality.b5_number(quality.b7_trim((c.body ->> 'artist_followers'::text))) AS artist_followers,
    quality.b5_number(quality.b7_trim((c.body ->> 'duration_ms'::text))) AS duration_ms
   FROM ((raw.chart_entry c
     JOIN raw.batch b USING (batch_id))
     CROSS JOIN LATERAL ( SELECT quality.b4_null_marker(quality.b7_trim(COALESCE((c.body ->> 'chart'::text), (c.body ->> 'chart_name'::text)))) AS chart,
            quality.b4_null_marker(quality.b7_trim(COALESCE((c.body ->> 'region'::text), (c.body ->> 'country'::text)))) AS region,
            COALESCE((c.body ->> 'date'::text), (c.body ->> 'day'::text), (c.body ->> 'chart_date'::text), (c.body ->> 'snapshot_date'::text)) AS day_text,
            COALESCE((c.body ->> 'rank'::text), (c.body ->> 'position'::text), (c.body ->> 'daily_rank'::text)) AS rank_text,
            COALESCE((c.body ->> 'uri'::text), (c.body ->> 'url'::text), (c.body ->> 'track_uri'::text), (c.body ->> 'track_id'::text), (c.body ->> 'spotify_id'::text), (c.body ->> 'song_id'::text)) AS track_uri,
            COALESCE((c.body ->> 'track_name'::text), (c.body ->> 'title'::text), (c.body ->> 'song_name'::text), (c.body ->> 'name'::text)) AS track_name,
            COALESCE((c.body ->> 'artist_names'::text), (c.body ->> 'artist_name'::text), (c.body ->> 'artists'::text), (c.body ->> 'artist'::text)) AS artist_names) f);

-- Name: VIEW chart_read; Type: COMMENT; Schema: quality

COMMENT ON VIEW quality.chart_read IS 'Rows of charts in one shape, values cleansed, whatever layout they came in.';

-- Name: COLUMN chart_read.chart_name; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.chart_name IS 'Chart and region as the row says; else the file''s name without day and ending.';

-- Name: COLUMN chart_read.chart_day; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.chart_day IS 'First day of the chart, from the row or the file''s name; NULL in a track summary.';

-- Name: COLUMN chart_read.weeks_charted; Type: COMMENT; Schema: quality

COMMENT ON COLUMN quality.chart_read.weeks_charted IS 'Of a track summary: the weeks it was in the chart, as listed; a week that is none is NULL.';

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
    reason text
);

-- Name: TABLE play_work; Type: COMMENT; Schema: quality

COMMENT ON TABLE quality.play_work IS 'Plays of an export while core.load_history works on them; empty between runs.';

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
    COALESCE(quality.b11_utc(quality.b7_trim(f.added_text)), ((quality.b6_partial_date(quality.b7_trim(f.added_text)))::timestamp without time zone AT TIME ZONE 'UTC'::text)) AS added_at
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
                    WHEN 'columns'::text THEN COALESCE((p.body ->> 'artist_name_s'::text), (p.body ->> 'artist_names'::text), (p.body ->> 'artist_name'::text), (p.body ->> 'artists'::text), (p.body ->> 'artist'::text))
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
    reason text
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

-- Name: batch_batch_id_seq; Type: SEQUENCE; Schema: raw

ALTER TABLE raw.batch ALTER COLUMN batch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME raw.batch_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: change change_pkey; Type: CONSTRAINT; Schema: audit

ALTER TABLE ONLY audit.change
    ADD CONSTRAINT change_pkey PRIMARY KEY (change_id);

-- Name: accepted_row accepted_row_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.accepted_row
    ADD CONSTRAINT accepted_row_pkey PRIMARY KEY (batch_id, row_no);

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

-- Name: play_work play_work_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.play_work
    ADD CONSTRAINT play_work_pkey PRIMARY KEY (batch_id, row_no);

-- Name: quarantine quarantine_pkey; Type: CONSTRAINT; Schema: quality

ALTER TABLE ONLY quality.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (batch_id, row_no);

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

-- Name: extended_history extended_history_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.extended_history
    ADD CONSTRAINT extended_history_pkey PRIMARY KEY (batch_id, row_no);

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

-- Name: streaming_history streaming_history_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.streaming_history
    ADD CONSTRAINT streaming_history_pkey PRIMARY KEY (batch_id, row_no);

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

-- Name: fact_play_listener_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_listener_idx ON mart.fact_play USING btree (listener_id, played_at);

-- Name: fact_play_track_idx; Type: INDEX; Schema: mart

CREATE INDEX fact_play_track_idx ON mart.fact_play USING btree (track_id);

-- Name: quarantine_run_idx; Type: INDEX; Schema: quality

CREATE INDEX quarantine_run_idx ON quality.quarantine USING btree (run_id);

-- Name: run_batch_idx; Type: INDEX; Schema: quality

CREATE INDEX run_batch_idx ON quality.run USING btree (batch_id);

-- Name: batch_content_key; Type: INDEX; Schema: raw

CREATE UNIQUE INDEX batch_content_key ON raw.batch USING btree (source, COALESCE(listener_name, ''::text), content_sha256);

-- Name: page_set_listener_idx; Type: INDEX; Schema: raw

CREATE INDEX page_set_listener_idx ON raw.page_set USING btree (listener_name, kind, unit, batch_id);

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

CREATE TRIGGER playlist_track_audit_delete AFTER DELETE ON core.playlist_track FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: playlist_track playlist_track_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_audit_update AFTER UPDATE ON core.playlist_track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

-- Name: playlist_track_subgenre playlist_track_subgenre_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_subgenre_audit_delete AFTER DELETE ON core.playlist_track_subgenre FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: playlist_track_subgenre playlist_track_subgenre_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_track_subgenre_audit_update AFTER UPDATE ON core.playlist_track_subgenre FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

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

-- Name: top_list top_list_audit_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_audit_delete AFTER DELETE ON core.top_list FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: top_list top_list_audit_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_audit_insert AFTER INSERT ON core.top_list FOR EACH ROW EXECUTE FUNCTION audit.record_change();

-- Name: top_list top_list_audit_update; Type: TRIGGER; Schema: core

CREATE TRIGGER top_list_audit_update AFTER UPDATE ON core.top_list FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION audit.record_change();

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

-- Name: extended_history extended_history_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER extended_history_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.extended_history FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: library_entry library_entry_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER library_entry_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.library_entry FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: page page_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER page_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.page FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: playlist_entry playlist_entry_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER playlist_entry_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.playlist_entry FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: song song_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER song_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.song FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: streaming_history streaming_history_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER streaming_history_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.streaming_history FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

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

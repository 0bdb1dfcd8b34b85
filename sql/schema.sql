-- The schema that the migrations and routines make on PostgreSQL 17. Written by dbadmin; what is changed here is overwritten.

SET client_min_messages = warning;
SET check_function_bodies = false;
SELECT pg_catalog.set_config('search_path', '', false);

-- Name: core; Type: SCHEMA; Schema: -

CREATE SCHEMA core;

-- Name: SCHEMA core; Type: COMMENT; Schema: -

COMMENT ON SCHEMA core IS 'The cleansed facts in third normal form. Written by the load procedures only.';

-- Name: quality; Type: SCHEMA; Schema: -

CREATE SCHEMA quality;

-- Name: SCHEMA quality; Type: COMMENT; Schema: -

COMMENT ON SCHEMA quality IS 'Cleansing rules, what each found per run, and the rows they refused.';

-- Name: raw; Type: SCHEMA; Schema: -

CREATE SCHEMA raw;

-- Name: SCHEMA raw; Type: COMMENT; Schema: -

COMMENT ON SCHEMA raw IS 'Every row as it was received, with its batch; append-only. Written by dbadmin spotify load.';

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
  new.ended_at := date_trunc('minute', new.ended_at);
  if new.minute_seq is null then
    select coalesce(max(p.minute_seq), 0) + 1 into new.minute_seq
    from core.play as p where p.listener_id = new.listener_id and p.ended_at = new.ended_at;
  end if;
  return new;
end
$$;

-- Name: FUNCTION cleanse_play(); Type: COMMENT; Schema: core

COMMENT ON FUNCTION core.cleanse_play() IS 'Trigger: rule B11, ends are kept to the minute, and plays of one minute are numbered.';

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
    and p.ended_at = w.ended_at and p.track_id = w.track_id and p.ms_played = w.ms_played
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
  on conflict (name) do nothing;

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
  join core.artist as a on a.name = w.artist_name
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
  on conflict (name) do nothing;

  -- A spelling means the catalogue's track of exactly that artist and name; of several, the one that stands for the others.
  insert into core.track_spelling (artist_name, track_name, track_id)
  select distinct on (a.name, t.name) a.name, t.name, t.track_id
  from (select distinct w.artist_name, w.track_name from quality.play_work as w where w.batch_id = batch and w.rule_id is null) as s
  join core.artist as a on a.name = s.artist_name
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
    select u.track_id, 1, a.artist_id from unknown as u join core.artist as a on a.name = u.artist_name
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

-- Name: b11_utc(text); Type: FUNCTION; Schema: quality

CREATE FUNCTION quality.b11_utc(value text) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case when value ~ '^[0-9-]{10} ([01][0-9]|2[0-3]):[0-5][0-9]$'
              then (quality.b6_partial_date(pg_catalog.substr(value, 1, 10))
                    + pg_catalog.make_time(pg_catalog.substr(value, 12, 2)::integer, pg_catalog.substr(value, 15, 2)::integer, 0))
                   at time zone 'UTC' end
$_$;

-- Name: FUNCTION b11_utc(value text); Type: COMMENT; Schema: quality

COMMENT ON FUNCTION quality.b11_utc(value text) IS 'B11: the moment in a text of the form 2021-04-22 05:41, which is UTC; NULL for anything else.';

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

-- Name: album; Type: TABLE; Schema: core

CREATE TABLE core.album (
    album_id bigint NOT NULL,
    spotify_id text NOT NULL,
    name text,
    release_date date,
    release_date_precision text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT album_date_fits_precision CHECK (
CASE release_date_precision
    WHEN 'year'::text THEN ((EXTRACT(month FROM release_date) = (1)::numeric) AND (EXTRACT(day FROM release_date) = (1)::numeric))
    WHEN 'month'::text THEN (EXTRACT(day FROM release_date) = (1)::numeric)
    ELSE true
END),
    CONSTRAINT album_date_has_precision CHECK (((release_date IS NULL) = (release_date_precision IS NULL))),
    CONSTRAINT album_name_check CHECK ((name <> ''::text)),
    CONSTRAINT album_release_date_precision_check CHECK ((release_date_precision = ANY (ARRAY['year'::text, 'month'::text, 'day'::text]))),
    CONSTRAINT album_spotify_id_check CHECK ((spotify_id <> ''::text))
);

-- Name: TABLE album; Type: COMMENT; Schema: core

COMMENT ON TABLE core.album IS 'Albums.';

-- Name: COLUMN album.album_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.album_id IS 'Our number.';

-- Name: COLUMN album.spotify_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.album.spotify_id IS 'Spotify''s identifier.';

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

-- Name: album_album_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.album ALTER COLUMN album_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.album_album_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: artist; Type: TABLE; Schema: core

CREATE TABLE core.artist (
    artist_id bigint NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT artist_name_check CHECK ((name <> ''::text))
);

-- Name: TABLE artist; Type: COMMENT; Schema: core

COMMENT ON TABLE core.artist IS 'Artists by name: neither source gives an identifier.';

-- Name: COLUMN artist.artist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.artist_id IS 'Our number.';

-- Name: COLUMN artist.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.name IS 'As written, outer blanks removed.';

-- Name: COLUMN artist.created_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.created_at IS 'When the row came to be.';

-- Name: COLUMN artist.updated_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.artist.updated_at IS 'When the row last changed; kept by a trigger.';

-- Name: artist_artist_id_seq; Type: SEQUENCE; Schema: core

ALTER TABLE core.artist ALTER COLUMN artist_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.artist_artist_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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

-- Name: genre; Type: TABLE; Schema: core

CREATE TABLE core.genre (
    genre_id smallint NOT NULL,
    name text NOT NULL,
    CONSTRAINT genre_name_check CHECK ((name <> ''::text))
);

-- Name: TABLE genre; Type: COMMENT; Schema: core

COMMENT ON TABLE core.genre IS 'Genres of playlists.';

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
    CONSTRAINT play_ends_on_a_minute CHECK ((EXTRACT(second FROM (ended_at AT TIME ZONE 'UTC'::text)) = (0)::numeric)),
    CONSTRAINT play_minute_seq_check CHECK ((minute_seq >= 1)),
    CONSTRAINT play_ms_played_check CHECK ((ms_played >= 0))
);

-- Name: TABLE play; Type: COMMENT; Schema: core

COMMENT ON TABLE core.play IS 'Plays, one per raw row that was accepted.';

-- Name: COLUMN play.play_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.play_id IS 'Our number.';

-- Name: COLUMN play.listener_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.listener_id IS 'Who listened.';

-- Name: COLUMN play.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.track_id IS 'To what. For a duplicate by meaning see track.canonical_track_id.';

-- Name: COLUMN play.ended_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.ended_at IS 'When the play ended, UTC, to the minute: exports give no seconds.';

-- Name: COLUMN play.minute_seq; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.minute_seq IS 'Order of the plays that ended in the same minute, from 1, as the export lists them.';

-- Name: COLUMN play.ms_played; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.ms_played IS 'How long it was heard, in milliseconds.';

-- Name: COLUMN play.is_skip; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.is_skip IS 'Heard for less than 30 seconds.';

-- Name: COLUMN play.batch_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.batch_id IS 'The file that said so first.';

-- Name: COLUMN play.row_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.play.row_no IS 'The row of that file.';

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
    CONSTRAINT listener_name_check CHECK ((name <> ''::text))
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
    spotify_id text NOT NULL,
    name text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT playlist_name_check CHECK ((name <> ''::text)),
    CONSTRAINT playlist_spotify_id_check CHECK ((spotify_id <> ''::text))
);

-- Name: TABLE playlist; Type: COMMENT; Schema: core

COMMENT ON TABLE core.playlist IS 'Playlists. Several share a name.';

-- Name: COLUMN playlist.playlist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.playlist_id IS 'Our number.';

-- Name: COLUMN playlist.spotify_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.spotify_id IS 'Spotify''s identifier.';

-- Name: COLUMN playlist.name; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.name IS 'NULL when the source did not know it.';

-- Name: COLUMN playlist.created_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.created_at IS 'When the row came to be.';

-- Name: COLUMN playlist.updated_at; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist.updated_at IS 'When the row last changed; kept by a trigger.';

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
    row_no integer NOT NULL
);

-- Name: TABLE playlist_track; Type: COMMENT; Schema: core

COMMENT ON TABLE core.playlist_track IS 'Which tracks a playlist holds: one row per raw row that was accepted.';

-- Name: COLUMN playlist_track.playlist_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.playlist_id IS 'The playlist.';

-- Name: COLUMN playlist_track.track_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.track_id IS 'The track.';

-- Name: COLUMN playlist_track.batch_id; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.batch_id IS 'The file that said so first.';

-- Name: COLUMN playlist_track.row_no; Type: COMMENT; Schema: core

COMMENT ON COLUMN core.playlist_track.row_no IS 'The row of that file.';

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
    CONSTRAINT track_check CHECK ((canonical_track_id <> track_id)),
    CONSTRAINT track_duration_ms_check CHECK ((duration_ms > 0)),
    CONSTRAINT track_is_known CHECK (((spotify_id IS NOT NULL) OR (name IS NOT NULL))),
    CONSTRAINT track_name_check CHECK ((name <> ''::text)),
    CONSTRAINT track_popularity_check CHECK (((popularity >= 0) AND (popularity <= 100))),
    CONSTRAINT track_spotify_id_check CHECK ((spotify_id <> ''::text))
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
    CONSTRAINT batch_content_sha256_check CHECK ((length(content_sha256) = 32)),
    CONSTRAINT batch_listener_name_check CHECK ((listener_name <> ''::text)),
    CONSTRAINT batch_listener_of_history CHECK (((source = 'streaming_history'::text) = (listener_name IS NOT NULL))),
    CONSTRAINT batch_row_count_check CHECK ((row_count >= 0)),
    CONSTRAINT batch_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT batch_source_check CHECK ((source = ANY (ARRAY['songs'::text, 'streaming_history'::text])))
);

-- Name: TABLE batch; Type: COMMENT; Schema: raw

COMMENT ON TABLE raw.batch IS 'One file received. The same content is received once per source and listener.';

-- Name: COLUMN batch.source; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.source IS 'Format of the file: songs (CSV, one row per track, playlist and subgenre) or streaming_history (basic account export, JSON).';

-- Name: COLUMN batch.file_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.file_name IS 'Name of the file without its directory; - for standard input.';

-- Name: COLUMN batch.listener_name; Type: COMMENT; Schema: raw

COMMENT ON COLUMN raw.batch.listener_name IS 'Whose history it is; exports do not say. NULL for sources without a listener.';

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
                  WHERE (h.batch_id = b.batch_id)) landed) received)
     CROSS JOIN LATERAL ( SELECT count(*) AS rows
           FROM ( SELECT
                   FROM core.playlist_track pt
                  WHERE (pt.batch_id = b.batch_id)
                UNION ALL
                 SELECT
                   FROM core.play p
                  WHERE (p.batch_id = b.batch_id)) kept) facts)
     CROSS JOIN LATERAL ( SELECT count(*) AS rows
           FROM quality.quarantine q
          WHERE (q.batch_id = b.batch_id)) refused);

-- Name: VIEW accounting; Type: COMMENT; Schema: quality

COMMENT ON VIEW quality.accounting IS 'Rows in = rows out + rejected, counted over the tables: rows_open is what no step has disposed of yet.';

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

-- Name: batch_batch_id_seq; Type: SEQUENCE; Schema: raw

ALTER TABLE raw.batch ALTER COLUMN batch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME raw.batch_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: album album_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album
    ADD CONSTRAINT album_pkey PRIMARY KEY (album_id);

-- Name: album album_spotify_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.album
    ADD CONSTRAINT album_spotify_id_key UNIQUE (spotify_id);

-- Name: artist artist_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist
    ADD CONSTRAINT artist_name_key UNIQUE (name);

-- Name: artist artist_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.artist
    ADD CONSTRAINT artist_pkey PRIMARY KEY (artist_id);

-- Name: audio_feature audio_feature_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.audio_feature
    ADD CONSTRAINT audio_feature_pkey PRIMARY KEY (track_id);

-- Name: genre genre_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.genre
    ADD CONSTRAINT genre_name_key UNIQUE (name);

-- Name: genre genre_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.genre
    ADD CONSTRAINT genre_pkey PRIMARY KEY (genre_id);

-- Name: listener listener_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.listener
    ADD CONSTRAINT listener_name_key UNIQUE (name);

-- Name: listener listener_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.listener
    ADD CONSTRAINT listener_pkey PRIMARY KEY (listener_id);

-- Name: play play_batch_id_row_no_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_batch_id_row_no_key UNIQUE (batch_id, row_no);

-- Name: play play_listener_id_ended_at_minute_seq_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_listener_id_ended_at_minute_seq_key UNIQUE (listener_id, ended_at, minute_seq);

-- Name: play play_listener_id_ended_at_track_id_ms_played_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_listener_id_ended_at_track_id_ms_played_key UNIQUE (listener_id, ended_at, track_id, ms_played);

-- Name: play play_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_pkey PRIMARY KEY (play_id);

-- Name: playlist playlist_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist
    ADD CONSTRAINT playlist_pkey PRIMARY KEY (playlist_id);

-- Name: playlist playlist_spotify_id_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist
    ADD CONSTRAINT playlist_spotify_id_key UNIQUE (spotify_id);

-- Name: playlist_track playlist_track_batch_id_row_no_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track
    ADD CONSTRAINT playlist_track_batch_id_row_no_key UNIQUE (batch_id, row_no);

-- Name: playlist_track playlist_track_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track
    ADD CONSTRAINT playlist_track_pkey PRIMARY KEY (playlist_id, track_id);

-- Name: playlist_track_subgenre playlist_track_subgenre_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.playlist_track_subgenre
    ADD CONSTRAINT playlist_track_subgenre_pkey PRIMARY KEY (playlist_id, track_id, subgenre_id);

-- Name: subgenre subgenre_genre_id_name_key; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.subgenre
    ADD CONSTRAINT subgenre_genre_id_name_key UNIQUE (genre_id, name);

-- Name: subgenre subgenre_pkey; Type: CONSTRAINT; Schema: core

ALTER TABLE ONLY core.subgenre
    ADD CONSTRAINT subgenre_pkey PRIMARY KEY (subgenre_id);

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

-- Name: batch batch_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (batch_id);

-- Name: song song_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.song
    ADD CONSTRAINT song_pkey PRIMARY KEY (batch_id, row_no);

-- Name: streaming_history streaming_history_pkey; Type: CONSTRAINT; Schema: raw

ALTER TABLE ONLY raw.streaming_history
    ADD CONSTRAINT streaming_history_pkey PRIMARY KEY (batch_id, row_no);

-- Name: play_track_idx; Type: INDEX; Schema: core

CREATE INDEX play_track_idx ON core.play USING btree (track_id);

-- Name: playlist_track_subgenre_subgenre_idx; Type: INDEX; Schema: core

CREATE INDEX playlist_track_subgenre_subgenre_idx ON core.playlist_track_subgenre USING btree (subgenre_id);

-- Name: playlist_track_track_idx; Type: INDEX; Schema: core

CREATE INDEX playlist_track_track_idx ON core.playlist_track USING btree (track_id);

-- Name: track_album_idx; Type: INDEX; Schema: core

CREATE INDEX track_album_idx ON core.track USING btree (album_id);

-- Name: track_artist_artist_idx; Type: INDEX; Schema: core

CREATE INDEX track_artist_artist_idx ON core.track_artist USING btree (artist_id);

-- Name: track_canonical_idx; Type: INDEX; Schema: core

CREATE INDEX track_canonical_idx ON core.track USING btree (canonical_track_id) WHERE (canonical_track_id IS NOT NULL);

-- Name: track_spelling_track_idx; Type: INDEX; Schema: core

CREATE INDEX track_spelling_track_idx ON core.track_spelling USING btree (track_id);

-- Name: quarantine_run_idx; Type: INDEX; Schema: quality

CREATE INDEX quarantine_run_idx ON quality.quarantine USING btree (run_id);

-- Name: run_batch_idx; Type: INDEX; Schema: quality

CREATE INDEX run_batch_idx ON quality.run USING btree (batch_id);

-- Name: batch_content_key; Type: INDEX; Schema: raw

CREATE UNIQUE INDEX batch_content_key ON raw.batch USING btree (source, COALESCE(listener_name, ''::text), content_sha256);

-- Name: album album_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER album_cleanse BEFORE INSERT OR UPDATE OF name ON core.album FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: album album_release_date; Type: TRIGGER; Schema: core

CREATE TRIGGER album_release_date BEFORE INSERT OR UPDATE OF release_date, release_date_precision ON core.album FOR EACH ROW WHEN ((new.release_date_precision = ANY (ARRAY['year'::text, 'month'::text]))) EXECUTE FUNCTION core.cleanse_release_date();

-- Name: album album_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER album_touch BEFORE UPDATE ON core.album FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: artist artist_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_cleanse BEFORE INSERT OR UPDATE OF name ON core.artist FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: artist artist_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER artist_touch BEFORE UPDATE ON core.artist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: audio_feature audio_feature_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER audio_feature_cleanse BEFORE INSERT OR UPDATE ON core.audio_feature FOR EACH ROW EXECUTE FUNCTION core.cleanse_audio_feature();

-- Name: listener listener_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_cleanse BEFORE INSERT OR UPDATE OF name ON core.listener FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: listener listener_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER listener_touch BEFORE UPDATE ON core.listener FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: play play_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER play_cleanse BEFORE INSERT ON core.play FOR EACH ROW EXECUTE FUNCTION core.cleanse_play();

-- Name: play play_count_delete; Type: TRIGGER; Schema: core

CREATE TRIGGER play_count_delete AFTER DELETE ON core.play REFERENCING OLD TABLE AS old_plays FOR EACH STATEMENT EXECUTE FUNCTION core.count_plays();

-- Name: play play_count_insert; Type: TRIGGER; Schema: core

CREATE TRIGGER play_count_insert AFTER INSERT ON core.play REFERENCING NEW TABLE AS new_plays FOR EACH STATEMENT EXECUTE FUNCTION core.count_plays();

-- Name: play play_count_update; Type: TRIGGER; Schema: core

CREATE TRIGGER play_count_update AFTER UPDATE ON core.play REFERENCING OLD TABLE AS old_plays NEW TABLE AS new_plays FOR EACH STATEMENT EXECUTE FUNCTION core.count_plays();

-- Name: playlist playlist_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_cleanse BEFORE INSERT OR UPDATE OF name ON core.playlist FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: playlist playlist_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER playlist_touch BEFORE UPDATE ON core.playlist FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: track track_cleanse; Type: TRIGGER; Schema: core

CREATE TRIGGER track_cleanse BEFORE INSERT OR UPDATE OF name ON core.track FOR EACH ROW EXECUTE FUNCTION core.cleanse_name();

-- Name: track track_touch; Type: TRIGGER; Schema: core

CREATE TRIGGER track_touch BEFORE UPDATE ON core.track FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION core.touch();

-- Name: batch batch_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER batch_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.batch FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: song song_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER song_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.song FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: streaming_history streaming_history_append_only; Type: TRIGGER; Schema: raw

CREATE TRIGGER streaming_history_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON raw.streaming_history FOR EACH STATEMENT EXECUTE FUNCTION raw.refuse_change();

-- Name: audio_feature audio_feature_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.audio_feature
    ADD CONSTRAINT audio_feature_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

-- Name: play play_batch_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw.batch(batch_id);

-- Name: play play_listener_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES core.listener(listener_id);

-- Name: play play_track_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.play
    ADD CONSTRAINT play_track_id_fkey FOREIGN KEY (track_id) REFERENCES core.track(track_id);

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

-- Name: subgenre subgenre_genre_id_fkey; Type: FK CONSTRAINT; Schema: core

ALTER TABLE ONLY core.subgenre
    ADD CONSTRAINT subgenre_genre_id_fkey FOREIGN KEY (genre_id) REFERENCES core.genre(genre_id);

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

-- The figures of the listening report, one function a visual. Each takes mart.only(...) or nothing, which is everything.
-- Without SET, as mart.plays: expanded into the query that asks, they are planned for the filters that are given; otherwise for any,
-- which the planner takes for next to no plays and loops over a million of them.

create or replace function mart.cards(f mart.play_filter default null)
returns table (songs bigint, plays bigint, explicit_percent numeric, weekend_plays bigint, weekday_plays bigint,
  listening_time interval, listening_hours numeric, songs_by_source jsonb)
language sql stable
as $$
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
comment on function mart.cards(mart.play_filter) is
  'Cards: songs, plays, share of explicit plays among those where it is known, weekend and weekday plays, listening time and hours, songs by source.';

create or replace function mart.months(f mart.play_filter default null) returns table (month date, plays bigint)
language sql stable
as $$
  with counted as (select p.day, count(*) as plays from mart.plays(f) as p group by p.day)
  select date_trunc('month', c.day::timestamp)::date, sum(c.plays)::bigint from counted as c group by 1 order by 1
$$;
comment on function mart.months(mart.play_filter) is 'Slicer: the months that have plays.';

create or replace function mart.date_range(f mart.play_filter default null) returns table (first_day date, last_day date, plays bigint)
language sql stable
as $$
  with counted as (select p.day, count(*) as plays from mart.plays(f) as p group by p.day)
  select min(c.day), max(c.day), coalesce(sum(c.plays), 0)::bigint from counted as c
$$;
comment on function mart.date_range(mart.play_filter) is 'Slicer: the first and the last day that have plays, and how many.';

create or replace function mart.album_artist(album bigint) returns text
language sql stable
set search_path = pg_catalog
as $$
  select coalesce(
    (select a.name from mart.dim_album as b join mart.dim_artist as a on a.artist_id = b.artist_id where b.album_id = album),
    (select min(a.name) from mart.dim_track as t join mart.dim_artist as a on a.artist_id = t.artist_id
     where t.album_id = album having count(distinct t.artist_id) = 1))
$$;
comment on function mart.album_artist(bigint) is 'Whose album it is: as its source says, or else the artist of all its tracks; NULL for several.';

create or replace function mart.track_choices(f mart.play_filter default null) returns table (track_id bigint, name text, artist text, plays bigint)
language sql stable
as $$
  with counted as (select p.song_id, count(*) as plays from mart.plays(f) as p group by p.song_id)
  select c.song_id, t.name, a.name, c.plays
  from counted as c
  join mart.dim_track as t on t.track_id = c.song_id
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  order by t.name, a.name, c.song_id
$$;
comment on function mart.track_choices(mart.play_filter) is 'Slicer: the songs that have plays; tracks of the same meaning are one, as in top_tracks.';

create or replace function mart.album_choices(f mart.play_filter default null) returns table (album_id bigint, name text, artist text, plays bigint)
language sql stable
as $$
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
comment on function mart.album_choices(mart.play_filter) is 'Slicer: the albums that have plays.';

create or replace function mart.top_tracks(f mart.play_filter default null, k integer default 5)
returns table (rank bigint, track_id bigint, name text, artist text, plays bigint, ms_played bigint, album_id bigint, cover_id bigint)
language sql stable
as $$
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
comment on function mart.top_tracks(mart.play_filter, integer) is
  'Tiles and columns: the k most played songs, by plays and not by popularity; tracks of the same meaning count as one. cover_id is NULL where there is no picture.';

create or replace function mart.top_albums(f mart.play_filter default null, k integer default 4)
returns table (rank bigint, album_id bigint, name text, artist text, plays bigint, ms_played bigint, cover_id bigint)
language sql stable
as $$
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
comment on function mart.top_albums(mart.play_filter, integer) is 'Treemap: the k most played albums.';

create or replace function mart.top_artists(f mart.play_filter default null, k integer default 5)
returns table (rank bigint, artist_id bigint, name text, plays bigint, ms_played bigint, cover_id bigint)
language sql stable
as $$
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
comment on function mart.top_artists(mart.play_filter, integer) is 'Columns: the k most played artists; a play of several artists counts for each.';

create or replace function mart.track_detail(track bigint, f mart.play_filter default null)
returns table (track_id bigint, name text, artist text, album text, popularity smallint, release_date date, release_date_precision text,
  plays bigint, track_number smallint, total_tracks smallint, cover_id bigint)
language sql stable
as $$
  select t.track_id, t.name, a.name, b.name, t.popularity, b.release_date, b.release_date_precision,
    (select count(*) from mart.plays(f) as p where p.song_id = t.song_id), t.track_number, b.total_tracks, v.cover_id
  from mart.dim_track as t
  left join mart.dim_artist as a on a.artist_id = t.artist_id
  left join mart.dim_album as b on b.album_id = t.album_id
  left join mart.cover as v on v.album_id = t.album_id
  where t.track_id = track
$$;
comment on function mart.track_detail(bigint, mart.play_filter) is
  'Card of one track: name, popularity, release date, plays (of all tracks of the same meaning, as in top_tracks), number on the album and how many tracks that has.';

create or replace function mart.plays_by_hour(f mart.play_filter default null) returns table (hour smallint, part_of_day text, plays bigint)
language sql stable
as $$
  with counted as (select p.hour, count(*) as plays from mart.plays(f) as p group by p.hour)
  select t.time_id, t.part_of_day, coalesce(c.plays, 0)
  from mart.dim_time as t left join counted as c on c.hour = t.time_id
  order by t.time_id
$$;
comment on function mart.plays_by_hour(mart.play_filter) is 'Ribbon: plays by hour and part of the day; all 24 hours.';

create or replace function mart.plays_by_weekday(f mart.play_filter default null) returns table (day_of_week integer, day_name text, plays bigint)
language sql stable
as $$
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
comment on function mart.plays_by_weekday(mart.play_filter) is 'Bars: plays by day of the week, Monday first; all seven.';

create or replace function mart.plays_by_weekday_and_hour(f mart.play_filter default null)
returns table (day_of_week integer, day_name text, hour smallint, plays bigint)
language sql stable
as $$
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
comment on function mart.plays_by_weekday_and_hour(mart.play_filter) is 'Heat map: plays by day of the week and hour; all 168.';

create or replace function mart.plays_by_source(f mart.play_filter default null) returns table (source text, plays bigint, songs bigint)
language sql stable
as $$
  with counted as (
    select p.source_id, p.track_id, count(*) as plays from mart.plays(f) as p group by p.source_id, p.track_id
  )
  select s.name, sum(c.plays)::bigint, count(distinct c.track_id)
  from counted as c join mart.dim_source as s on s.source_id = c.source_id
  group by s.name order by 2 desc, 1
$$;
comment on function mart.plays_by_source(mart.play_filter) is 'Donut: plays and songs by where they were played from.';

create or replace function mart.plays_by_content(f mart.play_filter default null) returns table (content text, plays bigint)
language sql stable
as $$
  select case when p.explicit then 'explicit' when not p.explicit then 'not explicit' else 'unknown' end, count(*)
  from mart.plays(f) as p group by 1 order by 2 desc, 1
$$;
comment on function mart.plays_by_content(mart.play_filter) is 'Pie: plays by explicit content.';

create or replace function mart.plays_by_day(f mart.play_filter default null)
returns table (day date, month date, day_of_month integer, plays bigint, ms_played bigint)
language sql stable
as $$
  select p.day, date_trunc('month', p.day::timestamp)::date, extract(day from p.day)::integer, count(*), sum(p.ms_played)
  from mart.plays(f) as p group by p.day order by p.day
$$;
comment on function mart.plays_by_day(mart.play_filter) is 'Line: plays by month and day.';

create or replace function mart.plays_by_week(f mart.play_filter default null)
returns table (iso_year integer, iso_week integer, week_start date, plays bigint, ms_played bigint)
language sql stable
as $$
  with days as (
    select p.day, count(*) as plays, sum(p.ms_played) as ms_played from mart.plays(f) as p group by p.day
  )
  select extract(isoyear from d.day)::integer, extract(week from d.day)::integer, date_trunc('week', d.day::timestamp)::date, sum(d.plays)::bigint,
    sum(d.ms_played)::bigint
  from days as d group by 1, 2, 3 order by 1, 2
$$;
comment on function mart.plays_by_week(mart.play_filter) is 'Trend: plays by ISO week, with the year the week belongs to.';

create or replace function mart.genre_mix(f mart.play_filter default null) returns table (genre text, plays bigint, share_percent numeric)
language sql stable
as $$
  with counted as (
    select x.genre, count(*) as plays
    from mart.plays(f) as p join mart.track_genre as x on x.track_id = p.track_id
    group by x.genre
  )
  select c.genre, c.plays, round(100.0 * c.plays / sum(c.plays) over (), 2) from counted as c order by 2 desc, 1
$$;
comment on function mart.genre_mix(mart.play_filter) is
  'Plays by genre of the track''s playlists and artists; a track of several genres counts for each, and one without none.';

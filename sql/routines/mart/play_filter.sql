create or replace function mart.only(
  listener_id bigint default null, first_day date default null, last_day date default null, month date default null,
  track_id bigint default null, album_id bigint default null, artist_id bigint default null, zone text default null,
  with_skips boolean default false)
returns mart.play_filter
language sql immutable
as $$
  select row(listener_id, first_day, last_day, pg_catalog.date_trunc('month', month::timestamp)::date, track_id, album_id, artist_id, zone,
    with_skips)::mart.play_filter
$$;
comment on function mart.only(bigint, date, date, date, bigint, bigint, bigint, text, boolean) is
  'Which plays a figure is about: all that is given holds together. month is any day of it; a track stands for all of the same meaning; without a zone days are those of each listener''s own; with_skips counts plays outside 30 s to 60 min as well.';

-- Without SET, so that it is expanded into the query that calls it, and indexes serve.
create or replace function mart.plays(f mart.play_filter default null)
returns table (play_id bigint, listener_id bigint, track_id bigint, song_id bigint, artist_id bigint, album_id bigint, source_id smallint,
  played_at timestamptz, local_at timestamp, day date, hour smallint, ms_played integer, explicit boolean)
language sql stable
as $$
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
comment on function mart.plays(mart.play_filter) is
  'The plays a filter lets through, with day and hour in the wanted zone. All other figures count these.';

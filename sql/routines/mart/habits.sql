create or replace function mart.platform_family(platform text) returns text
language sql immutable
set search_path = pg_catalog
as $$
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
$$;
comment on function mart.platform_family(text) is 'The kind of device that a platform of the extended export names; its make and version say nothing in a report.';

-- How things were heard. Only the extended export says where and on what; where a listener was is left in raw, in the slices of the export.
create or replace view mart.play_circumstance as
select p.play_id, mart.platform_family(told.platform) as platform, told.shuffle, told.offline, told.reason_start, told.reason_end,
  told.platform as platform_text
from core.play as p
join raw.extended_history as x on x.batch_id = p.batch_id and x.row_no = p.row_no
cross join lateral json_to_record(x.body) as told (platform text, shuffle text, offline text, reason_start text, reason_end text)
where p.feed = 'extended';
comment on view mart.play_circumstance is
  'What the extended export says of a play beside the play itself. Read from the rows as received: costs a few seconds a million plays.';
comment on column mart.play_circumstance.play_id is 'The play.';
comment on column mart.play_circumstance.platform is 'Kind of device: Android, iOS, Windows, macOS, Linux, web player, speaker or TV, other; NULL where the export does not say.';
comment on column mart.play_circumstance.shuffle is 'true or false, as received.';
comment on column mart.play_circumstance.offline is 'true or false, as received.';
comment on column mart.play_circumstance.reason_start is 'Why it began: trackdone, clickrow and so on.';
comment on column mart.play_circumstance.reason_end is 'Why it ended: trackdone, fwdbtn and so on.';
comment on column mart.play_circumstance.platform_text is 'The platform as received.';

create or replace function mart.plays_by_circumstance(f mart.play_filter default null)
returns table (circumstance text, value text, plays bigint, ms_played bigint, share_percent numeric)
language sql stable
as $$
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
comment on function mart.plays_by_circumstance(mart.play_filter) is
  'Plays by platform, shuffle, offline, and why they began and ended, of those that an extended export tells of.';

create or replace function mart.plays_by_length(f mart.play_filter default null)
returns table (length text, plays bigint, ms_played bigint, share_percent numeric)
language sql stable
as $$
  select l.length, count(p.play_id), coalesce(sum(p.ms_played), 0)::bigint,
    round(100.0 * count(p.play_id) / nullif(sum(count(p.play_id)) over (), 0), 2)
  from unnest(array['under 30 s', '30 s to 60 min', 'over 60 min']) with ordinality as l (length, place)
  left join (
    select q.play_id, q.ms_played, case when q.ms_played < 30000 then 1 when q.ms_played <= 3600000 then 2 else 3 end as place
    from mart.plays(f) as q
  ) as p on p.place = l.place
  group by l.length, l.place order by l.place
$$;
comment on function mart.plays_by_length(mart.play_filter) is
  'Plays by how long they were heard: what is shorter than 30 s was skipped. Of a filter with with_skips; without, only what counts as listening is there.';

create or replace function mart.skipped_tracks(f mart.play_filter default null, k integer default 10)
returns table (rank bigint, track_id bigint, name text, artist text, skips bigint, plays bigint, skip_percent numeric)
language sql stable
as $$
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
comment on function mart.skipped_tracks(mart.play_filter, integer) is
  'The k songs that were left most often within 30 s, and how many of their plays that were. Of a filter with with_skips.';

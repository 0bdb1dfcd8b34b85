/** A section of the report, and its rows worked out on core in another way. */
export interface Figure {
  /** The keys that are compared. */
  readonly keys: readonly string[];
  /** A query on core alone, whose columns are called like the keys. `plays` is a FROM list of the plays that count, as `p`. */
  readonly core: (plays: string) => string;
  /** Whether the filters of plays narrow it; else it is checked without one. */
  readonly isOfPlays: boolean;
}

/** What the plays are narrowed to; the conditions are written here, not taken from the marts. */
export interface Narrowed {
  readonly listener?: string;
  readonly artist?: string;
  readonly album?: string;
  readonly track?: string;
  readonly month?: string;
  readonly from?: string;
  readonly to?: string;
  readonly zone?: string;
}

/** Plays of core that reports count, with the day and hour where the listener is, or in `zone`. */
export function playsOf({ listener, artist, album, track, month, from, to, zone }: Narrowed, withSkips = false): string {
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const conditions = [
    withSkips ? 'true' : 'q.ms_played >= 30000 and q.ms_played <= 3600000',
    ...(listener === undefined ? [] : [`l.name = ${text(listener)}`]),
    ...(artist === undefined
      ? []
      : [
          `${text(artist)} in (select a.name from core.track_artist as x join core.artist as a using (artist_id) where x.track_id = q.track_id)`,
        ]),
    ...(album === undefined ? [] : [`t.album_id = ${album}`]),
    ...(track === undefined ? [] : [`coalesce(t.canonical_track_id, t.track_id) = ${track}`]),
    ...(month === undefined ? [] : [`to_char(h.here, 'YYYY-MM') = ${text(month)}`]),
    ...(from === undefined ? [] : [`to_char(h.here, 'YYYY-MM-DD') >= ${text(from)}`]),
    ...(to === undefined ? [] : [`to_char(h.here, 'YYYY-MM-DD') <= ${text(to)}`]),
  ];
  return `(select q.*, l.name as listener, coalesce(t.canonical_track_id, t.track_id) as song, t.album_id, t.explicit, h.here
    from core.play as q join core.listener as l using (listener_id) join core.track as t using (track_id)
    cross join lateral (select q.ended_at at time zone ${zone === undefined ? 'l.time_zone' : text(zone)} as here) as h
    where ${conditions.join(' and ')}) as p`;
}

const ofPlays = (keys: string, core: (plays: string) => string): Figure => ({ keys: keys.split(' '), core, isOfPlays: true });
const alone = (keys: string, core: string): Figure => ({ keys: keys.split(' '), core: () => core, isOfPlays: false });

const TAKEN = `(select *, taken_at = (select max(o.taken_at) from core.top_list as o where (o.listener_id, o.kind, o.time_range) = (i.listener_id, i.kind, i.time_range)) as is_last
  from core.top_list as i) as i`;

/** Issues of charts numbered, and each entry with the number of its issue. */
const ENTRIES = `numbered as (
    select chart_id, starts_on, dense_rank() over (partition by chart_id order by starts_on) as n
    from core.chart_entry group by chart_id, starts_on),
  e as (select c.name as chart, x.*, i.n from core.chart_entry as x join numbered as i using (chart_id, starts_on) join core.chart as c using (chart_id))`;

/** One figure a section at least: a section without one fails a test. */
export const FIGURES: Readonly<Record<string, Figure>> = {
  cards: ofPlays(
    'songs plays explicit_percent weekend_plays weekday_plays listening_hours',
    (p) => `select count(distinct track_id) as songs, count(*) as plays,
      round(avg(explicit::int) * 100, 2) as explicit_percent, count(*) filter (where to_char(here, 'ID') in ('6', '7')) as weekend_plays,
      count(*) filter (where to_char(here, 'ID') not in ('6', '7')) as weekday_plays,
      round(coalesce(sum(ms_played), 0)::numeric / 1000 / 60 / 60, 2) as listening_hours from ${p}`,
  ),
  sources: ofPlays(
    'source plays songs',
    (p) =>
      `select coalesce(context_type, 'Outside Playlist') as source, count(*) as plays, count(distinct track_id) as songs from ${p} group by 1`,
  ),
  months: ofPlays(
    'month plays',
    (p) => `select (to_char(here, 'YYYY-MM') || '-01')::date as month, count(*) as plays from ${p} group by 1`,
  ),
  'date-range': ofPlays(
    'first_day last_day plays',
    (p) => `select min(here)::date as first_day, max(here)::date as last_day, count(*) as plays from ${p}`,
  ),
  'track-choices': ofPlays('track_id plays', (p) => `select song as track_id, count(*) as plays from ${p} group by 1`),
  'album-choices': ofPlays('album_id plays', (p) => `select album_id, count(*) as plays from ${p} where album_id is not null group by 1`),
  hours: ofPlays(
    'hour part_of_day plays',
    (
      p,
    ) => `select n as hour, case when n < 6 then 'Night' when n < 12 then 'Morning' when n < 18 then 'Afternoon' else 'Evening' end as part_of_day,
      (select count(*) from ${p} where to_char(here, 'HH24')::int = n) as plays from generate_series(0, 23) as n`,
  ),
  weekdays: ofPlays(
    'day_of_week plays',
    (p) =>
      `select n as day_of_week, (select count(*) from ${p} where to_char(here, 'ID')::int = n) as plays from generate_series(1, 7) as n`,
  ),
  'week-hours': ofPlays(
    'day_name hour plays',
    (p) => `select to_char(date '2024-01-01' + d, 'FMDay') as day_name, h as hour,
      (select count(*) from ${p} where to_char(here, 'FMDay HH24') = to_char(date '2024-01-01' + d, 'FMDay ') || lpad(h::text, 2, '0')) as plays
      from generate_series(0, 6) as d, generate_series(0, 23) as h`,
  ),
  days: ofPlays(
    'day plays ms_played',
    (p) => `select here::date as day, count(*) as plays, sum(ms_played) as ms_played from ${p} group by 1`,
  ),
  weeks: ofPlays(
    'iso_year iso_week plays',
    (p) => `select to_char(here, 'IYYY')::int as iso_year, to_char(here, 'IW')::int as iso_week, count(*) as plays from ${p} group by 1, 2`,
  ),
  content: ofPlays(
    'content plays',
    (p) =>
      `select case explicit when true then 'explicit' when false then 'not explicit' else 'unknown' end as content, count(*) as plays from ${p} group by 1`,
  ),
  genres: ofPlays(
    'genre plays',
    (p) => `select g.name as genre, count(*) as plays from ${p} join core.genre as g on
      exists (select from core.playlist_track_subgenre as x join core.subgenre as s using (subgenre_id) where x.track_id = p.track_id and s.genre_id = g.genre_id)
      or exists (select from core.artist_genre as x join core.track_artist as ta using (artist_id) where ta.track_id = p.track_id and x.genre_id = g.genre_id)
      group by 1`,
  ),
  sessions: { ...alone('sessions plays', 'select count(*) as sessions, sum(listens) as plays from core.sessions()'), isOfPlays: false },
  'top-tracks': ofPlays(
    'rank track_id plays ms_played',
    (
      p,
    ) => `select row_number() over (order by count(*) desc, sum(ms_played) desc, song) as rank, song as track_id, count(*) as plays, sum(ms_played) as ms_played
      from ${p} group by song order by 1 limit 10`,
  ),
  'top-albums': ofPlays(
    'rank album_id plays',
    (p) => `select row_number() over (order by count(*) desc, sum(ms_played) desc, album_id) as rank, album_id, count(*) as plays
      from ${p} where album_id is not null group by album_id order by 1 limit 10`,
  ),
  'top-artists': ofPlays(
    'rank name plays',
    (p) => `select row_number() over (order by count(*) desc, sum(ms_played) desc, a.artist_id) as rank, a.name, count(*) as plays
      from ${p} join core.track_artist as ta using (track_id) join core.artist as a using (artist_id) group by a.artist_id order by 1 limit 10`,
  ),
  'track-detail': ofPlays(
    'track_id name popularity release_date plays track_number total_tracks',
    (p) => `select t.track_id, t.name, t.popularity, b.release_date, most.plays, t.track_number, b.total_tracks
      from (select song, count(*) as plays from ${p} group by 1 order by 2 desc, sum(ms_played) desc, 1 limit 1) as most
      join core.track as t on t.track_id = most.song left join core.album as b using (album_id)`,
  ),
  lengths: ofPlays(
    'length plays ms_played',
    (p) => `select n.length, (select count(*) from ${p} where ms_played >= n.low and ms_played < n.high) as plays,
      (select coalesce(sum(ms_played), 0) from ${p} where ms_played >= n.low and ms_played < n.high) as ms_played
      from (values ('under 30 s', 0, 30000), ('30 s to 60 min', 30000, 3600001), ('over 60 min', 3600001, 2147483647)) as n (length, low, high)`,
  ),
  'skipped-tracks': ofPlays(
    'rank track_id skips plays skip_percent',
    (p) => `select row_number() over (order by sum((ms_played < 30000)::int) desc, count(*), song) as rank, song as track_id,
      sum((ms_played < 30000)::int) as skips, count(*) as plays, round(avg((ms_played < 30000)::int) * 100, 1) as skip_percent
      from ${p} group by song having bool_or(ms_played < 30000) order by 1 limit 10`,
  ),
  circumstances: ofPlays(
    'circumstance value plays',
    (p) => `select v.*, count(*) as plays from ${p} join raw.extended_history as x on (x.batch_id, x.row_no) = (p.batch_id, p.row_no)
      cross join lateral (values
        ('platform', (array['Android', 'iOS', 'Linux', 'web player'])[array_position(array['android', 'ios', 'linux', 'web_player'], x.body ->> 'platform')]),
        ('shuffle', case when (x.body ->> 'shuffle')::boolean then 'on' else 'off' end),
        ('offline', case when (x.body ->> 'offline')::boolean then 'offline' else 'online' end),
        ('began by', x.body ->> 'reason_start'), ('ended by', x.body ->> 'reason_end')) as v (circumstance, value)
      where p.feed = 'extended' group by 1, 2`,
  ),
  sound: ofPlays(
    'feature plays mean',
    (p) => `select n.feature, count(x.value) as plays, round(avg(x.value)::numeric, 4) as mean
      from unnest(array['danceability', 'energy', 'valence', 'acousticness', 'instrumentalness', 'speechiness', 'liveness', 'loudness_db', 'tempo_bpm']) as n (feature)
      left join (select e.key as feature, e.value::text::double precision as value from ${p} join core.audio_feature as a using (track_id)
        cross join lateral jsonb_each(to_jsonb(a)) as e where jsonb_typeof(e.value) = 'number') as x using (feature)
      group by n.feature`,
  ),
  'saved-tracks': alone(
    'listener track_name',
    'select l.name as listener, t.name as track_name from core.saved_track as s join core.listener as l using (listener_id) join core.track as t using (track_id)',
  ),
  'saved-albums': alone(
    'listener album_name',
    'select l.name as listener, b.name as album_name from core.saved_album as s join core.listener as l using (listener_id) join core.album as b using (album_id)',
  ),
  basis: alone(
    'plays listens listeners files rows_received rows_rejected',
    `select (select count(*) from core.play) as plays, (select count(*) from core.play where ms_played between 30000 and 3600000) as listens,
       (select count(distinct listener_id) from core.play) as listeners, count(*) as files, sum(row_count) as rows_received,
       (select count(*) from quality.quarantine) as rows_rejected from raw.batch`,
  ),
  refused: alone(
    'rule_id rows_rejected files',
    `select rule_id, (select count(*) from quality.quarantine as q where q.rule_id = r.rule_id) as rows_rejected,
       (select count(distinct batch_id) from quality.quarantine as q where q.rule_id = r.rule_id) as files from quality.rule as r`,
  ),
  received: alone(
    'source files rows_received',
    'select source, count(*) as files, sum(row_count) as rows_received from raw.batch group by 1',
  ),
  'load-runs': alone(
    'run_id step rows_in rows_out rows_rejected',
    'select run_id, step, rows_in, rows_out, rows_rejected from quality.run order by 1 desc limit 40',
  ),
  listener: alone('user_name account_type country', 'select name as user_name, product as account_type, country from core.listener'),
  countries: alone('country listeners', 'select country, count(*) as listeners from core.listener group by 1'),
  playlists: alone(
    'listener playlist tracks',
    `select l.name as listener, p.name as playlist, count(x.track_id) as tracks from core.playlist as p join core.listener as l on l.listener_id = p.owner_id
     left join core.playlist_track as x using (playlist_id) group by p.playlist_id, l.name`,
  ),
  'followed-artists': alone(
    'listener artist_name followers popularity',
    `select l.name as listener, a.name as artist_name, a.followers, a.popularity
     from core.follow as f join core.listener as l using (listener_id) join core.artist as a using (artist_id) where f.ended_at is null`,
  ),
  'favourite-artists': alone(
    'listener time_range rank artist_name',
    `select l.name as listener, i.time_range, x.rank, a.name as artist_name
     from ${TAKEN} join core.listener as l using (listener_id) join core.top_list_artist as x using (top_list_id) join core.artist as a using (artist_id)
     where i.is_last and x.rank <= 10`,
  ),
  'favourite-tracks': alone(
    'listener time_range rank track_name',
    `select l.name as listener, i.time_range, x.rank, t.name as track_name
     from ${TAKEN} join core.listener as l using (listener_id) join core.top_list_track as x using (top_list_id) join core.track as t using (track_id)
     where i.is_last and x.rank <= 10`,
  ),
  devices: alone(
    'listener device_name device_type',
    'select l.name as listener, d.name as device_name, d.device_type from core.device as d join core.listener as l using (listener_id)',
  ),
  'recent-plays': ofPlays(
    'played listener track_name',
    (p) => `select to_char(here, 'YYYY-MM-DD HH24:MI') as played, listener, t.name as track_name
      from ${p} join core.track as t using (track_id) order by ended_at desc, play_id desc limit 20`,
  ),
  'chart-movement': alone(
    'chart starts_on rank track movement is_new is_back peak_rank weeks_on_chart',
    `with ${ENTRIES}
     select e.chart, e.starts_on, e.rank, t.name as track, was.rank - e.rank as movement,
       not exists (select from e as x where x.chart_id = e.chart_id and x.track_id = e.track_id and x.n < e.n) as is_new,
       was.track_id is null and exists (select from e as x where x.chart_id = e.chart_id and x.track_id = e.track_id and x.n < e.n) as is_back,
       (select min(x.rank) from e as x where x.chart_id = e.chart_id and x.track_id = e.track_id and x.n <= e.n) as peak_rank,
       (select count(distinct to_char(x.starts_on, 'IYYY-IW')) from e as x where x.chart_id = e.chart_id and x.track_id = e.track_id and x.n <= e.n) as weeks_on_chart
     from e join core.track as t using (track_id) left join e as was on was.chart_id = e.chart_id and was.track_id = e.track_id and was.n = e.n - 1
     where e.n = (select max(x.n) from e as x where x.chart_id = e.chart_id)`,
  ),
  'chart-entries': alone(
    'chart starts_on entries new_entries returned gone',
    `with ${ENTRIES}, sets as (select chart, chart_id, starts_on, n, array_agg(track_id) as now from e group by 1, 2, 3, 4)
     select s.chart, s.starts_on, cardinality(s.now) as entries,
       case when s.n > 1 then (select count(*) from unnest(s.now) as t where t not in (select x.track_id from e as x where x.chart_id = s.chart_id and x.n < s.n)) end as new_entries,
       case when s.n > 1 then (select count(*) from unnest(s.now) as t where t <> all (b.now) and t in (select x.track_id from e as x where x.chart_id = s.chart_id and x.n < s.n)) end as returned,
       (select count(*) from unnest(b.now) as t where t <> all (s.now)) + case when b.now is null then null else 0 end as gone
     from sets as s left join sets as b on b.chart_id = s.chart_id and b.n = s.n - 1`,
  ),
  'chart-tracks': alone(
    'chart track weeks_on_chart issues peak_rank issues_at_peak first_issue last_issue streams stated_peak_rank',
    `with ${ENTRIES}, summed as (
       select e.chart, e.chart_id, e.track_id, count(distinct to_char(starts_on, 'IYYY-IW')) as weeks_on_chart, count(*) as issues, min(rank) as peak_rank,
         min(starts_on) as first_issue, max(starts_on) as last_issue, sum(streams) as streams
       from e group by 1, 2, 3),
     ordered as (select s.*, rank() over (partition by chart order by weeks_on_chart desc, issues desc, peak_rank nulls last, track_id) as nth from summed as s)
     select o.*, t.name as track, k.peak_rank as stated_peak_rank,
       (select count(*) from e as x where x.chart_id = o.chart_id and x.track_id = o.track_id and x.rank = o.peak_rank) as issues_at_peak
     from ordered as o join core.track as t using (track_id) left join core.chart_standing as k using (chart_id, track_id) where o.nth <= 10`,
  ),
  'chart-genres': alone(
    'chart iso_year iso_week genre entries share_percent',
    `with ${ENTRIES}, tagged as (
       select e.chart, to_char(e.starts_on, 'IYYY')::int as iso_year, to_char(e.starts_on, 'IW')::int as iso_week, g.name as genre
       from e join core.genre as g on exists (select from core.track_artist as ta join core.artist_genre as ag using (artist_id) where ta.track_id = e.track_id and ag.genre_id = g.genre_id))
     select chart, iso_year, iso_week, genre, count(*) as entries,
       round(count(*) * 100.0 / (select count(*) from tagged as o where (o.chart, o.iso_year, o.iso_week) = (t.chart, t.iso_year, t.iso_week)), 2) as share_percent
     from tagged as t group by 1, 2, 3, 4`,
  ),
};

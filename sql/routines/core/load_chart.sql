-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.read_chart(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
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
comment on function core.read_chart(bigint) is
  'First part of core.load_chart: the open rows of a batch, values cleansed, and which are refused, by which rule, and why.';

create or replace function core.keep_chart(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
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
comment on function core.keep_chart(bigint) is 'Part of core.load_chart: accepted rows become entries, standings and genres of artists.';

create or replace procedure core.load_chart(batch bigint, inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
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
comment on procedure core.load_chart(bigint, bigint) is
  'Cleanses one file of charts into core. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

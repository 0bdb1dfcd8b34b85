-- Of a batch that is new the planner knows nothing, and thinks it one row: looping over it would then cost its square.
create or replace function core.read_extended(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
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
comment on function core.read_extended(bigint) is
  'First part of core.load_extended: the open rows of a batch, values cleansed, into the working table.';

create or replace function core.judge_extended(batch bigint) returns void
language sql
set search_path = pg_catalog
set enable_nestloop = off
as $$
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
comment on function core.judge_extended(bigint) is 'Second part of core.load_extended: which rows are refused, by which rule, and why.';

create or replace function core.keep_extended(run bigint, batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
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
comment on function core.keep_extended(bigint, bigint) is
  'Part of core.load_extended: accepted rows become plays known to the second; plays of the basic export and of the Web API that they repeat give way (B3).';

create or replace procedure core.load_extended(batch bigint, inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
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
comment on procedure core.load_extended(bigint, bigint) is
  'Cleanses one batch of an extended export into plays. Can be called again: only rows not yet disposed of are looked at. Failing, it leaves nothing but its run row.';

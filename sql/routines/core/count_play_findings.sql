create or replace function core.count_play_findings(run bigint, batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
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
comment on function core.count_play_findings(bigint, bigint) is 'Part of core.load_history: what each rule found, in rows.';

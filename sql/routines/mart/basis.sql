-- What the figures rest on. Names of files and refused rows stay in raw and quality: here are counts.
create or replace view mart.basis as
select played.plays, played.listens, played.listeners, played.first_played_at, played.last_played_at,
  (select max(r.finished_at) from quality.run as r where r.step in ('mart.refresh', 'mart.rebuild') and r.error is null) as refreshed_at,
  landed.files, landed.rows_received, landed.last_received_at,
  (select count(*) from quality.quarantine) as rows_rejected
from (
  select count(*) as plays, count(*) filter (where p.is_listen) as listens, count(distinct p.listener_id) as listeners,
    min(p.played_at) as first_played_at, max(p.played_at) as last_played_at
  from mart.fact_play as p
) as played
cross join (
  select count(*) as files, coalesce(sum(b.row_count), 0)::bigint as rows_received, max(b.received_at) as last_received_at from raw.batch as b
) as landed;
comment on view mart.basis is 'What the figures of the marts rest on: plays, from when to when, last refresh, files and rows received, rows refused.';
comment on column mart.basis.plays is 'Plays in the marts, short and long ones too.';
comment on column mart.basis.listens is 'Of them plays of 30 s to 60 min, which reports count.';
comment on column mart.basis.listeners is 'Listeners who have plays.';
comment on column mart.basis.first_played_at is 'When the first ended.';
comment on column mart.basis.last_played_at is 'When the last ended.';
comment on column mart.basis.refreshed_at is 'When the marts were last refreshed or rebuilt without a failure.';
comment on column mart.basis.files is 'Files and pages that were received.';
comment on column mart.basis.rows_received is 'Rows in them.';
comment on column mart.basis.last_received_at is 'When the last came.';
comment on column mart.basis.rows_rejected is 'Rows that a rule refused.';

create or replace view mart.refused_rows as
select r.rule_id, r.title, r.description, count(q.row_no) as rows_rejected, count(distinct q.batch_id) as files, max(q.quarantined_at) as last_at
from quality.rule as r left join quality.quarantine as q on q.rule_id = r.rule_id
group by r.rule_id, r.title, r.description;
comment on view mart.refused_rows is 'The cleansing rules, and how many rows each refused; the rows themselves are in quality.quarantine.';
comment on column mart.refused_rows.rule_id is 'B1 to B13.';
comment on column mart.refused_rows.title is 'The rule in a few words.';
comment on column mart.refused_rows.description is 'What it looks for and what happens then.';
comment on column mart.refused_rows.rows_rejected is 'Rows it refused.';
comment on column mart.refused_rows.files is 'Files they came in.';
comment on column mart.refused_rows.last_at is 'When the last was refused.';

create or replace view mart.received as
select b.source, count(*) as files, sum(b.row_count)::bigint as rows_received, min(b.received_at) as first_received_at, max(b.received_at) as last_received_at
from raw.batch as b group by b.source;
comment on view mart.received is 'What was received, by format.';
comment on column mart.received.source is 'The format: streaming_history, extended_history, songs and so on.';
comment on column mart.received.files is 'Files, or answers of the Web API.';
comment on column mart.received.rows_received is 'Rows in them.';
comment on column mart.received.first_received_at is 'When the first came.';
comment on column mart.received.last_received_at is 'When the last came.';

create or replace view mart.load_run as
select r.run_id, r.step, r.started_at, r.finished_at, r.rows_in, r.rows_out, r.rows_rejected, r.error is not null as has_failed
from quality.run as r;
comment on view mart.load_run is 'Runs of load steps and refreshes; why one failed is in quality.run.';
comment on column mart.load_run.run_id is 'Number of the execution.';
comment on column mart.load_run.step is 'The procedure.';
comment on column mart.load_run.started_at is 'When it began.';
comment on column mart.load_run.finished_at is 'When it ended, well or not; NULL while it runs.';
comment on column mart.load_run.rows_in is 'Rows it looked at.';
comment on column mart.load_run.rows_out is 'Rows that became facts.';
comment on column mart.load_run.rows_rejected is 'Rows it refused.';
comment on column mart.load_run.has_failed is 'It failed, and nothing of it stayed.';

/** The form of the tables that this dbadmin writes; {@link TABLE_STEPS} lead there, one after the other. */
export const TABLES_VERSION = 3;

/**
 * The tables of the control database: what ran, what is paused, who is at work. The queue of pg-boss lies beside them in the
 * same schema and holds only what is to be handed out; what is true of a run stands here.
 *
 * `schema` is an identifier ready for SQL. The step with index n leads from version n to n + 1.
 */
export const TABLE_STEPS: readonly ((schema: string) => string)[] = [
  (schema) => `
create table ${schema}.schedule_state (
  only_row boolean primary key default true check (only_row),
  planned_until timestamptz
);
comment on table ${schema}.schedule_state is 'One row: up to which moment the times of all jobs have been queued.';
comment on column ${schema}.schedule_state.planned_until is 'Times up to here are queued, dropped or recorded as missed.';
insert into ${schema}.schedule_state default values;

create table ${schema}.scheduled_job (
  name text primary key,
  since timestamptz not null default clock_timestamp(),
  paused_at timestamptz,
  paused_by text,
  pause_reason text
);
comment on table ${schema}.scheduled_job is 'Every job that a worker has seen in the policies.';
comment on column ${schema}.scheduled_job.since is 'When it was first seen: a period given as a length begins here.';
comment on column ${schema}.scheduled_job.paused_at is 'Since when it is paused by dbadmin schedule pause; null when it is not.';
comment on column ${schema}.scheduled_job.paused_by is 'Who paused it.';
comment on column ${schema}.scheduled_job.pause_reason is 'Why, in the words of that person.';

create table ${schema}.run (
  run_id uuid primary key default gen_random_uuid(),
  job text not null,
  due timestamptz not null,
  cause text not null check (cause in ('time', 'after', 'manual', 'timer')),
  state text not null check (state in ('waiting', 'queued', 'running', 'succeeded', 'failed', 'missed', 'skipped')),
  labels text[] not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  attempt integer not null default 0,
  failures integer not null default 0,
  worker text,
  alive_at timestamptz,
  queue_id uuid,
  retry_at timestamptz,
  exit_status integer,
  error text,
  times integer not null default 1,
  unique (job, due)
);
-- No job overlaps itself, whatever any worker believes.
create unique index run_current on ${schema}.run (job) where state in ('queued', 'running');
create index run_waiting on ${schema}.run (job, due) where state = 'waiting';
create index run_recent on ${schema}.run (job, coalesce(ended_at, created_at) desc);
create index run_ended on ${schema}.run (ended_at) where ended_at is not null;
comment on table ${schema}.run is 'What came of a job at a time at which it was due: a row a time, however often it was tried.';
comment on column ${schema}.run.due is 'The moment it was due; for a job after others, when the last of them succeeded.';
comment on column ${schema}.run.cause is 'time: its cron line; after: the success of others; manual: somebody asked; timer: schedule run, called by cron or systemd.';
comment on column ${schema}.run.state is 'missed: nobody was there to run it; skipped: a job before it failed.';
comment on column ${schema}.run.labels is 'What a worker must have to run it.';
comment on column ${schema}.run.attempt is 'How often it was begun; together with the id it names who may write its end.';
comment on column ${schema}.run.failures is 'How often it failed; a worker that died or was stopped is none of its own.';
comment on column ${schema}.run.alive_at is 'The last sign of life of whoever runs it.';
comment on column ${schema}.run.queue_id is 'The job of pg-boss that hands it out; null when it runs without a worker.';
comment on column ${schema}.run.retry_at is 'Not before this moment is it tried again.';
comment on column ${schema}.run.error is 'Why it failed, was missed or skipped; of a run that is tried again, the last failure; of one that succeeded, a warning.';
comment on column ${schema}.run.times is 'How many times this row stands for: those missed in a row are told as one.';

create table ${schema}.run_attempt (
  run_id uuid not null references ${schema}.run on delete cascade,
  attempt integer not null,
  worker text not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  outcome text check (outcome in ('succeeded', 'failed', 'interrupted', 'locked', 'lost')),
  exit_status integer,
  error text,
  log_tail text,
  primary key (run_id, attempt)
);
comment on table ${schema}.run_attempt is 'Each try of a run, by whom, and the end of what it printed.';
comment on column ${schema}.run_attempt.outcome is 'locked: another held the repository, tried again later; interrupted: its worker was stopped; lost: its worker died, or its claim passed to another.';
comment on column ${schema}.run_attempt.log_tail is 'The last of what it printed, bounded.';

create table ${schema}.worker (
  name text primary key,
  host text not null,
  pid integer not null,
  version text not null,
  labels text[] not null,
  slots integer not null,
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp()
);
comment on table ${schema}.worker is 'The workers that run or ran a short while ago.';
comment on column ${schema}.worker.slots is 'How many jobs it runs at a time.';
comment on column ${schema}.worker.seen_at is 'Its last sign of life.';
`,
  (schema) => `
create table ${schema}.alert_state (
  only_row boolean primary key default true check (only_row),
  teller text,
  tells_until timestamptz,
  state jsonb
);
comment on table ${schema}.alert_state is 'One row: what people were told and what is still on its way to them, so that whoever takes over goes on from there.';
comment on column ${schema}.alert_state.teller is 'The worker, or the machine of alerts check, that told last.';
comment on column ${schema}.alert_state.tells_until is 'Until then nobody else tells; put off by each look of the teller.';
comment on column ${schema}.alert_state.state is 'The alerts by what they are about, and the messages that wait; null before the first look.';
insert into ${schema}.alert_state default values;
`,
  (schema) => `
alter table ${schema}.scheduled_job add column paused_until timestamptz;
comment on column ${schema}.scheduled_job.paused_at is 'When the last pause began; null when there was none.';
comment on column ${schema}.scheduled_job.paused_until is 'When that pause ends or ended by itself or by dbadmin schedule resume; null while it has no end.';
`,
];

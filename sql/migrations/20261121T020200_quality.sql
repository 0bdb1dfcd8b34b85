-- What cleansing did: the rules, one row per run of a load step, counts per rule and run, and the refused rows.

create table quality.rule (
  rule_id     text primary key check (rule_id ~ '^B[0-9]+$'),
  title       text not null,
  description text not null,
  routine     text not null
);
comment on table quality.rule is 'The cleansing rules in force.';
comment on column quality.rule.rule_id is 'B1 to B13.';
comment on column quality.rule.title is 'The rule in a few words.';
comment on column quality.rule.description is 'What it looks for and what happens then.';
comment on column quality.rule.routine is 'The function that is the rule, schema-qualified.';

insert into quality.rule (rule_id, title, description, routine) values
  ('B1', 'exact repeats', 'A row that says the same as an earlier row of the file, or a play already known from another file, is refused.', 'quality.b1_exact_repeats'),
  ('B2', 'key repeats', 'A track listed again in the same playlist is refused; its subgenre is kept. Plays of one track that end in the same minute are kept and counted.', 'quality.b2_key_repeats'),
  ('B4', 'null markers', 'Empty, blank, NA, [], Unknown Artist and Unknown Track become NULL; without a track or playlist identifier the row is refused.', 'quality.b4_null_marker'),
  ('B5', 'numbers', 'Thousands separators and scientific notation are read; text in a number column refuses the row.', 'quality.b5_number'),
  ('B6', 'dates', 'Day, month and year precision are kept; an impossible date refuses the row.', 'quality.b6_partial_date'),
  ('B7', 'text', 'Outer blanks go; a row with lost letters is refused, never guessed.', 'quality.b7_trim'),
  ('B8', 'ranges', 'Values out of range refuse the row; loudness above 0 dB, tempo 0 and short or very long plays are counted.', 'quality.b8_song_fault'),
  ('B11', 'time', 'Times are read as UTC; an impossible time refuses the row; plays that overlap the one before are counted.', 'quality.b11_utc'),
  ('B13', 'duplicates by meaning', 'Tracks of the same name and artist under several identifiers are linked to one of them, never deleted.', 'quality.b13_fold');

create table quality.run (
  run_id        bigint generated always as identity primary key,
  step          text not null,
  batch_id      bigint references raw.batch,
  started_at    timestamptz not null default clock_timestamp(),
  finished_at   timestamptz,
  rows_in       bigint check (rows_in >= 0),
  rows_out      bigint check (rows_out >= 0),
  rows_rejected bigint check (rows_rejected >= 0),
  error         text,
  constraint run_adds_up check (rows_in = rows_out + rows_rejected)
);
create index run_batch_idx on quality.run (batch_id);
comment on table quality.run is 'One execution of a load step.';
comment on column quality.run.run_id is 'Number of the execution.';
comment on column quality.run.step is 'The procedure.';
comment on column quality.run.batch_id is 'The batch it cleansed, where the step works on one.';
comment on column quality.run.started_at is 'When it began.';
comment on column quality.run.finished_at is 'When it ended, well or not; NULL while it runs.';
comment on column quality.run.rows_in is 'Rows it looked at that no earlier run had disposed of.';
comment on column quality.run.rows_out is 'Rows that became facts.';
comment on column quality.run.rows_rejected is 'Rows it put into quarantine.';
comment on column quality.run.error is 'Why it failed; nothing of a failed run stays but this row.';

create table quality.rule_count (
  run_id  bigint not null references quality.run,
  rule_id text not null references quality.rule,
  finding text not null,
  found   bigint not null check (found >= 0),
  primary key (run_id, rule_id, finding)
);
comment on table quality.rule_count is 'What each rule found in a run.';
comment on column quality.rule_count.run_id is 'The run.';
comment on column quality.rule_count.rule_id is 'The rule.';
comment on column quality.rule_count.finding is 'Which of the things the rule looks for.';
comment on column quality.rule_count.found is 'How many; rows unless the finding names another unit.';

create table quality.quarantine (
  batch_id       bigint not null references raw.batch,
  row_no         integer not null,
  rule_id        text not null references quality.rule,
  reason         text not null check (reason <> ''),
  raw_row        jsonb not null,
  run_id         bigint not null references quality.run,
  quarantined_at timestamptz not null default now(),
  primary key (batch_id, row_no)
);
create index quarantine_run_idx on quality.quarantine (run_id);
comment on table quality.quarantine is 'Refused rows: one per raw row, with the first rule that refused it.';
comment on column quality.quarantine.batch_id is 'The file: raw.batch.';
comment on column quality.quarantine.row_no is 'The row in the file.';
comment on column quality.quarantine.rule_id is 'The rule that refused it.';
comment on column quality.quarantine.reason is 'What was wrong, with the value.';
comment on column quality.quarantine.raw_row is 'The row as received.';
comment on column quality.quarantine.run_id is 'The run that refused it.';
comment on column quality.quarantine.quarantined_at is 'When.';

-- Working tables of the load procedures: filled and emptied within one transaction, so nothing is lost with a crash.
-- Not temporary ones: nobody then needs TEMPORARY on the database.
create unlogged table quality.song_work (
  batch_id               bigint not null,
  row_no                 integer not null,
  track_spotify_id       text,
  track_name             text,
  artist_name            text,
  popularity             numeric,
  album_spotify_id       text,
  album_name             text,
  release_text           text,
  release_date           date,
  release_date_precision text,
  playlist_name          text,
  playlist_spotify_id    text,
  genre_name             text,
  subgenre_name          text,
  danceability           numeric,
  energy                 numeric,
  key                    numeric,
  loudness               numeric,
  mode                   numeric,
  speechiness            numeric,
  acousticness           numeric,
  instrumentalness       numeric,
  liveness               numeric,
  valence                numeric,
  tempo                  numeric,
  duration_ms            numeric,
  rule_id                text,
  reason                 text,
  primary key (batch_id, row_no)
);
comment on table quality.song_work is 'Rows of a songs file while core.load_songs works on them; empty between runs.';

create unlogged table quality.play_work (
  batch_id    bigint not null,
  row_no      integer not null,
  end_text    text,
  ended_at    timestamptz,
  artist_name text,
  track_name  text,
  ms_text     text,
  ms_played   numeric,
  track_id    bigint,
  rule_id     text,
  reason      text,
  primary key (batch_id, row_no)
);
comment on table quality.play_work is 'Plays of an export while core.load_history works on them; empty between runs.';

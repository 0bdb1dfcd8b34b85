-- dbadmin: allow drop-destructive -- what the tables hold is moved first, and the views are routines, which come again in the same run
-- Histories are received in slices of a page each. A row a play cost more for its head and its place in the primary key than for
-- the play: landing was bound by the server. Play by play the views raw.streaming_history and raw.extended_history give them.

create table raw.streaming_history_slice (
  batch_id     bigint not null,
  first_row_no integer not null check (first_row_no > 0),
  line_nos     integer[] not null check (cardinality(line_nos) > 0),
  received_at  timestamptz not null default now(),
  hash         bytea not null check (length(hash) = 32),
  body         json not null,
  primary key (batch_id, first_row_no)
) with (toast_tuple_target = 8160);
comment on table raw.streaming_history_slice is 'Plays of account exports as received, some dozens a row, so that a row fills a page; raw.streaming_history gives them one by one.';
comment on column raw.streaming_history_slice.batch_id is 'The file: raw.batch.';
comment on column raw.streaming_history_slice.first_row_no is 'Number of the first play in the file, from 1.';
comment on column raw.streaming_history_slice.line_nos is 'For each play the line of the file where it begins, from 1.';
comment on column raw.streaming_history_slice.received_at is 'When the transaction that received it began.';
comment on column raw.streaming_history_slice.hash is 'SHA-256 of body.';
comment on column raw.streaming_history_slice.body is 'The plays, an array of JSON: the bytes of the file, with what parts the plays, in brackets.';

create table raw.extended_history_slice (
  batch_id     bigint not null,
  first_row_no integer not null check (first_row_no > 0),
  line_nos     integer[] not null check (cardinality(line_nos) > 0),
  received_at  timestamptz not null default now(),
  hash         bytea not null check (length(hash) = 32),
  body         json not null,
  primary key (batch_id, first_row_no)
) with (toast_tuple_target = 8160);
comment on table raw.extended_history_slice is 'Plays of extended account exports as received, about a dozen a row, so that a row fills a page; raw.extended_history gives them one by one.';
comment on column raw.extended_history_slice.batch_id is 'The file: raw.batch.';
comment on column raw.extended_history_slice.first_row_no is 'Number of the first play in the file, from 1.';
comment on column raw.extended_history_slice.line_nos is 'For each play the line of the file where it begins, from 1.';
comment on column raw.extended_history_slice.received_at is 'When the transaction that received it began.';
comment on column raw.extended_history_slice.hash is 'SHA-256 of body.';
comment on column raw.extended_history_slice.body is 'The plays, an array of JSON: the bytes of the file, with what parts the plays, in brackets.';

insert into raw.streaming_history_slice (batch_id, first_row_no, line_nos, received_at, hash, body)
select s.batch_id, s.first_row_no, s.line_nos, s.received_at, sha256(convert_to(s.body, 'UTF8')), s.body::json
from (
  select h.batch_id, min(h.row_no) as first_row_no, array_agg(h.line_no order by h.row_no) as line_nos, min(h.received_at) as received_at,
    '[' || string_agg(h.body::text, ',' order by h.row_no) || ']' as body
  from raw.streaming_history as h group by h.batch_id, (h.row_no - 1) / 48
) as s;

insert into raw.extended_history_slice (batch_id, first_row_no, line_nos, received_at, hash, body)
select s.batch_id, s.first_row_no, s.line_nos, s.received_at, sha256(convert_to(s.body, 'UTF8')), s.body::json
from (
  select x.batch_id, min(x.row_no) as first_row_no, array_agg(x.line_no order by x.row_no) as line_nos, min(x.received_at) as received_at,
    '[' || string_agg(x.body::text, ',' order by x.row_no) || ']' as body
  from raw.extended_history as x group by x.batch_id, (x.row_no - 1) / 12
) as s;

drop view if exists quality.accounting, mart.play_circumstance;
drop table raw.streaming_history, raw.extended_history;

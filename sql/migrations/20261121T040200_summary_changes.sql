-- dbadmin: allow index-not-concurrent -- the marts are written by their refresh alone, which waits as long as it takes
-- dbadmin: allow drop-index-not-concurrent -- as above
-- What a refresh changed of the plays, so that days, weeks and artists are corrected by it instead of being counted again.
create unlogged table mart.change_work (
  play_id     bigint not null,
  is_after    boolean not null,
  date_id     integer not null,
  track_id    bigint not null,
  listener_id bigint not null,
  is_listen   boolean not null,
  ms_played   integer not null,
  played_at   timestamptz not null,
  primary key (play_id, is_after)
);
comment on table mart.change_work is 'Plays that a refresh changed, as they were before and as they are after; empty between runs.';
comment on column mart.change_work.play_id is 'The play.';
comment on column mart.change_work.is_after is 'How it is now; false for how it was.';
comment on column mart.change_work.date_id is 'The day.';
comment on column mart.change_work.track_id is 'The track.';
comment on column mart.change_work.listener_id is 'The listener.';
comment on column mart.change_work.is_listen is 'Heard for 30 s to 60 min.';
comment on column mart.change_work.ms_played is 'How long it was heard, in milliseconds.';
comment on column mart.change_work.played_at is 'When it ended.';

create index fact_play_track_date_idx on mart.fact_play (track_id, date_id);
create index fact_play_listener_date_idx on mart.fact_play (listener_id, date_id);
drop index mart.fact_play_track_idx;

-- The recommender. Its feature vectors are cubes, and cube is one of PostgreSQL's own contrib modules: it is in Debian's
-- postgresql-NN and Ubuntu's, in Docker's postgres image, in Red Hat's postgresqlNN-contrib, and with every managed service.
-- It is a trusted extension: the right to create in the database is enough, no superuser is needed.
create schema reco;
comment on schema reco is 'The recommender: which songs are found together, how they sound, and how good its answers are. Written by reco.refresh and reco.rebuild.';

create extension cube with schema reco;

create table reco.setting (
  only_row       boolean primary key default true check (only_row),
  shrinkage      double precision not null default 5 check (shrinkage >= 0),
  neighbours     smallint not null default 50 check (neighbours between 1 and 500),
  session_gap    interval not null default '30 minutes' check (session_gap > '0'),
  session_window smallint not null default 5 check (session_window between 1 and 50),
  profile_songs  smallint not null default 100 check (profile_songs between 2 and 1000),
  playlist_songs smallint not null default 500 check (playlist_songs between 2 and 5000)
);
insert into reco.setting default values;
comment on table reco.setting is 'How neighbours are found: one row. After a change call reco.rebuild.';
comment on column reco.setting.only_row is 'There is one row.';
comment on column reco.setting.shrinkage is 'Added below the line of the cosine: what was found together once by chance shall not stand above what is found together often.';
comment on column reco.setting.neighbours is 'Neighbours kept per song and basis.';
comment on column reco.setting.session_gap is 'A longer silence ends a session.';
comment on column reco.setting.session_window is 'Songs of a session are together when at most so many listens apart.';
comment on column reco.setting.profile_songs is 'How many of a listener''s most heard songs stand for them: pairs grow with the square.';
comment on column reco.setting.playlist_songs is 'Longer playlists are left out: being in a pile of everything says nothing.';

-- What the next refresh has to look at. No keys but their own: noting must be cheap, and the same may be noted many times.
create table reco.changed_day (
  change_id   bigint generated always as identity primary key,
  listener_id bigint not null,
  day         date not null
);
comment on table reco.changed_day is 'Days, UTC, on which plays of a listener came, changed or went since the last refresh; noted by triggers.';
comment on column reco.changed_day.change_id is 'Our number.';
comment on column reco.changed_day.listener_id is 'The listener.';
comment on column reco.changed_day.day is 'The day.';

create table reco.changed_playlist (
  change_id   bigint generated always as identity primary key,
  playlist_id bigint not null
);
comment on table reco.changed_playlist is 'Playlists whose tracks came, changed or went since the last refresh; noted by triggers.';
comment on column reco.changed_playlist.change_id is 'Our number.';
comment on column reco.changed_playlist.playlist_id is 'The playlist.';

create table reco.changed_song (
  change_id bigint generated always as identity primary key,
  track_id  bigint not null
);
comment on table reco.changed_song is 'Songs that a forgotten listener had heard or listed: noted without saying who.';
comment on column reco.changed_song.change_id is 'Our number.';
comment on column reco.changed_song.track_id is 'The song.';

-- What co-occurs. Everything here is derived from core and made again at will, so songs are not held by foreign keys: checking
-- them would take longer than the refresh. A listener's rows are found by listener_id when the listener is forgotten.
create table reco.listen (
  session_id  bigint not null,
  position    integer not null check (position >= 1),
  listener_id bigint not null references core.listener,
  track_id    bigint not null,
  ended_at    timestamptz not null,
  primary key (session_id, position)
);
create index listen_track_idx on reco.listen (track_id, listener_id) include (session_id, position, ended_at);
create index listen_listener_idx on reco.listen (listener_id, ended_at);
create index listen_ended_idx on reco.listen (ended_at);
comment on table reco.listen is 'Listens in the order of their sessions: plays of 30 s to 60 min, by song.';
comment on column reco.listen.session_id is 'The session: play_id of its first listen.';
comment on column reco.listen.position is 'Place in the session, from 1.';
comment on column reco.listen.listener_id is 'Who listened.';
comment on column reco.listen.track_id is 'The song: the track that stands for all of the same meaning.';
comment on column reco.listen.ended_at is 'When the listen ended.';

create table reco.listener_song (
  listener_id   bigint not null references core.listener,
  track_id      bigint not null,
  listens       integer not null check (listens > 0),
  last_heard_at timestamptz not null,
  is_profile    boolean not null default false,
  primary key (listener_id, track_id)
);
create index listener_song_listens_idx on reco.listener_song (listener_id, listens desc, track_id);
create index listener_song_profile_idx on reco.listener_song (track_id, listener_id) where is_profile;
comment on table reco.listener_song is 'What each listener listens to.';
comment on column reco.listener_song.listener_id is 'The listener.';
comment on column reco.listener_song.track_id is 'The song.';
comment on column reco.listener_song.listens is 'How often they listened to it.';
comment on column reco.listener_song.last_heard_at is 'When the last of these listens ended.';
comment on column reco.listener_song.is_profile is 'Among their most heard songs, which stand for them.';

create table reco.listed (
  playlist_id bigint not null references core.playlist,
  track_id    bigint not null,
  primary key (playlist_id, track_id)
);
create index listed_track_idx on reco.listed (track_id, playlist_id);
comment on table reco.listed is 'Songs of the playlists that are not too long to say anything.';
comment on column reco.listed.playlist_id is 'The playlist.';
comment on column reco.listed.track_id is 'The song.';

create table reco.song_count (
  basis    text not null check (basis in ('listeners', 'playlists', 'sessions')),
  track_id bigint not null,
  times    integer not null check (times > 0),
  primary key (basis, track_id)
);
create index song_count_times_idx on reco.song_count (basis, times desc, track_id);
comment on table reco.song_count is 'How often each song occurs: the popularity baseline, and what co-occurrence is measured against.';
comment on column reco.song_count.basis is 'listeners: in how many profiles; playlists: in how many playlists; sessions: how many listens.';
comment on column reco.song_count.track_id is 'The song.';
comment on column reco.song_count.times is 'How often.';

create table reco.neighbour_list (
  track_id   bigint not null,
  basis      text not null check (basis in ('listeners', 'playlists', 'sessions')),
  neighbours bigint[] not null,
  scores     real[] not null,
  primary key (track_id, basis),
  constraint neighbour_list_has_scores check (cardinality(neighbours) = cardinality(scores) and cardinality(neighbours) > 0)
);
comment on table reco.neighbour_list is 'The songs most found together with each, one row a list so that it is read in one step; reco.neighbour shows one row a neighbour.';
comment on column reco.neighbour_list.track_id is 'The song.';
comment on column reco.neighbour_list.basis is 'listeners: heard by the same people; playlists: on the same playlists; sessions: heard close to each other.';
comment on column reco.neighbour_list.neighbours is 'The songs, best first.';
comment on column reco.neighbour_list.scores is 'Their scores: times together / (root of the product of their times + shrinkage).';

-- How songs sound.
create table reco.feature_scale (
  feature   text primary key,
  place     smallint not null unique check (place between 1 and 9),
  mean      double precision not null,
  deviation double precision not null check (deviation > 0)
);
comment on table reco.feature_scale is 'Mean and standard deviation of each audio feature over the songs: what 1 means in reco.song_feature.';
comment on column reco.feature_scale.feature is 'As core.audio_feature names it.';
comment on column reco.feature_scale.place is 'Its dimension in the vectors.';
comment on column reco.feature_scale.mean is 'Mean.';
comment on column reco.feature_scale.deviation is 'Standard deviation; 1 where all are equal.';

create table reco.song_feature (
  track_id bigint primary key,
  vector   reco.cube not null
);
create index song_feature_vector_idx on reco.song_feature using gist (vector);
comment on table reco.song_feature is 'The sound of each song whose nine features are known, as a point.';
comment on column reco.song_feature.track_id is 'The song.';
comment on column reco.song_feature.vector is 'Nine dimensions in the order of reco.feature_scale, in standard deviations from the mean.';

-- How good the answers are.
create table reco.evaluation (
  evaluation_id bigint generated always as identity primary key,
  started_at    timestamptz not null,
  finished_at   timestamptz not null default clock_timestamp(),
  source        text not null check (source <> ''),
  seed          bigint not null,
  settings      jsonb not null,
  reached       boolean
);
comment on table reco.evaluation is 'Runs of dbadmin spotify evaluate.';
comment on column reco.evaluation.evaluation_id is 'Our number.';
comment on column reco.evaluation.started_at is 'When it began.';
comment on column reco.evaluation.finished_at is 'When its figures were stored.';
comment on column reco.evaluation.source is 'warehouse, or the files that were read, without their directories.';
comment on column reco.evaluation.seed is 'The seed of its splits and intervals: the same gives the same figures.';
comment on column reco.evaluation.settings is 'Shrinkage, neighbours, window and the like.';
comment on column reco.evaluation.reached is 'Whether the method beat popularity by as much as it must; NULL where nothing was demanded.';

create table reco.evaluation_task (
  evaluation_id bigint not null references reco.evaluation,
  task          text not null check (task in ('next track', 'playlists', 'interactions')),
  cases         bigint not null check (cases >= 0),
  items         bigint not null check (items >= 0),
  primary key (evaluation_id, task)
);
comment on table reco.evaluation_task is 'What was tried in a run.';
comment on column reco.evaluation_task.evaluation_id is 'The run.';
comment on column reco.evaluation_task.task is 'next track: the last fifth of the time; playlists, interactions: a hidden fifth of each.';
comment on column reco.evaluation_task.cases is 'How many questions were asked.';
comment on column reco.evaluation_task.items is 'How many songs, or items, were ranked for each: all there are.';

create table reco.evaluation_figure (
  evaluation_id bigint not null,
  task          text not null,
  method        text not null,
  metric        text not null,
  value         double precision not null,
  low           double precision,
  high          double precision,
  primary key (evaluation_id, task, method, metric),
  foreign key (evaluation_id, task) references reco.evaluation_task,
  constraint evaluation_interval_has_ends check ((low is null) = (high is null))
);
comment on table reco.evaluation_figure is 'What each method reached.';
comment on column reco.evaluation_figure.evaluation_id is 'The run.';
comment on column reco.evaluation_figure.task is 'The task.';
comment on column reco.evaluation_figure.method is 'The method.';
comment on column reco.evaluation_figure.metric is 'HR@10, NDCG@10, recall@10 and so on.';
comment on column reco.evaluation_figure.value is 'The figure.';
comment on column reco.evaluation_figure.low is 'Lower end of the 95 % interval (bootstrap), where there is one.';
comment on column reco.evaluation_figure.high is 'Upper end.';

-- Working tables of the refresh: filled and emptied within one transaction.
create unlogged table reco.span_work (
  listener_id bigint not null,
  span        tstzrange not null,
  primary key (listener_id, span)
);
comment on table reco.span_work is 'The times whose listens a refresh reads again; empty between runs.';
comment on column reco.span_work.listener_id is 'The listener.';
comment on column reco.span_work.span is 'Whole sessions, always.';

create unlogged table reco.listener_song_work (
  listener_id bigint not null,
  track_id    bigint not null,
  primary key (listener_id, track_id)
);
comment on table reco.listener_song_work is 'What listeners listen to more or less than before a refresh; empty between runs.';
comment on column reco.listener_song_work.listener_id is 'The listener.';
comment on column reco.listener_song_work.track_id is 'The song.';

create unlogged table reco.song_work (
  basis    text not null,
  track_id bigint not null,
  primary key (basis, track_id)
);
comment on table reco.song_work is 'Songs whose neighbours a refresh finds again; empty between runs.';
comment on column reco.song_work.basis is 'listeners, playlists or sessions.';
comment on column reco.song_work.track_id is 'The song.';

create unlogged table reco.count_work (
  track_id bigint primary key,
  times    integer not null,
  before   integer not null
);
comment on table reco.count_work is 'How often songs occur and did before; empty between runs.';
comment on column reco.count_work.track_id is 'The song.';
comment on column reco.count_work.times is 'How often it occurs now.';
comment on column reco.count_work.before is 'How often it did at the last refresh.';

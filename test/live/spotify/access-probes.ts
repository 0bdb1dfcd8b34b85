/** Something a role tries: the statement, and the privilege on the object that decides it, as `roles who-can` is asked. */
export interface Probe {
  readonly role: string;
  readonly statement: string;
  readonly privilege: string;
  readonly object: string;
}

const probe = (role: string, privilege: string, object: string, statement: string): Probe => ({ role, privilege, object, statement });
const reads = (role: string, ...objects: readonly string[]): readonly Probe[] =>
  objects.map((object) => probe(role, 'select', object, `select from ${object} limit 1`));
const calls = (role: string, object: string, statement: string): Probe => probe(role, 'execute', `routine ${object}`, statement);
const writes = (role: string, ...tables: readonly string[]): readonly Probe[] =>
  tables.flatMap((table) => [
    probe(role, 'insert', table, `insert into ${table} default values`),
    probe(role, 'delete', table, `delete from ${table}`),
    probe(role, 'truncate', table, `truncate ${table}`),
  ]);
const makes = (role: string, ...schemas: readonly string[]): readonly Probe[] =>
  schemas.map((schema) => probe(role, 'create', `schema ${schema}`, `create table ${schema}.mine (id int)`));

/** What must be refused, with SQLSTATE 42501. */
export const FORBIDDEN: readonly Probe[] = [
  // An analyst reads the marts, not what is behind them, and changes nothing.
  ...reads('warehouse_analyst', 'raw.batch', 'raw.page', 'raw.streaming_history', 'quality.quarantine', 'core.play', 'core.listener'),
  ...reads(
    'warehouse_analyst',
    'audit.change',
    'api.track',
    'mart.play_work',
    'mart.play_wanted',
    'reco.neighbour',
    'dbadmin.migration_history',
  ),
  ...writes('warehouse_analyst', 'core.play', 'mart.fact_play'),
  ...makes('warehouse_analyst', 'mart', 'core', 'public'),
  probe('warehouse_analyst', 'select', 'mart.user_details.country', 'select country from mart.user_details'),
  probe('warehouse_analyst', 'select', 'core.listener.account_id', 'select account_id from core.listener'),
  probe('warehouse_analyst', 'select', 'raw.page.body', `select body ->> 'email' from raw.page`),
  calls('warehouse_analyst', 'mart.refresh(bigint)', 'call mart.refresh()'),
  calls('warehouse_analyst', 'mart.clear()', 'select mart.clear()'),
  calls('warehouse_analyst', 'core.load_songs(bigint, bigint)', 'call core.load_songs(1)'),
  // A BI tool has the described views.
  ...reads('bi_reader', 'raw.batch', 'quality.run', 'core.play', 'core.artist', 'audit.change', 'api.track', 'reco.neighbour'),
  ...reads('bi_reader', 'mart.fact_play', 'mart.dim_listener', 'mart.dim_track', 'mart.play_wanted', 'mart.daily_summary'),
  ...writes('bi_reader', 'mart.fact_play'),
  calls('bi_reader', 'mart.cards(mart.play_filter)', 'select mart.cards()'),
  calls('bi_reader', 'api.top_tracks(bigint, integer)', 'select api.top_tracks(1)'),
  // An application has api.
  ...reads('warehouse_app', 'raw.batch', 'quality.run', 'core.track', 'core.play', 'mart.fact_play', 'mart.dim_track', 'audit.change'),
  ...writes('warehouse_app', 'core.play', 'core.listener_login'),
  calls('warehouse_app', 'mart.cards(mart.play_filter)', 'select mart.cards()'),
  calls('warehouse_app', 'reco.recommend(bigint, integer, text, interval)', 'select reco.recommend(1)'),
  calls('warehouse_app', 'core.erase_listener(text)', `select core.erase_listener('listener-001')`),
  ...makes('warehouse_app', 'api', 'public'),
  // Whoever lands rows cannot change or take them back, and sees nothing that is made of them.
  ...reads('warehouse_loader', 'core.play', 'quality.run', 'mart.fact_play', 'audit.change'),
  ...['update', 'delete', 'truncate'].map((privilege) =>
    probe(
      'warehouse_loader',
      privilege,
      'raw.batch',
      { update: `update raw.batch set file_name = 'x'`, delete: 'delete from raw.batch', truncate: 'truncate raw.batch' }[privilege] ?? '',
    ),
  ),
  ...makes('warehouse_loader', 'raw', 'core', 'public'),
  probe('svc_feeder', 'create', 'schema core', 'alter table core.play disable trigger all'),
  ...makes('svc_feeder', 'raw', 'quality', 'core', 'mart', 'api', 'public'),
  probe('svc_feeder', 'temporary', 'database listening', 'create temporary table mine (id int)'),
  probe('svc_feeder', 'delete', 'raw.batch', 'delete from raw.batch'),
  // Transforming writes facts, never what was received or recorded, and forgets nobody.
  probe('warehouse_transformer', 'insert', 'raw.streaming_history_slice', 'insert into raw.streaming_history_slice (batch_id) values (1)'),
  ...reads('warehouse_transformer', 'audit.change', 'core.listener_login'),
  probe('warehouse_transformer', 'insert', 'core.listener_login', `insert into core.listener_login values ('svc_marts', 1)`),
  probe('warehouse_transformer', 'delete', 'audit.change', 'delete from audit.change'),
  calls('warehouse_transformer', 'core.erase_listener(text)', `select core.erase_listener('listener-001')`),
  calls('warehouse_transformer', 'core.forget(bigint)', 'call core.forget(1)'),
  ...makes('warehouse_transformer', 'core', 'mart'),
  // Listeners see tables of their own rows, and none of the views that read as the owner.
  ...reads(
    'warehouse_listener',
    'raw.streaming_history',
    'raw.page',
    'quality.quarantine',
    'audit.change',
    'mart.user_details',
    'mart.bi_play',
  ),
  ...writes('warehouse_listener', 'core.play', 'core.listener_login', 'core.saved_track'),
  calls('warehouse_listener', 'api.top_tracks(bigint, integer)', 'select api.top_tracks(2)'),
  calls('warehouse_listener', 'core.forget(bigint)', 'call core.forget(1)'),
  // Forgetting is one function; beside it, only where pages lie.
  ...reads('warehouse_eraser', 'core.play', 'raw.streaming_history', 'audit.change', 'mart.fact_play'),
  probe('warehouse_eraser', 'select', 'raw.page.body', 'select body from raw.page'),
  probe('warehouse_eraser', 'select', 'core.listener.country', 'select country from core.listener'),
  ...writes('warehouse_eraser', 'core.listener', 'raw.batch'),
  // Auditors change nothing, and do not read what Spotify answered about people.
  ...writes('warehouse_auditor', 'quality.quarantine', 'core.play', 'audit.change'),
  probe('warehouse_auditor', 'select', 'raw.page.body', 'select body from raw.page'),
  calls('warehouse_auditor', 'mart.refresh(bigint)', 'call mart.refresh()'),
  ...makes('visiting_auditor', 'audit', 'public'),
  // Backups copy files and read no table; a dump reads and never writes.
  ...reads('svc_backup', 'core.play', 'raw.batch', 'mart.fact_play', 'audit.change', 'dbadmin.migration_history'),
  ...writes('svc_dump', 'core.play', 'raw.batch'),
  ...makes('svc_dump', 'core', 'public'),
  // A DBA has to say SET ROLE before touching anything.
  ...reads('warehouse_dba', 'core.play', 'raw.batch'),
  ...makes('warehouse_dba', 'core'),
];

/** What must work. */
export const ALLOWED: readonly Probe[] = [
  ...reads('warehouse_analyst', 'mart.fact_play', 'mart.dim_track', 'mart.daily_summary', 'mart.user_playlist', 'mart.chart_trend'),
  probe('warehouse_analyst', 'select', 'mart.user_details.user_name', 'select listener_id, user_name, account_type from mart.user_details'),
  ...['cards', 'months', 'top_tracks', 'top_albums', 'top_artists', 'plays_by_day', 'genre_mix', 'listening_sessions'].map((name) =>
    calls('warehouse_analyst', `mart.${name}`, `select mart.${name}(mart.only(listener_id => 1))`),
  ),
  ...reads('bi_reader', 'mart.bi_play', 'mart.bi_track', 'mart.bi_date'),
  ...reads('warehouse_app', 'api.track', 'api.artist'),
  calls('warehouse_app', 'api.top_tracks(bigint, integer)', 'select api.top_tracks(1)'),
  calls('warehouse_app', 'api.listening_cards(bigint, date)', 'select api.listening_cards(1)'),
  calls('warehouse_app', 'api.recommend(bigint, integer)', 'select api.recommend(1, 3)'),
  calls('warehouse_app', 'api.next_track(bigint, integer)', 'select api.next_track(1, 3)'),
  calls('warehouse_app', 'api.sounds_like(bigint, integer)', 'select api.sounds_like(1, 3)'),
  calls('warehouse_app', 'api.by_preference(text[], jsonb, bigint[], integer)', `select api.by_preference('{pop}')`),
  calls('svc_marts', 'reco.refresh(bigint)', 'call reco.refresh()'),
  calls('warehouse_app', 'api.find_tracks(text, integer)', `select api.find_tracks('a')`),
  ...reads(
    'warehouse_listener',
    'core.play',
    'core.top_list_track',
    'core.playlist_track',
    'core.track',
    'mart.fact_play',
    'mart.dim_track',
  ),
  calls('warehouse_listener', 'mart.cards(mart.play_filter)', 'select mart.cards()'),
  calls('warehouse_listener', 'mart.top_tracks(mart.play_filter, integer)', 'select mart.top_tracks()'),
  ...reads(
    'warehouse_auditor',
    'raw.batch',
    'raw.streaming_history',
    'quality.run',
    'core.play',
    'mart.fact_play',
    'audit.change',
    'dbadmin.migration_history',
  ),
  probe('warehouse_auditor', 'select', 'raw.page.url', 'select url, status, fetched_at from raw.page'),
  ...reads('visiting_auditor', 'audit.change'),
  ...reads('svc_dump', 'core.play', 'raw.page', 'audit.change', 'dbadmin.migration_history'),
  calls('svc_marts', 'mart.refresh(bigint)', 'call mart.refresh()'),
  calls('svc_marts', 'mart.rebuild(bigint)', 'call mart.rebuild()'),
  calls('svc_forget', 'core.count_personal_rows(text)', `select core.count_personal_rows('listener-001')`),
  calls('svc_forget', 'core.forget(bigint)', 'call core.forget(2)'),
];

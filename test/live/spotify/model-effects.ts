import type { Effect } from './trigger-effect.ts';

/** A row of each audited table beside those of the triggers' tests, and a change of it. */
const AUDITED: Readonly<Record<string, readonly [insert: string, change: string]>> = {
  album: [`(spotify_id) values ('x')`, `name = 'new'`],
  album_artist: ['(album_id, position, artist_id) values (1, 1, 1)', 'position = 2'],
  artist: [`(name) values ('x')`, 'followers = 5'],
  artist_genre: ['(artist_id, genre_id) values (1, 1)', 'genre_id = 2'],
  artist_top_track: [`(artist_id, taken_at, rank, track_id) values (1, '2025-01-01', 1, 1)`, 'rank = 2'],
  audio_feature: ['(track_id, energy) values (1, 0.5)', 'energy = 0.6'],
  chart: [`(name, period) values ('x', 'week')`, `period = 'day'`],
  chart_entry: [`(chart_id, starts_on, track_id, rank) values (1, '2025-01-01', 1, 1)`, 'rank = 2'],
  chart_standing: ['(chart_id, track_id, peak_rank) values (1, 1, 1)', 'peak_rank = 2'],
  cover: [`(album_id, source_url, failure) values (1, 'u', 'gone')`, `failure = 'again'`],
  device: [`(listener_id, name) values (1, 'x')`, `name = 'new'`],
  follow: ['(listener_id, artist_id) values (1, 1)', `ended_at = '2025-01-01'`],
  genre: [`(name) values ('x')`, `name = 'new'`],
  listener: [`(name) values ('x')`, `country = 'IN'`],
  listener_login: [`(login, listener_id) values ('x', 1)`, 'listener_id = 2'],
  play: [
    `(listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no) values (1, 1, '2025-03-01', 1, 1, 1, 9)`,
    'ms_played = ms_played + 1',
  ],
  playlist: [`(spotify_id) values ('x')`, `description = 'new'`],
  playlist_track: ['(playlist_id, track_id, batch_id, row_no) values (1, 1, 1, 1)', 'position = 2'],
  playlist_track_subgenre: ['(playlist_id, track_id, subgenre_id) values (1, 1, 1)', 'subgenre_id = 2'],
  saved_album: ['(listener_id, album_id) values (1, 1)', `added_at = '2025-01-01'`],
  saved_track: ['(listener_id, track_id) values (1, 1)', `added_at = '2025-01-01'`],
  subgenre: [`(genre_id, name) values (1, 'x')`, `name = 'new'`],
  top_list: [`(listener_id, kind, time_range, taken_at) values (1, 'tracks', 'long_term', '2025-01-01')`, `kind = 'artists'`],
  top_list_artist: ['(top_list_id, rank, artist_id) values (1, 1, 1)', 'rank = 2'],
  top_list_track: ['(top_list_id, rank, track_id) values (1, 1, 1)', 'rank = 2'],
  track: [`(spotify_id) values ('x')`, `explicit = true`],
  track_artist: ['(track_id, position, artist_id) values (1, 1, 1)', 'position = 2'],
  track_spelling: [`(artist_name, track_name, track_id) values ('a', 't', 1)`, 'track_id = 2'],
};

/** Tables whose rows are recorded when they come, too: what a person owns. */
const RECORDED_WHOLE = ['cover', 'device', 'follow', 'listener', 'listener_login', 'playlist', 'saved_album', 'saved_track', 'top_list'];

/** Only the row itself matters here, not what it refers to. */
const withoutReferences = (table: string): string => `do $$ declare c record; begin
  for c in select conrelid::regclass as t, conname from pg_constraint where contype = 'f' and 'core.${table}'::regclass in (conrelid, confrelid)
  loop execute format('alter table %s drop constraint %I', c.t, c.conname); end loop; end $$`;

/** The tests' own rows were recorded as well. */
const NOTHING_RECORDED = `set local warehouse.forget = 'on'; delete from audit.change; set local warehouse.forget = ''`;

function audited(table: string, operation: 'insert' | 'update' | 'delete'): Effect {
  const [insert, change] = AUDITED[table] ?? ['', ''];
  const acts = { insert: '', update: `update core.${table} set ${change};`, delete: `delete from core.${table};` };
  const query = `select count(*) > 0 from audit.change where table_name = 'core.${table}' and operation = '${operation.toUpperCase()}'
    and changed_by = session_user and (old_row is not null) = ${operation !== 'insert'} and (new_row is not null) = ${operation !== 'delete'}`;
  return {
    act: `${withoutReferences(table)}; ${NOTHING_RECORDED}; insert into core.${table} ${insert}; ${acts[operation]} ${query}`,
    seen: 'true',
    seenWithout: 'false',
  };
}

const noted = (act: string, plays = 1): Effect => ({
  act: `delete from mart.changed_play; ${act}; select count(*) from mart.changed_play`,
  seen: String(plays),
  seenWithout: '0',
});

/** What the triggers of core, mart and audit do. */
export const MODEL_EFFECTS: Readonly<Record<string, Effect>> = {
  ...Object.fromEntries(
    Object.keys(AUDITED).flatMap((table) =>
      (['insert', 'update', 'delete'] as const)
        .filter((operation) => operation !== 'insert' || RECORDED_WHOLE.includes(table))
        .map((operation) => [`core.${table}_audit_${operation}`, audited(table, operation)] as const),
    ),
  ),
  'audit.change_append_only': {
    act: `insert into core.device (listener_id, name) values (1, 'x'); update audit.change set changed_by = 'nobody' returning 'changed'`,
    seen: '23001',
    seenWithout: 'changed',
  },
  'core.play_note_insert': noted(
    `insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no)
       select 1, 1, '2025-01-02 10:00Z', n, n, 1, 1 + n from generate_series(1, 3) as n`,
    3,
  ),
  'core.play_note_update': noted('update core.play set ms_played = 5'),
  'core.play_note_delete': noted('delete from core.play'),
  'core.listener_note_zone': noted(`update core.listener set time_zone = 'Asia/Kolkata'`),
};

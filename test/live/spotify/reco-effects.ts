import type { Effect } from './trigger-effect.ts';

const LIST = 'insert into core.playlist_track (playlist_id, track_id, batch_id, row_no) select playlist_id, 1, 1, 1 from core.playlist';

const noted = (table: string, before: string, act: string): Effect => ({
  act: `${before}; delete from reco.${table}; ${act}; select count(*) from reco.${table}`,
  seen: '1',
  seenWithout: '0',
});

/** What the triggers do that tell the recommender what to look at. */
export const RECO_EFFECTS: Readonly<Record<string, Effect>> = {
  'core.play_reco_insert': noted(
    'changed_day',
    'select',
    `insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no)
       select 1, 1, '2025-01-02 10:00Z', n, n, 1, 1 + n from generate_series(1, 3) as n`,
  ),
  'core.play_reco_update': noted(
    'changed_day',
    'select',
    `update core.play set ms_played = 5; delete from reco.changed_day where change_id <> (select min(change_id) from reco.changed_day)`,
  ),
  'core.play_reco_delete': noted('changed_day', 'select', 'delete from core.play'),
  'core.playlist_track_reco_insert': noted('changed_playlist', 'select', LIST),
  'core.playlist_track_reco_update': noted(
    'changed_playlist',
    LIST,
    'update core.playlist_track set position = 2; delete from reco.changed_playlist where change_id <> (select min(change_id) from reco.changed_playlist)',
  ),
  'core.playlist_track_reco_delete': noted('changed_playlist', LIST, 'delete from core.playlist_track'),
  'core.track_reco_song': noted('changed_day', 'select', 'update core.track set canonical_track_id = 2 where track_id = 1'),
};

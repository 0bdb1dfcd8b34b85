import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { MODEL_EFFECTS } from './model-effects.ts';
import { RECO_EFFECTS } from './reco-effects.ts';
import type { Effect } from './trigger-effect.ts';
import { countOf, migrateWarehouse } from './warehouse.ts';

/** One row of everything, for triggers to act on; `old` times show what touches them. */
const ROWS = `
  insert into raw.batch (source, file_name, listener_name, content_sha256, size_bytes, row_count)
    values ('streaming_history', 'f', 'ada', sha256('f'), 1, 1);
  insert into raw.streaming_history_slice (batch_id, first_row_no, line_nos, hash, body) values (1, 1, '{1}', sha256('[{}]'), '[{}]');
  insert into raw.extended_history_slice (batch_id, first_row_no, line_nos, hash, body) values (1, 1, '{1}', sha256('[{}]'), '[{}]');
  insert into raw.library_entry (batch_id, row_no, line_no, hash, list, body) values (1, 1, 1, '', 'tracks', '{}');
  insert into raw.playlist_entry (batch_id, row_no, line_no, hash, layout, body) values (1, 1, 1, '', 'columns', '{}');
  insert into raw.chart_entry (batch_id, row_no, line_no, hash, layout, body) values (1, 1, 1, '', 'ranking', '{}');
  insert into raw.page (batch_id, row_no, hash, endpoint, url, status, fetched_at, body) values (1, 1, '', 'me', '', 200, now(), '{}');
  insert into raw.page_set (batch_id, listener_name, kind, unit, field_set, started_at, items, content_sha256)
    values (1, 'ada', 'recent', 'recent', 'after', now(), 1, sha256('f'));
  insert into raw.song values (2, 1, 1, 'songs', now(), '', 't', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '');
  insert into core.artist (name, updated_at) values ('old', '2000-01-01');
  insert into core.album (spotify_id, name, updated_at) values ('a', 'old', '2000-01-01');
  insert into core.track (spotify_id, name, updated_at) values ('t', 'old', '2000-01-01'), ('u', 'old', '2000-01-01');
  insert into core.playlist (spotify_id, name, updated_at) values ('p', 'old', '2000-01-01');
  insert into core.listener (name, updated_at) values ('old', '2000-01-01');
  insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no)
    values (1, 1, '2025-01-01 10:00Z', 1, 4000, 1, 1)`;

const cleansed = (table: string, columns = 'name', values = ''): Effect => ({
  act: `insert into core.${table} (${columns}) values (${values} E' \\u00a0Ada\\ufeff ') returning name`,
  seen: 'Ada',
  seenWithout: ' \u00A0Ada\uFEFF ',
});
const touched = (table: string): Effect => ({
  act: `update core.${table} set name = 'new' returning updated_at = now()`,
  seen: 'true',
  seenWithout: 'false',
});
const appendOnly = (table: string, column: string): Effect => ({
  act: `update raw.${table} set ${column} = ${column} returning 'changed'`,
  seen: '23001',
  seenWithout: 'changed',
});
const counted = (act: string, seen: string, seenWithout: string): Effect => ({
  act: `${act}; select string_agg(concat_ws(' ', track_id, plays, ms_played), ', ' order by track_id) from core.track_play_count`,
  seen,
  seenWithout,
});

const EFFECTS: Readonly<Record<string, Effect>> = {
  ...MODEL_EFFECTS,
  ...RECO_EFFECTS,
  'raw.batch_append_only': appendOnly('batch', 'file_name'),
  'raw.song_append_only': appendOnly('song', 'track_name'),
  'raw.streaming_history_slice_append_only': appendOnly('streaming_history_slice', 'body'),
  'raw.extended_history_slice_append_only': appendOnly('extended_history_slice', 'body'),
  'raw.library_entry_append_only': appendOnly('library_entry', 'body'),
  'raw.playlist_entry_append_only': appendOnly('playlist_entry', 'body'),
  'raw.chart_entry_append_only': appendOnly('chart_entry', 'body'),
  'raw.page_append_only': appendOnly('page', 'body'),
  'raw.page_set_append_only': appendOnly('page_set', 'items'),
  'core.artist_cleanse': cleansed('artist'),
  'core.album_cleanse': cleansed('album', 'spotify_id, name', `'new',`),
  'core.track_cleanse': cleansed('track', 'spotify_id, name', `'new',`),
  'core.playlist_cleanse': cleansed('playlist', 'spotify_id, name', `'new',`),
  'core.listener_cleanse': cleansed('listener'),
  'core.artist_touch': touched('artist'),
  'core.album_touch': touched('album'),
  'core.track_touch': touched('track'),
  'core.playlist_touch': touched('playlist'),
  'core.listener_touch': touched('listener'),
  'core.album_release_date': {
    act: `update core.album set release_date = '1995-06-14', release_date_precision = 'month' returning release_date::text`,
    seen: '1995-06-01',
    seenWithout: '23514',
  },
  'core.audio_feature_cleanse': {
    act: `insert into core.audio_feature (track_id, tempo_bpm, valence, energy) values (1, 0, 0, 0) returning concat_ws(' ', tempo_bpm, valence, energy)`,
    seen: '0',
    seenWithout: '23514',
  },
  'core.play_cleanse': {
    act: `insert into core.play (listener_id, track_id, ended_at, ms_played, batch_id, row_no) values (1, 1, '2025-01-01 10:00:30Z', 1, 1, 2)
      returning concat_ws(' ', to_char(ended_at at time zone 'UTC', 'HH24:MI:SS'), minute_seq)`,
    seen: '10:00:00 2',
    seenWithout: '23502',
  },
  'core.play_count_insert': counted(
    `insert into core.play (listener_id, track_id, ended_at, minute_seq, ms_played, batch_id, row_no)
       select 1, track, '2025-01-02 10:00Z', track, 100 * track, 1, 1 + track from generate_series(1, 2) as track`,
    '1 2 4100, 2 1 200',
    '1 1 4000',
  ),
  'core.play_count_update': counted('update core.play set track_id = 2, ms_played = 500', '1 0 0, 2 1 500', '1 1 4000'),
  'core.play_count_delete': counted('delete from core.play', '1 0 0', '1 1 4000'),
};

describe('the triggers of the warehouse', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });
  afterAll(async () => await database?.drop());

  /** What is seen of `act` after `before`, in a transaction that is rolled back. */
  async function observe(before: string, act: string): Promise<string> {
    const session = await database.sql.reserve();
    try {
      await session.unsafe(`begin; alter table raw.batch alter batch_id restart; alter table core.track alter track_id restart;
        alter table core.listener alter listener_id restart; ${ROWS}; ${before}`);
      const results: unknown = await session.unsafe(act);
      const last: unknown =
        Array.isArray(results) && Array.isArray(results.at(-1)) ? (results.at(-1) as unknown[])[0] : (results as unknown[])[0];
      return String(Object.values(last ?? {})[0]);
    } catch (error) {
      if (error instanceof postgres.PostgresError) return error.code;
      throw error;
    } finally {
      await session.unsafe('rollback');
      session.release();
    }
  }

  it('C2: each has a test here, in whatever schema it is', async () => {
    const triggers = await database.sql<{ name: string }[]>`
      select n.nspname || '.' || t.tgname as name
      from pg_trigger as t join pg_class as c on c.oid = t.tgrelid join pg_namespace as n on n.oid = c.relnamespace
      where not t.tgisinternal and n.nspname not in ('pg_catalog', 'information_schema', 'dbadmin')`;
    expect(triggers.map(({ name }) => name).sort()).toEqual(Object.keys(EFFECTS).sort());
  });

  it.for(Object.entries(EFFECTS))(
    'C2: %s has its effect, and without it the effect is gone',
    async ([name, { act, seen, seenWithout }]) => {
      const [schema = '', trigger = ''] = name.split('.');
      const [found] = await database.sql<{ table: string }[]>`
      select t.tgrelid::regclass::text as table from pg_trigger as t where t.tgname = ${trigger} and t.tgrelid::regclass::text like ${`${schema}.%`}`;
      expect(await observe('', act)).toBe(seen);
      expect(await observe(`drop trigger ${trigger} on ${found?.table ?? ''}`, act)).toBe(seenWithout);
    },
  );

  it('C2: every table of core is recorded when it changes, but what is counted or where rows came from', async () => {
    const silent = await database.sql<{ name: string }[]>`
      select c.relname::text as name from pg_class as c
      where c.relkind = 'r' and c.relnamespace = 'core'::regnamespace
        and 2 > (select count(*) from pg_trigger as t where t.tgrelid = c.oid and t.tgfoid = 'audit.record_change'::regproc
                 and t.tgname in (c.relname || '_audit_update', c.relname || '_audit_delete'))`;
    expect(silent.map(({ name }) => name).sort()).toEqual(['accepted_row', 'track_play_count']);
  });

  it('C2: what is recorded says who, when, from what, to what, and whom it is about', async () => {
    const act = `insert into core.playlist (name, owner_id) values ('mine', 1);
      insert into core.playlist_track (playlist_id, track_id, batch_id, row_no) select max(playlist_id), 1, 1, 5 from core.playlist;
      delete from core.playlist_track where row_no = 5;
      insert into core.top_list (listener_id, kind, time_range, taken_at) values (1, 'tracks', 'long_term', now());
      insert into core.top_list_track (top_list_id, rank, track_id) select max(top_list_id), 1, 1 from core.top_list;
      update core.top_list_track set rank = 2; delete from core.top_list_track;
      select string_agg(concat_ws(' ', table_name, operation, listener_id, old_row ->> 'rank', new_row ->> 'rank'), ', ' order by change_id)
      from audit.change where table_name in ('core.playlist_track', 'core.top_list_track') and changed_by = session_user
        and acting_as = 'none' and changed_at >= now() and xid = pg_current_xact_id()`;
    expect(await observe('', act)).toBe('core.playlist_track DELETE 1, core.top_list_track UPDATE 1 1 2, core.top_list_track DELETE 1 2');
  });

  it('C2: nothing that is referred to can be deleted, and no key deletes in silence', async () => {
    const silent = await database.sql`
      select conrelid::regclass::text as name, conname from pg_constraint
      where contype = 'f' and connamespace::regnamespace::text in ('raw', 'quality', 'core', 'mart', 'reco', 'audit') and confdeltype <> 'a'`;
    expect([...silent]).toEqual([]);
    const referred = {
      artist: 'insert into core.track_artist select 1, 1, min(artist_id) from core.artist;',
      album: 'update core.track set album_id = (select min(album_id) from core.album);',
      track: '',
      listener: '',
    };
    for (const [table, before] of Object.entries(referred))
      expect(await observe(before, `delete from core.${table} returning 'gone'`), table).toBe('23503');
  });

  it('landed rows can be neither deleted nor truncated, and only who forgets a person may delete', async () => {
    for (const table of [
      'song',
      'streaming_history_slice',
      'extended_history_slice',
      'library_entry',
      'playlist_entry',
      'chart_entry',
      'page',
      'page_set',
    ]) {
      expect(await observe('', `delete from raw.${table} returning 'gone'`)).toBe('23001');
      expect(await observe('', `truncate raw.${table}`)).toBe('23001');
      expect(await observe(`set local warehouse.forget = 'on'`, `delete from raw.${table} returning 'gone'`)).toBe('gone');
      expect(await observe(`set local warehouse.forget = 'on'`, `truncate raw.${table}`)).toBe('23001');
    }
    expect(await observe(`set local warehouse.forget = 'on'`, `update raw.batch set file_name = 'x' returning 'changed'`)).toBe('23001');
  });

  it('names with lost letters are refused, and names that say nothing become NULL', async () => {
    expect(await observe('', `insert into core.artist (name) values (E'Bj\\ufffdrk')`)).toBe('23514');
    expect(await observe('', `insert into core.artist (name) values (E'Bj\\u00ef\\u00bf\\u00bdrk')`)).toBe('23514');
    expect(await observe('', `update core.album set name = ' NA ' returning name`)).toBe('null');
    expect(await observe('', `insert into core.artist (name) values ('Unknown Artist')`)).toBe('23502');
  });

  it('an update that changes nothing leaves updated_at alone', async () => {
    expect(await observe('', `update core.artist set name = name returning updated_at = '2000-01-01'`)).toBe('true');
  });

  it('nothing of these tests stays', async () => {
    expect(await countOf(database.sql, 'select count(*) from core.track')).toBe(0);
    expect(await countOf(database.sql, 'select count(*) from raw.batch')).toBe(0);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, migrateWarehouse } from './warehouse.ts';

const ROWS = `
  insert into raw.batch (source, file_name, listener_name, content_sha256, size_bytes, row_count) values ('streaming_history', 'f', 'ada', sha256('f'), 1, 4);
  insert into core.listener (name, country, product, time_zone) values ('ada', 'IN', 'premium', 'Asia/Kolkata');
  insert into core.artist (name, popularity, followers) values ('Artist', 50, 1000), ('Other', 40, 900);
  insert into core.album (name, spotify_id, total_tracks) values ('Album', 'a', 2);
  insert into core.track (name, album_id) values ('One', 1), ('Two', 1);
  insert into core.track_artist (track_id, position, artist_id) values (1, 1, 1), (2, 1, 1);
  insert into core.artist_top_track (artist_id, taken_at, rank, track_id) values (1, '2025-01-01', 1, 2), (1, '2025-01-01', 2, 1), (1, '2025-02-01', 1, 1);
  insert into core.playlist (name, owner_id) values ('Mine', 1);
  insert into core.device (listener_id, name, device_type) values (1, 'Kitchen', 'Speaker');
  insert into core.follow (listener_id, artist_id) values (1, 1);
  insert into core.top_list (listener_id, kind, time_range, taken_at)
    select 1, kind, 'long_term', at from unnest(array['artists', 'tracks']) as kind, unnest('{2025-01-01,2025-02-01}'::timestamptz[]) as at order by kind, at;
  insert into core.top_list_artist (top_list_id, rank, artist_id) select top_list_id, rank, 3 - rank from core.top_list, unnest(array[1, 2]) as rank where kind = 'artists';
  insert into core.top_list_track (top_list_id, rank, track_id) select top_list_id, rank, rank from core.top_list, unnest(array[1, 2]) as rank where kind = 'tracks';
  insert into core.play (listener_id, track_id, ended_at, ms_played, context_type, context_uri, batch_id, row_no) values
    (1, 1, '2024-12-29 12:00Z', 60000, null, null, 1, 1), (1, 1, '2024-12-30 12:00Z', 60000, 'playlist', 'spotify:playlist:x', 1, 2),
    (1, 2, '2025-01-01 12:00Z', 60000, 'artist', 'spotify:artist:x', 1, 3), (1, 2, '2025-12-29 12:00Z', 60000, null, null, 1, 4);
  call mart.refresh()`;

describe('the page about a person, and weeks', () => {
  let database: TestDatabase;
  const lines = async (query: string): Promise<readonly string[]> =>
    (await database.sql.unsafe<{ line: string }[]>(query)).map(({ line }) => line);

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
    await database.sql.unsafe(ROWS);
  });
  afterAll(async () => await database?.drop());

  it.for([
    ['user_details', `concat_ws(' ', user_name, country, account_type)`, ['ada IN premium']],
    ['user_playlist', 'playlist', ['Mine']],
    ['devices', `concat_ws(' ', device_name, device_type)`, ['Kitchen Speaker']],
    [
      'recently_played',
      `concat_ws(' ', album_name, track_name, total_tracks)`,
      ['Album One 2', 'Album One 2', 'Album Two 2', 'Album Two 2'],
    ],
    ['artist_details', `concat_ws(' ', artist_name, popularity, followers)`, ['Artist 50 1000', 'Other 40 900']],
  ] as const)('A4: %s tells what it is about', async ([view, expression, expected]) => {
    expect(await lines(`select ${expression} as line from mart.${view} order by 1`)).toEqual(expected);
  });

  it('A4: an artist’s best known songs are rows with a rank, and every time they were taken stays', async () => {
    const query = `select concat_ws(' ', to_char(taken_at, 'MM'), rank, track_name) as line from mart.artist_top_tracks order by taken_at, rank`;
    expect(await lines(query)).toEqual(['01 1 Two', '01 2 One', '02 1 One']);
  });

  it.for(['artist', 'tracks'] as const)(
    'A4: top %s are snapshots: the second keeps the first, and the last one is marked',
    async (what) => {
      const view = `mart.user_top_${what}`;
      const query = `select concat_ws(' ', to_char(taken_at, 'MM'), rank, is_latest) as line from ${view} order by taken_at, rank`;
      expect(await lines(query)).toEqual(['01 1 f', '01 2 f', '02 1 t', '02 2 t']);
    },
  );

  it('A7: a week is told with its ISO year: the last days of December may be in the first week of the next', async () => {
    const query = `select concat_ws(' ', iso_year, iso_week, plays) as line from mart.weekly_summary order by iso_year, iso_week`;
    expect(await lines(query)).toEqual(['2024 52 1', '2025 1 2', '2026 1 1']);
    expect(
      await lines(`select concat_ws(' ', iso_year, iso_week, plays) as line from mart.plays_by_week() order by iso_year, iso_week`),
    ).toEqual(await lines(query));
  });

  it('B12: a play without a context stays NULL in core, and is Outside Playlist in reports alone', async () => {
    expect(await countOf(database.sql, 'select count(*) from core.play where context_type is null')).toBe(2);
    expect(await lines(`select concat_ws(' ', source, plays) as line from mart.plays_by_source() order by plays desc, source`)).toEqual([
      'Outside Playlist 2',
      'artist 1',
      'playlist 1',
    ]);
    expect(await countOf(database.sql, `select count(*) from core.play where context_type = 'Outside Playlist'`)).toBe(0);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SONG_COLUMNS } from '../../../src/spotify/load/songs.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { load, migrateWarehouse } from './warehouse.ts';

type Song = Partial<Record<(typeof SONG_COLUMNS)[number], string>>;

const GOOD: Required<Song> = {
  track_id: 'track',
  track_name: 'Name',
  track_artist: 'Artist',
  track_popularity: '50',
  track_album_id: 'album',
  track_album_name: 'Album',
  track_album_release_date: '2019-06-14',
  playlist_name: 'List',
  playlist_id: 'list',
  playlist_genre: 'pop',
  playlist_subgenre: 'dance pop',
  danceability: '0.5',
  energy: '0.5',
  key: '6',
  loudness: '-2.6',
  mode: '1',
  speechiness: '0.05',
  acousticness: '0.1',
  instrumentalness: '1.5e-05',
  liveness: '0.1',
  valence: '0.5',
  tempo: '122.036',
  duration_ms: '194754',
};

/** Songs with one thing wrong, and the rule and reason they must be refused with. */
const SONGS: readonly (readonly [Song, string, string])[] = [
  [{ track_id: ' ' }, 'B4', 'track_id is missing'],
  [{ playlist_id: 'NA' }, 'B4', 'playlist_id is missing'],
  [{ track_artist: 'Bj\uFFFDrk' }, 'B7', 'a name has lost letters'],
  [{ energy: 'BPM110' }, 'B5', 'energy is not a number: BPM110'],
  [{ duration_ms: '1,94,754' }, 'B5', 'duration_ms is not a number: 1,94,754'],
  [{ track_album_release_date: '2019-02-29' }, 'B6', 'track_album_release_date is not a date: 2019-02-29'],
  [{ track_popularity: '101' }, 'B8', 'track_popularity is out of range: 101'],
  [{ valence: '-0.1' }, 'B8', 'valence is out of range: -0.1'],
  [{ key: '3.5' }, 'B8', 'key is out of range: 3.5'],
  [{ duration_ms: '0' }, 'B8', 'duration_ms is out of range: 0'],
];

const PLAY = { endTime: '2025-01-01 10:00', artistName: 'Artist', trackName: 'Name', msPlayed: 31_000 };

const PLAYS: readonly (readonly [Readonly<Record<string, unknown>>, string, string])[] = [
  [{ artistName: 'Unknown Artist' }, 'B4', 'artistName is missing'],
  [{ trackName: undefined }, 'B4', 'trackName is missing'],
  [{ trackName: 'Caf\u00EF\u00BF\u00BD' }, 'B7', 'a name has lost letters'],
  [{ msPlayed: 'long' }, 'B5', 'msPlayed is not a number: long'],
  [{ msPlayed: null }, 'B5', 'msPlayed is not a number: missing'],
  [{ msPlayed: -1 }, 'B8', 'msPlayed is out of range: -1'],
  [{ msPlayed: 1e12 }, 'B8', 'msPlayed is out of range: 1000000000000'],
  [{ endTime: '2025-02-30 10:00' }, 'B11', 'endTime is not a time: 2025-02-30 10:00'],
  [{ endTime: '2025-01-01 24:00' }, 'B11', 'endTime is not a time: 2025-01-01 24:00'],
  [{ endTime: undefined }, 'B11', 'endTime is not a time: missing'],
];

describe('the cleansing rules', () => {
  let database: TestDatabase;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-spotify-'));
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });

  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  const quarantined = async (batchId: string): Promise<unknown> =>
    (await database.sql`select row_no, rule_id, reason from quality.quarantine where batch_id = ${batchId} order by row_no`).map((row) => [
      row['row_no'],
      row['rule_id'],
      row['reason'],
    ]);

  it('B1, B4, B5, B6, B7 and B8: each refuses its songs with the reason, as received, and lets good ones through', async () => {
    const songs = [GOOD, ...SONGS.map(([wrong], index) => ({ ...GOOD, track_id: `track ${index}`, ...wrong })), GOOD];
    const line = (song: Song): string => SONG_COLUMNS.map((column) => `"${song[column] ?? ''}"`).join(',');
    const file = path.join(directory, 'songs.csv');
    await writeFile(file, `${SONG_COLUMNS.join(',')}\n${songs.map((song) => line(song)).join('\n')}\n`);
    const [result] = await load(database.sql, file);
    expect(result?.run).toMatchObject({ rowsIn: songs.length, rowsOut: 1, rowsRejected: songs.length - 1 });
    expect(await quarantined(result?.batchId ?? '')).toEqual([
      ...SONGS.map(([, rule, reason], index) => [index + 2, rule, reason]),
      [songs.length, 'B1', 'says the same as row 1'],
    ]);
    const [refused] = await database.sql`select raw_row from quality.quarantine where rule_id = 'B6'`;
    expect(refused?.['raw_row']).toEqual({ ...GOOD, track_id: 'track 5', track_album_release_date: '2019-02-29' });
    const [kept] = await database.sql`select instrumentalness, duration_ms from core.audio_feature join core.track using (track_id)`;
    expect(kept).toEqual({ instrumentalness: 0.000015, duration_ms: 194_754 });
  });

  it('B1, B4, B5, B7, B8 and B11: each refuses its plays with the reason, and lets good ones through', async () => {
    const plays = [PLAY, ...PLAYS.map(([wrong], index) => ({ ...PLAY, msPlayed: 40_000 + index, ...wrong })), PLAY];
    const file = path.join(directory, 'StreamingHistory0.json');
    await writeFile(file, JSON.stringify(plays));
    const [result] = await load(database.sql, file, 'ada');
    expect(result?.run).toMatchObject({ rowsIn: plays.length, rowsOut: 1, rowsRejected: plays.length - 1 });
    expect(await quarantined(result?.batchId ?? '')).toEqual([
      ...PLAYS.map(([, rule, reason], index) => [index + 2, rule, reason]),
      [plays.length, 'B1', 'says the same as row 1'],
    ]);
    const [track] = await database.sql`select t.spotify_id from core.play join core.track as t using (track_id)`;
    expect(track).toEqual({ spotify_id: 'track' });
  });

  it.for([
    [`quality.b4_null_marker('')`, null],
    [`quality.b4_null_marker('na')`, null],
    [`quality.b4_null_marker('[]')`, null],
    [`quality.b4_null_marker('NASA')`, 'NASA'],
    [`quality.b5_number('1,234,567.5')`, '1234567.5'],
    [`quality.b5_number('1.5E-05')`, '0.000015'],
    [`quality.b5_number('12,34')`, null],
    [`quality.b5_number('1e9999')`, null],
    [`quality.b5_number('NaN')`, null],
    [`quality.b6_partial_date('1995')`, '1995-01-01'],
    [`quality.b6_partial_date('1995-06')`, '1995-06-01'],
    [`quality.b6_partial_date('2024-02-29')`, '2024-02-29'],
    [`quality.b6_partial_date('1900-02-29')`, null],
    [`quality.b6_partial_date('1995-13')`, null],
    [`quality.b6_date_precision('1995-06')`, 'month'],
    [`quality.b6_date_precision('1995-31')`, null],
    [`quality.b7_trim(E'\\u00a0\\tAda \\u3000')`, 'Ada'],
    [`quality.b11_utc('2025-01-01 23:59') at time zone 'Asia/Kolkata'`, '2025-01-02 05:29:00'],
    [`quality.b11_utc('2025-01-01 10:60')`, null],
    [`quality.b13_fold(' ÄRGER ')`, 'ärger'],
  ] as const)('%s is %s', async ([expression, value]) => {
    // Another zone of the session must not change what a time is.
    const [row] = await database.sql.begin(async (sql) => {
      await sql`set local timezone = 'America/New_York'`;
      return await sql.unsafe(`select (${expression})::text as value`);
    });
    expect(row?.['value']).toBe(value);
  });

  it('every rule of the table names a routine that exists', async () => {
    const missing = await database.sql`
      select rule_id from quality.rule as r where not exists (
        select from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname || '.' || p.proname = r.routine)`;
    expect([...missing]).toEqual([]);
  });

  it('linking duplicates by meaning again writes nothing', async () => {
    const versions = async (): Promise<unknown> => [...(await database.sql`select track_id, xmin::text from core.track order by 1`)];
    const before = await versions();
    await database.sql`call core.link_canonical_tracks()`;
    expect(await versions()).toEqual(before);
  });
});

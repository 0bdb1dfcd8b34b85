import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLoadable } from '../../../src/spotify/load/formats.ts';
import { findSources } from '../../../src/spotify/load/inspect.ts';
import { loadSource } from '../../../src/spotify/load/run.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { migrateWarehouse } from './warehouse.ts';

const id = (n: number | string): string => String(n).padStart(22, 'B');
const uri = (n: number | string): string => `spotify:track:${id(n)}`;
const csv = (...rows: readonly (readonly (string | number | undefined)[])[]): string =>
  `${rows.map((row) => row.map((field) => `"${String(field ?? '').replaceAll('"', '""')}"`).join(',')).join('\n')}\n`;

/** What refers to nothing, in each format that lists things: the file, and why its second row or item is refused. */
const REFERENCES: readonly (readonly [format: string, file: string, content: string, reason: string])[] = [
  [
    'chart',
    'b9-2025-01-02.csv',
    csv(['rank', 'uri', 'track_name', 'artist_names', 'streams'], [1, uri(1), 'One', 'Ann', 5], [2, '', 'Two', ' ', 4]),
    'it names no track: neither an identifier nor a name with its artist',
  ],
  [
    'playlist',
    'b9.csv',
    csv(['Track URI', 'Track Name', 'Artist Name(s)'], [uri(1), 'One', 'Ann'], ['', 'NA', 'Ann']),
    'it names no track: neither an identifier nor a name with its artist',
  ],
  [
    'playlist of an account export',
    'b9/Playlist1.json',
    JSON.stringify({
      playlists: [
        {
          name: 'Mine',
          lastModifiedDate: '2025-01-01',
          items: [
            { track: { trackName: 'One', artistName: 'Ann', albumName: 'A', trackUri: uri(1) }, addedDate: '2025-01-01' },
            { track: null, episode: null, localTrack: null, addedDate: '2025-01-01' },
          ],
        },
      ],
    }),
    'it names no track: neither an identifier nor a name with its artist',
  ],
  [
    'library',
    'b9/YourLibrary.json',
    JSON.stringify({
      tracks: [
        { artist: 'Ann', album: 'A', track: 'One', uri: uri(1) },
        { artist: '', track: 'Two' },
      ],
      albums: [],
      shows: [],
    }),
    'it names no track: neither an identifier nor a name with its artist',
  ],
  [
    'extended history',
    'b9/Streaming_History_Audio_2025_0.json',
    JSON.stringify([
      {
        ts: '2025-01-01T10:00:00Z',
        ms_played: 31_000,
        master_metadata_track_name: 'One',
        master_metadata_album_artist_name: 'Ann',
        spotify_track_uri: uri(1),
      },
      { ts: '2025-01-01T10:05:00Z', ms_played: 31_000, master_metadata_track_name: null, spotify_track_uri: null },
    ]),
    'it names no track: neither an identifier nor a name with its artist',
  ],
];

describe('the cleansing rules on charts, lists and libraries', () => {
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

  const values = async (query: string): Promise<readonly unknown[]> => (await database.sql.unsafe(query).values()).map(([value]) => value);
  /** Loads one file; gives what was refused of it, as `row rule reason`. Its step must not have failed. */
  const refusedOf = async (name: string, content: string | Uint8Array, encoding?: string): Promise<readonly unknown[]> => {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), content);
    const [source] = await findSources(path.join(directory, name), { stdin: process.stdin, cwd: directory, encoding });
    if (source === undefined || !isLoadable(source.recognised)) throw new Error(`${name} is not loadable`);
    const { batchId } = await loadSource(database.sql, source, {
      listener: undefined,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    expect(await values('select error from quality.run where error is not null')).toEqual([]);
    expect(await values('select rows_open from quality.accounting where rows_open <> 0')).toEqual([]);
    return await values(
      `select concat_ws(' ', row_no, rule_id, reason) from quality.quarantine where batch_id = ${batchId ?? 'null'} order by row_no, item_no`,
    );
  };

  it('B5, B6 and B8: a row of a chart is refused by what is wrong with it, and the others go on', async () => {
    const header = [
      'date',
      'rank',
      'uri',
      'track_name',
      'artist_names',
      'streams',
      'popularity',
      'duration_ms',
      'previous_rank',
      'release_date',
    ];
    const good = (rank: number): Record<string, string | number> => ({
      date: '2025-01-02',
      rank,
      uri: uri(rank),
      track_name: `Song ${rank}`,
      artist_names: 'Ann',
      streams: '1,234,567',
      popularity: 50,
      duration_ms: 200_000,
      previous_rank: -1,
      release_date: '1995',
    });
    const wrong: readonly (readonly [Readonly<Record<string, string | number>>, string])[] = [
      [{ streams: 'BPM110KeyAModeMajor' }, 'B5 streams is not a number: BPM110KeyAModeMajor'],
      [{ rank: 'first' }, 'B5 rank is not a number: first'],
      [{ popularity: '5O' }, 'B5 popularity is not a number: 5O'],
      [{ date: '2025-02-30' }, 'B6 the day of the chart is not a date: 2025-02-30'],
      [{ date: ' ' }, 'B6 no day of the chart is given'],
      [{ release_date: '2019-02-29' }, 'B6 the release date is not a date: 2019-02-29'],
      [{ rank: 0 }, 'B8 rank is out of range: 0'],
      [{ rank: '2.5' }, 'B8 rank is out of range: 2.5'],
      [{ rank: 'NA' }, 'B8 no rank is given'],
      [{ streams: -1 }, 'B8 streams is out of range: -1'],
      [{ streams: '1e30' }, `B8 streams is out of range: 1${'0'.repeat(30)}`],
      [{ popularity: 101 }, 'B8 popularity is out of range: 101'],
      [{ duration_ms: 0 }, 'B8 duration_ms is out of range: 0'],
    ];
    const rows = [good(1), ...wrong.map(([fields], at) => ({ ...good(at + 2), ...fields })), good(90)];
    const content = csv(header, ...rows.map((row) => header.map((name) => row[name])));
    expect(await refusedOf('faults.csv', content)).toEqual(wrong.map(([, why], at) => `${at + 2} ${why}`));
    const kept = `select concat_ws(' ', rank, starts_on, streams) from core.chart_entry join core.chart using (chart_id) where name = 'faults' order by rank`;
    expect(await values(kept)).toEqual(['1 2025-01-02 1234567', '90 2025-01-02 1234567']);
  });

  it('B6: a row that has its own day is not given that of the file’s name when it is none', async () => {
    const rows = csv(
      ['date', 'rank', 'uri', 'track_name', 'artist_names'],
      ['2025-13-01', 1, uri(1), 'One', 'Ann'],
      ['', 2, uri(2), 'Two', 'Ann'],
    );
    expect(await refusedOf('named-2025-03-06.csv', rows)).toEqual(['1 B6 the day of the chart is not a date: 2025-13-01']);
    expect(await values(`select starts_on::text from core.chart_entry join core.chart using (chart_id) where name = 'named'`)).toEqual([
      '2025-03-06',
    ]);
  });

  it('B6 and B10: weeks on lines of their own are taken apart, and a row with one that is none is refused', async () => {
    const header = [
      'Highest Charting Position',
      'Number of Times Charted',
      'Week of Highest Charting',
      'Song Name',
      'Artist',
      'Weeks Charted',
      'Streams',
    ];
    const rows = csv(
      header,
      [3, 2, '2021-01-01--2021-01-08', 'One', 'Ann', '2021-01-08--2021-01-15\n2021-01-01--2021-01-08', '48,633,449'],
      [4, 2, '2021-01-01--2021-01-08', 'Two', 'Ann', '2021-01-08--2021-01-15\n2021-01-01--2021-13-08', '1'],
      [5, 0, '2021-01-01--2021-01-08', 'Three', 'Ann', '2021-01-08--2021-01-15', '1'],
      [' ', 1, ' ', 'Four', 'Ann', '2021-01-08--2021-01-15', ' '],
    );
    expect(await refusedOf('weeks.csv', rows)).toEqual(['2 B6 one of the weeks is none', '3 B8 the number of weeks is out of range: 0']);
    const entries = `select concat_ws(' ', t.name, starts_on, rank) from core.chart_entry join core.chart as c using (chart_id) join core.track as t using (track_id)
      where c.name = 'weeks' order by 1`;
    expect(await values(entries)).toEqual(['Four 2021-01-08', 'One 2021-01-01 3', 'One 2021-01-08']);
  });

  it('B5, B6 and B7: a table of streams with its date in three columns, thousands separators, lost letters and text for a number', async () => {
    const header = [
      'track_name',
      'artist(s)_name',
      'artist_count',
      'released_year',
      'released_month',
      'released_day',
      'in_deezer_playlists',
      'streams',
    ];
    const rows = csv(
      header,
      ['Café', 'Zoë', 1, 2023, 7, 14, '1,045', '141381703'],
      ['Year only', 'Zoë', 1, 1970, '', '', 12, '2,000'],
      ['Caf\u00EF\u00BF\u00BD', 'Zoë', 1, 2023, 7, 14, 45, '1'],
      ['Mixed up', 'Zoë', 1, 1970, 11, 1, 54, 'BPM110KeyAModeMajorDanceability53'],
      ['No such day', 'Zoë', 1, 2023, 2, 29, 54, '3'],
      ['No month', 'Zoë', 1, 2023, '', 9, 54, '3'],
      ['No streams', 'Zoë', 1, 2023, 12, 31, 54, ''],
    );
    expect(await refusedOf('popular.csv', Buffer.from(rows, 'latin1'), 'windows-1252')).toEqual([
      '3 B7 a name has lost letters',
      '4 B5 streams is not a number: BPM110KeyAModeMajorDanceability53',
      '5 B6 the release date is not a date: 2023-02-29',
      '6 B6 the release date is not a date: 2023--09',
    ]);
    const standing = `select concat_ws(' ', t.name, streams) from core.chart_standing join core.chart as c using (chart_id) join core.track as t using (track_id)
      where c.name = 'popular' order by 1`;
    expect(await values(standing)).toEqual(['Café 141381703', 'No streams', 'Year only 2000']);
    const released = `select release_text || ' ' || quality.b6_date_precision(release_text) from quality.chart_read where chart_name = 'popular' order by row_no limit 2`;
    expect(await values(released)).toEqual(['2023-07-14 day', '1970 year']);
  });

  it('B5 and B7: an entry of a playlist or library with lost letters, or text for its length, is refused alone', async () => {
    const playlist = csv(
      ['Track URI', 'Track Name', 'Artist Name(s)', 'Duration (ms)'],
      [uri(1), 'One', 'Ann', '1,234'],
      [uri(2), 'Two', 'Ann', 'long'],
      [uri(3), 'Thr\uFFFDe', 'Ann', ''],
      [uri(4), 'Four', 'Ann', ' '],
    );
    expect(await refusedOf('lengths.csv', playlist)).toEqual(['2 B5 the duration is not a number: long', '3 B7 a name has lost letters']);
    const track = (n: number, name: string, artist: string, album: string): object => ({ track: name, artist, album, uri: uri(n) });
    const library = JSON.stringify({
      tracks: [
        track(71, 'One', 'Ann', 'A'),
        track(8, 'Eight', 'Bj\u00EF\u00BF\u00BDrk', 'A'),
        track(9, 'Nine', 'Ann', '\uFFFD'),
        track(72, ' Four ', 'Ann', ''),
      ],
      albums: [],
      shows: [],
    });
    expect(await refusedOf('lea/YourLibrary.json', library)).toEqual(['2 B7 a name has lost letters', '3 B7 a name has lost letters']);
    const saved = `select t.name from core.saved_track join core.listener as l using (listener_id) join core.track as t using (track_id) where l.name = 'lea' order by 1`;
    expect(await values(saved)).toEqual(['Four', 'One']);
  });

  it.for(REFERENCES)('B9: of a %s what refers to nothing is refused, and the row beside it is kept', async ([, file, content, reason]) => {
    expect(await refusedOf(file, content)).toEqual([`2 B9 ${reason}`]);
    const [kept] = await values(`select rows_out from quality.accounting order by batch_id desc limit 1`);
    expect(Number(kept)).toBe(1);
    const [raw] = await values(
      `select raw_row is not null and raw_row::text <> '{}' from quality.quarantine order by batch_id desc limit 1`,
    );
    expect(raw).toBe(true);
  });
});

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, writeGenerated, type GeneratedFile } from '../../../src/spotify/generate/run.ts';
import { findSources } from '../../../src/spotify/load/inspect.ts';
import { loadSource, type LoadResult } from '../../../src/spotify/load/run.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, dbadmin, migrateWarehouse, PROJECT, tableCounts } from './warehouse.ts';
import { zipOf } from './zip.ts';

const DATA = path.resolve(process.env['DBADMIN_DATA'] ?? path.join(PROJECT, '../shared/data'));
const CHARTS = path.join(DATA, 'charts-top200/spotify_dataset_original.csv');
const PLAY = {
  ts: '2025-01-01T10:00:30Z',
  ms_played: 31_000,
  master_metadata_track_name: 'Name',
  master_metadata_album_artist_name: 'Artist',
};

describe('the formats of spotify load', () => {
  let database: TestDatabase;
  let directory: string;
  let generated: readonly GeneratedFile[];
  const count = async (query: string): Promise<number> => await countOf(database.sql, query);
  const file = (name: string): string => path.join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-spotify-'));
    generated = await writeGenerated(file('generated'), { listeners: 1, plays: 400, seed: 5, kinds: KINDS });
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });

  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  async function load(target: string, options: { listener?: string; encoding?: string } = {}): Promise<readonly LoadResult[]> {
    const results: LoadResult[] = [];
    const found = await findSources(target, { stdin: process.stdin, cwd: directory, encoding: options.encoding });
    const rest = { listener: options.listener, signal: new AbortController().signal, onProgress: () => undefined };
    for (const source of found) results.push(await loadSource(database.sql, source, rest));
    return results;
  }

  /** Nothing of a refused file stays, and the message says `wanted`. */
  async function expectRefused(name: string, content: string | Uint8Array, wanted: RegExp | string, encoding?: string): Promise<void> {
    await mkdir(path.dirname(file(name)), { recursive: true });
    await writeFile(file(name), content);
    const before = await tableCounts(database.sql);
    await expect(load(name, encoding === undefined ? {} : { encoding })).rejects.toThrow(wanted);
    expect(await tableCounts(database.sql)).toEqual(before);
  }

  it('every kind of file that is generated is recognised and lands with as many rows', async () => {
    const results = await load('generated');
    expect(Object.fromEntries(results.map(({ name, rowsReceived }) => [name.replace('generated/', ''), rowsReceived]))).toEqual(
      Object.fromEntries(generated.map(({ path: name, rows }) => [name, rows])),
    );
    const formats = new Set(results.map(({ format }) => format));
    expect(formats).toEqual(new Set(['songs', 'streaming_history', 'extended_history', 'library', 'playlist', 'chart', 'page']));
    expect(new Set(results.map(({ listener }) => listener))).toEqual(new Set([undefined, 'listener-001']));
    // Of the one page its 50 items count.
    const received = 'select sum(rows_received) from quality.accounting';
    expect(await count(received)).toBe(generated.reduce((sum, { rows }) => sum + rows, 0) - 1 + 50);
  });

  it.for([
    ['songs.csv', 'raw.song'],
    ['charts/', 'raw.chart_entry'],
    ['playlists/', 'raw.playlist_entry'],
    ['StreamingHistory', 'raw.streaming_history'],
    ['Streaming_History_Audio', 'raw.extended_history'],
  ] as const)('A1: of %s each row has its line, its origin and the hash of its bytes as they stand in the file', async ([name, table]) => {
    const found = generated.filter(({ path: at }) => at.includes(name) && !at.endsWith('Playlist1.json'));
    expect(found.length).toBeGreaterThan(0);
    let checked = 0;
    for (const { path: at } of found) {
      const text = await readFile(path.join(file('generated'), at), 'utf8');
      const lines = text.split('\n');
      const rows = await database.sql<{ line: number; hash: string; isTimed: boolean; digest: string }[]>`
        select r.line_no as line, encode(r.hash, 'hex') as hash, r.received_at between b.received_at and now() as "isTimed", encode(b.content_sha256, 'hex') as digest
        from ${database.sql(table)} as r join raw.batch as b using (batch_id) where b.content_sha256 = ${createHash('sha256').update(text).digest()}
          and r.source = b.source order by r.row_no`;
      for (const { line, hash, isTimed } of rows) {
        const row = (lines[line - 1] ?? '').replace(/^\s*(\{.*\}),?$/, '$1');
        // A field of a table may hold line ends: what is one line is compared.
        if ((row.split('"').length - 1) % 2 !== 0) continue;
        expect({ line, hash, isTimed }).toEqual({ line, hash: createHash('sha256').update(row).digest('hex'), isTimed: true });
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(20);
  });

  it('A1: loaded again they add nothing', async () => {
    const landed = async (): Promise<unknown> => await database.sql`select batch_id, rows_received from quality.accounting order by 1`;
    const before = await landed();
    expect(new Set((await load('generated')).map(({ status }) => status))).toEqual(new Set(['already received']));
    expect(await landed()).toEqual(before);
  });

  it('B3: each play of the basic export has its twin in the extended one, one to one, and podcasts and older plays none', async () => {
    const refused = `from quality.quarantine as q join raw.batch as b using (batch_id) where q.rule_id = 'B3' and b.source`;
    const basic = await count(`select count(*) ${refused} = 'streaming_history'`);
    const episodes = await count(`select count(*) from raw.extended_history as x join raw.batch as b using (batch_id)
      where b.file_name like '%2025%' and body ->> 'episode_name' is not null`);
    expect(basic).toBe(400 - episodes);
    const twins = `select count(distinct q.reason) ${refused} = 'streaming_history' and q.reason like 'the extended export says the same: %'`;
    expect(await count(twins)).toBe(basic);
    expect(await count(`select count(*) ${refused} = 'extended_history'`)).toBe(0);
    expect(await count(`select count(*) from core.play where feed = 'basic'`)).toBe(episodes);
  });

  it('A6: charts read the same from a download of a week, from JSON and from a row a track', async () => {
    const weekly = `from quality.chart_read where chart_name = 'regional-global-weekly'`;
    expect(await count(`select count(distinct chart_day) ${weekly}`)).toBe(12);
    expect(await count(`select count(*) ${weekly} and rank between 1 and 50 and track_spotify_id is not null and streams > 0`)).toBe(600);
    expect(await count(`select count(*) from quality.chart_read where chart_name = 'top50 Vietnam' and chart_day is not null`)).toBe(100);
    // The summary was made of the same weeks: unnested, it has the days of the weekly downloads.
    const differing = `(select track_name, lower(week) as day from quality.chart_read, unnest(weeks_charted) as week where layout = 'track_summary')
      except (select track_name, chart_day ${weekly})`;
    expect(await count(`select count(*) from (${differing}) as d`)).toBe(0);
    expect(
      await count(`select count(*) from quality.chart_read where layout = 'track_summary' and cardinality(weeks_charted) <> times_charted`),
    ).toBe(0);
  });

  it('B4, B5, B6 and B10: the charts file of 1,556 rows gives the counts that were counted on it', async (context) => {
    if (!existsSync(CHARTS)) context.skip(`the data is not there: ${DATA} (DBADMIN_DATA names another directory)`);
    const [result] = await load(CHARTS);
    expect(result?.rowsReceived).toBe(1_556);
    const [found] = await database.sql`
      select count(streams) as streams, count(*) - count(track_spotify_id) as blank_ids, count(*) - count(genres) as no_genres,
        count(*) - count(release_text) as no_dates, count(*) filter (where cardinality(weeks_charted) = times_charted) as agreeing,
        count(*) filter (where cardinality(weeks_charted) > 1) as several_weeks, max(cardinality(weeks_charted)) as most_weeks,
        count(track_spotify_id) - count(distinct track_spotify_id) as surplus_ids
      from quality.chart_read where batch_id = ${result?.batchId ?? ''}`;
    expect(found).toEqual({
      streams: '1556',
      blank_ids: '11',
      no_genres: String(75 + 11),
      no_dates: '11',
      agreeing: '1556',
      several_weeks: '1047',
      most_weeks: 142,
      // 39 in the file, where the 11 blank ones count as one.
      surplus_ids: String(39 - 10),
    });
    // The single spaces of 11 rows are NULL by B4, and nothing is wrong with them; nor with any but tracks told twice.
    const refused = await database.sql`select rule_id, count(*)::integer as rows from quality.quarantine
      where batch_id = ${result?.batchId ?? ''} group by 1 order by 1`;
    expect([...refused]).toEqual([{ rule_id: 'B2', rows: 39 - 10 }]);
  });

  it('B9: playlists read the same from a file of columns and from an account export; it names what refers to nothing', async () => {
    expect(await count(`select count(*) from quality.playlist_read where playlist_name = 'road_trip' and track_name is not null`)).toBe(60);
    const missing = 'quality.b9_missing_reference(track_spotify_id, track_name, artist_names[1])';
    expect(await count(`select count(*) from quality.playlist_read where ${missing} is not null and playlist_name = 'Mornings'`)).toBe(2);
    expect(await count(`select count(*) from quality.playlist_read where added_at is null`)).toBe(0);
    const lines = await database.sql`select line_no from raw.playlist_entry where layout = 'account_export' order by row_no limit 2`;
    const text = (await readFile(file('generated/listener-001/Playlist1.json'), 'utf8')).split('\n');
    for (const { line_no: line } of lines) expect(text[Number(line) - 1]?.trim()).toBe('{');
  });

  it('straight from the zip: the same content as the open files, under the name of the folder around', async () => {
    const extended = JSON.stringify([PLAY]);
    await writeFile(
      file('dora.zip'),
      zipOf({ 'my_spotify_data/Streaming_History_Audio_2025_0.json': extended, 'ReadMeFirst.pdf': 'x', '__MACOSX/._a.json': 'x' }),
    );
    const [packed, ...others] = await load('dora.zip');
    expect(packed).toMatchObject({ format: 'extended_history', listener: 'dora', rowsReceived: 1, status: 'received' });
    expect(others).toEqual([]);
    const batch = await database.sql`select archive_name, file_name from raw.batch where batch_id = ${packed?.batchId ?? ''}`;
    expect(batch[0]).toEqual({ archive_name: 'dora.zip', file_name: 'Streaming_History_Audio_2025_0.json' });
    await mkdir(file('dora'));
    await writeFile(file('dora/open.json'), extended);
    expect(await load('dora')).toMatchObject([{ status: 'already received', rowsReceived: 0 }]);
  });

  it('a zip that is cut off, or whose content is not what it says, is refused', async () => {
    const zip = zipOf({ 'MyData/StreamingHistory0.json': await readFile(file('generated/listener-001/StreamingHistory0.json')) });
    await expectRefused('cut.zip', zip.subarray(0, zip.length >> 1), 'cut.zip cannot be read: it is cut off, damaged or no zip archive');
    const wrongSum = Buffer.from(zip);
    wrongSum.writeUInt32LE(1, zip.length - 22 - (46 + 'MyData/StreamingHistory0.json'.length) + 16);
    await expectRefused('sum.zip', wrongSum, 'does not have the checksum that the archive gives for it');
    const flipped = Buffer.from(zip);
    flipped.fill(0xff, 100, 200);
    await expectRefused('flipped.zip', flipped, /flipped.zip.*(cannot be unpacked|damaged)/);
    await expectRefused('none.zip', zipOf({ 'a.txt': 'a' }), 'is an archive without a CSV or JSON file');
  });

  it('UTF-16 by its mark, other encodings when told, and the delimiters of spreadsheets', async () => {
    const rows = 'Track URI\tTrack Name\tArtist Name(s)\nspotify:track:3Wrjm47oTz2sjIgck11l5e\tBeggin’ é\tMåneskin\n';
    await writeFile(file('wide.csv'), Buffer.from(`\uFEFF${rows}`, 'utf16le'));
    await writeFile(file('latin.csv'), Buffer.from('Track URI;Track Name;Artist Name(s)\n;"Ö; é";Måneskin\n', 'latin1'));
    await load('wide.csv');
    await load('latin.csv', { encoding: 'windows-1252' });
    const read = await database.sql`select playlist_name, track_spotify_id, track_name, artist_names, b.encoding from quality.playlist_read
      join raw.batch as b using (batch_id) where playlist_name in ('wide', 'latin') order by 1`;
    expect([...read]).toEqual([
      { playlist_name: 'latin', track_spotify_id: null, track_name: 'Ö; é', artist_names: ['Måneskin'], encoding: 'windows-1252' },
      {
        playlist_name: 'wide',
        track_spotify_id: '3Wrjm47oTz2sjIgck11l5e',
        track_name: 'Beggin’ é',
        artist_names: ['Måneskin'],
        encoding: 'utf-16le',
      },
    ]);
  });

  it.for([
    ['bytes of another encoding', 'l1.csv', Buffer.from('Track URI,Track Name\na,b\na,é\n', 'latin1'), 'l1.csv: line 3 is not UTF-8 text'],
    ['a play of another encoding', 'eva/l1.json', Buffer.from('[\n{"ts": "", "ms_played": "é"}]', 'latin1'), 'line 2 is not UTF-8 text'],
    [
      'a chart row with a field too many',
      'more.csv',
      'rank,track_name\n1,a\n2,b,c\n',
      'line 3 is not a row of CSV: it has 3 fields, the header has 2',
    ],
    ['a chart that names a column twice', 'twice.csv', 'rank,track_name,Rank\n', 'column "rank" is named twice'],
    [
      'a songs file without a column',
      'less.csv',
      'track_id,playlist_subgenre\n',
      'looks like a songs file, but column "track_name" is missing',
    ],
    ['an empty file', 'empty.json', '', 'empty.json is empty'],
    ['a play that is not JSON', 'eva/x.json', `[\n${JSON.stringify(PLAY)},\n\n{"ts": "", "ms_played": 1x}]`, /x.json: line 4 is not JSON/],
    [
      'a play with a NUL',
      'eva/nul.json',
      '[\n{"ts": "\\u0000", "ms_played": 1}]',
      'line 2 holds a character which no text of PostgreSQL can',
    ],
    [
      'a document that is not JSON',
      'eva/Playlist1.json',
      '{"playlists": [\n{"name": "a",\n"items": [}]}',
      'Playlist1.json cannot be read: line 3 is not JSON',
    ],
    [
      'a history that is cut off',
      'eva/cut.json',
      `[\n${JSON.stringify(PLAY)},\n{"ts": "2`,
      'line 3 is not a list of objects: the object that begins here never ends',
    ],
    ['other JSON', 'eva/Follow.json', '{"userIsFollowing": []}', 'is JSON, but neither a page'],
  ] as const)('%s is refused with the line or the reason', async ([, name, content, wanted]) => {
    await expectRefused(name, content, wanted);
  });

  it('of a directory with a broken file the others are loaded, and the status is 3', async () => {
    await mkdir(file('part/fay'), { recursive: true });
    await writeFile(file('part/fay/good.json'), JSON.stringify([PLAY]));
    await writeFile(file('part/fay/bad.json'), `[${JSON.stringify(PLAY)},\n{]`);
    await writeFile(file('part/cut.zip'), zipOf({ 'a.json': '[]' }).subarray(0, 40));
    const { status, stdout } = await dbadmin(['spotify', 'load', 'part', '--url', database.url, '--json'], directory);
    expect(status).toBe(3);
    const told = JSON.parse(stdout) as { files: { name: string }[]; refused: { message: string }[] };
    expect(told.files.map(({ name }) => name)).toEqual(['part/fay/good.json']);
    expect(told.refused.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^part\/cut.zip cannot be read/),
      expect.stringMatching(/^part\/fay\/bad.json: line 2 /),
    ]);
  });
});

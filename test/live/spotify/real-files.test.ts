import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, load, migrateWarehouse, PROJECT, tableCounts } from './warehouse.ts';

const DATA = path.resolve(process.env['DBADMIN_DATA'] ?? path.join(PROJECT, '../shared/data'));
const SONGS = path.join(DATA, 'tracks-tidytuesday');
const HISTORY = path.join(DATA, 'history-jonas-mika');
const isThere = existsSync(SONGS) && existsSync(HISTORY);

/** What these files hold, counted on the files by other means. */
describe('the real files', () => {
  let database: TestDatabase;
  const count = async (query: string): Promise<number> => await countOf(database.sql, query);

  beforeAll(async () => {
    if (!isThere) return;
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
    await load(database.sql, SONGS);
    await load(database.sql, HISTORY, 'jonas');
  });

  afterAll(async () => await database?.drop());

  beforeEach((context) => {
    if (!isThere) context.skip(`the data is not there: ${DATA} (DBADMIN_DATA names another directory)`);
  });

  it('A1: 32,833 songs and 54,429 plays land whole, as many as each batch says', async () => {
    expect(await count('select count(*) from raw.song')).toBe(32_833);
    expect(await count('select count(*) from raw.streaming_history')).toBe(54_429);
    expect(await count('select count(*) from raw.batch')).toBe(7);
    const wrong = `select count(*) from raw.batch as b where row_count <>
      (select count(*) from raw.song where batch_id = b.batch_id) + (select count(*) from raw.streaming_history where batch_id = b.batch_id)`;
    expect(await count(wrong)).toBe(0);
  });

  it('rows in = rows out + rejected, for each batch and each row of it', async () => {
    const landed = '(select batch_id, row_no from raw.song union all select batch_id, row_no from raw.streaming_history)';
    const kept = '(select batch_id, row_no from core.playlist_track union all select batch_id, row_no from core.play)';
    const refused = '(select batch_id, row_no from quality.quarantine)';
    expect(await count(`select count(*) from (${landed} except (${kept} union all ${refused})) as lost`)).toBe(0);
    expect(await count(`select count(*) from (${kept} intersect ${refused}) as twice`)).toBe(0);
    expect(await count(`select count(*) from ((${kept} union all ${refused}) except ${landed}) as invented`)).toBe(0);
    expect(await count('select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
    expect(await count('select sum(rows_received) from quality.accounting')).toBe(32_833 + 54_429);
  });

  it('runs add up to what the tables hold', async () => {
    const wrong = `select count(*) from quality.accounting as a join quality.run as r using (batch_id)
      where (r.rows_in, r.rows_out, r.rows_rejected) is distinct from (a.rows_received, a.rows_out, a.rows_rejected)`;
    expect(await count(wrong)).toBe(0);
  });

  it('B2: 582 surplus listings of a track in its playlist are refused, and no other song row is', async () => {
    expect(await count(`select count(*) from quality.quarantine where rule_id = 'B2'`)).toBe(582);
    const others = `select count(*) from quality.quarantine where batch_id in (select batch_id from raw.song) and rule_id <> 'B2'`;
    expect(await count(others)).toBe(0);
    expect(await count('select count(*) from core.playlist_track')).toBe(32_833 - 582);
  });

  it('B4: the names of 5 rows say NA, and become NULL', async () => {
    const rows = `raw.song where 'NA' in (track_name, track_artist, track_album_name)`;
    expect(await count(`select count(*) from ${rows}`)).toBe(5);
    const named = `select count(*) from core.track where spotify_id in (select track_id from ${rows}) and name is not null`;
    expect(await count(named)).toBe(0);
    expect(await count(`select count(*) from core.artist where name = 'NA'`)).toBe(0);
    expect(await count(`select count(*) from core.album where name = 'NA'`)).toBe(0);
  });

  it('A3 and B6: release dates keep their precision: 30,947 days, 1,855 years, 31 months', async () => {
    const rows = (precision: string): string => `select count(*) from raw.song as s join core.album as a on a.spotify_id = s.track_album_id
      where a.release_date_precision = '${precision}'`;
    expect(await count(rows('day'))).toBe(30_947);
    expect(await count(rows('year'))).toBe(1_855);
    expect(await count(rows('month'))).toBe(31);
  });

  it('the catalogue holds 28,356 tracks, 22,545 albums, 471 playlists, 6 genres and 24 subgenres', async () => {
    expect(await count('select count(*) from core.track where spotify_id is not null')).toBe(28_356);
    expect(await count('select count(*) from core.album')).toBe(22_545);
    expect(await count('select count(*) from core.playlist')).toBe(471);
    expect(await count('select count(*) from core.genre')).toBe(6);
    expect(await count('select count(*) from core.subgenre')).toBe(24);
    expect(await count('select count(*) from core.audio_feature')).toBe(28_356);
  });

  it('B8: one track was never analysed and 6 rows are louder than 0 dB', async () => {
    expect(await count('select count(*) from core.audio_feature where tempo_bpm is null')).toBe(1);
    const loud = `select count(*) from core.audio_feature as f join core.track as t using (track_id)
      join raw.song as s on s.track_id = t.spotify_id where f.loudness_db > 0`;
    expect(await count(loud)).toBe(6);
  });

  it.for([
    ['songs', 'B4', 'track without a name', 5],
    // The five, and one Unknown Artist.
    ['songs', 'B4', 'track without an artist', 6],
    ['songs', 'B4', 'album without a name', 5],
    ['songs', 'B5', 'scientific notation in instrumentalness', 10_357],
    ['songs', 'B5', 'text in a number column', 0],
    ['songs', 'B6', 'release date to the day', 30_947],
    ['songs', 'B6', 'release date to the month', 31],
    ['songs', 'B6', 'release date to the year', 1_855],
    ['songs', 'B7', 'lost letters', 0],
    ['songs', 'B8', 'loudness above 0 dB', 6],
    ['songs', 'B8', 'tempo 0: never analysed', 1],
    ['songs', 'B8', 'shorter than 30 s', 2],
    ['songs', 'B8', 'popularity 0', 2_703],
    ['streaming_history', 'B8', 'skips: shorter than 30 s', 21_891],
    ['streaming_history', 'B8', 'heard for 0 ms', 1_590],
    ['streaming_history', 'B8', 'longer than 15 min', 227],
    ['streaming_history', 'B8', 'longer than 60 min', 13],
  ] as const)('B4, B5, B6, B7 and B8: the count of %s, %s, %s is %d', async ([source, rule, finding, found]) => {
    const told = `select sum(found) from quality.rule_count as c join quality.run using (run_id) join raw.batch as b using (batch_id)
      where b.source = '${source}' and c.rule_id = '${rule}' and c.finding = '${finding}'`;
    expect(await count(told)).toBe(found);
  });

  it('B7: outer blanks are counted as they stand in the files, and none is left in a name', async () => {
    const blank = (text: string): string => `${text} ~ '^[[:space:]]|[[:space:]]$'`;
    const plays = `select count(*) from raw.streaming_history where ${blank(`body ->> 'artistName'`)} or ${blank(`body ->> 'trackName'`)}`;
    const songs = `select count(*) from raw.song where ${['track_name', 'track_artist', 'track_album_name', 'playlist_name'].map(blank).join(' or ')}`;
    const found = await count(plays);
    expect(found).toBeGreaterThanOrEqual(6);
    const told = `select sum(found) from quality.rule_count where rule_id = 'B7' and finding = 'outer blanks'`;
    expect(await count(told)).toBe(found + (await count(songs)));
    for (const table of ['artist', 'album', 'track', 'playlist'])
      expect(await count(`select count(*) from core.${table} where ${blank('name')}`)).toBe(0);
  });

  it('B13: 1,751 groups of 2,196 surplus identifiers mean the same; the named ones are linked, none is deleted', async () => {
    const groups = `(select count(distinct track_id) as ids, lower(track_name) as name from raw.song
      group by lower(track_name), lower(track_artist) having count(distinct track_id) > 1) as g`;
    expect(await count(`select count(*) from ${groups}`)).toBe(1_751);
    expect(await count(`select sum(ids - 1) from ${groups}`)).toBe(2_196);
    // The one group without a name has nothing in common but that nobody knows it.
    const nameless = await count(`select ids from ${groups} where name = 'na'`);
    const linked = 'core.track where spotify_id is not null and canonical_track_id is not null';
    expect(await count(`select count(distinct canonical_track_id) from ${linked}`)).toBe(1_751 - 1);
    expect(await count(`select count(*) from ${linked}`)).toBe(2_196 - (nameless - 1));
    expect(
      await count(`select count(*) from core.track as t join core.track as c on c.track_id = t.canonical_track_id
      where c.canonical_track_id is not null`),
    ).toBe(0);
  });

  it('every play is kept: 21,891 skips, 1,590 of 0 ms, 227 above 15 min, 13 above 60 min', async () => {
    expect(await count('select count(*) from core.play')).toBe(54_429);
    expect(await count('select count(*) from core.play where is_skip')).toBe(21_891);
    expect(await count('select count(*) from core.play where ms_played = 0')).toBe(1_590);
    expect(await count('select count(*) from core.play where ms_played > 15 * 60000')).toBe(227);
    expect(await count('select count(*) from core.play where ms_played > 60 * 60000')).toBe(13);
    expect(await count('select max(ms_played) from core.play')).toBe(8_003_552);
    expect(await count('select count(distinct ended_at) from core.play')).toBe(34_421);
  });

  it('B2 and B11: 886 plays of a track end in the same minute as another, 2,995 overlap the play before', async () => {
    const twins = 'select count(*) - count(distinct (ended_at, track_id)) from core.play';
    expect(await count(twins)).toBe(886);
    const overlaps = `select count(*) from (select ms_played, ended_at - lag(ended_at) over (order by batch_id, row_no) as since from core.play) as p
      where ms_played > extract(epoch from since) * 1000 + 60000`;
    expect(await count(overlaps)).toBe(2_995);
    const told = (finding: string): string => `select sum(found) from quality.rule_count where finding = '${finding}'`;
    expect(await count(told('same track again in the same minute, kept'))).toBe(886);
    expect(await count(told('overlaps the play before'))).toBe(2_995);
  });

  it('H3: listening is 32,525 plays of 4,934 tracks in 1,639 sessions', async () => {
    expect(await count('select count(*) from core.listen')).toBe(32_525);
    expect(await count('select count(distinct track_id) from core.listen')).toBe(4_934);
    expect(await count('select count(*) from core.sessions()')).toBe(1_639);
    expect(await count('select sum(listens) from core.sessions()')).toBe(32_525);
  });

  it('H3: through the marts it is the same, and two rebuilds and a refresh have the same checksums', async () => {
    await database.sql`call mart.refresh()`;
    expect(await count('select plays from mart.cards()')).toBe(32_525);
    expect(await count('select songs from mart.cards()')).toBe(4_934);
    expect(await count('select count(*) from mart.listening_sessions()')).toBe(1_639);
    expect(await count('select sum(plays) from mart.listening_sessions()')).toBe(32_525);
    expect(await count('select count(*) from mart.fact_play')).toBe(54_429);
    const checksums = async (): Promise<unknown> => await database.sql.unsafe('select * from mart.checksums()').values();
    const refreshed = await checksums();
    for (let times = 0; times < 2; times += 1) {
      await database.sql`call mart.rebuild()`;
      expect(await checksums()).toEqual(refreshed);
    }
    expect(await count('select count(*) from quality.run where error is not null')).toBe(0);
  });

  it('play counts by trigger equal plays counted', async () => {
    const wrong = `select count(*) from core.track_play_count as c full join
      (select track_id, count(*) as plays, sum(ms_played) as ms_played from core.play group by 1) as p using (track_id)
      where (c.plays, c.ms_played) is distinct from (p.plays, p.ms_played)`;
    expect(await count(wrong)).toBe(0);
  });

  it('loaded again, they add no row anywhere', async () => {
    const before = await tableCounts(database.sql);
    const again = [...(await load(database.sql, SONGS)), ...(await load(database.sql, HISTORY, 'jonas'))];
    expect(again.map(({ status, rowsReceived }) => [status, rowsReceived])).toEqual(again.map(() => ['already received', 0]));
    expect(await tableCounts(database.sql)).toEqual(before);
  });
});

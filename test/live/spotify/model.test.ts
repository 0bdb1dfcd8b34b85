import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, load, migrateWarehouse } from './warehouse.ts';

const id = (n: number): string => String(n).padStart(22, 'A');
const uri = (n: number): string => `spotify:track:${id(n)}`;
const basic = (endTime: string, track: string, msPlayed: number): object => ({ endTime, artistName: 'Artist', trackName: track, msPlayed });
const extended = (ts: string, n: number, ms: unknown): object => ({
  ts,
  ms_played: ms,
  master_metadata_track_name: `Track ${n}`,
  master_metadata_album_artist_name: 'Artist',
  master_metadata_album_album_name: 'Album',
  spotify_track_uri: uri(n),
});

describe('core, from the other sources', () => {
  let database: TestDatabase;
  let directory: string;
  const count = async (query: string): Promise<number> => await countOf(database.sql, query);
  const give = async (name: string, content: unknown, listener?: string): Promise<void> => {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    await load(database.sql, file, listener);
    expect(await count('select count(*) from quality.run where error is not null')).toBe(0);
    expect(await count('select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
  };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-spotify-'));
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });
  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('A2: every table has a primary key, and a comment on it and on each of its columns', async () => {
    const bare = `select count(*) from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('raw', 'quality', 'core', 'audit', 'mart')
        and (obj_description(c.oid) is null or not exists (select from pg_constraint as k where k.conrelid = c.oid and k.contype = 'p'))`;
    expect(await count(bare)).toBe(0);
    const columns = await database.sql`select c.oid::regclass::text || '.' || a.attname as name
      from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind = 'r' and c.relnamespace in ('core'::regnamespace, 'audit'::regnamespace, 'mart'::regnamespace)
        and col_description(c.oid, a.attnum) is null`;
    expect([...columns]).toEqual([]);
    const routines = await database.sql`select p.oid::regprocedure::text as name from pg_proc as p
      where p.pronamespace in ('core'::regnamespace, 'audit'::regnamespace, 'mart'::regnamespace, 'api'::regnamespace)
        and obj_description(p.oid, 'pg_proc') is null`;
    expect([...routines]).toEqual([]);
  });

  it('A2: what a column of core is named after is a table that it refers to, and plays and artists of a track are as they should be', async () => {
    const loose = await database.sql`select c.oid::regclass::text || '.' || a.attname as name
      from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind = 'r' and c.relnamespace = 'core'::regnamespace
        and exists (select from pg_constraint as k join pg_attribute as key on key.attrelid = k.conrelid and key.attnum = k.conkey[1]
          where k.contype = 'p' and cardinality(k.conkey) = 1 and k.conrelid <> c.oid and key.attname = a.attname
            and k.connamespace in ('core'::regnamespace, 'raw'::regnamespace))
        and not exists (select from pg_constraint as f
          where f.conrelid = c.oid and a.attnum = any (f.conkey) and (f.contype = 'f' and f.convalidated or f.contype = 'p' and cardinality(f.conkey) = 1))
      order by 1`;
    expect([...loose]).toEqual([]);
    const columnsOf = async (table: string): Promise<readonly string[]> =>
      (
        await database.sql<{ line: string }[]>`select attname || ' ' || format_type(atttypid, null) as line
          from pg_attribute where attrelid = ${table}::regclass and attnum > 0 and not attisdropped`
      ).map(({ line }) => line);
    expect(await columnsOf('core.play')).toEqual(
      expect.arrayContaining([
        'listener_id bigint',
        'ended_at timestamp with time zone',
        'track_id bigint',
        'ms_played integer',
        'context_type text',
        'context_uri text',
        'feed text',
      ]),
    );
    const [key] = await database.sql`select pg_get_constraintdef(oid) as key from pg_constraint
      where conrelid = 'core.track_artist'::regclass and contype = 'p'`;
    expect(key).toEqual({ key: 'PRIMARY KEY (track_id, "position")' });
  });

  it('B3: plays of both exports of a listener count once, whichever comes first, and the extended one stands', async () => {
    const both = [extended('2025-01-01T10:00:23Z', 1, 31_000), extended('2025-01-01T10:00:55Z', 1, 31_000)];
    await give('ada/StreamingHistory0.json', [
      basic('2025-01-01 10:00', 'Track 1', 31_000),
      basic('2025-01-01 10:00', 'Track 1', 31_001),
      basic('2025-01-01 10:09', 'Track 9', 31_000),
    ]);
    await give('ada/Streaming_History_Audio_2025_0.json', both);
    const plays = async (listener: string): Promise<unknown> =>
      (
        await database.sql`
        select to_char(ended_at at time zone 'UTC', 'HH24:MI:SS') || ' ' || ms_played || ' ' || feed as play
        from core.play join core.listener as l using (listener_id) where l.name = ${listener} order by ended_at, minute_seq`
      ).map((row) => String(row['play']));
    const expected = ['10:00:00 31001 basic', '10:00:23 31000 extended', '10:00:55 31000 extended', '10:09:00 31000 basic'];
    expect(await plays('ada')).toEqual(expected);
    await give('bea/Streaming_History_Audio_2025_0.json', both);
    await give('bea/StreamingHistory0.json', [
      basic('2025-01-01 10:00', 'Track 1', 31_000),
      basic('2025-01-01 10:00', 'Track 1', 31_001),
      basic('2025-01-01 10:09', 'Track 9', 31_000),
    ]);
    expect(await plays('bea')).toEqual(expected);
    expect(await count(`select count(*) from quality.quarantine where rule_id = 'B3'`)).toBe(2);
  });

  it('an extended export names track and album; bad rows are refused with their rule', async () => {
    await give('cid/Streaming_History_Audio_2025_0.json', [
      extended('2025-02-01T10:00:00Z', 2, 40_000),
      extended('2025-02-01T10:00:01Z', 2, 'long'),
      extended('2025-02-30T10:00:00Z', 2, 40_000),
      extended('2025-02-01T10:00:02Z', 2, -1),
      { ts: '2025-02-01T10:00:03Z', ms_played: 1 },
    ]);
    const refused = await database.sql`select q.rule_id from quality.quarantine as q join raw.batch as b using (batch_id)
      where b.listener_name = 'cid' order by q.row_no`;
    expect(refused.map((row) => String(row['rule_id']))).toEqual(['B5', 'B11', 'B8', 'B9']);
    const [kept] = await database.sql`select t.spotify_id, b.name as album from core.play join core.listener as l using (listener_id)
      join core.track as t using (track_id) join core.album as b using (album_id) where l.name = 'cid'`;
    expect(kept).toEqual({ spotify_id: id(2), album: 'Album' });
  });

  it('a playlist holds its tracks in order; one listed again is refused by B2', async () => {
    const row = (n: number): string => `${uri(n)},Track ${n},Artist,Album`;
    await give('mine.csv', ['Track URI,Track Name,Artist Name(s),Album Name', row(2), row(3), row(2)].join('\n'), 'cid');
    const tracks =
      await database.sql`select t.spotify_id, pt.position from core.playlist as p join core.playlist_track as pt using (playlist_id)
      join core.track as t using (track_id) where p.name = 'mine' order by 2`;
    expect([...tracks]).toEqual([
      { spotify_id: id(2), position: 1 },
      { spotify_id: id(3), position: 2 },
    ]);
  });

  it('H5: a chart gives entries; the trend tells movement, peak, issues and new entries', async () => {
    const day = (date: string, ranks: readonly number[]): string =>
      ranks.map((n, at) => `${date},${at + 1},${uri(n)},Track ${n},Artist`).join('\n');
    await give(
      'daily.csv',
      [
        'date,rank,uri,track_name,artist_names',
        day('2025-01-01', [1, 2, 3]),
        day('2025-01-02', [3, 1, 4]),
        day('2025-01-03', [3, 2, 1]),
      ].join('\n'),
    );
    const trend =
      await database.sql`select to_char(starts_on, 'DD') || ' ' || track || ': ' || concat_ws(' ', rank, coalesce(movement::text, '-'),
      peak_rank, issues_on_chart, is_new) as line from mart.chart_trend order by starts_on, rank`;
    expect(trend.map((row) => String(row['line']).replace('Track ', ''))).toEqual([
      '01 1: 1 - 1 1 t',
      '01 2: 2 - 2 1 t',
      '01 3: 3 - 3 1 t',
      '02 3: 1 2 1 2 f',
      '02 1: 2 -1 1 2 f',
      '02 4: 3 - 3 1 t',
      '03 3: 1 0 1 3 f',
      '03 2: 2 - 2 2 f',
      '03 1: 3 -1 1 3 f',
    ]);
  });

  it('C2: a track that something refers to cannot be deleted, and top lists stay side by side', async () => {
    await expect(database.sql`delete from core.track where spotify_id = ${id(2)}`).rejects.toMatchObject({ code: '23503' });
    await database.sql.unsafe(`
      insert into core.top_list (listener_id, kind, time_range, taken_at)
        select min(listener_id), 'tracks', 'long_term', t from core.listener, unnest('{2025-01-01,2025-02-01}'::timestamptz[]) as t group by t;
      insert into core.top_list_track (top_list_id, rank, track_id) select top_list_id, 1, (select min(track_id) from core.track) from core.top_list`);
    expect(await count('select count(*) from mart.user_top_tracks')).toBe(2);
    expect(await count('select count(*) from mart.user_top_tracks where is_latest')).toBe(1);
  });
});

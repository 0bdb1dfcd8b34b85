import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, load, migrateWarehouse } from './warehouse.ts';

/** Plays that reports count, read from core alone, in the time zone of the listener unless another is given. */
const listens = (zone = 'l.time_zone'): string => `(
  select p.*, t.name as track, coalesce(t.canonical_track_id, t.track_id) as song, t.album_id, (p.ended_at at time zone ${zone}) as here
  from core.play as p join core.listener as l using (listener_id) join core.track as t using (track_id)
  where p.ms_played between 30000 and 3600000) as p`;

/** A figure of the marts, and the same worked out on core in another way. */
const FIGURES: readonly (readonly [mart: string, core: string])[] = [
  [
    'select songs, plays, weekend_plays, weekday_plays, listening_hours from mart.cards()',
    `select count(distinct track_id), count(*), sum((to_char(here, 'ID')::int > 5)::int), sum((to_char(here, 'ID')::int < 6)::int),
       round(sum(ms_played) / 3600000.0, 2) from ${listens()}`,
  ],
  [
    'select rank, track_id, plays from mart.top_tracks(null, 8)',
    `select row_number() over (order by count(*) desc, sum(ms_played) desc, song), song, count(*) from ${listens()} group by song order by 1 limit 8`,
  ],
  [
    'select name, plays from mart.top_artists(null, 8)',
    `select a.name, count(*) from ${listens()} join core.track_artist as ta using (track_id) join core.artist as a using (artist_id)
     group by a.artist_id order by 2 desc, sum(ms_played) desc, a.artist_id limit 8`,
  ],
  [
    'select album_id, plays from mart.top_albums()',
    `select album_id, count(*) from ${listens()} where album_id is not null group by 1 order by 2 desc, sum(ms_played) desc, 1 limit 4`,
  ],
  [
    'select hour, plays from mart.plays_by_hour() where plays > 0',
    `select date_part('hour', here)::smallint, count(*) from ${listens()} group by 1 order by 1`,
  ],
  [
    `select hour, plays from mart.plays_by_hour(mart.only(zone => 'Asia/Kolkata')) where plays > 0`,
    `select date_part('hour', here)::smallint, count(*) from ${listens(`'Asia/Kolkata'`)} group by 1 order by 1`,
  ],
  [
    'select day_of_week, plays from mart.plays_by_weekday() where plays > 0',
    `select to_char(here, 'ID')::int, count(*) from ${listens()} group by 1 order by 1`,
  ],
  [
    'select day, plays, ms_played from mart.plays_by_day()',
    `select here::date, count(*), sum(ms_played) from ${listens()} group by 1 order by 1`,
  ],
  [
    'select iso_year, iso_week, plays from mart.plays_by_week()',
    `select to_char(here, 'IYYY')::int, to_char(here, 'IW')::int, count(*) from ${listens()} group by 1, 2 order by 1, 2`,
  ],
  [
    'select month, plays from mart.months()',
    `select (to_char(here, 'YYYY-MM') || '-01')::date, count(*) from ${listens()} group by 1 order by 1`,
  ],
  ['select first_day, last_day from mart.date_range()', `select min(here)::date, max(here)::date from ${listens()}`],
  [
    'select source, plays from mart.plays_by_source()',
    `select coalesce(context_type, 'Outside Playlist'), count(*) from ${listens()} group by 1 order by 2 desc, 1`,
  ],
  [
    'select content, plays from mart.plays_by_content()',
    `select case t.explicit when true then 'explicit' when false then 'not explicit' else 'unknown' end, count(*)
     from ${listens()} join core.track as t using (track_id) group by 1 order by 2 desc, 1`,
  ],
  ['select track_id, plays from mart.track_choices() order by 1', `select song, count(*) from ${listens()} group by 1 order by 1`],
  [
    'select album_id, plays from mart.album_choices() order by 1',
    `select album_id, count(*) from ${listens()} where album_id is not null group by 1 order by 1`,
  ],
  ['select count(*), sum(plays) from mart.listening_sessions()', 'select count(*), sum(listens) from core.sessions()'],
  [
    'select d.day, s.plays, s.listens, s.ms_played from mart.daily_summary as s join mart.dim_date as d using (date_id) order by 1',
    `select (ended_at at time zone l.time_zone)::date, count(*), sum((ms_played between 30000 and 3600000)::int), sum(ms_played)
     from core.play join core.listener as l using (listener_id) group by 1 order by 1`,
  ],
  [
    'select artist_id, plays, last_played_at from mart.artist_play_summary order by 1',
    'select artist_id, count(*), max(ended_at) from core.play join core.track_artist using (track_id) group by 1 order by 1',
  ],
  [
    'select iso_year, iso_week, plays, tracks from mart.weekly_summary order by 1, 2',
    `select to_char(here, 'IYYY')::int, to_char(here, 'IW')::int, count(*), count(distinct track_id) from (
       select track_id, ended_at at time zone l.time_zone as here from core.play join core.listener as l using (listener_id)) as p
     group by 1, 2 order by 1, 2`,
  ],
];

describe('the marts', () => {
  let database: TestDatabase;
  let directory: string;
  const count = async (query: string): Promise<number> => await countOf(database.sql, query);
  const refresh = async (procedure = 'refresh'): Promise<void> => {
    await database.sql.unsafe(`call mart.${procedure}()`);
    expect(await count('select count(*) from quality.run where error is not null')).toBe(0);
  };
  const values = async (query: string): Promise<unknown> => [...(await database.sql.unsafe(query).values())];
  const checksums = async (): Promise<unknown> => await values('select * from mart.checksums()');

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-spotify-'));
    await writeGenerated(directory, { listeners: 2, plays: 600, seed: 11 });
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
    // The catalogue first: histories find their tracks, and their albums, in it.
    await load(database.sql, path.join(directory, 'songs.csv'));
    await load(database.sql, directory);
    await refresh();
  });
  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('A5: a fact for each play, none lost and none twice; a row for each track, artist, album and day', async () => {
    expect(await count('select count(*) from mart.fact_play')).toBe(600);
    expect(
      await count(
        'select count(*) from (select play_id, track_id, ms_played from core.play except select play_id, track_id, ms_played from mart.fact_play) as lost',
      ),
    ).toBe(0);
    for (const [dimension, table] of [
      ['dim_track', 'track'],
      ['dim_artist', 'artist'],
      ['dim_album', 'album'],
    ] as const) {
      expect(await count(`select count(*) from mart.${dimension}`)).toBe(await count(`select count(*) from core.${table}`));
    }
    expect(await count('select max(day) - min(day) + 1 - count(*) from mart.dim_date')).toBe(0);
  });

  it.for(FIGURES)('H2: %s is what core says', async ([mart, core]) => {
    const expected = await values(core);
    expect(expected).not.toEqual([]);
    expect(await values(mart)).toEqual(expected);
  });

  it('H1: all 10 and 41 visuals of the reports have a view or function that is there', async () => {
    expect(await values('select report, count(*) from mart.visual group by 1 order by 1')).toEqual([
      ['listening', '41'],
      ['user', '10'],
    ]);
    const missing = `select relation from mart.visual where to_regclass(relation) is null
      and not exists (select from pg_proc as p where p.pronamespace = 'mart'::regnamespace and 'mart.' || p.proname = relation)`;
    expect(await values(missing)).toEqual([]);
  });

  it('H4: filters hold together: month, days, track, album, artist, listener', async () => {
    const [some] = await database.sql<{ track: string; album: string; artist: string; month: string; listener: string }[]>`
      select f.track_id as track, f.album_id as album, f.artist_id as artist, f.listener_id as listener,
        to_char(d.month_start, 'YYYY-MM-DD') as month
      from mart.fact_play as f join mart.dim_date as d using (date_id) where f.is_listen and f.album_id is not null limit 1`;
    const filter = `mart.only(month => '${some?.month}', track_id => ${some?.track}, album_id => ${some?.album},
      artist_id => ${some?.artist}, listener_id => ${some?.listener}, last_day => date '${some?.month}' + 27)`;
    const independent =
      await count(`select count(*) from ${listens()} where p.song = (select coalesce(canonical_track_id, track_id) from core.track where track_id = ${some?.track}) and p.listener_id = ${some?.listener}
      and here >= date '${some?.month}' and here < date '${some?.month}' + 28
      and here < date '${some?.month}' + interval '1 month'`);
    expect(await count(`select plays from mart.cards(${filter})`)).toBe(independent);
    expect(await count(`select count(*) from mart.plays(mart.only(with_skips => true))`)).toBe(600);
    expect(await count(`select plays from mart.cards(mart.only(track_id => ${some?.track}, album_id => -1))`)).toBe(0);
  });

  it('A8: two rebuilds and a refresh give the same checksums, and a refresh without news writes nothing', async () => {
    const before = await checksums();
    const versions = async (): Promise<unknown> => await values('select sum(xmin::text::bigint), count(*) from mart.fact_play');
    const written = await versions();
    await refresh();
    expect(await versions()).toEqual(written);
    await refresh('rebuild');
    expect(await checksums()).toEqual(before);
    await refresh('rebuild');
    expect(await checksums()).toEqual(before);
  });

  it('a refresh after plays came, changed and went, and tracks moved, gives what a rebuild gives', async () => {
    await database.sql.unsafe(`
      delete from core.play where play_id in (select min(play_id) from core.play);
      update core.play set ms_played = 31000, context_type = 'album' where play_id in (select max(play_id) from core.play);
      insert into core.play (listener_id, track_id, ended_at, ms_played, batch_id, row_no)
        select listener_id, track_id, timestamptz '2031-12-31 23:30Z', 60000, batch_id, 1000000 from core.play limit 1;
      update core.listener set time_zone = 'Asia/Kolkata' where listener_id = (select min(listener_id) from core.listener);
      update core.track_artist set artist_id = (select max(artist_id) from core.artist)
        where track_id = (select track_id from core.play group by 1 order by count(*) desc limit 1);
      update core.track set album_id = null, explicit = true where track_id = (select track_id from core.play group by 1 order by count(*) desc limit 1)`);
    await refresh();
    const refreshed = await checksums();
    await refresh('rebuild');
    expect(await checksums()).toEqual(refreshed);
  });

  it('a few plays that came, changed and went are corrected for, and that gives what a rebuild gives', async () => {
    const few = (n: number): string => `
      delete from core.play where play_id in (select play_id from core.play order by md5(play_id::text || ${n}) limit 2);
      update core.play set ms_played = 20000 + ms_played / 2, context_type = 'album'
        where play_id in (select play_id from core.play order by md5(play_id::text || ${n + 50}) limit 2);
      update core.play set ended_at = ended_at + interval '${n * 3} days', minute_seq = ${100 + n}
        where play_id in (select play_id from core.play order by md5(play_id::text || ${n + 90}) limit 1);
      insert into core.play (listener_id, track_id, ended_at, ms_played, batch_id, row_no)
        select listener_id, (select max(track_id) from core.track) - ${n}, ended_at + interval '${n} minutes', 45000 + ${n}, batch_id, ${2_000_000 + n * 10} + row_number() over ()
        from (select * from core.play order by md5(play_id::text || ${n + 20}) limit 3) as p`;
    for (let n = 1; n <= 4; n += 1) {
      await database.sql.unsafe(few(n));
      expect(await count('select 20 * 2 * count(distinct play_id) - (select count(*) from core.play) from mart.changed_play')).toBeLessThan(
        0,
      );
      await refresh();
    }
    const refreshed = await checksums();
    await refresh('rebuild');
    expect(await checksums()).toEqual(refreshed);
  });

  it('B11: a play at 23:30 in Kolkata is on its own day there, and not on the day it is in London', async () => {
    await database.sql.unsafe(`
      insert into core.play (listener_id, track_id, ended_at, ms_played, batch_id, row_no)
        select listener_id, track_id, timestamp '2032-03-04 23:30' at time zone 'Asia/Kolkata', 60000, batch_id, 1000001
        from core.play where listener_id = (select listener_id from core.listener where time_zone = 'Asia/Kolkata') limit 1`);
    await refresh();
    expect(await values(`select date_id, time_id from mart.fact_play order by played_at desc limit 1`)).toEqual([[20_320_304, 23]]);
    const london = `mart.only(zone => 'Europe/London', first_day => '2032-03-01')`;
    expect(await values(`select to_char(day, 'MM-DD'), hour from mart.plays(${london})`)).toEqual([['03-04', 18]]);
  });

  it('a refresh that fails leaves the marts as they were and its run row, and the next one catches up', async () => {
    const before = await checksums();
    await database.sql.unsafe(`alter table mart.fact_play add constraint not_today check (ms_played <> 77777) not valid;
      update core.play set ms_played = 77777 where row_no = 1000000`);
    await expect(database.sql.unsafe('call mart.refresh_or_raise()')).rejects.toThrow(/mart\.refresh failed: .*not_today/);
    expect(await checksums()).toEqual(before);
    expect(await count(`select count(*) from quality.run where step = 'mart.refresh' and error like '%not_today%'`)).toBe(1);
    await database.sql.unsafe(
      `alter table mart.fact_play drop constraint not_today; delete from quality.rule_count; delete from quality.run where error is not null`,
    );
    await refresh();
    expect(await count('select count(*) from mart.fact_play where ms_played = 77777')).toBe(1);
  });
});

import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNeighbours, type NeighbourLists } from '../../../src/spotify/evaluate/cooccurrence.ts';
import type { ListeningData } from '../../../src/spotify/evaluate/data.ts';
import { readListeningWarehouse } from '../../../src/spotify/evaluate/inspect-warehouse.ts';
import { sessionsOf } from '../../../src/spotify/evaluate/sessions.ts';
import { listAt, listCount, listsOf, type Lists } from '../../../src/spotify/evaluate/sparse.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { addPlays, fillWarehouse, listens } from './reco-data.ts';
import { countOf, migrateWarehouse } from './warehouse.ts';

const OPTIONS = { shrinkage: 5, neighbours: 20, window: Infinity, fewest: 1 };
const PROFILE = 10;

describe('the recommender', () => {
  let database: TestDatabase;
  let sql: postgres.Sql;
  const count = async (query: string): Promise<number> => await countOf(sql, query);
  /** How many songs' neighbours a refresh looked at. */
  const refresh = async (procedure: 'refresh' | 'rebuild' = 'refresh'): Promise<number> => {
    const [called] = await sql.unsafe<{ run: string }[]>(`call reco.${procedure}()`);
    const [run] = await sql`select rows_in, error from quality.run where run_id = ${called?.run ?? null}`;
    expect(run?.['error']).toBeNull();
    return Number(run?.['rows_in']);
  };
  const checksums = async (): Promise<unknown> => [...(await sql`select * from reco.checksums()`)];
  const recommended = async (call: string): Promise<readonly { track: number; reason: string }[]> =>
    (await sql.unsafe(`select track_id, reason from reco.${call} order by rank`)).map((row) => ({
      track: Number(row['track_id']),
      reason: String(row['reason']),
    }));

  beforeAll(async () => {
    database = await createTestDatabase();
    ({ sql } = database);
    await migrateWarehouse(database.url);
    // Before anything was loaded there is nothing to do, and that is no failure.
    expect(await refresh()).toBe(0);
    await fillWarehouse(sql);
    await refresh();
  });
  afterAll(async () => await database?.drop());

  it('every table, column, view and routine of reco has a comment, but for what the extension brought', async () => {
    const bare = await sql`
      select c.oid::regclass::text as name from pg_class as c
      where c.relnamespace = 'reco'::regnamespace and c.relkind in ('r', 'v') and obj_description(c.oid) is null
      union all
      select c.oid::regclass::text || '.' || a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
      where c.relnamespace = 'reco'::regnamespace and c.relkind in ('r', 'v') and col_description(c.oid, a.attnum) is null
      union all
      select p.oid::regprocedure::text from pg_proc as p
      where p.pronamespace = 'reco'::regnamespace and obj_description(p.oid) is null
        and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')`;
    expect([...bare]).toEqual([]);
    expect(
      await count(`select count(*) from pg_class as c where relnamespace = 'reco'::regnamespace and relkind = 'r'
      and not exists (select from pg_constraint as k where k.conrelid = c.oid and k.contype = 'p')`),
    ).toBe(0);
  });

  it('I: finds the same neighbours in SQL as the evaluation does outside', async () => {
    const data = await readListeningWarehouse(sql, () => undefined);
    const songs = (await sql`select track_id from reco.song order by track_id`).map((row) => Number(row['track_id']));
    const baskets: readonly (readonly [string, NeighbourLists])[] = [
      ['sessions', findNeighbours(songSessions(data), songs.length, { ...OPTIONS, window: 5 })],
      ['playlists', findNeighbours(data.playlists, songs.length, OPTIONS)],
      ['listeners', findNeighbours(profiles(data, PROFILE), songs.length, { ...OPTIONS, fewest: 2 })],
    ];
    for (const [basis, found] of baskets) {
      const rows = await sql`select track_id, neighbours, scores from reco.neighbour_list where basis = ${basis} order by track_id`;
      const expected = songs.flatMap((song, number) => {
        const from = number * found.width;
        const neighbours = [...found.items.subarray(from, from + found.width)].filter((item) => item >= 0).map((item) => songs[item]);
        return neighbours.length === 0 ? [] : [{ song, neighbours, scores: [...found.scores.subarray(from, from + neighbours.length)] }];
      });
      expect(rows.map((row) => [Number(row['track_id']), (row['neighbours'] as string[]).map(Number)])).toEqual(
        expected.map(({ song, neighbours }) => [song, neighbours]),
      );
      const scores = rows.flatMap((row) => row['scores'] as number[]);
      for (const [at, score] of expected.flatMap((each) => each.scores).entries()) expect(scores[at]).toBeCloseTo(score, 5);
      expect(rows.length).toBeGreaterThan(10);
    }
  });

  it('a refresh looks at nothing when nothing changed', async () => {
    const before = await checksums();
    expect(await refresh()).toBe(0);
    expect(await checksums()).toEqual(before);
  });

  it.for([
    ['new plays at the end', async () => await addPlays(sql, listens(2, 25, 7, 200), 2_000_000)],
    ['plays in between, which join sessions', async () => await addPlays(sql, listens(3, 30, 8, 2), 3_000_000)],
    ['plays that go', async () => await sql`delete from core.play where play_id % 7 = 3`],
    [
      'plays that were at another time',
      async () => await sql`update core.play set ended_at = ended_at + interval '1 hour' where play_id % 23 = 1`,
    ],
    ['a skip that was none', async () => await sql`update core.play set ms_played = 100000 where ms_played = 9000 and listener_id = 4`],
    ['another track standing for a song', async () => await sql`update core.track set canonical_track_id = 30 where track_id in (31, 70)`],
    ['a track that stands for itself again', async () => await sql`update core.track set canonical_track_id = null where track_id = 112`],
    [
      'playlists that grow, shrink and go',
      async () => {
        await sql`delete from core.playlist_track_subgenre where playlist_id in (2, 3)`;
        await sql`delete from core.playlist_track where playlist_id = 2 or playlist_id = 3 and track_id % 2 = 0`;
        await sql`insert into core.playlist_track (playlist_id, track_id, batch_id, row_no) values (4, 149, 1, 77), (4, 150, 1, 78)`;
      },
    ],
    ['songs that are analysed', async () => await sql`update core.audio_feature set tempo_bpm = 99 where track_id in (5, 6)`],
    ['a listener who is forgotten', async () => await sql`select * from core.erase_listener('listener 5')`],
  ] as const)('after %s a refresh gives what a rebuild gives', async ([, change]) => {
    const before = await checksums();
    await change();
    const looked = await refresh();
    const refreshed = await checksums();
    expect(refreshed).not.toEqual(before);
    const all = await refresh('rebuild');
    expect(looked).toBeLessThanOrEqual(all);
    expect(await checksums()).toEqual(refreshed);
  });

  it('a forgotten listener leaves no row, and nobody is told what only they had heard', async () => {
    const gone = await sql`select * from core.count_personal_rows('listener 5')`;
    expect([...gone]).toEqual([]);
    expect(await count('select count(*) from reco.changed_song')).toBe(0);
  });

  it('a failing refresh leaves nothing but its run row', async () => {
    const before = await checksums();
    await addPlays(sql, listens(1, 10, 9, 300), 5_000_000);
    await sql.unsafe(`alter table reco.neighbour_list add constraint broken check (track_id < 0) not valid`);
    const [called] = await sql.unsafe<{ run: string }[]>('call reco.refresh()');
    const [run] = await sql`select rows_in, error from quality.run where run_id = ${called?.run ?? null}`;
    expect(run).toEqual({ rows_in: null, error: expect.stringContaining('broken') as string });
    expect(await checksums()).toEqual(before);
    await expect(sql.unsafe('call reco.refresh_or_raise()')).rejects.toThrow(/reco\.refresh failed: .*broken/);
    await sql.unsafe('alter table reco.neighbour_list drop constraint broken');
    expect(await refresh()).toBeGreaterThan(0);
  });

  it('I: recommends what a listener never heard, each song once, and says why', async () => {
    const songs = await recommended('recommend(1, 30)');
    expect(songs).toHaveLength(30);
    expect(new Set(songs.map(({ track }) => track)).size).toBe(30);
    const known = `(${songs.map(({ track }) => track).join(', ')})`;
    expect(
      await count(`select count(*) from core.listen as l join core.track as t using (track_id)
      where l.listener_id = 1 and coalesce(t.canonical_track_id, t.track_id) in ${known}`),
    ).toBe(0);
    expect(await count(`select count(*) from core.track where canonical_track_id is not null and track_id in ${known}`)).toBe(0);
    expect(songs[0]?.reason).toBe('found together');
    const [first] = await sql`select because_of from reco.recommend(1, 1)`;
    expect(
      await count(`select count(*) from reco.listener_song where listener_id = 1 and track_id = ${String(first?.['because_of'])}`),
    ).toBe(1);
  });

  it('what is in the library is not recommended, and stands for a listener without plays', async () => {
    const [top] = await recommended('recommend(1, 1)');
    await sql`insert into core.listener (name) values ('collector')`;
    const [{ id } = { id: '' }] = await sql<{ id: string }[]>`select listener_id as id from core.listener where name = 'collector'`;
    await sql`insert into core.saved_track (listener_id, track_id) values (1, ${top?.track ?? 0}), (${id}, 20), (${id}, 115)`;
    expect((await recommended('recommend(1, 30)')).map(({ track }) => track)).not.toContain(top?.track);
    const songs = await recommended(`recommend(${id}, 5)`);
    expect(songs[0]?.reason).toBe('found together');
    // 115 means the same as 15.
    expect(songs.map(({ track }) => track)).not.toContain(15);
  });

  it('heard songs come when they are asked for: those not heard recently, or any', async () => {
    const any = await recommended(`recommend(1, 40, 'any')`);
    const later = await recommended(`recommend(1, 40, 'not recently', '12 hours')`);
    const heard = async (songs: typeof any, since: string): Promise<number> =>
      await count(`select count(*) from reco.listener_song where listener_id = 1 and track_id in (${songs.map(({ track }) => track).join(', ')})
        and last_heard_at >= (select max(last_heard_at) from reco.listener_song where listener_id = 1) - interval '${since}'`);
    expect(await heard(any, '12 hours')).toBeGreaterThan(0);
    expect(await heard(later, '12 hours')).toBe(0);
    expect(await heard(later, '1000 days')).toBeGreaterThan(0);
    await expect(sql`select * from reco.recommend(1, 1, 'sometimes')`).rejects.toMatchObject({ code: '22023' });
  });

  it('whom nobody knows gets what is popular', async () => {
    expect(await recommended('recommend(999, 3)')).toEqual(
      (await sql`select track_id from reco.popular(3)`).map((row) => ({ track: Number(row['track_id']), reason: 'popular' })),
    );
    expect(await count(`select count(*) from reco.popular(5, '3 days')`)).toBeGreaterThan(0);
  });

  it('after a track come its neighbours in sessions, and enough others', async () => {
    const [most] =
      await sql`select track_id, neighbour_id from reco.neighbour where basis = 'sessions' and rank = 1 order by score desc, track_id limit 1`;
    const songs = await recommended(`next_track(${String(most?.['track_id'])}, 40)`);
    expect(songs[0]).toEqual({ track: Number(most?.['neighbour_id']), reason: 'heard close to it' });
    expect(songs).toHaveLength(40);
    expect(new Set(songs.map(({ track }) => track)).size).toBe(40);
    // 113 means the same as 13.
    expect(await recommended('next_track(113, 5)')).toEqual(await recommended('next_track(13, 5)'));
    expect(await recommended('next_track(999, 5)')).toEqual([]);
  });

  it('what sounds alike is what an independent query finds nearest', async () => {
    const nearest = await sql`
      with z as (
        select s.track_id, array_agg((f.value - m.mean) / m.deviation order by f.place) as v
        from reco.song_sound as s cross join unnest(s.features) with ordinality as f (value, place)
        join reco.feature_scale as m on m.place = f.place group by s.track_id)
      select b.track_id, sqrt((select sum((x - y) ^ 2) from unnest(a.v, b.v) as p (x, y))) as distance
      from z as a join z as b on b.track_id <> a.track_id where a.track_id = 7 order by 2, 1 limit 12`;
    const found = await sql`select track_id, distance from reco.sounds_like(7, 12) order by rank`;
    expect(found.map((row) => Number(row['track_id']))).toEqual(nearest.map((row) => Number(row['track_id'])));
    expect(found.map((row) => Number(row['distance']).toFixed(6))).toEqual(nearest.map((row) => Number(row['distance']).toFixed(6)));
    expect([...(await sql`select * from reco.sounds_like(150, 5)`)]).toEqual([]);
    const plan = await sql.unsafe(`set enable_seqscan = off; explain select track_id from reco.song_feature
      order by vector operator(reco.<->) (select vector from reco.song_feature where track_id = 7) limit 5`);
    expect(JSON.stringify(plan)).toContain('song_feature_vector_idx');
  });

  it('I: by preference, of the genres asked for, near the features asked for, with what is liked', async () => {
    const rock = await recommended(`by_preference('{Rock}', '{"energy": 0.9}', '{}', 10)`);
    expect(rock).toHaveLength(10);
    expect(
      await count(`select count(*) from unnest(array[${rock.map(({ track }) => track).join(', ')}]) as t (id)
      where not exists (select from reco.song_genre as g where g.track_id = t.id and g.genre = 'rock')`),
    ).toBe(0);
    const [most] = await sql`select track_id from reco.song_count where basis = 'sessions' order by times desc, track_id limit 1`;
    const liked = await recommended(`by_preference('{}', '{}', '{${String(most?.['track_id'])}}', 10)`);
    expect(liked.map(({ track }) => track)).not.toContain(Number(most?.['track_id']));
    expect(liked.map(({ reason }) => reason)).toContain('found together');
    const loud = await recommended(`by_preference('{}', '{"loudness_db": 0}', '{}', 5)`);
    expect(loud.some(({ reason }) => reason === 'sounds as asked')).toBe(true);
    expect(await recommended('by_preference(k => 3)')).toHaveLength(3);
  });

  it.for([
    [`'{polka}'`, 'there is no genre polka'],
    [`'{}', '{"mood": 1}'`, 'there is no audio feature mood, or its value is not a number'],
    [`'{}', '{"energy": "high"}'`, 'there is no audio feature energy, or its value is not a number'],
    [`'{}', '{}', '{424242}'`, 'there is no track 424242'],
  ] as const)('a preference for %s is refused', async ([args, message]) => {
    await expect(sql.unsafe(`select * from reco.by_preference(${args})`)).rejects.toMatchObject({ code: '22023', message });
  });
});

function songSessions({ history }: ListeningData): Lists {
  const sessions = sessionsOf(history);
  return listsOf(Array.from({ length: listCount(sessions) }, (_, n) => listAt(sessions, n).map((at) => history.songOf[at] ?? 0)));
}

/** The most heard songs of each listener; of equal ones those with the smaller number. */
function profiles({ history }: ListeningData, size: number): Lists {
  const listeners = new Map<number, Map<number, number>>();
  for (const [at, song] of history.songOf.entries()) {
    const listener = history.listenerOf[at] ?? 0;
    const heard = listeners.get(listener) ?? new Map<number, number>();
    listeners.set(listener, heard.set(song, (heard.get(song) ?? 0) + 1));
  }
  return listsOf(
    [...listeners.values()].map((heard) =>
      [...heard]
        .sort((a, b) => b[1] - a[1] || a[0] - b[0])
        .slice(0, size)
        .map(([song]) => song),
    ),
  );
}

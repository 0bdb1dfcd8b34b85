import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../../src/spotify/api/run.ts';
import type { FakeServer } from '../../../src/spotify/fake/run.ts';
import type { ApiObject } from '../../../src/spotify/fake/world.ts';
import { Landing } from '../../../src/spotify/fetch/landing-apply.ts';
import { FETCH_KINDS } from '../../../src/spotify/fetch/page-set.ts';
import { fetchKind, recover, type Fetching } from '../../../src/spotify/fetch/run.ts';
import { cleanseBatch } from '../../../src/spotify/load/cleanse.ts';
import { openStore } from '../../../src/storage/open.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { askingWith, isDescribed, listeningLog, signInTo, startFake, TestClock, WHY_SKIPPED } from './fake-spotify.ts';
import { countOf, load, migrateWarehouse, tableCounts } from './warehouse.ts';

const named = (of: ApiObject, name: string): ApiObject => of[name] as ApiObject;
const idsOf = (objects: readonly ApiObject[]): readonly string[] => objects.map(({ id }) => String(id));

describe('what is fetched from the Web API, in core', () => {
  let database: TestDatabase;
  let directory: string;
  let clock: TestClock;
  let store: ObjectStore;
  let fake: FakeServer;
  let listener = '';
  let people = 0;

  beforeAll(async () => {
    if (!isDescribed) return;
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });
  afterAll(async () => await database?.drop());
  beforeEach(async (context) => {
    if (!isDescribed) context.skip(WHY_SKIPPED);
    people += 1;
    listener = `person ${people}`;
    clock = new TestClock();
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-pages-'));
    store = await openStore({ type: 'disk', path: path.join(directory, 'landing') }, { clock, random: () => 0.5, create: true });
  });
  afterEach(async () => {
    await fake?.close();
    await store?.close();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  const count = async (query: string): Promise<number> => await countOf(database.sql, query);
  const values = async (query: string): Promise<readonly unknown[]> => (await database.sql.unsafe(query).values()).map(([value]) => value);
  const whole = async (): Promise<void> => {
    expect(await values('select error from quality.run where error is not null')).toEqual([]);
    expect(await count('select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
    const differing = `select count(*) from quality.accounting as a join quality.run as r using (batch_id) where a.source = 'page'
      and r.rows_in > 0 and (r.rows_in, r.rows_out, r.rows_rejected) is distinct from (a.rows_received, a.rows_out, a.rows_rejected)`;
    expect(await count(differing)).toBe(0);
  };
  const fetching = async (fields: 'before' | 'after'): Promise<Fetching> => {
    fake = await startFake({ clock, fields, listener: `account${people}`, seed: people });
    const { log } = listeningLog();
    const client = new ApiClient(await signInTo(fake, askingWith(clock), { listener }), askingWith(clock), async () => undefined);
    const cleanse = async (batchId: string, name: string): Promise<void> => void (await cleanseBatch(database.sql, 'page', batchId, name));
    return { sql: database.sql, client, landing: new Landing({ store, sealing: undefined }, listener), clock, log, cleanse };
  };
  const fetchAll = async (from: Fetching): Promise<void> => {
    for (const kind of FETCH_KINDS) for await (const result of fetchKind(from, kind)) expect(result.kind).toBeDefined();
  };
  const mine = (): string => `(select listener_id from core.listener where name = '${listener}')`;

  it.for(['before', 'after'] as const)(
    'the fields of %s February 2026: core holds what the server has, and nothing else',
    async (fields) => {
      const from = await fetching(fields);
      await fetchAll(from);
      await whole();
      const { world } = fake;
      const plays = `select t.spotify_id || ' ' || to_char(p.ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || ' ' || p.ms_played || ' ' || coalesce(p.context_uri, '')
      from core.play as p join core.track as t using (track_id) where p.listener_id = ${mine()} and p.feed = 'api' and p.ms_is_estimated order by p.ended_at`;
      expect(await values(plays)).toEqual(
        world.plays.map(({ track, playedAt, context }) =>
          [track['id'], playedAt.toISOString(), track['duration_ms'], context === null ? '' : context['uri']].join(' '),
        ),
      );
      const saved = `select t.spotify_id from core.saved_track join core.track as t using (track_id) where listener_id = ${mine()} and added_at = '2025-06-01 10:00Z' order by 1`;
      expect(await values(saved)).toEqual(idsOf(world.tracks.slice(0, 130)).toSorted());
      const albums = `select a.spotify_id from core.saved_album join core.album as a using (album_id) where listener_id = ${mine()} order by 1`;
      expect(await values(albums)).toEqual(idsOf([...world.albums.values()].slice(0, 25)).toSorted());
      const followed = `select a.spotify_id from core.follow join core.artist as a using (artist_id) where listener_id = ${mine()} and ended_at is null order by 1`;
      expect(await values(followed)).toEqual(idsOf([...world.artists.values()].slice(0, 73)).toSorted());
      expect(await values(`select name || ' ' || device_type from core.device where listener_id = ${mine()} order by 1`)).toEqual([
        'Kitchen speaker Speaker',
        'Phone Smartphone',
      ]);
      const top = `select t.spotify_id from core.top_list as l join core.top_list_track using (top_list_id) join core.track as t using (track_id)
      where l.listener_id = ${mine()} and l.time_range = 'long_term' order by rank`;
      expect(await values(top)).toEqual(idsOf(world.tracks.slice(11, 71)));
      expect(
        await count(`select count(*) from core.top_list join core.top_list_artist using (top_list_id) where listener_id = ${mine()}`),
      ).toBe(180);
      const [morning, together, other] = world.playlists;
      for (const [playlist, isOwn] of [
        [morning, true],
        [together, false],
      ] as const) {
        const listed = `select t.spotify_id from core.playlist as p join core.playlist_track using (playlist_id) join core.track as t using (track_id)
        where p.spotify_id = '${playlist?.id}' and added_at = '2025-01-05 08:00Z' and (p.owner_id = ${mine()}) is ${isOwn ? 'true' : 'not true'} order by position`;
        const tracks = playlist?.tracks.flatMap((track) => (track === null ? [] : [String(track['id'])])) ?? [];
        expect(await values(listed)).toEqual([...new Set(tracks)]);
      }
      const foreign = `select count(*) > 0 from core.playlist as p join core.playlist_track using (playlist_id) where p.spotify_id = '${other?.id}'`;
      expect(await values(foreign)).toEqual([fields === 'before']);
      expect(await values(`select account_id from core.listener where name = '${listener}'`)).toEqual([
        fields === 'before' ? null : `account-account${people}`,
      ]);
      expect(await values(`select country from core.listener where name = '${listener}'`)).toEqual([fields === 'before' ? 'DE' : null]);
    },
  );

  it.for(['before', 'after'] as const)('the fields of %s February 2026: the catalogue is as the server has it', async (fields) => {
    await fetchAll(await fetching(fields));
    const some = fake.world.tracks.slice(0, 130);
    const track = `select concat_ws(' ', t.name, t.duration_ms, t.popularity, t.explicit, t.disc_number, t.track_number, t.isrc, b.spotify_id, b.name, b.album_type,
        b.total_tracks, b.release_date_precision, b.image_url, a.spotify_id, a.name)
      from core.track as t join core.album as b using (album_id) join core.track_artist as ta on ta.track_id = t.track_id and ta.position = 1
      join core.artist as a on a.artist_id = ta.artist_id
      where t.spotify_id in (${idsOf(some)
        .map((id) => `'${id}'`)
        .join()}) order by t.spotify_id collate "C"`;
    const expected = some
      .toSorted((one, two) => (String(one['id']) < String(two['id']) ? -1 : 1))
      .map((each) => {
        const [album, artist] = [named(each, 'album'), (each['artists'] as readonly ApiObject[])[0] ?? {}];
        const image = (album['images'] as readonly ApiObject[])[0]?.['url'];
        const isrc = named(each, 'external_ids')['isrc'];
        const { name, duration_ms: ms, popularity, explicit, track_number: place } = each;
        const parts = [name, ms, fields === 'before' ? popularity : undefined, explicit === true ? 't' : 'f', 1, place, isrc];
        const { id, name: title, release_date_precision: precision } = album;
        return [...parts, id, title, 'album', 12, precision, image, artist['id'], artist['name']]
          .filter((part) => typeof part === 'string' || typeof part === 'number')
          .join(' ');
      });
    expect(await values(track)).toEqual(expected);
    const genres = `select count(*) > 0 from core.artist as a join core.artist_genre using (artist_id) where a.spotify_id in (${idsOf(
      [...fake.world.artists.values()].slice(0, 73),
    )
      .map((id) => `'${id}'`)
      .join()})`;
    expect(await values(genres)).toEqual([fields === 'before']);
    const namesakes =
      'select count(*) from core.artist as a where is_namesake and not exists (select from core.artist as x where x.name = a.name and not x.is_namesake)';
    expect(await count(namesakes)).toBe(0);
  });

  it('C1: the step again finds nothing to do, and a fetch without news writes nothing', async () => {
    const from = await fetching('after');
    await fetchAll(from);
    const before = await tableCounts(database.sql);
    const versions = async (): Promise<unknown> =>
      await values(`select sum(xmin::text::bigint) from (
      select xmin from core.play union all select xmin from core.track union all select xmin from core.artist union all select xmin from core.album
      union all select xmin from core.playlist_track union all select xmin from core.saved_track) as x`);
    const written = await versions();
    for (const batch of await values(`select batch_id from raw.batch where source = 'page' and listener_name = '${listener}'`)) {
      const [called] = await database.sql.unsafe<{ run: string }[]>(`call core.load_page(${String(batch)})`);
      expect(await values(`select rows_in || ' ' || coalesce(error, '') from quality.run where run_id = ${called?.run}`)).toEqual(['0 ']);
    }
    expect(await tableCounts(database.sql)).toEqual(before);
    expect(await versions()).toEqual(written);
    for await (const result of fetchKind(from, 'recent')) expect(result.status).toBe('nothing new');
    expect(await tableCounts(database.sql)).toEqual(before);
  });

  it('F7: a crash between raw and core is made good by the next fetch, once', async () => {
    const from = await fetching('after');
    const broken = { ...from, cleanse: async () => await Promise.reject(new Error('killed')) };
    const fetchBroken = async (): Promise<void> => {
      for await (const result of fetchKind(broken, 'recent')) expect(result).toBeUndefined();
    };
    await expect(fetchBroken()).rejects.toThrow('killed');
    const plays = `select count(*) from core.play where listener_id = ${mine()}`;
    expect(await count(plays)).toBe(0);
    expect(await recover(from)).toMatchObject([{ status: 'recovered' }]);
    expect(await count(plays)).toBe(40);
    expect(await recover(from)).toEqual([]);
    await whole();
  });

  it('C3: plays that later fetches bring again with new ones count once', async () => {
    const from = await fetching('after');
    for await (const result of fetchKind(from, 'recent')) expect(result.items).toBe(40);
    // As if the cursor had been lost: all that Spotify keeps comes once more.
    await database.sql.begin(async (sql) => {
      await sql.unsafe(
        `alter table raw.page_set disable trigger user; update raw.page_set set newest_played_at = null where listener_name = '${listener}'`,
      );
    });
    fake.world.listen(5);
    for await (const result of fetchKind(from, 'recent')) expect(result.items).toBe(45);
    expect(await count(`select count(*) from core.play where listener_id = ${mine()}`)).toBe(45);
    expect(
      await count(
        `select count(*) from quality.quarantine join raw.batch using (batch_id) where rule_id = 'B1' and listener_name = '${listener}'`,
      ),
    ).toBe(40);
    await whole();
  });

  it('a page from a file counts as one that was fetched', async () => {
    await mkdir(path.join(directory, listener));
    const body = {
      href: 'https://api.spotify.com/v1/tracks/0123456789012345678901',
      type: 'track',
      id: '0123456789012345678901',
      name: 'Alone',
    };
    await writeFile(path.join(directory, listener, 'page.json'), JSON.stringify({ ...body, artists: [{ name: 'Some One' }] }));
    await load(database.sql, path.join(directory, listener));
    const [row] =
      await database.sql`select a.name from core.track as t join core.track_artist using (track_id) join core.artist as a using (artist_id)
      where t.spotify_id = '0123456789012345678901'`;
    expect(row).toEqual({ name: 'Some One' });
    await whole();
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLEAR, RepositoryKeys } from '../../../src/repository/keys.ts';
import { ApiClient } from '../../../src/spotify/api/run.ts';
import type { FakeServer } from '../../../src/spotify/fake/run.ts';
import { fetchCovers } from '../../../src/spotify/fetch/covers-run.ts';
import { Landing } from '../../../src/spotify/fetch/landing-apply.ts';
import { FETCH_KINDS, writePageSet, type FetchKind } from '../../../src/spotify/fetch/page-set.ts';
import { readCursor } from '../../../src/spotify/fetch/raw-apply.ts';
import { fetchRecent } from '../../../src/spotify/fetch/recent.ts';
import { fetchKind, recover, type Fetching, type FetchResult } from '../../../src/spotify/fetch/run.ts';
import { cleanseBatch } from '../../../src/spotify/load/cleanse.ts';
import { openStore } from '../../../src/storage/open.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { askingWith, isDescribed, listeningLog, OFFICIAL_OPENAPI, signInTo, startFake, TestClock, WHY_SKIPPED } from './fake-spotify.ts';
import { countOf, migrateWarehouse } from './warehouse.ts';

describe('fetching from the fake server', () => {
  let database: TestDatabase;
  let directory: string;
  let clock: TestClock;
  let fake: FakeServer;
  let store: ObjectStore;
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
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-fetch-'));
    clock = new TestClock();
    store = await openStore({ type: 'disk', path: path.join(directory, 'landing') }, { clock, random: () => 0.5, create: true });
    fake = await startFake({ clock, listener: `account${people}` });
  });
  afterEach(async () => {
    await fake?.close();
    await store?.close();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  const count = async (query: string): Promise<number> => await countOf(database.sql, query);
  const fetching = async (landing = new Landing({ store, sealing: undefined }, listener)): Promise<Fetching> => {
    const { log } = listeningLog();
    const client = new ApiClient(await signInTo(fake, askingWith(clock), { listener }), askingWith(clock), async () => undefined);
    const cleanse = async (batchId: string, name: string): Promise<void> => void (await cleanseBatch(database.sql, 'page', batchId, name));
    return { sql: database.sql, client, landing, clock, log, cleanse };
  };
  const fetched = async (from: Fetching, kind: FetchKind): Promise<readonly FetchResult[]> => {
    const results: FetchResult[] = [];
    for await (const result of fetchKind(from, kind)) results.push(result);
    return results;
  };
  const plays = `select count(distinct item ->> 'played_at') from raw.page as p join raw.page_set as s using (batch_id),
    jsonb_array_elements(p.body -> 'items') as item where s.kind = 'recent' and s.listener_name = `;

  it('F4, F5: recent, what was played since comes, and nothing new is 0 writes', async () => {
    const from = await fetching();
    expect(await fetched(from, 'recent')).toMatchObject([{ status: 'received', items: 40, gap: undefined }]);
    const rows = await count('select count(*) from raw.batch');
    const asked = fake.requests.length;
    expect(await fetched(from, 'recent')).toMatchObject([{ status: 'nothing new', items: 0, batchId: undefined }]);
    expect(await count('select count(*) from raw.batch')).toBe(rows);
    expect(fake.requests.slice(asked)).toEqual([expect.stringMatching(/^GET \/v1\/me\/player\/recently-played\?limit=50&after=\d+ 200$/)]);
    fake.world.listen(7);
    expect(await fetched(from, 'recent')).toMatchObject([{ status: 'received', items: 7, gap: undefined }]);
    expect(await count(`${plays} '${listener}'`)).toBe(47);
  });

  it('F4: recent, more plays than Spotify keeps are a possible gap, with its ends', async () => {
    const from = await fetching();
    await fetched(from, 'recent');
    const last = fake.world.plays.at(-1)?.playedAt;
    fake.world.listen(75);
    const [result] = await fetched(from, 'recent');
    expect(result?.gap).toEqual({ after: last, before: fake.world.plays.at(-50)?.playedAt });
    expect(fake.requests.filter((line) => line.includes('before=') && line.includes('after='))).toEqual([]);
    expect(await count(`select count(*) from quality.possible_gap where listener_name = '${listener}'`)).toBe(1);
    fake.world.listen(3);
    expect(await fetched(from, 'recent')).toMatchObject([{ items: 3, gap: undefined }]);
  });

  it('recent: exactly 50 since the last fetch cannot be told from more, and is a possible gap; 49 is none', async () => {
    const from = await fetching();
    await fetched(from, 'recent');
    fake.world.listen(49);
    expect(await fetched(from, 'recent')).toMatchObject([{ items: 49, gap: undefined }]);
    fake.world.listen(50);
    expect((await fetched(from, 'recent'))[0]?.gap).toBeDefined();
  });

  it('F4: recent, somebody who never played has an empty page with null cursors', async () => {
    await fake.close();
    fake = await startFake({ clock, plays: 0 });
    expect(await fetched(await fetching(), 'recent')).toMatchObject([{ status: 'nothing new', pages: 0 }]);
  });

  it('A4, F6: top, six lists of 60, two pages each; the second time keeps the first', async () => {
    const from = await fetching();
    expect((await fetched(from, 'top')).map(({ unit, pages, items }) => [unit, pages, items])).toEqual([
      ['artists short_term', 2, 60],
      ['artists medium_term', 2, 60],
      ['artists long_term', 2, 60],
      ['tracks short_term', 2, 60],
      ['tracks medium_term', 2, 60],
      ['tracks long_term', 2, 60],
    ]);
    clock.move(86_400_000);
    await fetched(from, 'top');
    expect(await count(`select count(*) from raw.page_set where kind = 'top' and listener_name = '${listener}'`)).toBe(12);
  });

  it('F6: artists, a list with a cursor of its own, two pages', async () => {
    expect(await fetched(await fetching(), 'artists')).toMatchObject([{ unit: 'followed', pages: 2, items: 73 }]);
  });

  it('F8: the description that Spotify publishes makes the same server', async () => {
    await fake.close();
    fake = await startFake({ clock, listener: `account${people}` }, OFFICIAL_OPENAPI);
    const from = await fetching();
    const items: Record<string, number> = {};
    for (const kind of FETCH_KINDS) for (const each of await fetched(from, kind)) items[kind] = (items[kind] ?? 0) + each.items;
    expect(items).toEqual({ profile: 1, recent: 40, top: 360, playlists: 155, library: 155, artists: 73, devices: 2 });
  });

  it.for(['before', 'after'] as const)(
    'the fields of %s February 2026: every kind comes, and other people’s playlists do not',
    async (fields) => {
      await fake.close();
      fake = await startFake({ clock, fields, listener: `account${people}` });
      const from = await fetching();
      for (const kind of ['profile', 'library', 'artists', 'devices'] as const) {
        for (const result of await fetched(from, kind)) expect(result).toMatchObject({ kind, status: 'received' });
      }
      const playlists = await fetched(from, 'playlists');
      const [list, own, together, other, empty] = playlists;
      expect([list?.items, own?.items, own?.pages, together?.items, empty?.items]).toEqual([4, 121, 3, 30, 0]);
      expect(other).toMatchObject(fields === 'after' ? { status: 'refused' } : { status: 'received', items: 40 });
      const endpoint = fields === 'after' ? 'playlists/{id}/items' : 'playlists/{id}/tracks';
      expect(
        await count(
          `select count(*) from raw.page join raw.page_set using (batch_id) where listener_name = '${listener}' and endpoint = '${endpoint}'`,
        ),
      ).toBe(fields === 'after' ? 5 : 6);
      const told = `select count(distinct field_set) from raw.page_set where listener_name = '${listener}' and kind in ('library', 'profile')`;
      expect(await count(`${told} and field_set <> '${fields}'`)).toBe(0);
      const popular = `select count(*) from raw.page join raw.page_set using (batch_id) where listener_name = '${listener}' and jsonb_path_exists(body, '$.**.popularity')`;
      expect((await count(popular)) > 0).toBe(fields === 'before');
      expect((await fetched(from, 'library')).map(({ status }) => status)).toEqual(['nothing new', 'nothing new']);
    },
  );

  it('F7: a crash between landing and raw, or between raw and settling, is repeated safely', async () => {
    const from = await fetching();
    const broken = { ...from, cleanse: async () => await Promise.reject(new Error('killed')) };
    await expect(fetched(broken, 'recent')).rejects.toThrow('killed');
    expect(await from.landing.pending()).toHaveLength(1);
    expect(await recover(from)).toMatchObject([{ status: 'recovered', items: 40 }]);
    const inRaw = `select count(*) from raw.page_set where listener_name = '${listener}'`;
    expect([await count(inRaw), (await from.landing.pending()).length, await from.landing.count()]).toEqual([1, 0, 1]);
    // Landed, and the database never heard of it.
    fake.world.listen(5);
    const cursor = await readCursor(database.sql, listener);
    const unheard = await fetchRecent(async (where, query) => await from.client.get(where, query), cursor);
    await from.landing.put('unheard', writePageSet({ listener, kind: 'recent', unit: 'recent', startedAt: clock.now(), ...unheard }));
    expect([await count(inRaw), (await from.landing.pending()).length]).toEqual([1, 1]);
    await recover(from);
    expect(await recover(from)).toEqual([]);
    expect([await count(inRaw), await from.landing.count()]).toEqual([2, 2]);
  });

  it('F6: covers, pictures are kept, one that cannot be had is kept as a failure, and the others go on', async () => {
    const from = await fetching();
    // What was fetched before has pictures of its own.
    await database.sql`truncate core.album, core.artist, core.playlist cascade`;
    for (const [n, album] of [...fake.world.albums.values()].slice(0, 12).entries()) {
      const url = (album['images'] as readonly { readonly url: string }[])[0]?.url ?? null;
      await database.sql`insert into core.album (spotify_id, name, image_url) values (${String(album['id'])}, ${String(album['name'])}, ${n % 2 === 0 ? url : null})`;
    }
    const options = { limit: 50, get: async (where: string) => await from.client.get(where), onCover: () => undefined };
    const results = await fetchCovers(database.sql, askingWith(clock), options);
    expect(
      results
        .filter(({ status }) => status === 'failed')
        .map(({ reason }) => String(reason))
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(['Spotify has no picture of this album', 'the picture was refused with status 404']);
    expect(await count(`select count(*) from core.cover where media_type = 'image/png' and length(image) > 100`)).toBe(10);
    expect(await fetchCovers(database.sql, askingWith(clock), options)).toEqual([]);
    expect(fake.requests.filter((line) => line.startsWith('GET /image/')).length).toBe(11);
  });

  it('F9: an answer without its list is refused, and nothing of it is kept', async () => {
    const from = await fetching();
    for (const text of ['{}', '{"items": null}', '{"error": "odd"}']) {
      for (const kind of ['recent', 'artists', 'devices'] as const) {
        fake.faults.add({ times: 1, what: { kind: 'body', text } });
        await expect(fetched(from, kind)).rejects.toMatchObject({ code: 'api-failed' });
      }
    }
    expect(await from.landing.count()).toBe(0);
  });

  it('each page in raw says where it lies, and that is what came', async () => {
    const from = await fetching();
    await fetched(from, 'library');
    const rows = await database.sql<{ object_key: string; row_no: number; hash: string }[]>`
      select object_key, row_no, encode(hash, 'hex') as hash from raw.page join raw.page_set using (batch_id)
      where listener_name = ${listener} order by batch_id, row_no`;
    expect(rows.map(({ row_no }) => row_no)).toEqual([1, 2, 3, 1]);
    for (const { object_key: key, row_no: number } of rows) {
      const lines = Buffer.from(await store.read(key.replace(/#.*/, '')))
        .toString()
        .split('\n');
      expect(JSON.parse(lines[number] ?? '')).toMatchObject({ status: 200 });
    }
  });

  it('in an encrypted repository pages and the names of listeners are not to be read', async () => {
    const keys = RepositoryKeys.generate();
    const landing = new Landing({ store, sealing: { keys } }, listener);
    const from = await fetching(landing);
    await fetched(from, 'profile');
    const pending = await landing.put('later', '{"listener":"secret"}');
    expect(await landing.read(pending)).toBe('{"listener":"secret"}');
    for await (const { key } of store.list(''))
      expect(Buffer.from(await store.read(key)).toString('latin1')).not.toMatch(/account|secret|display_name/);
    await expect(new Landing({ store, sealing: CLEAR }, listener).read(pending)).rejects.toMatchObject({ code: 'key-wrong' });
    expect([await new Landing({ store, sealing: CLEAR }, listener).count(), await landing.count(), await landing.erase()]).toEqual([
      0, 2, 2,
    ]);
  });
});

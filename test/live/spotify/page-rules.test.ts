import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PageSet } from '../../../src/spotify/fetch/page-set.ts';
import { receiveSet } from '../../../src/spotify/fetch/raw-apply.ts';
import { cleanseBatch } from '../../../src/spotify/load/cleanse.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, load, migrateWarehouse } from './warehouse.ts';

const id = (n: number | string): string => String(n).padStart(22, 'P');
const track = (n: number | string, more: object = {}): object => ({
  type: 'track',
  id: id(n),
  name: `Song ${n}`,
  duration_ms: 200_000,
  artists: [{ type: 'artist', id: id('artist'), name: 'Band' }],
  album: {
    type: 'album',
    id: id('album'),
    name: 'Record',
    release_date: '1995',
    artists: [{ type: 'artist', id: id('artist'), name: 'Band' }],
  },
  ...more,
});
const played = (at: string, of: object | null, context: object | null = null): object => ({
  track: of,
  played_at: `2025-05-01T${at}Z`,
  context,
});
const fromAlbum = { type: 'album', uri: 'spotify:album:x' };
const basic = (at: string, n: number, msPlayed: number): object => ({
  endTime: `2025-05-01 ${at}`,
  artistName: 'Band',
  trackName: `Song ${n}`,
  msPlayed,
});
const extended = (at: string, n: number, ms: number): object => ({
  ts: `2025-05-01T${at}Z`,
  ms_played: ms,
  master_metadata_track_name: `Song ${n}`,
  master_metadata_album_artist_name: 'Band',
  master_metadata_album_album_name: 'Record',
  spotify_track_uri: `spotify:track:${id(n)}`,
});

describe('pages of the Web API, item by item', () => {
  let database: TestDatabase;
  let directory: string;
  let listener = '';
  let number = 0;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-pages-'));
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });
  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    number += 1;
    listener = `person ${number}`;
  });

  const count = async (query: string): Promise<number> => await countOf(database.sql, query);
  const values = async (query: string): Promise<readonly unknown[]> => (await database.sql.unsafe(query).values()).map(([value]) => value);
  /** A set of pages as fetch lands them; `day` is when they were asked for. */
  const give = async (kind: PageSet['kind'], unit: string, day: string, endpoint: string, bodies: readonly object[]): Promise<string> => {
    const startedAt = new Date(`${day}T00:00:00Z`);
    const url = `https://api.spotify.com/v1/${endpoint.replace('{id}', unit)}${kind === 'top' ? '?time_range=short_term' : ''}`;
    const pages = bodies.map((body) => ({ endpoint, url, status: 200, fetchedAt: startedAt, text: JSON.stringify(body) }));
    const set: PageSet = { listener, kind, unit, startedAt, items: 0, newestPlayedAt: undefined, gap: undefined, pages };
    const { batchId } = await receiveSet(
      database.sql,
      `spotify/x/to-process/${number}-${kind}-${unit}-${day}-${bodies.length}`,
      JSON.stringify(set),
      set,
    );
    await cleanseBatch(database.sql, 'page', batchId, kind);
    await whole();
    return batchId;
  };
  const recent = async (day: string, ...items: readonly object[]): Promise<string> =>
    await give('recent', 'recent', day, 'me/player/recently-played', [{ items }]);
  const file = async (name: string, content: unknown): Promise<void> => {
    await mkdir(path.join(directory, listener), { recursive: true });
    await writeFile(path.join(directory, listener, name), JSON.stringify(content));
    await load(database.sql, path.join(directory, listener, name), listener);
    await whole();
  };
  const whole = async (): Promise<void> => {
    expect(await values('select error from quality.run where error is not null')).toEqual([]);
    expect(await count('select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
    const left =
      'select (select count(*) from quality.page_item) + (select count(*) from quality.page_object) + (select count(*) from quality.play_work)';
    expect(await count(left)).toBe(0);
  };
  const mine = (): string => `(select listener_id from core.listener where name = '${listener}')`;
  const plays = async (): Promise<readonly unknown[]> =>
    await values(`select concat_ws(' ', to_char(p.ended_at at time zone 'UTC', 'HH24:MI:SS'), p.feed, p.ms_played, t.name, p.context_type)
      from core.play as p join core.track as t using (track_id) where p.listener_id = ${mine()} order by p.ended_at, p.minute_seq`);
  const refused = async (): Promise<readonly unknown[]> =>
    await values(`select concat_ws(' ', q.rule_id, q.reason) from quality.quarantine as q join raw.batch as b using (batch_id)
      where b.listener_name = '${listener}' order by q.batch_id, q.row_no, q.item_no`);

  /** The same evening, told three times: what was skipped, what was heard in part, what an export does not reach, and one twice in a row. */
  const evening = {
    api: [
      played('20:14:00.000', track(4)),
      played('20:10:45.100', track(3)),
      played('20:07:24.900', track(3), fromAlbum),
      played('20:03:20.500', track(2), fromAlbum),
      played('20:00:00.250', track(1)),
    ],
    basic: [
      basic('20:00', 1, 200_000),
      basic('20:00', 2, 12_000),
      basic('20:03', 2, 180_000),
      basic('20:07', 3, 200_000),
      basic('20:10', 3, 200_000),
    ],
    extended: [
      extended('20:00:00', 1, 200_000),
      extended('20:00:12', 2, 12_000),
      extended('20:03:20', 2, 180_000),
      extended('20:07:25', 3, 200_000),
      extended('20:10:45', 3, 200_000),
    ],
  };
  const merged = [
    '20:00:00 extended 200000 Song 1',
    '20:00:12 extended 12000 Song 2',
    '20:03:20 extended 180000 Song 2 album',
    '20:07:25 extended 200000 Song 3 album',
    '20:10:45 extended 200000 Song 3',
    '20:14:00 api 200000 Song 4',
  ];
  it.for([
    ['api', 'basic', 'extended'],
    ['api', 'extended', 'basic'],
    ['basic', 'api', 'extended'],
    ['basic', 'extended', 'api'],
    ['extended', 'api', 'basic'],
    ['extended', 'basic', 'api'],
  ] as const)('B3: the same plays from %s count once, and the best of each stands', async (order) => {
    for (const source of order) {
      if (source === 'api') await recent('2025-05-02', ...evening.api);
      else await file(`${source}.json`, evening[source]);
    }
    expect(await plays()).toEqual(merged);
    expect((await refused()).map((each) => String(each).slice(0, 6))).toEqual(
      Array.from({ length: 9 }, () => expect.stringMatching(/^B3 the/)),
    );
    // The same plays once more, in another page.
    await recent('2025-05-03', ...evening.api.slice(1));
    expect(await plays()).toEqual(merged);
  });

  it('B3: with a basic export alone the minute stays, and only the play that it has is given up', async () => {
    await recent('2025-05-02', ...evening.api);
    await file('basic.json', evening.basic);
    expect(await plays()).toEqual([
      '20:00:00 basic 200000 Song 1',
      '20:00:00 basic 12000 Song 2',
      '20:03:00 basic 180000 Song 2 album',
      '20:07:00 basic 200000 Song 3 album',
      '20:10:00 basic 200000 Song 3',
      '20:14:00 api 200000 Song 4',
    ]);
  });

  it('B3: another listener’s plays, another track and another hour are no twins', async () => {
    await recent('2025-05-02', played('20:00:00.250', track(1)));
    const before = await plays();
    number += 1;
    listener = `person ${number}`;
    await file('extended.json', [extended('20:00:00', 1, 200_000)]);
    expect(await plays()).toEqual(['20:00:00 extended 200000 Song 1']);
    await recent('2025-05-02', played('20:00:01.000', track(2)), played('21:00:00.000', track(1)));
    expect(await plays()).toEqual(['20:00:00 extended 200000 Song 1', '20:00:01 api 200000 Song 2', '21:00:00 api 200000 Song 1']);
    expect(before).toEqual(['20:00:00 api 200000 Song 1']);
  });

  it('items that say nothing that can be kept are refused one by one, with the rule', async () => {
    await recent(
      '2025-05-02',
      played('10:00:00.000', track(1)),
      played('10:00:00.000', track(1)),
      played('10:01:00.000', null),
      played('10:02:00.000', track(5, { type: 'episode' })),
      played('10:03:00.000', track(6, { id: null, name: '' })),
      played('10:04:00.000', track(7, { artists: [{ id: id('lost'), name: 'Bj\uFFFDrk' }] })),
      played('25:05:00.000', track(8)),
    );
    expect(await refused()).toEqual([
      'B1 an earlier item says the same',
      'B9 it names nothing: what it was about is gone',
      'B9 it is about something else than a track: episode',
      'B9 it names no track: neither an identifier nor a name with its artist',
      'B7 a name has lost letters',
      'B11 played_at is not a time: 2025-05-01T25:05:00.000Z',
    ]);
    expect(await plays()).toEqual(['10:00:00 api 200000 Song 1']);
  });

  it('a track without a length is a play of 30 s at least; a file of one’s own is known by its names', async () => {
    await recent(
      '2025-05-02',
      played('10:00:00.000', track('short', { duration_ms: null })),
      played('10:05:00.000', {
        id: null,
        is_local: true,
        type: 'track',
        name: 'Demo',
        duration_ms: 61_000,
        artists: [{ name: 'Me' }],
        album: { name: 'Tapes' },
      }),
    );
    expect(await plays()).toEqual(['10:00:00 api 30000 Song short', '10:05:00 api 30000 Demo']);
    expect(await values(`select count(*) from core.track_spelling where artist_name = 'Me' and track_name = 'Demo'`)).toEqual(['1']);
  });

  it('an answer that is none, and a page without its list, are refused whole; an endpoint without facts is kept as received', async () => {
    await give('recent', 'recent', '2025-05-02', 'me/player/recently-played', [{ items: null }]);
    await give('library', 'shows', '2025-05-02', 'me/shows', [{ items: [1, 2] }]);
    expect(await refused()).toEqual(['B9 the page has no list of what it should hold']);
    expect(
      await values(`select rows_received || ' ' || rows_out from quality.accounting where listener_name = '${listener}' order by batch_id`),
    ).toEqual(['1 0', '1 1']);
  });

  it('what a library, a playlist and a list of followed artists no longer have goes, or ends', async () => {
    const artist = (n: number): object => ({ type: 'artist', id: id(`f${n}`), name: `Followed ${n}` });
    const library = async (day: string, ...songs: readonly number[]): Promise<string> =>
      await give('library', 'tracks', day, 'me/tracks', [
        { items: songs.map((n) => ({ added_at: '2025-01-01T00:00:00Z', track: track(n) })) },
      ]);
    const saved = `select string_agg(t.name, ',' order by t.name) from core.saved_track join core.track as t using (track_id) where listener_id = `;
    await library('2025-06-01', 1, 2, 3);
    await library('2025-06-02', 2, 4);
    expect(await values(saved + mine())).toEqual(['Song 2,Song 4']);
    // An older fetch that comes late adds what it has and takes nothing away.
    await library('2025-05-01', 5);
    expect(await values(saved + mine())).toEqual(['Song 2,Song 4,Song 5']);

    const playlist = id(`list${number}`);
    const listing = async (day: string, ...songs: readonly (number | null)[]): Promise<string> =>
      await give('playlists', playlist, day, 'playlists/{id}/items', [
        { offset: 0, items: songs.map((n) => ({ added_at: '2025-01-01T00:00:00Z', item: n === null ? null : track(n) })) },
      ]);
    const listed = `select string_agg(t.name || ' ' || position, ',' order by position) from core.playlist as p join core.playlist_track using (playlist_id)
      join core.track as t using (track_id) where p.spotify_id = '${playlist}'`;
    await listing('2025-06-01', 1, null, 2, 1, 3);
    expect(await values(listed)).toEqual(['Song 1 1,Song 2 3,Song 3 5']);
    await listing('2025-06-02', 3, 2);
    expect(await values(listed)).toEqual(['Song 3 1,Song 2 2']);
    expect(await refused()).toEqual(['B9 it names nothing: what it was about is gone', 'B2 the playlist lists the track already']);

    const follows = async (day: string, ...people: readonly number[]): Promise<string> =>
      await give('artists', 'followed', day, 'me/following', [{ artists: { items: people.map(artist) } }]);
    await follows('2025-06-01', 1, 2);
    await follows('2025-06-03', 2, 3);
    await follows('2025-06-04', 1, 2, 3);
    const following = async (): Promise<readonly unknown[]> =>
      await values(`select concat_ws(' ', a.name, (first_seen_at at time zone 'UTC')::date, (last_seen_at at time zone 'UTC')::date, (ended_at at time zone 'UTC')::date)
        from core.follow join core.artist as a using (artist_id) where listener_id = ${mine()} order by 1`);
    expect(await following()).toEqual([
      'Followed 1 2025-06-01 2025-06-04',
      'Followed 2 2025-06-01 2025-06-04',
      'Followed 3 2025-06-03 2025-06-04',
    ]);
    await follows('2025-06-05', 3);
    expect((await following())[0]).toBe('Followed 1 2025-06-01 2025-06-04 2025-06-05');
  });

  it('A4: each top list stays as it was taken; one that lists a track twice keeps the first', async () => {
    const top = async (day: string, ...songs: readonly number[]): Promise<string> =>
      await give('top', 'tracks short_term', day, 'me/top/tracks', [{ offset: 0, items: songs.map((n) => track(n)) }]);
    await top('2025-06-01', 1, 2);
    await top('2025-06-02', 2, 1, 2);
    const lists = `select string_agg(t.name, ',' order by taken_at, rank) from core.top_list as l join core.top_list_track using (top_list_id)
      join core.track as t using (track_id) where l.listener_id = ${mine()} group by taken_at order by taken_at`;
    expect(await values(lists)).toEqual(['Song 1,Song 2', 'Song 2,Song 1']);
    expect(await refused()).toEqual(['B2 the list has it already']);
  });

  it('who and what was known by name is claimed by the first identifier; a second one of that name is a namesake', async () => {
    await file('extended.json', [
      { ...extended('09:00:00', 77, 60_000), master_metadata_album_artist_name: 'Twin', master_metadata_album_album_name: 'Debut' },
    ]);
    const artists = `select concat_ws(' ', spotify_id, is_namesake) from core.artist where name = 'Twin' order by artist_id`;
    expect(await values(artists)).toEqual(['f']);
    const by = (who: string): object => ({ type: 'artist', id: id(who), name: 'Twin' });
    const debut = { type: 'album', id: id('debut'), name: 'Debut', release_date: '1999-07', artists: [by('t1')] };
    await recent('2025-05-02', played('11:00:00.000', track(77, { artists: [by('t1')], album: debut })));
    await recent('2025-05-03', played('12:00:00.000', track(78, { artists: [by('t2'), by('t1')], album: debut })));
    expect(await values(artists)).toEqual([`${id('t1')} f`, `${id('t2')} t`]);
    const albums = `select concat_ws(' ', spotify_id, release_date, release_date_precision) from core.album where name = 'Debut'`;
    expect(await values(albums)).toEqual([`${id('debut')} 1999-07-01 month`]);
    const credits = `select string_agg(a.spotify_id, ',' order by position) from core.track join core.track_artist using (track_id) join core.artist as a using (artist_id)
      where core.track.spotify_id = '${id(78)}'`;
    expect(await values(credits)).toEqual([`${id('t2')},${id('t1')}`]);
    // A name changes, and so do the artists of a track.
    const renamed = {
      ...by('t2'),
      name: 'Twin Two',
      popularity: 44,
      followers: { total: 9 },
      images: [{ url: 'https://i/1' }, { url: 'https://i/2' }, { url: 'https://i/3' }],
    };
    await recent('2025-05-04', played('13:00:00.000', track(78, { artists: [renamed], album: debut })));
    expect(
      await values(`select concat_ws(' ', name, popularity, followers, image_url) from core.artist where spotify_id = '${id('t2')}'`),
    ).toEqual(['Twin Two 44 9 https://i/2']);
    expect(await values(credits)).toEqual([id('t2')]);
  });

  it('an account that is another listener’s already is refused: its plays would count twice', async () => {
    const me = { id: 'ada', account_id: `account ${number}`, country: 'in', product: 'premium' };
    await give('profile', 'profile', '2025-05-02', 'me', [me]);
    expect(
      await values(`select concat_ws(' ', account_id, user_id, country, product) from core.listener where name = '${listener}'`),
    ).toEqual([`account ${number} ada IN premium`]);
    const first = listener;
    number += 1;
    listener = `person ${number}`;
    await give('profile', 'profile', '2025-05-02', 'me', [me]);
    expect(await refused()).toEqual([`B2 the account is that of listener ${first}`]);
  });

  it('a playlist of an account export and the same one of the Web API are one', async () => {
    await give('profile', 'profile', '2025-05-02', 'me', [{ id: `user${number}` }]);
    await file('Playlist1.json', {
      playlists: [
        {
          name: 'Mine',
          lastModifiedDate: '2025-01-01',
          items: [
            {
              track: { trackName: 'Song 1', artistName: 'Band', albumName: 'Record', trackUri: `spotify:track:${id(1)}` },
              addedDate: '2025-01-01',
            },
          ],
        },
      ],
    });
    const mineOf = { id: id(`mine${number}`), name: 'Mine', description: ' about ', owner: { id: `user${number}` } };
    await give('playlists', 'playlists', '2025-05-03', 'me/playlists', [
      { items: [mineOf, { id: id(`other${number}`), name: 'Mine', owner: { id: 'x' } }, null] },
    ]);
    const known = `select concat_ws(' ', p.spotify_id, p.description, p.owner_id = ${mine()}, (select count(*) from core.playlist_track as t where t.playlist_id = p.playlist_id))
      from core.playlist as p where p.spotify_id in ('${id(`mine${number}`)}', '${id(`other${number}`)}') or p.owner_id = ${mine()} order by p.playlist_id`;
    expect(await values(known)).toEqual([`${id(`mine${number}`)} about t 1`, `${id(`other${number}`)} 0`]);
  });
});

import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { addPlays, fillWarehouse, listens } from './reco-data.ts';
import { countOf, dbadmin, migrateWarehouse, PROJECT } from './warehouse.ts';

const DATA = path.resolve(process.env['DBADMIN_DATA'] ?? path.join(PROJECT, '../shared/data'));
const HISTORY = path.join(DATA, 'history-jonas-mika');
const SONGS = path.join(DATA, 'tracks-tidytuesday');

interface Document {
  readonly songs: readonly { readonly rank: number; readonly name: string; readonly reason: string; readonly becauseOf: unknown }[];
  readonly isUpToDate: boolean;
  readonly source: string;
  readonly reached: boolean | null;
  readonly evaluationId: string | null;
  readonly tasks: readonly {
    readonly task: string;
    readonly cases: number;
    readonly methods: readonly {
      readonly method: string;
      readonly knownShare: number | null;
      readonly figures: Readonly<Record<string, { readonly value: number; readonly low: number; readonly high: number }>>;
      readonly overPopularity: { readonly value: number; readonly low: number } | null;
    }[];
  }[];
}

describe('dbadmin spotify recommend, sounds-like, evaluate', () => {
  let database: TestDatabase;
  const spotify = async (args: readonly string[], stdin = ''): ReturnType<typeof dbadmin> =>
    await dbadmin(['spotify', ...args, '--url', database.url], PROJECT, stdin);
  const documentOf = async (...args: readonly string[]): Promise<Document> => {
    const { status, stdout, stderr } = await spotify([...args, '--json']);
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    return JSON.parse(stdout) as Document;
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
    await fillWarehouse(database.sql);
  });
  afterAll(async () => await database?.drop());

  it('say when what was loaded is not taken into account, and take it in when asked to', async () => {
    const { stderr, stdout } = await spotify(['recommend', '--listener', 'listener 1']);
    expect(stderr).toContain('what was loaded since the last refresh is not taken into account');
    expect(stdout).toContain('nothing to recommend');
    const songs = await documentOf('recommend', '--listener', 'listener 1', '--refresh', '--k', '3');
    expect(songs).toMatchObject({ by: 'listener', isUpToDate: true });
    expect(songs.songs.map(({ rank, reason }) => [rank, reason])).toEqual([
      [1, 'found together'],
      [2, 'found together'],
      [3, 'found together'],
    ]);
    expect(songs.songs[0]?.becauseOf).toMatchObject({ name: expect.stringMatching(/^Song \d+$/) as string });
    await addPlays(database.sql, listens(1, 5, 4, 300), 9_000_000);
    expect((await documentOf('recommend', '--listener', 'listener 1')).isUpToDate).toBe(false);
  });

  it('show a table with reasons', async () => {
    const { stdout } = await spotify(['recommend', '--listener', 'listener 2', '--k', '2', '--refresh']);
    expect(stdout).toMatch(/song +artist +track +reason\n1 +Song \d+ +Artist \d+ +\d+ +found together with Artist \d+ - Song \d+\n2 /);
  });

  it('take a track by number, identifier, address, and artist and name', async () => {
    const expected = await documentOf('sounds-like', '7');
    for (const text of ['artist 8 - SONG 7', 'song 7']) expect(await documentOf('sounds-like', text)).toEqual(expected);
    await database.sql`update core.track set spotify_id = '6rqhFgbbKwnb9MLmUQDhG6' where track_id = 7`;
    for (const text of ['spotify:track:6rqhFgbbKwnb9MLmUQDhG6', 'https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6?si=1'])
      expect(await documentOf('sounds-like', text)).toEqual(expected);
    expect((await spotify(['sounds-like', '150'])).stdout).toContain('the audio features of Artist 11 - Song 150 are not known');
    const after = await documentOf('recommend', '--after', '113', '--k', '4');
    expect(after).toMatchObject({ by: 'track' });
    expect(after.songs).toHaveLength(4);
  });

  it('recommend by genres, features and tracks', async () => {
    const { songs } = await documentOf('recommend', '--genre', 'Deep Rock', '--feature', 'energy=0.9', '--like', 'Song 9', '--k', '5');
    expect(songs).toHaveLength(5);
    expect(songs.map(({ name }) => name)).not.toContain('Song 9');
  });

  it('by preference say which liked song a choice rests on, and leave out what a listener heard', async () => {
    const [most] = await database.sql<{ id: string; name: string }[]>`
      select c.track_id as id, s.name from reco.song_count as c join reco.song as s using (track_id) where c.basis = 'sessions' order by c.times desc, 1 limit 1`;
    const liked = most?.id ?? '';
    const all = await documentOf('recommend', '--like', liked, '--popular', '0', '--k', '50');
    const together = all.songs.filter(({ reason }) => reason === 'found together');
    expect(together.length).toBeGreaterThan(0);
    for (const { becauseOf } of together) expect(becauseOf).toMatchObject({ trackId: liked, name: most?.name });
    const heard = await database.sql<{ name: string }[]>`
      select s.name from reco.listener_song as h join reco.song as s using (track_id) join core.listener as l using (listener_id) where l.name = 'listener 1'`;
    const names = new Set(heard.map(({ name }) => name));
    expect(all.songs.some(({ name }) => names.has(name))).toBe(true);
    const unheard = await documentOf('recommend', '--like', liked, '--popular', '0', '--k', '50', '--unheard-by', 'listener 1');
    expect(unheard.songs.filter(({ name }) => names.has(name))).toEqual([]);
  });

  it('popularity counts as much as it is given: at 1 the song that is heard most comes nearer the top than at 0', async () => {
    const [most] = await database.sql<{ name: string }[]>`
      select s.name from reco.song_count as c join reco.song as s using (track_id) where c.basis = 'sessions' order by c.times desc, c.track_id limit 1`;
    const place = async (weight: string): Promise<number> => {
      const { songs } = await documentOf('recommend', '--feature', 'loudness_db=0', '--popular', weight, '--k', '1000');
      return songs.findIndex(({ name }) => name === most?.name);
    };
    const [counts, doesNot] = [await place('1'), await place('0')];
    expect(counts).toBeGreaterThanOrEqual(0);
    expect(doesNot === -1 || doesNot > counts).toBe(true);
  });

  it('what a preference can name is listed with ranges, and each of it is taken', async () => {
    const { status, stdout } = await spotify(['preferences', '--json']);
    expect(status).toBe(0);
    const { features, genres } = JSON.parse(stdout) as {
      features: readonly { feature: string; least: number; most: number; mean: number }[];
      genres: readonly { genre: string; songs: number }[];
    };
    expect(features).toHaveLength(9);
    for (const { least, mean, most } of features) expect(least <= mean && mean <= most).toBe(true);
    const rock = genres.find(({ genre }) => genre === 'rock');
    expect(rock?.songs).toBe(await countOf(database.sql, `select count(*) from reco.song_genre where genre = 'rock'`));
    const { songs } = await documentOf(
      'recommend',
      '--feature',
      `${features[0]?.feature}=${features[0]?.most}`,
      '--genre',
      genres[0]?.genre ?? '',
    );
    expect(songs.length).toBeGreaterThan(0);
  });

  it.for([
    [['recommend'], 'say for whom the songs are'],
    [['recommend', '--listener', 'x', '--after', '1'], 'say for whom the songs are'],
    [['recommend', '--listener', 'nobody'], 'the warehouse has no listener nobody'],
    [['recommend', '--after', 'nothing'], 'the warehouse has no track "nothing"'],
    [['recommend', '--after', '1', '--heard', 'any'], 'are about the songs of a --listener'],
    [['recommend', '--genre', 'polka'], 'there is no genre polka'],
    [['recommend', '--feature', 'energy'], '--feature takes name=value'],
    [['recommend', '--feature', 'mood=1'], 'there is no audio feature mood'],
    [['recommend', '--genre', 'rock', '--k', '0'], '--k takes a whole number from 1 to 1000'],
    [['recommend', '--popular', '2'], '--popular takes a number from 0 to 1'],
    [['recommend', '--listener', 'x', '--unheard-by', 'y'], '--unheard-by goes with a preference'],
    [['recommend', '--genre', 'rock', '--unheard-by', 'nobody'], 'the warehouse has no listener nobody'],
    [['evaluate', '--stored', '--seed', '2'], '--stored measures nothing'],
    [['evaluate', '--seed', 'x'], '--seed takes a number'],
    [['evaluate', 'x.json', '--interactions', 'y.tsv'], 'exclude each other'],
  ] as const)('%j is refused as wrong usage', async ([args, message]) => {
    const { status, stderr } = await spotify(args);
    expect(stderr).toContain(message);
    expect(status).toBe(64);
  });

  it('evaluate the warehouse, store the run, and give the same again', async () => {
    expect(await documentOf('evaluate', '--stored')).toMatchObject({ tasks: [], evaluationId: null });
    const first = await documentOf('evaluate', '--at-least', '0.1');
    expect(first).toMatchObject({ source: 'warehouse', reached: null });
    expect(first.tasks.map(({ task }) => task)).toEqual(['next track', 'playlists']);
    const again = await documentOf('evaluate', '--at-least', '0.1');
    expect(again.tasks).toEqual(first.tasks);
    const rows = await database.sql`select f.value from reco.evaluation_figure as f
      where evaluation_id = ${first.evaluationId} and task = 'next track' and method = 'co-occurrence' and metric = 'HR@10'`;
    const value = first.tasks[0]?.methods.find(({ method }) => method === 'co-occurrence')?.figures['HR@10']?.value;
    expect(Number(rows[0]?.['value'])).toBe(value);
    const stored = await documentOf('evaluate', '--stored');
    expect(stored).toMatchObject({ source: 'warehouse', evaluationId: again.evaluationId, storedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    const figures = ({ tasks }: Document): unknown =>
      tasks.map(({ task, cases, methods }) => ({
        task,
        cases,
        methods: Object.fromEntries(
          methods.map(({ method, figures: of, knownShare, overPopularity }) => [method, { of, knownShare, overPopularity }]),
        ),
      }));
    expect(figures(stored)).toEqual(figures(again));
  });

  it('evaluate rows of listener, item and count; what is demanded and not reached fails', async () => {
    const rows = (n: number): string =>
      Array.from({ length: n }, (_, at) => `u${at % 120}\ti${(at * 7 + (at % 120) * 3) % 200}\t${1 + (at % 9)}`).join('\n');
    const { status, stdout, stderr } = await spotify(
      ['evaluate', '--interactions', '-', '--at-least', '1000'],
      `user\titem\tplays\n${rows(1500)}\n`,
    );
    expect(stdout).toMatch(
      /method +NDCG@10 +HR@10 +recall@10 +NDCG@20 +× popularity +items shown +known before\nrandom +0\.\d{3} \(0\.\d{3}–0\.\d{3}\)/,
    );
    expect(stderr).toContain('1000 times are demanded');
    expect(status).toBe(1);
    const bad = await spotify(['evaluate', '--interactions', '-'], `${rows(3)}\nu1\ti1\n`);
    expect([bad.status, bad.stderr]).toEqual([1, expect.stringContaining('- line 4 has 2 fields, not 3')]);
    expect((await spotify(['evaluate', '--interactions', '/nowhere.tsv'])).stderr).toContain('cannot read /nowhere.tsv');
    expect(await countOf(database.sql, `select count(*) from reco.evaluation where source = '-'`)).toBe(0);
  });

  it('I: on the real files the next track is found twice as often as by popularity, and on playlists the same artist is better', async (context) => {
    if (!existsSync(HISTORY) || !existsSync(SONGS)) context.skip(`the data is not there: ${DATA} (DBADMIN_DATA names another directory)`);
    const { tasks, reached } = await documentOf('evaluate', HISTORY, SONGS);
    const figure = (task: string, name: string, metric: string): { value: number; low: number; high: number } =>
      tasks.find((each) => each.task === task)?.methods.find(({ method }) => method === name)?.figures[metric] ?? {
        value: 0,
        low: 0,
        high: 0,
      };
    expect(reached).toBe(true);
    expect(tasks[0]?.cases).toBe(6148);
    const popularity = figure('next track', 'popularity', 'HR@10');
    expect(figure('next track', 'co-occurrence', 'HR@10').value).toBeGreaterThanOrEqual(2 * popularity.value);
    // Not by chance: the intervals do not touch.
    expect(figure('next track', 'co-occurrence', 'HR@10').low).toBeGreaterThan(popularity.high);
    expect(figure('next track', 'co-occurrence', 'HR@10').low).toBeGreaterThan(figure('next track', 'recent popularity', 'HR@10').high);
    for (const metric of ['HR@10', 'NDCG@10']) {
      expect(figure('playlists', 'same artist', metric).low).toBeGreaterThan(figure('playlists', 'co-occurrence', metric).high);
      expect(figure('playlists', 'co-occurrence', metric).low).toBeGreaterThan(figure('playlists', 'audio features', metric).high);
    }
  });
});

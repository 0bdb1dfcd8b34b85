import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import type { DbadminError } from '../../../src/base/errors.ts';
import { reportPage } from '../../../src/spotify/report/page/page.ts';
import { readReport } from '../../../src/spotify/report/inspect.ts';
import { SECTIONS } from '../../../src/spotify/report/sections.ts';
import { EVERYTHING, type AskedScope } from '../../../src/spotify/report/scope.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { FIGURES, playsOf, type Narrowed } from './figures.ts';
import { dbadmin, load, migrateWarehouse, PROJECT } from './warehouse.ts';

/** What the API would have brought, and names that are up to no good. */
const PEOPLE = `
  insert into core.device (listener_id, name, device_type) select listener_id, '<script>alert(1)</script>', 'Speaker' from core.listener;
  insert into core.follow (listener_id, artist_id, ended_at) select l.listener_id, a.artist_id, case when a.n = 2 then now() end
    from core.listener as l, (select artist_id, row_number() over () as n from core.artist) as a where a.n <= 5;
  insert into core.saved_album (listener_id, album_id, added_at) select l.listener_id, b.album_id, '2025-01-01'
    from core.listener as l, (select album_id from core.album order by 1 limit 4) as b on conflict do nothing;
  insert into core.top_list (listener_id, kind, time_range, taken_at)
    select listener_id, k, r, t from core.listener, unnest('{artists,tracks}'::text[]) as k, unnest('{short_term,long_term}'::text[]) as r,
      unnest('{2025-01-01,2025-02-01}'::timestamptz[]) as t;
  insert into core.top_list_artist (top_list_id, rank, artist_id)
    select top_list_id, n, (select artist_id from core.artist order by 1 offset (n + top_list_id) % 12 limit 1) from core.top_list, generate_series(1, 12) as n where kind = 'artists';
  insert into core.top_list_track (top_list_id, rank, track_id)
    select top_list_id, n, (select track_id from core.track order by 1 offset (n + top_list_id) % 12 limit 1) from core.top_list, generate_series(1, 12) as n where kind = 'tracks';
  update core.listener set country = 'IN', product = 'premium', time_zone = 'Asia/Kolkata' where listener_id = (select min(listener_id) from core.listener);
  update core.track set name = $$=cmd|'/c calc'!A1 </svg><script>alert(1)</script>$$
    where track_id = (select coalesce(t.canonical_track_id, t.track_id) from core.play as p join core.track as t using (track_id) group by 1 order by count(*) desc limit 1);
  update core.artist set name = '<img src=x onerror=alert(1)>' where artist_id = (select artist_id from core.play join core.track_artist using (track_id) group by 1 order by count(*) desc limit 1);
  insert into core.cover (album_id, source_url, media_type, image)
    select album_id, 'about:none', 'image/png', '\\x89504e470d0a1a0a' from core.album where album_id <= 200`;

const COUNT_SKIPS = new Set(['recent-plays', 'lengths', 'skipped-tracks']);

describe('dbadmin spotify report', () => {
  let database: TestDatabase;
  let directory: string;
  /** A listener, album, track and artist that have plays in one month, and the month. */
  let some: Required<Pick<Narrowed, 'listener' | 'album' | 'track' | 'artist' | 'month'>>;
  const report = async (...args: readonly string[]): ReturnType<typeof dbadmin> =>
    await dbadmin(['spotify', 'report', ...args, '--url', database.url], directory);
  const rowsOf = async (query: string, keys: readonly string[]): Promise<readonly (readonly unknown[])[]> => {
    const rows = await database.sql
      .unsafe(`select ${keys.map((key) => `shown."${key}"::text`).join(', ')} from (${query}) as shown`)
      .values();
    return sorted(rows as unknown[][]);
  };
  const shown = async (name: string, narrowed: Narrowed, keys: readonly string[]): Promise<readonly (readonly unknown[])[]> => {
    const sections = SECTIONS.filter((section) => section.name === name);
    const read = await readReport(database.sql, { ...EVERYTHING, ...narrowed }, sections, {
      withCovers: false,
      onSection: () => undefined,
    });
    return sorted((read.sections[0]?.rows ?? []).map((row) => keys.map((key) => row[key] ?? null)));
  };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-report-'));
    const files = path.join(directory, 'files');
    await writeGenerated(files, { listeners: 2, plays: 800, seed: 7, kinds: ['songs', 'histories', 'extended', 'account', 'charts'] });
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
    await load(database.sql, path.join(files, 'songs.csv'));
    await load(database.sql, files);
    await database.sql.unsafe(PEOPLE);
    await database.sql`call mart.refresh()`;
    const [found] = await database.sql<[typeof some]>`
      select l.name as listener, t.album_id::text as album, coalesce(t.canonical_track_id, t.track_id)::text as track, a.name as artist,
        to_char(p.ended_at at time zone l.time_zone, 'YYYY-MM') as month
      from core.listen as p join core.listener as l using (listener_id) join core.track as t using (track_id)
      join core.track_artist as ta using (track_id) join core.artist as a using (artist_id)
      where t.album_id is not null group by 1, 2, 3, 4, 5 order by count(*) desc, 1, 2 limit 1`;
    some = found;
  });
  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('every section has a figure worked out on core', () => {
    expect(Object.keys(FIGURES).sort()).toEqual(SECTIONS.map(({ name }) => name).sort());
  });

  it.for(Object.entries(FIGURES).filter(([name]) => name.startsWith('chart-')))(
    'H5: %s is what core says, chart by chart',
    async ([name, { keys, core }]) => {
      const expected = await rowsOf(core(playsOf({})), keys);
      expect(expected.length).toBeGreaterThan(1);
      expect(await shown(name, {}, keys)).toEqual(expected);
    },
  );

  it('H5: of genre share by week there are several weeks and genres, and each week adds up', async () => {
    const rows = await shown('chart-genres', {}, ['chart', 'iso_year', 'iso_week', 'genre', 'share_percent']);
    const weeks = Map.groupBy(rows, ([chart, year, week]) => `${String(chart)} ${String(year)} ${String(week)}`);
    expect(weeks.size).toBeGreaterThan(1);
    expect(new Set(rows.map(([, , , genre]) => genre)).size).toBeGreaterThan(1);
    for (const shares of weeks.values()) expect(shares.reduce((sum, row) => sum + Number(row.at(-1)), 0)).toBeCloseTo(100, 0);
  });

  it.for(Object.entries(FIGURES).filter(([name]) => !name.startsWith('chart-')))(
    'H2: %s is what core says',
    async ([name, { keys, core }]) => {
      const expected = await rowsOf(core(playsOf({}, COUNT_SKIPS.has(name))), keys);
      expect(expected).not.toEqual([]);
      expect(await shown(name, {}, keys)).toEqual(expected);
    },
  );

  it.for(Object.entries(FIGURES).filter(([, { isOfPlays }]) => isOfPlays))(
    'H4: %s, narrowed by filters that hold together',
    async ([name, { keys, core }]) => {
      const { listener, artist, month, album, track } = some;
      const filters: readonly Narrowed[] = [
        { month, listener, artist },
        { album, track, zone: 'America/St_Johns' },
        { from: `${month}-05`, to: `${month}-20`, zone: 'Asia/Kathmandu' },
      ];
      for (const narrowed of filters) {
        expect(await shown(name, narrowed, keys)).toEqual(await rowsOf(core(playsOf(narrowed, COUNT_SKIPS.has(name))), keys));
      }
    },
  );

  it('H1: each of the 10 and 41 visuals has a relation, a section that reads it, a test with its figure, and stands in the page', async () => {
    const visuals = await database.sql<
      { report: string; page: number; number: number; relation: string; section: string; test: string; screen: string }[]
    >`
      select report, page, number, relation, section, test, screen from mart.visual order by report, page, number`;
    expect(visuals.filter((each) => each.report === 'user')).toHaveLength(10);
    expect(visuals.filter((each) => each.report === 'listening')).toHaveLength(41);
    expect((await report('--format', 'html', '--out', 'whole.html')).status).toBe(0);
    const page = await readFile(path.join(directory, 'whole.html'), 'utf8');
    const marked = new Set([...page.matchAll(/data-visuals="([^"]*)"/g)].flatMap(([, list = '']) => list.split(' ')));
    for (const { report: name, page: number, number: nth, relation, section, test, screen } of visuals) {
      const visual = `${name}/${number}/${nth}`;
      expect(marked, visual).toContain(visual);
      expect(await readFile(path.join(PROJECT, test), 'utf8'), visual).toContain(section === 'pages' ? 'mart.visual' : section);
      expect(screen, visual).toBe(`${name}#${section}`);
      if (section === 'pages') expect(relation).toBe('mart.report_page');
      else {
        expect(FIGURES[section], visual).toBeDefined();
        expect(SECTIONS.find((each) => each.name === section)?.relation, visual).toBe(relation);
        expect(page, visual).toContain(`id="${section}"`);
      }
    }
    const [missing] = await database.sql`select count(*)::int as missing from mart.visual where to_regclass(relation) is null
      and not exists (select from pg_proc as p where p.pronamespace = 'mart'::regnamespace and 'mart.' || p.proname = relation)`;
    expect(missing).toEqual({ missing: 0 });
  });

  it('the page asks for nothing from anywhere, runs nothing, and names stay names in it', async () => {
    const page = await readFile(path.join(directory, 'whole.html'), 'utf8');
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:;`);
    expect(page).not.toMatch(/<script|<link|<iframe|<object|@import|url\(|javascript:|srcset|<form/i);
    expect(
      [...page.matchAll(/\s(?:src|href|action|xlink:href)="([^"]*)"/gi)].map(([, target = '']) =>
        target.replace(/^(#|data:image\/png;base64,).*/, '$1'),
      ),
    ).toEqual(expect.not.arrayContaining([expect.stringMatching(/^(?!#$|data:image\/png;base64,$)/)]));
    expect(page).not.toMatch(/<[^>]*\son\w+=/i);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('each drawing has a name that says its finding, and its figures as a table', async () => {
    const page = await readFile(path.join(directory, 'whole.html'), 'utf8');
    const drawings = page.match(/<svg[^>]*>/g) ?? [];
    const unnamed = drawings.filter(
      (tag) => !/role="img"\s+aria-label="[^"]+"|aria-hidden="true"|preserveAspectRatio/.test(tag.replaceAll(/\s+/g, ' ')),
    );
    expect(drawings.length).toBeGreaterThan(20);
    expect(unnamed).toEqual([]);
    for (const name of ['hours', 'week-hours', 'days', 'weeks', 'months', 'chart-entries', 'chart-genres']) {
      expect(page.slice(page.indexOf(`id="${name}"`)).split('</section>')[0]).toMatch(/As a table[\s\S]*<table>/);
    }
  });

  it('csv: a file a part; what a spreadsheet would run is a text there', async () => {
    expect((await report('listening', '--format', 'csv', '--out', 'parts')).status).toBe(0);
    expect((await readdir(path.join(directory, 'parts'))).sort()).toEqual(
      SECTIONS.filter(({ group }) => group === 'listening')
        .map(({ name }) => `${name}.csv`)
        .sort(),
    );
    const top = parse<Record<string, string>>(await readFile(path.join(directory, 'parts/top-tracks.csv')), { columns: true });
    expect(top[0]?.['name']).toMatch(/^'=cmd/);
  });

  it('as JSON numbers are numbers, and the filters that say nothing about a part are told', async () => {
    const { stdout, stderr } = await report('cards', 'devices', '--month', some.month, '--listener', some.listener.toUpperCase(), '--json');
    const told = JSON.parse(stdout) as {
      scope: unknown;
      parts: { name: string; rows: Record<string, unknown>[] }[];
      idle: unknown;
      waitingPlays: number;
    };
    expect(told.scope).toMatchObject({ listener: { name: some.listener }, month: some.month, track: null });
    expect(told.parts[0]?.rows[0]).toMatchObject({ plays: expect.any(Number), listening_hours: expect.any(Number) });
    expect(told.idle).toEqual({ month: ['devices'] });
    expect(told.waitingPlays).toBe(0);
    expect(stderr).toContain('--month says nothing about: devices');
  });

  it('a period without plays gives zeros and an empty page, not an error', async () => {
    const read = await readReport(database.sql, { ...EVERYTHING, month: '1999-01' }, SECTIONS, {
      withCovers: true,
      onSection: () => undefined,
    });
    const page = reportPage(read, { readAt: '2026-11-21T10:00:00.000Z', version: '0', idle: new Map() });
    expect(page).toContain('No play meets these filters.');
    expect(page).not.toMatch(/NaN|Infinity|undefined|>\s*null\s*</);
  });

  it.for([
    [['card'], 'no part of the report is called "card", did you mean "cards"?'],
    [['--format', 'csv'], 'several parts as CSV need --out DIRECTORY'],
    [['cards', '--format', 'html', '--json'], 'give --out'],
  ] as const)('%s is refused', async ([args, message]) => {
    const { status, stderr, stdout } = await report(...args);
    expect(`${stderr}${stdout}`).toContain(message);
    expect(status).toBe(64);
  });

  const refusal = async (asked: Partial<AskedScope>): Promise<unknown> =>
    await readReport(database.sql, { ...EVERYTHING, ...asked }, [], { withCovers: false, onSection: () => undefined }).catch(
      (error: unknown) => error,
    );

  it.for([
    [{ zone: 'Asia/Kolkatta' }, 'did you mean "Asia/Kolkata"?'],
    [{ zone: 'UTC+5' }, 'the server knows no time zone "UTC+5"'],
    [{ listener: 'nobody' }, 'no listener is called "nobody"'],
    [{ artist: "'; drop table core.play; --" }, '--artist: nothing is called'],
    [{ album: '9'.repeat(30) }, '--album: nothing is called'],
    [{ chart: 'x' }, 'no chart is called "x"'],
  ] as const)('%o is refused', async ([asked, message]) => {
    expect(await refusal(asked)).toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  });

  it('a name that several songs have is refused with their numbers, each of which then works, as does the artist', async () => {
    await database.sql.unsafe(`insert into core.artist (name) values ('Twin One'), ('Twin Two');
      insert into core.track (name) values ('Same Name'), ('Same Name');
      insert into core.track_artist (track_id, position, artist_id)
        select t.track_id, 1, a.artist_id from (select track_id, row_number() over (order by track_id) as n from core.track where name = 'Same Name') as t
        join (select artist_id, row_number() over (order by name) as n from core.artist where name like 'Twin%') as a using (n);
      call mart.refresh()`);
    const refused = await refusal({ track: 'same name' });
    expect(refused).toMatchObject({ code: 'usage', message: '--track: several are called "same name"' });
    const numbers = [...String((refused as DbadminError).detail).matchAll(/(\d+) {2}Same Name \(Twin/g)].map(([, number = '']) => number);
    expect(numbers).toHaveLength(2);
    for (const track of numbers) expect(await refusal({ track })).toMatchObject({ scope: { track: { id: track } } });
    expect(await refusal({ track: 'same name', artist: 'twin two' })).toMatchObject({ scope: { track: { id: numbers[1] } } });
  });

  it('find: names that begin with the text first, then by plays; a number as id: means no song that is called so', async () => {
    const found = async (...args: readonly string[]): Promise<readonly { kind: string; id: string; name: string; plays: number }[]> =>
      (JSON.parse((await dbadmin(['spotify', 'find', ...args, '--json', '--url', database.url], directory)).stdout) as { matches: [] })
        .matches;
    const artists = await found('a', '--kind', 'artist', '--k', '50');
    const beginning = artists.filter(({ name }) => /^a/i.test(name));
    expect(artists.slice(0, beginning.length)).toEqual(beginning);
    expect(beginning.map(({ plays }) => plays)).toEqual(beginning.map(({ plays }) => plays).sort((x, y) => y - x));
    for (const { name } of artists) expect(name.toLowerCase()).toContain('a');
    const [song] = await found(' Same NAME ', '--kind', 'track');
    expect(song).toMatchObject({ kind: 'track', name: 'Same Name', plays: 0 });
    const [listener] = await found(some.listener.slice(1));
    expect(listener).toMatchObject({ kind: 'listener', name: some.listener });
    const counted = await readReport(
      database.sql,
      { ...EVERYTHING, listener: some.listener },
      SECTIONS.filter(({ name }) => name === 'date-range'),
      { withCovers: false, onSection: () => undefined },
    );
    expect(String(listener?.plays)).toBe(counted.sections[0]?.rows[0]?.['plays']);
    expect(await found('%')).toEqual([]);
    await database.sql.unsafe(`insert into core.artist (name) values ('${some.track}'); call mart.refresh()`);
    expect(await refusal({ artist: some.track })).toMatchObject({ scope: { artist: { name: some.track } } });
    const [another] = await database.sql<
      { id: string; name: string }[]
    >`select artist_id::text as id, name from mart.dim_artist where artist_id = 3`;
    expect(await refusal({ artist: `id:${another?.id}` })).toMatchObject({ scope: { artist: another } });
    const empty = await dbadmin(['spotify', 'find', ' ', '--url', database.url], directory);
    expect([empty.status, empty.stderr]).toEqual([64, expect.stringContaining('say what the name holds')]);
  });

  it('a database without the marts is told so', async () => {
    const empty = await createTestDatabase();
    try {
      const read = readReport(empty.sql, EVERYTHING, SECTIONS, { withCovers: false, onSection: () => undefined });
      await expect(read).rejects.toMatchObject({ code: 'refused', message: 'this database has not all of the marts' });
    } finally {
      await empty.drop();
    }
  });
});

function sorted(rows: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  return [...rows].map((row) => [...row]).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

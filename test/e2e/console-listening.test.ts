import { existsSync } from 'node:fs';
import path from 'node:path';
import postgres from 'postgres';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shownValue, type ReportDocument, type ReportPart } from '../../src/console/app/screens/listening/report.ts';
import { writeGenerated } from '../../src/spotify/generate/run.ts';
import { expectAccessible, openPage, picture, signIn, violations, type Opened } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { AS_READER, ConsoleProject } from '../console/project.ts';
import { load, migrateWarehouse, PROJECT } from '../live/spotify/warehouse.ts';

const HISTORY = path.join(path.resolve(process.env['DBADMIN_DATA'] ?? path.join(PROJECT, '../shared/data')), 'history-jonas-mika');
const SCRIPT = '<img src=x onerror=alert(1)><script>alert(2)</script>';
const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What the Web API would have brought, a name that is up to no good, pictures, and somebody of whom nothing was loaded. */
const PEOPLE = `
  insert into core.listener (name, country) values ('nobody yet', 'IN');
  insert into core.device (listener_id, name, device_type) select listener_id, 'Kitchen', 'Speaker' from core.listener;
  insert into core.follow (listener_id, artist_id) select l.listener_id, a.artist_id from core.listener as l, (select artist_id from core.artist order by 1 limit 3) as a;
  insert into core.saved_album (listener_id, album_id) select l.listener_id, a.album_id from core.listener as l, (select album_id from core.album order by 1 limit 3) as a on conflict do nothing;
  insert into core.top_list (listener_id, kind, time_range, taken_at) select listener_id, k, 'short_term', '2025-02-01' from core.listener, unnest('{artists,tracks}'::text[]) as k;
  insert into core.top_list_artist (top_list_id, rank, artist_id)
    select top_list_id, n, (select artist_id from core.artist order by 1 offset n limit 1) from core.top_list, generate_series(1, 3) as n where kind = 'artists';
  insert into core.top_list_track (top_list_id, rank, track_id)
    select top_list_id, n, (select track_id from core.track order by 1 offset n limit 1) from core.top_list, generate_series(1, 3) as n where kind = 'tracks';
  update core.track set name = '${SCRIPT}' where track_id = (
    select coalesce(t.canonical_track_id, t.track_id) from core.play as p join core.track as t using (track_id) group by 1 order by count(*) desc limit 1);
  insert into core.cover (album_id, source_url, media_type, image) select album_id, 'https://covers.example/x', 'image/png', decode('${DOT}', 'base64') from core.album order by album_id limit 150;
  insert into core.cover (artist_id, source_url, media_type, image) select artist_id, 'https://covers.example/y', 'image/svg+xml', '<svg onload="alert(3)"/>' from core.artist order by artist_id limit 1`;
/** The console looks as a role that may read the warehouse, and write nothing in it. */
const READER = ['raw', 'quality', 'core', 'mart', 'reco']
  .map((schema) => `grant usage on schema ${schema} to looks; grant select on all tables in schema ${schema} to looks`)
  .join(';');

const TABS: Readonly<Record<string, readonly string[]>> = {
  overview: ['cards', 'days', 'sources', 'content', 'top-artists', 'top-tracks', 'top-albums'],
  when: ['week-hours', 'hours', 'weekdays'],
  trends: ['weeks', 'months'],
  top: ['track-detail'],
  habits: ['sessions', 'lengths', 'skipped-tracks', 'circumstances', 'devices', 'countries'],
  library: [
    'listener',
    'recent-plays',
    'favourite-artists',
    'favourite-tracks',
    'playlists',
    'followed-artists',
    'saved-tracks',
    'saved-albums',
  ],
  sound: ['genres', 'sound'],
  charts: ['chart-movement', 'chart-entries', 'chart-genres', 'chart-tracks'],
  quality: ['basis', 'refused', 'received', 'load-runs'],
};
/** Parts that are asked for with another length than --top 10, or drawn in words of their own; their texts are still there. */
const OWN_WORDS = new Set(['favourite-artists', 'favourite-tracks', 'chart-movement', 'refused', 'track-detail']);
const TOPS: Readonly<Record<string, string>> = { 'top-artists': '5', 'top-tracks': '5', 'top-albums': '5', 'skipped-tracks': '8' };

let project: ConsoleProject;
let sql: postgres.Sql;
/** A listener, a month, an album and an artist that have plays together. */
let some: { readonly listener: string; readonly month: string; readonly album: string; readonly artist: string; readonly plays: string };

beforeAll(async () => {
  project = await ConsoleProject.start();
  const files = path.join(project.directory, 'files');
  await writeGenerated(files, { listeners: 2, plays: 1600, seed: 11, kinds: ['songs', 'histories', 'extended', 'account', 'charts'] });
  await migrateWarehouse(project.cluster.url());
  sql = postgres(project.cluster.url(), { max: 1, onnotice: () => undefined });
  await load(sql, path.join(files, 'songs.csv'));
  await load(sql, files);
  await sql.unsafe(PEOPLE);
  await sql`call mart.refresh()`;
  await sql`call reco.refresh()`;
  await sql.unsafe(READER);
  const [found] = await sql<[typeof some]>`
    select l.name as listener, to_char(p.ended_at at time zone l.time_zone, 'YYYY-MM') as month, t.album_id::text as album, a.name as artist, count(*)::text as plays
    from core.play as p join core.listener as l using (listener_id) join core.track as t using (track_id)
    join core.track_artist as ta using (track_id) join core.artist as a using (artist_id)
    where p.ms_played between 30000 and 3600000 and t.album_id is not null and ta.position = 1
    group by 1, 2, 3, 4 order by count(*) desc, 1, 2, 3 limit 1`;
  some = found;
});
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await project?.stop();
});

async function reportOf(...words: readonly string[]): Promise<ReportDocument> {
  const { status, stdout, stderr } = await project.run('spotify', 'report', ...words, '--json', '--config', AS_READER);
  expect({ words, status, stderr: status === 0 ? '' : stderr }).toEqual({ words, status: 0, stderr: '' });
  return JSON.parse(stdout) as ReportDocument;
}

test('a cover is given to who is signed in, as a picture and nothing else', async () => {
  const vera = await project.enter('vera');
  const [album] = await sql<[{ id: string }]>`select cover_id::text as id from core.cover where album_id is not null order by 1 limit 1`;
  const given = await project.send('GET', `/api/pictures/cover/${album.id}`, { cookie: vera.cookie });
  expect(given).toMatchObject({ status: 200, headers: { 'content-type': 'image/png', 'x-content-type-options': 'nosniff' } });
  expect(await project.send('GET', `/api/pictures/cover/${album.id}`)).toMatchObject({ status: 401 });
  const [drawing] = await sql<[{ id: string }]>`select cover_id::text as id from core.cover where artist_id is not null`;
  // What could run something is no picture here, whoever stored it.
  expect(await project.send('GET', `/api/pictures/cover/${drawing.id}`, { cookie: vera.cookie })).toMatchObject({ status: 404, body: '' });
  expect(await project.send('GET', '/api/pictures/cover/999999', { cookie: vera.cookie })).toMatchObject({ status: 404 });
  expect(await project.send('GET', '/api/pictures/cover/1;drop', { cookie: vera.cookie })).toMatchObject({ status: 400 });
});

const executable = findChromium();
if (executable === undefined)
  console.warn('NOT TESTED: the listening screen in a browser, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('in Chromium', () => {
  let browser: Browser;
  let opened: Opened;
  let page: Page;

  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
    opened = await openPage(browser);
    ({ page } = opened);
    // Whatever is not the console does not answer; that it was asked for fails a test below.
    await page.route(
      (url) => url.origin !== project.served.url,
      async (route) => await route.abort(),
    );
    await page.goto(project.served.url);
    await signIn(page, 'vera');
    await page.getByRole('link', { name: 'Listening' }).waitFor();
  });
  afterAll(async () => await browser.close());

  /** Goes to an address of the screen and waits until every panel has what it asked for. */
  async function look(query: string): Promise<void> {
    await page.goto(`${project.served.url}/listening${query}`);
    await page.getByRole('heading', { level: 1, name: 'Listening' }).waitFor();
    await settled();
  }

  async function settled(): Promise<void> {
    const isWaiting = `/Counting|Looking at|Choosing/.test(document.querySelector('main').textContent) || document.querySelector('[aria-busy=true]') !== null`;
    await expect.poll(async () => await page.evaluate(isWaiting), { timeout: 30_000 }).toBe(false);
  }

  const panel = (part: string): ReturnType<Page['locator']> => page.locator(`section[aria-labelledby="${part}"]`);

  async function textOf(part: string): Promise<string> {
    const here = panel(part);
    const details = here.locator('details.twin');
    if ((await details.count()) > 0) {
      await details.locator('summary').click();
      await details.locator('.cmd').waitFor();
    }
    return (await here.innerText()).replaceAll(/\s+/g, ' ');
  }

  /** The first rows of a part, as the panel should show them. */
  function cellsOf({ name, columns, rows }: ReportPart): readonly string[] {
    const shown = columns.filter(
      ({ key, measure }) =>
        !/_id$|^day_of_|^ranks$|^listener$|^chart$/.test(key) && (!OWN_WORDS.has(name) || (measure === 'text' && key !== 'time_range')),
    );
    return rows.slice(0, 4).flatMap((row) =>
      shown.map(({ key, measure }) =>
        shownValue(measure, row[key] ?? null)
          .trim()
          .replaceAll(/\s+/g, ' '),
      ),
    );
  }

  test.each(Object.entries(TABS))('%s: each part shows what --json prints for the same filters', async (tab, parts) => {
    const filters = ['--listener', some.listener, '--from', `${some.month}-01`, '--to', `${some.month}-28`];
    await look(`?tab=${tab}&listener=${some.listener}&from=${some.month}-01&to=${some.month}-28`);
    const usual = await reportOf(...parts, ...filters);
    for (const part of parts) {
      const top = TOPS[part];
      const document = top === undefined ? usual : await reportOf(part, ...filters, '--top', top);
      const expected = document.parts.find(({ name }) => name === part);
      if (expected === undefined) throw new Error(`no part ${part}`);
      const text = await textOf(part);
      expect({ part, rows: expected.rows.length > 0 }).toEqual({ part, rows: true });
      for (const cell of cellsOf(expected)) expect({ part, text }).toEqual({ part, text: expect.stringContaining(cell) });
      const idle = Object.entries(document.idle).flatMap(([filter, names]) => (names.includes(part) ? [filter] : []));
      if (idle.length > 0) expect(text).toContain(`Not narrowed by ${idle.join(', ')}.`);
    }
  });

  test('J: filters hold together: a month and an album leave the plays that SQL on core counts, and each chip takes one away', async () => {
    await look(`?month=${some.month}&album=id:${some.album}&listener=${some.listener}`);
    const plays = page.locator('#cards').locator('xpath=../..').locator('dd').first();
    expect(await plays.innerText()).toMatch(new RegExp(`^${Number(some.plays).toLocaleString('en')}\\b`));
    expect(await page.getByRole('status').filter({ hasText: 'plays meet these filters' }).innerText()).toContain(
      `${Number(some.plays).toLocaleString('en')} of `,
    );
    const [album] = await sql<[{ name: string }]>`select name from core.album where album_id = ${some.album}`;
    await page.getByRole('button', { name: `Remove album ${album.name}` }).click();
    await settled();
    expect(new URL(page.url()).searchParams.has('album')).toBe(false);
    const [month] = (await reportOf('cards', '--month', some.month, '--listener', some.listener)).parts;
    expect(await plays.innerText()).toContain(Number(month?.rows[0]?.['plays']).toLocaleString('en'));
    await page.getByLabel('Period').selectOption('all');
    await page.getByLabel('Listener').selectOption('');
    await settled();
    const [everything] = (await reportOf('cards')).parts;
    expect(await plays.innerText()).toContain(Number(everything?.rows[0]?.['plays']).toLocaleString('en'));
    expect(new URL(page.url()).search).toBe('');
  });

  test('a name is found while it is typed, and the keyboard alone narrows the figures to it', async () => {
    await look('');
    const field = page.getByRole('combobox', { name: 'Artist, album or song' });
    await field.focus();
    await page.keyboard.type(some.artist.slice(0, 4).toUpperCase());
    await page
      .getByRole('option', { name: new RegExp(`^${some.artist}`) })
      .first()
      .waitFor();
    while (!(await page.locator('[role=option][aria-selected=true]').innerText()).startsWith(some.artist))
      await page.keyboard.press('ArrowDown');
    expect(await violations(page)).toEqual([]);
    const kind = await page.locator('[role=option][aria-selected=true] small').innerText();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: new RegExp(`^Remove .* ${some.artist}`) }).waitFor();
    expect(new URL(page.url()).searchParams.get(kind.split(' ')[0] === 'song' ? 'track' : (kind.split(' ')[0] ?? ''))).toMatch(/^id:\d+$/);
    await field.fill('zzzzzz');
    await page.getByText('Nothing holds “zzzzzz” in its name.').waitFor();
  });

  test('J: by preference, a song that is liked and a slider give what recommend --json gives, with reasons', async () => {
    await look('?tab=recommender');
    await page.getByText('Say something of the taste').waitFor();
    const [liked] = await sql<[{ id: string; name: string }]>`
      select s.track_id::text as id, s.name from reco.song_count as c join reco.song as s using (track_id)
      where c.basis = 'sessions' and s.name not like '<%' order by c.times desc, 1 limit 1`;
    await page.getByRole('combobox', { name: 'Songs they like' }).fill(liked.name);
    await page.locator('[role=option]').first().click();
    await page.getByRole('button', { name: /^Remove / }).waitFor();
    const slider = page.getByRole('slider', { name: 'Energy' });
    await slider.focus();
    for (let step = 0; step < 5; step += 1) await page.keyboard.press('ArrowRight');
    await expect.poll(() => new URL(page.url()).searchParams.get('features')).toMatch(/^energy:0\.\d+$/);
    await settled();
    const { searchParams } = new URL(page.url());
    const words = [
      '--like',
      searchParams.get('songs')?.split('~')[0] ?? '',
      '--feature',
      (searchParams.get('features') ?? '').replace(':', '='),
      '--k',
      '15',
    ];
    const { stdout } = await project.run('spotify', 'recommend', ...words, '--json', '--config', AS_READER);
    const { songs } = JSON.parse(stdout) as { songs: readonly { name: string; artist: string; becauseOf: { name: string } | null }[] };
    const rows = page.locator('table.songs tbody tr');
    expect(await rows.count()).toBe(songs.length);
    for (const [at, { name, becauseOf }] of songs.entries()) {
      const text = await rows.nth(at).innerText();
      expect(text).toContain(name);
      if (becauseOf !== null) expect(text).toContain(`together with ${becauseOf.name}`);
    }
    await expectAccessible(page, 'listening-recommender');
  });

  test('for a listener, what to play next, and what sounds alike; and how good the methods are, once somebody has measured', async () => {
    await look(`?tab=recommender&by=listener&listener=${some.listener}`);
    const songs = page.locator('table.songs tbody tr');
    expect(await songs.count()).toBeGreaterThan(0);
    await songs.first().getByRole('button', { name: 'Alike' }).click();
    await page.getByRole('columnheader', { name: 'Distance' }).waitFor();
    await page.getByText('Nobody has measured it here yet').waitFor();
    await project.run('spotify', 'evaluate', '--at-least', '0.001');
    await look('?tab=recommender');
    const stored = JSON.parse((await project.run('spotify', 'evaluate', '--stored', '--json', '--config', AS_READER)).stdout) as {
      tasks: readonly {
        methods: readonly { method: string; figures: Readonly<Record<string, { value: number; low: number; high: number }>> }[];
      }[];
    };
    expect(stored.tasks.length).toBeGreaterThan(0);
    // What was measured is asked for when the panel is there: until then nothing says that it waits.
    await panel('methods').getByText('HR@10').first().waitFor();
    const text = (await panel('methods').innerText()).replaceAll(/\s+/g, ' ');
    for (const { methods } of stored.tasks) {
      for (const { method, figures } of methods) {
        const { value, low, high } = figures['HR@10'] ?? { value: -1, low: -1, high: -1 };
        expect(text).toContain(method);
        expect(text).toContain(`${value.toFixed(3)} ${low.toFixed(3)}–${high.toFixed(3)}`);
      }
    }
    await picture(page, 'listening-methods');
  });

  test('of whom nothing was loaded the screen says what to load, and a cold listener is sent to their taste', async () => {
    await look('?listener=nobody+yet');
    await page.getByText('No play of nobody yet counts yet').waitFor();
    expect(await page.getByText('dbadmin spotify load my_spotify_data.zip').count()).toBe(1);
    await page.getByRole('button', { name: 'Recommend by preference' }).click();
    await page.getByText('Say something of the taste').waitFor();
  });

  test('what this rests on leads to the refused rows themselves', async () => {
    await look('');
    await page.getByRole('link', { name: /rows refused$/ }).click();
    await settled();
    await panel('refused').getByRole('button', { name: /^Rows/ }).first().click();
    const reason = panel('refused').locator('td[colspan] tbody td').nth(2);
    await reason.waitFor();
    const [{ count }] = await sql<[{ count: string }]>`select count(*) from quality.quarantine where reason = ${await reason.innerText()}`;
    expect(Number(count)).toBeGreaterThan(0);
  });

  test('a filter that means nothing is told in the words of the command, and can be taken away', async () => {
    await look('?artist=id:99999999');
    expect(await page.getByRole('alert').first().innerText()).toContain('--artist: nothing is called');
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.locator('#cards').waitFor();
  });

  test('the CSV of a part is what the panel shows, and a name that a spreadsheet would run is a text', async () => {
    await look('?tab=top');
    const downloading = page.waitForEvent('download');
    await panel('top-tracks').getByRole('button', { name: 'CSV' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('top-tracks.csv');
    const [part] = (await reportOf('top-tracks')).parts;
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const lines = Buffer.concat(chunks).toString('utf8').split('\r\n');
    expect(lines[0]).toBe(part?.columns.map(({ key }) => key).join(','));
    expect(lines).toHaveLength((part?.rows.length ?? 0) + 2);
  });

  test.each(Object.keys(TABS))(
    '%s: axe finds nothing, wide and narrow, light and dark, and the page does not scroll sideways',
    async (tab) => {
      await look(`?tab=${tab}&listener=${some.listener}&month=${some.month}`);
      if (tab === 'overview') await expectAccessible(page, 'listening-overview');
      else await expectFine(page, `listening-${tab}`);
    },
  );

  test('covers come from the console, a name full of script is a name, and nothing else was asked of anybody', async () => {
    await look('?tab=top');
    const covers = page.locator('img.tile');
    expect(await covers.count()).toBeGreaterThan(0);
    await expect.poll(async () => await page.evaluate(`document.querySelector('img.tile').naturalWidth`)).toBe(1);
    expect(new URL((await covers.first().getAttribute('src')) ?? '', project.served.url).pathname).toMatch(/^\/api\/pictures\/cover\/\d+$/);
    expect(await page.locator('span.tile').count()).toBeGreaterThan(0);
    expect(await page.getByText(SCRIPT).count()).toBeGreaterThan(0);
    expect(await page.locator('img[src="x"], main script').count()).toBe(0);
    expect([
      ...new Set(
        opened.asked
          .map((each) => new URL(each))
          .filter(({ protocol }) => protocol !== 'blob:')
          .map(({ origin }) => origin),
      ),
    ]).toEqual([project.served.url]);
    expect(opened.said.filter((text) => !/status of 40[0134]/.test(text))).toEqual([]);
  });

  test('H3: the real history has its 32,525 plays, 4,934 tracks and 1,639 sessions on the screen', async (context) => {
    if (!existsSync(HISTORY)) context.skip(`the data is not there: ${HISTORY} (DBADMIN_DATA names another directory)`);
    await load(sql, HISTORY, 'jonas');
    await sql`call mart.refresh()`;
    await look('?listener=jonas');
    const cards = (await panel('cards').innerText()).replaceAll(/\s+/g, ' ');
    expect(cards).toContain('Plays 32,525');
    expect(cards).toContain('Songs 4,934');
    await look('?tab=habits&listener=jonas');
    expect((await panel('sessions').innerText()).replaceAll(/\s+/g, ' ')).toContain('Sessions 1,639');
  }, 400_000);
});

/** As expectAccessible, each width in one of the themes: ten tabs have the same colours. */
async function expectFine(page: Page, name: string): Promise<void> {
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [390, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await picture(page, `${name}-${width}-${colorScheme}`);
    expect({ width, colorScheme, violations: await violations(page) }).toEqual({ width, colorScheme, violations: [] });
    expect(Number(await page.evaluate('document.documentElement.scrollWidth'))).toBeLessThanOrEqual(width);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

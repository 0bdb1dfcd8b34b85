import { exec } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { createDiskStore } from '../../src/storage/disk.ts';
import { backUp, restore, startReceiver, type TestReceiver } from '../backup/repository.ts';
import { expectAccessible, openPage, picture, signIn, type Opened } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject, POLICIES } from '../console/project.ts';
import { clusterAddress } from '../postgres/address.ts';
import type { TestCluster } from '../postgres/cluster.ts';

let project: ConsoleProject;
let repository: Repository;
let receiver: TestReceiver | undefined;
/** By the server's clock: after the first row, within the WAL that was lost, after the sixth row, after everything. */
const moments = { first: '', lost: '', sixth: '', last: '', promoted: '' };

beforeAll(async () => {
  project = await ConsoleProject.start({
    sql: 'create table public.plays (n int); create role leaver login',
    files: { 'backups/policies.yaml': `${POLICIES}    retention: { window: 14d, minimum: 1 }\n` },
  });
  const { cluster, directory } = project;
  repository = await openRepository(await createDiskStore(path.join(directory, 'repository')), { kind: 'none' });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  const now = async (): Promise<string> => (await sql<{ now: Date }[]>`select clock_timestamp() as now`)[0]?.now.toISOString() ?? '';
  const pause = async (): Promise<void> => void (await sql`select pg_sleep(0.2)`);
  const segment = async (): Promise<string> => {
    const [row] = await sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_lsn()) as name`;
    await sql`select pg_switch_wal()`;
    return row?.name ?? '';
  };
  receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  await sql`insert into plays values (1)`;
  await pause();
  moments.first = await now();
  await pause();
  await sql`insert into plays values (2)`;
  await sql`select pg_create_restore_point('before <img src=x onerror=document.title=1>')`;
  await segment();
  await pause();
  await sql`insert into plays values (3)`;
  await pause();
  moments.lost = await now();
  await sql`insert into plays values (4)`;
  const lost = await segment();
  await sql`insert into plays values (5)`;
  const after = await segment();
  await backUp(cluster, repository);
  await sql`insert into plays values (6)`;
  await pause();
  moments.sixth = await now();
  await pause();
  await sql`drop role leaver`;
  const end = await segment();
  await sql.end();
  const wal = async (): Promise<readonly string[]> => await readdir(path.join(directory, 'repository'), { recursive: true });
  const isWhole = (files: readonly string[], name: string): boolean => files.some((file) => file.endsWith(name));
  for (let files = await wal(); ![lost, after, end].every((name) => isWhole(files, name)); files = await wal())
    await new Promise((ready) => setTimeout(ready, 100));
  for (const file of await wal()) if (file.endsWith(lost)) await rm(path.join(directory, 'repository', file));
  moments.last = new Date().toISOString();
  expect(await project.run('backup', 'ledger', 'add', 'role-dropped', 'leaver')).toMatchObject({ status: 0 });
});
afterAll(async () => {
  await receiver?.stop();
  await project.stop();
});

const executable = findChromium();
if (executable === undefined)
  console.warn('NOT TESTED: the Backups screen in a browser, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('the Backups screen', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  async function open(name: string, query = ''): Promise<Opened & { readonly slider: Locator }> {
    const opened = await openPage(browser);
    const { page } = opened;
    await page.goto(`${project.served.url}/backups?cluster=main${query}`);
    await signIn(page, name);
    const slider = page.getByRole('slider', { name: 'Moment to restore main to' });
    await slider.waitFor({ timeout: 30_000 });
    return { ...opened, slider };
  }

  async function goTo(page: Page, moment: string): Promise<void> {
    const field = page.getByLabel('Moment, in UTC or with its offset');
    // What is typed in the moment in which the field begins to show another one is lost: nobody is as quick as that but a test.
    const shown = page.getByRole('region', { name: `Preflight: main to ${moment.replace('T', ' ').replace('Z', '+00:00')}` });
    const take = async (): Promise<void> => {
      await field.fill(moment);
      await field.press('Enter');
      await shown.waitFor({ timeout: 2000 });
    };
    await expect.poll(take, { timeout: 20_000 }).toBeUndefined();
  }

  /** That nobody is signed in yet is asked for, and told. */
  function isUnwelcome(text: string): boolean {
    return !text.includes('401');
  }

  function preflight(page: Page): Locator {
    return page.getByRole('region', { name: /^Preflight:/ });
  }

  function query(page: Page): URLSearchParams {
    return new URL(page.url()).searchParams;
  }

  test('shows the window with its gap, the backups and the marks, and is well at both widths and in both themes', async () => {
    const { context, page, asked, said } = await open('olga');
    const chart = page.getByRole('img', { name: /^Restorable between .*; 1 gap, the longest .*; no drill has passed yet\.$/ });
    await chart.waitFor();
    await preflight(page).getByText('reachable', { exact: true }).waitFor({ timeout: 30_000 });
    await page.getByRole('region', { name: 'Recoverable window of main' }).getByText('Numbers as a table').click();
    const restorable = page.getByRole('row', { name: /restorable, no drill since/ });
    expect(await restorable.count()).toBe(2);
    await page.getByRole('row', { name: /gap: WAL that is not stored/ }).waitFor();
    // Markup in a name is its text.
    await page.getByRole('cell', { name: 'before <img src=x onerror=document.title=1>' }).waitFor();
    expect(await page.title()).toBe('Backups · dbadmin');
    expect(await page.getByRole('row', { name: /-full|-incr/ }).count()).toBe(2);
    await expectAccessible(page, 'backups');
    expect(said.filter(isUnwelcome)).toEqual([]);
    expect(asked.every((address) => address.startsWith(project.served.url))).toBe(true);
    await context.close();
  });

  test('the keyboard moves the moment by a second, a minute and an hour, and looks nearer and farther', async () => {
    const { context, page, slider } = await open('olga', `&at=${moments.last}`);
    const value = async (): Promise<number> => Number(await slider.getAttribute('aria-valuenow'));
    await slider.focus();
    const at = await value();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(value).toBe(at - 1);
    await page.keyboard.press('ArrowRight');
    await expect.poll(value).toBe(at);
    await page.keyboard.press('PageDown');
    const least = Number(await slider.getAttribute('aria-valuemin'));
    await expect.poll(value).toBeLessThanOrEqual(least + 1);
    expect(query(page).get('from')).toBeNull();
    for (const _ of [1, 2]) await page.keyboard.press('+');
    await expect.poll(() => query(page).get('from')).not.toBeNull();
    await page.keyboard.press('0');
    await page.keyboard.press('End');
    await expect.poll(value).toBeGreaterThanOrEqual(at - 5);
    // What is chosen stands in the address: the same link shows the same.
    await expect.poll(() => query(page).get('at')).not.toBe(moments.last);
    await context.close();
  });

  test('dragging over the timeline looks nearer, the wheel too once it has the focus, and a double click shows all', async () => {
    const { context, page } = await open('olga');
    const plot = await page.locator('.plot .brushed').boundingBox();
    if (plot === null) throw new Error('the timeline is not drawn');
    const at = (share: number): readonly [number, number] => [plot.x + plot.width * share, plot.y + plot.height / 2];
    const span = (): number => Date.parse(query(page).get('to') ?? '') - Date.parse(query(page).get('from') ?? '');
    await page.mouse.move(...at(0.3));
    await page.mouse.down();
    await page.mouse.move(...at(0.5), { steps: 4 });
    await page.mouse.up();
    await expect.poll(span).toBeGreaterThan(0);
    const brushed = span();
    expect(brushed).toBeLessThan(60_000);
    await page.getByRole('slider').focus();
    await page.mouse.move(...at(0.5));
    await page.mouse.wheel(0, 400);
    await expect.poll(span).toBeGreaterThan(brushed * 1.2);
    await page.mouse.dblclick(...at(0.5));
    await expect.poll(async () => await page.getByRole('button', { name: 'All', exact: true }).getAttribute('aria-pressed')).toBe('true');
    await context.close();
  });

  test('a moment in a gap is refused with the nearest ones that work, and one of them does', async () => {
    const { context, page } = await open('vera');
    await goTo(page, moments.lost);
    const refusal = preflight(page).getByRole('alert');
    await refusal.getByText(/lies in a gap: WAL segment [0-9A-F]{24} is not in the repository/).waitFor({ timeout: 30_000 });
    await preflight(page).getByText('not recoverable').waitFor();
    await picture(page, 'backups-refused');
    expect(await refusal.getByRole('button').allTextContents()).toEqual([
      expect.stringMatching(/^Use .*, before it$/),
      expect.stringMatching(/^Use .*, behind it$/),
    ]);
    await refusal.getByRole('button', { name: /behind it$/ }).click();
    await preflight(page).getByText('reachable', { exact: true }).waitFor({ timeout: 30_000 });
    await context.close();
  });

  /** Restores what the page shows into a directory of its own, and gives what the dialog said and the rows that the clone has. */
  async function restoreHere(
    page: Page,
    into: string,
  ): Promise<{ readonly log: string; readonly rows: readonly number[]; readonly roles: readonly string[] }> {
    await page.getByLabel('Directory for the clone').fill(into);
    await page.getByLabel('Directory for the clone').press('Tab');
    await preflight(page).getByText(`--into ${into} --start`).waitFor({ timeout: 30_000 });
    await preflight(page).getByText('reachable', { exact: true }).waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Restore into a scratch cluster…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Restore into a scratch cluster' });
    await dialog.getByText('The cluster itself is not touched').waitFor({ timeout: 30_000 });
    await picture(page, `backups-restore-review-${path.basename(into)}`);
    await dialog.getByRole('button', { name: 'Restore into a scratch cluster', exact: true }).click();
    await dialog.getByText('done', { exact: true }).waitFor({ timeout: 90_000 });
    await picture(page, `backups-restored-${path.basename(into)}`);
    const printed = dialog.getByRole('list', { name: 'What it prints' });
    // Its end and its last lines come by themselves.
    await printed.getByText('To throw it away: ').waitFor({ timeout: 30_000 });
    const log = await printed.innerText();
    const url = /postgresql:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0] ?? '';
    const clone = postgres(`${url.replace('//', '//postgres@')}/postgres`, { max: 1 });
    const rows = (await clone<{ n: number }[]>`select n from plays order by n`).map(({ n }) => n);
    const roles = (await clone<{ name: string }[]>`select rolname as name from pg_roles where rolname = 'leaver'`).map(({ name }) => name);
    await clone.end();
    const removal = /To throw it away: (.*)/.exec(log)?.[1] ?? '';
    await promisify(exec)(removal);
    expect(existsSync(into)).toBe(false);
    await dialog.getByRole('button', { name: 'Close' }).click();
    return { log, rows, roles };
  }

  test('a restore to a moment that was typed is reviewed, run and seen to finish; the clone holds what it should and can be thrown away', async () => {
    const { context, page, said } = await open('olga');
    await goTo(page, moments.first);
    expect(await restoreHere(page, path.join(project.directory, 'scratch'))).toMatchObject({ rows: [1] });
    expect(said.filter(isUnwelcome)).toEqual([]);
    await context.close();
  });

  test('the moment is dragged with the mouse, and the restore from there takes away again what came back with it', async () => {
    // So near that a pixel is a few milliseconds: what is shown then, the page decides.
    const firstMs = Date.parse(moments.first);
    const [from, to] = [firstMs - 1000, firstMs + 2000].map((ms) => new Date(ms).toISOString());
    const { context, page, slider } = await open('olga', `&from=${from}&to=${to}&at=${to}`);
    const at = (): number => Date.parse(query(page).get('at') ?? '');
    const plot = await page.locator('.plot .brushed').boundingBox();
    const handle = await slider.boundingBox();
    if (plot === null || handle === null) throw new Error('the timeline is not drawn');
    const y = handle.y + handle.height / 2;
    await page.mouse.move(handle.x + handle.width / 2, y);
    await page.mouse.down();
    // Two places tell the scale; the third is then the moment that is meant.
    const drag = async (x: number): Promise<number> => {
      const before = at();
      await page.mouse.move(x, y, { steps: 5 });
      await expect.poll(at).not.toBe(before);
      return at();
    };
    const [one, two] = [plot.x + plot.width * 0.7, plot.x + plot.width * 0.6];
    const [oneMs, twoMs] = [await drag(one), await drag(two)];
    await drag(one + ((firstMs - oneMs) * (one - two)) / (oneMs - twoMs));
    await page.mouse.up();
    await expect.poll(() => Math.abs(at() - Date.parse(moments.first))).toBeLessThan(100);
    await preflight(page).getByText('Comes back with it').waitFor({ timeout: 30_000 });
    expect(await preflight(page).getByRole('listitem').allTextContents()).toContainEqual(expect.stringMatching(/leaver/));
    await page.getByRole('checkbox', { name: /Take away again what came back, before anyone can connect/ }).check();
    await preflight(page)
      .getByText(/--start --reconcile$/)
      .waitFor();
    expect(query(page).get('reconcile')).toBe('yes');
    const { log, rows, roles } = await restoreHere(page, path.join(project.directory, 'dragged'));
    expect({ rows, roles }).toEqual({ rows: [1], roles: [] });
    expect(log).toMatch(/leaver/);
    await context.close();
  });

  test('the moment is chosen by the keyboard alone, to the first that can be restored, and restored from there', async () => {
    const { context, page, slider } = await open('olga');
    await slider.focus();
    await page.keyboard.press('Home');
    const value = async (name: string): Promise<number> => Number(await slider.getAttribute(name));
    await expect.poll(async () => (await value('aria-valuenow')) - (await value('aria-valuemin'))).toBeLessThanOrEqual(1);
    await expect.poll(() => query(page).get('at')).not.toBeNull();
    expect(await restoreHere(page, path.join(project.directory, 'by-keys'))).toMatchObject({ rows: [], roles: ['leaver'] });
    await context.close();
  });

  test('an address that names a cluster or a repository that is not there says what is shown instead', async () => {
    const { context, page } = await openPage(browser);
    await page.goto(`${project.served.url}/backups?cluster=gone&repository=away`);
    await signIn(page, 'vera');
    await page.getByText('There is no cluster gone here: this is main. There is no repository away here: this is local').waitFor();
    await page.goto(`${project.served.url}/backups?cluster=main&repository=local`);
    await page.getByRole('heading', { name: 'Recoverable window of main' }).waitFor();
    expect(await page.getByText(/^There is no (cluster|repository)/).count()).toBe(0);
    await context.close();
  });

  test('a backup is held with a reason, and expiry says what stays and why', async () => {
    const { context, page } = await open('olga');
    const row = page.locator('.backups tbody tr', { has: page.locator('td:first-child', { hasText: '-full' }) });
    await row.getByRole('button', { name: 'Hold' }).click();
    await row.getByLabel('Why it has to stay').fill('audit 2026');
    await row.getByLabel('Until').fill('2020-01-01');
    await row.getByLabel('Until').press('Tab');
    await row.getByText('That has passed already.').waitFor();
    expect(await row.getByRole('button', { name: 'Hold…' }).isDisabled()).toBe(true);
    await row.getByLabel('Until').fill('');
    await row.getByRole('button', { name: 'Hold…' }).click();
    const holding = page.getByRole('dialog', { name: 'Hold' });
    await holding.getByRole('button', { name: 'Hold', exact: true }).click({ timeout: 30_000 });
    await holding.getByText('done', { exact: true }).waitFor({ timeout: 60_000 });
    await page.keyboard.press('Escape');
    await row.getByRole('cell', { name: 'audit 2026 until it is released' }).waitFor({ timeout: 60_000 });
    expect(await row.getByRole('button', { name: 'Release…' }).isEnabled()).toBe(true);
    await page.getByRole('button', { name: 'Expire…' }).click();
    const expiry = page.getByRole('dialog', { name: 'Expire' });
    await expiry.getByText(/held: audit 2026/).waitFor({ timeout: 60_000 });
    await expiry.getByText(/nothing goes, 2 stay/).waitFor();
    expect(await expiry.getByRole('button', { name: 'Expire', exact: true }).count()).toBe(0);
    await picture(page, 'backups-expiry');
    await context.close();
  });

  test('a viewer sees all of it and can do nothing, whatever the browser sends', async () => {
    const { context, page } = await open('vera');
    await preflight(page).getByText('reachable', { exact: true }).waitFor({ timeout: 30_000 });
    for (const label of ['Back up now…', 'Expire…', 'Restore into a scratch cluster…', 'Drill this moment…'])
      expect({ label, isEnabled: await page.getByRole('button', { name: label }).isEnabled() }).toEqual({ label, isEnabled: false });
    const vera = await project.enter('vera');
    // Nor learn what lies in a directory of their choice.
    expect(await vera.get(`/api/ask/backups/preflight?cluster=main&to=${moments.first}&into=/etc`)).toMatchObject({ status: 400 });
    const place = { cluster: 'main', repository: 'local' };
    for (const [action, more] of [
      ['backups/run', {}],
      ['backups/expire', {}],
      ['backups/restore', { to: moments.first, into: path.join(project.directory, 'refused') }],
    ] as const)
      expect(await vera.post(`/api/actions/${action}/review`, { parameters: { ...place, ...more } })).toMatchObject({ status: 403 });
    await context.close();
  });

  test('of a cluster that was promoted the timeline is chosen: a moment that only the older one has is restored along it', async () => {
    await receiver?.stop();
    const promoted = await restore({ repository, target: { kind: 'immediate' }, into: path.join(project.directory, 'promoted') });
    try {
      moments.promoted = new Date().toISOString();
      await new Promise((ready) => setTimeout(ready, 200));
      const there = clusterAddress(Number(new URL(promoted.url).port), undefined) as unknown as TestCluster;
      receiver = startReceiver(there, repository);
      const sql = postgres(promoted.url, { max: 1, onnotice: () => undefined });
      await sql`insert into plays values (7)`;
      const [row] = await sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_lsn()) as name`;
      await sql`select pg_switch_wal()`;
      const stored = async (): Promise<boolean> =>
        (await readdir(path.join(project.directory, 'repository'), { recursive: true })).some((file) => file.endsWith(row?.name ?? 'none'));
      await expect.poll(stored, { timeout: 30_000 }).toBe(true);
      await sql.end();
      await receiver.stop();
    } finally {
      await promoted.stop();
      receiver = undefined;
    }
    const { context, page } = await open('olga');
    const choice = page.getByLabel('Along timeline');
    await expect.poll(async () => await choice.locator('option').allTextContents()).toEqual(['1', '2, the one that goes on']);
    // In the command, that is: a refusal names the option as the way out.
    expect(await preflight(page).textContent()).not.toMatch(/--timeline \d+ --into/);
    await goTo(page, moments.promoted);
    await preflight(page)
      .getByText(/^\d+ commits? up to then on timeline 1/)
      .waitFor({ timeout: 30_000 });
    await goTo(page, moments.sixth);
    await preflight(page)
      .getByRole('alert')
      .getByText(/lies on timeline 1, which timeline 2 .* does not go along/)
      .waitFor({ timeout: 30_000 });
    await choice.selectOption('1');
    await expect.poll(() => query(page).get('timeline')).toBe('1');
    await goTo(page, moments.sixth);
    await preflight(page)
      .getByText(/--timeline 1 --into/)
      .waitFor({ timeout: 30_000 });
    await preflight(page).getByText('reachable', { exact: true }).waitFor({ timeout: 30_000 });
    expect(await preflight(page).textContent()).toMatch(/timeline 1/);
    await page.getByRole('region', { name: 'Recoverable window of main' }).getByText('Numbers as a table').click();
    await page
      .getByRole('row', { name: /^2\s*restorable/ })
      .first()
      .waitFor();
    await expectAccessible(page, 'backups-timelines');
    const { log, rows } = await restoreHere(page, path.join(project.directory, 'older'));
    expect(rows.at(-1)).toBe(6);
    expect(log).toMatch(/timeline 1/);
    await context.close();
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import postgres from 'postgres';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, openPage, picture, signIn, type Opened } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject } from '../console/project.ts';
import { CLI } from '../built-command.ts';

const notices = (count: number, text: string): string =>
  `do $$ begin for i in 1..${count} loop raise notice '%', ${text}; end loop; end $$`;
/** Prints on until somebody lets it go, at least so much. */
const SLOW = `do $$ declare i int := 0; begin loop i := i + 1; raise notice 'line %', i; perform pg_sleep(0.05);
  exit when i >= 1200 or (i >= 40 and exists (select from gate)); end loop; end $$`;
/** A machine that does much else is slow, and not wrong. */
const PATIENCE_MS = 60_000;
const SCRIPT = '<img src=x onerror=alert(1)>';
const POLICIES = `version: 1
policies:
  app:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 * * 0", timezone: Asia/Kolkata } }
notify: [{ email: dba@example.org, on: [failed] }]
jobs:
  slow: { sql: ${JSON.stringify(SLOW.replace(/\s+/g, ' '))}, cron: "0 3 1 1 *" }
  next: { sql: select 1, after: [slow] }
  broken: { sql: select 1/0, cron: "0 3 1 1 *" }
  loud: { sql: ${JSON.stringify(notices(5000, "i || repeat(' x', 500)"))}, cron: "0 3 1 1 *" }
  odd: { sql: ${JSON.stringify(notices(1, `chr(27) || '[31mred' || chr(27) || '[0m ${SCRIPT}'`))}, cron: "0 3 1 1 *" }
`;

let project: ConsoleProject;
let worker: ChildProcess;

beforeAll(async () => {
  project = await ConsoleProject.start({
    files: { 'backups/policies.yaml': POLICIES },
    sql: 'grant pg_read_all_data to looks; create table gate ()',
  });
  const words = ['worker', '--name', 'far', '--listen', 'off', '--no-alerts', '--no-wal', '--grace', '1s'];
  worker = spawn(process.execPath, [CLI, ...words], {
    cwd: project.directory,
    env: { PATH: process.env['PATH'] ?? '', HOME: project.directory, TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  for await (const text of worker.stderr?.setEncoding('utf8') ?? []) {
    said += String(text);
    if (said.includes('connected to the control database')) break;
  }
  await rememberRuns();
});
afterAll(async () => {
  if (worker.exitCode === null) {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  }
  await project.stop();
});

/** What ran before: two weeks in which one day was not like the others. */
async function rememberRuns(): Promise<void> {
  const sql = postgres(project.cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe(`
    insert into dbadmin_jobs.run (job, due, cause, state, attempt, started_at, ended_at, worker)
      select 'app.full', day, 'time', 'succeeded', 1, day, day + interval '70 seconds' + extract(day from day) * interval '1 second', 'far'
        from generate_series(date_trunc('day', now()) - interval '12 days', now() - interval '1 day', interval '1 day') day;
    insert into dbadmin_jobs.run (job, due, cause, state, attempt, failures, started_at, ended_at, worker, error, times) values
      ('slow', now() - interval '3 days', 'time', 'failed', 2, 2, now() - interval '3 days', now() - interval '3 days' + interval '9 s', 'far', 'no room on the device', 1),
      ('slow', now() - interval '5 days', 'time', 'missed', 0, 0, null, null, null, 'nobody was there to run it, 11 times since Monday', 11),
      ('next', now() - interval '3 days', 'after', 'skipped', 0, 0, null, null, null, 'slow failed', 1),
      ('gone', now() - interval '4 days', 'time', 'succeeded', 2, 1, now() - interval '4 days', now() - interval '4 days' + interval '3 s', 'far', null, 1)`);
  await sql.end();
}

async function gate(statement: string): Promise<void> {
  const sql = postgres(project.cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe(statement);
  await sql.end();
}

test('schedule log --follow prints what a job prints that a worker runs, as it prints it, and ends with it', async () => {
  expect(await project.run('schedule', 'run', 'slow', '--worker')).toMatchObject({ status: 0, stdout: expect.stringContaining('far') });
  const child = spawn(process.execPath, [CLI, 'schedule', 'log', 'slow', '--follow'], {
    cwd: project.directory,
    env: { PATH: process.env['PATH'] ?? '', HOME: project.directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    // Seen while it runs: it goes on until it is let go.
    if (printed === '') await gate('insert into gate default values');
    printed += String(text);
  }
  const lines = [...new Set(printed.trimEnd().split('\n'))];
  expect(lines.length).toBeGreaterThanOrEqual(40);
  expect(lines).toEqual(lines.map((_, index) => `NOTICE: line ${index + 1}`));
  await gate('truncate gate');
  const { stdout } = await project.run('schedule', 'workers', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ workers: [{ name: 'far', isAlive: true, slots: 4 }] });
});

test('a viewer may neither run, pause nor resume a job, whatever the browser sends', async () => {
  const vera = await project.enter('vera');
  for (const action of ['schedule/run', 'schedule/run-by-worker', 'schedule/pause', 'schedule/resume'])
    expect(await vera.post(`/api/actions/${action}/review`, { parameters: { job: 'slow' } })).toMatchObject({ status: 403 });
  for (const action of ['schedule/pause-all', 'schedule/resume-all'])
    expect(await vera.post(`/api/actions/${action}/review`, { parameters: {} })).toMatchObject({ status: 403 });
  expect(await vera.get('/api/ask/schedule/history?since=14d&brief=yes')).toMatchObject({ status: 200 });
  expect(await vera.get('/api/ask/schedule/log?job=--help')).toMatchObject({ status: 400 });
  expect(await vera.get('/api/job-log?run=x')).toMatchObject({ status: 400 });
});

const executable = findChromium();

describe.skipIf(executable === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  async function open(name: string, query = ''): Promise<Opened> {
    const opened = await openPage(browser);
    opened.page.setDefaultTimeout(PATIENCE_MS);
    await opened.page.goto(`${project.served.url}/schedule${query}`);
    await signIn(opened.page, name);
    await opened.page.getByRole('grid').waitFor();
    return opened;
  }

  const log = (page: Page) => page.getByRole('log');
  const cellsOf = (page: Page, job: string) => page.getByRole('row', { name: new RegExp(`^${job}`) }).locator('.cell');

  test('what ran and what did not, with reasons, who works, and what is next', async () => {
    const { context, page, said } = await open('olga');
    await page.getByText('no room on the device').waitFor();
    expect(await page.locator('.say').textContent()).toMatch(/^In 14 days \d+ runs done, \d+ failed, 11 missed; .*next is app\.full, /);
    await page.getByText('nobody was there to run it, 11 times').waitFor();
    expect(await page.getByRole('row', { name: /^gone/ }).first().textContent()).toContain('no longer scheduled');
    expect(await page.getByRole('region', { name: 'Workers' }).textContent()).toContain('far');
    expect(said.filter((text) => !/status of 401/.test(text))).toEqual([]);
    await context.close();
  });

  test('the keyboard goes through the grid, and a cell shows its runs; axe finds nothing, and nothing scrolls sideways', async () => {
    const { context, page } = await open('vera', '?cluster=main');
    await cellsOf(page, 'app\\.full').last().waitFor();
    await page.getByLabel('Cluster').first().selectOption('');
    await cellsOf(page, 'app\\.full').last().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toMatch(/^slow, .*: failed; 1 failed/);
    expect(await page.locator('.readout').textContent()).toContain('1 failed');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'slow', exact: true }).getByText('no room on the device').waitFor();
    expect(new URL(page.url()).searchParams.get('job')).toBe('slow');
    expect(await page.getByRole('button', { name: 'Run now…' }).isDisabled()).toBe(true);
    await expectAccessible(page, 'schedule-job');
    await context.close();
  });

  test('a job that a worker elsewhere runs is begun from here, and its log comes while it runs', async () => {
    const { context, page } = await open('olga', '?job=slow');
    await page.getByRole('button', { name: 'Run by a worker…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('dbadmin schedule run slow --worker').first().waitFor();
    await dialog.getByRole('button', { name: 'Run by a worker', exact: true }).click();
    await dialog.getByText('slow is queued for far').waitFor();
    await page.keyboard.press('Escape');
    const panel = page.getByRole('region', { name: 'Log of slow' });
    await panel.locator('header').getByText('running').waitFor();
    await log(page).getByText('NOTICE: line 5', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Pause following' }).click();
    await picture(page, 'schedule-running');
    await gate('insert into gate default values');
    await panel.locator('header').getByText('done').waitFor();
    // The one after it was called by its success.
    await page.getByRole('row', { name: /^next/ }).first().locator('.cell[aria-label*="done"]').waitFor();
    await context.close();
  });

  test('a failing job says why, here and in the grid; codes of terminals and script in what a job prints do nothing', async () => {
    const { context, page, said } = await open('olga', '?job=broken');
    await page.getByRole('button', { name: 'Run now…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now', exact: true }).click();
    await page.getByRole('dialog').getByText('division by zero').first().waitFor();
    await page.keyboard.press('Escape');
    await page
      .getByRole('row', { name: /^broken/ })
      .first()
      .locator('.cell[aria-label*="failed"]')
      .waitFor();
    expect((await project.run('schedule', 'run', 'odd')).status).toBe(0);
    await page.getByRole('button', { name: 'odd', exact: true }).first().click();
    await page
      .getByRole('button', { name: /^Log of odd/ })
      .first()
      .click();
    const line = log(page).locator('li').first();
    await line.waitFor();
    expect(await line.locator('.log-text').textContent()).toBe(`NOTICE: red ${SCRIPT}`);
    expect(await line.locator('.bad').textContent()).toBe('red');
    expect(await page.locator('img').count()).toBe(0);
    expect(said.filter((text) => !/status of 401/.test(text))).toEqual([]);
    await context.close();
  });

  test('a pause with its reason shows who and why, the days of the job say so, and it is taken back', async () => {
    const { context, page } = await open('olga', '?job=next');
    await page.getByLabel('Reason of a pause').fill(`moved ${SCRIPT}`);
    await page.getByLabel('A pause ends').selectOption('2h');
    await page.getByRole('button', { name: 'Pause…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click();
    // The buttons beside it change while it is open, and it stays.
    await page.getByRole('region', { name: 'Next runs' }).getByText(`“moved ${SCRIPT}”`).waitFor();
    await page.getByText(/next is paused by olga in the console since .*, until /).waitFor();
    await page.getByRole('dialog', { name: 'Pause' }).getByText('done').first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('State').selectOption('paused');
    expect(await page.getByRole('grid').getByRole('row').count()).toBe(2);
    await page.getByRole('button', { name: 'Resume…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByText('No job is like that').waitFor();
    await page.getByRole('dialog', { name: 'Resume' }).getByText('no longer paused').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('button', { name: 'Resume…' }).count()).toBe(0);
    await context.close();
  });

  test('five megabytes of log stay smooth and bounded', async () => {
    const { context, page } = await open('olga', '?job=loud');
    await page.evaluate(`window.frames_ = []; let last = performance.now();
      const tick = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(tick); }; requestAnimationFrame(tick);`);
    await page.getByRole('button', { name: 'Run now…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now', exact: true }).click();
    await page.getByRole('dialog').locator('.st.ok').waitFor();
    expect(await page.getByRole('dialog').locator('.log li').count()).toBeLessThanOrEqual(1001);
    await page.keyboard.press('Escape');
    await page
      .getByRole('button', { name: /^Log of loud/ })
      .first()
      .click();
    await log(page).locator('li').last().waitFor();
    expect(await log(page).locator('li').count()).toBeLessThanOrEqual(1000);
    const frames = (await page.evaluate<number[]>('window.frames_')).toSorted((left, right) => left - right);
    const at = (share: number): number => Math.round(frames[Math.floor(frames.length * share)] ?? 0);
    console.info(`frames while 5 MB were printed: median ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${Math.round(frames.at(-1) ?? 0)} ms`);
    expect(at(0.5)).toBeLessThan(100);
    await context.close();
  });

  test('an export is shown and can be taken along, and nothing is written', async () => {
    const { context, page } = await open('vera');
    const region = page.getByRole('region', { name: 'Export' });
    await region.getByLabel('For').selectOption('systemd');
    await region.getByText('dbadmin-app.full.timer').click();
    await region.getByText('OnCalendar').first().waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      region.getByRole('button', { name: 'Download dbadmin-app.full.timer' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('dbadmin-app.full.timer');
    await region.getByLabel('For').selectOption('kubernetes');
    await region.getByLabel('Image').fill('registry.example.org/dbadmin:1');
    await region.getByLabel('Image').press('Enter');
    // Its repository lies in the project: a pod could not keep it there, and the screen says so.
    await region.getByText("lies in the project's own directory").waitFor();
    await picture(page, 'schedule-export');
    await context.close();
  });
});

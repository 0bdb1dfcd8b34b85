import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, openPage, signIn, violations } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject, type Entered } from '../console/project.ts';

const JOBS = `jobs:
  slow: { sql: "select pg_sleep(600)", cron: "0 3 * * *", catch_up: false }
  quick: { command: schedule next, cron: "0 3 * * *", catch_up: false }
  broken: { sql: "select 1/0", cron: "0 3 * * *", catch_up: false }
`;

let project: ConsoleProject;
let olga: Entered;

beforeAll(async () => {
  project = await ConsoleProject.start({
    files: { 'backups/policies.yaml': `version: 1\n${JOBS}` },
    commands: [['backup', 'init']],
  });
  olga = await project.enter('olga');
});
afterAll(async () => await project.stop());

interface Reviewed {
  readonly id: string;
  readonly command: string;
}

interface Run {
  readonly id: string;
  readonly state: string;
  readonly exitStatus: number | null;
  readonly detail: string | null;
}

async function review(by: Entered, job: string): Promise<Reviewed> {
  const { status, document } = await by.post('/api/actions/schedule/run/review', { parameters: { job } });
  expect({ status, document }).toMatchObject({ status: 200 });
  return document as Reviewed;
}

async function start(by: Entered, job: string): Promise<Run> {
  const { status, document } = await by.post('/api/actions/run', { id: (await review(by, job)).id });
  expect({ status, document }).toMatchObject({ status: 200, document: { state: 'running' } });
  return document as Run;
}

async function ended(by: Entered, id: string): Promise<Run> {
  for (;;) {
    const run = (await by.get(`/api/runs/${id}`)).document as Run;
    if (run.state !== 'running') return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Entry {
  readonly who: string;
  readonly what: string;
  readonly outcome: string;
  readonly id: string;
  readonly detail: string | null;
}

async function trail(): Promise<readonly Entry[]> {
  return ((await olga.get('/api/audit')).document as { entries: readonly Entry[] }).entries;
}

test('what was reviewed runs once, with its log kept for who comes later, and both ends in the audit trail', async () => {
  const reviewed = await review(olga, 'quick');
  expect(reviewed).toMatchObject({ command: 'dbadmin schedule run quick', plan: null });
  const { document } = await olga.post('/api/actions/run', { id: reviewed.id });
  const { id } = document as Run;
  expect(await ended(olga, id)).toMatchObject({ state: 'done', exitStatus: 0, command: reviewed.command, who: 'olga' });
  const { body } = await project.send('GET', `/api/runs/${id}/events`, { cookie: olga.cookie });
  expect(body).toMatch(/event: lines\n.*quick done[^]*event: end\n.*"state":"done"/);
  const last = Number(/id: (\d+)/.exec(body)?.[1]);
  const again = await project.send('GET', `/api/runs/${id}/events`, { cookie: olga.cookie, 'last-event-id': String(last) });
  expect(again.body).not.toContain('event: lines');
  expect(await olga.post('/api/actions/run', { id: reviewed.id })).toMatchObject({
    status: 403,
    document: { error: { message: expect.stringContaining('was done already') } },
  });
  const entries = (await trail()).filter((entry) => entry.id === id);
  expect(entries).toMatchObject([
    { who: 'olga', what: 'dbadmin schedule run quick', outcome: 'begun', detail: null },
    { who: 'olga', what: 'dbadmin schedule run quick', outcome: 'done', detail: expect.stringMatching(/^after /) },
  ]);
});

test('a viewer is refused before anything runs, reviews nothing and stops nothing, and it is written down', async () => {
  const vera = await project.enter('vera');
  const refused = { status: 403, document: { error: { message: 'vera may look and not act' } } };
  expect(await vera.post('/api/actions/schedule/run/review', { parameters: { job: 'quick' } })).toMatchObject(refused);
  const { id } = await review(olga, 'quick');
  expect(await vera.post('/api/actions/run', { id })).toMatchObject(refused);
  const run = await start(olga, 'slow');
  expect(await vera.post(`/api/runs/${run.id}/stop`, {})).toMatchObject(refused);
  expect(await vera.get(`/api/runs/${run.id}`)).toMatchObject({ status: 200, document: { state: 'running' } });
  await olga.post(`/api/runs/${run.id}/stop`, {});
  await ended(olga, run.id);
  expect((await trail()).filter(({ who, outcome }) => who === 'vera' && outcome === 'refused').map(({ what }) => what)).toEqual([
    'dbadmin schedule run quick',
    'run what was reviewed',
    'stop dbadmin schedule run slow',
  ]);
});

test('what another session reviewed is refused, even of the same user', async () => {
  const other = await project.enter('olga');
  const { id } = await review(other, 'quick');
  expect(await olga.post('/api/actions/run', { id })).toMatchObject({ status: 403 });
  expect(await other.post('/api/actions/run', { id })).toMatchObject({ status: 200 });
});

test('a run without the token of its session, or of an action that is none, does not begin', async () => {
  const { id } = await review(olga, 'quick');
  const headers = project.own({ cookie: olga.cookie });
  expect(await project.send('POST', '/api/actions/run', headers, { id })).toMatchObject({ status: 403 });
  expect(await olga.post('/api/actions/backup/run/review', { parameters: {} })).toMatchObject({ status: 400 });
  expect(await olga.post('/api/actions/schedule/run/review', { parameters: { job: '--worker' } })).toMatchObject({ status: 400 });
  expect(await olga.post('/api/actions/schedule/run/review', { parameters: { job: 'quick', more: 'x' } })).toMatchObject({ status: 400 });
});

test('a run that fails says why, in the words of its command', async () => {
  const run = await start(olga, 'broken');
  expect(await ended(olga, run.id)).toMatchObject({ state: 'failed', detail: expect.stringContaining('division by zero') });
  // What another test began may end meanwhile, and the end is told before it is written down.
  await expect
    .poll(async () => (await trail()).findLast(({ id }) => id === run.id))
    .toMatchObject({ outcome: 'failed', detail: expect.stringContaining('division by zero') });
});

test('a console that is stopped ends what it runs, waits for it and says so', async () => {
  const own = await ConsoleProject.start({ files: { 'backups/policies.yaml': `version: 1\n${JOBS}` } });
  const operator = await own.enter('olga');
  await start(operator, 'slow');
  const { status, stderr } = await own.served.stop();
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/waited for: dbadmin schedule run slow[^]*: stopped/),
  });
  const audit = await readFile(path.join(own.directory, '.local', 'state', 'dbadmin', 'console-audit.jsonl'), 'utf8');
  expect(audit).toMatch(/"outcome":"failed"[^\n]*the console was stopped/);
  await own.stop();
});

const executable = findChromium();
if (executable === undefined) console.warn('NOT TESTED: actions in a browser, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  test('a backup is taken from the overview: the command first, then its log, and the focus is back where it was', async () => {
    const { context, page, said } = await openPage(browser);
    await page.goto(project.served.url);
    await signIn(page, 'olga');
    await page.getByRole('button', { name: 'Back up now…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Back up now' });
    await dialog.getByText('dbadmin backup run --cluster main').first().waitFor();
    await expectAccessible(page, 'act-review');
    expect((await trail()).filter(({ what }) => what.startsWith('dbadmin backup run'))).toEqual([]);
    await dialog.getByRole('button', { name: 'Back up now', exact: true }).click();
    await dialog.locator('.log').getByText('full', { exact: false }).first().waitFor();
    await dialog.getByText('done', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Back up now…');
    await page.getByText('1 backup, newest full').waitFor({ timeout: 15_000 });
    expect(said.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
    await context.close();
  });

  test('what somebody else started is found with its log as far as it is, and is stopped', async () => {
    const run = await start(olga, 'slow');
    const { context, page, said } = await openPage(browser);
    await page.goto(`${project.served.url}/audit`);
    await signIn(page, 'olga');
    const item = page.getByRole('region', { name: 'Started here' }).getByRole('listitem').first();
    await item.getByText('dbadmin schedule run slow').click();
    await item.locator('.log').getByText('select pg_sleep(600)').waitFor();
    await item.getByText('running', { exact: true }).first().waitFor();
    await expectAccessible(page, 'run');
    await item.getByRole('button', { name: 'Stop it' }).click();
    await item.getByText('Stopped by olga').waitFor();
    expect(await ended(olga, run.id)).toMatchObject({ state: 'stopped' });
    expect(said.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
    await context.close();
  });

  test('a session that ends in the middle of a review leads to the door; the same user goes on with what was typed, another sees nothing of it', async () => {
    expect(await project.run('backup', 'run')).toMatchObject({ status: 0 });
    const { context, page } = await openPage(browser);
    await page.goto(`${project.served.url}/backups`);
    await signIn(page, 'olga');
    const endIt = async (): Promise<void> => {
      const [cookie] = await context.cookies();
      const headers = { cookie: `${cookie?.name}=${cookie?.value}` };
      const { csrf } = JSON.parse((await project.send('GET', '/api/session', headers)).body) as { csrf: string };
      await project.send('POST', '/api/sign-out', project.own({ ...headers, 'x-csrf-token': csrf }), {});
    };
    await page.getByRole('button', { name: 'Hold', exact: true }).first().click();
    const reason = page.getByLabel('Why it has to stay');
    await reason.fill('audit 2026');
    await page.getByRole('button', { name: 'Hold…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Hold' });
    const hold = dialog.getByRole('button', { name: 'Hold', exact: true });
    // The session ends while what was pressed is on its way: the page, which looks every few seconds, cannot have heard of it before.
    await page.route(
      '**/api/actions/run',
      async (route) => {
        await endIt();
        await route.continue();
      },
      { times: 1 },
    );
    await hold.click();
    await page.getByText('Your session has ended. Sign in again to go on.').waitFor();
    expect({ dialogs: await dialog.count(), fields: await reason.count(), isSeen: await reason.isVisible() }).toEqual({
      dialogs: 0,
      fields: 1,
      isSeen: false,
    });
    expect(await violations(page)).toEqual([]);
    await signIn(page, 'olga');
    await dialog
      .getByText(/--reason 'audit 2026'/)
      .first()
      .waitFor();
    await hold.click();
    await dialog.getByText('done', { exact: true }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('cell', { name: 'audit 2026 until it is released' }).waitFor();

    await page.getByRole('button', { name: 'Back up now…' }).click();
    await page.getByRole('dialog').getByText('dbadmin backup run').first().waitFor();
    await endIt();
    await page.getByText('Your session has ended. Sign in again to go on.').waitFor({ timeout: 15_000 });
    await signIn(page, 'vera');
    await page.getByText('Signed in as').waitFor();
    expect(await page.getByText('Signed in as').textContent()).toBe('Signed in as vera, viewer');
    expect(await page.locator('dialog').count()).toBe(0);
    await context.close();
  });

  test('a viewer sees that there is an action, and cannot take it', async () => {
    const { context, page } = await openPage(browser);
    await page.goto(project.served.url);
    await signIn(page, 'vera');
    expect(await page.getByRole('button', { name: 'Back up now…' }).isDisabled()).toBe(true);
    await context.close();
  });
});

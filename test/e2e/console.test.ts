import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { commandEnd, startCommand } from '../backup/command.ts';
import { openPage, picture, signIn, violations } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject, PASSWORD, type Answer } from '../console/project.ts';

let project: ConsoleProject;

beforeAll(async () => {
  project = await ConsoleProject.start({
    files: {
      'sql/migrations/20260101T000000_first.sql': 'CREATE TABLE first ();\n',
      'roles/roles.yaml': 'version: 1\nmode: add\nscope: { roles: [asking] }\ngroups: { asking: {} }\n',
    },
    commands: ['app.full', 'app.incremental', 'app.drill'].map((job) => ['schedule', 'run', job]),
  });
});
afterAll(async () => await project.stop());

async function send(method: string, at: string, headers: Readonly<Record<string, string>> = {}, body?: object): Promise<Answer> {
  return await project.send(method, at, headers, body);
}

function own(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return project.own(headers);
}

test('a request under the name of somebody else is refused, whatever it asks for', async () => {
  for (const at of ['/', '/api/session', '/api/status']) {
    const answer = await send('GET', at, { host: 'evil.example:80' });
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('does not answer to the host') });
  }
});

test('without a session nothing but the application and its door answers', async () => {
  for (const at of [
    '/api/session',
    '/api/status',
    '/api/audit',
    '/api/events',
    '/api/ask/backups/info',
    '/api/runs',
    '/api/runs/x/events',
  ]) {
    expect(await send('GET', at)).toMatchObject({ status: 401, body: expect.stringContaining('sign-in-needed') });
  }
  // Without a length, too: nobody can make the console read for ever.
  const endless = { padding: 'x'.repeat(200_000) };
  expect(await send('POST', '/api/sign-in', own(), endless)).toMatchObject({ status: 400, body: expect.stringContaining('too large') });
  expect(await send('GET', '/../../etc/passwd')).toMatchObject({ body: expect.not.stringContaining('root:') });
  expect(await send('GET', '/assets/nothing.js')).toMatchObject({ status: 404 });
});

test('every answer says what a browser may do with it', async () => {
  const { headers } = await send('GET', '/');
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' });
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
});

test('a change from a page of somebody else, or without the token of its session, is refused', async () => {
  const { cookie, csrf } = await project.enter('olga');
  const leave = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await send('POST', '/api/sign-out', { cookie, ...headers }, {})).status;
  expect(await leave(own({ origin: 'http://evil.example', 'x-csrf-token': csrf }))).toBe(403);
  expect(await leave({ 'content-type': 'application/json', 'x-csrf-token': csrf })).toBe(403);
  expect(await leave(own({ 'x-csrf-token': csrf, 'sec-fetch-site': 'cross-site' }))).toBe(403);
  expect(await leave(own())).toBe(403);
  expect(await leave(own({ 'x-csrf-token': 'another' }))).toBe(403);
  expect(await send('GET', '/api/session', { cookie })).toMatchObject({ status: 200 });
  expect(await leave(own({ 'x-csrf-token': csrf }))).toBe(200);
  expect(await send('GET', '/api/session', { cookie })).toMatchObject({ status: 401 });
});

test('the figures are those of status --json', async () => {
  const { cookie } = await project.enter('vera');
  const { body } = await send('GET', '/api/status', { cookie });
  const { status } = JSON.parse(body) as { status: { clusters: readonly Record<string, unknown>[]; jobs: unknown } };
  const printed = JSON.parse((await project.run('status', '--json')).stdout) as typeof status;
  expect(status.jobs).toEqual(printed.jobs);
  expect(status.clusters[0]?.['limits']).toEqual(printed.clusters[0]?.['limits']);
  const kept = (document: typeof status): unknown => {
    const repositories = document.clusters[0]?.['repositories'] as undefined | readonly { state: { lineage: Record<string, unknown> } }[];
    const repository = repositories?.[0];
    const { stretches, backups, newest, gaps } = repository?.state.lineage ?? {};
    return { stretches, backups, newest, gaps };
  };
  expect(kept(status)).toEqual(kept(printed));
  expect(Object.keys(status.clusters[0] ?? {})).toEqual(Object.keys(printed.clusters[0] ?? {}));
});

test('who guesses has to wait, and it is written down', async () => {
  const guess = async (): Promise<Answer> => await send('POST', '/api/sign-in', own(), { name: 'gast', password: 'wrong' });
  for (let tries = 0; tries < 5; tries += 1)
    expect(await guess()).toMatchObject({ status: 403, body: expect.stringContaining('is wrong') });
  expect(await guess()).toMatchObject({ status: 403, body: expect.stringContaining('too many') });
  const { cookie } = await project.enter('olga');
  const { entries, broken } = JSON.parse((await send('GET', '/api/audit', { cookie })).body) as {
    entries: readonly { who: string; outcome: string }[];
    broken: unknown;
  };
  expect(broken).toEqual([]);
  expect(entries.filter(({ who, outcome }) => who === 'gast' && outcome === 'refused')).toHaveLength(6);
});

test('a first load is less than 200 kB as it is sent, and nothing in it names another place', async () => {
  const page = await send('GET', '/');
  const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(assets.length).toBeGreaterThanOrEqual(2);
  let sentBytes = 0;
  for (const at of ['/', ...assets]) {
    const { status, headers } = await send('HEAD', at, { 'accept-encoding': 'gzip' });
    expect({ at, status }).toEqual({ at, status: 200 });
    sentBytes += Number(headers['content-length']);
  }
  expect(sentBytes).toBeGreaterThan(5000);
  expect(sentBytes).toBeLessThan(200_000);
});

const executable = findChromium();
if (executable === undefined)
  console.warn('NOT TESTED: the console in a browser, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  test('a wrong password is told in the words of the console, and the right one opens the overview', async () => {
    const { context, page, asked, said } = await openPage(browser);
    await page.goto(project.served.url);
    await signIn(page, 'vera', 'not the password');
    await page.getByRole('alert').getByText('The name or the password is wrong').waitFor();
    expect(await violations(page)).toEqual([]);
    await picture(page, 'sign-in');
    await signIn(page, 'vera');
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
    // Nobody receives WAL here: whether its end has a time depends on what was committed last.
    expect(await page.locator('.say').textContent()).toMatch(/^Restorable (?:between .*[\d:]{8} and|from) .*; last proven .*[\d:]{5}\.$/);
    expect(await page.getByRole('region', { name: 'Migrations and roles' }).textContent()).toMatch(
      /^Migrations and rolesMigrations0 applied, 1 pendingRoles1 difference$/,
    );
    expect(await page.getByText('Signed in as').textContent()).toBe('Signed in as vera, viewer');
    expect(new Set(asked.map((each) => new URL(each).origin))).toEqual(new Set([project.served.url]));
    // The browser itself tells of the 401 before the sign-in and of the 403 of the wrong password, and of nothing else.
    expect(said.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
    await context.close();
  });

  test.each([
    [1280, false],
    [1280, true],
    [390, false],
    [390, true],
  ])('the overview at %d pixels, dark %s: axe finds nothing and the page does not scroll sideways', async (width, dark) => {
    const { context, page } = await openPage(browser, { width, dark });
    await page.goto(project.served.url);
    await signIn(page, 'olga');
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await picture(page, `overview-${width}-${dark ? 'dark' : 'light'}`);
    await context.close();
  });

  test('what changes in the cluster shows without loading the page again', async () => {
    const { context, page } = await openPage(browser);
    await page.goto(project.served.url);
    await signIn(page, 'olga');
    await page.getByText('2 backups, newest incremental').waitFor();
    const twin = page.getByRole('article', { name: 'Cluster main' }).locator('.twin');
    await twin.getByText('Numbers as a table').click();
    await twin.getByRole('rowheader', { name: 'restorable', exact: true }).waitFor();
    await twin.getByRole('rowheader', { name: 'drill passed' }).waitFor();
    expect(await project.run('backup', 'run', '--type', 'incremental')).toMatchObject({ status: 0 });
    await page.getByText('3 backups, newest incremental').waitFor({ timeout: 15_000 });
    await context.close();
  });

  test.each([1280, 390])(
    'the audit trail at %d pixels has the sign-ins, a name full of script as text, and is found again by going back',
    async (width) => {
      const script = '<img src=x onerror=alert(1)>';
      await send('POST', '/api/sign-in', own(), { name: script, password: 'x' });
      const { context, page, said } = await openPage(browser, { width });
      await page.goto(project.served.url);
      await signIn(page, 'vera');
      await page.getByRole('article', { name: 'Cluster main' }).waitFor();
      if (width < 720) await page.getByRole('button', { name: 'Menu' }).click();
      await page.getByRole('link', { name: 'Audit trail' }).click();
      await page.getByRole('cell', { name: script }).first().waitFor();
      expect(await page.locator('img').count()).toBe(0);
      expect(await page.title()).toBe('Audit trail · dbadmin');
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      await picture(page, `audit-${width}`);
      await page.goBack();
      await page.getByRole('article', { name: 'Cluster main' }).waitFor();
      await page.goto(`${project.served.url}/nowhere`);
      await page.getByText('There is no such screen').waitFor();
      expect(said.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
      await context.close();
    },
  );

  test('a session that has ended leads to the door, with the reason', async () => {
    const { context, page } = await openPage(browser);
    await page.goto(project.served.url);
    await signIn(page, 'olga');
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
    // As if it had idled: the console knows it no more, the browser does not know yet.
    const [cookie] = await context.cookies();
    const { csrf } = JSON.parse((await send('GET', '/api/session', { cookie: `${cookie?.name}=${cookie?.value}` })).body) as {
      csrf: string;
    };
    await send('POST', '/api/sign-out', own({ cookie: `${cookie?.name}=${cookie?.value}`, 'x-csrf-token': csrf }), {});
    await page.getByText('Your session has ended').waitFor({ timeout: 15_000 });
    expect(await page.getByRole('article').count()).toBe(0);
    await context.close();
  });

  test('the keyboard alone signs in, reaches every control and signs out', async () => {
    const { context, page } = await openPage(browser);
    await page.goto(project.served.url);
    await page.getByLabel('Name').focus();
    await page.keyboard.type('olga');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).focus();
    const focused = async (): Promise<unknown> => await page.evaluate('document.activeElement.textContent');
    for (let tabs = 0; tabs < 20 && (await focused()) !== 'Sign out'; tabs += 1) await page.keyboard.press('Tab');
    expect(await focused()).toBe('Sign out');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'dbadmin console' }).waitFor();
    await context.close();
  });

  test('how far the stored WAL was behind is drawn while somebody looks, and stands in a table', async () => {
    // Without it nothing says until when the stored WAL reaches once the server has written anything by itself.
    const receiving = startCommand(['wal', 'receive', '--config', path.join(project.directory, 'dbadmin.yaml')]);
    onTestFinished(() => void receiving.kill('SIGKILL'));
    const received = commandEnd(receiving);
    const { context, page, said } = await openPage(browser);
    await page.goto(project.served.url);
    await signIn(page, 'vera');
    const panel = page.getByRole('region', { name: 'WAL lag', exact: true });
    await panel.getByRole('img', { name: /^WAL lag of main: now local .*; at most / }).waitFor({ timeout: 60_000 });
    await panel.locator('canvas').waitFor();
    await panel.getByText('Numbers as a table').click();
    expect(await panel.locator('tbody tr').count()).toBeGreaterThanOrEqual(2);
    expect(said.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
    await context.close();
    receiving.kill('SIGTERM');
    expect(await received).toMatchObject({ status: 0 });
  });
});

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { request } from 'node:http';
import path from 'node:path';
import postgres from 'postgres';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeConfig } from '../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { serveConsole, type ServedConsole } from '../console/serve.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import { runCli } from './run-cli.ts';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PASSWORD = 'a long enough password';
const POLICIES = `version: 1
policies:
  app:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 * * 0" }, incremental: { cron: "0 2 * * 1-6" } }
    drill: { cron: "0 4 * * 0", target: random }
    limits: { drill_age: 8d }
`;

let directory: string;
let cluster: TestCluster;
let served: ServedConsole;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 17, settings: { summarize_wal: 'on' } });
  await makeRepository(path.join(directory, 'repository'));
  const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  // It looks as a role that may see what a monitor sees, and nothing else.
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe("create role looks login password 'looks'; grant pg_monitor to looks");
  await sql.end();
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('    repositories:', '    reading: { user: looks, password: looks }\n    repositories:'));
  await mkdir(path.join(directory, 'backups'));
  await mkdir(path.join(directory, 'sql', 'migrations'), { recursive: true });
  await writeFile(path.join(directory, 'sql', 'migrations', '20260101T000000_first.sql'), 'CREATE TABLE first ();\n');
  await mkdir(path.join(directory, 'roles'));
  await writeFile(
    path.join(directory, 'roles', 'roles.yaml'),
    'version: 1\nmode: add\nscope: { roles: [asking] }\ngroups: { asking: {} }\n',
  );
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES);
  await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`);
  const env = { DBADMIN_SCRATCH: directory, XDG_STATE_HOME: path.join(directory, '.local', 'state') };
  for (const job of ['app.full', 'app.incremental', 'app.drill']) {
    expect(await runCli(['schedule', 'run', job], { cwd: directory, env })).toMatchObject({ status: 0 });
  }
  for (const [name, role] of [
    ['olga', 'operator'],
    ['vera', 'viewer'],
  ] as const) {
    const args = ['console', 'user', 'add', name, '--role', role, '--password-file', 'password'];
    expect(await runCli(args, { cwd: directory })).toMatchObject({ status: 0 });
  }
  served = await serveConsole(directory);
});
afterAll(async () => {
  await served.stop();
  await cluster.stop();
  await removeDirectory(directory);
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request as no browser would send it, with any headers; on a connection of its own, for a refused one may end it. */
async function send(method: string, at: string, headers: Readonly<Record<string, string>> = {}, body?: object): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const outgoing = request(`${served.url}${at}`, { method, headers, agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function own(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { origin: served.url, 'content-type': 'application/json', ...headers };
}

/** Signs in without a browser: the cookie, and the token that goes with it. */
async function enter(name: string): Promise<{ readonly cookie: string; readonly csrf: string }> {
  const { status, headers, body } = await send('POST', '/api/sign-in', own(), { name, password: PASSWORD });
  expect(status).toBe(200);
  const cookie = String(headers['set-cookie']);
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
  return { cookie: cookie.split(';')[0] ?? '', csrf: (JSON.parse(body) as { csrf: string }).csrf };
}

test('a request under the name of somebody else is refused, whatever it asks for', async () => {
  for (const at of ['/', '/api/session', '/api/status']) {
    const answer = await send('GET', at, { host: 'evil.example:80' });
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('does not answer to the host') });
  }
});

test('without a session nothing but the application and its door answers', async () => {
  for (const at of ['/api/session', '/api/status', '/api/audit', '/api/events']) {
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
  const { cookie, csrf } = await enter('olga');
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
  const { cookie } = await enter('vera');
  const { body } = await send('GET', '/api/status', { cookie });
  const { status } = JSON.parse(body) as { status: { clusters: readonly Record<string, unknown>[]; jobs: unknown } };
  const printed = JSON.parse((await runCli(['status', '--json'], { cwd: directory })).stdout) as typeof status;
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
  const { cookie } = await enter('olga');
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

  interface Opened {
    readonly context: BrowserContext;
    readonly page: Page;
    readonly asked: string[];
    readonly said: string[];
  }

  async function open(options: { readonly width?: number; readonly dark?: boolean } = {}): Promise<Opened> {
    const context = await browser.newContext({
      viewport: { width: options.width ?? 1280, height: 900 },
      colorScheme: options.dark === true ? 'dark' : 'light',
    });
    const page = await context.newPage();
    const asked: string[] = [];
    const said: string[] = [];
    page.on('request', (each) => void asked.push(each.url()));
    page.on('console', (message) => void (message.type() === 'error' && said.push(message.text())));
    page.on('pageerror', (error) => void said.push(error.message));
    return { context, page, asked, said };
  }

  async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function violations(page: Page): Promise<readonly string[]> {
    return await page.evaluate(
      `${AXE}; axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
    );
  }

  async function picture(page: Page, name: string): Promise<void> {
    const into = process.env['DBADMIN_TEST_SCREENSHOTS'];
    if (into !== undefined) await page.screenshot({ path: path.join(into, `${name}.png`), fullPage: true });
  }

  test('a wrong password is told in the words of the console, and the right one opens the overview', async () => {
    const { context, page, asked, said } = await open();
    await page.goto(served.url);
    await signIn(page, 'vera', 'not the password');
    await page.getByRole('alert').getByText('The name or the password is wrong').waitFor();
    expect(await violations(page)).toEqual([]);
    await picture(page, 'sign-in');
    await signIn(page, 'vera');
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
    expect(await page.locator('.say').textContent()).toMatch(/^Restorable between .*[\d:]{8} and .*[\d:]{8}; last proven .*[\d:]{5}\.$/);
    expect(await page.getByRole('region', { name: 'Migrations and roles' }).textContent()).toMatch(
      /main: 0 applied, 1 pending.*main: 1 difference/,
    );
    expect(await page.getByText('Signed in as').textContent()).toBe('Signed in as vera, viewer');
    expect(new Set(asked.map((each) => new URL(each).origin))).toEqual(new Set([served.url]));
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
    const { context, page } = await open({ width, dark });
    await page.goto(served.url);
    await signIn(page, 'olga');
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await picture(page, `overview-${width}-${dark ? 'dark' : 'light'}`);
    await context.close();
  });

  test('what changes in the cluster shows without loading the page again', async () => {
    const { context, page } = await open();
    await page.goto(served.url);
    await signIn(page, 'olga');
    await page.getByText('2 backups, newest incremental').waitFor();
    expect(await runCli(['backup', 'run', '--type', 'incremental'], { cwd: directory })).toMatchObject({ status: 0 });
    await page.getByText('3 backups, newest incremental').waitFor({ timeout: 15_000 });
    await context.close();
  });

  test.each([1280, 390])(
    'the audit trail at %d pixels has the sign-ins, a name full of script as text, and is found again by going back',
    async (width) => {
      const script = '<img src=x onerror=alert(1)>';
      await send('POST', '/api/sign-in', own(), { name: script, password: 'x' });
      const { context, page, said } = await open({ width });
      await page.goto(served.url);
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
      await page.goto(`${served.url}/nowhere`);
      await page.getByText('There is no such screen').waitFor();
      expect(said.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
      await context.close();
    },
  );

  test('a session that has ended leads to the door, with the reason', async () => {
    const { context, page } = await open();
    await page.goto(served.url);
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
    const { context, page } = await open();
    await page.goto(served.url);
    await page.getByLabel('Name').focus();
    await page.keyboard.type('olga');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).focus();
    for (let index = 0; index < 3; index += 1) await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Sign out');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'dbadmin console' }).waitFor();
    await context.close();
  });
});

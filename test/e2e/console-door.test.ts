import { chmod, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDirectory, removeDirectory } from '../backup/repository.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { CLIENT, startProvider, wayBack, type Spoiling, type TestProvider } from '../console/oidc-provider.ts';
import { serveConsole, type ServedConsole } from '../console/serve.ts';
import { freePort } from '../postgres/address.ts';
import { runCli } from './run-cli.ts';

const PASSWORD = 'a long enough password';
const GROUPS = { asha: ['staff', 'dba'], vera: ['staff'], gast: ['visitors'], nils: [] };

let directory: string;
let provider: TestProvider;
let served: ServedConsole;

beforeAll(async () => {
  directory = await makeDirectory();
  provider = await startProvider(GROUPS);
  // Nothing needs to answer there: the door is what is tried.
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1
clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none" } }
console:
  oidc:
    issuer: ${provider.issuer}
    client_id: ${CLIENT.id}
    client_secret: { from: file, path: secret }
    scopes: [openid, profile, groups]
    roles: { operator: [dba], viewer: [staff] }
    label: the test
`,
    { mode: 0o600 },
  );
  await writeFile(path.join(directory, 'secret'), `${CLIENT.secret}\n`, { mode: 0o600 });
  await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`);
  const add = ['console', 'user', 'add', 'olga', '--role', 'operator', '--password-file', 'password'];
  expect(await runCli(add, { cwd: directory })).toMatchObject({ status: 0 });
  served = await serveConsole(directory);
  provider.serve(`${served.url}/sign-in/oidc/back`);
});
afterAll(async () => {
  await served.stop();
  await provider.stop();
  await removeDirectory(directory);
});

interface Line {
  readonly who: string;
  readonly outcome: string;
  readonly detail: string | null;
}

async function audited(): Promise<readonly Line[]> {
  const text = await readFile(path.join(directory, '.local', 'state', 'dbadmin', 'console-audit.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test('what the page is told of the doors names the provider and no secret', async () => {
  const doors = await (await fetch(`${served.url}/api/doors`)).text();
  expect(JSON.parse(doors)).toEqual({
    hasUsers: true,
    hasLink: false,
    provider: { label: 'the test', beginsAt: '/sign-in/oidc' },
    failure: null,
  });
});

test('the way out carries a challenge, a state and a nonce, and comes back to this console only', async () => {
  const answer = await fetch(`${served.url}/sign-in/oidc?to=//evil.example`, { redirect: 'manual' });
  expect(answer.status).toBe(303);
  const asked = new URL(answer.headers.get('location') ?? '');
  expect(asked.origin).toBe(provider.issuer);
  expect(Object.fromEntries(asked.searchParams)).toMatchObject({
    response_type: 'code',
    redirect_uri: `${served.url}/sign-in/oidc/back`,
    code_challenge_method: 'S256',
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    state: expect.stringMatching(/^[\w-]{32,}$/),
    nonce: expect.stringMatching(/^[\w-]{32,}$/),
  });
  expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax$/);
  expect(decodeURIComponent(answer.headers.get('set-cookie') ?? '')).toContain('"to":"/"');
});

interface Tried {
  readonly location: string | null;
  /** Whether the cookies of the answer are those of somebody signed in. */
  readonly isIn: boolean;
  readonly failure: string | undefined;
}

/** Leaves for the provider: where to, and the cookie of the try. */
async function leave(): Promise<{ readonly at: string; readonly cookie: string }> {
  const answer = await fetch(`${served.url}/sign-in/oidc?to=/audit`, { redirect: 'manual' });
  return { at: answer.headers.get('location') ?? '', cookie: cookiesOf(answer) };
}

async function comeBack(back: string, cookie: string): Promise<Tried> {
  const answer = await fetch(back, { redirect: 'manual', headers: { cookie } });
  const headers = { cookie: cookiesOf(answer) };
  const { failure } = (await (await fetch(`${served.url}/api/doors`, { headers })).json()) as { failure: { message: string } | null };
  const { status } = await fetch(`${served.url}/api/session`, { headers });
  return { location: answer.headers.get('location'), isIn: status === 200, failure: failure?.message };
}

function cookiesOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
}

test('a way back serves the browser that began it, and no other: nobody is signed in as somebody else', async () => {
  const [mine, other] = [await leave(), await leave()];
  const back = await wayBack(mine.at, 'asha');
  const refused = { location: '/', isIn: false, failure: 'this sign-in was not begun in this browser, or took too long' };
  expect(await comeBack(back, '')).toEqual(refused);
  expect(await comeBack(back, other.cookie)).toEqual(refused);
  expect(await comeBack(back, mine.cookie.replace(/\.[^.]+$/, '.AAAA'))).toEqual(refused);
  expect(await comeBack(back.replace(/state=[^&]+/, 'state=another'), mine.cookie)).toEqual(refused);
  expect(await comeBack(back, mine.cookie)).toEqual({ location: '/audit', isIn: true, failure: undefined });
  expect(await comeBack(back, mine.cookie)).toMatchObject({ isIn: false, failure: 'this sign-in has been used, or took too long' });
});

test.each<Spoiling>(['forged', 'foreign-key', 'unsigned', 'expired', 'from-the-future', 'other-issuer', 'other-audience', 'other-nonce'])(
  'an ID token that is %s lets nobody in',
  async (how) => {
    provider.spoil(how);
    const spoilt = await leave();
    const tried = await comeBack(await wayBack(spoilt.at, 'asha'), spoilt.cookie);
    provider.spoil(undefined);
    expect(tried).toEqual({ location: '/', isIn: false, failure: expect.stringContaining('does not prove who signed in') });
    // Each of these tries counted; the right one clears them.
    const right = await leave();
    expect(await comeBack(await wayBack(right.at, 'asha'), right.cookie)).toMatchObject({ isIn: true });
  },
);

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** A request with any headers, also those that no browser lets a page set. */
async function send(
  url: string,
  { method = 'GET', headers = {}, body }: Sent = {},
): Promise<{ status: number; cookie: string; text: string }> {
  return await new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
      const cookie = (incoming.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, cookie, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function enter(name: string): Promise<string> {
  const headers = { origin: served.url, 'content-type': 'application/json' };
  const { status, cookie } = await send(`${served.url}/api/sign-in`, { method: 'POST', headers, body: { name, password: PASSWORD } });
  expect({ name, status }).toEqual({ name, status: 200 });
  return cookie;
}

async function user(...words: readonly string[]): Promise<void> {
  expect(await runCli(['console', 'user', ...words], { cwd: directory })).toMatchObject({ status: 0 });
}

test('who is removed, or gets another role or password, is out at once, and nobody else is', async () => {
  const add = ['--password-file', 'password'];
  for (const name of ['bert', 'cleo', 'dora']) await user('add', name, ...add);
  const cookies = await Promise.all(['bert', 'cleo', 'dora', 'olga'].map(enter));
  const statuses = async (): Promise<readonly number[]> =>
    await Promise.all(cookies.map(async (cookie) => (await send(`${served.url}/api/session`, { headers: { cookie } })).status));
  expect(await statuses()).toEqual([200, 200, 200, 200]);
  await user('remove', 'bert', '--yes');
  await user('add', 'cleo', '--role', 'operator', '--replace', ...add);
  await user('add', 'dora', '--replace', ...add);
  expect(await statuses()).toEqual([401, 401, 401, 200]);
  for (const name of ['cleo', 'dora']) await user('remove', name, '--yes');
  const ended = (await audited()).filter(({ detail }) => detail === 'the user was removed or changed');
  expect(ended.map(({ who }) => who).sort()).toEqual(['bert', 'cleo', 'dora']);
});

test('with a file of users that others can read nobody of it gets any further, until that is mended', async () => {
  const cookie = await enter('olga');
  const file = path.join(directory, '.local', 'state', 'dbadmin', 'console-users.json');
  await chmod(file, 0o644);
  const refused = await send(`${served.url}/api/session`, { headers: { cookie } });
  expect(refused).toMatchObject({ status: 403, text: expect.stringContaining('can be read or changed by others') });
  await chmod(file, 0o600);
  expect(await send(`${served.url}/api/session`, { headers: { cookie } })).toMatchObject({ status: 200 });
});

test('behind a proxy who guesses waits by the address that the proxy adds, whatever they write before it', async () => {
  const port = await freePort();
  const behind = await serveConsole(directory, ['--listen', `127.0.0.1:${port}`, '--behind-proxy', '--host', 'dba.example.org']);
  const guess = async (forwarded: string, name = 'olga'): Promise<string> => {
    const headers = {
      host: 'dba.example.org',
      origin: 'https://dba.example.org',
      'content-type': 'application/json',
      'x-forwarded-for': forwarded,
    };
    return (await send(`http://127.0.0.1:${port}/api/sign-in`, { method: 'POST', headers, body: { name, password: 'wrong' } })).text;
  };
  for (let index = 0; index < 5; index += 1) expect(await guess(`198.51.100.${index}, 203.0.113.9:${5000 + index}`)).toContain('is wrong');
  expect(await guess('198.51.100.77, 203.0.113.9')).toContain('too many');
  expect(await guess('203.0.113.9, 203.0.113.10')).toContain('is wrong');
  for (let index = 0; index < 5; index += 1) expect(await guess(`2001:db8::${index}`)).toContain('is wrong');
  expect(await guess('2001:db8::ffff')).toContain('too many');
  await behind.stop();
});

const executable = findChromium();
if (executable === undefined)
  console.warn('NOT TESTED: signing in by a provider, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('in Chromium', () => {
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  async function open(): Promise<Page> {
    context = await browser.newContext();
    return await context.newPage();
  }

  async function signIn(page: Page, name: string, at = '/'): Promise<void> {
    await page.goto(`${served.url}${at}`);
    await page.getByRole('button', { name: 'Sign in with the test' }).click();
    await page.getByRole('link', { name: `Be ${name}`, exact: true }).click();
  }

  async function told(page: Page): Promise<string> {
    const alert = page.getByRole('alert');
    await alert.locator('p').first().waitFor();
    return (await alert.textContent()) ?? '';
  }

  test('groups give the role, the screen that was asked for comes next, and after signing out the provider asks again', async () => {
    const page = await open();
    await signIn(page, 'asha', '/audit');
    const who = `asha via ${new URL(provider.issuer).host}`;
    await page.getByText('Signed in as').waitFor();
    expect(await page.getByText('Signed in as').textContent()).toBe(`Signed in as ${who}, operator`);
    expect(new URL(page.url()).pathname).toBe('/audit');
    await page.getByRole('cell', { name: who }).first().waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in with the test' }).click();
    await page.getByRole('link', { name: 'Be vera' }).click();
    await page.getByText('Signed in as').waitFor();
    expect(await page.getByText('Signed in as').textContent()).toMatch(/^Signed in as vera via .*, viewer$/);
    await context.close();
    const detail = `operator; subject asha of ${provider.issuer}`;
    expect(await audited()).toContainEqual(expect.objectContaining({ who, outcome: 'done', detail }));
  });

  test('who is in no group with a role is refused, and told which groups they have', async () => {
    const page = await open();
    await signIn(page, 'gast');
    expect(await told(page)).toMatch(/^There is no role in this console for gast via \S+None of these groups gives one: visitors\./);
    await context.close();
    const second = await open();
    await signIn(second, 'nils');
    expect(await told(second)).toContain('names no groups in the claim "groups"');
    await second.reload();
    await second.getByLabel('Name').waitFor();
    expect(await second.getByRole('alert').textContent()).toBe('');
    await context.close();
    expect(await audited()).toContainEqual(expect.objectContaining({ who: expect.stringMatching(/^gast via /), outcome: 'refused' }));
  });

  test('whoever changes their mind there is told so here', async () => {
    const page = await open();
    await signIn(page, 'nobody');
    expect(await told(page)).toMatch(/^The provider \S+ did not let you in: access_denied.*not today\.$/);
    await context.close();
  });

  test('an expired ID token is told on the page', async () => {
    provider.spoil('expired');
    const page = await open();
    await signIn(page, 'asha');
    expect(await told(page)).toMatch(/^The provider localhost:\d+ has said something that does not prove who signed in/);
    provider.spoil(undefined);
    await context.close();
  });

  test('a way back that nobody began here is told on the page', async () => {
    const page = await open();
    await page.goto(`${served.url}/sign-in/oidc/back?code=stolen&state=guessed`);
    expect(await told(page)).toContain('This sign-in was not begun in this browser');
    await context.close();
  });

  test('a page that is open when its user is removed leads to the door', async () => {
    await user('add', 'emil', '--password-file', 'password');
    const page = await open();
    await page.goto(served.url);
    await page.getByLabel('Name').fill('emil');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Signed in as').waitFor();
    await user('remove', 'emil', '--yes');
    await page.getByText('Your session has ended').waitFor({ timeout: 20_000 });
    await context.close();
  });

  test('while the provider is away the page says so, and a name and a password still open', async () => {
    await provider.stop();
    await served.stop();
    served = await serveConsole(directory);
    const page = await open();
    await page.goto(served.url);
    await page.getByRole('button', { name: 'Sign in with the test' }).click();
    expect(await told(page)).toMatch(/^The provider localhost:\d+ does not answer.*those\.$/);
    await page.getByLabel('Name').fill('olga');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Signed in as').waitFor();
    expect(await page.getByText('Signed in as').textContent()).toBe('Signed in as olga, operator');
    await context.close();
  });
});

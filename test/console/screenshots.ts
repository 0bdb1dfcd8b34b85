import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { playConsoleStory } from '../../demo/console-story.ts';
import { openStage } from '../../demo/stage.ts';
import { findChromium, startChromium } from './chromium.ts';
import { addressesOfScreens, openMenu, settle } from './screens.ts';
import { serveConsole, type ServedConsole } from './serve.ts';
import { runCli } from '../e2e/run-cli.ts';

/** `npm run console:screenshots -- --into DIR [--only PATH]`: every screen, as it is on the demo's clusters, empty, and failed. */
const { values } = parseArgs({
  options: {
    into: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    plays: { type: 'string', default: '5000' },
  },
});
const PASSWORD = 'a long enough password';

interface Look {
  readonly name: string;
  readonly user: 'olga' | 'vera';
  readonly width: number;
  readonly dark: boolean;
}

const LOOKS: readonly Look[] = [
  { name: '1280-light', user: 'olga', width: 1280, dark: false },
  { name: '1280-dark', user: 'olga', width: 1280, dark: true },
  { name: '390-light', user: 'olga', width: 390, dark: false },
  { name: '390-dark', user: 'olga', width: 390, dark: true },
  { name: 'viewer', user: 'vera', width: 1280, dark: false },
];
/** Of projects where there is nothing, or nobody answers. */
const ONE_LOOK: readonly Look[] = [
  { name: '1280', user: 'olga', width: 1280, dark: false },
  { name: '390', user: 'olga', width: 390, dark: true },
];

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const into = path.resolve(values.into ?? path.join(os.tmpdir(), 'dbadmin-screenshots'));
const executable = findChromium();
if (executable === undefined) throw new Error('there is no Chromium here (apt-get install chromium)');
await mkdir(into, { recursive: true });
const browser = await startChromium(executable);
const stage = await openStage(17, { ownProject: true });
try {
  const running = await playConsoleStory(stage, { data: undefined, plays: Number(values.plays) }, new AbortController().signal);
  try {
    await addUsers(stage.project, stage.env);
    await picturesOf('', stage.project, LOOKS, stage.env);
  } finally {
    await Promise.allSettled(running.map(async (each) => await each.stop()));
  }
  await picturesOf('empty', await emptyProject(stage.url(stage.port, 'template1')), ONE_LOOK);
  await picturesOf('failed', await emptyProject('postgresql://nobody@127.0.0.1:1/none'), ONE_LOOK);
  say(`pictures in ${into}`);
} finally {
  await browser.close();
  await stage.close();
}

/** A project with a cluster and nothing else. */
async function emptyProject(url: string): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-empty-'));
  await writeFile(path.join(directory, 'dbadmin.yaml'), `version: 1\nclusters: { main: { url: "${url}" } }\n`, { mode: 0o600 });
  await addUsers(directory, {});
  return directory;
}

async function addUsers(directory: string, env: NodeJS.ProcessEnv): Promise<void> {
  const file = path.join(directory, '.password');
  await writeFile(file, `${PASSWORD}\n`, { mode: 0o600 });
  for (const [name, role] of [
    ['olga', 'operator'],
    ['vera', 'viewer'],
  ] as const) {
    const { status, stderr } = await runCli(['console', 'user', 'add', name, '--role', role, '--password-file', file], {
      cwd: directory,
      env: textsOf(env),
    });
    if (status !== 0) throw new Error(stderr);
  }
}

async function picturesOf(kind: string, directory: string, looks: readonly Look[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const served = await serveConsole(directory, [], textsOf(env));
  try {
    for (const look of looks) await pictures(browser, served, kind, look);
  } finally {
    await served.stop();
    if (kind !== '') await rm(directory, { recursive: true, force: true });
  }
}

async function pictures(within: Browser, served: ServedConsole, kind: string, { name, user, width, dark }: Look): Promise<void> {
  const context = await within.newContext({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light' });
  const page = await context.newPage();
  const take = async (screen: string): Promise<void> => {
    const file = `${[kind, screen, name].filter((part) => part !== '').join('-')}.png`;
    await page.screenshot({ path: path.join(into, file), fullPage: true });
    say(file);
  };
  await page.goto(served.url);
  await settle(page);
  if (values.only.length === 0) await take('sign-in');
  await signIn(page, user);
  for (const at of await addressesOfScreens(page)) {
    if (values.only.length > 0 && !values.only.includes(at)) continue;
    await openMenu(page);
    await page.locator(`nav[aria-label="Screens"] a[href="${at}"]`).click();
    await settle(page);
    await take(at === '/' ? 'overview' : at.slice(1).replaceAll('/', '-'));
  }
  await context.close();
}

async function signIn(page: Page, user: string): Promise<void> {
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('nav[aria-label="Screens"] a').first().waitFor({ state: 'attached' });
  await settle(page);
}

function textsOf(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Browser, Page } from 'playwright-core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDirectory, removeDirectory } from '../backup/repository.ts';
import { openPage, signIn, violations } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject, PASSWORD } from '../console/project.ts';
import { serveConsole } from '../console/serve.ts';
import { readSteps } from './readme-blocks.ts';
import { runCli } from './run-cli.ts';
import { addressesOfScreens, openMenu, settle } from '../console/screens.ts';

const executable = findChromium();
if (executable === undefined)
  console.warn('NOT TESTED: a walk through all screens, for there is no Chromium here (apt-get install chromium)');

/** The role that the console looks as gets exactly what the runbook says. */
async function grantAsDocumented(project: ConsoleProject): Promise<void> {
  const steps = readSteps(await readFile(new URL('../../docs/runbooks/console.md', import.meta.url), 'utf8'));
  const statements = steps.flatMap((step) => (step.kind === 'sql' ? [step.text] : []));
  expect(statements.length).toBeGreaterThanOrEqual(2);
  const sql = postgres(project.cluster.url(), { max: 1, onnotice: () => undefined });
  for (const text of statements)
    await sql.unsafe(
      text
        .replace(/^CREATE ROLE/m, 'ALTER ROLE')
        .replace("'another one'", "'looks'")
        .replaceAll(/\bconsole\b/g, 'looks'),
    );
  await sql.end();
}

/** What a first load may cost: as sent, and until the first figures show. */
const MOST_BYTES = 200 * 1024;
const MOST_MS = 1000;

describe.skipIf(executable === undefined)('every screen, in Chromium', () => {
  let project: ConsoleProject;
  let browser: Browser;
  beforeAll(async () => {
    project = await ConsoleProject.start({
      files: {
        'sql/migrations/20260101T000000_first_of_all_with_a_name_as_long_as_they_become_with_the_years.sql': 'CREATE TABLE first ();\n',
        'roles/roles.yaml': 'version: 1\nmode: add\nscope: { roles: [asking] }\ngroups: { asking: {} }\n',
      },
      commands: [
        ['migrate', 'up', '--yes', '--no-schema-file'],
        ['schedule', 'run', 'app.full'],
        ['schedule', 'run', 'app.drill'],
      ],
    });
    await writeFile(path.join(project.directory, 'sql/migrations/20260102T000000_second.sql'), 'CREATE TABLE second ();\n');
    // What runs is recorded from here on.
    await appendFile(path.join(project.directory, 'dbadmin.yaml'), 'control: { schema: dbadmin_jobs }\n');
    expect(await project.run('schedule', 'run', 'app.incremental')).toMatchObject({ status: 0 });
    await grantAsDocumented(project);
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => {
    await browser.close();
    await project.stop();
  });

  async function enter(page: Page, name: string): Promise<void> {
    await page.goto(project.served.url);
    await signIn(page, name);
    await page.getByRole('article', { name: 'Cluster main' }).waitFor();
  }

  test.each([
    ['olga', 1280, false],
    ['vera', 390, true],
  ] as const)(
    '%s, at %d pixels, dark %s: nothing for axe to find, no sideways scroll, no error, and no request to another place',
    async (name, width, dark) => {
      const { context, page, asked, said } = await openPage(browser, { width, dark });
      await enter(page, name);
      const failed: string[] = [];
      page.on('response', (answer) => {
        if (answer.status() < 400) return;
        void answer.text().then((text) => failed.push(`${answer.url().replace(project.served.url, '')}: ${text}`));
      });
      const screens = await addressesOfScreens(page);
      expect(screens.length).toBeGreaterThanOrEqual(2);
      const found: Record<string, unknown> = {};
      for (const at of screens) {
        await openMenu(page);
        await page.locator(`nav[aria-label="Screens"] a[href="${at}"]`).click();
        await settle(page);
        const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
        const loading = await page
          .locator('main [role="status"]')
          .filter({ hasText: /^Looking at / })
          .count();
        const headings = await page.getByRole('heading', { level: 1 }).count();
        found[at] = { violations: await violations(page), isTooWide: wide > width, loading, headings };
      }
      const well = { violations: [], isTooWide: false, loading: 0, headings: 1 };
      expect(found).toEqual(Object.fromEntries(screens.map((at) => [at, well])));
      // A screen has to say what is not here: a warehouse, a worker's record. Nothing else fails, for the reading role neither.
      expect(
        failed.filter((text) => !text.startsWith('/api/ask/listening/') && !/"(?:config-missing|target-unreachable)"/.test(text)),
      ).toEqual([]);
      // The browser itself tells of each status, and of nothing else.
      expect(said.filter((text) => !/status of [45]\d\d/.test(text))).toEqual([]);
      expect(new Set(asked.map((each) => new URL(each).origin))).toEqual(new Set([project.served.url]));
      await context.close();
    },
  );

  const FAILURE = { error: { code: 'connection-failed', message: 'the server went away', hint: 'See whether it runs.' } };

  test('each screen says what it looks at until the answer comes, and where there is none why', async () => {
    const { context, page } = await openPage(browser);
    await enter(page, 'vera');
    const screens = [...(await addressesOfScreens(page)), '/sessions'];
    let at = '/';
    let answers: 'none' | 'failures' = 'none';
    await page.route(/\/api\/(?:ask|audit|sessions|events)\b/, async (route) => {
      const isStream = new URL(route.request().url()).pathname === '/api/events';
      // The other screens begin with the clusters that the stream names.
      if (isStream && at !== '/') await route.continue();
      else if (answers === 'failures')
        await (isStream
          ? route.fulfill({ contentType: 'text/event-stream', body: `event: status\ndata: ${JSON.stringify(FAILURE)}\n\n` })
          : route.fulfill({ status: 503, json: FAILURE }));
    });
    const found: Record<string, unknown> = {};
    for (answers of ['none', 'failures'] as const) {
      for (at of screens) {
        await page.goto(`${project.served.url}${at}`);
        await page.getByRole('heading', { level: 1 }).first().waitFor();
        const told =
          answers === 'none'
            ? page.locator('main [role="status"]').filter({ hasText: /^Looking at / })
            : page.locator('main').getByText('The server went away');
        const isTold = await told
          .first()
          .waitFor({ timeout: 10_000 })
          .then(() => true)
          .catch(() => false);
        found[`${answers} ${at}`] = {
          isTold,
          headings: await page.getByRole('heading', { level: 1 }).count(),
          // What shows for a moment has the same parts.
          violations: answers === 'none' ? [] : await violations(page),
        };
      }
    }
    expect(Object.keys(found).length).toBeGreaterThanOrEqual(20);
    const well = { isTold: true, headings: 1, violations: [] };
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((key) => [key, well])));
    await context.close();
  });

  /** By the screen's address; the audit trail has the sign-in. */
  const EMPTY = {
    '/': 'No repository yet',
    '/backups': 'No repository keeps main',
    '/drills': 'No repository yet',
    '/migrations': 'This project keeps no migrations',
    '/roles': 'This project keeps no roles yet',
    '/schedule': 'Nothing is scheduled yet',
    '/repositories': 'No repository yet',
    '/listening': 'There is no listening warehouse in this database',
    '/audit': 'sign-in',
  };

  test('of a project that has a cluster and nothing else, each screen says what is not there and how it comes to be', async () => {
    const directory = await makeDirectory();
    await writeFile(path.join(directory, 'dbadmin.yaml'), `version: 1\nclusters: { main: { url: "${project.cluster.url()}" } }\n`, {
      mode: 0o600,
    });
    await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`);
    const adding = ['console', 'user', 'add', 'olga', '--role', 'operator', '--password-file', 'password'];
    expect(await runCli(adding, { cwd: directory })).toMatchObject({ status: 0 });
    const served = await serveConsole(directory);
    const { context, page } = await openPage(browser, { width: 390, dark: true });
    try {
      await page.goto(served.url);
      await signIn(page, 'olga');
      await page.getByRole('article', { name: 'Cluster main' }).waitFor();
      expect((await addressesOfScreens(page)).toSorted()).toEqual(Object.keys(EMPTY).toSorted());
      const found: Record<string, unknown> = {};
      for (const [at, title] of Object.entries(EMPTY)) {
        await page.goto(`${served.url}${at}`);
        await page.locator('main').getByText(title).first().waitFor();
        await settle(page);
        const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
        found[at] = { alerts: await page.getByRole('alert').allTextContents(), violations: await violations(page), isTooWide: wide > 390 };
      }
      const well = { alerts: [], violations: [], isTooWide: false };
      expect(found).toEqual(Object.fromEntries(Object.keys(EMPTY).map((at) => [at, well])));
    } finally {
      await context.close();
      await served.stop();
      await removeDirectory(directory);
    }
  });

  test('a first load sends no more than 200 KiB, and shows its figures within a second', async () => {
    const { context, page } = await openPage(browser);
    await enter(page, 'vera');
    // The second visit, without anything kept: what somebody has to wait for who opens it in the morning.
    const session = await context.newCDPSession(page);
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    await session.send('Network.enable');
    let sentBytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => void (sentBytes += encodedDataLength));
    const times: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      sentBytes = 0;
      const startedMs = performance.now();
      await page.reload({ waitUntil: 'commit' });
      await page.getByRole('article', { name: 'Cluster main' }).waitFor();
      times.push(performance.now() - startedMs);
    }
    // What is fetched after the figures show belongs to it, too.
    await page.waitForTimeout(500);
    // What else runs on this machine is not the console's doing.
    const tookMs = Math.min(...times);
    console.info(`first load: ${(sentBytes / 1024).toFixed(1)} KiB as sent; usable after ${tookMs.toFixed(0)} ms`);
    expect(sentBytes).toBeGreaterThan(5000);
    expect(sentBytes).toBeLessThanOrEqual(MOST_BYTES);
    expect(tookMs).toBeLessThanOrEqual(MOST_MS);
    await context.close();
  });
});

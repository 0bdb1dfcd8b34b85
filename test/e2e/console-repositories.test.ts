import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, openPage, signIn } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject } from '../console/project.ts';

const SCRIPT = `<img src=x onerror="document.title='harmed'">`;
const POLICIES = `version: 1
policies:
  app:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 * * 0" } }
    retention: { window: 14d, keep: { daily: 7 }, minimum: 1 }
    drill: { cron: "0 4 * * 0", assert: [{ sql: ${JSON.stringify(`select count(*) > 0 or '${SCRIPT.replaceAll("'", "''")}' = '' from pg_class`)}, is: true }] }
`;

let project: ConsoleProject;

beforeAll(async () => {
  project = await ConsoleProject.start({
    files: { 'backups/policies.yaml': POLICIES },
    commands: [
      ['backup', 'init'],
      ['schedule', 'run', 'app.full'],
    ],
  });
});
afterAll(async () => await project.stop());

test('a viewer sees drills and repositories and can start nothing; a label and a place that are none are refused', async () => {
  const vera = await project.enter('vera');
  expect(await vera.get('/api/ask/drills/list?cluster=main&repository=local')).toMatchObject({
    status: 200,
    document: { document: { total: 0 } },
  });
  for (const [name, parameters] of [
    ['drills/start', { cluster: 'main', target: 'latest' }],
    ['repositories/expire', { cluster: 'main', repository: 'local' }],
    ['repositories/verify', { cluster: 'main', repository: 'local' }],
    ['repositories/rebuild-index', { cluster: 'main', repository: 'local' }],
    ['repositories/sync', { cluster: 'main', from: 'local', to: 'local' }],
  ] as const) {
    expect(await vera.post(`/api/actions/${name}/review`, { parameters })).toMatchObject({ status: 403 });
  }
  expect(await vera.get('/api/ask/drills/report?label=../keys')).toMatchObject({ status: 400 });
  const olga = await project.enter('olga');
  for (const parameters of [{ target: 'yesterday' }, { to: '--yes' }]) {
    expect(await olga.post('/api/actions/drills/start/review', { parameters })).toMatchObject({ status: 400 });
  }
});

const executable = findChromium();
if (executable === undefined)
  console.warn('NOT TESTED: Drills and Repositories in a browser, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  async function open(name: string, at: string): Promise<Awaited<ReturnType<typeof openPage>>> {
    const opened = await openPage(browser);
    await opened.page.goto(`${project.served.url}${at}`);
    await signIn(opened.page, name);
    return opened;
  }

  async function act(page: Page, button: string): Promise<string> {
    await page.getByRole('button', { name: button }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.btn.primary').click();
    await dialog.getByText(/^(done|done in part|failed|stopped)$/).waitFor({ timeout: 60_000 });
    const text = (await dialog.textContent()) ?? '';
    await dialog.getByRole('button', { name: 'Close' }).click();
    return text;
  }

  test('without a drill the screen says so; one started from here passes, proves the backup, and its report can be checked', async () => {
    const { context, page, said } = await open('olga', '/drills');
    await page.getByText('No drill yet').waitFor();
    await page.getByText('dbadmin backup drill --cluster main --repository local', { exact: true }).waitFor();
    await expectAccessible(page, 'drills-none');
    expect(await act(page, 'Start a drill…')).toMatch(/done.*is proven/s);

    await page.getByText(/^Last proven today .*, back in /).waitFor();
    await page.getByRole('region', { name: 'Backups proven' }).getByText('1 of 1').waitFor();
    await page.getByRole('link', { name: /^Report \d{8}T\d{6}Z-drill$/ }).click();
    const report = page.getByRole('region', { name: /^Report / });
    await report.getByText('as it was signed, by a key known here').waitFor();
    const assertion = await report.getByRole('row', { name: 'from pg_class' }).textContent();
    expect(assertion).toContain(SCRIPT.replaceAll("'", "''"));
    expect(assertion).toMatch(/holds$/);
    const [download] = await Promise.all([page.waitForEvent('download'), report.getByRole('button', { name: /^Download / }).click()]);
    const file = await download.path();
    expect(await project.run('backup', 'drill', '--verify-report', file)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('as signed'),
    });
    const stored = JSON.parse(
      (await project.run('backup', 'drill', '--show', download.suggestedFilename().replace('.json', ''), '--json')).stdout,
    ) as { report: unknown };
    expect((JSON.parse(await readFile(file, 'utf8')) as { report: unknown }).report).toEqual(stored.report);
    await expectAccessible(page, 'drills');
    expect(await page.title()).toBe('Drills · dbadmin');
    expect(said.filter((text) => !/status of 401/.test(text))).toEqual([]);
    await context.close();
  });

  test('a repository tells what it holds, what stays and why, and is verified from here', async () => {
    const { backups } = JSON.parse((await project.run('backup', 'list', '--json')).stdout) as { backups: readonly { label: string }[] };
    const label = backups[0]?.label ?? '';
    expect(await project.run('backup', 'hold', label, '--reason', SCRIPT)).toMatchObject({ status: 0 });
    const { context, page, said } = await open('olga', '/repositories');
    const panel = page.getByRole('region', { name: 'Repository local' });
    await panel.getByText('reachable, writable').waitFor();
    const [listed] = (
      JSON.parse((await project.run('repository', 'list', '--json')).stdout) as { repositories: readonly { objects: number }[] }
    ).repositories;
    expect(await panel.textContent()).toContain(`${listed?.objects} objects`);
    expect(await panel.textContent()).toContain('never verified');
    const retention = page.getByRole('region', { name: 'Retention' });
    await retention.getByText(label).waitFor();
    expect(await retention.textContent()).toMatch(/stays.*held.*in the window of 14 d/);
    expect(await page.getByRole('region', { name: 'Held' }).getByRole('row', { name: label }).textContent()).toContain(SCRIPT);

    expect(await act(page, 'Verify…')).toMatch(/done.*sound/s);
    await panel.getByText(/structure only: sound/).waitFor();
    expect(await act(page, 'Expire…')).toMatch(/1 stay, 0 go|done/);
    await page.getByRole('button', { name: 'Rebuild the indexes…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^Nothing to rebuild/).waitFor();
    expect(await dialog.locator('.btn.primary').count()).toBe(0);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expectAccessible(page, 'repositories');
    expect(await page.title()).toBe('Repositories · dbadmin');
    expect(said.filter((text) => !/status of 401/.test(text))).toEqual([]);
    await context.close();
  });

  test('a viewer can look at both and press nothing', async () => {
    for (const [at, button] of [
      ['/drills', 'Start a drill…'],
      ['/repositories', 'Expire…'],
    ] as const) {
      const { context, page } = await open('vera', at);
      const found = page.getByRole('button', { name: button });
      await found.waitFor();
      expect(await found.isDisabled()).toBe(true);
      await page.getByText('Actions need the role operator; vera is a viewer.').waitFor();
      await context.close();
    }
  });
});

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { acquireLease } from '../../src/repository/leases.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { createDiskStore } from '../../src/storage/disk.ts';
import { expectAccessible, openPage, picture, signIn } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject } from '../console/project.ts';
import { serveConsole } from '../console/serve.ts';
import { findMoto, LOCKING_BUCKET, MOTO_ABSENT, startMoto } from '../s3/moto.ts';

const SCRIPT = `<img src=x onerror="document.title='harmed'">`;
const POLICIES = `version: 1
policies:
  app:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 * * 0" } }
    retention: { window: 14d, keep: { daily: 7 }, minimum: 1 }
    limits: { rto: 1h }
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

  test('before a drill the time that a restore may take is promised and not measured', async () => {
    const { context, page } = await open('vera', '/');
    await page
      .getByRole('article', { name: 'Cluster main' })
      .getByText('promised: back within 1 h, no drill has measured it')
      .waitFor({ timeout: 30_000 });
    await context.close();
  });

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

  test('after one the overview says whether that promise is kept, and by how much', async () => {
    const { context, page } = await open('vera', '/');
    await page
      .getByRole('article', { name: 'Cluster main' })
      .getByText(/^promised: back within 1 h, kept: about /)
      .waitFor({ timeout: 30_000 });
    await expectAccessible(page, 'overview-promise');
    await context.close();
  });

  test('who holds a lease is named with the process, and what waits for it', async () => {
    const repository = await openRepository(await createDiskStore(path.join(project.directory, 'repository')), { kind: 'none' });
    const { repositories } = JSON.parse((await project.run('repository', 'list', '--json')).stdout) as {
      repositories: readonly { clusters: readonly { systemIdentifier: string }[] }[];
    };
    const listed = repositories[0]?.clusters[0];
    const { signal } = new AbortController();
    const options = { clock: systemClock, log: silentLog, command: 'backup run', signal };
    const lease = await acquireLease(repository, listed?.systemIdentifier ?? '', 'backup', options);
    const { context, page } = await open('olga', '/repositories');
    const panel = page.getByRole('region', { name: 'Repository local' });
    await panel.getByText(new RegExp(`backup backup run, process ${process.pid} on .*, for \\d+`)).waitFor({ timeout: 30_000 });
    await expectAccessible(page, 'repositories-lease');
    await lease.release();
    await page.reload();
    await panel.getByText('none held').waitFor({ timeout: 30_000 });
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

  const moto = findMoto();
  if (moto === undefined) console.warn(MOTO_ABSENT);

  test.skipIf(moto === undefined)(
    'a backup that no rule keeps and the storage has locked says until when, and expiring it is not offered',
    async () => {
      const server = await startMoto(moto ?? []);
      try {
        const config = path.join(project.directory, 'dbadmin.yaml');
        const offsite = `  offsite: { type: s3, bucket: ${LOCKING_BUCKET}, prefix: console, region: us-east-1, endpoint: "${server.endpoint}", path_style: true,
    access_key_id: moto, secret_access_key: moto, object_lock: 30d }\n`;
        await writeFile(config, (await readFile(config, 'utf8')).replace('[local]', '[local, offsite]') + offsite, { mode: 0o600 });
        const policies = path.join(project.directory, 'backups/policies.yaml');
        await writeFile(
          policies,
          POLICIES.replace('[local]', '[local, offsite]').replace(
            /retention: .*/,
            'retention: { keep: { last: 1 }, minimum: 1, expire: manual }',
          ),
        );
        for (const words of [
          ['backup', 'init', '--repository', 'offsite'],
          ['backup', 'run', '--repository', 'offsite', '--type', 'full'],
          ['backup', 'run', '--repository', 'offsite', '--type', 'full'],
        ])
          expect({ words, ...(await project.run(...words)) }).toMatchObject({ words, status: 0 });
        await project.served.stop();
        project.served = await serveConsole(project.directory);
        const { context, page } = await open('olga', '/repositories?repository=offsite');
        await page
          .getByRole('region', { name: 'Repository offsite' })
          .getByText('30 days for what is to be kept')
          .waitFor({ timeout: 30_000 });
        const retention = page.getByRole('region', { name: 'Retention' });
        await retention.getByText(/^1 stay, 1 is locked by the storage, 0 go by the next expire/).waitFor({ timeout: 30_000 });
        const row = retention.getByRole('row', { name: /no rule keeps it; the storage does, until/ });
        expect(await row.textContent()).toMatch(/-full.*locked.*until .*\d\d:\d\d$/s);
        await expectAccessible(page, 'repositories-locked');
        await page.goto(`${project.served.url}/backups?cluster=main&repository=offsite`);
        await page.getByRole('button', { name: 'Expire…' }).click();
        const dialog = page.getByRole('dialog', { name: 'Expire' });
        await dialog.getByText(/the storage does until/).waitFor({ timeout: 30_000 });
        await picture(page, 'backups-expire-locked');
        await context.close();
      } finally {
        await server.stop();
      }
    },
  );
});

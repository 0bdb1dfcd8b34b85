import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findClientProgram } from '../../src/postgres/programs.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { createDiskStore } from '../../src/storage/disk.ts';
import { hasEmbedded } from '../../src/postgres/embedded.ts';
import { startReceiver } from '../backup/repository.ts';
import { expectAccessible, openPage, picture, signIn } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject } from '../console/project.ts';

const SCRIPT = `<img src=x onerror="document.title='harmed'">`;
const WIDEN = `20260301T000000_widen.sql`;
/** The script stands in a text, in a comment and in the name of a column. */
const WIDEN_SQL = `-- ${SCRIPT}
alter table play add column "${SCRIPT.replaceAll('"', '""')}" text;
update play set "${SCRIPT.replaceAll('"', '""')}" = '${SCRIPT.replaceAll("'", "''")}';
-- dbadmin: down
alter table play drop column "${SCRIPT.replaceAll('"', '""')}";
`;
const LABEL = (body: string): string =>
  `create or replace function label(n int) returns text language sql immutable as $$ select ${body} $$;\n`;

let project: ConsoleProject;

beforeAll(async () => {
  project = await ConsoleProject.start({
    files: {
      'sql/migrations/20260101T000000_first.sql':
        'create table play (id int primary key, n int);\ninsert into play select g, g from generate_series(1, 5000) g;\n',
      'sql/routines/public/label.sql': LABEL("'play ' || n"),
    },
    sql: 'grant pg_read_all_data to looks',
    commands: [
      ['backup', 'init'],
      ['migrate', 'up', '--no-schema-file'],
      ['schedule', 'run', 'app.full'],
    ],
  });
  await writeFile(path.join(project.directory, 'sql/migrations', WIDEN), WIDEN_SQL);
  await writeFile(path.join(project.directory, 'sql/routines/public/label.sql'), LABEL(`'${SCRIPT.replaceAll("'", "''")}' || n`));
});
afterAll(async () => await project.stop());

test('a viewer sees the plan and cannot have it applied', async () => {
  const vera = await project.enter('vera');
  expect(await vera.get('/api/ask/migrations/plan?cluster=main')).toMatchObject({
    status: 200,
    document: { exitStatus: 2, document: { versioned: [{ file: WIDEN }], forecast: { source: 'locks' } } },
  });
  for (const name of ['up', 'rehearse', 'rollback']) {
    const parameters = name === 'rollback' ? { cluster: 'main', to: '0', tier: 'down' } : { cluster: 'main' };
    expect(await vera.post(`/api/actions/migrations/${name}/review`, { parameters })).toMatchObject({ status: 403 });
  }
});

test('a version that is none and a limit that is none are refused before a command sees them', async () => {
  const olga = await project.enter('olga');
  for (const at of ['ways-back?to=--yes', 'ways-back?to=a%20b', 'rehearsal?limit=much', 'rehearsal?limit=-1s']) {
    expect(await olga.get(`/api/ask/migrations/${at}`)).toMatchObject({ status: 400 });
  }
});

const executable = findChromium();
if (executable === undefined)
  console.warn('NOT TESTED: the screen Migrations in a browser, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  async function open(name: string, at = '/migrations'): Promise<Awaited<ReturnType<typeof openPage>>> {
    const opened = await openPage(browser);
    await opened.page.goto(`${project.served.url}${at}`);
    await signIn(opened.page, name);
    return opened;
  }

  /** Opens the review of an action, runs it, and gives what its log says when it is over. */
  async function act(page: Page, button: string | RegExp): Promise<string> {
    await page.getByRole('button', { name: button }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.btn.primary').click();
    const over = dialog.getByText(/^(done|done in part|failed|stopped)$/);
    await over.waitFor({ timeout: 90_000 }).catch(async (cause: unknown) => {
      throw new Error(`it does not end: ${(await dialog.allTextContents()).join()}`, { cause });
    });
    return (await dialog.textContent()) ?? '';
  }

  test('what is pending is told by its locks, lint stands at its line, and a rehearsal from here measures it', async () => {
    const { context, page, said } = await open('olga');
    await page.getByText(/^Reads and writes wait for public\.play/).waitFor();
    expect(await page.locator('.panel > .say').textContent()).toMatch(/no rehearsal has measured/);
    const marked = page.locator('.sql .marked', { hasText: 'whole-table-dml' });
    expect(await marked.textContent()).toBe(
      `3update play set "${SCRIPT.replaceAll('"', '""')}" = '${SCRIPT.replaceAll("'", "''")}';whole-table-dml`,
    );
    expect(await page.locator('.findings', { hasText: 'whole-table-dml' }).textContent()).toContain('Do instead');
    expect(await page.locator('.diff .added').first().textContent()).toContain(SCRIPT.replaceAll("'", "''"));

    expect(await act(page, 'Rehearse…')).toContain('done');
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByText(/wait up to .* for public\.play, as the rehearsal measured/).waitFor();
    await page.getByRole('img', { name: /AccessExclusive on public\.play: reads and writes wait: \d+ ms/ }).waitFor();
    await expectAccessible(page, 'migrations');
    expect(await page.title()).toBe('Migrations · dbadmin');
    expect(said.filter((text) => !/status of 401/.test(text))).toEqual([]);
    await context.close();
  });

  test('a plan that something moved under is refused in words; the next is applied, and undone by its down section', async () => {
    const sql = postgres(project.cluster.url(), { max: 1, onnotice: () => undefined });
    const { context, page } = await open('olga');
    const columns = async (): Promise<number> =>
      (await sql`select from pg_attribute where attrelid = 'play'::regclass and attname like '<img%'`).length;
    await page.getByRole('button', { name: 'Apply 1 migration…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(WIDEN).waitFor();
    expect(await dialog.textContent()).toMatch(
      /Sets the restore point dbadmin_.*Runs 20260301T000000_widen\.sql: 2 statements in one transaction.*Replaces routine public\/label, changed/,
    );
    await sql.unsafe('alter table play add column meanwhile int');
    await dialog.locator('.btn.primary').click();
    await dialog.getByText('failed', { exact: true }).waitFor();
    expect(await dialog.textContent()).toMatch(
      /the saved plan is not what would run now; nothing was applied.*public\.play has been altered/is,
    );
    expect(await columns()).toBe(0);
    await dialog.getByRole('button', { name: 'Close' }).click();

    expect(await act(page, 'Apply 1 migration…')).toMatch(/done.*1 file and 1 routine applied/s);
    expect(await columns()).toBe(1);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText('postgres is up to date: nothing is pending.').waitFor();
    const row = page.getByRole('row', { name: WIDEN });
    expect(await row.textContent()).toMatch(/dbadmin_\d{8}T\d{6}Z_20260301T000000/);

    await page.getByLabel('Undo this version and all that are newer').selectOption('20260101T000000');
    await page.getByText('The down sections of the files run.').waitFor();
    await page.getByRole('button', { name: 'Undo by down sections…' }).waitFor({ timeout: 60_000 });
    expect(new URL(page.url()).search).toBe('?back=20260101T000000');
    await expectAccessible(page, 'migrations-applied');
    expect(await act(page, 'Undo by down sections…')).toContain('done');
    expect(await columns()).toBe(0);
    await context.close();
    await sql.end();
  });

  test('a file that was changed after it was applied stops everything, with the difference and the way out; a viewer cannot act', async () => {
    const file = path.join(project.directory, 'sql/migrations/20260101T000000_first.sql');
    const before = await readFile(file, 'utf8');
    await writeFile(file, before.replace('5000', '5001'));
    const { context, page } = await open('vera');
    await page.getByText('files and history disagree', { exact: false }).waitFor();
    const problem = page.getByRole('region', { name: 'Problems' });
    expect(await problem.textContent()).toMatch(/20260101T000000_first\.sql/);
    expect(await problem.locator('.diff .added').textContent()).toContain('5001');
    expect(await problem.locator('.cmd').first().textContent()).toContain('dbadmin migrate');
    await expectAccessible(page, 'migrations-problem');
    await writeFile(file, before);
    await page.getByRole('button', { name: 'Rehearse…' }).waitFor({ timeout: 20_000 });
    for (const name of ['Rehearse…', 'Apply 1 migration…']) expect(await page.getByRole('button', { name }).isDisabled()).toBe(true);
    await page.getByText('Actions need the role operator; vera is a viewer.').waitFor();
    await context.close();
    await rm(path.join(project.directory, 'sql/migrations', WIDEN));
  });

  test('what a migration dropped is rescued from a clone at its restore point, into a schema of its own', async () => {
    const repository = await openRepository(await createDiskStore(path.join(project.directory, 'repository')), { kind: 'none' });
    const receiver = startReceiver(project.cluster, repository);
    const sql = postgres(project.cluster.url(), { max: 1, onnotice: () => undefined });
    const { context, page } = await open('olga');
    try {
      expect(await project.run('backup', 'run')).toMatchObject({ status: 0 });
      await writeFile(path.join(project.directory, 'sql/migrations/20260401T000000_narrow.sql'), 'alter table play drop column n;\n');
      expect(await act(page, 'Apply 1 migration…')).toContain('done');
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
      await sql`select pg_switch_wal()`;
      await page.getByLabel('Undo this version and all that are newer').selectOption('20260101T000000');
      const ways = page.getByRole('region', { name: 'Ways back' });
      await ways.getByText('Taken away by this version').waitFor({ timeout: 60_000 });
      expect(await ways.textContent()).toMatch(/column public\.play\.n|public\.play\.n/);
      const rescue = ways.getByRole('listitem').filter({ has: page.getByText('Rescue', { exact: true }) });
      await rescue.getByText('possible', { exact: true }).waitFor();
      await expectAccessible(page, 'migrations-rescue');
      const beside = new URL((await ways.getByRole('link', { name: /^Restore beside it/ }).getAttribute('href')) ?? '', page.url());
      expect(beside.pathname).toBe('/backups');
      // The restore point was set a moment ago, before the migration.
      const sinceMs = Date.now() - Date.parse(beside.searchParams.get('at') ?? '');
      expect(sinceMs > 0 && sinceMs < 300_000).toBe(true);
      expect(await act(page, 'Rescue what was lost…')).toMatch(/done/);
      await picture(page, 'migrations-rescued');
      const [kept] = await sql<{ schema: string; table: string }[]>`
        select table_schema as schema, table_name as table from information_schema.tables where table_schema like 'rescue\\_%'`;
      expect(await sql`select count(*)::int as rows from ${sql(kept?.schema ?? '')}.${sql(kept?.table ?? '')}`).toEqual([{ rows: 5000 }]);
    } finally {
      await context.close();
      await sql.end();
      await receiver.stop();
    }
  });
});

/** The newest major that this machine has both a pg_dump and a server of; the npm servers come without pg_dump. */
const dumpable = await newestDumpable();

async function newestDumpable(): Promise<number | undefined> {
  for (const each of [18, 17, 16, 15, 14]) {
    if (!hasEmbedded(each)) continue;
    if ((await findClientProgram('pg_dump', { atLeastMajor: each }, process.env).catch(() => undefined)) !== undefined) return each;
  }
  return undefined;
}

if (dumpable === undefined)
  console.warn('NOT TESTED: drift in a browser, for there is no pg_dump here (apt-get install postgresql-client)');

describe.skipIf(executable === undefined || dumpable === undefined)('drift', () => {
  let browser: Browser;
  let small: ConsoleProject;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
    small = await ConsoleProject.start({
      major: dumpable ?? 17,
      files: { 'sql/migrations/20260101T000000_first.sql': 'create table play (id int primary key, n int);\n' },
      sql: 'grant pg_read_all_data to looks',
      commands: [['migrate', 'up', '--no-schema-file']],
    });
  });
  afterAll(async () => {
    await browser.close();
    await small.stop();
  });

  test('the files are replayed and compared when somebody asks; to viewers the answer stands, an operator has it made anew', async () => {
    const opened = await openPage(browser);
    const { context, page } = opened;
    await page.goto(`${small.served.url}/migrations`);
    await signIn(page, 'vera');
    const drift = page.getByRole('region', { name: 'Drift' });
    await drift.getByRole('button', { name: 'Compare now' }).click();
    await drift.getByText('Database postgres is what the files make').waitFor({ timeout: 60_000 });
    const sql = postgres(small.cluster.url(), { max: 1, onnotice: () => undefined });
    await sql`alter table play add column by_hand int`;
    await sql.end();
    await drift.getByRole('button', { name: 'Compare again' }).click();
    await drift.getByRole('button', { name: 'Compare again' }).waitFor();
    await drift.getByText('Database postgres is what the files make').waitFor();
    const olga = await openPage(browser);
    await olga.page.goto(`${small.served.url}/migrations`);
    await signIn(olga.page, 'olga');
    const found = olga.page.getByRole('region', { name: 'Drift' });
    await found.getByRole('button', { name: 'Compare now' }).click();
    await found.getByRole('button', { name: 'Compare again' }).waitFor({ timeout: 60_000 });
    expect(await found.textContent()).toContain('Database postgres: 1 difference');
    expect(await found.locator('.diff .added').textContent()).toContain('by_hand');
    await expectAccessible(olga.page, 'migrations-drift');
    await olga.context.close();
    await context.close();
  });
});

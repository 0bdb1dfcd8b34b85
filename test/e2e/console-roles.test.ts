import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, openPage, picture, signIn } from '../console/browser.ts';
import { findChromium, startChromium } from '../console/chromium.ts';
import { ConsoleProject } from '../console/project.ts';

/** Text that a browser must not run, in the names of a role and of a table. */
const SCRIPT = '<img src=x onerror=alert(1)>';
const WORLD = `
  create role app_owner; create role app_reader; create role app_writer; grant app_reader to app_writer;
  create role svc_api login; grant app_writer to svc_api; create role analyst login;
  create role human_dba login; grant app_owner to human_dba with inherit false, set true;
  create role "${SCRIPT}" login;
  create schema core authorization app_owner; set role app_owner;
  create table core.listener (id int, country text, email text); create table core.play (id int); create table core."${SCRIPT}" (id int);
  create function core.emails() returns setof text language sql security definer as 'select email from core.listener';
  grant usage on schema core to app_reader, analyst; grant select on core.play to app_reader;
  grant select (id, email) on core.listener to app_reader; grant insert, update on core.play to app_writer;
  grant select on core."${SCRIPT}" to "${SCRIPT}";
  reset role`;
const ROLES = `version: 1
scope: { roles: [app_*, svc_*, analyst, human_dba], databases: [postgres], schemas: { postgres: [core] } }
groups: { app_owner: {}, app_reader: {}, app_writer: { member_of: app_reader } }
services: { svc_api: { member_of: app_writer } }
humans:
  analyst: { member_of: [{ role: app_reader, until: 2031-03-31 }] }
  human_dba: { member_of: [{ role: app_owner, inherit: false, set: true }] }
never:
  - analyst can not update on table core.play
databases:
  postgres:
    schemas: { core: { owner: app_owner } }
    grants:
      - { grant: usage, on: schema core, to: [app_reader, analyst] }
      - { grant: select, on: table core.play, to: app_reader }
      - { grant: insert, on: table core.play, to: app_writer }
    columns:
      - { on: table core.listener, to: app_reader, allow: [id, email] }
`;

let project: ConsoleProject;

beforeAll(async () => {
  project = await ConsoleProject.start({ sql: WORLD, files: { 'roles/roles.yaml': ROLES } });
});
afterAll(async () => await project?.stop());

interface WhoCan {
  readonly answers: readonly {
    readonly role: string;
    readonly can: string;
    readonly ways: readonly { readonly path: readonly { readonly to: string }[] }[];
  }[];
}

const executable = findChromium();
if (executable === undefined) console.warn('NOT TESTED: the roles screen, for there is no Chromium here (apt-get install chromium)');

describe.skipIf(executable === undefined)('the roles screen', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => await browser.close());

  async function openRoles(
    user: string,
    query = '',
    width = 1280,
  ): Promise<{ readonly page: Page; readonly said: readonly string[]; readonly close: () => Promise<void> }> {
    const { context, page, said } = await openPage(browser, { width });
    await page.goto(`${project.served.url}/roles${query}`);
    await signIn(page, user);
    await page.getByRole('grid').waitFor();
    return { page, said, close: async () => await context.close() };
  }

  test('says first whether the cluster is as its file says; the matrix shows what roles matrix prints, names full of script as text', async () => {
    const { page, said, close } = await openRoles('vera');
    const summary = page.getByRole('region', { name: 'Summary' });
    await summary.getByText(/^main differs from roles\.yaml in \d+ places?; the audit has/).waitFor();
    const cell = (role: string, object: string): Promise<string> => cellOf(page, role, object);
    expect(await cell('app_reader', 'core.play')).toBe('r: SELECT granted to it');
    expect(await cell('svc_api', 'core.play')).toBe('raw: SELECT, INSERT, UPDATE inherited');
    expect(await cell('app_reader', 'core.listener')).toBe('r: SELECT on some columns');
    expect(await cell('human_dba', 'core.play')).toMatch(/^rawdDxtm: SELECT, INSERT, .* only after SET ROLE$/);
    expect(await cell('postgres', 'core.play')).toMatch(/as superuser/);
    expect(await cell(SCRIPT, `core.${SCRIPT}`)).toBe('r!: SELECT granted to it; of no use without USAGE on the schema');
    expect(await page.locator('img').count()).toBe(0);
    expect(said.filter((text) => !/status of 401/.test(text))).toEqual([]);
    await expectAccessible(page, 'roles');
    await close();
  });

  test('the explorer gives the answers of who-can --json with every path, and what would end it', async () => {
    const { page, close } = await openRoles('vera', '?who=select&on=core.listener.email');
    const printed = JSON.parse((await project.run('roles', 'who-can', 'select', 'core.listener.email', '--json')).stdout) as WhoCan;
    const explorer = page.getByRole('region', { name: 'Access explorer' });
    await explorer.getByText(/can SELECT on column core\.listener\.email at once/).waitFor();
    const shown = await explorer
      .locator('tbody tr')
      .evaluateAll((rows) => rows.map((row) => [row.querySelector('th')?.textContent ?? '', row.querySelector('td')?.textContent ?? '']));
    const words: Readonly<Record<string, string>> = {
      yes: 'yes',
      'set-role': 'SET ROLE',
      routine: 'perhaps',
      no: 'no',
      view: 'by a view',
      admin: 'no, may become',
    };
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(printed.answers.map(({ role, can }) => [role, words[can]])));
    await explorer.getByRole('button', { name: 'svc_api', exact: true }).click();
    const way = printed.answers.find(({ role }) => role === 'svc_api')?.ways[0];
    const nodes = await explorer.locator('.path').first().locator('.node b').allTextContents();
    expect(nodes).toEqual(['svc_api', ...(way?.path.map(({ to }) => to) ?? ['none'])]);
    expect(nodes).toEqual(['svc_api', 'app_writer', 'app_reader', 'column core.listener.email']);
    await explorer.getByText('End this way').first().click();
    await explorer.getByText('REVOKE SELECT ("email") ON TABLE "core"."listener" FROM "app_reader";').waitFor();
    await explorer.getByRole('button', { name: 'human_dba', exact: true }).click();
    await explorer.getByText('no inherit, set; by postgres').first().waitFor();
    await expectAccessible(page, 'roles-explorer');
    await explorer.getByRole('button', { name: 'What can … do' }).click();
    await explorer.getByText(/lines? of privileges/).waitFor();
    expect(new URL(page.url()).searchParams.get('role')).not.toBeNull();
    await close();
  });

  test('the keyboard moves through the matrix and Enter asks by which path', async () => {
    const { page, close } = await openRoles('vera', '?name=core.play&mrole=app_');
    const grid = page.getByRole('grid');
    await grid.focus();
    await page.keyboard.press('End');
    await page.locator('#matrix-cell').getByText('app_writer').waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.locator('#matrix-cell').getByText('app_reader').waitFor();
    await page.keyboard.press('Enter');
    await page
      .getByRole('region', { name: 'Access explorer' })
      .getByText(/can SELECT on table core\.play at once/)
      .waitFor();
    expect(new URL(page.url()).searchParams.get('by')).toBe('app_reader');
    await close();
  });

  test('on a phone the matrix is a list for one role', async () => {
    const { page, close } = await openRoles('vera', '?of=svc_api', 390);
    expect(await page.getByRole('grid').getByRole('columnheader').allTextContents()).toEqual([
      'Object',
      expect.stringContaining('svc_api'),
    ]);
    await page.getByRole('grid').scrollIntoViewIfNeeded();
    await picture(page, 'roles-phone');
    await close();
  });

  test('a viewer is shown the drift and cannot apply it, not even past the page', async () => {
    const { page, close } = await openRoles('vera');
    const apply = page.getByRole('region', { name: /^Drift/ }).getByRole('button', { name: /^Apply/ });
    await apply.waitFor();
    expect(await apply.isDisabled()).toBe(true);
    const vera = await project.enter('vera');
    expect(await vera.post('/api/actions/roles/apply/review', { parameters: {} })).toMatchObject({ status: 403 });
    await close();
  });

  test('a plan is reviewed and applied, and then roles check finds nothing; one that is old by then is refused in words', async () => {
    const { page, close } = await openRoles('olga');
    const drift = page.getByRole('region', { name: /^Drift/ });
    const dialog = page.getByRole('dialog');
    await drift.getByRole('button', { name: /^Apply \d+ changes?…$/ }).click();
    await dialog.getByText('UPDATE on core.play').waitFor();
    await expectAccessible(page, 'roles-review');
    // Somebody changes the cluster between the review and the apply.
    const sql = postgres(project.cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('grant delete on core.play to app_reader');
    await dialog.getByRole('button', { name: /^Apply \d+ changes?$/ }).click();
    await dialog.getByText('failed', { exact: true }).waitFor({ timeout: 30_000 });
    await dialog.getByText('the saved plan is not what would be done now; nothing was changed').first().waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await drift.getByRole('button', { name: /^Apply \d+ changes?…$/ }).click();
    await dialog.getByText('DELETE on core.play').waitFor();
    await dialog.getByRole('button', { name: /^Apply \d+ changes?$/ }).click();
    await dialog.getByText('done', { exact: true }).waitFor({ timeout: 30_000 });
    await dialog.getByRole('button', { name: 'Close' }).click();
    await drift.getByText('In sync', { exact: true }).waitFor({ timeout: 15_000 });
    // The role that the console reads as was not let into the record yet: it says so, and how.
    const applies = page.getByRole('region', { name: 'Applies' });
    await applies.getByRole('button', { name: 'Try again' }).waitFor({ timeout: 35_000 });
    await applies.getByText('GRANT SELECT ON TABLE dbadmin.roles_applied TO "looks"').waitFor();
    await sql.unsafe('grant usage on schema dbadmin to looks; grant select on dbadmin.roles_applied to looks');
    await applies.getByRole('button', { name: 'Try again' }).click();
    await applies.getByText(/5 changes of roles\/roles\.yaml/).waitFor();
    await applies.getByText('Statements').first().click();
    await applies.getByText('REVOKE UPDATE ON TABLE "core"."play" FROM "app_writer";').waitFor();
    const [can] = await sql<{ write: boolean }[]>`select has_table_privilege('svc_api', 'core.play', 'update') as write`;
    expect(can).toEqual({ write: false });
    await sql.end();
    expect(await project.run('roles', 'check', '--severity', 'error')).toMatchObject({ status: 0 });
    await picture(page, 'roles-in-sync');
    await close();
  });

  test('what roles.yaml would change stands in the cells before it is applied', async () => {
    const file = path.join(project.directory, 'roles', 'roles.yaml');
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace('{ grant: insert, on: table core.play', '{ grant: delete, on: table core.play'),
    );
    const { page, close } = await openRoles('vera', '?show=plan&changed=yes');
    await page.locator('.mx ins').first().waitFor();
    expect(await cellOf(page, 'app_writer', 'core.play')).toMatch(/after the plan: .*DELETE granted to it/);
    await picture(page, 'roles-plan');
    await close();
  });

  test('a password is rotated from the page: the new one goes into its file, logs in, and never reaches the browser', async () => {
    const file = path.join(project.directory, 'roles', 'roles.yaml');
    const before = await readFile(file, 'utf8');
    await writeFile(file, before.replace('svc_api: {', 'svc_api: { password: { from: generate, path: svc_api.password },'));
    const { page, close } = await openRoles('olga', '?role=svc_api');
    const received: Promise<string>[] = [];
    // A stream has no end; what came over it stands in the page.
    page.on('response', (response) => {
      if (!/event-stream/.test(response.headers()['content-type'] ?? '')) received.push(response.text().catch(() => ''));
    });
    await page.getByRole('button', { name: 'Rotate its password…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rotate its password' });
    await dialog.getByText(/^dbadmin roles rotate svc_api/).waitFor({ timeout: 15_000 });
    await expectAccessible(page, 'roles-rotate');
    await dialog.getByRole('button', { name: 'Rotate its password', exact: true }).click();
    await dialog.getByText('done', { exact: true }).waitFor({ timeout: 30_000 });
    const kept = path.join(project.directory, 'roles', 'svc_api.password');
    await dialog.getByText(new RegExp(`svc_api  new password in ${kept}`)).waitFor();
    const password = (await readFile(kept, 'utf8')).trim();
    expect(password.length).toBeGreaterThan(20);
    expect((await stat(kept)).mode & 0o777).toBe(0o600);
    const url = new URL(project.cluster.url());
    [url.username, url.password] = ['svc_api', encodeURIComponent(password)];
    const sql = postgres(url.href, { max: 1, onnotice: () => undefined });
    expect(await sql`select session_user as who`).toEqual([{ who: 'svc_api' }]);
    await sql.end();
    await picture(page, 'roles-rotated');
    const after = await page.content();
    await page.reload();
    await page.getByRole('grid').waitFor();
    const texts = [...(await Promise.all(received)), after, await page.content()];
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.filter((text) => text.includes(password))).toEqual([]);
    expect((await project.run('roles', 'history', '--json')).stdout).not.toContain(password);
    await writeFile(file, before);
    await close();
  });

  test('a role whose password no file has is not rotated, and the page says what to do', async () => {
    const { page, close } = await openRoles('olga', '?role=analyst');
    await page.getByRole('button', { name: 'Rotate its password…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rotate its password' });
    await dialog.getByRole('button', { name: 'Rotate its password', exact: true }).click({ timeout: 15_000 });
    await dialog.getByText('failed', { exact: true }).waitFor({ timeout: 30_000 });
    expect(await dialog.textContent()).toMatch(/the password of analyst is not in a file.*--out/s);
    await picture(page, 'roles-not-rotated');
    await close();
  });
});

/** The cell in the words that a screen reader says. */
async function cellOf(page: Page, role: string, object: string): Promise<string> {
  const grid = page.getByRole('grid');
  const columns = await grid
    .getByRole('columnheader')
    .evaluateAll((heads) => heads.map((head) => [head.querySelector('b')?.textContent ?? '', head.getAttribute('aria-colindex')] as const));
  const column = columns.find(([name]) => name === role)?.[1] ?? 'none';
  const row = grid
    .getByRole('row')
    .filter({ has: page.locator('[role=rowheader] span', { hasText: object }) })
    .first();
  return (await row.locator(`[aria-colindex="${column}"]`).getAttribute('aria-label')) ?? 'none';
}

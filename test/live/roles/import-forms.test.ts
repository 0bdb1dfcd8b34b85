import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { dbadmin } from './command.ts';
import { connect, openProject, type Project } from './project.ts';

/** The sign is that of the locale C, the comma the decimal point. */
const LOCALE = 'es_AR.UTF-8';

const execute = promisify(execFile);

/** Makes the locale in `directory`, for a server that has it as LOCPATH. */
async function makeLocale(directory: string): Promise<boolean> {
  const [language = '', charmap = ''] = LOCALE.split('.');
  return await execute('localedef', ['-i', language, '-f', charmap, path.join(directory, LOCALE)]).then(
    () => true,
    () => false,
  );
}

/** Servers here are started with hardly any environment. */
async function restartWith({ programs, dataDirectory = '' }: TestCluster, env: Readonly<Record<string, string>>): Promise<void> {
  const options = { ...programs?.runAs, cwd: dataDirectory, env: { PATH: process.env['PATH'], LC_ALL: 'C', ...env } };
  const log = path.join(path.dirname(dataDirectory), 'server.log');
  await execute(path.join(programs?.binDirectory ?? '', 'pg_ctl'), ['restart', '-D', dataDirectory, '-l', log, '-w', '-s'], options);
}

describe('row policies whose constants the server writes and reads by settings', () => {
  let cluster: TestCluster;
  let project: Project;
  let music: Sql;
  let locales: string;
  let hasLocale: boolean;

  beforeAll(async () => {
    locales = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-locales-'));
    await chmod(locales, 0o755);
    hasLocale = await makeLocale(locales);
    cluster = await startEmbeddedCluster({ major: 18 });
    if (hasLocale) await restartWith(cluster, { LOCPATH: locales });
    const maintenance = connect(cluster.url());
    await maintenance.unsafe('create database music');
    await maintenance.end();
    music = connect(cluster.url('music'));
    await music.unsafe('create schema core; create table core.play (price money, span interval)');
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
    await rm(locales, { recursive: true, force: true });
  });

  /** Imports the policy `using`, which a session with `settings` made, and applies the file where it is gone; gives the file and what came of it, in the forms of C. */
  async function importedAnew(settings: readonly string[], using: string): Promise<{ readonly file: string; readonly made: unknown }> {
    for (const setting of settings) await music.unsafe(`alter role postgres in database music set ${setting}`);
    const sql = connect(cluster.url('music'));
    await sql.unsafe(`alter table core.play enable row level security; create policy it on core.play using (${using})`);
    await sql.end();
    const imported = await dbadmin(['roles', 'import', '--print', '--url', cluster.url()], project.directory);
    expect(imported.stderr).toContain('its plan is empty');
    await music.unsafe('drop policy it on core.play');
    await project.apply(imported.stdout);
    expect(await project.lines(imported.stdout)).toEqual([]);
    await music.unsafe('alter role postgres in database music reset all');
    const [row] = await music`select pg_get_expr(polqual, polrelid) as using from pg_policy where polname = 'it'`;
    await music.unsafe('drop policy it on core.play');
    return { file: imported.stdout, made: row?.['using'] };
  }

  it('an amount of money means the same when it is made from the file', async ({ skip }) => {
    if (!hasLocale) skip(`localedef cannot make ${LOCALE} here`);
    const { file, made } = await importedAnew([`lc_monetary = '${LOCALE}'`], "price < '$ 5,00'::money");
    expect(made).toBe("(price < '$5.00'::money)");
    expect(file).toContain('5,00');
  });

  it('an interval is in a form that every login reads in the same way', async () => {
    const { file, made } = await importedAnew(['intervalstyle = sql_standard'], "span < '-1 2:03:04'::interval");
    expect(made).toBe("(span < '-1 days -02:03:04'::interval)");
    expect(file).toContain('-1 days -02:03:04');
  });
});

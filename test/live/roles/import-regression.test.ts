import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { inspectAccess } from '../../../src/roles/access/inspect.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { compareFacts } from './access-oracle.ts';
import { dbadmin } from './command.ts';
import { effectiveAccess, forgetRoles } from './effective-access.ts';
import { connect, openProject, type Project } from './project.ts';

/*
 * PostgreSQL's own regression database: 155 roles with whatever its authors thought of. It takes minutes and a download, so it
 * runs on demand: DBADMIN_TEST_REGRESSION=1 gets the source of postgresql-15 with apt-get, another value is a directory that
 * holds sql/, data/ and parallel_schedule of some version (src/test/regress).
 */
const WANTED = process.env['DBADMIN_TEST_REGRESSION'] ?? '';
const MAJORS = (process.env['DBADMIN_TEST_IMPORT'] ?? '15').split(',').map(Number);

/** They crash servers on purpose, take minutes, or look at what no role has to do with. */
const LEFT_OUT =
  /^(?:infinite_recurse|stats|advisory_lock|database|vacuum_parallel|select_parallel|write_parallel|compression|gist|spgist|gin|brin.*|hash_index|.*sanity.*|oidjoins|join_hash|numeric|regex|tsearch|partition_join|partition_prune|polygon|horology|timestamptz|random|xml|xmlmap|json.*|memoize|plancache|tuplesort|prepared_xacts|subscription)$/;
/** What would take roles and their grants away again at the end of a script. */
const CLEANING = /^[ \t]*(?:drop (?:role|user|group) |drop owned by |drop table dep_priv_test).*$/gim;
const execute = promisify(execFile);

async function fetchSource(directory: string): Promise<string> {
  await execute('mkdir', ['-p', `${directory}/lists/partial`, `${directory}/cache/archives/partial`, `${directory}/sources`]);
  await writeFile(path.join(directory, 'sources/debian.sources'), await sourcePackages());
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${directory}/sources`,
    `Dir::State::lists=${directory}/lists`,
    `Dir::Cache=${directory}/cache`,
  ];
  const apt = async (...args: readonly string[]): Promise<void> => {
    await execute('apt-get', [...options.flatMap((option) => ['-o', option]), ...args], { cwd: directory, maxBuffer: 1 << 26 });
  };
  await apt('update');
  await apt('source', '--download-only', 'postgresql-15');
  const archive = (await readdir(directory)).find((name) => name.includes('.orig.tar'));
  await execute('tar', ['-xf', archive ?? '', '--wildcards', '*/src/test/regress/*'], { cwd: directory });
  const [source = ''] = (await readdir(directory)).filter((name) => /^postgresql-15\.\d+$/.test(name));
  await execute('chmod', ['-R', 'a+rX', directory]);
  return path.join(directory, source, 'src/test/regress');
}

/** This machine's own sources of Debian packages, for the sources of those. */
async function sourcePackages(): Promise<string> {
  const directory = '/etc/apt/sources.list.d';
  const texts = (await readdir(directory))
    .filter((name) => name.endsWith('.sources'))
    .map(async (name) => await readFile(path.join(directory, name), 'utf8'));
  const paragraphs = (await Promise.all(texts)).flatMap((text) => text.split(/\n\s*\n/));
  return paragraphs
    .filter((each) => /^URIs:.*\/debian\/?$/m.test(each))
    .map((each) => each.replace(/^Types:.*$/m, 'Types: deb-src'))
    .join('\n\n');
}

async function runScripts(regress: string, url: string, directory: string): Promise<void> {
  const psql = await findClientProgram('psql', { atLeastMajor: 14 }, process.env);
  const schedule = await readFile(path.join(regress, 'parallel_schedule'), 'utf8');
  const names = [...schedule.matchAll(/^test: (.+)$/gm)].flatMap((match) => (match[1] ?? '').split(/\s+/));
  const env = {
    ...process.env,
    PG_ABS_SRCDIR: regress,
    PG_ABS_BUILDDIR: directory,
    PG_LIBDIR: '/nowhere',
    PG_DLSUFFIX: '.so',
    PGTZ: 'America/Los_Angeles',
    PGDATESTYLE: 'Postgres, MDY',
  };
  for (const name of names.filter((each) => each !== '' && !LEFT_OUT.test(each))) {
    const text = await readFile(path.join(regress, 'sql', `${name}.sql`), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const whole = name === 'privileges' ? text.slice(0, text.lastIndexOf('-- clean up')) : text;
    const file = path.join(directory, `${name}.sql`);
    await writeFile(file, whole.replaceAll(CLEANING, '-- kept'));
    // Much of it is meant to fail.
    await execute(psql.path, ['-Xqa', '-d', url, '-f', file], { env, timeout: 120_000, maxBuffer: 1 << 28 }).catch(() => undefined);
  }
}

if (WANTED === '') it("roles import of PostgreSQL's regression database", ({ skip }) => skip('on demand: DBADMIN_TEST_REGRESSION=1'));

describe.skipIf(WANTED === '').each(MAJORS)("roles import of PostgreSQL's regression database on %i", (major) => {
  let cluster: TestCluster;
  let project: Project;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-regression-'));
    await chmod(directory, 0o755);
    const regress = WANTED === '1' ? await fetchSource(directory) : path.resolve(WANTED);
    cluster = await startTestCluster({ major, settings: { fsync: 'off', max_prepared_transactions: '2' } });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database regression template template0');
    await postgres.end();
    await runScripts(regress, cluster.url('regression'), directory);
    project = await openProject(cluster);
  }, 900_000);

  afterAll(async () => {
    await project?.close();
    await cluster?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  it('what each role may do is computed as the server answers', async () => {
    const sql = connect(cluster.url('regression'));
    await sql`select set_config('search_path', '', false)`;
    const graph = await inspectAccess(cluster.parameters(), ['regression']);
    const roles = [...graph.roles.keys()].filter((name) => !name.startsWith('pg_'));
    const { facts, held, missing, extra } = await compareFacts(sql, graph, 'regression', roles);
    console.log(
      `PostgreSQL ${major}: ${roles.length} roles, ${facts} facts, ${held} held, ${missing.length} missing, ${extra.length} extra`,
    );
    expect({ missing, extra }).toEqual({ missing: [], extra: [] });
    await sql.end();
  }, 600_000);

  it('the plan is empty, and on the bare objects the file gives the same effective access', async () => {
    const imported = await dbadmin(['roles', 'import', '--print', '--url', cluster.url()], project.directory);
    expect(imported.stderr).toContain('its plan is empty');
    const roles = Number(/(\d+) roles/.exec(imported.stderr)?.[1]);
    expect(roles).toBeGreaterThan(100);
    const [sql, postgres] = [connect(cluster.url('regression')), connect(cluster.url())];
    const before = await effectiveAccess(sql);
    await forgetRoles(sql, [postgres]);
    await project.apply(imported.stdout);
    expect(await project.lines(imported.stdout)).toEqual([]);
    const after = new Set(await effectiveAccess(sql));
    const known = new Set(before);
    expect([...after].filter((fact) => !known.has(fact))).toEqual([]);
    expect(before.filter((fact) => !after.has(fact))).toEqual([]);
    console.log(`PostgreSQL ${major}: ${roles} roles, ${before.length} facts of effective access, 0 missing, 0 extra`);
    await sql.end();
    await postgres.end();
  }, 120_000);
});

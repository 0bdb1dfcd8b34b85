import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectAccess } from '../../../src/roles/access/inspect.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { fetchRegression, regressionScripts, runRegression } from '../../postgres/regression-database.ts';
import { compareFacts } from './access-oracle.ts';
import { dbadmin } from './command.ts';
import { effectiveAccess, forgetRoles } from './effective-access.ts';
import { connect, openProject, type Project } from './project.ts';

/*
 * PostgreSQL's own regression database: 155 roles with whatever its authors thought of. It takes minutes and a download, so it
 * runs on demand: DBADMIN_TEST_REGRESSION, see test/postgres/regression-database.ts.
 */
const WANTED = process.env['DBADMIN_TEST_REGRESSION'] ?? '';
const MAJORS = (process.env['DBADMIN_TEST_IMPORT'] ?? '15').split(',').map(Number);

/** They crash servers on purpose, take minutes, or look at what no role has to do with. */
const LEFT_OUT =
  /^(?:infinite_recurse|stats|advisory_lock|database|vacuum_parallel|select_parallel|write_parallel|compression|gist|spgist|gin|brin.*|hash_index|.*sanity.*|oidjoins|join_hash|numeric|regex|tsearch|partition_join|partition_prune|polygon|horology|timestamptz|random|xml|xmlmap|json.*|memoize|plancache|tuplesort|prepared_xacts|subscription)$/;
/** What would take roles and their grants away again at the end of a script. */
const CLEANING = /^[ \t]*(?:drop (?:role|user|group) |drop owned by |drop table dep_priv_test).*$/gim;

/** The text of a script without what cleans up behind it. */
function kept(name: string, text: string): string {
  const whole = name === 'privileges' ? text.slice(0, text.lastIndexOf('-- clean up')) : text;
  return whole.replaceAll(CLEANING, '-- kept');
}

if (WANTED === '') it("roles import of PostgreSQL's regression database", ({ skip }) => skip('on demand: DBADMIN_TEST_REGRESSION=1'));

describe.skipIf(WANTED === '').each(MAJORS)("roles import of PostgreSQL's regression database on %i", (major) => {
  let cluster: TestCluster;
  let project: Project;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-regression-'));
    await chmod(directory, 0o755);
    const regress = await fetchRegression(WANTED, directory);
    cluster = await startTestCluster({ major, settings: { fsync: 'off', max_prepared_transactions: '2' } });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database regression template template0');
    await postgres.end();
    const names = (await regressionScripts(regress)).filter((name) => !LEFT_OUT.test(name));
    await runRegression({ regress, names, url: cluster.url('regression'), directory, changed: kept });
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

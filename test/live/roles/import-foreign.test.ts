import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installPackages } from '../../npm-packages.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin } from './command.ts';
import { effectiveAccess, forgetRoles } from './effective-access.ts';
import { connect, openProject, type Project } from './project.ts';
import { liveThrough } from './random-history.ts';

/** One on one major stands for the others; more: DBADMIN_TEST_IMPORT_SEEDS=20 DBADMIN_TEST_IMPORT=14,15,16,17,18. */
const SEEDS = Array.from({ length: Number(process.env['DBADMIN_TEST_IMPORT_SEEDS'] ?? '2') }, (_, index) => index + 1);
const MAJORS = (process.env['DBADMIN_TEST_IMPORT'] ?? '14').split(',').map(Number);
const npm = await installPackages('graphile-worker', 'pg-boss');

/** The schemas of two public packages and some extensions: nobody here designed them. */
async function layDown(sql: Sql): Promise<void> {
  await sql.unsafe(`create schema extra; create extension pg_stat_statements schema extra; create extension hstore schema extra;
    create extension postgres_fdw; create server far foreign data wrapper postgres_fdw;
    create schema "Plain ""one"; create table "Plain ""one".t (id serial, a text); create table "Plain ""one".u (id int)`);
  if (npm === undefined) return;
  const modules = path.join(npm.directory, 'node_modules');
  await sql.unsafe('create schema worker');
  const scripts = (await readdir(path.join(modules, 'graphile-worker/sql'))).filter((each) => each.endsWith('.sql')).sort();
  for (const script of scripts) {
    const text = await readFile(path.join(modules, 'graphile-worker/sql', script), 'utf8');
    await sql.unsafe(text.replaceAll(':GRAPHILE_WORKER_SCHEMA', 'worker'));
  }
  const load = createRequire(path.join(npm.directory, 'index.js'));
  const loaded = (await import(load.resolve('pg-boss'))) as Readonly<Record<string, unknown>>;
  for (const holder of [loaded, loaded['PgBoss'], loaded['default']]) {
    const plans = (holder as { readonly getConstructionPlans?: (schema: string) => string } | undefined)?.getConstructionPlans;
    if (plans === undefined) continue;
    await sql.unsafe(plans.call(holder, 'boss'));
    break;
  }
}

describe.each(MAJORS)('roles import of foreign schemas on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let postgres: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    postgres = connect(cluster.url());
    await postgres.unsafe('create database template_foreign');
    const template = connect(cluster.url('template_foreign'));
    await layDown(template);
    await template.end();
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await postgres?.end({ timeout: 1 });
    await project?.close();
    await cluster?.stop();
  });

  it.each(SEEDS)('history %i: the plan is empty, and on the bare objects the file gives the same effective access', async (seed) => {
    await postgres.unsafe(`create database life_${seed} template template_foreign`);
    const sql = connect(cluster.url(`life_${seed}`));
    try {
      expect(await liveThrough(sql, seed, 150)).toBeGreaterThan(60);
      const imported = await dbadmin(
        ['roles', 'import', '--database', `life_${seed}`, '--print', '--url', cluster.url()],
        project.directory,
      );
      expect(imported.stderr).toContain('its plan is empty');
      const text = imported.stdout;
      const before = await effectiveAccess(sql);
      await forgetRoles(sql, [postgres]);
      await project.apply(text);
      expect(await project.lines(text)).toEqual([]);
      const after = await effectiveAccess(sql);
      expect(after.filter((fact) => !before.includes(fact))).toEqual([]);
      expect(before.filter((fact) => !after.includes(fact))).toEqual([]);
      console.log(`PostgreSQL ${major}, history ${seed}: ${before.length} facts of effective access are the same`);
    } finally {
      await forgetRoles(sql, [postgres]);
      await sql.end();
      await postgres.unsafe(`drop database if exists life_${seed}`);
    }
  });
});

import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, expect, inject, test } from 'vitest';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { dumpEverything, dumperOf, type LogicalDump } from '../../backup/logical-dump.ts';
import { treeOf } from '../../backup/tree.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { Project } from '../status/project.ts';

let directory: string;
let cluster: TestCluster;
let project: Project;
let sql: postgres.Sql;

/** One in every run, of which there is a pg_dump; `npm run test:uninstall` takes those of 14 to 18. */
const MAJORS = await (async (): Promise<readonly number[]> => {
  const all = (process.env['DBADMIN_TEST_UNINSTALL'] ?? '').split(',').filter(Boolean).map(Number);
  const found: number[] = [];
  for (const major of all.length > 0 ? all : [17, 15, 14]) {
    const inside = Object.entries(inject('providers').images).some(([each, image]) => Number(each) >= major && image !== undefined);
    const isHere = await findClientProgram('pg_dumpall', { atLeastMajor: major }, process.env).then(
      () => true,
      () => false,
    );
    if (inside || isHere) found.push(major);
    else console.warn(`NOT TESTED: uninstall on PostgreSQL ${major}, there is no pg_dump of it or newer here`);
  }
  return all.length > 0 ? found : found.slice(0, 1);
})();

async function begin(major: number): Promise<void> {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create table mine (n int); create schema app; create role before_us; insert into mine values (7)');
  await sql.unsafe('create database other');
  project = new Project(path.join(directory, 'project'));
}
afterEach(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

/** What pg_dump and pg_dumpall write of every database, with its rows, and of what they share. */
async function dump(): Promise<LogicalDump> {
  const dumper = await dumperOf(cluster);
  if (dumper === undefined) throw new Error(`there is no pg_dump for PostgreSQL ${cluster.major} here`);
  const dumps = await dumpEverything(dumper, ['postgres', 'template1', 'other']);
  expect(dumps.get('globals')).toContain('CREATE ROLE before_us;');
  expect(dumps.get('postgres')).toMatch(/COPY public\.mine[^;]*;\n7\n/);
  return dumps;
}

/** Everything that lies in the catalog of the cluster and is no part of PostgreSQL, as text. Privileges that are those of an empty list are the same. */
async function catalog(): Promise<readonly string[]> {
  const rows = await sql<{ line: string }[]>`
    select 'role ' || rolname || ' ' || to_jsonb(r)::text as line from pg_roles r
    union all select 'member ' || m.roleid::regrole::text || ' ' || m.member::regrole::text || ' ' || m.admin_option from pg_auth_members m
    union all select 'slot ' || slot_name from pg_replication_slots
    union all select 'database ' || datname || ' ' || coalesce(nullif(datacl, acldefault('d', datdba))::text, '') from pg_database
    union all select 'setting ' || setrole::regrole || ' ' || setconfig::text from pg_db_role_setting
    union all select 'schema ' || nspname || ' ' || nspowner::regrole || ' ' || coalesce(nullif(nspacl, acldefault('n', nspowner))::text, '') from pg_namespace where nspname !~ '^pg_(toast|temp)'
    union all select 'relation ' || oid::regclass || ' ' || relkind::text || ' ' || relowner::regrole || ' ' || coalesce(relacl::text, '') from pg_class
      where relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace, 'information_schema'::regnamespace)
    union all select 'routine ' || oid::regprocedure || ' ' || coalesce(proacl::text, '') from pg_proc where oid >= 16384
    union all select 'type ' || oid::regtype from pg_type where oid >= 16384
    union all select 'trigger ' || tgname from pg_trigger where oid >= 16384
    union all select 'default ' || defaclrole::regrole || ' ' || coalesce(defaclacl::text, '') from pg_default_acl
    union all select 'extension ' || extname from pg_extension
    union all select 'comment ' || description from pg_description where objoid >= 16384
    order by 1`;
  return rows.map(({ line }) => line);
}

test.each(MAJORS)(
  'PostgreSQL %i: uninstall leaves a cluster whose dump is that before, the repository as it is, and does nothing while something of ours runs',
  { timeout: 240_000 },
  async (major) => {
    await begin(major);
    const [before, dumped] = [await catalog(), await dump()];
    const repository = path.join(directory, 'repository');
    await mkdir(repository);
    await project.write(
      cluster.url(),
      repository,
      'version: 1\npolicies:\n  p: { cluster: main, repositories: [local], wal: { mode: stream, rpo: 1s } }\njobs:\n  j: { sql: "select 1", cron: "0 0 1 1 *" }\n',
    );
    const file = async (name: string, text: string): Promise<void> => {
      await mkdir(path.dirname(path.join(project.directory, name)), { recursive: true });
      await writeFile(path.join(project.directory, name), text);
    };
    await file('sql/migrations/20260101T000000_first.sql', '-- migrate:up\ncreate table app.made (n int);\n');
    await file(
      'roles/roles.yaml',
      'version: 1\nscope: { roles: [app_reader, svc_made], databases: [postgres], schemas: { postgres: [app] } }\nprofiles: { reader: { schema: [usage], tables: [select] } }\ngroups: { app_reader: { comment: reads } }\nservices: { svc_made: { comment: app, member_of: [app_reader] } }\ndatabases: { postgres: { schemas: { app: { creators: [postgres] } }, access: [{ profile: reader, on: app, to: app_reader }] } }\n',
    );
    await project.json('backup', 'init');
    await project.json('migrate', 'up', '--yes');
    const roles = await project.run('roles', 'apply', '--yes');
    expect(roles.stderr + roles.stdout, 'roles apply').not.toContain('error:');
    await project.json('backup', 'run');
    const receiver = await project.receive('1s');
    const worker = project.start(['worker', '--no-wal', '--no-alerts', '--listen', 'off']);
    await new Promise<void>((resolve) => worker.stderr?.on('data', () => resolve()));
    await expect
      .poll(async () => (await catalog()).some((line) => line === 'schema dbadmin_jobs postgres '), { timeout: 60_000 })
      .toBe(true);
    const used = await catalog();
    expect(used.filter((line) => !before.includes(line)).length).toBeGreaterThan(20);
    expect(await dump()).not.toEqual(dumped);

    const early = await project.run('uninstall', '--yes');
    expect(early.status).toBe(1);
    expect(early.stderr).toContain('slot dbadmin is being read');
    // The worker may still be making its tables.
    expect(await catalog()).toEqual(expect.arrayContaining([...used]));

    for (const child of [receiver, worker]) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await sql.unsafe('drop table app.made');
    const stored = await treeOf(repository);
    // A backup and its WAL: how many files that are depends on the version.
    expect(stored.size).toBeGreaterThan(10);
    const plan = await project.run('uninstall', '--plan');
    expect(plan.status).toBe(2);
    expect(plan.stdout).toContain('- role app_reader');
    expect(plan.stdout).toContain('repositories are not touched');
    const { done } = await project.json<{ done: number }>('uninstall', '--yes');
    expect(done).toBeGreaterThan(4);
    expect(await catalog()).toEqual(before);
    expect(await dump()).toEqual(dumped);
    expect(await treeOf(repository)).toEqual(stored);
    const again = await project.run('uninstall', '--plan');
    expect([again.status, again.stdout.split('\n')[0]]).toEqual([0, expect.stringContaining('nothing of dbadmin in main')]);
  },
);

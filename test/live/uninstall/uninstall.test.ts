import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { Project } from '../status/project.ts';

let directory: string;
let cluster: TestCluster;
let project: Project;
let sql: postgres.Sql;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 17 });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create table mine (n int); create schema app; create role before_us');
  project = new Project(path.join(directory, 'project'));
});
afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

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

test(
  'uninstall leaves a cluster as it was before, the repository as it is, and does nothing while something of ours runs',
  { timeout: 240_000 },
  async () => {
    const before = await catalog();
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
    const receiver = await project.receive('1s');
    const worker = project.start(['worker', '--no-wal', '--no-alerts', '--listen', 'off']);
    await new Promise<void>((resolve) => worker.stderr?.on('data', () => resolve()));
    await expect
      .poll(async () => (await catalog()).some((line) => line === 'schema dbadmin_jobs postgres '), { timeout: 60_000 })
      .toBe(true);
    const used = await catalog();
    expect(used.filter((line) => !before.includes(line)).length).toBeGreaterThan(20);

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
    const stored = await readdir(repository, { recursive: true });
    const plan = await project.run('uninstall', '--plan');
    expect(plan.status).toBe(2);
    expect(plan.stdout).toContain('- role app_reader');
    expect(plan.stdout).toContain('repositories are not touched');
    const { done } = await project.json<{ done: number }>('uninstall', '--yes');
    expect(done).toBeGreaterThan(4);
    expect(await catalog()).toEqual(before);
    expect(await readdir(repository, { recursive: true })).toEqual(stored);
    const again = await project.run('uninstall', '--plan');
    expect([again.status, again.stdout.split('\n')[0]]).toEqual([0, expect.stringContaining('nothing of dbadmin in main')]);
  },
);

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backupKey } from '../../../src/repository/layout.ts';
import { CLI } from '../../built-command.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { Project } from '../status/project.ts';

const POLICIES = `version: 1
policies:
  shop:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 1 1 *", retries: 3, retry_delay: 1s } }
    retention: { window: 1d }
jobs:
  slow: { command: backup run --type full --max-rate 100kB, cron: "0 3 1 1 *" }
  afterwards: { after: [slow], sql: select 1 }
  offsite: { after: [shop.full], sql: "insert into ran values (current_setting('dbadmin.job'))" }
`;
const WHY = /^the backup is taken, but older ones were not removed from local: .*ended with status 4\)$/;

interface Manifest {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly jobTemplate: { readonly spec: { readonly template: { readonly spec: PodSpec } } } };
}
interface PodSpec {
  readonly initContainers?: readonly { readonly command: readonly string[] }[];
  readonly containers: readonly { readonly command: readonly string[] }[];
}

let directory: string;
let cluster: TestCluster;
let project: Project;
let sql: postgres.Sql;

/** A cluster whose repository holds a manifest that cannot be read: backups are taken, and nothing older ever goes. */
beforeAll(async () => {
  directory = await makeDirectory();
  const repository = path.join(directory, 'repository');
  await mkdir(repository);
  cluster = await startEmbeddedCluster({ major: 17 });
  sql = postgres(cluster.url(), { max: 1 });
  await sql`create table ran (job text)`;
  project = new Project(path.join(directory, 'project'));
  await project.write(cluster.url(), repository, POLICIES);
  await project.json('backup', 'init');
  await project.json('backup', 'run');
  const [system] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
  await writeFile(path.join(repository, backupKey(system?.id ?? '', '20200101T000000Z-full')), 'no manifest at all');
});
afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

async function ran(): Promise<readonly string[]> {
  return (await sql<{ job: string }[]>`delete from ran returning job`).map(({ job }) => job);
}

async function backups(): Promise<number> {
  return (await project.json<{ backups: readonly object[] }>('backup', 'list')).backups.length;
}

test('schedule run of a backup that is taken ends with 4 and says why nothing older went', async () => {
  const before = await backups();
  const { status, stdout, stderr } = await project.run('schedule', 'run', 'shop.full', '--json');
  expect({ status, stderr }).toEqual({
    status: 4,
    stderr: expect.stringContaining('warning: the backup is taken, but older ones were not'),
  });
  expect(JSON.parse(stdout)).toMatchObject({ job: 'shop.full', attempts: 1, warning: expect.stringContaining('ended with status 4') });
  expect(await backups()).toBe(before + 1);
});

test('what is after it in a line of the crontab runs', async () => {
  const { lines } = await project.json<{ lines: readonly { line: string }[] }>('schedule', 'export', '--cron');
  const command =
    lines[0]?.line
      .split(' ')
      .slice(5)
      .join(' ')
      .replaceAll(String.raw`\%`, '%') ?? 'false';
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], { cwd: directory, encoding: 'utf8', env: { HOME: directory } });
  expect({ status, ran: await ran() }).toEqual({ status: 0, ran: ['offsite'] });
  expect(stderr).toContain('the backup is taken, but older ones were not removed');
});

/** The commands of the containers of the pod that runs a job first, in their order, with this project for the one mounted there. */
async function containers(job: string): Promise<readonly string[][]> {
  const { manifests } = await project.json<{ manifests: readonly Manifest[] }>('schedule', 'export', '--kubernetes', '--image', 'dbadmin');
  const { initContainers = [], containers: last } =
    manifests.find(({ metadata }) => metadata.annotations['dbadmin/job'] === job)?.spec.jobTemplate.spec.template.spec ??
    expect.fail(`no pod for ${job}`);
  return [...initContainers, ...last].map(({ command }) =>
    command.map((word) => word.replace('/etc/dbadmin', project.directory).replace('/var/lib/dbadmin', directory)),
  );
}

test('in a pod what is after it runs, and the pod fails by its last container, which says why', async () => {
  const [first = [], second = [], ...more] = await containers('shop.full');
  expect([first[0], second[0], more]).toEqual(['dbadmin', 'dbadmin', []]);
  expect(await project.run(...first.slice(1))).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('the backup is taken, but older'),
  });
  const end = await project.run(...second.slice(1), '--json');
  expect({ ...end, ran: await ran() }).toMatchObject({
    status: 4,
    ran: ['offsite'],
    stderr: expect.stringMatching(/^warning: shop\.full: .* ended with status 4$/m),
  });
  expect(JSON.parse(end.stdout)).toMatchObject({ job: 'offsite', attempts: 1, warning: expect.stringMatching(/^shop\.full: /) });
});

test('SIGTERM to the first container of a pod ends its job in order', async () => {
  const [[program = '', ...words] = []] = await containers('slow');
  const bin = path.join(directory, 'bin');
  await mkdir(bin);
  await writeFile(path.join(bin, 'dbadmin'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, { mode: 0o755 });
  const env = { HOME: directory, XDG_STATE_HOME: directory, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const child = spawn(program, words, { env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  await expect
    .poll(async () => (await sql`select from pg_stat_progress_basebackup where backup_streamed > 0`).count, { timeout: 30_000 })
    .toBe(1);
  child.kill('SIGTERM');
  expect(await ended).toEqual([130, null]);
  // What a backup that is killed leaves held for minutes.
  expect((await project.run('repository', 'unlock', '--yes')).stdout).toBe('local: no lease was broken\n');
});

test('a worker runs what is after it, takes the backup once, and people are told', async () => {
  const before = await backups();
  const worker = project.start(['worker', '--listen', 'off', '--no-wal', '--no-alerts']);
  try {
    // Until the worker has made its tables there is nothing to queue it in.
    await expect.poll(async () => (await project.run('schedule', 'run', 'shop.full', '--worker')).status, { timeout: 30_000 }).toBe(0);
    await expect.poll(ran, { timeout: 60_000, interval: 200 }).toEqual(['offsite']);
    const { runs } = await project.json<{ runs: readonly object[] }>('schedule', 'history', '--job', 'shop.full');
    expect(runs).toMatchObject([{ state: 'succeeded', attempt: 1, failures: 0, exitStatus: 4, error: expect.stringMatching(WHY) }]);
    const { problems } = await project.json<{ problems: readonly { kind: string; subject: string | null; what: string }[] }>('status');
    expect(problems.filter(({ subject }) => subject === 'shop.full')).toMatchObject([
      { kind: 'job-failed', what: expect.stringContaining('with a warning: the backup is taken, but older ones were not removed') },
    ]);
    expect(await backups()).toBe(before + 1);
  } finally {
    const ended = once(worker, 'exit');
    worker.kill('SIGTERM');
    await ended;
  }
});

import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { Project } from '../status/project.ts';

const POLICIES = `version: 1
policies:
  shop:
    cluster: main
    repositories: [local, offsite]
    base: { full: { cron: "0 2 1 1 *", retries: 20, retry_delay: 1s } }
    verify: { cron: "0 5 1 1 *", retries: 20, retry_delay: 1s }
    wal: { mode: none }
`;

let directory: string;
let cluster: TestCluster;
let project: Project;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startEmbeddedCluster({ major: 17 });
  project = new Project(path.join(directory, 'project'));
  await mkdir(path.join(directory, 'local'));
  await project.write(cluster.url(), path.join(directory, 'local'), POLICIES);
  const file = path.join(project.directory, 'dbadmin.yaml');
  const text = await readFile(file, 'utf8');
  const offsite = `, offsite: { type: disk, path: "${path.join(directory, 'offsite')}" } }`;
  await writeFile(file, text.replace('repositories: [local]', 'repositories: [local, offsite]').replace(/ }\n$/, `${offsite}\n`));
  await project.json('backup', 'init', '--repository', 'local');
  await project.json('backup', 'run', '--repository', 'local');
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});
/** Nothing is offsite yet. */
beforeEach(async () => {
  await rm(path.join(directory, 'offsite'), { recursive: true, force: true });
  await mkdir(path.join(directory, 'offsite'));
});

async function backupsIn(repository: string): Promise<number> {
  return (await project.json<{ backups: readonly object[] }>('backup', 'list', '--repository', repository)).backups.length;
}

/** What it says, as it says it. */
function listen(child: ChildProcess): { text: string; readonly end: Promise<unknown> } {
  const heard = { text: '', end: new Promise((resolve) => child.once('close', resolve)) };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (heard.text += data.toString()));
  return heard;
}

test('schedule run: a backup that failed in one of two repositories is tried again in that one alone', async () => {
  const before = await backupsIn('local');
  const heard = listen(project.start(['schedule', 'run', 'shop.full']));
  await expect.poll(() => heard.text, { timeout: 60_000 }).toContain('attempt 3 of 21');
  await project.json('backup', 'init', '--repository', 'offsite');
  expect(await heard.end).toBe(0);
  expect([await backupsIn('local'), await backupsIn('offsite')]).toEqual([before + 1, 1]);
}, 150_000);

test('worker: a backup that failed in one of two repositories is tried again in that one alone', async () => {
  const before = await backupsIn('local');
  const child = project.start(['worker', '--listen', 'off', '--no-alerts', '--no-wal']);
  const heard = listen(child);
  try {
    await expect.poll(() => heard.text, { timeout: 60_000 }).toContain('connected to the control database');
    await project.json('schedule', 'run', 'shop.full', '--worker');
    await expect.poll(() => heard.text, { timeout: 60_000 }).toContain('attempt 3');
    await project.json('backup', 'init', '--repository', 'offsite');
    await expect.poll(() => heard.text, { timeout: 60_000 }).toContain('shop.full done in');
  } finally {
    child.kill('SIGTERM');
    await heard.end;
  }
  expect([await backupsIn('local'), await backupsIn('offsite')]).toEqual([before + 1, 1]);
}, 240_000);

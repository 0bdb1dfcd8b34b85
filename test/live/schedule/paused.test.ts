import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { Project } from '../status/project.ts';

const POLICIES = `version: 1
jobs:
  first: { cron: "@yearly", sql: "insert into ran values ('first')" }
  second: { after: [first], sql: "insert into ran values ('second')" }
  third: { cron: "@yearly", pause: true, sql: "insert into ran values ('third')" }
`;
let directory: string;
let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  directory = await makeDirectory();
  database = await createTestDatabase();
  await database.sql`create table ran (job text)`;
  project = new Project(path.join(directory, 'project'));
  await mkdir(path.join(directory, 'repository'));
  await project.write(database.url, path.join(directory, 'repository'), POLICIES);
  await control(database.url);
});
afterAll(async () => {
  await database.drop();
  await removeDirectory(directory);
});

/** Names the control database in dbadmin.yaml. */
async function control(url: string): Promise<void> {
  const file = path.join(project.directory, 'dbadmin.yaml');
  const text = (await readFile(file, 'utf8')).replace(/^control:.*\n/m, '');
  await writeFile(file, `${text}control: { url: "${url}" }\n`);
}

async function ran(): Promise<readonly string[]> {
  const rows = await database.sql<{ job: string }[]>`delete from ran returning job`;
  return rows.map(({ job }) => job);
}

test('schedule run leaves a paused job alone, says who paused it, and is no failure to the timer that called it', async () => {
  expect(await project.json('schedule', 'run', 'first')).toMatchObject({ paused: null, attempts: 1, recorded: true });
  expect(await ran()).toEqual(['first']);
  await project.json('schedule', 'pause', 'first', '--reason', 'storage moves');

  const told = await project.run('schedule', 'run', 'first', '--quiet');
  expect(told).toMatchObject({
    status: 0,
    stdout: '',
    stderr: expect.stringMatching(/first is paused since .* \(storage moves\): nothing was done/),
  });
  expect(await project.json('schedule', 'run', 'first')).toMatchObject({
    attempts: 0,
    recorded: false,
    paused: { job: 'first', reason: 'storage moves', by: expect.stringContaining(' on ') },
  });
  // A crontab chains it behind the first, which ended well.
  expect(await project.json('schedule', 'run', 'second')).toMatchObject({ attempts: 0, paused: { job: 'first' } });
  expect(await project.json('schedule', 'run', 'third')).toMatchObject({
    attempts: 0,
    paused: { job: 'third', at: null, by: expect.stringMatching(/^pause: true in .*policies\.yaml$/) },
  });
  expect(await ran()).toEqual([]);
  const { runs } = await project.json<{ runs: readonly unknown[] }>('schedule', 'history');
  expect(runs).toHaveLength(1);
});

test('whoever wants it all the same says so, here or on a worker', async () => {
  for (const job of ['first', 'second', 'third'])
    expect(await project.json('schedule', 'run', job, '--even-if-paused')).toMatchObject({ attempts: 1, paused: null });
  expect(await ran()).toEqual(['first', 'second', 'third']);
  const refused = await project.run('schedule', 'run', 'first', '--worker');
  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/first is paused[\s\S]*schedule resume first[\s\S]*--even-if-paused/),
  });
  expect(await project.json('schedule', 'run', 'first', '--worker', '--even-if-paused')).toMatchObject({ queued: true });
  await database.sql.unsafe('delete from dbadmin_jobs.run');
});

test('a control database that cannot be asked stops no timer', async () => {
  await control('postgresql://nobody@127.0.0.1:1/none');
  expect(await project.run('schedule', 'run', 'first', '--quiet')).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('not recorded'),
  });
  expect(await project.json('schedule', 'run', 'third')).toMatchObject({ attempts: 0 });
  expect(await ran()).toEqual(['first']);
  await control(database.url);
});

test('a pause with an end is told everywhere, and is over by itself', async () => {
  const now = Date.now();
  const soon = new Date(now + 3_600_000).toISOString().slice(0, 19);
  expect(await project.run('schedule', 'pause', 'first', '--until', '2020-01-01T00:00Z')).toMatchObject({
    status: 64,
    stderr: expect.stringMatching(/--until 2020-01-01T00:00Z is over/),
  });
  for (const span of ['0s', 'soon'])
    expect(await project.run('schedule', 'pause', 'first', '--for', span)).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/--for takes/),
    });
  expect(await project.json('schedule', 'pause', 'first', '--until', `${soon}Z`)).toMatchObject({ changed: true, until: `${soon}.000Z` });
  expect(await project.json('schedule', 'pause', '--all', '--for', '1s', '--reason', 'new disks')).toMatchObject({
    jobs: [
      { job: 'first', changed: true },
      { job: 'second', changed: true, reason: 'new disks' },
      { job: 'third', changed: true },
    ],
  });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(await project.json('schedule', 'run', 'second')).toMatchObject({ attempts: 1, paused: null });
  expect(await ran()).toEqual(['second']);
  await project.json('schedule', 'pause', 'first', '--for', '400d', '--reason', 'storage moves');
  const { jobs } = await project.json<{ jobs: readonly { name: string }[] }>('schedule', 'list');
  expect(jobs.find(({ name }) => name === 'first')).toMatchObject({
    paused: true,
    pause: { until: expect.any(String), reason: 'storage moves' },
  });
  expect(await project.json('schedule', 'next', '--count', '1')).toMatchObject({ runs: [{ job: 'first', isLeftOut: true }] });
  expect((await project.run('schedule', 'list')).stdout).toMatch(/paused since \S+Z until \S+Z by /);
  expect((await project.run('status')).stdout).toMatch(/first: .*paused until /);
  expect(await project.json('status')).toMatchObject({
    jobs: expect.arrayContaining([expect.objectContaining({ name: 'first', isPaused: true, pausedUntil: expect.any(String) })]),
  });
});

test('once resumed it runs again', async () => {
  await project.json('schedule', 'resume', 'first');
  expect(await project.json('schedule', 'run', 'second')).toMatchObject({ attempts: 1 });
  expect(await ran()).toEqual(['second']);
});

test('while the policies cannot be read, what ran is told all the same, and a job that is known is paused and resumed', async () => {
  const file = path.join(project.directory, 'backups', 'policies.yaml');
  await rename(file, `${file}.good`);
  await writeFile(file, POLICIES.replace('cron: "@yearly", sql', 'corn: "@yearly", sql'));
  const problem = /: \d problems? in backups\/policies\.yaml \(backups\/policies\.yaml:3:\d+: /;
  expect(await project.run('schedule', 'list')).toMatchObject({ status: 1, stderr: expect.stringMatching(/policies\.yaml:3:/) });

  const history = await project.run('schedule', 'history');
  expect(history).toMatchObject({ status: 0, stdout: expect.stringMatching(/^second /m), stderr: expect.stringMatching(problem) });
  expect(await project.run('schedule', 'history', '--job', 'frist')).toMatchObject({ status: 64 });
  expect(await project.run('schedule', 'log', 'second')).toMatchObject({ status: 0, stderr: expect.stringMatching(/^second: succeeded/) });
  expect(await project.json('schedule', 'workers')).toMatchObject({ workers: [], unreachable: null });

  expect(await project.json('schedule', 'pause', 'first', '--for', '1h')).toMatchObject({ job: 'first', changed: true });
  expect(await project.json('schedule', 'resume', 'first')).toEqual({ job: 'first', changed: true, next: null });
  for (const unknown of [['frist'], ['--all']])
    expect(await project.run('schedule', 'pause', ...unknown)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/policies\.yaml:3:/),
    });
  await rename(`${file}.good`, file);
});

import { once } from 'node:events';
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { openPool } from '../../../src/postgres/pool.ts';
import { beginTimerRun, logTimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { Project } from '../status/project.ts';

const POLICIES = `version: 1
jobs:
  talkative: { cron: "@hourly", command: "schedule next --count 1000" }
`;
let directory: string;
let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  directory = await makeDirectory();
  database = await createTestDatabase();
  project = new Project(path.join(directory, 'project'));
  await mkdir(path.join(directory, 'repository'));
  await project.write(database.url, path.join(directory, 'repository'), POLICIES);
  await appendFile(path.join(project.directory, 'dbadmin.yaml'), `control: { url: "${database.url}" }\n`);
});
afterAll(async () => {
  await database.drop();
  await removeDirectory(directory);
});

test('a job that prints more than a pipe holds runs to its end, and is recorded, when nobody reads any more', async () => {
  const { stdout } = await project.run('schedule', 'next', '--count', '1000');
  expect(stdout.length).toBeGreaterThan(2 ** 16);
  const child = project.start(['schedule', 'run', 'talkative']);
  child.stdout?.destroy();
  child.stderr?.resume();
  expect(await once(child, 'close')).toEqual([0, null]);
  const { runs } = await project.json<{ runs: readonly object[] }>('schedule', 'history', '--job', 'talkative');
  expect(runs).toMatchObject([{ state: 'succeeded' }]);
});

test('schedule log --follow ends when nobody reads any more, though the run goes on', async () => {
  const parameters = connectionOfUrl({ env: {}, cwd: '/' }, database.url);
  const pool = await openPool(parameters, { applicationName: 'test', max: 1, queryTimeoutMs: 10_000 });
  const place = { pool, schema: 'dbadmin_jobs' };
  let printing: NodeJS.Timeout | undefined;
  try {
    const run = await beginTimerRun(place, { job: 'talkative', due: new Date(), cause: 'timer', by: 'test' });
    let text = '';
    printing = setInterval(() => void logTimerRun(place, run, (text += 'one more\n')).catch(() => undefined), 200);
    const child = project.start(['schedule', 'log', 'talkative', '--follow']);
    child.stdout?.destroy();
    child.stderr?.resume();
    expect(await once(child, 'close')).toEqual([0, null]);
  } finally {
    clearInterval(printing);
    await pool.close();
  }
});

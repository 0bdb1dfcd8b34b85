import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { Project } from '../status/project.ts';

const POLICIES = `version: 1
jobs:
  first: { cron: "@yearly", until: 2999-01-01, sql: "insert into ran values ('first')" }
  second: { after: [first], command: "schedule list" }
  third: { after: [second], sql: "insert into ran values ('third')" }
  broken: { cron: "@yearly", sql: "insert into gone values (1)" }
  over: { cron: "@yearly", until: 2000-01-01, sql: "insert into ran values ('over')" }
`;
let directory: string;
let database: TestDatabase;
let project: Project;
let crontab: { lines: readonly { jobs: readonly string[]; line: string }[]; variables: readonly string[] };

beforeAll(async () => {
  directory = await makeDirectory();
  database = await createTestDatabase();
  await database.sql`create table ran (job text)`;
  // What a shell and cron would take for something else.
  project = new Project(path.join(directory, "it's 100% mine"));
  await mkdir(path.join(directory, 'repository'));
  await project.write('${APP_URL}', path.join(directory, 'repository'), POLICIES);
  const environment = path.join(directory, 'my environment');
  await writeFile(environment, `APP_URL='${database.url}'\n`, { mode: 0o600 });
  project.env['APP_URL'] = database.url;
  crontab = await project.json('schedule', 'export', '--cron', '--environment-file', environment);
});
afterAll(async () => {
  await database.drop();
  await removeDirectory(directory);
});

/** Runs the line of a job as cron does: what is after an unescaped percent sign is its input, and the environment is nearly empty. */
async function asCron(job: string): Promise<{ status: number; mail: string; ran: readonly string[] }> {
  const line = crontab.lines.find(({ jobs }) => jobs[0] === job)?.line ?? '';
  const [command = ''] = line
    .split(' ')
    .slice(5)
    .join(' ')
    .split(/(?<!\\)%/);
  const env = { HOME: directory, LOGNAME: os.userInfo().username, PATH: '/usr/bin:/bin', SHELL: '/bin/sh' };
  const [status, mail] = await new Promise<[number, string]>((resolve) =>
    execFile('/bin/sh', ['-c', command.replaceAll(String.raw`\%`, '%')], { env, cwd: directory }, (error, stdout, stderr) =>
      resolve([typeof error?.code === 'number' ? error.code : 0, stdout + stderr]),
    ),
  );
  const rows = await database.sql<{ job: string }[]>`delete from ran returning job`;
  return { status, mail, ran: rows.map((row) => row.job) };
}

test('an exported line runs its jobs in the environment that cron gives, and a success is no mail', async () => {
  expect(crontab.variables).toEqual(['APP_URL']);
  expect(await asCron('first')).toEqual({ status: 0, mail: '', ran: ['first', 'third'] });
});

test('what fails is mailed, and what is over does nothing', async () => {
  expect(await asCron('broken')).toMatchObject({ status: 1, mail: expect.stringMatching(/relation "gone" does not exist/) });
  expect(await asCron('over')).toEqual({ status: 1, mail: '', ran: [] });
});

test('an environment file that is gone is mailed, and nothing runs', async () => {
  const environment = path.join(directory, 'my environment');
  await rename(environment, `${environment}.away`);
  expect(await asCron('first')).toMatchObject({ ran: [], mail: expect.stringMatching(/my environment/) });
});

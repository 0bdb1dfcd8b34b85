import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeConfig } from '../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import { runCli, type CliResult } from './run-cli.ts';

const POLICIES = `version: 1
policies:
  app:
    cluster: main
    repositories: [local]
    base:
      full: { cron: "0 2 * * 0" }
      incremental: { cron: "0 2 * * 1-6" }
    verify: { cron: "0 5 * * 6", sample: 100% }
    drill:
      cron: "0 4 * * 0"
      target: random
      assert: [{ sql: "select 40 + 2", is: 42 }]
`;

let directory: string;
let cluster: TestCluster;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 17, settings: { summarize_wal: 'on' } });
  await makeRepository(path.join(directory, 'repository'));
  await writeConfig(directory, cluster, path.join(directory, 'repository'));
  await mkdir(path.join(directory, 'backups'));
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES);
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

async function job(name: string): Promise<CliResult> {
  const env = { DBADMIN_SCRATCH: directory, XDG_STATE_HOME: path.join(directory, 'state') };
  return await runCli(['schedule', 'run', name], { cwd: directory, env });
}

test('E4: a schedule takes its backups, verifies them, and proves one by a drill with the assertions of the policy', async () => {
  for (const name of ['app.full', 'app.incremental', 'app.verify', 'app.drill']) {
    const { status, stderr, stdout } = await job(name);
    expect({ name, status, said: status === 0 ? '' : `${stdout}${stderr}` }).toEqual({ name, status: 0, said: '' });
  }
  const { stdout } = await runCli(['backup', 'list', '--json'], { cwd: directory });
  const { backups } = JSON.parse(stdout) as { backups: readonly { kind: string; proven: { verdict: string } | null }[] };
  expect(backups.map(({ kind }) => kind)).toEqual(['full', 'incremental']);
  expect(backups.filter(({ proven }) => proven?.verdict === 'passed')).toHaveLength(1);

  // A drill that does not pass is a job that failed.
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES.replace('is: 42', 'is: 43'));
  expect(await job('app.drill')).toMatchObject({ status: 1, stderr: expect.stringContaining('ended with status 3') });
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInProcess } from '../../backup/in-process.ts';

let directory: string;
let config: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'check-away-'));
  config = path.join(directory, 'dbadmin.yaml');
  await mkdir(path.join(directory, 'backups'));
  await writeFile(
    config,
    `version: 1
clusters:
  main: { host: 127.0.0.1, port: 1, user: nobody, password: hunter2, repositories: [local] }
repositories:
  local: { type: disk, path: ${JSON.stringify(path.join(directory, 'repository'))} }
`,
    { mode: 0o600 },
  );
  const policies = 'version: 1\npolicies:\n  app: { cluster: main, repositories: [local], base: { full: { cron: "@weekly" } } }\n';
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), policies);
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

test('backup check of a server that nobody reaches does not offer dumps, which would not reach it either', async () => {
  const { stdout } = await runInProcess(['backup', 'check', '--json', '--config', config], {});
  const { findings } = JSON.parse(stdout) as { findings: readonly { what: string; state: string; fix?: string }[] };
  for (const what of ['replication', 'connection'])
    expect(findings.find((each) => each.what === what)).toMatchObject({
      state: 'problem',
      fix: expect.stringContaining('the server runs'),
    });
  expect(findings.find(({ fix }) => fix?.includes('base: none'))).toBeUndefined();
});

test('a secret in plain text is warned of once, however often a command reads its project', async () => {
  const { stderr } = await runInProcess(['backup', 'check', '--config', config], {});
  expect(stderr.match(/password is written in the file/g)).toHaveLength(1);
});

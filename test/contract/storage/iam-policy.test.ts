import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-iam-'));
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1
clusters: { main: { url: "postgresql://127.0.0.1/app", repositories: [local, offsite] } }
repositories:
  local: { type: disk, path: ./repository }
  offsite: { type: s3, bucket: acme, prefix: shop, region: eu-west-1, object_lock: 30d }
`,
  );
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function iamPolicy(words: string): Promise<CommandEnd> {
  return await runInProcess(['repository', 'iam-policy', ...words.split(' '), '--config', path.join(directory, 'dbadmin.yaml')], {});
}

it('repository iam-policy prints a document to paste, of the first repository on S3', async () => {
  const end = await iamPolicy('--for writer');
  expect(end).toMatchObject({ status: 0, stderr: '' });
  const policy = JSON.parse(end.stdout) as { readonly Version: string; readonly Statement: readonly { readonly Sid: string }[] };
  expect(policy.Version).toBe('2012-10-17');
  expect(policy.Statement.map(({ Sid }) => Sid)).toContain('Lock');
  expect(end.stdout).toContain('arn:aws:s3:::acme/shop/');
  const asJson = await iamPolicy('--for writer --json');
  expect(JSON.parse(asJson.stdout)).toEqual({ repository: 'offsite', role: 'writer', policy });
});

it('repository iam-policy is refused for a directory, and without a role', async () => {
  expect(await iamPolicy('--for writer --repository local')).toMatchObject({ status: 64, stderr: expect.stringContaining('on S3') });
  await expect(iamPolicy('--repository offsite')).resolves.toMatchObject({ status: 64, stderr: expect.stringContaining('--for writer') });
  expect(await iamPolicy('--for auditor')).toMatchObject({ status: 64 });
});

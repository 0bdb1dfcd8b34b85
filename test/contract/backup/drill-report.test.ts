import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signReport } from '../../../src/backup/drill/signature.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { CLUSTER, SYSTEM_IDENTIFIER } from '../../backup/full-repository.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeRepository } from '../../backup/repository.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-report-'));
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1
clusters: { main: { url: "postgresql://127.0.0.1:1/app", repositories: [local] } }
repositories: { local: { type: disk, path: ./repository } }
`,
  );
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('an old report that is laid down as a new one is no report of that drill, though its signature fits', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const trusted = path.join(directory, 'drill.pub');
  await writeFile(trusted, publicKey.export({ type: 'spki', format: 'pem' }));
  const repository = await makeRepository(path.join(directory, 'repository'));
  await ensureClusterIdentity(repository, CLUSTER);
  const write = async (day: number, of: (label: string) => unknown): Promise<string> => {
    const at = new Date(Date.UTC(2026, 10, day));
    return await writeReport(repository, SYSTEM_IDENTIFIER, 'drill', at, (label) => ({
      header: { label, systemIdentifier: SYSTEM_IDENTIFIER, finishedAt: at.toISOString() },
      body: of(label),
    }));
  };
  const signed = (label: string, systemIdentifier: string): unknown =>
    signReport({ label, systemIdentifier, cluster: 'main', finishedAt: '2026-11-01T00:00:00.000Z', verdict: 'passed' }, privateKey);
  const old = await write(1, (label) => signed(label, SYSTEM_IDENTIFIER));
  const copied = await write(22, () => signed(old, SYSTEM_IDENTIFIER));
  const elsewhere = await write(23, (label) => signed(label, '7600000000000000009'));
  const ask = async (option: string, label: string): Promise<CommandEnd> =>
    await runInProcess(
      ['backup', 'drill', option, label, '--trusted-key', trusted, '--system-identifier', SYSTEM_IDENTIFIER].concat([
        '--config',
        path.join(directory, 'dbadmin.yaml'),
      ]),
      { XDG_STATE_HOME: directory },
    );
  expect(await ask('--verify-report', old)).toMatchObject({ status: 0, stdout: expect.stringContaining(`as signed  ${old}`) });
  for (const label of [copied, elsewhere])
    for (const option of ['--verify-report', '--show']) {
      const { status, stderr } = await ask(option, label);
      expect([status, stderr]).toEqual([1, expect.stringContaining(`the report stored as ${label} is that of another drill`)]);
    }
});

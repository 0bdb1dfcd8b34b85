import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copySealed } from '../../../src/backup/sync/sealed-copy-run.ts';
import { UncopiedList } from '../../../src/backup/sync/uncopied-run.ts';
import { listFindings, type AuditFinding } from '../../../src/repository/audit-findings.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { writeManifest, type BackupSummary } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const lsnsOf = (n: number): Partial<BackupSummary> => ({ startLsn: `0/${n}000028`, stopLsn: `0/${n}000120` });
const audit = { comparedWith: 'I1', pages: 9, benign: 0, mismatches: [{ path: 'base/5/1', block: 7 }] };
const F1 = summaryOf('F1', lsnsOf(1));
const I1 = summaryOf('I1', { ...lsnsOf(2), kind: 'incremental', parent: 'F1' });
const F2 = summaryOf('F2', { ...lsnsOf(3), audit });
const I2 = summaryOf('I2', { ...lsnsOf(4), kind: 'incremental', parent: 'F2' });
const F3 = summaryOf('F3', lsnsOf(5));

let directory: string;
let near: Repository;
let far: Repository;

beforeEach(async () => {
  directory = await makeDirectory();
  near = await repositoryOf('near', [I1, F2, F3]);
  far = await repositoryOf('far', [F1, I1, F2, I2]);
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1
clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none", repositories: [near, far, spare] } }
repositories:
${['near', 'far', 'spare'].map((name) => `  ${name}: { type: disk, path: ${JSON.stringify(path.join(directory, name))} }\n`).join('')}`,
    { mode: 0o600 },
  );
});

afterEach(async () => {
  await near.store.close();
  await far.store.close();
  await removeDirectory(directory);
});

async function repositoryOf(name: string, backups: readonly BackupSummary[]): Promise<Repository> {
  await mkdir(path.join(directory, name), { recursive: true });
  const repository = await makeMemoryRepository(false, await openDiskStore(path.join(directory, name)));
  const cluster = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 };
  await ensureClusterIdentity(repository, cluster);
  for (const backup of backups) await writeManifest(repository, backup, []);
  return repository;
}

async function acknowledge(sound: AuditFinding['sound'], ...more: readonly string[]): Promise<CommandEnd> {
  const words = ['backup', 'acknowledge', 'F2', '--sound', sound, '--reason', 'looked', ...more];
  return await runInProcess([...words, '--yes', '--config', path.join(directory, 'dbadmin.yaml')], { XDG_STATE_HOME: directory });
}

const sync = async (from: Repository, to: Repository): Promise<number> =>
  await copySealed(from, to, { systemIdentifier: SYSTEM, uncopied: new UncopiedList(from), namesakes: new Set() });

test.each([
  ['audited', ['I1', 'F1']],
  ['earlier', ['F2', 'F3', 'I2']],
] as const)('what is said of %s is one finding in every repository, of what any of them has', async (sound, wrong) => {
  const spare = await repositoryOf('spare', [I1]);
  expect(await acknowledge(sound)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(`wrong from now on: ${wrong.join(', ')}\n`),
  });
  const findings = await listFindings(near, SYSTEM);
  expect(findings).toMatchObject([{ label: 'F2', sound, wrong, began: { timeline: 1, lsn: F2.startLsn } }]);
  expect(await listFindings(far, SYSTEM)).toEqual(findings);
  // It has not got the audited one, and may have got the wrong ones.
  expect(await listFindings(spare, SYSTEM)).toEqual(findings);
  expect([await sync(near, far), await sync(far, near)]).toEqual([0, 0]);
  await spare.store.close();
});

test('what is said of one repository after another is the same in both once they are equal, until somebody says the other', async () => {
  expect(await acknowledge('audited', '--repository', 'far')).toMatchObject({ status: 0 });
  expect(await acknowledge('earlier', '--repository', 'far')).toMatchObject({ status: 0 });
  expect(await acknowledge('earlier', '--repository', 'near')).toMatchObject({ status: 0 });
  await sync(near, far);
  await sync(far, near);
  const findings = await listFindings(near, SYSTEM);
  expect(findings).toMatchObject([{ sound: 'earlier', wrong: ['F2', 'I2', 'F3'] }]);
  expect(await listFindings(far, SYSTEM)).toEqual(findings);
  expect(await acknowledge('audited', '--repository', 'near')).toMatchObject({ status: 0 });
  expect(await listFindings(near, SYSTEM)).toMatchObject([{ sound: 'audited', wrong: ['I1'] }]);
});

test('nothing is said where no repository knows of a mismatch, or one cannot be asked', async () => {
  expect(await acknowledge('audited')).toMatchObject({ status: 10 });
  expect(await listFindings(near, SYSTEM)).toEqual([]);
  const spare = await repositoryOf('spare', [I1]);
  expect(await acknowledge('audited', '--repository', 'spare')).toMatchObject({ status: 1, stderr: expect.stringContaining('no audit') });
  await spare.store.close();
});

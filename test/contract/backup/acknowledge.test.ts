import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { suspicionsOf } from '../../../src/backup/suspicion.ts';
import { copySealed } from '../../../src/backup/sync/sealed-copy-run.ts';
import { UncopiedList } from '../../../src/backup/sync/uncopied-run.ts';
import { listFindings, type AuditFinding } from '../../../src/repository/audit-findings.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { listBackups, writeManifest, type BackupSummary } from '../../../src/repository/manifest.ts';
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
  await copySealed(from, to, { systemIdentifier: SYSTEM, uncopied: new UncopiedList(from), namesakes: new Set(), everything: true });

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

test('of both, nothing is wrong any more, whatever was said before', async () => {
  const spare = await repositoryOf('spare', [I1]);
  expect(await acknowledge('audited')).toMatchObject({ status: 0 });
  expect(await acknowledge('both')).toMatchObject({ status: 0, stdout: expect.stringContaining('no backup is wrong\n') });
  const findings = await listFindings(near, SYSTEM);
  expect(findings).toMatchObject([{ label: 'F2', sound: 'both', wrong: [] }]);
  expect(suspicionsOf(await listBackups(near, SYSTEM), findings)).toEqual({ open: [], byLabel: new Map(), unjudged: [] });
  await spare.store.close();
});

test.each([
  ['F3', 'the cluster lost what was there'],
  ['I1', 'the cluster may have lost what was there'],
] as const)('before it asks, it says what becomes of pages that were emptied since %s', async (comparedWith, lost) => {
  const mismatches = [{ path: 'base/5/1', block: 8, emptied: true as const }, ...audit.mismatches];
  await writeManifest(near, summaryOf('F4', { ...lsnsOf(6), audit: { ...audit, comparedWith, mismatches } }), []);
  const words = [
    'backup',
    'acknowledge',
    'F4',
    '--reason',
    'looked',
    '--repository',
    'near',
    '--config',
    path.join(directory, 'dbadmin.yaml'),
  ];
  const told = async (sound: string): Promise<string> =>
    (await runInProcess([...words, '--sound', sound], { XDG_STATE_HOME: directory })).stderr;
  for (const sound of ['audited', 'both'])
    expect(await told(sound)).toContain(
      `1 of the 2 pages is all zeros (emptied): ${lost}; with --sound ${sound} the backups that have it may expire`,
    );
  expect(await told('earlier')).toContain(`${lost}; bring it back first`);
  expect(await listFindings(near, SYSTEM)).toEqual([]);
});

test('nothing is said where no repository knows of a mismatch, or one cannot be asked', async () => {
  expect(await acknowledge('audited')).toMatchObject({ status: 10 });
  expect(await listFindings(near, SYSTEM)).toEqual([]);
  const spare = await repositoryOf('spare', [I1]);
  expect(await acknowledge('audited', '--repository', 'spare')).toMatchObject({ status: 1, stderr: expect.stringContaining('no audit') });
  await spare.store.close();
});

const unjudged = { pages: 3, files: 1, causes: [{ pages: 3, files: 1, paths: ['base/6/1'], reason: 'refused', wayOut: 'GRANT' }] };
const OPEN = /nothing tells of the 3 pages that nobody could judge \(base\/6\/1\): I1, which may have them right, may expire/;
const toldBy = async (repository: Repository): Promise<unknown> =>
  suspicionsOf(await listBackups(repository, SYSTEM), await listFindings(repository, SYSTEM)).unjudged;

test('what is said of a mismatch is said of pages that nobody could judge in the same audit, too, and that is told', async () => {
  const spare = await repositoryOf('spare', [I1, { ...F2, audit: { ...audit, unjudged } }]);
  expect(await toldBy(spare)).toMatchObject([{ audit: 'F2' }]);
  // The others have the same audit without such pages.
  expect(await acknowledge('audited')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('1 pages; wrong'),
    stderr: expect.stringMatching(OPEN),
  });
  expect(await toldBy(spare)).toEqual([]);
  await spare.store.close();
});

test('of pages that nobody could judge --sound both is said and nothing else, and ends that they are told of', async () => {
  const spare = await repositoryOf('spare', [I1, { ...F2, audit: { ...audit, mismatches: [], unjudged } }, F3]);
  expect(await toldBy(spare)).toEqual([{ audit: 'F2', comparedWith: 'I1', ...unjudged }]);
  for (const sound of ['audited', 'earlier'] as const)
    expect(await acknowledge(sound, '--repository', 'spare')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('found only pages that nobody could judge, of which nothing but --sound both'),
    });
  expect(await listFindings(spare, SYSTEM)).toEqual([]);
  expect(await acknowledge('both', '--repository', 'spare')).toMatchObject({
    status: 0,
    stdout: 'spare   no backup is wrong\n',
    stderr: expect.stringMatching(OPEN),
  });
  expect(await listFindings(spare, SYSTEM)).toMatchObject([{ label: 'F2', sound: 'both', wrong: [] }]);
  expect(await toldBy(spare)).toEqual([]);
  await spare.store.close();
});

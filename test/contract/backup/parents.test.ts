import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { openDestination } from '../../../src/backup/take/destination.ts';
import { inspectParents, type ChosenMode } from '../../../src/backup/take/parents-inspect.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { listUntrustedIndexes } from '../../../src/repository/untrusted-indexes.ts';
import { withFaults, type StoreCall } from '../../backup/failing-store.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const source = {
  systemIdentifier: SYSTEM,
  serverVersion: 180004,
  walSegmentBytes: 1024 * 1024,
  blockBytes: 8192,
  checksums: true,
};
const contents = (backup: string): Buffer[] => [1, 2, 3].map((n) => Buffer.from(`page ${n} of ${backup} `.repeat(500)));

/** A repository with the backups `older` and `newer`, of which the content may be another. */
async function repositoryWith({ newer = contents('newer') } = {}): Promise<Repository> {
  const repository = await makeMemoryRepository();
  for (const [label, content, startLsn] of [
    ['older', contents('older'), '0/2000028'],
    ['newer', newer, '0/3000028'],
  ] as const) {
    await writePacks(repository, content, new Date(0));
    await writeManifest(repository, summaryOf(label, { startLsn, stopLsn: startLsn }), [fileOf(content)]);
  }
  return repository;
}

interface Inspected extends ChosenMode {
  readonly warnings: readonly string[];
  readonly failed: readonly string[];
}

async function inspect(repositories: readonly Repository[]): Promise<Inspected> {
  const [warnings, failed]: [string[], string[]] = [[], []];
  const log = { ...silentLog, warn: (text: string) => void warnings.push(text) };
  const signal = new AbortController().signal;
  const opened = [];
  for (const [n, repository] of repositories.entries())
    opened.push(await openDestination({ name: `r${n}`, repository }, { source, clusterName: 'main', clock: systemClock, log, signal }));
  try {
    const chosen = await inspectParents(opened, {
      wanted: 'incremental',
      source,
      timeline: 1,
      serverMajor: 18,
      summarizesWal: true,
      log,
      onFailed: (name) => void failed.push(name),
    });
    return { ...chosen, warnings, failed };
  } finally {
    for (const { lease } of opened) await lease.release();
  }
}

async function flipBit({ store }: Repository, key: string, at: number): Promise<void> {
  const bytes = Buffer.from(await store.read(key));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await store.delete(key);
  await store.create(key, bytes);
}

test('the newest backup is built upon where every repository has it whole', async () => {
  const { mode, parents, warnings } = await inspect([await repositoryWith(), await repositoryWith()]);
  expect(mode).toMatchObject({ kind: 'blocks', parent: { label: 'newer' } });
  expect(parents.length).toBe(2);
  expect(warnings).toEqual([]);
});

test('a backup that only an index which is not encrypted makes whole is not built upon, and what mends that is said', async () => {
  const repository = await makeMemoryRepository(true);
  await writePacks({ ...repository, keys: undefined }, contents('older'), new Date(0));
  const [index] = await listUntrustedIndexes(repository, SYSTEM);
  await writeManifest(repository, summaryOf('older'), [fileOf(contents('older'))]);
  const { mode, warnings } = await inspect([repository]);
  expect(mode).toMatchObject({ kind: 'everything', reason: 'not every repository has all of backup older in an index to rely on' });
  expect(warnings).toEqual([
    `${index} in r0 is not encrypted: what only it names is stored again, unless dbadmin repository rebuild-index is run with the key first`,
    'backup older is not built upon in r0: content of it is in no index but those that are not encrypted, or in none',
  ]);
});

test('a backup whose manifest is damaged in one repository is passed over with a word, wherever the bit is', async () => {
  const key = backupKey(SYSTEM, 'newer');
  const sizeBytes = (await (await repositoryWith()).store.read(key)).byteLength;
  const headBytes = 16 + Buffer.from(await (await repositoryWith()).store.read(key)).readUInt32BE(12);
  for (let at = headBytes; at < sizeBytes; at += 3) {
    const [whole, rotten] = [await repositoryWith(), await repositoryWith()];
    await flipBit(rotten, key, at);
    const { mode, warnings, failed } = await inspect([whole, rotten]);
    expect(mode, `byte ${at}`).toMatchObject({ kind: 'blocks', parent: { label: 'older' } });
    expect(warnings).toEqual([expect.stringMatching(/manifest of newer in r1 cannot be read.*nothing is built upon it/)]);
    expect(failed).toEqual([]);
  }
});

test('where no backup can be read everything is, and the reason is said', async () => {
  const repository = await repositoryWith();
  for (const label of ['older', 'newer']) await flipBit(repository, backupKey(SYSTEM, label), -1 + (await sizeOf(repository, label)));
  expect((await inspect([repository])).mode).toEqual({ kind: 'everything', reason: 'every earlier backup is damaged' });
});

test('a backup whose content is not the same in two repositories is passed over, though both say that it is one', async () => {
  const other = await repositoryWith({ newer: contents('another') });
  const { mode, warnings } = await inspect([await repositoryWith(), other]);
  expect(mode).toMatchObject({ kind: 'blocks', parent: { label: 'older' } });
  expect(warnings).toEqual([expect.stringMatching(/backup newer is not the same in r0 and in r1/)]);
});

/** The repository, where these calls for manifests fail. */
function failing(repository: Repository, operations: readonly StoreCall['operation'][], isFailing: (key: string) => boolean): Repository {
  const fault = ({ operation, key }: StoreCall): void => {
    if (operations.includes(operation) && isFailing(key)) throw new DbadminError('storage-failed', 'nothing came');
  };
  return { ...repository, store: withFaults(repository.store, fault) };
}

test('a repository that fails while its backup is read is left out, and the others go on', async () => {
  const away = failing(await repositoryWith(), ['readStream', 'stat'], (key) => key.includes('/backups/'));
  const { mode, destinations, failed } = await inspect([away, await repositoryWith()]);
  expect(mode).toMatchObject({ kind: 'blocks', parent: { label: 'newer' } });
  expect(destinations.map(({ name }) => name)).toEqual(['r1']);
  expect(failed).toEqual(['r0']);
});

test('a manifest that alone cannot be read counts as damaged: a bad sector is no reason to leave a repository out', async () => {
  const bad = failing(await repositoryWith(), ['readStream'], (key) => key === backupKey(SYSTEM, 'newer'));
  const { mode, warnings, failed } = await inspect([bad, await repositoryWith()]);
  expect(mode).toMatchObject({ kind: 'blocks', parent: { label: 'older' } });
  expect(warnings).toEqual([expect.stringMatching(/newer in r0 .*nothing is built upon it/)]);
  expect(failed).toEqual([]);
});

async function sizeOf({ store }: Repository, label: string): Promise<number> {
  return (await store.read(backupKey(SYSTEM, label))).byteLength;
}

test('on one that a verification found broken nothing is built: everything is read, so that a whole one comes of it', async () => {
  const [sound, hurt] = [await repositoryWith(), await repositoryWith()];
  const finishedAt = '2026-11-21T09:00:00.000Z';
  const label = await writeReport(hurt, SYSTEM, 'verification', new Date(finishedAt), (name) => ({
    header: { label: name, systemIdentifier: SYSTEM, finishedAt, extent: 'everything', isSound: false, faults: 1, rechecked: [] },
    body: {
      faults: [{ object: 'x' }],
      faultCount: 1,
      backups: [{ label: 'newer', reasons: [], files: 1 }],
      soundBackups: ['older'],
      dumps: [],
    },
  }));
  const { mode, warnings } = await inspect([sound, hurt]);
  expect(mode).toMatchObject({ kind: 'audit', parent: { label: 'newer' } });
  expect(warnings).toEqual([`backup newer does not restore whole from r1, as ${label} found`]);
});

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { listHolds } from '../../../src/repository/holds.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';

async function repositoryOf(directory: string, labels: readonly string[]): Promise<Repository> {
  await mkdir(directory);
  const repository = await makeMemoryRepository(false, await openDiskStore(directory));
  await ensureClusterIdentity(repository, { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 });
  for (const label of labels) await writeManifest(repository, summaryOf(label), []);
  return repository;
}

test('a hold that came too late in the only repository that had the backup fails, though the others can be looked into', async () => {
  const directory = await makeDirectory();
  onTestFinished(async () => await removeDirectory(directory));
  const near = await repositoryOf(path.join(directory, 'near'), ['old', 'new']);
  const far = await repositoryOf(path.join(directory, 'far'), ['new']);
  const place = (name: string): string => `  ${name}: { type: disk, path: ${JSON.stringify(path.join(directory, name))} }\n`;
  const config = path.join(directory, 'dbadmin.yaml');
  const clusters = 'clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none", repositories: [near, far] } }';
  await writeFile(config, `version: 1\n${clusters}\nrepositories:\n${place('near')}${place('far')}`, { mode: 0o600 });

  const lease = await acquireLease(near, SYSTEM, 'expire', { clock: systemClock, log: silentLog, command: 'backup expire' });
  const holding = runInProcess(['backup', 'hold', 'old', '--reason', 'audit', '--config', config], { XDG_STATE_HOME: directory });
  await vi.waitFor(async () => expect(await listHolds(near, SYSTEM)).toHaveLength(1), { timeout: 30_000 });
  await near.store.delete(backupKey(SYSTEM, 'old'));
  expect(await holding).toMatchObject({ status: 1, stderr: expect.stringContaining('while the hold was being placed\n') as string });
  await lease.release();
  await near.store.close();
  await far.store.close();
});

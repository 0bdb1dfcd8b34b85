import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { inspectBackups, writeManifest } from '../../../src/repository/manifest.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const badSector = (): DbadminError => new DbadminError('storage-failed', 'reading it failed', { detail: 'EIO: i/o error, read.' });

/** Two backups, and a store that cannot read the manifest of the first. */
async function withBadSector(): Promise<Repository> {
  const repository = await makeMemoryRepository(false);
  for (const label of ['a', 'b']) await writeManifest(repository, summaryOf(label), []);
  const { store } = repository;
  const readRange: typeof store.readRange = async (key, ...rest) => {
    if (key === backupKey(SYSTEM, 'a')) throw badSector();
    return await store.readRange(key, ...rest);
  };
  return { ...repository, store: { ...passThrough(store), readRange } };
}

test('a manifest on a bad sector hides no other', async () => {
  const { backups, damaged } = await inspectBackups(await withBadSector(), SYSTEM);
  expect(backups.map(({ label }) => label)).toEqual(['b']);
  expect(damaged.map(({ key, error }) => [key, error.code])).toEqual([[backupKey(SYSTEM, 'a'), 'repository-damaged']]);
});

test('where the storage itself does not answer nothing is called damaged', async () => {
  const repository = await withBadSector();
  const probe = async (): Promise<void> => await Promise.reject(new DbadminError('storage-failed', 'it does not answer'));
  await expect(inspectBackups({ ...repository, store: { ...repository.store, probe } }, SYSTEM)).rejects.toMatchObject({
    code: 'storage-failed',
    message: 'it does not answer',
  });
});

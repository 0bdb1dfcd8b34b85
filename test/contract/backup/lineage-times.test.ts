import { expect, test } from 'vitest';
import { dumpLabel, dumpManifestKey } from '../../../src/backup/dump/layout.ts';
import { firstMade, listMade, wentOn } from '../../../src/backup/lineage-times-inspect.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const day = (of: number): Date => new Date(Date.UTC(2026, 10, of, 2));
const CLUSTER = { systemIdentifier: SYSTEM, name: 'alpha', serverVersion: 180004, walSegmentBytes: 1024 * 1024 };

/** A repository into which a backup of the 3rd and a dump of the 4th come on the `storedOn`th. */
async function repositoryOf(storedOn: number): ReturnType<typeof makeMemoryRepository> {
  const repository = await makeMemoryRepository(false, createMemoryStore(new ManualClock(day(storedOn).getTime())));
  await writeManifest(repository, summaryOf('20261103T020000Z-full', { finishedAt: day(3).toISOString() }), []);
  await repository.store.create(dumpManifestKey(`${SYSTEM}/`, dumpLabel(day(4))), Buffer.from('{}'));
  return repository;
}

test('backups and dumps are told with what the tool and what the store say of their times', async () => {
  const repository = await repositoryOf(9);
  await repository.store.create(backupKey(SYSTEM, '20261105T020000Z-full'), Buffer.from('damaged'));
  const { made, damaged } = await listMade(repository, SYSTEM, day(20));
  expect(made).toEqual([
    { saidAt: day(3), storedAt: day(9) },
    { saidAt: day(4), storedAt: day(9) },
  ]);
  expect(damaged.map(({ key }) => key)).toEqual([backupKey(SYSTEM, '20261105T020000Z-full')]);
  expect(firstMade(made)).toEqual(day(9));
  expect(firstMade([])).toBeUndefined();
});

test.each([
  ['with a backup or a dump after it went on', 5, 3, 20, true],
  ['with all of them before it did not', 5, 4, 20, false],
  ['that was copied after it did not, whenever that was', 9, 6, 20, false],
  ['with a moment that has not come yet is not known to', 5, 3, 3, false],
])('a lineage %s', async (_, storedOn, since, now, isOn) => {
  const repository = await repositoryOf(storedOn);
  const { made } = await listMade(repository, SYSTEM, day(20));
  expect(await wentOn(repository, CLUSTER, made, { since: day(since), now: day(now) })).toBe(isOn);
});

import { expect, test } from 'vitest';
import { aimAt, type AimedTarget } from '../../../src/backup/drill/target.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { CLUSTER, SEGMENT_BYTES, segmentBytes, segmentOf, SYSTEM_IDENTIFIER, writeBackup } from '../../backup/full-repository.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

const SEEDS = Array.from({ length: 20 }, (_, n) => `seed ${n}`);

test('a random moment of one backup is one that this backup reaches, whatever others do', async () => {
  const repository = await makeMemoryRepository();
  await ensureClusterIdentity(repository, CLUSTER);
  // Ended at 01:01 and 08:01; what came after the first is known until 09:00.
  await writeBackup(repository, 'older', 1);
  await writeBackup(repository, 'newer', 8);
  const archive = new WalArchive(repository, SYSTEM_IDENTIFIER, SEGMENT_BYTES);
  const times = { receivedAt: new Date(), coveredUntil: undefined };
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9]) await archive.putSegment(segmentOf(n), segmentBytes(n), times);
  await archive.putHorizon(1, BigInt(9 * SEGMENT_BYTES), new Date(Date.UTC(2026, 10, 21, 9)));
  const draw = async (backup: string | undefined, seed: string): Promise<AimedTarget> =>
    await aimAt({ repository, clusterName: 'main', systemIdentifier: undefined, backup }, { kind: 'random', seed });
  const moments = async (backup: string | undefined): Promise<readonly string[]> => {
    const drawn = await Promise.all(SEEDS.map(async (seed) => (await draw(backup, seed)).described.moment));
    return drawn.map((moment) => moment ?? 'none').sort();
  };
  const first = '2026-11-21T08:01:00.000Z';
  const ofNewer = await moments('newer');
  expect(ofNewer[0]?.localeCompare(first)).toBe(1);
  expect(ofNewer.at(-1)?.localeCompare('2026-11-21T09:00:00.000Z')).toBeLessThanOrEqual(0);
  expect((await moments(undefined))[0]?.localeCompare(first)).toBe(-1);
  expect((await moments('older'))[0]?.localeCompare(first)).toBe(-1);
});

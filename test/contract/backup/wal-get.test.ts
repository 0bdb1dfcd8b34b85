import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { fetchFromAny, type FetchOptions } from '../../../src/backup/wal/fetch-any.ts';
import { fetchWal } from '../../../src/backup/wal/get-run.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { recordGap } from '../../../src/repository/gap-record.ts';
import { historyKey } from '../../../src/repository/layout.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { writeManifest, type BackupSummary } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { damage, flipBody } from '../../backup/damage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf } from '../../backup/small-backups.ts';
import { contentOf, nameOf, SEGMENT_BYTES, startOf, SYSTEM } from '../../backup/wal-segments.ts';

const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const times = { receivedAt: new Date(0), coveredUntil: undefined };

interface Stored {
  readonly repository: Repository;
  readonly archive: WalArchive;
}

/** A repository with these segments whole, and so many bytes of the one after them. */
async function repositoryWith(whole: readonly number[], open?: { readonly segment: number; readonly bytes: number }): Promise<Stored> {
  const repository = await makeMemoryRepository();
  await ensureClusterIdentity(repository, CLUSTER);
  const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
  for (const n of whole) await archive.putSegment(nameOf(n), contentOf(n), times);
  if (open !== undefined) await archive.putPart(nameOf(open.segment), 0, contentOf(open.segment).subarray(0, open.bytes), times);
  return { repository, archive };
}

const placeOf = (name: string, { repository }: Stored): FetchOptions['places'][number] => ({
  name,
  open: async () => await Promise.resolve(repository),
});
const away: FetchOptions['places'][number] = {
  name: 'away',
  open: async () => await Promise.reject(new DbadminError('storage-failed', 'the store is away')),
};

async function fetch(n: number, places: FetchOptions['places']): Promise<Awaited<ReturnType<typeof fetchFromAny>>> {
  return await fetchFromAny(nameOf(n), { places, clusterName: 'main', systemIdentifier: undefined, log: silentLog });
}

test('a segment of which one repository has only the beginning comes whole from another', async () => {
  const behind = placeOf('behind', await repositoryWith([3], { segment: 4, bytes: 5000 }));
  const current = placeOf('current', await repositoryWith([3, 4, 5]));
  for (const places of [
    [behind, current],
    [current, behind],
  ]) {
    const found = await fetch(4, places);
    expect(found).toMatchObject({ isWhole: true, storedBytes: SEGMENT_BYTES });
    expect(found?.bytes.equals(contentOf(4))).toBe(true);
  }
});

test('only when every repository was asked is the beginning of a segment the end of the archive, and the longest is given', async () => {
  const short = placeOf('short', await repositoryWith([3], { segment: 4, bytes: 5000 }));
  const long = placeOf('long', await repositoryWith([3], { segment: 4, bytes: 9000 }));
  const none = placeOf('none', await repositoryWith([3]));
  const found = await fetch(4, [short, none, long]);
  expect(found).toMatchObject({ isWhole: false, storedBytes: 9000 });
  expect(found?.bytes.equals(Buffer.concat([contentOf(4).subarray(0, 9000), Buffer.alloc(SEGMENT_BYTES - 9000)]))).toBe(true);
  await expect(fetch(4, [short, away])).rejects.toMatchObject({ code: 'storage-failed' });
  const holed = placeOf('holed', await repositoryWith([3, 5]));
  await expect(fetch(4, [short, holed])).rejects.toMatchObject({ code: 'wal-missing' });
});

test('what an ancestor timeline lacks before it was left is a hole and not its end', async () => {
  const { repository, archive } = await repositoryWith([3, 4]);
  await archive.putHistory(2, Buffer.from(`1\t${formatLsn(startOf(7) + 0x100n)}\tno recovery target specified\n`));
  const source = { repository, clusterName: 'main', systemIdentifier: undefined };
  await expect(fetchWal(source, nameOf(5))).rejects.toMatchObject({
    code: 'wal-missing',
    message: `WAL segment ${nameOf(5)} is not in the archive, and timeline 2 goes on from ${formatLsn(startOf(7) + 0x100n)} of this one`,
  });
  // Timeline 2 has the segment in which this one was left, and this one may have gone on elsewhere.
  expect(await fetchWal(source, nameOf(7))).toBeUndefined();
  expect(await fetchWal(source, nameOf(8))).toBeUndefined();
});

test('behind a damaged history of a later timeline nothing is the end, but where WAL of that one shows that it began before', async () => {
  const { repository, archive } = await repositoryWith([3, 4]);
  await archive.putHistory(2, Buffer.from(`1\t${formatLsn(startOf(7) + 0x100n)}\tno recovery target specified\n`));
  await damage(repository.store, historyKey(SYSTEM, 2), flipBody);
  const source = { repository, clusterName: 'main', systemIdentifier: undefined };
  const damaged = { code: 'repository-damaged', message: `${historyKey(SYSTEM, 2)} is damaged` };
  await expect(fetchWal(source, nameOf(5))).rejects.toMatchObject(damaged);
  const ofSecond = (n: number): string => `00000002${nameOf(n).slice(8)}`;
  await archive.putSegment(ofSecond(6), contentOf(6), times);
  await expect(fetchWal(source, nameOf(5))).rejects.toMatchObject(damaged);
  await archive.putSegment(ofSecond(5), contentOf(5), times);
  expect(await fetchWal(source, nameOf(5))).toBeUndefined();
});

test.each<[string, next: number]>([
  ['nothing', 0],
  ['less than the old one', 5000],
])(
  'of the segment in which a timeline begins, the old one gives what is before the switch where the new one has %s of it',
  async (_, next) => {
    const { repository, archive } = await repositoryWith([3, 4, 5]);
    await archive.putHistory(2, Buffer.from(`1\t${formatLsn(startOf(4) + 9000n)}\tno recovery target specified\n`));
    if (next > 0) await archive.putPart(nameOf(4, 2), 0, contentOf(4).subarray(0, next), times);
    const source = { repository, clusterName: 'main', systemIdentifier: undefined };
    const found = await fetchWal(source, nameOf(4, 2));
    expect(found).toMatchObject({ isWhole: false, storedBytes: 9000 });
    expect(found?.bytes.equals(Buffer.concat([contentOf(4).subarray(0, 9000), Buffer.alloc(SEGMENT_BYTES - 9000)]))).toBe(true);
    expect(await fetchWal(source, nameOf(5, 2))).toBeUndefined();
    await archive.putSegment(nameOf(4, 2), contentOf(4), times);
    expect(await fetchWal(source, nameOf(4, 2))).toMatchObject({ isWhole: true });
  },
);

test('a recorded gap is not the end of the archive', async () => {
  const { repository } = await repositoryWith([3], { segment: 4, bytes: 5000 });
  const source = { repository, clusterName: 'main', systemIdentifier: undefined };
  expect(await fetchWal(source, nameOf(4))).toMatchObject({ isWhole: false });
  const gap = {
    timeline: 1,
    fromLsn: startOf(4) + 5000n,
    toLsn: startOf(6),
    reason: 'slot-missing',
    noticedAt: '2026-11-21T00:00:00Z',
  } as const;
  await recordGap(repository, SYSTEM, gap);
  for (const n of [4, 5]) {
    await expect(fetchWal(source, nameOf(n))).rejects.toMatchObject({
      code: 'wal-missing',
      message: expect.stringContaining('the server had removed it when it was asked for'),
    });
  }
  expect(await fetchWal(source, nameOf(6))).toBeUndefined();
});

test('what is no name of a WAL file is refused, and not the end of the archive', async () => {
  const { repository } = await repositoryWith([3, 4]);
  const source = { repository, clusterName: 'main', systemIdentifier: undefined };
  // As %p, as a name with something behind it, as a variable that was not replaced.
  for (const name of ['pg_wal/RECOVERYXLOG', `pg_wal/${nameOf(3)}`, `${nameOf(3)}.gz`, nameOf(3).toLowerCase().replace('1', 'a'), '%f', ''])
    await expect(fetchWal(source, name)).rejects.toMatchObject({ code: 'wal-name-invalid', message: `"${name}" is not a WAL file` });
  expect(await fetchWal(source, nameOf(5))).toBeUndefined();
  expect(await fetchWal(source, '00000002.history')).toBeUndefined();
});

const sourceOf = (repository: Repository) => ({ repository, clusterName: 'main', systemIdentifier: undefined });

test('what a horizon says was here is a hole and not the end: all of a segment, or the rest of one', async () => {
  const { repository, archive } = await repositoryWith([3], { segment: 4, bytes: 5000 });
  const at = new Date('2026-11-21T00:00:00Z');
  await archive.putHorizon(1, startOf(4) + 5000n, at);
  expect(await fetchWal(sourceOf(repository), nameOf(4))).toMatchObject({ storedBytes: 5000 });
  expect(await fetchWal(sourceOf(repository), nameOf(5))).toBeUndefined();
  await archive.putHorizon(1, startOf(6) + 9n, new Date(at.getTime() + 1));
  for (const n of [4, 5, 6]) {
    await expect(fetchWal(sourceOf(repository), nameOf(n))).rejects.toMatchObject({
      code: 'wal-missing',
      message: `WAL segment ${nameOf(n)} is not in the archive, and all WAL before ${formatLsn(startOf(6) + 9n)} was here on 2026-11-21T00:00:00.001Z`,
    });
  }
  expect(await fetchWal(sourceOf(repository), nameOf(7))).toBeUndefined();
  expect(await fetchWal(sourceOf(repository), nameOf(6, 2))).toBeUndefined();
  // As the receiver leaves it when it has just begun a segment.
  await archive.putHorizon(1, startOf(5), new Date(at.getTime() + 2));
  await archive.putSegment(nameOf(4), contentOf(4), times);
  expect(await fetchWal(sourceOf(repository), nameOf(5))).toBeUndefined();
});

test('where a backup was taken behind it on the timeline, what is absent is a hole', async () => {
  const { repository } = await repositoryWith([3], { segment: 4, bytes: 5000 });
  const backup = (label: string, timeline: number): BackupSummary =>
    summaryOf(label, {
      systemIdentifier: SYSTEM,
      walSegmentBytes: SEGMENT_BYTES,
      startLsn: formatLsn(startOf(6) + 0x28n),
      stopLsn: formatLsn(startOf(6) + 0x120n),
      startTimeline: timeline,
      stopTimeline: timeline,
    });
  await writeManifest(repository, backup('20261121T000000Z-full', 2), []);
  expect(await fetchWal(sourceOf(repository), nameOf(4))).toMatchObject({ storedBytes: 5000 });
  expect(await fetchWal(sourceOf(repository), nameOf(5))).toBeUndefined();
  await writeManifest(repository, backup('20261121T000001Z-full', 1), []);
  for (const n of [4, 5, 6]) {
    await expect(fetchWal(sourceOf(repository), nameOf(n))).rejects.toMatchObject({
      code: 'wal-missing',
      message: `WAL segment ${nameOf(n)} is not in the archive, and backup 20261121T000001Z-full needs WAL up to ${formatLsn(startOf(6) + 0x120n)}`,
    });
  }
  expect(await fetchWal(sourceOf(repository), nameOf(7))).toBeUndefined();
});

test('how far a server went on after its timeline was left proves no hole: recovery along the next one looks for its segments, too', async () => {
  const { repository, archive } = await repositoryWith([3, 4]);
  await archive.putHorizon(1, startOf(9), new Date('2026-11-21T00:00:00Z'));
  await expect(fetchWal(sourceOf(repository), nameOf(5))).rejects.toMatchObject({ code: 'wal-missing' });
  await archive.putHistory(2, Buffer.from(`1\t${formatLsn(startOf(5) + 0x100n)}\tno recovery target specified\n`));
  for (const n of [5, 6, 7, 8]) expect(await fetchWal(sourceOf(repository), nameOf(n))).toBeUndefined();
  // What timeline 2 has is not looked for in its history.
  await damage(repository.store, historyKey(SYSTEM, 2), flipBody);
  await archive.putSegment(nameOf(5, 2), contentOf(5), times);
  expect(await fetchWal(sourceOf(repository), nameOf(5))).toBeUndefined();
});

test('a segment that comes while its absence is proven is given', async () => {
  const { repository, archive } = await repositoryWith([3]);
  await archive.putHorizon(1, startOf(5), new Date('2026-11-21T00:00:00Z'));
  let asked = 0;
  const late = {
    ...passThrough(repository.store),
    stat: async (key: string) => {
      if (key.endsWith(nameOf(4)) && (asked += 1) === 5) await archive.putSegment(nameOf(4), contentOf(4), times);
      return await repository.store.stat(key);
    },
  };
  expect(await fetchWal(sourceOf({ ...repository, store: late }), nameOf(4))).toMatchObject({ isWhole: true });
});

import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { readMoments } from '../../../src/backup/recovery-inspect.ts';
import { recoverableUntil, type Lineage } from '../../../src/backup/restore/recover-along.ts';
import type { LayoutPlan } from '../../../src/backup/restore/plan.ts';
import { makeAside, moveAside } from '../../../src/backup/restore/unstored-wal-apply.ts';
import { inspectUnstoredAside } from '../../../src/backup/restore/unstored-wal-inspect.ts';
import type { UnstoredAside } from '../../../src/backup/restore/unstored-wal.ts';
import { salvageWal, type SalvagedStretch } from '../../../src/backup/wal/salvage-run.ts';
import { inspectUnstoredWal, type UnstoredWal } from '../../../src/backup/wal/unstored-inspect.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { historyName } from '../../../src/postgres/segment.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { provenUntil, WalArchive } from '../../../src/repository/wal-archive.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { nameOf, SEGMENT_BYTES, startOf, SYSTEM } from '../../backup/wal-segments.ts';
import { endData, WalBuilder } from '../../unit/postgres/wal-builder.ts';

const MAJOR = 17;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 170004, walSegmentBytes: SEGMENT_BYTES };
const times = { receivedAt: new Date(0), coveredUntil: undefined };
const filler = (bytes: number): Parameters<WalBuilder['add']>[0] => ({ xid: 7, manager: 10, info: 0, data: Buffer.alloc(bytes, 5) });
const commit = { xid: 7, manager: 1, info: 0, data: Buffer.concat([endData(800_000_000_000_000n), Buffer.alloc(200)]) };

/** Segments 10, which was switched from, 11 and the half of 12. A commit crosses from 11 into 12, and there is no other. */
function walOfThree(): { readonly bytes: ReadonlyMap<number, Buffer>; readonly endLsn: bigint } {
  const wal = new WalBuilder(MAJOR, startOf(10));
  wal.add(filler(5000));
  wal.add({ xid: 0, manager: 0, info: 0x40, data: Buffer.alloc(0) });
  wal.fillSegment();
  while (wal.endLsn < startOf(12) - 9000n) wal.add(filler(5000));
  while (wal.endLsn < startOf(12) - 120n) wal.add(filler(40));
  wal.add(commit);
  while (wal.endLsn < startOf(12) + 500_000n) wal.add(filler(5000));
  const { endLsn } = wal;
  wal.fillSegment();
  const all = wal.build();
  return {
    bytes: new Map([10, 11, 12].map((n, at) => [n, all.subarray(at * SEGMENT_BYTES, (at + 1) * SEGMENT_BYTES)])),
    endLsn,
  };
}

const { bytes, endLsn } = walOfThree();
const of = (n: number): Buffer => bytes.get(n) ?? Buffer.alloc(0);
/** Left within segment 12, behind everything that timeline 1 has there. */
const switchLsn = endLsn;
const history = `1\t${formatLsn(switchLsn)}\tno recovery target specified\n`;
const first: Lineage = { timeline: 1, history: [] };
const second: Lineage = { timeline: 2, history: [{ timeline: 1, switchLsn, reason: '' }] };
const backup = {
  label: 'b',
  startLsn: formatLsn(startOf(10) + 40n),
  stopLsn: formatLsn(startOf(10) + 4000n),
  startTimeline: 1,
  stopTimeline: 1,
  damage: null,
} as unknown as BackupSummary;

let directory: string;
let repository: Repository;
let archive: WalArchive;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-salvage-'));
  repository = await makeMemoryRepository();
  await ensureClusterIdentity(repository, CLUSTER);
  archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

const store = async (n: number, timeline = 1): Promise<unknown> => await archive.putSegment(nameOf(n, timeline), of(n), times);
const keep = async (n: number, timeline = 1, into = directory): Promise<void> => {
  await mkdir(into, { recursive: true });
  await writeFile(path.join(into, nameOf(n, timeline)), of(n));
};
const salvage = async (from = directory): Promise<readonly SalvagedStretch[]> =>
  await salvageWal(repository, {
    directory: from,
    clusterName: 'main',
    systemIdentifier: undefined,
    clock: systemClock,
    signal: new AbortController().signal,
  });
const reach = async (along: Lineage): Promise<bigint | undefined> =>
  recoverableUntil(backup, along, (await inspectLineage(repository, 'main')).coverage);
const unstored = async (along: Lineage): Promise<UnstoredWal | undefined> => {
  const { cluster, coverage } = await inspectLineage(repository, 'main');
  return await inspectUnstoredWal({ directory, cluster, coverage, archive, fromLsn: 0n, along });
};
const names = (found: UnstoredWal | undefined): readonly string[] =>
  (found?.stretches ?? []).flatMap(({ segments }) => segments.map(({ name }) => name));

test('the segment that a failed-over primary had not archived is stored whole, also where the next one is known of the new timeline', async () => {
  await store(10);
  await archive.putHistory(2, Buffer.from(history));
  await store(12, 2);
  for (const n of [10, 11, 12]) await keep(n);
  expect(await reach(second)).toBe(startOf(11));
  expect((await unstored(second))?.acknowledged).toBeDefined();
  await salvage();
  expect((await archive.readSegment(nameOf(11)))?.equals(of(11))).toBe(true);
  expect(await reach(second)).toBe(startOf(13));
  expect((await unstored(second))?.acknowledged).toBeUndefined();
});

test.each<[string, readonly (readonly [number, number])[], number]>([
  ['beside it', [[12, 1]], 1],
  ['in the repository alone', [], 1],
  ['beside it, of the timeline that was begun in it', [[12, 2]], 2],
  ['in the repository alone, of the timeline that was begun in it', [], 2],
])(
  'a segment whose last record ends in the next one is stored whole where that one is %s, and the commit across counts',
  async (_, beside, timeline) => {
    await store(10);
    await store(12, timeline);
    if (timeline === 2) await archive.putHistory(2, Buffer.from(history));
    const along = timeline === 2 ? second : first;
    await keep(11);
    for (const [n, each] of beside) await keep(n, each);
    expect(names(await unstored(along))).toEqual([nameOf(11)]);
    expect((await unstored(along))?.acknowledged?.at).toBeInstanceOf(Date);
    expect(await salvage()).toMatchObject([{ timeline: 1, segments: 1, untilLsn: startOf(12) }]);
    expect(await reach(along)).toBe(startOf(13));
    expect(await salvage()).toEqual([]);
  },
);

test('of the segment in which WAL ends a part is stored, up to where its records check', async () => {
  await store(10);
  await keep(11);
  await salvage();
  expect(await archive.readSegment(nameOf(11))).toBeUndefined();
  expect(await reach(first)).toBeLessThan(startOf(12));
  // A later one, with what follows in the directory, makes it whole.
  await keep(12);
  await salvage();
  expect(await reach(first)).toBe(endLsn);
});

test('WAL that only a timeline with its own name has is unstored for a restore along the old one, and not for one along the new', async () => {
  await store(10);
  await archive.putHistory(2, Buffer.from(history));
  await store(12, 2);
  for (const n of [11, 12]) await keep(n);
  const found = await unstored(first);
  expect(names(found)).toEqual([nameOf(11), nameOf(12)]);
  await store(11);
  // What is moved aside and salvaged goes by the name. Only what is asked for goes by what the restore itself reads.
  const along = await unstored(second);
  expect([names(along), along?.acknowledged]).toEqual([[nameOf(12)], undefined]);
  const old = await unstored(first);
  expect([names(old), old?.acknowledged]).toEqual([[nameOf(12)], { at: undefined }]);
  await salvage();
  expect(await reach(first)).toBe(endLsn);
});

test('a history that lies beside salvaged WAL is stored before it', async () => {
  await store(10);
  await store(11);
  await keep(12, 2);
  await writeFile(path.join(directory, historyName(2)), history);
  expect(await readdir(directory)).toHaveLength(2);
  await salvage();
  expect((await archive.readHistory(2))?.toString()).toBe(history);
  expect(await reach(second)).toBe(switchLsn);
});

test('a restore that goes on after an interrupted move has all WAL in one directory, histories first, and writes over nothing there', async () => {
  await store(10);
  const dataDirectory = path.join(directory, 'main');
  const wal = path.join(dataDirectory, 'pg_wal');
  for (const n of [11, 12]) await keep(n, 1, wal);
  await keep(12, 2, wal);
  await writeFile(path.join(wal, historyName(2)), history);
  const marker = { systemIdentifier: SYSTEM, backup: 'b', tablespaces: [], spoolDirectory: '/s' };
  const inspect = async (walAside?: string): Promise<UnstoredAside> => {
    const begun = { ...marker, ...(walAside === undefined ? {} : { walAside }) };
    const found = await inspectUnstoredAside(
      { dataDirectory } as unknown as LayoutPlan,
      await inspectLineage(repository, 'main'),
      first,
      begun,
    );
    if (found === undefined) throw new Error('there is WAL that is not stored');
    return found;
  };
  const planned = await inspect();
  expect(planned.files).toEqual([historyName(2), nameOf(11), nameOf(12), nameOf(12, 2)]);
  await makeAside(planned, undefined);
  const broken = moveAside({ ...planned, files: [historyName(2), nameOf(11), 'not there'] }, undefined);
  await expect(broken).rejects.toMatchObject({ hint: expect.stringContaining('into one directory') });
  // A copy that was made, and whose original was not removed.
  await keep(11, 1, wal);
  const rest = await inspect(planned.aside);
  expect([rest.aside, rest.files]).toEqual([planned.aside, [nameOf(11), nameOf(12), nameOf(12, 2)]]);
  await makeAside(rest, undefined);
  await moveAside(rest, undefined);
  expect((await readdir(planned.aside)).sort()).toEqual([...planned.files, 'README.txt'].sort());
  expect(await readdir(wal)).toEqual([]);
  await writeFile(path.join(wal, nameOf(12)), Buffer.concat([of(12).subarray(0, 200_000), Buffer.alloc(SEGMENT_BYTES - 200_000)]));
  const earlier = `${planned.aside}-earlier`;
  await rename(planned.aside, earlier);
  const other = await inspect(earlier);
  expect([other.isBegun, other.aside === earlier]).toEqual([false, false]);
  await makeAside(other, undefined);
  await moveAside(other, undefined);
  expect((await readFile(path.join(earlier, nameOf(12)))).equals(of(12))).toBe(true);
  await salvage(earlier);
  expect(await reach(first)).toBe(endLsn);
  expect(await reach(second)).toBe(endLsn);
});

test('salvaged WAL covers all until the time of its last commit, which was taken before that was written', async () => {
  const wal = new WalBuilder(MAJOR, startOf(10));
  const end = (us: bigint): Parameters<WalBuilder['add']>[0] => ({ xid: 7, manager: 1, info: 0, data: endData(us) });
  const fillUntil = (lsn: bigint): void => {
    while (wal.endLsn < lsn) wal.add(filler(5000));
  };
  fillUntil(startOf(11));
  wal.add(end(800_000_000_000_000n));
  fillUntil(startOf(12) + 100_000n);
  wal.add(end(800_000_060_000_000n));
  wal.add(filler(100));
  const lastLsn = wal.endLsn;
  wal.fillSegment();
  const all = wal.build();
  const segment = (n: number): Buffer => all.subarray((n - 10) * SEGMENT_BYTES, (n - 9) * SEGMENT_BYTES);
  await archive.putSegment(nameOf(10), segment(10), times);
  for (const n of [11, 12]) await writeFile(path.join(directory, nameOf(n)), segment(n));
  const at = (seconds: number): Date => new Date(Date.UTC(2000, 0, 1) + (800_000_000 + seconds) * 1000);
  await salvage();
  expect(provenUntil(await archive.readHeader(nameOf(11)))).toEqual(at(0));
  expect(await readMoments(await inspectLineage(repository, 'main'))).toContainEqual({ timeline: 1, lsn: lastLsn, at: at(60) });
});

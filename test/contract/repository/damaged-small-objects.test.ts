import { beforeEach, describe, expect, test } from 'vitest';
import { inspectLineage, readLineage, readOtherLineages } from '../../../src/backup/lineage-inspect.ts';
import { inspectRecovery } from '../../../src/backup/recovery-inspect.ts';
import { recoveryModel } from '../../../src/backup/windows.ts';
import { fetchWal } from '../../../src/backup/wal/get-run.ts';
import { verifyRepository } from '../../../src/backup/verify/run.ts';
import type { VerifyReport } from '../../../src/backup/verify/report.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { lockBackup } from '../../../src/repository/lock-backup.ts';
import { withRetention } from '../../../src/repository/retained-store.ts';
import { planLineage } from '../../../src/backup/expire/run.ts';
import { silentLog } from '../../../src/base/log.ts';
import { inspectExpiry } from '../../../src/backup/expire/inspect.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { recordGap } from '../../../src/repository/gap-record.ts';
import { gapKey, historyKey, markPrefix, walKey, walPrefix } from '../../../src/repository/layout.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { listMarks, markPack, verifyPacks } from '../../../src/repository/marks.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { readCoverage } from '../../../src/repository/wal-coverage.ts';
import { damage, flipBody, HEAD_DAMAGES, type Damage } from '../../backup/damage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM, writePack } from '../../backup/small-backups.ts';
import { CLUSTER, newFilled, sync } from '../../backup/small-source.ts';
import { nameOf, SEGMENT_BYTES, startOf } from '../../backup/wal-segments.ts';

const KEEP = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

let repository: Repository;
/** Keys of what was passed over. */
let told: string[];

beforeEach(async () => {
  ({ repository, told } = await newFilled());
});

const modelOf = async (): Promise<ReturnType<typeof recoveryModel>> =>
  recoveryModel(await inspectRecovery(repository, await inspectLineage(repository, 'main')));

describe.each(HEAD_DAMAGES)('the record of a gap: %s', (_, of) => {
  test('is a gap where its key says, and says nothing of other WAL', async () => {
    const source = { repository, clusterName: 'main', systemIdentifier: undefined };
    const gap = { timeline: 1, fromLsn: startOf(20), toLsn: startOf(22), reason: 'slot-lost', noticedAt: '2026-11-21T00:00:00Z' } as const;
    await recordGap(repository, SYSTEM, gap);
    const key = gapKey(SYSTEM, 1, gap.fromLsn, gap.toLsn);
    await damage(repository.store, key, async (bytes) => await of(bytes, 'gap'));
    expect(await fetchWal(source, nameOf(12))).toBeUndefined();
    await expect(fetchWal(source, nameOf(21))).rejects.toMatchObject({
      code: 'wal-missing',
      message: expect.stringContaining(`a record says that it was lost, and not when (${key})`) as string,
    });
    const { gaps } = await modelOf();
    expect(gaps).toEqual([{ timeline: 1, fromLsn: '0/1400000', toLsn: '0/1600000', reason: 'hole', noticedAt: null }]);
    expect(told.filter((each) => each !== key)).toEqual([]);
    // Nothing but its name tells what it is about: without a name of that form it is about nothing.
    await repository.store.create(`${SYSTEM}/gaps/planted`, Buffer.from('garbage'));
    expect((await modelOf()).gaps).toHaveLength(1);
  });
});

describe.each(HEAD_DAMAGES)('a mark: %s', (_, of) => {
  test('keeps no backup back that does not need its pack, and no pack goes by it', async () => {
    const [marked, other] = ['0'.repeat(32), (await writePack(repository, [Buffer.from('other')])).pack];
    await markPack(repository, SYSTEM, marked, { graceMs: 1000, markedAt: new Date() });
    await damage(repository.store, markPrefix(SYSTEM) + marked, async (bytes) => await of(bytes, 'mark'));
    await verifyPacks(repository, SYSTEM, new Set([other]));
    expect(await listMarks(repository, SYSTEM)).toMatchObject([{ pack: marked, graceMs: undefined }]);
    expect(told).toContain(markPrefix(SYSTEM) + marked);
  });
});

test('a backup that relies on a pack whose mark cannot be read is not written: nobody knows when the pack goes', async () => {
  const { pack } = await writePack(repository, [Buffer.from('needed')]);
  await markPack(repository, SYSTEM, pack, { graceMs: 1_000_000, markedAt: new Date() });
  await verifyPacks(repository, SYSTEM, new Set([pack]));
  await damage(repository.store, markPrefix(SYSTEM) + pack, flipBody);
  await expect(verifyPacks(repository, SYSTEM, new Set([pack]))).rejects.toMatchObject({
    code: 'backup-failed',
    message: `nobody knows when pack ${pack}, which this backup relies on, is deleted`,
    detail: expect.stringContaining(markPrefix(SYSTEM) + pack) as string,
    hint: expect.not.stringContaining('--grace') as string,
  });
});

/** Whole, and sealed as histories are; what they say is no history of timeline 2. */
const NONSENSE = ['x', '', '# nothing\n', '1\t0', '2\t0/500000\tpromoted\n', '1\t0/123456789A\tpromoted\n'].map((text): Damage => {
  const header = { systemIdentifier: SYSTEM, timeline: 2, hash: '' };
  return [`it says ${JSON.stringify(text)}`, async () => await seal(CLEAR, 'history', header, Buffer.from(text))];
});

describe.each([['a bit flipped', flipBody] as Damage, ...NONSENSE])('the history of a timeline: %s', (_, of) => {
  const key = historyKey(SYSTEM, 2);

  test('hides that timeline, and no other', async () => {
    const before = await modelOf();
    await damage(repository.store, key, async (bytes) => await of(bytes, 'history'));
    const after = await modelOf();
    expect(after.timelines[0]).toEqual(before.timelines[0]);
    expect(told).toEqual([key]);
    await new WalArchive(repository, SYSTEM, SEGMENT_BYTES).putHorizon(2, startOf(9), new Date(3000));
    const contents = await inspectLineage(repository, 'main');
    expect(await readOtherLineages(contents, await readLineage(contents, 1))).toEqual([]);
    expect(told).toHaveLength(2);
    await expect(readLineage(contents, 2)).rejects.toMatchObject({ code: 'repository-damaged', message: `${key} is damaged` });
  });

  test('the archive ends where it ends, and of what expires any older timeline may lead to it', async () => {
    await damage(repository.store, key, async (bytes) => await of(bytes, 'history'));
    await repository.store.create(walKey(SYSTEM, nameOf(9, 2)), Buffer.from('wal'));
    expect(await fetchWal({ repository, clusterName: 'main', systemIdentifier: undefined }, nameOf(12))).toBeUndefined();
    const { lineages } = await inspectExpiry(repository, CLUSTER, { now: new Date(), windowMs: undefined });
    expect(lineages).toContainEqual({ timeline: 2, history: [{ timeline: 1, switchLsn: 0xffff_ffff_ffff_ffffn, reason: '' }] });
    expect(new Set(told)).toEqual(new Set([key]));
  });

  test('no copy of the repository takes it', async () => {
    await damage(repository.store, key, async (bytes) => await of(bytes, 'history'));
    const copy = await makeMemoryRepository();
    expect((await sync(repository, copy)).failed).toMatchObject([{ kind: 'history', name: '00000002.history' }]);
    expect(await copy.store.stat(key)).toBeUndefined();
  });
});

describe('what lies among the WAL and is none of this cluster', () => {
  const PLANTED = [
    // There is no such segment where one has 1 MiB.
    `00000001/000000010000000000FFFFFF`,
    `00000001/000000010000000000FFFFFF.part.00000000-00001000-0123abcd`,
    `00000001/000000010000000000FFFFFF.partial`,
    `00000001/${nameOf(40, 2)}`,
    `00000001/${nameOf(9)}.part.00000000-00FFFFFF-0123abcd`,
    `00000001/${nameOf(9)}.part.00000000`,
    '00000001/horizon.123456789_0-1795404915414-0123abcd.proven',
    '00000001/horizon.0_5000000-99999999999999999999-0123abcd.proven',
    `planted/${nameOf(41)}`,
    `planted/${nameOf(3)}`,
    'planted/00000002.history',
    '00000003/planted',
    'planted',
  ].map((name) => walPrefix(SYSTEM) + name);

  async function plant(): Promise<void> {
    for (const key of PLANTED) await repository.store.create(key, Buffer.from('garbage'));
  }

  test('hides nothing of it', async () => {
    const before = await readCoverage(repository, SYSTEM, SEGMENT_BYTES);
    await plant();
    expect(await readCoverage(repository, SYSTEM, SEGMENT_BYTES)).toEqual(before);
  });

  test('ends no expiry, and takes no part in it', async () => {
    const state = async (): Promise<unknown> => {
      const { wal, lineages } = await inspectExpiry(repository, CLUSTER, { now: new Date(), windowMs: undefined });
      return { keys: wal.map(({ key }) => key), lineages };
    };
    const before = await state();
    await plant();
    expect(await state()).toEqual(before);
    const retention = { windowMs: undefined, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC' };
    const options = { retention, graceMs: 1, clock: systemClock, log: silentLog, signal: new AbortController().signal };
    expect((await planLineage(repository, CLUSTER, options)).backups).toHaveLength(3);
  });

  test('a segment of the last timeline there can be ends no expiry either: any backup may lead to it', async () => {
    await repository.store.create(walKey(SYSTEM, nameOf(9, 0xffff_ffff)), Buffer.from('garbage'));
    const { lineages } = await inspectExpiry(repository, CLUSTER, { now: new Date(), windowMs: undefined });
    expect(lineages.at(-1)).toEqual({ timeline: 0xffff_ffff, history: [{ timeline: 1, switchLsn: 0xffff_ffff_ffff_ffffn, reason: '' }] });
  });

  test('keeps no backup from being locked with all it relies on, and is not locked', async () => {
    await plant();
    const store = withRetention(repository.store, { lockDays: 30, clock: systemClock });
    const summary = summaryOf('backup-1', { startLsn: '0/500028', stopLsn: '0/500100' });
    const { until } = (await lockBackup({ ...repository, store }, { summary, packs: [] }, systemClock)) ?? {};
    const locked: string[] = [];
    for await (const { key } of store.list(walPrefix(SYSTEM)))
      if ((await store.stat(key))?.lockedUntil?.getTime() === until?.getTime()) locked.push(key);
    expect(until).toBeDefined();
    expect(locked).toEqual([walKey(SYSTEM, nameOf(5)), historyKey(SYSTEM, 2)]);
    expect((await store.stat(`${SYSTEM}/backups/backup-1`))?.lockedUntil).toEqual(until);
  });

  test.each(['structure', 'everything'] as const)('is what verify names, and nothing is lost for it: %s', async (kind) => {
    const verify = async (): Promise<VerifyReport> =>
      await verifyRepository({
        repository,
        repositoryName: 'local',
        cluster: CLUSTER,
        extent: { kind },
        tool: 'test',
        clock: systemClock,
        signal: new AbortController().signal,
        onRead: () => undefined,
      });
    const before = await verify();
    await plant();
    const { faults, ...after } = await verify();
    const found = faults.filter(({ object }) => !before.faults.some((each) => each.object === object));
    expect(found.map(({ object }) => object).sort()).toEqual(PLANTED.toSorted());
    expect(after).toMatchObject({ windows: before.windows, backups: before.backups, restorable: before.restorable });
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { readDrills } from '../../../src/backup/drill/record.ts';
import { readMeasure } from '../../../src/commands/status/read-measure.ts';
import { readDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { dumpManifestKey } from '../../../src/backup/dump/layout.ts';
import { openBackupContents } from '../../../src/backup/restore/backup-contents-inspect.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { blake3 } from '../../../src/repository/hash.ts';
import { listHolds } from '../../../src/repository/holds.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { backupKey, holdPrefix, markPrefix, walKey } from '../../../src/repository/layout.ts';
import { ledgerPrefix } from '../../../src/repository/ledger.ts';
import { addLive, LiveBlobs } from '../../../src/repository/live-blobs.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { ManifestEntries } from '../../../src/repository/manifest-entries.ts';
import { listReports, readReport, reportKey, writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { damage, flipBody, HEAD_DAMAGES } from '../../backup/damage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';
import { CLUSTER, keysOf, LABELS, newFilled, sync } from '../../backup/small-source.ts';
import { verifyStructure } from '../../backup/verify-report.ts';
import { contentOf, nameOf } from '../../backup/wal-segments.ts';

let repository: Repository;
/** Keys of what was passed over. */
let told: string[];

beforeEach(async () => {
  ({ repository, told } = await newFilled());
});

/** What a key has is put under another one, as a write that went astray does. */
async function misplace(from: string, to: string): Promise<void> {
  const bytes = await repository.store.read(from);
  await repository.store.delete(to);
  await repository.store.create(to, bytes);
}

test('a segment whose header has no time that is one is not copied, and all the rest is', async () => {
  const key = walKey(SYSTEM, nameOf(4));
  const header = { systemIdentifier: SYSTEM, timeline: 1, segment: nameOf(4), receivedAt: 'never', coveredUntil: null };
  await damage(repository.store, key, async () => await seal(CLEAR, 'wal', header, contentOf(4)));
  const { failed, backups } = await sync(repository, await makeMemoryRepository());
  expect(failed).toMatchObject([{ kind: 'wal', name: nameOf(4) }]);
  expect(backups).toHaveLength(3);
});

describe('a hold', () => {
  const holdOf = async (label: string): Promise<string> => (await keysOf(repository, `${holdPrefix(SYSTEM)}${label}/`))[0] ?? '';
  const labels = async (): Promise<readonly string[]> => (await listHolds(repository, SYSTEM)).map(({ label }) => label);

  test.each([...HEAD_DAMAGES, ['a bit near its end is another', flipBody] as const])('holds what its key names: %s', async (_, of) => {
    await damage(repository.store, await holdOf('backup-1'), async (bytes) => await of(bytes, 'hold'));
    expect(await labels()).toEqual(['backup-1', 'backup-2']);
    expect(told).toEqual([await holdOf('backup-1')]);
  });

  test('of another backup that lies in its place is none of that one, and does not end this one', async () => {
    const key = await holdOf('backup-1');
    await misplace(await holdOf('backup-2'), key);
    expect(await labels()).toEqual(['backup-1', 'backup-2']);
    expect(told).toEqual([key]);
  });

  test.each([
    { kind: 'hold', until: 'soon', placedAt: '2026-11-21T00:00:00.000Z' },
    ...['soon 7', '7', 7, true, [], '2026-11-21'].map((until) => ({ kind: 'hold', until, placedAt: '2026-11-21T00:00:00.000Z' })),
    { kind: 'hold', until: null, placedAt: 'once' },
    { kind: 'release' },
    { kind: 'release', releases: 7 },
  ])('that says what it cannot is in force until it is released: %o', async (said) => {
    const key = `${holdPrefix(SYSTEM)}backup-0/99999999T999999Z-0123abcd`;
    await repository.store.create(key, await seal(CLEAR, 'hold', { label: 'backup-0', ...said }, Buffer.alloc(0)));
    expect(await listHolds(repository, SYSTEM, 'backup-0')).toMatchObject([{ label: 'backup-0', until: null, placedAt: new Date(0) }]);
    expect(told).toEqual([key]);
  });
});

test('a report that lies in the place of another is not taken for it', async () => {
  const at = (second: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, second));
  const write = async (second: number): Promise<string> =>
    await writeReport(repository, SYSTEM, 'drill', at(second), (label) => ({
      header: { label, systemIdentifier: SYSTEM, finishedAt: at(second).toISOString() },
      body: { second },
    }));
  const [first, second] = [await write(1), await write(2)];
  await misplace(reportKey(SYSTEM, 'drill', second), reportKey(SYSTEM, 'drill', first));
  const { faults } = await verifyStructure(repository, CLUSTER, systemClock);
  expect(faults).toMatchObject([{ object: reportKey(SYSTEM, 'drill', first), detail: expect.stringContaining(second) as string }]);
  expect((await listReports(repository, SYSTEM, 'drill')).map(({ label }) => label)).toEqual([second]);
  await expect(readReport(repository, SYSTEM, 'drill', first)).rejects.toMatchObject({ code: 'repository-damaged' });
});

test.each(['null', '7', '[]', '{"format":"1"}', '{"format":1}', '{"format":1,"label":"dump-a","databases":[{}]}'])(
  'a dump whose manifest is %s is refused as damaged, by name',
  async (text) => {
    const key = dumpManifestKey(`${SYSTEM}/`, 'dump-a');
    await damage(repository.store, key, () => Buffer.from(text));
    const read = readDumpManifest(repository, `${SYSTEM}/`, 'dump-a');
    await expect(read).rejects.toMatchObject({ code: 'repository-damaged', message: expect.stringContaining(key) as string });
  },
);

test('a dump whose manifest has a format of a newer version is not called damaged', async () => {
  await damage(repository.store, dumpManifestKey(`${SYSTEM}/`, 'dump-a'), () => Buffer.from('{"format":4}'));
  await expect(readDumpManifest(repository, `${SYSTEM}/`, 'dump-a')).rejects.toMatchObject({ code: 'repository-format' });
});

test('a manifest that lies in the place of another is not read for it: what that one needs is not known', async () => {
  const key = backupKey(SYSTEM, 'backup-1');
  await misplace(backupKey(SYSTEM, 'backup-2'), key);
  const refused = { code: 'repository-damaged', message: expect.stringContaining(key) as string };
  await expect(ManifestEntries.read(repository, SYSTEM, 'backup-1')).rejects.toMatchObject(refused);
  await expect(addLive(new LiveBlobs(), repository, SYSTEM, LABELS)).rejects.toMatchObject(refused);
});

test('a drill whose report is of another shape keeps no other from being listed, and tells no time that a restore takes', async () => {
  const at = new Date(Date.UTC(2026, 10, 21));
  const write = async (report: unknown): Promise<string> =>
    await writeReport(repository, SYSTEM, 'drill', at, (label) => ({
      header: { label, systemIdentifier: SYSTEM, finishedAt: at.toISOString() },
      body: { report, signature: { algorithm: 'ed25519', publicKey: '', value: '' } },
    }));
  const times = { planMs: 1, restoreMs: 2, recoveryMs: 3, rtoMs: 4, checksMs: 5 };
  const texts = { label: 'x', repository: 'local', startedAt: at.toISOString(), finishedAt: at.toISOString(), verdict: 'passed' };
  const plan = { backup: 'b', fromLsn: '0/1', untilLsn: null, timeline: 1, serverVersion: 180004, plainBytes: 7, walBytes: 8 };
  const lists = { failures: [], weaknesses: [], assertions: [] };
  const whole = {
    ...texts,
    ...lists,
    times,
    plan,
    reached: null,
    amcheck: { state: 'not-run' },
    target: { asked: 'latest', seed: null, moment: null },
  };
  const others = [
    [{}],
    {},
    { ...whole, times: undefined },
    { ...whole, weaknesses: 7 },
    { ...whole, target: null },
    { ...whole, plan: { ...plan, walBytes: '8' } },
  ];
  const labels: string[] = [];
  for (const report of [...others, whole]) labels.push(await write(report));
  const { drills, total } = await readDrills(repository, SYSTEM, 10);
  expect(total).toBe(labels.length);
  expect(drills.filter(({ signed }) => signed !== undefined).map(({ header }) => header.label)).toEqual(labels.slice(-1));
  expect(await readMeasure(repository, SYSTEM, labels.slice(0, -1))).toBeUndefined();
  expect(await readMeasure(repository, SYSTEM, labels)).toMatchObject({ rtoMs: 4, walBytes: 8 });
});

test('an entry of the ledger that lies in the place of another is found by a verification', async () => {
  const [key = '', other = ''] = await keysOf(repository, ledgerPrefix(SYSTEM));
  await misplace(other, key);
  const { faults } = await verifyStructure(repository, CLUSTER, systemClock);
  expect(faults).toMatchObject([{ object: key }]);
});

test('an object that says that it is encrypted, where nothing is, ends no verification: it is found as the others are', async () => {
  const key = `${markPrefix(SYSTEM)}${'0'.repeat(32)}`;
  const content = (await seal(CLEAR, 'mark', { pack: '0'.repeat(32), graceMs: 1 }, Buffer.alloc(0))).subarray(0, -32);
  content.writeUInt8(2, 9);
  await repository.store.create(key, Buffer.concat([content, blake3(content)]));
  const { faults } = await verifyStructure(repository, CLUSTER, systemClock);
  expect(faults).toMatchObject([{ object: key }]);
});

test('a manifest that says that pg_control fills the memory is refused before any is taken', async () => {
  const label = 'backup-3';
  const control = { path: 'global/pg_control', type: 'file', sizeBytes: 2 ** 50, mode: 384, modifiedAt: 1, extents: [] } as const;
  await writeManifest(repository, summaryOf(label), [control]);
  await expect(openBackupContents(repository, SYSTEM, label)).rejects.toMatchObject({
    code: 'repository-damaged',
    message: expect.stringContaining(backupKey(SYSTEM, label)) as string,
    detail: expect.stringContaining('global/pg_control has 1125899906842624 bytes') as string,
  });
});

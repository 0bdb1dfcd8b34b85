import { beforeEach, expect, test } from 'vitest';
import { expireLineage, planLineage } from '../../../src/backup/expire/run.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { isDbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { listLabels } from '../../../src/repository/live-blobs.ts';
import { reportKey, writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const DAY_MS = 86_400_000;
const SEGMENT_BYTES = 1024 * 1024;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const RETENTION: Retention = {
  windowMs: undefined,
  keep: { last: 3, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  minimum: 2,
  dumps: undefined,
  timeZone: 'UTC',
};

let clock: ManualClock;
let repository: Repository;

/** One a day, the `n`th of them `b<n>`; the others are built on the one before. */
async function backUp(n: number, kind: 'full' | 'incremental' = 'incremental'): Promise<void> {
  const contents = [Buffer.from(`page ${n} `.repeat(30))];
  await writePacks(repository, contents, clock.now());
  const start = BigInt(n) * BigInt(SEGMENT_BYTES);
  const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
  const of = { kind, parent: kind === 'full' ? null : `b${n - 1}`, finishedAt: clock.now().toISOString(), ...lsns };
  await writeManifest(repository, summaryOf(`b${n}`, of), [fileOf(contents)]);
  clock.set(clock.now().getTime() + DAY_MS);
}

/** A verification that found these broken; its label. */
async function verified(broken: readonly string[], soundBackups: readonly string[]): Promise<string> {
  const finishedAt = clock.now().toISOString();
  const faults = broken.map((label) => ({ kind: 'damaged', object: `pack of ${label}`, detail: '' }));
  return await writeReport(repository, SYSTEM, 'verification', clock.now(), (label) => ({
    header: { label, systemIdentifier: SYSTEM, finishedAt, extent: 'everything', isSound: false, faults: faults.length, rechecked: [] },
    body: {
      faults,
      faultCount: faults.length,
      backups: broken.map((each) => ({ label: each, reasons: [], files: 1 })),
      soundBackups,
      dumps: [],
    },
  }));
}

const options = (after?: string) => ({
  retention: RETENTION,
  graceMs: DAY_MS,
  ...(after === undefined ? {} : { after }),
  clock,
  log: silentLog,
  signal: new AbortController().signal,
});
const refused = async (after?: string): Promise<string> =>
  await expireLineage(repository, CLUSTER, options(after)).then(
    () => 'nothing refused',
    (error: unknown) => (isDbadminError(error, 'repository-damaged') ? error.message : String(error)),
  );

beforeEach(async () => {
  clock = new ManualClock(Date.parse('2026-11-01T00:00:00Z'));
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  repository = { store: createMemoryStore(clock), identity, keys: undefined };
  for (let n = 1; n <= 6; n += 1) await backUp(n, n === 1 ? 'full' : 'incremental');
});

test('what a verification found broken, and what was built on it since, lets no whole backup go', async () => {
  await verified(['b4', 'b5', 'b6'], ['b1', 'b2', 'b3']);
  await backUp(7);
  expect(await refused('b7')).toMatch(/b7 rests on what verification 2026\S+-verify found damaged/);
  expect(await listLabels(repository, SYSTEM)).toHaveLength(7);
  // Asked for, by what counts.
  const { inspection } = await planLineage(repository, CLUSTER, options());
  expect([...inspection.broken.keys()]).toEqual(['b4', 'b5', 'b6', 'b7']);
  const { expired } = await expireLineage(repository, CLUSTER, options());
  expect(expired.backups).toEqual([]);
});

test('after a full one older ones go again: as many whole ones stay as the rules say, and the broken ones as long as they would have', async () => {
  await verified(['b4', 'b5', 'b6'], ['b1', 'b2', 'b3']);
  await backUp(7, 'full');
  expect((await expireLineage(repository, CLUSTER, options('b7'))).expired.backups).toEqual(['b1', 'b4']);
  await backUp(8);
  await backUp(9);
  expect((await expireLineage(repository, CLUSTER, options('b9'))).expired.backups).toEqual(['b2', 'b3', 'b5', 'b6']);
});

test('while nobody can read what a verification found, nothing goes', async () => {
  const label = await verified(['b4'], []);
  const key = reportKey(SYSTEM, 'verification', label);
  const bytes = Buffer.from(await repository.store.read(key));
  bytes.writeUInt8(bytes.readUInt8(bytes.byteLength - 3) ^ 1, bytes.byteLength - 3);
  await repository.store.delete(key);
  await repository.store.create(key, bytes);
  expect(await refused()).toContain(`what verification ${label} found cannot be read`);
  expect(await listLabels(repository, SYSTEM)).toHaveLength(6);
});

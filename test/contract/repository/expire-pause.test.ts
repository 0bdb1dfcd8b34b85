import { beforeEach, expect, test } from 'vitest';
import { expireLineage, planLineage, type ExpireOptions } from '../../../src/backup/expire/run.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { silentLog } from '../../../src/base/log.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { placeHold } from '../../../src/repository/holds.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { walKey } from '../../../src/repository/layout.ts';
import { listLabels } from '../../../src/repository/live-blobs.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const DAY_MS = 86_400_000;
const SEGMENT_BYTES = 1024 * 1024;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const KEEP: Retention['keep'] = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const CONTENT = Buffer.from('page '.repeat(40));

let clock: ManualClock;
let repository: Repository;
let warnings: string[];
let options: ExpireOptions;

beforeEach(async () => {
  clock = new ManualClock();
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  // On the machine's own disk the store has the machine's clock.
  repository = { store: createMemoryStore(clock), identity, keys: undefined };
  await ensureClusterIdentity(repository, CLUSTER);
  await writePacks(repository, [CONTENT], clock.now());
  warnings = [];
  const log = { ...silentLog, warn: (text: string): void => void warnings.push(text) };
  const retention = { windowMs: 5 * DAY_MS, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC' };
  options = { retention, graceMs: DAY_MS, clock, log, signal: new AbortController().signal };
});

async function take(n: number): Promise<void> {
  const start = BigInt(n) * BigInt(SEGMENT_BYTES);
  const times = { startedAt: clock.now().toISOString(), finishedAt: clock.now().toISOString() };
  const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n), startTimeline: 1, stopTimeline: 1 };
  await repository.store.create(walKey(SYSTEM, segmentName(1, start, SEGMENT_BYTES)), Buffer.from('wal'));
  await writeManifest(repository, summaryOf(`b${n}`, { ...times, ...lsns }), [fileOf([CONTENT])]);
}

/** What each night leaves behind, from the `first` to the `last`. */
async function nights(first: number, last: number): Promise<void> {
  for (let n = first; n <= last; n += 1) {
    await take(n);
    await expireLineage(repository, CLUSTER, options);
    clock.set(clock.now().getTime() + DAY_MS);
  }
}

const left = async (): Promise<readonly string[]> => await listLabels(repository, SYSTEM);
const labels = (first: number, last: number): readonly string[] => Array.from({ length: last - first + 1 }, (_, n) => `b${first + n}`);

test('a clock that was set ahead lets no window go: what was in it stays with its WAL until it is filled anew', async () => {
  await nights(1, 8);
  expect(await left()).toEqual(labels(3, 8));
  expect(warnings).toEqual([]);
  clock.set(clock.now().getTime() + 40 * DAY_MS);
  await nights(9, 9);
  expect(await left()).toEqual(labels(3, 9));
  expect(await repository.store.stat(walKey(SYSTEM, segmentName(1, 3n * BigInt(SEGMENT_BYTES), SEGMENT_BYTES)))).toBeDefined();
  expect(warnings).toEqual([expect.stringMatching(/^5 backups stay .*--clock-is-right$/)]);
  const { backups } = await planLineage(repository, CLUSTER, options);
  expect(backups.map(({ reasons }) => reasons[0]?.kind)).toEqual([undefined, 'window-start', ...labels(5, 8).map(() => 'pause'), 'window']);
  // It was right after all, and the machine off: the nights go on, and so does the window.
  await nights(10, 14);
  expect(new Set(await left())).toEqual(new Set(labels(9, 14)));
});

test('the same before anything was stored by the new time; who says that the clock is right has the window go', async () => {
  await nights(1, 8);
  clock.set(clock.now().getTime() + 40 * DAY_MS);
  await expireLineage(repository, CLUSTER, options);
  expect(await left()).toEqual(labels(3, 8));
  await expireLineage(repository, CLUSTER, { ...options, trustsClock: true });
  expect(await left()).toEqual(['b8']);
});

test('a hold does not end by a clock that was set ahead', async () => {
  await nights(1, 4);
  const now = clock.now();
  await placeHold(repository, SYSTEM, { label: 'b1', reason: 'audit', until: new Date(now.getTime() + 20 * DAY_MS), now });
  await nights(5, 9);
  clock.set(clock.now().getTime() + 40 * DAY_MS);
  await nights(10, 10);
  expect(await left()).toContain('b1');
  expect((await planLineage(repository, CLUSTER, { ...options, trustsClock: true })).backups[0]?.reasons).toEqual([]);
});

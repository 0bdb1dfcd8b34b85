import { expect, test } from 'vitest';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { silentLog } from '../../../src/base/log.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { walKey } from '../../../src/repository/layout.ts';
import { listLabels } from '../../../src/repository/live-blobs.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const DAY_MS = 86_400_000;
const SEGMENT_BYTES = 1024 * 1024;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const KEEP: Retention['keep'] = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const signal = new AbortController().signal;

/** A repository that a cluster is backed up into each night. */
async function nightly(): Promise<{
  readonly repository: Repository;
  /** Backs up, expires, lets a day pass, and gives the labels that are left before that. */
  readonly night: (label: string, timeline: number, segment: number, retention: Partial<Retention>) => Promise<readonly string[]>;
  /** Keys of the WAL that is there. */
  readonly wal: () => Promise<readonly string[]>;
}> {
  const clock = new ManualClock();
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  const repository: Repository = { store: createMemoryStore(clock), identity, keys: undefined };
  await ensureClusterIdentity(repository, CLUSTER);
  const content = Buffer.from('page '.repeat(40));
  await writePacks(repository, [content], clock.now());
  return {
    repository,
    night: async (label, timeline, segment, parts) => {
      const start = BigInt(segment) * BigInt(SEGMENT_BYTES);
      const times = { startedAt: clock.now().toISOString(), finishedAt: clock.now().toISOString() };
      const lsns = {
        startLsn: formatLsn(start + 0x28n),
        stopLsn: formatLsn(start + 0x100n),
        startTimeline: timeline,
        stopTimeline: timeline,
      };
      await repository.store.create(walKey(SYSTEM, segmentName(timeline, start, SEGMENT_BYTES)), Buffer.from('wal'));
      await writeManifest(repository, summaryOf(label, { ...times, ...lsns }), [fileOf([content])]);
      const retention = { windowMs: undefined, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC', ...parts };
      await expireLineage(repository, CLUSTER, { retention, graceMs: DAY_MS, clock, log: silentLog, signal });
      clock.set(clock.now().getTime() + DAY_MS);
      return await listLabels(repository, SYSTEM);
    },
    wal: async () => {
      const keys: string[] = [];
      for await (const { key } of repository.store.list(`${SYSTEM}/wal/`)) if (!key.endsWith('.history')) keys.push(key);
      return keys;
    },
  };
}

/** What the promotion leaves: timeline 2 began where the fourth segment does. */
async function promote(repository: Repository): Promise<void> {
  const history = `1\t${formatLsn(4n * BigInt(SEGMENT_BYTES))}\tno recovery target specified\n`;
  await new WalArchive(repository, SYSTEM, SEGMENT_BYTES).putHistory(2, Buffer.from(history));
}

test('a standby that was promoted, backed up and thrown away: the primary that goes on keeps its newest backups and their WAL', async () => {
  const { repository, night, wal } = await nightly();
  const retention = { keep: { ...KEEP, last: 3 } };
  await night('a1', 1, 3, retention);
  await promote(repository);
  for (const [n, label] of ['b1', 'b2', 'b3'].entries()) await night(label, 2, 4 + n, retention);
  for (let n = 0; n < 12; n += 1) {
    const label = `c${String(n).padStart(2, '0')}`;
    const left = await night(label, 1, 4 + n, retention);
    expect(left).toContain(label);
    expect(await wal()).toContain(walKey(SYSTEM, segmentName(1, BigInt(4 + n) * BigInt(SEGMENT_BYTES), SEGMENT_BYTES)));
    // While it may be the cluster's the newest of timeline 2 stay; a week later they have gone.
    expect(left.filter((each) => each.startsWith('b'))).toEqual(n < 7 ? ['b1', 'b2', 'b3'] : []);
  }
  expect(await listLabels(repository, SYSTEM)).toEqual(['c09', 'c10', 'c11']);
  expect((await wal()).every((key) => key.includes('/00000001'))).toBe(true);
});

test('the timeline of the last backup is in use however long ago that was', async () => {
  const { repository, night } = await nightly();
  await night('a1', 1, 3, {});
  await promote(repository);
  await night('b1', 2, 4, {});
  expect(await night('c1', 1, 9, { windowMs: 1 })).toEqual(['a1', 'b1', 'c1']);
  expect(await night('c2', 1, 10, { windowMs: 1 })).toContain('c2');
});

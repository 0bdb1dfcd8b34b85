import { beforeEach, describe, expect, test } from 'vitest';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { inspectRecovery } from '../../../src/backup/recovery-inspect.ts';
import { recoveryModel } from '../../../src/backup/windows.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { letGoKey, letGoPrefix, levelIn, walKey } from '../../../src/repository/layout.ts';
import { readLetGo } from '../../../src/repository/let-go.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { readCoverage } from '../../../src/repository/wal-coverage.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { keysOf } from '../../backup/small-source.ts';
import { verifyStructure } from '../../backup/verify-report.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SEGMENT_BYTES = 1024 * 1024;
const SEGMENT = BigInt(SEGMENT_BYTES);
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const KEEP = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 6, yearly: 0 };
const RETENTION: Retention = { windowMs: 14 * DAY_MS, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC' };
const PAGE = Buffer.from('a page '.repeat(40));
const DAYS = 100;

let clock: ManualClock;
let told: string[];
let warned: string[];

beforeEach(() => {
  clock = new ManualClock();
  told = [];
  warned = [];
});

async function emptyRepository(encrypted: boolean): Promise<Repository> {
  const made = await makeMemoryRepository(encrypted, createMemoryStore(clock));
  return { ...made, onDamaged: ({ key }) => void told.push(key) };
}

/** Without the notes of how much there is, which lie beside them. */
async function recordsIn(repository: Repository): Promise<readonly string[]> {
  return (await keysOf(repository, letGoPrefix(SYSTEM))).filter((key) => levelIn(key) === undefined);
}

const walOf = (segment: number): string => walKey(SYSTEM, segmentName(1, BigInt(segment) * SEGMENT, SEGMENT_BYTES));

/** A backup every three days, and a segment of WAL every day, as long as `DAYS`; `expire` each night. */
async function live(repository: Repository, expire: (day: number) => Promise<unknown>): Promise<void> {
  await ensureClusterIdentity(repository, CLUSTER);
  for (let day = 0; day < DAYS; day += 1) {
    await repository.store.create(walOf(day + 3), Buffer.from('wal'));
    if (day % 3 === 0) {
      const start = BigInt(day + 3) * SEGMENT;
      const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
      if (day === 0) await writePacks(repository, [PAGE], clock.now());
      const at = { startedAt: clock.now().toISOString(), finishedAt: clock.now().toISOString() };
      await writeManifest(repository, summaryOf(`day${day}`, { ...at, ...lsns }), [fileOf([PAGE])]);
    }
    await expire(day);
    clock.set(clock.now().getTime() + DAY_MS);
  }
}

async function expireIn(repository: Repository): Promise<void> {
  const log = { ...silentLog, warn: (text: string) => void warned.push(text) };
  const options = { retention: RETENTION, graceMs: 25 * HOUR_MS, clock, log, signal: new AbortController().signal };
  await expireLineage(repository, CLUSTER, options);
}

async function gapsIn(repository: Repository): Promise<readonly string[]> {
  const { gaps } = recoveryModel(await inspectRecovery(repository, await inspectLineage(repository, 'main')));
  return gaps.map(({ fromLsn, toLsn, reason }) => `${fromLsn} → ${toLsn} ${reason}`);
}

function overriding(store: ObjectStore, other: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get: (target, method: keyof ObjectStore) => {
      const value: unknown = other[method] ?? target[method];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe.each([
  ['clear', false],
  ['encrypted', true],
])('WAL let go between backups that stay for longer than the window, %s', (_, encrypted) => {
  test('counts as no gap, and what goes missing besides still does', async () => {
    const repository = await emptyRepository(encrypted);
    await live(repository, async () => await expireIn(repository));
    expect((await readCoverage(repository, SYSTEM, SEGMENT_BYTES)).timelines.get(1)?.runs).toHaveLength(4);
    expect(await gapsIn(repository)).toEqual([]);
    const { faults, gaps } = await verifyStructure(repository, CLUSTER, clock);
    expect(faults.filter(({ object }) => object.startsWith(letGoPrefix(SYSTEM)))).toEqual([]);
    expect(gaps).toEqual([]);
    // One record a timeline, however often it goes on.
    const [lsn = 0n] = (await readLetGo(repository, SYSTEM)).values();
    expect(await recordsIn(repository)).toEqual([letGoKey(SYSTEM, 1, lsn)]);
    expect(warned).toEqual([]);
    // Two that stay: one is in the window, the other the own WAL of a monthly one, beside that of which something is put that nothing explains.
    await repository.store.delete(walOf(92));
    expect(await gapsIn(repository)).toEqual(['0/5C00000 → 0/5D00000 hole']);
    await repository.store.create(walOf(1), Buffer.from('wal'));
    const [own = ''] = await keysOf(repository, `${SYSTEM}/wal/00000001/`).then((keys) => keys.slice(1));
    await repository.store.delete(own);
    expect(await gapsIn(repository)).toHaveLength(2);
  });

  test('is noted before any of it goes, and what an earlier version let go is explained by the next that goes', async () => {
    const repository = await emptyRepository(encrypted);
    const gone: string[] = [];
    const failing = overriding(repository.store, {
      delete: async (key) => {
        if (!key.startsWith(`${SYSTEM}/wal/`)) {
          await repository.store.delete(key);
          return;
        }
        gone.push(key);
        expect(await recordsIn(repository)).not.toEqual([]);
        if (gone.length % 7 === 3) throw new DbadminError('storage-failed', 'away');
        await repository.store.delete(key);
      },
    });
    await live(repository, async (day) => {
      if (day < 60) await withoutRecords(repository, async () => await expireIn(repository));
      else await expireIn({ ...repository, store: failing }).catch(() => undefined);
      if (day === 59) expect(await gapsIn(repository)).toHaveLength(2);
    });
    expect(gone.length).toBeGreaterThan(10);
    expect(await gapsIn(repository)).toEqual([]);
  });
});

test('a record that somebody without the key made up, or of another place, explains nothing and is named', async () => {
  const repository = await emptyRepository(true);
  await live(repository, async () => await withoutRecords(repository, async () => await expireIn(repository)));
  const before = await gapsIn(repository);
  expect(before).toHaveLength(3);
  const header = { systemIdentifier: SYSTEM, timeline: 1, lsn: '0/FF00000', notedAt: clock.now().toISOString() };
  const [bare, clear, misplaced] = [1n, 2n, 3n].map((n) => letGoKey(SYSTEM, 1, 0xff0_0000n + n));
  await repository.store.create(bare ?? '', await seal(CLEAR, 'gap', { ...header, lsn: '0/FF00001' }, Buffer.alloc(0)));
  await repository.store.create(clear ?? '', await seal(CLEAR, 'gap', { ...header, lsn: '0/FF00002' }, Buffer.from('{}')));
  await repository.store.create(misplaced ?? '', await seal(repository, 'gap', header, Buffer.from('{}')));
  expect(await gapsIn(repository)).toEqual(before);
  expect(told).toEqual([bare, clear, misplaced]);
  const { faults } = await verifyStructure(repository, CLUSTER, clock);
  expect(faults.map(({ object }) => object)).toEqual(expect.arrayContaining([bare, clear, misplaced]));
});

test('where no record may be written WAL goes all the same, and it is said', async () => {
  const repository = await emptyRepository(false);
  const denying = overriding(repository.store, {
    create: async (key, body, options) => {
      if (key.startsWith(letGoPrefix(SYSTEM))) throw new DbadminError('storage-denied', `may not create ${key}`);
      return await repository.store.create(key, body, options);
    },
  });
  await live(repository, async () => await expireIn({ ...repository, store: denying }));
  expect(await gapsIn(repository)).toHaveLength(3);
  expect(warned[0]).toMatch(
    /^which WAL goes from .* could not be noted, and between backups that stay it will count as gaps: may not create /,
  );
});

/** As an earlier version does it. */
async function withoutRecords(repository: Repository, work: () => Promise<void>): Promise<void> {
  await work();
  for (const key of await recordsIn(repository)) await repository.store.delete(key);
}

import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/base/log.ts';
import { DbadminError } from '../../../../src/base/errors.ts';
import { Lanes, type LaneSource } from '../../../../src/backup/wal/lanes.ts';
import { walKey } from '../../../../src/repository/layout.ts';
import { WalArchive } from '../../../../src/repository/wal-archive.ts';
import { createMemoryStore } from '../../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../../src/storage/store.ts';
import { ManualClock } from '../../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../../backup/memory-repository.ts';
import { contentOf, nameOf, SEGMENT_BYTES, startOf, SYSTEM } from '../../../backup/wal-segments.ts';

const times = { receivedAt: new Date(0), coveredUntil: undefined };

function segmentOf(n: number): Parameters<Lanes['putSegment']>[0] {
  return { name: nameOf(n), startLsn: startOf(n), endLsn: startOf(n + 1), bytes: contentOf(n), mayHaveParts: false };
}

/** A lane on a store whose creates go through `gate` first: it may wait, or throw. */
async function laneOf(name: string): Promise<LaneSource & { readonly store: ObjectStore; gate: (key: string) => Promise<void> }> {
  const store = createMemoryStore();
  const lane = { name, required: true, store, gate: async (_key: string): Promise<void> => await Promise.resolve() };
  const gated = new Proxy(store, {
    get: (target, method: keyof ObjectStore) => {
      if (method === 'create')
        return async (...[key, body]: Parameters<ObjectStore['create']>) => {
          await lane.gate(key);
          await target.create(key, body);
        };
      const value: unknown = target[method];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const archive = new WalArchive(await makeMemoryRepository(false, gated), SYSTEM, SEGMENT_BYTES);
  return Object.assign(lane, { open: async () => await Promise.resolve(archive) });
}

const away = (): DbadminError => new DbadminError('storage-failed', 'the store is away');
const has = async (store: ObjectStore, n: number): Promise<boolean> => (await store.stat(walKey(SYSTEM, nameOf(n)))) !== undefined;

test('a lane that catches up while a segment is on its way to the others owes that one, and nothing of it counts as safe', async () => {
  const clock = new ManualClock();
  const [first, second] = [await laneOf('first'), await laneOf('second')];
  const lanes = new Lanes([first, second], clock, silentLog);
  second.gate = async () => await Promise.reject(away());
  await lanes.putSegment(segmentOf(1), times);
  expect(lanes.safeUpTo(startOf(2))).toBe(startOf(1));
  second.gate = async () => await Promise.resolve();
  const slow = Promise.withResolvers<void>();
  first.gate = async (key) => await (key.includes(nameOf(2)) ? slow.promise : Promise.resolve());
  const putting = lanes.putSegment(segmentOf(2), times);
  await clock.advance(60_000);
  await lanes.catchUp();
  expect(await has(second.store, 1)).toBe(true);
  slow.resolve();
  await putting;
  expect(lanes.safeUpTo(startOf(3))).toBe(startOf(2));
  await lanes.catchUp();
  expect(await has(second.store, 2)).toBe(true);
  expect(lanes.safeUpTo(startOf(3))).toBe(startOf(3));
});

test('a segment that fails late, while a later one is being copied, is still owed', async () => {
  const clock = new ManualClock();
  const [first, second] = [await laneOf('first'), await laneOf('second')];
  const lanes = new Lanes([first, second], clock, silentLog);
  const late = Promise.withResolvers<void>();
  const copying = Promise.withResolvers<void>();
  const copied = Promise.withResolvers<void>();
  let isAway = true;
  second.gate = async (key) => {
    if (key.includes(nameOf(1))) return await late.promise;
    if (isAway) throw away();
    copying.resolve();
    await copied.promise;
  };
  const failingLate = lanes.putSegment(segmentOf(1), times);
  await lanes.putSegment(segmentOf(2), times);
  isAway = false;
  await clock.advance(60_000);
  const catchingUp = lanes.catchUp();
  await copying.promise;
  late.reject(away());
  await failingLate;
  expect(lanes.safeUpTo(startOf(3))).toBe(startOf(1));
  second.gate = async (key) => await (key.includes(nameOf(1)) ? Promise.reject(away()) : Promise.resolve());
  copied.resolve();
  await catchingUp;
  expect(await has(second.store, 2)).toBe(true);
  expect(lanes.safeUpTo(startOf(3))).toBe(startOf(1));
  second.gate = async () => await Promise.resolve();
  await clock.advance(60_000);
  await lanes.catchUp();
  expect(await has(second.store, 1)).toBe(true);
  expect(lanes.safeUpTo(startOf(3))).toBe(startOf(3));
});

test('a segment that becomes whole while its parts are being copied is copied whole', async () => {
  const clock = new ManualClock();
  const [first, second] = [await laneOf('first'), await laneOf('second')];
  const lanes = new Lanes([first, second], clock, silentLog);
  const { name, startLsn, bytes } = segmentOf(1);
  second.gate = async () => await Promise.reject(away());
  await lanes.onCurrent({ name, startLsn }, async (archive) => await archive.putPart(name, 0, bytes.subarray(0, 1000), times));
  const copying = Promise.withResolvers<void>();
  const copied = Promise.withResolvers<void>();
  second.gate = async (key) => {
    if (!key.includes('.part.')) return;
    copying.resolve();
    await copied.promise;
  };
  await clock.advance(60_000);
  const catchingUp = lanes.catchUp();
  await copying.promise;
  await lanes.putSegment({ ...segmentOf(1), mayHaveParts: true }, times);
  copied.resolve();
  await catchingUp;
  expect(await has(second.store, 1)).toBe(true);
  expect(lanes.safeUpTo(startOf(2))).toBe(startOf(2));
});

test('where each lane is behind another, what comes is not taken for stored', async () => {
  const clock = new ManualClock();
  const [first, second] = [await laneOf('first'), await laneOf('second')];
  const lanes = new Lanes([first, second], clock, silentLog);
  const failing = (n: number) => async (key: string) => await (key.includes(nameOf(n)) ? Promise.reject(away()) : Promise.resolve());
  first.gate = failing(1);
  second.gate = failing(2);
  await Promise.all([lanes.putSegment(segmentOf(1), times), lanes.putSegment(segmentOf(2), times)]);
  await expect(lanes.putSegment(segmentOf(3), times)).rejects.toMatchObject({ code: 'storage-failed', retryable: true });
  expect(lanes.safeUpTo(startOf(4))).toBe(startOf(1));
  first.gate = second.gate = async () => await Promise.resolve();
  await clock.advance(60_000);
  await lanes.catchUp();
  expect([await has(first.store, 1), await has(second.store, 2)]).toEqual([true, true]);
});

test('why a lane is behind is told again when it is behind for another reason, and not at each try', async () => {
  const clock = new ManualClock();
  const [first, second] = [await laneOf('first'), await laneOf('second')];
  const warnings: string[] = [];
  const lanes = new Lanes([first, second], clock, { ...silentLog, warn: (text) => void warnings.push(text) });
  second.gate = async () => await Promise.reject(away());
  await lanes.putSegment(segmentOf(1), times);
  const full = new DbadminError('storage-full', 'no room left');
  for (const reason of [away(), full, full]) {
    second.gate = async () => await Promise.reject(reason);
    await clock.advance(60_000);
    await lanes.catchUp();
  }
  expect(warnings).toEqual([
    expect.stringMatching(/^repository second is behind, the others go on: the store is away; the server keeps/),
    expect.stringMatching(/^repository second is still behind: no room left; the server keeps the WAL/),
  ]);
});

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { partKey, walKey } from '../../../src/repository/layout.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { provenUntil, WalArchive } from '../../../src/repository/wal-archive.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { withRetry } from '../../../src/storage/retry.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { damage, flipBody, HEAD_DAMAGES } from '../../backup/damage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { makeSegment } from '../../backup/wal-segment.ts';

const MB = 2 ** 20;
const SEGMENT_BYTES = 32 * MB;
const SYSTEM = 7_300_000_000_000_000_001n;
const START = 3n * BigInt(SEGMENT_BYTES);
const NAME = segmentName(1, START, SEGMENT_BYTES);
const KEY = walKey(String(SYSTEM), NAME);
const times = { receivedAt: new Date(0), coveredUntil: new Date(1_795_000_000_000) };

/** Nothing in it is there twice nearby: a piece in the wrong place shows. */
function segment(): Buffer {
  const bytes = makeSegment(SYSTEM, START, SEGMENT_BYTES);
  for (let at = 8192; at < SEGMENT_BYTES; at += 4096) createHash('sha256').update(String(at)).digest().copy(bytes, at);
  return bytes;
}

/** A store that makes every object of WAL, and loses the answer to the first. */
function losesOneAnswer(store: ObjectStore): ObjectStore {
  let isLost = false;
  return {
    ...passThrough(store),
    create: async (key, body, ...rest) => {
      await store.create(key, body, ...rest);
      if (isLost || !key.includes('/wal/')) return;
      isLost = true;
      throw new DbadminError('storage-failed', 'the answer did not come');
    },
  };
}

describe.each([
  ['in the clear', false],
  ['encrypted', true],
])('a segment of 32 MB, %s', (_, encrypted) => {
  test('is given back as it was, and the same again is fine', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const archive = new WalArchive(repository, String(SYSTEM), SEGMENT_BYTES);
    const bytes = segment();
    expect(await archive.putSegment(NAME, bytes, times)).toBe('stored');
    expect(bytes.equals((await archive.readSegment(NAME)) ?? Buffer.alloc(0))).toBe(true);
    await archive.checkSegment(NAME);
    expect(await archive.putSegment(NAME, bytes, times)).toBe('present');
    expect(provenUntil(await archive.readHeader(NAME))).toEqual(times.coveredUntil);
    bytes.writeUInt8(1, SEGMENT_BYTES - 1);
    await expect(archive.putSegment(NAME, bytes, times)).rejects.toMatchObject({ code: 'wal-conflict' });
    const other = new WalArchive(repository, '7300000000000000002', SEGMENT_BYTES);
    await expect(other.putSegment(NAME, bytes, times)).rejects.toMatchObject({ code: 'wal-invalid' });
  });

  test('is stored where the answer of the storage was lost, and it was there', async () => {
    const made = await makeMemoryRepository(encrypted);
    const clock = { ...systemClock, sleep: async () => await Promise.resolve() };
    const store = withRetry(losesOneAnswer(made.store), { clock, random: () => 0, attempts: 3 });
    const archive = new WalArchive({ ...made, store }, String(SYSTEM), SEGMENT_BYTES);
    expect(['stored', 'present']).toContain(await archive.putSegment(NAME, segment(), times));
    expect(segment().equals((await archive.readSegment(NAME)) ?? Buffer.alloc(0))).toBe(true);
  });

  test('is damaged for whoever reads it, checks it or offers it again, whatever of it is', async () => {
    for (const [, of] of [...HEAD_DAMAGES, ['a bit of its body flipped', flipBody] as const]) {
      const repository = await makeMemoryRepository(encrypted);
      const archive = new WalArchive(repository, String(SYSTEM), SEGMENT_BYTES);
      await archive.putSegment(NAME, segment(), times);
      await damage(repository.store, KEY, async (bytes) => await of(bytes, 'wal'));
      const code = expect.stringMatching(/^repository-(damaged|format)$/);
      await expect(archive.readSegment(NAME)).rejects.toMatchObject({ code });
      await expect(archive.checkSegment(NAME)).rejects.toMatchObject({ code });
      await expect(archive.putSegment(NAME, segment(), times)).rejects.toBeInstanceOf(DbadminError);
    }
  });

  test('comes in parts of 16 MB while it is open, of which the last alone proves a time', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const archive = new WalArchive(repository, String(SYSTEM), SEGMENT_BYTES);
    const bytes = segment().subarray(0, 29 * MB);
    await archive.putPart(NAME, 0, bytes.subarray(0, MB), { ...times, coveredUntil: undefined });
    await archive.putPart(NAME, MB, bytes.subarray(MB), times);
    expect(bytes.equals((await archive.readParts(NAME)) ?? Buffer.alloc(0))).toBe(true);
    const ends: number[] = [];
    for await (const { key } of repository.store.list(partKey(String(SYSTEM), NAME, 0, 0, '').slice(0, -18)))
      ends.push(Number.parseInt(/-([0-9A-F]{8})-/.exec(key)?.[1] ?? '', 16) / MB);
    expect(ends).toEqual([1, 17, 29]);
    for (const end of [1, 17]) expect(await archive.readPartMoment(NAME, end * MB)).toBeUndefined();
    expect(await archive.readPartMoment(NAME, 29 * MB)).toEqual(times.coveredUntil);
  });
});

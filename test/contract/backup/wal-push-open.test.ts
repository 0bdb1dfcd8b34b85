import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { pushWalBytes, type PushOptions } from '../../../src/backup/wal/push-run.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { nameOf, SEGMENT_BYTES, startOf, SYSTEM } from '../../backup/wal-segments.ts';
import { WalBuilder } from '../../unit/postgres/wal-builder.ts';

const SEGMENT = nameOf(10);
const record = (fill: number): Parameters<WalBuilder['add']>[0] => ({ xid: 7, manager: 10, info: 0, data: Buffer.alloc(5000, fill) });
const SWITCH = { xid: 0, manager: 0, info: 0x40, data: Buffer.alloc(0) };
const times = { receivedAt: new Date(0), coveredUntil: undefined };

/** A segment with records up to about `bytes`, then what `end` says, and zeros; and where the records end. */
function segmentOf(bytes: number, fill = 5, end?: typeof SWITCH): { readonly padded: Buffer; readonly written: Buffer } {
  const wal = new WalBuilder(17, startOf(10));
  while (wal.endLsn < startOf(10) + BigInt(bytes)) wal.add(record(fill));
  if (end !== undefined) wal.add(end);
  const { endLsn } = wal;
  wal.fillSegment();
  const padded = wal.build().subarray(0, SEGMENT_BYTES);
  return { padded, written: padded.subarray(0, Number(endLsn - startOf(10))) };
}

let repository: Repository;
let archive: WalArchive;

beforeEach(async () => {
  repository = await makeMemoryRepository();
  archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
});

const options = (): PushOptions => ({
  destinations: [{ name: 'local', required: true, open: async () => await Promise.resolve(repository) }],
  clusterName: 'main',
  owner: async () => await Promise.resolve({ systemIdentifier: SYSTEM, serverVersion: 170_004, walSegmentBytes: SEGMENT_BYTES }),
  clock: systemClock,
  log: silentLog,
});

// A standby with archive_mode = always archives what its restore_command gave it.
test('the open segment that comes back padded with zeros is not stored as the whole, and the whole is when it comes', async () => {
  const { padded, written } = segmentOf(300_000);
  await archive.putPart(SEGMENT, 0, written, times);
  expect(await pushWalBytes(SEGMENT, padded, options())).toBe('present');
  expect(await archive.readSegment(SEGMENT)).toBeUndefined();
  expect((await archive.readParts(SEGMENT))?.equals(written)).toBe(true);
  const whole = segmentOf(SEGMENT_BYTES).padded;
  expect(whole.subarray(0, written.byteLength).equals(written)).toBe(true);
  expect(await pushWalBytes(SEGMENT, whole, options())).toBe('stored');
  expect((await archive.readSegment(SEGMENT))?.equals(whole)).toBe(true);
  // Once it is there, its beginning is no other content.
  expect(await pushWalBytes(SEGMENT, padded, options())).toBe('present');
});

test('what an open segment has more than the repository is stored as a part', async () => {
  const { padded, written } = segmentOf(300_000);
  expect(await pushWalBytes(SEGMENT, segmentOf(100_000).padded, options())).toBe('stored');
  expect(await pushWalBytes(SEGMENT, padded, options())).toBe('stored');
  expect(await archive.readSegment(SEGMENT)).toBeUndefined();
  expect((await archive.readParts(SEGMENT))?.equals(written)).toBe(true);
  expect(await pushWalBytes(SEGMENT, segmentOf(100_000).padded, options())).toBe('present');
});

test('an open segment that is cut within a record, wherever, is known for one', async () => {
  const { padded } = segmentOf(300_000);
  for (const cutAt of [200_000, 200_001, 24 * 8192, 24 * 8192 + 1, 24 * 8192 + 24, 25 * 8192 - 1]) {
    repository = await makeMemoryRepository();
    archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
    const cut = Buffer.from(padded).fill(0, cutAt);
    expect(await pushWalBytes(SEGMENT, cut, options())).toBe('stored');
    expect(await archive.readSegment(SEGMENT)).toBeUndefined();
    const parts = (await archive.readParts(SEGMENT)) ?? Buffer.alloc(0);
    expect(parts.byteLength).toBeGreaterThan(cutAt - 6000);
    expect(padded.subarray(0, parts.byteLength).equals(parts)).toBe(true);
  }
});

test('a segment with a record that is damaged, and others behind it, is stored as it is offered', async () => {
  const { padded } = segmentOf(300_000, 5, SWITCH);
  padded.fill(9, 150_000, 150_001);
  expect(await pushWalBytes(SEGMENT, padded, options())).toBe('stored');
  expect((await archive.readSegment(SEGMENT))?.equals(padded)).toBe(true);
});

test.for(['parts', 'the whole'])('an open segment with other content than %s is refused, and what is there stays', async (there) => {
  const { padded, written } = segmentOf(there === 'parts' ? 300_000 : SEGMENT_BYTES);
  if (there === 'parts') await archive.putPart(SEGMENT, 0, written, times);
  else await archive.putSegment(SEGMENT, padded, times);
  await expect(pushWalBytes(SEGMENT, segmentOf(200_000, 6).padded, options())).rejects.toMatchObject({ code: 'wal-conflict' });
  expect((await archive.readStored(SEGMENT))?.equals(there === 'parts' ? written : padded)).toBe(true);
});

test.for([
  ['ends with a switch', segmentOf(300_000, 5, SWITCH).padded],
  ['is full, though its last record goes on in the next', segmentOf(SEGMENT_BYTES).padded],
] as const)('a segment that %s is whole', async ([, bytes]) => {
  expect(await pushWalBytes(SEGMENT, bytes, options())).toBe('stored');
  expect((await archive.readSegment(SEGMENT))?.equals(bytes)).toBe(true);
});

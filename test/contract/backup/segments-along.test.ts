import { expect, test } from 'vitest';
import { readSegments, type SourceSegment } from '../../../src/backup/restore/wal-source.ts';
import type { Lineage } from '../../../src/backup/restore/recover-along.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { contentOf, nameOf, SEGMENT_BYTES, startOf, SYSTEM } from '../../backup/wal-segments.ts';

const times = { receivedAt: new Date(0), coveredUntil: undefined };
const SWITCH = 9000;
const second: Lineage = { timeline: 2, history: [{ timeline: 1, switchLsn: startOf(4) + BigInt(SWITCH), reason: '' }] };

/** Segments 3 and 4 of timeline 1, as far as the last is stored, and as much of segment 4 of timeline 2. */
async function archiveWith(first: number, next: number): Promise<WalArchive> {
  const archive = new WalArchive(await makeMemoryRepository(), SYSTEM, SEGMENT_BYTES);
  await archive.putSegment(nameOf(3), contentOf(3), times);
  for (const [timeline, bytes] of [
    [1, first],
    [2, next],
  ] as const) {
    if (bytes === SEGMENT_BYTES) await archive.putSegment(nameOf(4, timeline), copyOn(timeline), times);
    else if (bytes > 0) await archive.putPart(nameOf(4, timeline), 0, copyOn(timeline).subarray(0, bytes), times);
  }
  return archive;
}

/** Segment 4: up to the switch the same on both timelines, from there on each one's own. */
function copyOn(timeline: number): Buffer {
  const bytes = contentOf(4);
  bytes.fill(0x10 * timeline, SWITCH);
  return bytes;
}

async function read(archive: WalArchive, untilBytes: number): Promise<readonly SourceSegment[]> {
  const segments: SourceSegment[] = [];
  for await (const segment of readSegments(archive, second, startOf(3) + 1n, startOf(4) + BigInt(untilBytes))) segments.push(segment);
  return segments;
}

/** As much of `bytes` and zeros behind. */
function cut(bytes: Buffer, length: number): Buffer {
  return Buffer.concat([bytes.subarray(0, length), Buffer.alloc(SEGMENT_BYTES - length)]);
}

test.each<[string, first: number, next: number, filled: number]>([
  ['the new timeline has less of it', SEGMENT_BYTES, 5000, SWITCH],
  ['the old one has less of it', 5000, 8000, 8000],
  ['the old one ends there', SWITCH, 5000, SWITCH],
  ['only the old one has it', SEGMENT_BYTES, 0, SWITCH],
  ['only the new one has it', 0, 12_000, 12_000],
  ['the new one goes on', SEGMENT_BYTES, 12_000, 12_000],
  ['both are whole', SEGMENT_BYTES, SEGMENT_BYTES, SEGMENT_BYTES],
])('the segment in which a timeline was left is read as far as any copy of it goes, and never past the switch: %s', async (...row) => {
  const [, first, next, filled] = row;
  const [whole, last] = await read(await archiveWith(first, next), filled);
  expect(whole).toMatchObject({ name: nameOf(3), filledBytes: SEGMENT_BYTES });
  expect(last).toMatchObject({ name: nameOf(4, 2), startLsn: startOf(4), filledBytes: filled });
  expect(last?.bytes.equals(cut(copyOn(2), filled))).toBe(true);
});

test('a segment that does not go as far as it should is refused, with where it ends', async () => {
  await expect(read(await archiveWith(SEGMENT_BYTES, 5000), SWITCH + 1)).rejects.toMatchObject({
    code: 'wal-missing',
    message: `WAL segment ${nameOf(4, 2)} is only up to ${formatLsn(startOf(4) + BigInt(SWITCH))} in the repository`,
  });
  await expect(read(await archiveWith(0, 0), 1)).rejects.toMatchObject({
    code: 'wal-missing',
    message: `WAL segment ${nameOf(4, 2)} is not in the repository`,
  });
});

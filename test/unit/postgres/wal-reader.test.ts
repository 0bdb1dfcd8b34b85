import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readWalRecords, type WalReadOptions } from '../../../src/postgres/wal-reader.ts';
import { readTransactionEnds, type TransactionEnd } from '../../../src/postgres/wal-records.ts';
import { endData, SEGMENT_BYTES, WalBuilder, type RecordToWrite } from './wal-builder.ts';

const START = 5n * BigInt(SEGMENT_BYTES);
const HEAP: RecordToWrite = { xid: 7, manager: 10, info: 0, data: new Uint8Array(100) };
const commit = (xid: number): RecordToWrite => ({ xid, manager: 1, info: 0, data: endData(BigInt(xid)) });

test('records of any size are found where they were written', async () => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 7000, max: 30_000 })), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 100, max: 40_000 }), async (lengths, pieceBytes) => {
      const wal = new WalBuilder(17, START);
      const written = lengths.map((length, index) => wal.add({ ...HEAP, xid: index, data: new Uint8Array(length).fill(index) }));
      const read: bigint[] = [];
      let validUntil = 0n;
      const options: WalReadOptions = { startLsn: START, segmentBytes: SEGMENT_BYTES, major: 17, onEnd: (lsn) => (validUntil = lsn) };
      for await (const record of readWalRecords(inPieces(wal.build(), pieceBytes), options)) {
        expect(record.xid).toBe(read.length);
        read.push(record.lsn);
      }
      expect(read).toEqual(written);
      expect(validUntil).toBe(written.length === 0 ? START : wal.endLsn);
    }),
    { seed: 20261121, numRuns: 40 },
  );
});

test('after a record that a crash cut off, reading goes on where the server overwrote its rest', async () => {
  const wal = new WalBuilder(16, START);
  wal.add(commit(1));
  wal.add({ ...HEAP, data: new Uint8Array(30_000) }, 12_000);
  wal.overwriteCut();
  wal.add({ xid: 0, manager: 0, info: 0xd0, data: new Uint8Array(16) });
  wal.add(commit(2));
  expect((await endsOf(wal, 16)).map(xidOf)).toEqual([1, 2]);
});

test('a record that is cut off without that is the end', async () => {
  const wal = new WalBuilder(16, START);
  wal.add(commit(1));
  wal.add({ ...HEAP, data: new Uint8Array(30_000) }, 12_000);
  wal.add(commit(2));
  expect((await endsOf(wal, 16)).map(xidOf)).toEqual([1]);
});

test('after a switch, reading goes on in the next segment', async () => {
  const wal = new WalBuilder(18, START);
  wal.add(commit(1));
  wal.add({ xid: 0, manager: 0, info: 0x40, data: new Uint8Array() });
  wal.fillSegment();
  wal.add(commit(2));
  expect((await endsOf(wal, 18)).map(xidOf)).toEqual([1, 2]);
});

test('the rest of a record that began before the first segment is skipped', async () => {
  const wal = new WalBuilder(15, START);
  wal.add({ ...HEAP, data: new Uint8Array(SEGMENT_BYTES + 50_000) });
  wal.add(commit(3));
  const second = wal.build().subarray(SEGMENT_BYTES);
  const ends: TransactionEnd[] = [];
  const options = { startLsn: START + BigInt(SEGMENT_BYTES), segmentBytes: SEGMENT_BYTES, major: 15 };
  for await (const end of readTransactionEnds(inPieces(second, 8192), options)) ends.push(end);
  expect(ends.map(xidOf)).toEqual([3]);
});

test('an old page of a recycled segment ends the WAL', async () => {
  const wal = new WalBuilder(17, START);
  for (let xid = 1; xid < 500; xid += 1) wal.add(commit(xid));
  const bytes = wal.build();
  const old = new WalBuilder(17, START - BigInt(SEGMENT_BYTES));
  for (let xid = 1001; xid < 1500; xid += 1) old.add(commit(xid));
  old.build().copy(bytes, 8192, 8192);
  const ends: TransactionEnd[] = [];
  for await (const end of readTransactionEnds(inPieces(bytes, 8192), { startLsn: START, segmentBytes: SEGMENT_BYTES, major: 17 }))
    ends.push(end);
  expect(ends.length).toBeGreaterThan(100);
  expect(ends.every((end) => xidOf(end) < 1000 && end.endLsn <= START + 8192n)).toBe(true);
});

test('a commit has its time in microseconds since 1970, and its place', async () => {
  const wal = new WalBuilder(17, START);
  wal.add(commit(9));
  expect(await endsOf(wal, 17)).toEqual([
    {
      kind: 'commit',
      xid: 9,
      fullXid: undefined,
      subtransactions: [],
      lsn: START + 40n,
      endLsn: START + 80n,
      time: 946_684_800_000_009n,
    },
  ]);
});

async function endsOf(wal: WalBuilder, major: number): Promise<TransactionEnd[]> {
  const ends: TransactionEnd[] = [];
  for await (const end of readTransactionEnds(inPieces(wal.build(), 5000), { startLsn: wal.startLsn, segmentBytes: SEGMENT_BYTES, major }))
    ends.push(end);
  return ends;
}

function xidOf(end: TransactionEnd): number {
  return end.kind === 'restore-point' ? 0 : end.xid;
}

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes)
    yield await Promise.resolve(bytes.subarray(offset, offset + pieceBytes));
}

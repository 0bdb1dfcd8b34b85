import { expect, test } from 'vitest';
import { decompressLz4, decompressPglz, restoreImage } from '../../../src/postgres/page-image.ts';
import { readTransactionEnds, type TransactionEnd } from '../../../src/postgres/wal-records.ts';
import { endData, SEGMENT_BYTES, WalBuilder } from './wal-builder.ts';

const START = 5n * BigInt(SEGMENT_BYTES);
const HAS_SUBTRANSACTIONS = 2;
const HAS_RELATIONS = 4;
const HAS_INVALIDATIONS = 8;
const HAS_TWO_PHASE = 16;
const HAS_INFO = 0x80;

/** What follows a commit's time: counts and lists of items of a size, in the server's order. */
function rest(
  flags: number,
  lists: readonly { readonly items: number; readonly bytes: number; readonly fill?: (list: Buffer) => void }[],
  end = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(flags);
  const parts = lists.map(({ items, bytes, fill }) => {
    const list = Buffer.alloc(4 + items * bytes);
    list.writeInt32LE(items);
    fill?.(list.subarray(4));
    return list;
  });
  return Buffer.concat([endData(1n), head, ...parts, end]);
}

async function endsOf(wal: WalBuilder, major: number): Promise<TransactionEnd[]> {
  const ends: TransactionEnd[] = [];
  const source = (async function* () {
    yield await Promise.resolve(wal.build());
  })();
  for await (const end of readTransactionEnds(source, { startLsn: wal.startLsn, segmentBytes: SEGMENT_BYTES, major })) ends.push(end);
  return ends;
}

function checkpoint(nextXid: bigint): Buffer {
  const data = Buffer.alloc(88);
  data.writeBigUInt64LE(nextXid, 24);
  return data;
}

test('a commit of many subtransactions, dropped files and invalidations over several pages is read whole', async () => {
  const wal = new WalBuilder(17, START);
  const data = rest(HAS_SUBTRANSACTIONS | HAS_RELATIONS | HAS_INVALIDATIONS, [
    { items: 4000, bytes: 4, fill: (list) => void Array.from({ length: 4000 }, (_, index) => list.writeUInt32LE(1000 + index, index * 4)) },
    { items: 900, bytes: 12 },
    { items: 3000, bytes: 16 },
  ]);
  const lsn = wal.add({ xid: 999, manager: 1, info: HAS_INFO, data });
  const [end] = await endsOf(wal, 17);
  expect(end).toMatchObject({ kind: 'commit', xid: 999, lsn });
  expect(end?.kind === 'commit' ? end.subtransactions : []).toEqual(Array.from({ length: 4000 }, (_, index) => 1000 + index));
});

test('COMMIT PREPARED has the transaction that was prepared, not that of the command', async () => {
  const wal = new WalBuilder(18, START);
  const xid = Buffer.alloc(4);
  xid.writeUInt32LE(4711);
  wal.add({ xid: 0, manager: 1, info: HAS_INFO | 0x30, data: rest(HAS_TWO_PHASE, [], xid) });
  expect(await endsOf(wal, 18)).toMatchObject([{ kind: 'commit-prepared', xid: 4711 }]);
});

test('the epoch comes from checkpoints, on both sides of a wraparound', async () => {
  const wal = new WalBuilder(16, START);
  wal.add({ xid: 5, manager: 1, info: 0, data: endData(1n) });
  wal.add({ xid: 0, manager: 0, info: 0x10, data: checkpoint((3n << 32n) + 10n) });
  wal.add({ xid: 4_294_967_290, manager: 1, info: 0, data: endData(2n) });
  wal.add({ xid: 12, manager: 1, info: 0, data: endData(3n) });
  const ends = await endsOf(wal, 16);
  expect(ends.map((end) => (end.kind === 'restore-point' ? undefined : end.fullXid))).toEqual([
    undefined,
    (2n << 32n) + 4_294_967_290n,
    (3n << 32n) + 12n,
  ]);
});

test('a restore point has its name, whatever follows it in its field', async () => {
  const wal = new WalBuilder(15, START);
  const data = Buffer.alloc(72);
  endData(7n).copy(data);
  data.write('before ä', 8, 'utf8');
  data.write('old rest', 40, 'utf8');
  wal.add({ xid: 0, manager: 0, info: 0x70, data });
  expect(await endsOf(wal, 15)).toMatchObject([{ kind: 'restore-point', name: 'before ä' }]);
});

test('pglz and LZ4 give back what their formats say, and refuse what ends elsewhere', () => {
  // Three literals, then a copy of 6 bytes from 3 before, which overlaps itself.
  const pglz = Uint8Array.from([0b0000_1000, 0x61, 0x62, 0x63, 0x03, 0x03]);
  expect(decompressPglz(pglz, 9)?.toString()).toBe('abcabcabc');
  expect(decompressPglz(pglz, 8)?.length).not.toBe(9);
  expect(decompressPglz(Uint8Array.from([1, 0x03, 0x09]), 6)).toBeUndefined();
  const lz4 = Uint8Array.from([0x32, 0x61, 0x62, 0x63, 0x03, 0x00, 0x10, 0x64]);
  expect(decompressLz4(lz4, 10)?.toString()).toBe('abcabcabcd');
  expect(decompressLz4(lz4, 11)).toBeUndefined();
  expect(decompressLz4(Uint8Array.from([0x10, 0x61, 0x09, 0x00]), 5)).toBeUndefined();
});

test('an image gets its hole back', () => {
  const bytes = Buffer.alloc(200, 7);
  const block = restoreImage({ bytes, holeOffset: 50, holeBytes: 8192 - 200, compression: 'none' });
  expect(block.length).toBe(8192);
  expect([block[49], block[50], block[8041], block[8042], block[8191]]).toEqual([7, 0, 0, 7, 7]);
  expect(() => restoreImage({ bytes: bytes.subarray(1), holeOffset: 50, holeBytes: 8192 - 200, compression: 'none' })).toThrow(
    expect.objectContaining({ code: 'wal-invalid' }),
  );
});

import { expect, test } from 'vitest';
import { RecordTimes } from '../../../../src/backup/wal/record-time-inspect.ts';
import { endData, SEGMENT_BYTES, WalBuilder } from '../../postgres/wal-builder.ts';

const MAJOR = 17;
const START = 5n * BigInt(SEGMENT_BYTES);
const NEXT = START + BigInt(SEGMENT_BYTES);
const SECOND = 1_795_000_000;
const UNIX_SECONDS_OF_POSTGRES_EPOCH = 946_684_800;
const at = (second: number): Date => new Date((SECOND + second) * 1000);

function wal(startLsn = START): WalBuilder {
  return new WalBuilder(MAJOR, startLsn);
}

function commit(builder: WalBuilder, second: number): void {
  const time = BigInt(SECOND + second - UNIX_SECONDS_OF_POSTGRES_EPOCH) * 1_000_000n;
  builder.add({ xid: 7, manager: 1, info: 0, data: endData(time) });
}

/** Rows: nothing that ends. */
function load(builder: WalBuilder, bytes: number): void {
  builder.add({ xid: 7, manager: 10, info: 0, data: Buffer.alloc(bytes, 1) });
}

function checkpoint(builder: WalBuilder, second: number): void {
  const data = Buffer.alloc(88);
  data.writeBigInt64LE(BigInt(SECOND + second), 64);
  builder.add({ xid: 0, manager: 0, info: 0x10, data });
}

async function until(times: RecordTimes, builder: WalBuilder, bytes = builder.build()): Promise<Date | undefined> {
  return await times.until({ startLsn: builder.startLsn, segmentBytes: SEGMENT_BYTES, major: MAJOR, bytes });
}

test('a segment in which nothing ends has the time of the one before', async () => {
  const times = new RecordTimes();
  const [first, second] = [wal(), wal(NEXT)];
  commit(first, 10);
  load(second, 300);
  expect(await until(times, first)).toEqual(at(10));
  expect(await until(times, second)).toEqual(at(10));
  commit(second, 20);
  expect(await until(times, second)).toEqual(at(20));
});

test('before the first record with a time nothing is known', async () => {
  const first = wal();
  load(first, 300);
  expect(await until(new RecordTimes(), first)).toBeUndefined();
});

test('a time of the WAL that follows does not count for what lies before it, though both are asked for at once', async () => {
  const times = new RecordTimes();
  const [first, second] = [wal(), wal(NEXT)];
  commit(first, 10);
  load(first, 500_000);
  commit(second, 20);
  expect(await Promise.all([until(times, first), until(times, second)])).toEqual([at(10), at(20)]);
});

test('a checkpoint tells the time at which it began, and takes none back', async () => {
  const times = new RecordTimes();
  const [first, second, third] = [wal(), wal(NEXT), wal(NEXT + BigInt(SEGMENT_BYTES))];
  commit(first, 300);
  checkpoint(second, 100);
  checkpoint(third, 400);
  expect(await until(times, first)).toEqual(at(300));
  expect(await until(times, second)).toEqual(at(300));
  expect(await until(times, third)).toEqual(at(400));
});

test('after the clock of the server was set back, the commits of the next segment count again', async () => {
  const times = new RecordTimes();
  const [first, second] = [wal(), wal(NEXT)];
  commit(first, 1000);
  commit(second, 10);
  commit(second, 12);
  commit(second, 11);
  expect(await until(times, first)).toEqual(at(1000));
  expect(await until(times, second)).toEqual(at(12));
});

test('after the clock of the server was set back, checkpoints alone count again once one of them began behind all that ended', async () => {
  const times = new RecordTimes();
  const [first, second, third] = [wal(), wal(NEXT), wal(NEXT + BigInt(SEGMENT_BYTES))];
  commit(first, 1000);
  checkpoint(second, 990);
  expect(await until(times, first)).toEqual(at(1000));
  expect(await until(times, second)).toEqual(at(1000));
  checkpoint(third, 20);
  expect(await until(times, third)).toEqual(at(20));
  checkpoint(third, 30);
  expect(await until(times, third)).toEqual(at(30));
});

test('a checkpoint that is read again, as its page is when more of it has come, takes no time back', async () => {
  const times = new RecordTimes();
  const growing = wal();
  commit(growing, 300);
  load(growing, 20_000);
  checkpoint(growing, 100);
  expect(await until(times, growing)).toEqual(at(300));
  load(growing, 100);
  expect(await until(times, growing)).toEqual(at(300));
});

test('of a segment that grows, wherever it is cut, the same is known as of one that is read at once', async () => {
  const whole = wal();
  for (let second = 0; second < 6; second += 1) {
    commit(whole, second);
    load(whole, second === 3 ? 20_000 : 3000);
    checkpoint(whole, second);
  }
  const bytes = whole.build();
  // A prime: it cuts in headers of pages, in those of records, and within.
  const growing = new RecordTimes();
  const found = new Set<number | undefined>();
  for (let length = 1; length <= bytes.length; length += 97) {
    const known = await until(growing, whole, bytes.subarray(0, length));
    expect(known, `${length} bytes`).toEqual(await until(new RecordTimes(), whole, bytes.subarray(0, length)));
    found.add(known?.getTime());
  }
  expect(found.size).toBe(7);
  expect(await until(growing, whole, bytes)).toEqual(at(5));
});

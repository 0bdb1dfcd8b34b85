import { expect, test } from 'vitest';
import { AuditComparison } from '../../../src/backup/take/comparison.ts';
import { ContentMap } from '../../../src/backup/take/content-map.ts';
import { DamagedContent } from '../../../src/backup/take/damaged-content.ts';
import { AllParentBytes } from '../../../src/backup/take/parent-bytes.ts';
import { ParentBlobs } from '../../../src/backup/take/parent-blobs.ts';
import { silentLog } from '../../../src/base/log.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { BlobReader } from '../../../src/repository/blob-reader.ts';
import type { AuditReport } from '../../../src/repository/manifest.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { hashOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const PAGE = 8192;
const STRETCH = 128;
const RELATION = 'base/5/16397';

/** A page that was changed long before either backup; empty below its header. */
function page(fill: number): Buffer {
  const bytes = Buffer.alloc(PAGE);
  bytes.writeUInt32LE(0x100, 4);
  for (const [at, word] of [
    [12, 24],
    [14, 4096],
    [16, PAGE],
  ] as const)
    bytes.writeUInt16LE(word, at);
  bytes.fill(fill, 4096);
  return bytes;
}

/** A page of a table that was loaded under wal_level = minimal: with a row in it, and without an LSN. */
function unloggedPage(fill: number): Buffer {
  const bytes = page(fill);
  bytes.fill(0, 0, 8);
  bytes.writeUInt16LE(28, 12);
  // One line pointer: a normal tuple of 60 bytes, of which nobody said yet whether it is there.
  bytes.writeUInt32LE((8100 | (1 << 15) | (60 << 17)) >>> 0, 24);
  bytes.writeUInt16LE(0, 8100 + 20);
  return bytes;
}

/** The same once somebody read the row: HEAP_XMIN_COMMITTED. */
function hinted(bytes: Buffer): Buffer {
  const now = Buffer.from(bytes);
  now.writeUInt16LE(0x0100, 8100 + 20);
  return now;
}

/** The audit of a file of which a backup has pages as `old`, and the cluster `now`. */
async function auditOf(now: readonly Buffer[], old = page(1)): Promise<AuditReport> {
  const repository = await makeMemoryRepository(false);
  const before = Buffer.concat(Array.from({ length: STRETCH }, () => old));
  await writePacks(repository, [before], new Date(0), 64);
  const parent = new ContentMap();
  parent.blobs.set(parent.blobs.add(), hashOf(before));
  parent.addFile({ path: RELATION, sizeBytes: now.length * PAGE, mode: 0o600, modifiedAt: 1, pages: [] }, (put) => {
    for (let block = 0; block < now.length; block += STRETCH) put(block * PAGE, Math.min(STRETCH, now.length - block) * PAGE, 0, 0);
  });
  const reader = new BlobReader(repository, SYSTEM, await BlobIndex.load(repository, SYSTEM));
  const damaged = new DamagedContent('local', silentLog);
  const blobs = new ParentBlobs([{ name: 'local', names: parent.blobs, reader, damaged }], silentLog);
  const pair = { parent: { startLsn: '0/1000', stopLsn: '0/1800', fromStandby: false }, isStandby: false, hintsUnlogged: false };
  const audit = new AuditComparison(parent, new AllParentBytes(parent, blobs), pair, PAGE);
  audit.begin(0x2000n);
  for (let block = 0; block < now.length; block += STRETCH)
    await audit.changes(RELATION, block * PAGE, Buffer.concat(now.slice(block, block + STRETCH)));
  await audit.close();
  return audit.report('F1');
}

const pages = (count: number, content: Buffer): readonly Buffer[] => Array.from({ length: count }, () => content);
const emptied = (block: number): object => ({ path: RELATION, block, emptied: true });

test('pages that were emptied are the first that are listed, however many others come before them', async () => {
  const report = await auditOf([...pages(1001, page(2)), ...pages(2, Buffer.alloc(PAGE)), page(1)]);
  expect(report.mismatches.slice(0, 3)).toEqual([emptied(1001), emptied(1002), { path: RELATION, block: 0 }]);
  expect(report.mismatches).toHaveLength(1000);
  expect(report).toMatchObject({ pages: 1004, mismatchCount: 1003 });
  expect(report).not.toHaveProperty('emptiedCount');
});

test('of more emptied pages than are listed the report says how many they are', async () => {
  const report = await auditOf([page(2), ...pages(1001, Buffer.alloc(PAGE)), page(1)]);
  expect(report).toMatchObject({ mismatchCount: 1002, emptiedCount: 1001 });
  expect(report.mismatches).toEqual(Array.from({ length: 1000 }, (_, n) => emptied(n + 1)));
});

test.each([
  ['is as it was', unloggedPage(1), { mismatches: [emptied(1)], benign: 0 }],
  ['differs in hints only', hinted(unloggedPage(1)), { mismatches: [emptied(1)], benign: 1 }],
  ['is another', unloggedPage(2), { mismatches: [], benign: 0 }],
  ['was made ready', page(1).fill(0, 0, 8), { mismatches: [], benign: 0 }],
] as const)('a page without an LSN behind one that was emptied shows it or not: one that %s', async (_, later, found) => {
  expect(await auditOf([unloggedPage(1), Buffer.alloc(PAGE), later], unloggedPage(1))).toMatchObject(found);
});

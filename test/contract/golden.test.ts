import path from 'node:path';
import { expect, test } from 'vitest';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { BlobReader } from '../../src/repository/blob-reader.ts';
import { listClusters } from '../../src/repository/identity.ts';
import { listBackups, readManifest } from '../../src/repository/manifest.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { WalArchive } from '../../src/repository/wal-archive.ts';
import { readCoverage } from '../../src/repository/wal-coverage.ts';
import { openDiskStore } from '../../src/storage/disk.ts';

/** Repositories written by each released format, which every later version reads. They are never written again. */
const GOLDEN = path.resolve(import.meta.dirname, '..', 'golden');

/** Page `n` of the golden clusters. */
function page(n: number): Buffer {
  const bytes = Buffer.alloc(8192);
  for (let at = 0; at < 8192; at += 4) bytes.writeUInt32LE((n * 2654435761 + at * at) >>> 0, at);
  return bytes;
}

test('the golden repository of format 1 is read to its last byte', async () => {
  const repository = await openRepository(await openDiskStore(path.join(GOLDEN, 'format-1')), { kind: 'none' });
  const [cluster] = await listClusters(repository);
  expect(cluster).toEqual({ systemIdentifier: '7000000000000000001', name: 'main', serverVersion: 180004, walSegmentBytes: 1048576 });
  const system = '7000000000000000001';
  const backups = await listBackups(repository, system);
  expect(backups.map(({ label, kind, startLsn }) => [label, kind, startLsn])).toEqual([
    ['20261121T000000Z-full', 'full', '0/100028'],
    ['20261121T010000Z-incr', 'incremental', '0/200028'],
  ]);
  const blobs = new BlobReader(repository, system, await BlobIndex.load(repository, system));
  const files = new Map<string, Buffer>();
  for (const { label } of backups) {
    for await (const entry of readManifest(repository, system, label)) {
      if (entry.type !== 'file') continue;
      const content = Buffer.alloc(entry.sizeBytes);
      for (const [offset, length, hash, from = 0] of entry.extents)
        for await (const plain of blobs.readAll([hash])) plain.copy(content, offset, from, from + length);
      files.set(`${label} ${entry.path}`, content);
    }
  }
  expect(files.get('20261121T000000Z-full postgresql.conf')?.toString()).toBe("listen_addresses = '127.0.0.1'\n");
  const zeros = Buffer.alloc(16384);
  expect(files.get('20261121T000000Z-full base/5/1259')?.equals(Buffer.concat([page(1), page(2), zeros]))).toBe(true);
  expect(files.get('20261121T010000Z-incr base/5/1259')?.equals(Buffer.concat([page(1), page(9), zeros]))).toBe(true);
  expect(files.get('20261121T000000Z-full pg_tblspc/16400/PG_18_202506291/5/16401')?.equals(page(2))).toBe(true);
  expect(files.size).toBe(5);

  const archive = new WalArchive(repository, system, 1048576);
  expect((await archive.readSegment('000000010000000000000001'))?.readBigUInt64LE(8)).toBe(0x100000n);
  expect((await archive.readParts('000000010000000000000002'))?.byteLength).toBe(1000);
  expect((await archive.readHistory(2))?.toString()).toBe('1\t0/2003E8\tno recovery target specified\n');
  const coverage = await readCoverage(repository, system, 1048576);
  expect(coverage.timelines.get(1)?.horizon).toEqual({ lsn: 0x2003e8n, at: new Date('2026-11-21T00:00:05Z') });
  await repository.store.close();
});

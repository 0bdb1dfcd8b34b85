import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { BlobReader } from '../../../src/repository/blob-reader.ts';
import { BlobWriter } from '../../../src/repository/blob-writer.ts';
import { peekHeader, seal, sealStream, unseal, unsealStream } from '../../../src/repository/envelope.ts';
import { createRepository, readIdentity } from '../../../src/repository/identity.ts';
import { listBackups, readManifest, writeManifest, type BackupSummary, type ManifestEntry } from '../../../src/repository/manifest.ts';
import { decodeFooter, encodeFooter } from '../../../src/repository/pack.ts';
import { readCoverage, reachFrom } from '../../../src/repository/wal-coverage.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';

const SYSTEM = '7710407255717780657';
const SEGMENT_BYTES = 1024 * 1024;

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A segment whose first page says that it is one, with `fill` behind it. */
function segmentBytes(segment: string, fill: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_BYTES, fill);
  bytes.fill(0, 0, 40);
  bytes.writeUInt16LE(0xd118, 0);
  bytes.writeUInt16LE(2, 2);
  bytes.writeBigUInt64LE((BigInt(`0x${segment.slice(8, 16)}`) << 32n) + BigInt(`0x${segment.slice(16)}`) * BigInt(SEGMENT_BYTES), 8);
  bytes.writeBigUInt64LE(BigInt(SYSTEM), 24);
  return bytes;
}

const summary = (label: string, stopLsn: string): BackupSummary => ({
  label,
  kind: 'full',
  systemIdentifier: SYSTEM,
  serverVersion: 180004,
  tool: '0.1.0',
  startedAt: '2026-11-21T00:00:00.000Z',
  finishedAt: '2026-11-21T00:00:01.000Z',
  startLsn: '0/100',
  stopLsn,
  startTimeline: 1,
  stopTimeline: 1,
  walSegmentBytes: SEGMENT_BYTES,
  blockBytes: 8192,
  checksums: true,
  damage: null,
  warnings: [],
  tablespaces: [],
  fileCount: 1,
  plainBytes: 1,
  newBlobs: 1,
  storedBytes: 1,
  packs: [],
});

const times = { receivedAt: new Date(0), coveredUntil: undefined };

describe('sealed objects', () => {
  test('give back header and body, however the body comes in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 50_000 }), fc.integer({ min: 1, max: 9000 }), async (body, size) => {
        const bytes = Buffer.from(body);
        const streamed = await collect(sealStream('manifest', { a: 1 }, pieces(bytes, size)));
        expect(peekHeader('manifest', streamed, 'm')).toEqual({ a: 1 });
        expect(await collect(unsealStream('manifest', pieces(streamed, size), 'm'))).toEqual(bytes);
        const whole = await unseal('index', await seal('index', { b: 2 }, bytes), 'x', 1 << 20);
        expect(Buffer.from(whole.body)).toEqual(bytes);
      }),
      { seed: 20261121, numRuns: 60 },
    );
  });

  test('one flipped bit anywhere is found', async () => {
    const body = Buffer.from('what a backup is made of '.repeat(40));
    const sealed = await seal('wal', { timeline: 1 }, body);
    for (let at = 0; at < sealed.byteLength; at += 1) {
      const flipped = Buffer.from(sealed);
      flipped[at] = (flipped[at] ?? 0) ^ 4;
      await expect(unseal('wal', flipped, 'o', 1 << 20)).rejects.toThrow(/damaged|does not know/);
      await expect(collect(unsealStream('wal', pieces(flipped, 100), 'o'))).rejects.toThrow(/damaged|does not know/);
    }
  });

  test('a truncated object is damaged, not short', async () => {
    const sealed = await seal('wal', {}, Buffer.alloc(5000, 7));
    for (const length of [0, 5, 16, 30, sealed.byteLength - 1]) {
      await expect(collect(unsealStream('wal', pieces(sealed.subarray(0, length), 64), 'o'))).rejects.toMatchObject({
        code: 'repository-damaged',
      });
    }
  });
});

describe('blobs', () => {
  test('packs describe themselves', () => {
    const blobs = [1, 2, 3].map((n) => ({ hash: String(n).repeat(64), offset: n * 10, storedBytes: n, plainBytes: n * 2, zstd: n === 2 }));
    expect(decodeFooter(encodeFooter(blobs), 'p')).toEqual(blobs);
    const bad = Buffer.from(encodeFooter(blobs));
    bad[3] = (bad[3] ?? 0) ^ 1;
    expect(() => decodeFooter(bad, 'p')).toThrow(/damaged/);
  });

  test('what was put is read back, and nothing is stored twice', async () => {
    const store = createMemoryStore();
    const contents = Array.from({ length: 40 }, (_, n) => Buffer.from(`${n % 20} `.repeat(30_000)));
    const first = new BlobWriter(store, SYSTEM, new BlobIndex());
    const hashes: string[] = [];
    for (const content of contents) hashes.push(await first.put(Buffer.from(content)));
    expect((await first.finish('a')).newBlobs).toBe(20);
    const index = await BlobIndex.load(store, SYSTEM);
    const second = new BlobWriter(store, SYSTEM, index);
    for (const content of contents) await second.put(Buffer.from(content));
    expect(await second.finish('b')).toMatchObject({ newBlobs: 0, storedBytes: 0, packs: [] });
    let n = 0;
    for await (const plain of new BlobReader(store, SYSTEM, index).readAll(hashes))
      expect(plain.equals(contents[n++] ?? Buffer.alloc(0))).toBe(true);
    expect(n).toBe(40);
  });

  test('a backup that relies on a pack that is gone is refused before its manifest is written', async () => {
    const store = createMemoryStore();
    const writer = new BlobWriter(store, SYSTEM, new BlobIndex());
    await writer.put(Buffer.from('content'));
    const { packs } = await writer.finish('a');
    const index = await BlobIndex.load(store, SYSTEM);
    await store.delete(`${SYSTEM}/packs/${packs[0]?.slice(0, 2)}/${packs[0]}`);
    const second = new BlobWriter(store, SYSTEM, index);
    await second.put(Buffer.from('content'));
    await expect(second.finish('b')).rejects.toMatchObject({ code: 'repository-damaged' });
  });
});

describe('manifests', () => {
  test('list by position in the WAL, and give their entries back', async () => {
    const store = createMemoryStore();
    const entries: ManifestEntry[] = Array.from({ length: 1000 }, (_, n) => ({
      path: `base/5/${n} é`,
      type: 'file',
      sizeBytes: n,
      mode: 384,
      modifiedAt: n,
      extents: [[0, n, 'ab'.repeat(32)]],
    }));
    await writeManifest(store, summary('b', '1/200'), entries);
    await writeManifest(store, summary('a', '0/FFFFFF00'), []);
    expect((await listBackups(store, SYSTEM)).map(({ label }) => label)).toEqual(['a', 'b']);
    const read: ManifestEntry[] = [];
    for await (const entry of readManifest(store, SYSTEM, 'b')) read.push(entry);
    expect(read).toEqual(entries);
  });
});

describe('identity', () => {
  test('no repository is told apart from an empty one, and a newer format is refused by name', async () => {
    const store = createMemoryStore();
    await expect(readIdentity(store)).rejects.toMatchObject({ code: 'repository-missing', exitStatus: 10 });
    const identity = { format: 1, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
    await createRepository(store, identity);
    expect(await readIdentity(store)).toEqual(identity);
    await expect(createRepository(store, identity)).rejects.toMatchObject({ code: 'storage-exists' });
    const newer = createMemoryStore();
    await createRepository(newer, { ...identity, format: 2 });
    await expect(readIdentity(newer)).rejects.toMatchObject({ code: 'repository-format' });
  });
});

describe('WAL', () => {
  const segment = '000000010000000000000005';

  test('the same segment twice is fine, other content under its name is refused and the first kept', async () => {
    const archive = new WalArchive(createMemoryStore(), SYSTEM, SEGMENT_BYTES);
    expect(await archive.putSegment(segment, segmentBytes(segment, 1), times)).toBe('stored');
    expect(await archive.putSegment(segment, segmentBytes(segment, 1), times)).toBe('present');
    await expect(archive.putSegment(segment, segmentBytes(segment, 2), times)).rejects.toMatchObject({ code: 'wal-conflict' });
    expect((await archive.readSegment(segment))?.at(-1)).toBe(1);
    expect(await archive.readSegment('000000010000000000000006')).toBeUndefined();
  });

  test('a segment of another cluster, a recycled file and a short file are refused', async () => {
    const archive = new WalArchive(createMemoryStore(), '1234', SEGMENT_BYTES);
    await expect(archive.putSegment(segment, segmentBytes(segment, 1), times)).rejects.toThrow(/not what its name says/);
    const own = new WalArchive(createMemoryStore(), SYSTEM, SEGMENT_BYTES);
    await expect(own.putSegment('000000010000000000000006', segmentBytes(segment, 1), times)).rejects.toMatchObject({
      detail: expect.stringMatching(/recycled/),
    });
    await expect(own.putSegment(segment, segmentBytes(segment, 1).subarray(1), times)).rejects.toMatchObject({ code: 'wal-invalid' });
  });

  test('parts join from the beginning as far as they reach, overlapping or not', async () => {
    const store = createMemoryStore();
    const archive = new WalArchive(store, SYSTEM, SEGMENT_BYTES);
    const bytes = segmentBytes(segment, 9);
    for (const [from, to] of [
      [0, 100],
      [100, 5000],
      [50, 3000],
      [6000, 7000],
    ] as const)
      await archive.putPart(segment, from, bytes.subarray(from, to), times);
    expect(await archive.readParts(segment)).toEqual(bytes.subarray(0, 5000));
    const coverage = await readCoverage(store, SYSTEM, SEGMENT_BYTES);
    expect(coverage.timelines.get(1)?.open).toEqual([{ segment, startLsn: 0x500000n, endLsn: 0x500000n + 5000n }]);
    await archive.putSegment(segment, bytes, times);
    await archive.dropParts(segment);
    expect(await archive.readParts(segment)).toBeUndefined();
  });

  test('coverage knows holes, and how far WAL reaches from a position', async () => {
    const store = createMemoryStore();
    const archive = new WalArchive(store, SYSTEM, SEGMENT_BYTES);
    for (const n of [3, 4, 5, 7]) {
      const name = `00000001000000000000000${n}`;
      await archive.putSegment(name, segmentBytes(name, n), times);
    }
    const last = '000000010000000000000008';
    await archive.putPart(last, 0, segmentBytes(last, 8).subarray(0, 200), times);
    await archive.putHorizon(1, 0x8000c8n, new Date(5000));
    await archive.putHorizon(1, 0x8000c8n, new Date(9000));
    const timeline = (await readCoverage(store, SYSTEM, SEGMENT_BYTES)).timelines.get(1);
    expect(timeline?.runs).toEqual([
      { startLsn: 0x300000n, endLsn: 0x600000n },
      { startLsn: 0x700000n, endLsn: 0x800000n },
    ]);
    expect(timeline?.horizon).toEqual({ lsn: 0x8000c8n, at: new Date(9000) });
    expect(reachFrom(timeline, 0x400000n)).toBe(0x600000n);
    expect(reachFrom(timeline, 0x700001n)).toBe(0x8000c8n);
    expect(reachFrom(timeline, 0x600000n)).toBeUndefined();
    expect(reachFrom(timeline, 0x800010n)).toBe(0x8000c8n);
  });
});

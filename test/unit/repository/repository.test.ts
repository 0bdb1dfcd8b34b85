import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { BlobReader } from '../../../src/repository/blob-reader.ts';
import { BlobWriter } from '../../../src/repository/blob-writer.ts';
import { openStart, seal, sealStream, unseal, unsealStream } from '../../../src/repository/envelope.ts';
import { createRepository, readIdentity } from '../../../src/repository/identity.ts';
import { walKey } from '../../../src/repository/layout.ts';
import { listBackups, readManifest, writeManifest, type BackupSummary, type ManifestEntry } from '../../../src/repository/manifest.ts';
import { decodeFooter, encodeFooter } from '../../../src/repository/pack.ts';
import { readCoverage, reachFrom } from '../../../src/repository/wal-coverage.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { addKey, unlockRepository } from '../../../src/repository/key-objects.ts';
import { CLEAR, RepositoryKeys } from '../../../src/repository/keys.ts';
import { Secret } from '../../../src/base/secret.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

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

describe.each([
  ['in the clear', CLEAR],
  ['encrypted', { keys: RepositoryKeys.generate() }],
])('sealed objects %s', (_, sealing) => {
  test('give back header and body, however the body comes in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 50_000 }), fc.integer({ min: 1, max: 9000 }), async (body, size) => {
        const bytes = Buffer.from(body);
        const streamed = await collect(sealStream(sealing, 'manifest', { a: 1 }, pieces(bytes, size)));
        expect(openStart(sealing, 'manifest', streamed, 'm')).toEqual({ header: { a: 1 } });
        expect(await collect(unsealStream(sealing, 'manifest', pieces(streamed, size), 'm'))).toEqual(bytes);
        const whole = await unseal(sealing, 'index', await seal(sealing, 'index', { b: 2 }, bytes), 'x', 1 << 20);
        expect(Buffer.from(whole.body)).toEqual(bytes);
      }),
      { seed: 20261121, numRuns: 60 },
    );
  });

  test('one flipped bit anywhere is found', async () => {
    const body = Buffer.from('what a backup is made of '.repeat(40));
    const sealed = await seal(sealing, 'wal', { timeline: 1 }, body);
    for (let at = 0; at < sealed.byteLength; at += 1) {
      const flipped = Buffer.from(sealed);
      flipped[at] = (flipped[at] ?? 0) ^ 4;
      await expect(unseal(sealing, 'wal', flipped, 'o', 1 << 20)).rejects.toThrow(/damaged|does not know|does not open/);
      await expect(collect(unsealStream(sealing, 'wal', pieces(flipped, 100), 'o'))).rejects.toThrow(/damaged|does not know|does not open/);
    }
  });

  test('a truncated object is damaged, not short', async () => {
    const sealed = await seal(sealing, 'wal', {}, Buffer.alloc(5000, 7));
    for (const length of [0, 5, 16, 30, sealed.byteLength - 1]) {
      await expect(collect(unsealStream(sealing, 'wal', pieces(sealed.subarray(0, length), 64), 'o'))).rejects.toMatchObject({
        code: 'repository-damaged',
      });
    }
  });
});

describe.each([
  ['in the clear', false],
  ['encrypted', true],
])('blobs %s', (_, encrypted) => {
  test('packs describe themselves', () => {
    const blobs = [1, 2, 3].map((n) => ({
      hash: String(n).repeat(64),
      offset: n * 10,
      storedBytes: n,
      plainBytes: n * 2,
      zstd: n === 2,
      encrypted: n === 3,
    }));
    expect(decodeFooter(encodeFooter(blobs), 'p')).toEqual(blobs);
    const bad = Buffer.from(encodeFooter(blobs));
    bad[3] = (bad[3] ?? 0) ^ 1;
    expect(() => decodeFooter(bad, 'p')).toThrow(/damaged/);
  });

  test('what was put is read back, and nothing is stored twice', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const contents = Array.from({ length: 40 }, (_, n) => Buffer.from(`${n % 20} `.repeat(30_000)));
    const first = new BlobWriter(repository, SYSTEM, new BlobIndex());
    const hashes: string[] = [];
    for (const content of contents) hashes.push(await first.put(Buffer.from(content)));
    expect((await first.finish('a')).newBlobs).toBe(20);
    const index = await BlobIndex.load(repository, SYSTEM);
    const second = new BlobWriter(repository, SYSTEM, index);
    for (const content of contents) await second.put(Buffer.from(content));
    expect(await second.finish('b')).toMatchObject({ newBlobs: 0, storedBytes: 0, packs: [] });
    let n = 0;
    for await (const plain of new BlobReader(repository, SYSTEM, index).readAll(hashes))
      expect(plain.equals(contents[n++] ?? Buffer.alloc(0))).toBe(true);
    expect(n).toBe(40);
  });

  test.each(['readAll', 'viewAll'] as const)('%s gives nothing of a blob that is damaged', async (method) => {
    const repository = await makeMemoryRepository(encrypted);
    const writer = new BlobWriter(repository, SYSTEM, new BlobIndex());
    const hashes = [await writer.put(Buffer.from('first '.repeat(3000))), await writer.put(Buffer.from('second '.repeat(3000)))];
    const { packs } = await writer.finish('a');
    const key = `${SYSTEM}/packs/${packs[0]?.slice(0, 2)}/${packs[0]}`;
    const index = await BlobIndex.load(repository, SYSTEM);
    const bytes = Buffer.from(await repository.store.read(key));
    const last = index.find(hashes[1] ?? '');
    const at = (last?.offset ?? 0) + (last?.storedBytes ?? 0) - 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await repository.store.delete(key);
    await repository.store.create(key, bytes);
    let given = 0;
    const read = async (): Promise<void> => {
      for await (const _plain of new BlobReader(repository, SYSTEM, index)[method](hashes)) given += 1;
    };
    await expect(read()).rejects.toMatchObject({ code: 'repository-damaged' });
    expect(given).toBeLessThan(2);
  });

  test('a backup that relies on a pack that is gone is refused before its manifest is written', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const writer = new BlobWriter(repository, SYSTEM, new BlobIndex());
    await writer.put(Buffer.from('content'));
    const { packs } = await writer.finish('a');
    const index = await BlobIndex.load(repository, SYSTEM);
    await repository.store.delete(`${SYSTEM}/packs/${packs[0]?.slice(0, 2)}/${packs[0]}`);
    const second = new BlobWriter(repository, SYSTEM, index);
    await second.put(Buffer.from('content'));
    await expect(second.finish('b')).rejects.toMatchObject({ code: 'repository-damaged' });
  });
});

describe.each([
  ['in the clear', false],
  ['encrypted', true],
])('manifests %s', (_, encrypted) => {
  test('list by position in the WAL, and give their entries back', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const entries: ManifestEntry[] = Array.from({ length: 1000 }, (_, n) => ({
      path: `base/5/${n} é`,
      type: 'file',
      sizeBytes: n,
      mode: 384,
      modifiedAt: n,
      extents: [[0, n, 'ab'.repeat(32)]],
    }));
    await writeManifest(repository, summary('b', '1/200'), entries);
    await writeManifest(repository, summary('a', '0/FFFFFF00'), []);
    expect((await listBackups(repository, SYSTEM)).map(({ label }) => label)).toEqual(['a', 'b']);
    const read: ManifestEntry[] = [];
    for await (const entry of readManifest(repository, SYSTEM, 'b')) read.push(entry);
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
    await createRepository(newer, { ...identity, format: 3 });
    await expect(readIdentity(newer)).rejects.toMatchObject({ code: 'repository-format' });
  });
});

describe('keys', () => {
  const secret = (text: string) => ({ kind: 'passphrase', passphrase: new Secret(text) }) as const;

  test('any of several opens the repository, no other does, and a key object of another repository key is passed over', async () => {
    const { store, identity, keys } = await makeMemoryRepository(true);
    const words = { note: '', createdAt: new Date(0) };
    await addKey(store, RepositoryKeys.generate(), secret('right'), words);
    if (keys === undefined) throw new Error('it is encrypted');
    await addKey(store, keys, secret('right'), words);
    await addKey(store, keys, { kind: 'key-file', content: new Secret('a long random text\n') }, words);
    const text = keys.exposeRepositoryKey().toString('hex');
    expect((await unlockRepository(store, identity, secret('right')))?.exposeRepositoryKey().toString('hex')).toBe(text);
    const file = { kind: 'key-file', content: new Secret('a long random text') } as const;
    expect((await unlockRepository(store, identity, file))?.exposeRepositoryKey().toString('hex')).toBe(text);
    await expect(unlockRepository(store, identity, secret('wrong'))).rejects.toMatchObject({ code: 'key-wrong', exitStatus: 12 });
    await expect(unlockRepository(store, identity, { kind: 'none' })).rejects.toMatchObject({ code: 'key-wrong' });
    await expect(unlockRepository(store, { ...identity, encryption: 'none' }, file)).rejects.toMatchObject({ code: 'repository-format' });
  });
});

describe('WAL', () => {
  const segment = '000000010000000000000005';

  test('the same segment twice is fine, other content under its name is refused and the first kept', async () => {
    const archive = new WalArchive(await makeMemoryRepository(), SYSTEM, SEGMENT_BYTES);
    expect(await archive.putSegment(segment, segmentBytes(segment, 1), times)).toBe('stored');
    expect(await archive.putSegment(segment, segmentBytes(segment, 1), times)).toBe('present');
    await expect(archive.putSegment(segment, segmentBytes(segment, 2), times)).rejects.toMatchObject({ code: 'wal-conflict' });
    expect((await archive.readSegment(segment))?.at(-1)).toBe(1);
    expect(await archive.readSegment('000000010000000000000006')).toBeUndefined();
  });

  test('a segment of another cluster, a recycled file and a short file are refused', async () => {
    const archive = new WalArchive(await makeMemoryRepository(), '1234', SEGMENT_BYTES);
    await expect(archive.putSegment(segment, segmentBytes(segment, 1), times)).rejects.toThrow(/not what its name says/);
    const own = new WalArchive(await makeMemoryRepository(), SYSTEM, SEGMENT_BYTES);
    await expect(own.putSegment('000000010000000000000006', segmentBytes(segment, 1), times)).rejects.toMatchObject({
      detail: expect.stringMatching(/recycled/),
    });
    await expect(own.putSegment(segment, segmentBytes(segment, 1).subarray(1), times)).rejects.toMatchObject({ code: 'wal-invalid' });
  });

  test.each([false, true])('a segment that the store kept short is never taken for present (encrypted: %s)', async (encrypted) => {
    const repository = await makeMemoryRepository(encrypted);
    const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
    const bytes = segmentBytes(segment, 9);
    randomBytes(100_000).copy(bytes, 500_000);
    await archive.putSegment(segment, bytes, times);
    const { store } = repository;
    let reads = 0;
    const counting = new Proxy(store, {
      get: (target, method: keyof ObjectStore) => {
        if (method === 'read') reads += 1;
        const value: unknown = target[method];
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const again = new WalArchive({ ...repository, store: counting }, SYSTEM, SEGMENT_BYTES);
    expect(await again.putSegment(segment, bytes, times)).toBe('present');
    expect(reads).toBe(0);
    const key = walKey(SYSTEM, segment);
    const whole = await store.read(key);
    for (const cut of [1, 32, 90_000]) {
      await store.delete(key);
      await store.create(key, whole.subarray(0, whole.byteLength - cut));
      await expect(again.putSegment(segment, bytes, times)).rejects.toMatchObject({ code: 'repository-damaged' });
    }
  });

  test('parts join from the beginning as far as they reach, overlapping or not', async () => {
    const repository = await makeMemoryRepository();
    const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
    const bytes = segmentBytes(segment, 9);
    for (const [from, to] of [
      [0, 100],
      [100, 5000],
      [50, 3000],
      [6000, 7000],
    ] as const)
      await archive.putPart(segment, from, bytes.subarray(from, to), times);
    expect(await archive.readParts(segment)).toEqual(bytes.subarray(0, 5000));
    const coverage = await readCoverage(repository, SYSTEM, SEGMENT_BYTES);
    expect(coverage.timelines.get(1)?.open).toEqual([{ segment, startLsn: 0x500000n, endLsn: 0x500000n + 5000n }]);
    await archive.putSegment(segment, bytes, times);
    await archive.dropParts(segment);
    expect(await archive.readParts(segment)).toBeUndefined();
  });

  test.each(['list', 'read'] as const)('a segment that becomes whole just before the %s of its parts is given whole', async (step) => {
    const inner = createMemoryStore();
    const bytes = segmentBytes(segment, 9);
    let becomeWhole: (() => Promise<void>) | undefined;
    const store = new Proxy(inner, {
      get: (target, method: keyof ObjectStore) => {
        const value: unknown = target[method];
        if (typeof value !== 'function') return value;
        if (method !== step) return value.bind(target) as unknown;
        return step === 'list' ? listLate : readLate;
      },
    });
    const late = async (key: string): Promise<void> => {
      if (!key.includes('.part.')) return;
      const now = becomeWhole;
      becomeWhole = undefined;
      await now?.();
    };
    async function* listLate(prefix: string): ReturnType<ObjectStore['list']> {
      await late(prefix);
      yield* inner.list(prefix);
    }
    async function readLate(key: string): Promise<Uint8Array> {
      await late(key);
      return await inner.read(key);
    }
    const archive = new WalArchive(await makeMemoryRepository(false, store), SYSTEM, SEGMENT_BYTES);
    await archive.putPart(segment, 0, bytes.subarray(0, 100), times);
    expect(await archive.readStored(segment)).toEqual(bytes.subarray(0, 100));
    becomeWhole = async () => {
      await archive.putSegment(segment, bytes, times);
      await archive.dropParts(segment);
    };
    expect((await archive.readStored(segment))?.equals(bytes)).toBe(true);
    expect(becomeWhole).toBeUndefined();
  });

  test('coverage knows holes, and how far WAL reaches from a position', async () => {
    const repository = await makeMemoryRepository();
    const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
    for (const n of [3, 4, 5, 7]) {
      const name = `00000001000000000000000${n}`;
      await archive.putSegment(name, segmentBytes(name, n), times);
    }
    const last = '000000010000000000000008';
    await archive.putPart(last, 0, segmentBytes(last, 8).subarray(0, 200), times);
    await archive.putHorizon(1, 0x8000c8n, new Date(5000));
    await archive.putHorizon(1, 0x8000c8n, new Date(9000));
    const timeline = (await readCoverage(repository, SYSTEM, SEGMENT_BYTES)).timelines.get(1);
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

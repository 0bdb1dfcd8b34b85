import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { isDbadminError } from '../../../src/base/errors.ts';
import { writeDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { readVerifications, recordVerification } from '../../../src/backup/verify/record.ts';
import type { VerifyReport } from '../../../src/backup/verify/report.ts';
import { verifyRepository } from '../../../src/backup/verify/run.ts';
import type { ReadExtent } from '../../../src/backup/verify/sampling.ts';
import { addKey } from '../../../src/repository/key-objects.ts';
import { Secret } from '../../../src/base/secret.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { recordGap } from '../../../src/repository/gap-record.ts';
import { placeHold } from '../../../src/repository/holds.ts';
import { packKey, walKey } from '../../../src/repository/layout.ts';
import { appendLedger } from '../../../src/repository/ledger.ts';
import { markPack } from '../../../src/repository/marks.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import { CLUSTER, fillRepository, plainHash, SYSTEM_IDENTIFIER, segmentOf, type SampleBackup } from '../../backup/full-repository.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

/** Bits tried in each object. */
const FLIPS = Number(process.env['DBADMIN_TEST_FLIPS'] ?? 1);
/** Of how a sealed object is stored: one that a newer version may have set, and that of encryption. */
const FLAG_BITS = [0, 1, 7].map((bit) => 9 * 8 + bit);
const KEY_FILE = { kind: 'key-file', content: new Secret('the content of a key file') } as const;

async function verify(repository: Repository, extent: ReadExtent = { kind: 'everything' }): Promise<VerifyReport> {
  return await verifyRepository({
    repository,
    repositoryName: 'local',
    cluster: CLUSTER,
    extent,
    tool: 'test',
    clock: systemClock,
    signal: new AbortController().signal,
    onRead: () => undefined,
  });
}

/** What else lies in a repository: a dump, a drill's report, the key. */
async function addOthers(repository: Repository): Promise<void> {
  if (repository.keys !== undefined) await addKey(repository.store, repository.keys, KEY_FILE, { note: '', createdAt: new Date() });
  const header = { label: '', systemIdentifier: SYSTEM_IDENTIFIER, finishedAt: new Date().toISOString() };
  for (const kind of ['drill', 'verification'] as const)
    await writeReport(repository, SYSTEM_IDENTIFIER, kind, new Date(), (label) => ({
      header: { ...header, label },
      body: { label, figure: 42 },
    }));
  // What others keep beside the content: each kind there is, at a place of its own.
  const lease = await seal(repository, 'lease', { kind: 'lease' }, Buffer.from('a lease'));
  await repository.store.create(`${SYSTEM_IDENTIFIER}/leases/backup/1`, lease);
  await markPack(repository, SYSTEM_IDENTIFIER, '0'.repeat(32), { graceMs: 1000, markedAt: new Date() });
  await placeHold(repository, SYSTEM_IDENTIFIER, { label: 'x', reason: 'audit', until: null, now: new Date() });
  const where = { systemIdentifier: SYSTEM_IDENTIFIER, timeline: 1 };
  await appendLedger(repository, { ...where, at: new Date(), lsn: 0x300000n, by: 'test', deed: { kind: 'role-dropped', role: 'anna' } });
  await recordGap(repository, SYSTEM_IDENTIFIER, {
    ...where,
    fromLsn: 0x200000n,
    toLsn: 0x300000n,
    reason: 'slot-lost',
    noticedAt: new Date().toISOString(),
  });
  const prefix = `${SYSTEM_IDENTIFIER}/dumps/20261121T050000Z-dump/`;
  const plain = Buffer.from('CREATE ROLE reader;\n'.repeat(100));
  const key = `${prefix}globals.sql`;
  const content = repository.keys === undefined ? plain : await seal(repository, 'dump', { key }, plain);
  const sha256 = createHash('sha256').update(content).digest('hex');
  await repository.store.create(key, content);
  const globals = { key, sizeBytes: content.byteLength, blake3: plainHash(content), sha256 };
  const at = new Date().toISOString();
  await writeDumpManifest(repository, `${SYSTEM_IDENTIFIER}/`, {
    format: 2,
    label: '20261121T050000Z-dump',
    cluster: 'main',
    systemIdentifier: SYSTEM_IDENTIFIER,
    serverVersion: '17.10',
    programVersion: '17.10',
    tool: 'test',
    startedAt: at,
    finishedAt: at,
    globals,
    databases: [],
  });
}

async function keysOf({ store }: Repository): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

const FRAME = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** The window of a zstd frame, behind its four first bytes and one of flags: some bits there change nothing of what it unpacks to. FORMAT.md says so. */
function isWindowExponent(bytes: Uint8Array, bit: number): boolean {
  const at = Math.floor(bit / 8);
  return FRAME.equals(bytes.subarray(Math.max(0, at - 5), Math.max(0, at - 1)));
}

/** Changes an object for the length of `work`. */
async function changed(repository: Repository, key: string, change: (bytes: Buffer) => Buffer, work: () => Promise<void>): Promise<void> {
  const original = await repository.store.read(key);
  await repository.store.delete(key);
  await repository.store.create(key, change(Buffer.from(original)));
  await work();
  await repository.store.delete(key);
  await repository.store.create(key, original);
}

function flipBit(bytes: Buffer, bit: number): Buffer {
  const at = Math.floor(bit / 8);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit % 8)), at);
  return bytes;
}

describe.each([false, true])('verify of a repository, encrypted: %s', (encrypted) => {
  let repository: Repository;
  let backups: readonly SampleBackup[];

  beforeEach(async () => {
    repository = await makeMemoryRepository(encrypted);
    backups = await fillRepository(repository);
    await addOthers(repository);
  });

  test('a sound repository is sound, whole or in part, and everything is counted', async () => {
    for (const extent of [{ kind: 'structure' }, { kind: 'everything' }, { kind: 'sample', share: 0.5, seed: 'a' }] as const) {
      const report = await verify(repository, extent);
      expect(report.faults).toEqual([]);
      expect(report).toMatchObject({ isSound: true, backups: [], windows: [], leftovers: { packs: 0, dumps: 0 } });
      expect(report.tally).toMatchObject({ backups: 2, packs: 2, blobs: 4, segments: 6, dumps: 1 });
    }
  });

  test('one flipped bit in any object is found when everything is read', async () => {
    const seed = Number(process.env['DBADMIN_TEST_SEED'] ?? Date.now() % 1_000_000);
    const missed: string[] = [];
    for (const key of await keysOf(repository)) {
      const original = await repository.store.read(key);
      const draw = createHash('sha256').update(`${seed} ${key}`).digest();
      for (const bit of [0, 4, 8, 12]
        .slice(0, FLIPS)
        .map((at) => draw.readUInt32BE(at) % (original.byteLength * 8))
        .filter((bit) => encrypted || !(key.includes('/packs/') && isWindowExponent(original, bit)))
        .concat(FLAG_BITS))
        await changed(
          repository,
          key,
          (bytes) => flipBit(bytes, bit),
          async () => {
            if (!(await isFound(repository, key))) missed.push(`seed ${seed}: bit ${bit} of ${key}`);
          },
        );
    }
    expect(missed).toEqual([]);
  });

  test('a damaged blob names the backup that needs it, its files, and what can still be restored', async () => {
    const [first, second] = backups;
    const key = packKey(SYSTEM_IDENTIFIER, first?.pack ?? '');
    await changed(
      repository,
      key,
      (bytes) => flipBit(bytes, 8 * 40),
      async () => {
        const report = await verify(repository);
        expect(report.faults).toMatchObject([{ kind: 'damaged', object: key }]);
        expect(report.backups).toMatchObject([{ label: first?.summary.label, files: 1, reasons: [expect.stringContaining('base/5/0')] }]);
        expect(report.soundBackups).toEqual([second?.summary.label]);
        expect(report.windows).toMatchObject([
          { backup: first?.summary.label, endsAtLsn: null },
          { backup: first?.summary.label, timeline: 2 },
          ...report.windows.slice(2),
        ]);
        // Without reading content nothing is known of it.
        expect((await verify(repository, { kind: 'structure' })).isSound).toBe(true);
      },
    );
  });

  test('a pack whose footer is damaged is a fault, and no backup lacks anything while its content reads as the index says', async () => {
    const [first, second] = backups;
    const key = packKey(SYSTEM_IDENTIFIER, first?.pack ?? '');
    const extents = [{ kind: 'structure' }, { kind: 'sample', share: 0.001, seed: 'a' }, { kind: 'everything' }] as const;
    const inFooter = (bytes: Buffer): Buffer => flipBit(bytes, (bytes.byteLength - 60) * 8);
    await changed(repository, key, inFooter, async () => {
      for (const extent of extents) {
        const report = await verify(repository, extent);
        expect(report).toMatchObject({ isSound: false, faults: [{ kind: 'damaged', object: key }], backups: [], windows: [] });
        expect(report.soundBackups).toEqual([first, second].map((backup) => backup?.summary.label));
      }
    });
    // All of it is read then, whatever the extent.
    const alsoInside = (bytes: Buffer): Buffer => flipBit(inFooter(bytes), 8 * 40);
    await changed(repository, key, alsoInside, async () => {
      for (const extent of extents) {
        const report = await verify(repository, extent);
        expect(report.faults).toHaveLength(2);
        expect(report.backups).toMatchObject([{ label: first?.summary.label, files: 1 }]);
      }
    });
  });

  test('a pack that is gone, or cut short, is found without reading content', async () => {
    const key = packKey(SYSTEM_IDENTIFIER, backups[1]?.pack ?? '');
    await changed(
      repository,
      key,
      (bytes) => bytes.subarray(0, bytes.byteLength - 100),
      async () => {
        const report = await verify(repository, { kind: 'structure' });
        expect(report.backups.map(({ label }) => label)).toEqual([backups[1]?.summary.label]);
      },
    );
    await repository.store.delete(key);
    const report = await verify(repository, { kind: 'structure' });
    expect(report.faults).toMatchObject([{ kind: 'missing', object: key }]);
    expect(report.backups.map(({ label }) => label)).toEqual([backups[1]?.summary.label]);
  });

  test('a damaged segment shortens the windows that cross it, and takes the backup whose own WAL it is', async () => {
    await changed(
      repository,
      walKey(SYSTEM_IDENTIFIER, segmentOf(3)),
      (bytes) => flipBit(bytes, bytes.byteLength * 4),
      async () => {
        const report = await verify(repository);
        expect(report.backups).toMatchObject([{ label: backups[1]?.summary.label, reasons: [expect.stringContaining('WAL')] }]);
        expect(report.windows).toContainEqual(
          expect.objectContaining({ backup: backups[0]?.summary.label, timeline: 1, endsAtLsn: '0/300000' }),
        );
        expect(report.soundBackups).toEqual([backups[0]?.summary.label]);
      },
    );
  });

  test('a segment of which nothing is left is found without reading content', async () => {
    const key = walKey(SYSTEM_IDENTIFIER, segmentOf(3));
    for (const leftBytes of [0, 200])
      await changed(
        repository,
        key,
        (bytes) => bytes.subarray(0, leftBytes),
        async () => {
          const report = await verify(repository, { kind: 'structure' });
          expect(report.faults).toMatchObject([{ kind: 'damaged', object: key }]);
          expect(report.backups.map(({ label }) => label)).toEqual([backups[1]?.summary.label]);
        },
      );
  });

  test('WAL that a backup needs and that is not there makes the backup affected', async () => {
    await repository.store.delete(walKey(SYSTEM_IDENTIFIER, segmentOf(1)));
    const report = await verify(repository, { kind: 'structure' });
    expect(report.faults).toMatchObject([{ kind: 'missing', object: `WAL of backup ${backups[0]?.summary.label}` }]);
    expect(report.backups.map(({ label }) => label)).toEqual([backups[0]?.summary.label]);
  });

  test('a hole that no backup needs, and packs without an index, are said and are no fault', async () => {
    await repository.store.delete(walKey(SYSTEM_IDENTIFIER, segmentOf(2)));
    const pack = await repository.store.read(packKey(SYSTEM_IDENTIFIER, backups[0]?.pack ?? ''));
    if (!encrypted) await repository.store.create(packKey(SYSTEM_IDENTIFIER, '0'.repeat(32)), pack);
    const report = await verify(repository);
    expect(report).toMatchObject({
      isSound: true,
      gaps: [{ fromLsn: '0/200000', toLsn: '0/300000' }],
      leftovers: { packs: encrypted ? 0 : 1 },
    });
  });

  test('a second run with the same seed reads the same share', async () => {
    const read = async (seed: string): Promise<number> => (await verify(repository, { kind: 'sample', share: 0.4, seed })).tally.readBytes;
    expect(await read('x')).toBe(await read('x'));
    const { tally } = await verify(repository);
    expect(await read('x')).toBeLessThan(tally.readBytes);
  });

  test('a sample in which nothing lay is noted as one that read no content', async () => {
    const noted = async (share: number): Promise<string | undefined> => {
      await recordVerification(repository, await verify(repository, { kind: 'sample', share, seed: 'a' }));
      return (await readVerifications(repository, SYSTEM_IDENTIFIER, new Date())).last?.extent;
    };
    expect(await noted(1e-9)).toBe('structure');
    expect(await noted(1)).toBe('sample');
  });

  test('what one run found is read again by each later one, until it is mended', async () => {
    const key = packKey(SYSTEM_IDENTIFIER, backups[0]?.pack ?? '');
    const segment = walKey(SYSTEM_IDENTIFIER, segmentOf(2));
    const told = async (extent: ReadExtent): Promise<string | undefined> => {
      const report = await verify(repository, extent);
      await recordVerification(repository, report);
      const { standing, telling } = await readVerifications(repository, SYSTEM_IDENTIFIER, new Date());
      expect(standing.length).toBe(report.isSound ? 0 : 1);
      expect(telling?.isSound).toBe(report.isSound);
      return report.faults.map(({ object }) => object).join();
    };
    for (const damagedKey of [key, segment, `${SYSTEM_IDENTIFIER}/dumps/20261121T050000Z-dump/globals.sql`])
      await changed(
        repository,
        damagedKey,
        (bytes) => flipBit(bytes, damagedKey === key ? 8 * 40 : bytes.byteLength * 4),
        async () => {
          expect(await told({ kind: 'structure' })).toBe('');
          expect(await told({ kind: 'everything' })).toBe(damagedKey);
          for (const seed of ['a', 'b', 'c']) expect(await told({ kind: 'sample', share: 1e-9, seed })).toBe(damagedKey);
          expect(await told({ kind: 'structure' })).toBe(damagedKey);
        },
      );
    expect(await told({ kind: 'structure' })).toBe('');
  });

  test('a verification of another repository that was copied here says nothing of this one', async () => {
    const header = {
      systemIdentifier: SYSTEM_IDENTIFIER,
      finishedAt: '2026-11-21T00:00:00.000Z',
      extent: 'everything' as const,
      faults: 1,
    };
    const copied = async (second: number, parts: object): Promise<string> =>
      await writeReport(repository, SYSTEM_IDENTIFIER, 'verification', new Date(Date.UTC(2030, 1, 1, 0, 0, second)), (label) => ({
        header: { label, ...header, ...parts },
        body: { faults: [], faultCount: 1, backups: [] },
      }));
    const own = await copied(0, { isSound: false, repositoryId: repository.identity.id, rechecked: [] });
    await copied(1, { isSound: true, repositoryId: 'f'.repeat(32), rechecked: [own] });
    await copied(2, { isSound: false, repositoryId: 'f'.repeat(32), rechecked: [] });
    const { standing, telling } = await readVerifications(repository, SYSTEM_IDENTIFIER, new Date());
    expect(standing.map(({ label }) => label)).toEqual([own]);
    expect(telling?.label).toBe(own);
  });

  /** Found by the verification, or by opening the repository before it. */
  async function isFound(damagedRepository: Repository, key: string): Promise<boolean> {
    const report = await verify(damagedRepository);
    if (!report.isSound) return true;
    try {
      await openRepository(damagedRepository.store, encrypted ? KEY_FILE : { kind: 'none' });
      return false;
    } catch (error) {
      return isDbadminError(error) && key.length > 0;
    }
  }
});

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { dumpGlobalsKey, dumpManifestKey } from '../../../src/backup/dump/layout.ts';
import { listDumps, readDumpManifest, spoolDumped, writeDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import type { DumpManifest } from '../../../src/backup/dump/manifest.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { readMoments } from '../../../src/backup/recovery-inspect.ts';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import { syncLineage } from '../../../src/backup/sync/run.ts';
import { fetchWal } from '../../../src/backup/wal/get-run.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { BlobIndex, writeIndex } from '../../../src/repository/blob-index.ts';
import { collect } from '../../../src/repository/collection.ts';
import { inspectPackUsage } from '../../../src/repository/collection-inspect.ts';
import { seal, SEALED_KINDS, sealStream, unseal, unsealStream, type SealedKind } from '../../../src/repository/envelope.ts';
import { blake3 } from '../../../src/repository/hash.ts';
import { CLEAR, contentHash, RepositoryKeys } from '../../../src/repository/keys.ts';
import { backupKey, historyKey, indexPrefix, packKey, partKey, walKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { ledgerPrefix, readLedger } from '../../../src/repository/ledger.ts';
import { inspectBackups, listBackups, readManifest, readSummary, writeManifest } from '../../../src/repository/manifest.ts';
import { markPack } from '../../../src/repository/marks.ts';
import { listReports, readReport, reportKey } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import {
  CLUSTER,
  fillRepository,
  SEGMENT_BYTES,
  segmentBytes,
  segmentOf,
  SYSTEM_IDENTIFIER as SYSTEM,
  writePack,
  type SampleBackup,
} from '../../backup/full-repository.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { verifyEverything } from '../../backup/verify-report.ts';

/** What somebody makes who can write the storage and has no key: whole, of the right kind, and not encrypted. */

const REFUSED = { code: 'repository-damaged', detail: 'It is not encrypted, and this repository is: somebody without its key wrote it.' };
const WITH_BODY: readonly SealedKind[] = ['manifest', 'wal', 'part', 'history', 'dump', 'ledger', 'drill', 'verification', 'page'];
const DAY_MS = 86_400_000;
const signal = new AbortController().signal;
const times = { receivedAt: new Date(0), coveredUntil: undefined };

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readOut(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const read: Uint8Array[] = [];
  for await (const piece of pieces) read.push(piece);
  return Buffer.concat(read);
}

describe('a sealed object that is not encrypted', () => {
  const sealing = { keys: RepositoryKeys.generate() };

  test.each(Object.keys(SEALED_KINDS) as SealedKind[])('of kind %s is believed with a key only where it has to be', async (kind) => {
    const forged = await seal(CLEAR, kind, { a: 1 }, Buffer.from('made up'));
    const empty = await seal(CLEAR, kind, { a: 1 }, Buffer.alloc(0));
    const streamed = await readOut(sealStream(CLEAR, kind, { a: 1 }, one(Buffer.from('made up'))));
    const open = async (bytes: Buffer): Promise<unknown> => await unseal(sealing, kind, bytes, 'x', 1024);
    const openStream = async (bytes: Buffer): Promise<unknown> => await readOut(unsealStream(sealing, kind, one(bytes), 'x'));
    if (kind === 'index') {
      expect(await open(forged)).toMatchObject({ header: { a: 1 } });
      expect(await openStream(streamed)).toEqual(Buffer.from('made up'));
      return;
    }
    for (const bytes of [forged, streamed]) {
      await expect(open(bytes)).rejects.toMatchObject(REFUSED);
      await expect(openStream(bytes)).rejects.toMatchObject(REFUSED);
    }
    if (WITH_BODY.includes(kind)) await expect(open(empty)).rejects.toMatchObject(REFUSED);
    else expect(await open(empty)).toMatchObject({ header: { a: 1 } });
  });
});

describe('an encrypted repository into which somebody without its key has written', () => {
  let repository: Repository;
  let clear: Repository;
  let backups: readonly SampleBackup[];
  let archive: WalArchive;

  beforeEach(async () => {
    repository = await makeMemoryRepository(true);
    clear = { ...repository, keys: undefined };
    backups = await fillRepository(repository);
    archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
  });

  const plant = async (key: string, kind: SealedKind, header: object, body = Buffer.from('made up')): Promise<void> =>
    await repository.store.create(key, await seal(CLEAR, kind, header, body));

  const faultsOf = async (): Promise<readonly string[]> => {
    const { faults, isSound } = await verifyEverything(repository, CLUSTER, systemClock);
    expect(isSound).toBe(faults.length === 0);
    return faults.map(({ object }) => object);
  };

  /** A dump of nothing but its globals; without a key, or with it. */
  const dumpInto = async (label: string, sql: string, by = repository): Promise<DumpManifest['globals']> => {
    const key = dumpGlobalsKey(`${SYSTEM}/`, label);
    const bytes = await seal(by, 'dump', { key }, Buffer.from(sql));
    await repository.store.create(key, bytes);
    const globals = { key, sizeBytes: bytes.byteLength, blake3: blake3(bytes).toString('hex'), sha256: '' };
    const at = '2026-11-21T00:00:00.000Z';
    const names = { label, cluster: 'main', systemIdentifier: SYSTEM, serverVersion: '17.10', programVersion: '17.10', tool: 'test' };
    await writeDumpManifest(repository, `${SYSTEM}/`, { format: 2, ...names, startedAt: at, finishedAt: at, globals, databases: [] });
    return globals;
  };

  const spool = async (label: string): Promise<string> => {
    const directory = await mkdtemp(path.join(tmpdir(), 'dbadmin-spool-'));
    try {
      const { globals } = await readDumpManifest(repository, `${SYSTEM}/`, label);
      await spoolDumped(repository, globals, path.join(directory, 'globals.sql'), signal);
      return await readFile(path.join(directory, 'globals.sql'), 'utf8');
    } finally {
      await rm(directory, { recursive: true });
    }
  };

  /** The newest of all, by its own words: what others would be built on, and kept for. */
  const plantBackup = async (): Promise<string> => {
    const label = '20261121T090000Z-full';
    const summary = { ...(backups[1]?.summary ?? expect.fail()), label, startLsn: '0/400000', stopLsn: '0/480000' };
    await writeManifest(clear, summary, [{ path: 'base', type: 'directory', mode: 448, modifiedAt: 1 }]);
    return label;
  };

  test('a manifest counts for nothing: no list has it, verify and who asks for it name it, and nothing is removed on account of it', async () => {
    const label = await plantBackup();
    const key = backupKey(SYSTEM, label);
    const labels = backups.map(({ summary }) => summary.label);
    expect((await listBackups(repository, SYSTEM)).map((each) => each.label)).toEqual(labels);
    expect(await inspectBackups(repository, SYSTEM)).toMatchObject({ damaged: [{ key, error: REFUSED }] });
    await expect(readSummary(repository, SYSTEM, label)).rejects.toMatchObject(REFUSED);
    await expect(readManifest(repository, SYSTEM, label).next()).rejects.toMatchObject(REFUSED);
    expect(await faultsOf()).toContain(key);
    const retention = {
      windowMs: undefined,
      keep: { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
      minimum: 1,
      dumps: undefined,
      timeZone: 'UTC',
    };
    const options = { retention, graceMs: 1, clock: systemClock, log: silentLog, signal };
    await expect(expireLineage(repository, CLUSTER, options)).rejects.toMatchObject({ detail: expect.stringContaining(key) as string });
    // Without the key nothing proves a header: the list has it.
    expect((await listBackups(clear, SYSTEM)).map((each) => each.label)).toEqual([...labels, label]);
  });

  test('the header of a genuine manifest cannot be exchanged, whatever hash is put at the end', async () => {
    const { label } = backups[1]?.summary ?? expect.fail();
    const key = backupKey(SYSTEM, label);
    const bytes = Buffer.from(await repository.store.read(key));
    const at = bytes.indexOf('"startLsn":"0/300000"');
    bytes.write('9', at + '"startLsn":"0/'.length);
    blake3(bytes.subarray(0, -32)).copy(bytes, bytes.byteLength - 32);
    await repository.store.delete(key);
    await repository.store.create(key, bytes);
    await expect(readSummary(repository, SYSTEM, label)).rejects.toMatchObject({ code: 'repository-damaged' });
    expect(await readSummary(clear, SYSTEM, label)).toMatchObject({ startLsn: '0/900000' });
  });

  test('WAL, its parts and histories are refused by name', async () => {
    const theirs = new WalArchive(clear, SYSTEM, SEGMENT_BYTES);
    await theirs.putSegment(segmentOf(5), segmentBytes(5), times);
    await theirs.putPart(segmentOf(6), 0, segmentBytes(6).subarray(0, 5000), times);
    await theirs.putHistory(3, Buffer.from('2\t0/500000\tmade up\n'));
    await expect(archive.readSegment(segmentOf(5))).rejects.toMatchObject(REFUSED);
    await expect(archive.readHeader(segmentOf(5))).rejects.toMatchObject(REFUSED);
    await expect(archive.readParts(segmentOf(6))).rejects.toMatchObject(REFUSED);
    expect(await archive.readPartMoment(segmentOf(6), 5000)).toBeUndefined();
    // Nor do they keep the rest from being looked at.
    expect(await readMoments(await inspectLineage(repository, 'main'))).toEqual([]);
    await expect(archive.readHistory(3)).rejects.toMatchObject(REFUSED);
    await expect(fetchWal({ repository, clusterName: 'main', systemIdentifier: SYSTEM }, segmentOf(5))).rejects.toMatchObject(REFUSED);
    const faults = await faultsOf();
    for (const key of [walKey(SYSTEM, segmentOf(5)), historyKey(SYSTEM, 3)]) expect(faults).toContain(key);
    expect(faults).toContainEqual(expect.stringContaining(`${segmentOf(6)}.part.`));
  });

  test('genuine objects do not pass for others under whose keys somebody copied them', async () => {
    const copy = async (from: string, to: string): Promise<void> => await repository.store.create(to, await repository.store.read(from));
    let part = '';
    for await (const { key } of repository.store.list(`${walKey(SYSTEM, segmentOf(5))}.part.00000000-`)) part = key;
    await copy(part, partKey(SYSTEM, segmentOf(6), 0, 8192, '00000000'));
    await copy(part, partKey(SYSTEM, segmentOf(5), 20_000, 28_192, '00000000'));
    await copy(historyKey(SYSTEM, 2), historyKey(SYSTEM, 3));
    await copy(walKey(SYSTEM, segmentOf(4)), walKey(SYSTEM, segmentOf(7)));
    for (const read of [
      async () => await archive.readParts(segmentOf(6)),
      async () => await archive.readParts(segmentOf(5)),
      async () => await archive.readHistory(3),
      async () => await archive.readSegment(segmentOf(7)),
    ])
      await expect(read()).rejects.toMatchObject({ code: 'repository-damaged' });
    const globals = await dumpInto('dump-a', 'create role a;');
    await dumpInto('dump-b', 'create role b;');
    await repository.store.delete(dumpGlobalsKey(`${SYSTEM}/`, 'dump-b'));
    await copy(globals.key, dumpGlobalsKey(`${SYSTEM}/`, 'dump-b'));
    await expect(spool('dump-b')).rejects.toMatchObject({ code: 'repository-damaged', detail: `It says that it is ${globals.key}.` });
    expect(await spool('dump-a')).toBe('create role a;');
  });

  test('a dump is not restored from: neither its manifest nor what it names', async () => {
    await dumpInto('dump-a', 'create role attacker superuser;', clear);
    await expect(spool('dump-a')).rejects.toMatchObject(REFUSED);
    const key = dumpManifestKey(`${SYSTEM}/`, 'dump-b');
    await plant(key, 'dump', { key }, Buffer.from('{"format":1,"label":"dump-b"}'));
    await expect(readDumpManifest(repository, `${SYSTEM}/`, 'dump-b')).rejects.toMatchObject(REFUSED);
    expect(await faultsOf()).toContain(key);
  });

  test('a manifest of a dump under the label of another is not that one', async () => {
    await dumpInto('dump-a', 'create role a;');
    await repository.store.create(
      dumpManifestKey(`${SYSTEM}/`, 'dump-b'),
      await repository.store.read(dumpManifestKey(`${SYSTEM}/`, 'dump-a')),
    );
    await expect(spool('dump-b')).rejects.toMatchObject({ detail: expect.stringContaining('dump-a') as string });
  });

  test('reports and entries of the ledger count for nothing', async () => {
    const header = { label: '20261121T000000Z-drill', systemIdentifier: SYSTEM, finishedAt: '2026-11-21T00:00:00.000Z', verdict: 'passed' };
    const report = reportKey(SYSTEM, 'drill', header.label);
    await plant(report, 'drill', header, Buffer.from('{}'));
    expect(await listReports(repository, SYSTEM, 'drill')).toEqual([]);
    await expect(readReport(repository, SYSTEM, 'drill', header.label)).rejects.toMatchObject(REFUSED);
    const entry = `${ledgerPrefix(SYSTEM)}20261121T000000000-0_400000-0000000000000000`;
    await plant(entry, 'ledger', { at: header.finishedAt }, Buffer.from('{"by":"me","deed":{"kind":"role-dropped","role":"admin"}}'));
    expect(await readLedger(repository, SYSTEM)).toMatchObject({ entries: [], damaged: [{ key: entry, error: REFUSED }] });
    expect(await faultsOf()).toEqual(expect.arrayContaining([report, entry]));
  });

  test('a copy of the repository takes none of it, and says so', async () => {
    const label = await plantBackup();
    await dumpInto('dump-a', 'create role attacker superuser;', clear);
    await plant(reportKey(SYSTEM, 'drill', '20261121T000000Z-drill'), 'drill', { finishedAt: '2026-11-21' }, Buffer.from('{}'));
    await new WalArchive(clear, SYSTEM, SEGMENT_BYTES).putSegment(segmentOf(5), segmentBytes(5), times);
    const to = await makeMemoryRepository(true);
    const all = { chosen: undefined, everything: true, clock: systemClock, log: silentLog, signal };
    const unheard = { onBackup: () => undefined, onWal: () => undefined };
    const { failed } = await syncLineage({ from: repository, to, cluster: CLUSTER, ...all, ...unheard });
    expect(failed.map(({ name }) => name).sort()).toEqual(
      [label, 'dump-a', reportKey(SYSTEM, 'drill', '20261121T000000Z-drill'), segmentOf(5)].sort(),
    );
    expect((await listBackups(to, SYSTEM)).map((each) => each.label)).toEqual(backups.map(({ summary }) => summary.label));
    expect(await listDumps(to, `${SYSTEM}/`)).toEqual([]);
    expect(await listReports(to, SYSTEM, 'drill')).toEqual([]);
    expect(await new WalArchive(to, SYSTEM, SEGMENT_BYTES).readSegment(segmentOf(5))).toBeUndefined();
  });

  test.each(['holds/a/x', 'ledger/x', 'drills/x', 'verifications/x', 'gaps/x'])(
    'an index under %s is not copied, and so is not encrypted for whoever made it up',
    async (place) => {
      const key = `${SYSTEM}/${place}`;
      await plant(key, 'index', { packs: 0, blobs: 0 });
      const to = await makeMemoryRepository(true);
      const all = { chosen: undefined, everything: true, clock: systemClock, log: silentLog, signal };
      const { failed } = await syncLineage({
        from: repository,
        to,
        cluster: CLUSTER,
        ...all,
        onBackup: () => undefined,
        onWal: () => undefined,
      });
      expect(failed.map(({ name }) => name)).toEqual([key]);
      expect(await to.store.stat(key)).toBeUndefined();
    },
  );

  test('an index tells of what no other names, and misplaces nothing else', async () => {
    const [pack = '', other = ''] = backups.map((each) => each.pack);
    const own = await BlobIndex.load(repository, SYSTEM);
    const hash = contentHash(repository, Buffer.from(`${backups[0]?.summary.label} one `.repeat(500))).toString('hex');
    expect(own.find(hash)).toMatchObject({ pack });
    const [alone] = await writePack(repository, 'a'.repeat(32), [Buffer.from('in no index')]);
    const blob = { ...(alone ?? expect.fail()), hash };
    await writeIndex(clear, SYSTEM, '20200101T000000-0000000000000000', [
      { pack: other, blobs: [blob] },
      { pack: 'a'.repeat(32), blobs: [alone ?? expect.fail()] },
    ]);
    const index = await BlobIndex.load(repository, SYSTEM);
    expect(index.find(hash)).toEqual(own.find(hash));
    expect(await faultsOf()).toEqual([`${indexPrefix(SYSTEM)}20200101T000000-0000000000000000`]);
    expect(index.find(alone?.hash ?? '')).toMatchObject({ pack: 'a'.repeat(32) });
    // Who writes would rely on content that maybe nobody stored.
    expect((await BlobIndex.load(repository, SYSTEM, { skipPacks: new Set() })).find(alone?.hash ?? '')).toBeUndefined();
    expect((await BlobIndex.load(repository, SYSTEM, { skipPacks: new Set([pack]) })).find(hash)).toBeUndefined();
  });

  test('a pack and an index that claim to hold everything make no pack one that nothing needs', async () => {
    const needed = async (): Promise<object> =>
      Object.fromEntries((await inspectPackUsage(repository, SYSTEM, new Set())).packs.map(({ pack, neededBytes }) => [pack, neededBytes]));
    const before = await needed();
    const index = await BlobIndex.load(repository, SYSTEM);
    const blobs = [...index.contentOf([0, 1]).packs()].flatMap((each) => [...each.blobs]);
    await writePack(repository, 'a'.repeat(32), [Buffer.from('garbage')]);
    await writeIndex(clear, SYSTEM, '20200101T000000-0000000000000000', [
      { pack: 'a'.repeat(32), blobs },
      { pack: backups[0]?.pack ?? '', blobs: [] },
    ]);
    expect(await needed()).toEqual({ ...before, ['a'.repeat(32)]: 0 });
  });

  test('a collection that cuts a pack out of an index does not make the rest of it ours', async () => {
    const clock = new ManualClock(Date.now());
    const name = '20200101T000000-0000000000000000';
    const [blob = expect.fail()] = await writePack(repository, 'a'.repeat(32), [Buffer.from('garbage')]);
    await writeIndex(
      clear,
      SYSTEM,
      name,
      ['a'.repeat(32), 'b'.repeat(32)].map((pack) => ({ pack, blobs: [blob] })),
    );
    await writePack(repository, 'b'.repeat(32), [Buffer.from('garbage')]);
    await markPack(repository, SYSTEM, 'b'.repeat(32), { graceMs: DAY_MS, markedAt: clock.now() });
    await repository.store.delete(packKey(SYSTEM, 'b'.repeat(32)));
    const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log: silentLog, command: 'test' });
    await collect(repository, SYSTEM, { lease, graceMs: DAY_MS, clock, log: silentLog, signal });
    await lease.release();
    const flags = new Map<string, number>();
    for await (const { key } of repository.store.list(indexPrefix(SYSTEM))) flags.set(key, (await repository.store.read(key))[9] ?? 0);
    expect([...flags.keys()]).not.toContain(`${indexPrefix(SYSTEM)}${name}`);
    expect([...flags.values()].filter((each) => (each & 2) === 0)).toHaveLength(1);
    expect(flags.size).toBe(3);
  });
});

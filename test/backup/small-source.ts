import { writeDumpManifest } from '../../src/backup/dump/stored-dump.ts';
import { dumpGlobalsKey } from '../../src/backup/dump/layout.ts';
import { syncLineage, type Synced } from '../../src/backup/sync/run.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { formatLsn } from '../../src/postgres/lsn.ts';
import { seal } from '../../src/repository/envelope.ts';
import { blake3 } from '../../src/repository/hash.ts';
import { ensureClusterIdentity } from '../../src/repository/identity.ts';
import { placeHold } from '../../src/repository/holds.ts';
import { appendLedger } from '../../src/repository/ledger.ts';
import { writeManifest, type Extent } from '../../src/repository/manifest.ts';
import type { DamagedObject } from '../../src/repository/passed-over.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { WalArchive } from '../../src/repository/wal-archive.ts';
import { makeMemoryRepository } from './memory-repository.ts';
import { hashOf, summaryOf, SYSTEM, writePacks } from './small-backups.ts';
import { contentOf, nameOf, SEGMENT_BYTES } from './wal-segments.ts';

export const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const times = { receivedAt: new Date(1000), coveredUntil: new Date(2000) };
export const LABELS = ['backup-0', 'backup-1', 'backup-2'];

/** Three backups, each with a pack and two segments of its own, of which it needs the first; two dumps, a hold, the ledger. */
export async function fill(repository: Repository): Promise<void> {
  const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
  for (const [n, label] of LABELS.entries()) {
    const contents = Array.from({ length: 5 }, (_, k) => Buffer.from(`blob ${n}.${k} `.repeat(50)));
    await writePacks(repository, contents, new Date(n), 5);
    const start = BigInt(3 + 2 * n) * BigInt(SEGMENT_BYTES);
    const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
    const moments = { startedAt: `2026-11-2${n}T00:00:00.000Z`, finishedAt: `2026-11-2${n}T00:00:01.000Z` };
    const extents = contents.map((content, k): Extent => [k * 8192, content.byteLength, hashOf(content)]);
    await writeManifest(repository, summaryOf(label, { ...lsns, ...moments }), [
      { path: 'base', type: 'directory', mode: 448, modifiedAt: 1 },
      { path: 'base/1', type: 'file', sizeBytes: 5 * 8192, mode: 384, modifiedAt: 1, extents },
    ]);
    for (const number of [3 + 2 * n, 4 + 2 * n]) await archive.putSegment(nameOf(number), contentOf(number), times);
  }
  await archive.putPart(nameOf(9), 0, contentOf(9).subarray(0, 5000), times);
  await archive.putHistory(2, Buffer.from('1\t0/500000\tno recovery target specified\n'));
  for (const [n, label] of ['dump-a', 'dump-b'].entries()) await dump(repository, label, `create role r${n};`);
  await placeHold(repository, SYSTEM, { label: 'backup-1', reason: 'audit', until: null, now: new Date(0) });
  await placeHold(repository, SYSTEM, { label: 'backup-2', reason: 'audit', until: null, now: new Date(0) });
  for (const role of ['anna', 'bert'])
    await appendLedger(repository, {
      systemIdentifier: SYSTEM,
      at: new Date(role === 'anna' ? 1000 : 2000),
      timeline: 1,
      lsn: 0x300000n,
      by: 'test',
      deed: { kind: 'role-dropped', role },
    });
}

/** One in memory that is filled so, with the keys of what is passed over in it as damaged. */
export async function newFilled(encrypted = false): Promise<{ readonly repository: Repository; readonly told: string[] }> {
  const told: string[] = [];
  const repository = { ...(await makeMemoryRepository(encrypted)), onDamaged: ({ key }: DamagedObject) => void told.push(key) };
  await ensureClusterIdentity(repository, CLUSTER);
  await fill(repository);
  return { repository, told };
}

/** A whole dump of a cluster that has no database, as a repository of this kind has it. */
export async function dump(
  repository: Repository,
  label: string,
  sql: string,
  systemIdentifier = SYSTEM,
  startedAt = '2026-11-21T00:00:00.000Z',
): Promise<void> {
  const prefix = `${systemIdentifier}/`;
  const key = dumpGlobalsKey(prefix, label);
  const plain = Buffer.from(sql);
  const bytes = repository.keys === undefined ? plain : await seal(repository, 'dump', { key }, plain);
  await repository.store.create(key, bytes);
  await writeDumpManifest(repository, prefix, {
    format: 2,
    label,
    cluster: 'main',
    systemIdentifier,
    serverVersion: '18.4',
    programVersion: '18.4',
    tool: 'test',
    startedAt,
    finishedAt: '2026-11-21T00:00:01.000Z',
    selection: { databases: 'all', excluded: [], schemaOnly: false, tables: [] },
    leftOut: [],
    globals: { key, sizeBytes: bytes.byteLength, blake3: blake3(bytes).toString('hex'), sha256: '' },
    databases: [],
  });
}

export async function sync(from: Repository, to: Repository, signal = new AbortController().signal): Promise<Synced> {
  return await syncLineage({
    from,
    to,
    cluster: CLUSTER,
    chosen: undefined,
    everything: true,
    clock: systemClock,
    log: silentLog,
    signal,
    onBackup: () => undefined,
    onWal: () => undefined,
  });
}

export async function keysOf({ store }: Repository, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

import { createHash, generateKeyPairSync } from 'node:crypto';
import { Secret } from '../../src/base/secret.ts';
import { signReport } from '../../src/backup/drill/signature.ts';
import { writeDumpManifest } from '../../src/backup/dump/stored-dump.ts';
import { placeFinding } from '../../src/repository/audit-findings.ts';
import { writeIndex } from '../../src/repository/blob-index.ts';
import { seal } from '../../src/repository/envelope.ts';
import { recordGap } from '../../src/repository/gap-record.ts';
import { ensureClusterIdentity } from '../../src/repository/identity.ts';
import { addKey } from '../../src/repository/key-objects.ts';
import { CLEAR } from '../../src/repository/keys.ts';
import { holdPrefix, leasePrefix } from '../../src/repository/layout.ts';
import { appendLedger } from '../../src/repository/ledger.ts';
import { writeManifest, type BackupSummary } from '../../src/repository/manifest.ts';
import { markPack } from '../../src/repository/marks.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { writeReport } from '../../src/repository/reports.ts';
import { WalArchive } from '../../src/repository/wal-archive.ts';
import {
  CLUSTER,
  plainHash,
  SEGMENT_BYTES,
  segmentBytes,
  segmentOf,
  SYSTEM_IDENTIFIER,
  writeBackup,
  writePack,
} from '../backup/full-repository.ts';
import { makeRepository } from '../backup/repository.ts';

// Wrote test/golden/format-2-all-kinds and -encrypted, and is kept to show how the next ones are made: for a released format each is
// written once and never again. `node test/golden/write-all-kinds.ts DIR [encrypted]`

const [directory = '', encrypted] = process.argv.slice(2);
const at = (hour: number): Date => new Date(Date.UTC(2026, 10, 21, hour));
const SECOND = '20261121T030000Z-incr';
const PACK = 'c'.repeat(32);
const BY = 'dba@db1';

/** One on the second timeline, with all that a manifest can say. */
async function writeSecond(repository: Repository, base: BackupSummary): Promise<void> {
  const pages = [Buffer.alloc(8192, 7), Buffer.alloc(8192, 9)];
  const hashes = Buffer.alloc(48, 5);
  const blobs = await writePack(repository, PACK, [Buffer.concat(pages), hashes]);
  await writeIndex(repository, SYSTEM_IDENTIFIER, `20261121T000003-${PACK.slice(0, 16)}`, [{ pack: PACK, blobs }]);
  const [content = '', hashed = ''] = blobs.map(({ hash }) => hash);
  const summary: BackupSummary = {
    ...base,
    label: SECOND,
    kind: 'incremental',
    startedAt: at(3).toISOString(),
    finishedAt: at(4).toISOString(),
    checkpointAt: at(3).toISOString(),
    startLsn: '0/300028',
    stopLsn: '0/380000',
    startTimeline: 2,
    stopTimeline: 2,
    parent: base.label,
    changedBytes: 16384,
    damage: 'ERROR XX001: checksum verification failure during base backup',
    warnings: ['WARNING 01000: checksum verification failed in file "./base/5/1259", block 1'],
    tablespaces: [{ oid: '16400', location: '/srv/fast' }],
    audit: { comparedWith: base.label, pages: 4, mismatches: [{ path: 'base/5/1259', block: 1 }], benign: 1 },
    pageHashKey: 'a'.repeat(64),
    missing: ['/etc/postgresql/extra.conf'],
    includedDirectories: ['conf.d'],
    pagesSummed: true,
    fromStandby: false,
    hintsUnlogged: false,
    cutsKnown: true,
    fileCount: 3,
    plainBytes: 49_152,
    newBlobs: 2,
    packs: [PACK],
  };
  await writeManifest(repository, summary, [
    ...['base', 'base/5', 'global', 'pg_tblspc', 'pg_wal'].map((path) => ({
      path,
      type: 'directory' as const,
      mode: 0o700,
      modifiedAt: 1_795_200_000,
    })),
    {
      path: 'base/5/1259',
      type: 'file',
      sizeBytes: 40_960,
      mode: 0o600,
      modifiedAt: 1_795_200_000,
      // A page from the middle of a blob, a hole, and both pages in turn.
      extents: [
        [0, 8192, content, 8192],
        [24_576, 16_384, content],
      ],
      pages: [hashed],
    },
    { path: 'global/pg_control', type: 'file', sizeBytes: 8192, mode: 0o600, modifiedAt: 1_795_200_000, extents: [[0, 8192, content]] },
    { path: 'empty', type: 'file', sizeBytes: 0, mode: 0o600, modifiedAt: 1_795_200_000, extents: [] },
    { path: 'pg_tblspc/16400', type: 'symlink', target: '/srv/fast' },
  ]);
}

/** A segment of the second timeline. */
function second(n: number): Buffer {
  const bytes = segmentBytes(n);
  bytes.writeUInt32LE(2, 4);
  return bytes;
}

async function writeWal(repository: Repository): Promise<void> {
  const archive = new WalArchive(repository, SYSTEM_IDENTIFIER, SEGMENT_BYTES);
  const times = { receivedAt: at(5), coveredUntil: at(5) };
  for (const n of [1, 2]) await archive.putSegment(segmentOf(n), segmentBytes(n), times);
  await archive.putPartial(segmentOf(3), segmentBytes(3), times);
  await archive.putBackupHistory(`${segmentOf(1)}.00000028.backup`, Buffer.from('START WAL LOCATION: 0/100028\n'));
  await archive.putHistory(2, Buffer.from('1\t0/300000\tno recovery target specified\n'));
  const onSecond = (n: number): string => segmentOf(n).replace('00000001', '00000002');
  for (const n of [3, 4]) await archive.putSegment(onSecond(n), second(n), times);
  await archive.putPart(onSecond(5), 0, second(5).subarray(0, 8192), times);
  await archive.putPart(onSecond(5), 8192, second(5).subarray(8192, 20_000), times);
  await archive.putHorizon(2, 0x504e20n, at(9));
}

async function writeDump(repository: Repository): Promise<void> {
  const prefix = `${SYSTEM_IDENTIFIER}/dumps/20261121T050000Z-dump/`;
  const dumped = async (name: string, plain: Buffer): ReturnType<typeof stored> => await stored(repository, `${prefix}${name}`, plain);
  await writeDumpManifest(repository, `${SYSTEM_IDENTIFIER}/`, {
    format: 2,
    label: '20261121T050000Z-dump',
    cluster: 'main',
    systemIdentifier: SYSTEM_IDENTIFIER,
    serverVersion: '17.10',
    programVersion: '17.10',
    tool: 'golden',
    startedAt: at(5).toISOString(),
    finishedAt: at(6).toISOString(),
    selection: { databases: 'all', excluded: ['scratch'], schemaOnly: false, tables: [] },
    leftOut: [{ database: 'scratch', reason: 'excluded' }],
    globals: await dumped('globals.sql', Buffer.from('CREATE ROLE reader;\n')),
    databases: [
      {
        ...(await dumped('app.dump', Buffer.from('PGDMP and so on'))),
        database: 'app',
        startedAt: at(5).toISOString(),
        finishedAt: at(6).toISOString(),
      },
    ],
  });
}

async function stored(
  repository: Repository,
  key: string,
  plain: Buffer,
): Promise<{ readonly key: string; readonly sizeBytes: number; readonly blake3: string; readonly sha256: string }> {
  const content = repository.keys === undefined ? plain : await seal(repository, 'dump', { key }, plain);
  await repository.store.create(key, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { key, sizeBytes: content.byteLength, blake3: plainHash(content), sha256 };
}

async function writeOthers(repository: Repository, full: string): Promise<void> {
  const where = { systemIdentifier: SYSTEM_IDENTIFIER, timeline: 2 };
  const hold = { kind: 'hold', label: full, reason: 'audit 2026', until: null, placedAt: at(6).toISOString(), by: BY };
  const holds = holdPrefix(SYSTEM_IDENTIFIER);
  await repository.store.create(`${holds}${full}/20261121T060000Z-00000001`, await seal(CLEAR, 'hold', hold, Buffer.alloc(0)));
  const name = '20261121T060000Z-00000002.audit';
  const finding = {
    label: SECOND,
    name,
    sound: 'earlier',
    wrong: [SECOND],
    reason: 'the disk was replaced',
    placedAt: at(6),
    by: BY,
  } as const;
  await placeFinding(repository, SYSTEM_IDENTIFIER, finding);
  const deeds = [
    { kind: 'role-dropped', role: 'anna' },
    { kind: 'membership-revoked', role: 'readers', member: 'bert' },
    { kind: 'password-rotated', role: 'app', verifier: 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy' },
    { kind: 'subject-forgotten', database: 'app', procedure: ['core', 'forget'], arguments: [71], subject: 'listener 71' },
  ] as const;
  for (const [n, deed] of deeds.entries())
    await appendLedger(repository, { ...where, at: at(7 + n), lsn: 0x300000n + BigInt(n), by: BY, deed }, `${n}`.padStart(16, '0'));
  await recordGap(repository, SYSTEM_IDENTIFIER, {
    timeline: 2,
    fromLsn: 0x600000n,
    toLsn: 0x700000n,
    reason: 'slot-lost',
    noticedAt: at(8).toISOString(),
  });
  const record = {
    state: 'released',
    holding: 'd'.repeat(32),
    owner: { command: 'backup run', host: 'db1', pid: 1, process: null },
    since: at(3).toISOString(),
    ttlMs: 180_000,
  };
  await repository.store.create(
    `${leasePrefix(SYSTEM_IDENTIFIER, 'backup')}000000000007`,
    await seal(CLEAR, 'lease', record, Buffer.alloc(0)),
  );
  await markPack(repository, SYSTEM_IDENTIFIER, 'e'.repeat(32), { graceMs: 90_000_000, markedAt: at(9) });
  const { privateKey } = generateKeyPairSync('ed25519');
  const report = { label: '20261121T100000Z-drill', verdict: 'passed', finishedAt: at(10).toISOString(), rtoMs: 42 };
  await writeReport(repository, SYSTEM_IDENTIFIER, 'drill', at(10), (label) => {
    const header = { label, systemIdentifier: SYSTEM_IDENTIFIER, finishedAt: at(10).toISOString(), verdict: 'passed', backup: full };
    return { header, body: signReport(report, privateKey) };
  });
  await writeReport(repository, SYSTEM_IDENTIFIER, 'verification', at(11), (label) => {
    const found = { isSound: true, faults: 0 };
    const header = { label, systemIdentifier: SYSTEM_IDENTIFIER, finishedAt: at(11).toISOString(), extent: 'everything', ...found };
    return { header, body: { label, isSound: true, faults: [] } };
  });
  // Up to 4 MiB of it mean nothing.
  await repository.store.create('reserve', Buffer.alloc(16));
}

const repository = await makeRepository(directory, { encrypted: encrypted === 'encrypted' });
if (repository.keys !== undefined)
  await addKey(
    repository.store,
    repository.keys,
    { kind: 'key-file', content: new Secret('golden key file') },
    { note: 'golden', createdAt: at(0) },
  );
await ensureClusterIdentity(repository, CLUSTER);
const { summary } = await writeBackup(repository, '20261121T010000Z-full', 1);
await writeSecond(repository, summary);
await writeWal(repository);
await writeDump(repository);
await writeOthers(repository, summary.label);
await repository.store.close();

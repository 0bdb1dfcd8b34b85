import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { checkSignature } from '../../src/backup/drill/signature.ts';
import { listDumps, readDumpManifest, spoolDumped } from '../../src/backup/dump/stored-dump.ts';
import { readVerifications } from '../../src/backup/verify/record.ts';
import { listFindings } from '../../src/repository/audit-findings.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { BlobReader } from '../../src/repository/blob-reader.ts';
import { listGaps } from '../../src/repository/gap-record.ts';
import { listHolds } from '../../src/repository/holds.ts';
import { listClusters } from '../../src/repository/identity.ts';
import type { Unlock } from '../../src/repository/key-objects.ts';
import { readLease } from '../../src/repository/lease-objects.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { listBackups, readManifest, type ManifestEntry } from '../../src/repository/manifest.ts';
import { listMarks } from '../../src/repository/marks.ts';
import type { DamagedObject } from '../../src/repository/passed-over.ts';
import { listReports, readReport } from '../../src/repository/reports.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { WalArchive } from '../../src/repository/wal-archive.ts';
import { readCoverage } from '../../src/repository/wal-coverage.ts';
import { openDiskStore } from '../../src/storage/disk.ts';

/** Written once by test/golden/write-all-kinds.ts, and never again: what is said here is what it wrote. */
const GOLDEN = path.resolve(import.meta.dirname, '..', 'golden');
const SYSTEM = '7600000000000000001';
const FULL = '20261121T010000Z-full';
const SECOND = '20261121T030000Z-incr';
const DUMP = '20261121T050000Z-dump';
const SEGMENT_BYTES = 1024 * 1024;
const none: Unlock = { kind: 'none' };
const keyFile: Unlock = { kind: 'key-file', content: new Secret('golden key file') };
const at = (hour: number): Date => new Date(Date.UTC(2026, 10, 21, hour));

describe.each([
  ['format-2-all-kinds', none],
  ['format-2-all-kinds-encrypted', keyFile],
] as const)('of the golden repository %s', (name, unlock) => {
  let repository: Repository;
  const damaged: DamagedObject[] = [];

  beforeAll(async () => {
    const opened = await openRepository(await openDiskStore(path.join(GOLDEN, name)), unlock);
    repository = { ...opened, onDamaged: (found) => damaged.push(found) };
  });
  // Whatever passes over what it cannot read tells of it.
  afterAll(async () => {
    expect(damaged).toEqual([]);
    await repository.store.close();
  });

  test('every kind of object is there', async () => {
    const kinds = new Set<string>();
    for await (const { key } of repository.store.list('')) {
      const [, within = key] = key.startsWith(`${SYSTEM}/`) ? (/^\d+\/(\w+)\//.exec(key) ?? []) : (/^([\w-]+)/.exec(key) ?? []);
      kinds.add(within);
    }
    const inLineage = [
      'packs',
      'indexes',
      'backups',
      'wal',
      'gaps',
      'dumps',
      'leases',
      'marks',
      'holds',
      'drills',
      'verifications',
      'ledger',
    ];
    const outside = ['dbadmin-repository', 'clusters', 'reserve', ...(unlock.kind === 'none' ? [] : ['keys'])];
    expect([...kinds].toSorted()).toEqual([...inLineage, ...outside].toSorted());
  });

  test('backups are read with all that their manifests say, and to the last byte', async () => {
    expect(await listClusters(repository)).toMatchObject([{ systemIdentifier: SYSTEM, name: 'main', walSegmentBytes: SEGMENT_BYTES }]);
    expect(await listBackups(repository, SYSTEM)).toMatchObject([
      { label: FULL, kind: 'full', startTimeline: 1, damage: null },
      {
        label: SECOND,
        kind: 'incremental',
        parent: FULL,
        startTimeline: 2,
        checkpointAt: at(3).toISOString(),
        damage: 'ERROR XX001: checksum verification failure during base backup',
        tablespaces: [{ oid: '16400', location: '/srv/fast' }],
        audit: { comparedWith: FULL, pages: 4, mismatches: [{ path: 'base/5/1259', block: 1 }], benign: 1 },
        pageHashKey: 'a'.repeat(64),
        missing: ['/etc/postgresql/extra.conf'],
        includedDirectories: ['conf.d'],
        cutsKnown: true,
      },
    ]);
    const entries: ManifestEntry[] = [];
    for await (const entry of readManifest(repository, SYSTEM, SECOND)) entries.push(entry);
    expect(entries.map(({ path: of, type }) => [of, type])).toEqual([
      ...['base', 'base/5', 'global', 'pg_tblspc', 'pg_wal'].map((directory) => [directory, 'directory']),
      ['base/5/1259', 'file'],
      ['global/pg_control', 'file'],
      ['empty', 'file'],
      ['pg_tblspc/16400', 'symlink'],
    ]);
    const relation = entries.find(({ path: of }) => of === 'base/5/1259');
    const link = entries.at(-1);
    expect(link).toMatchObject({ target: '/srv/fast' });
    if (relation?.type !== 'file') throw new Error('no file');
    const blobs = new BlobReader(repository, SYSTEM, await BlobIndex.load(repository, SYSTEM));
    const content = Buffer.alloc(relation.sizeBytes);
    for (const [offset, length, hash, from = 0] of relation.extents)
      for await (const plain of blobs.readAll([hash])) plain.copy(content, offset, from, from + length);
    const [seven, nine] = [Buffer.alloc(8192, 7), Buffer.alloc(8192, 9)];
    expect(content.equals(Buffer.concat([nine, Buffer.alloc(16_384), seven, nine]))).toBe(true);
    for await (const plain of blobs.readAll(relation.pages ?? [])) expect(plain.equals(Buffer.alloc(48, 5))).toBe(true);
    expect(relation.pages).toHaveLength(1);
  });

  test('WAL of both timelines, whole, partial and in parts, with what is known of its time', async () => {
    const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
    const { timelines, histories } = await readCoverage(repository, SYSTEM, SEGMENT_BYTES);
    expect(timelines.get(1)).toMatchObject({ runs: [{ startLsn: 0x100000n, endLsn: 0x300000n }] });
    expect(timelines.get(2)).toMatchObject({
      runs: [{ startLsn: 0x300000n, endLsn: 0x500000n }],
      open: [{ segment: '000000020000000000000005', startLsn: 0x500000n, endLsn: 0x504e20n }],
      horizon: { lsn: 0x504e20n, at: at(9) },
    });
    expect([...histories]).toEqual([2]);
    expect((await archive.readSegment('000000020000000000000004'))?.readBigUInt64LE(8)).toBe(0x400000n);
    expect((await archive.readHeader('000000020000000000000004')).receivedAt).toBe(at(5).toISOString());
    expect((await archive.readPartial('000000010000000000000003'))?.readBigUInt64LE(8)).toBe(0x300000n);
    expect((await archive.readParts('000000020000000000000005'))?.byteLength).toBe(20_000);
    expect((await archive.readBackupHistory('000000010000000000000001.00000028.backup'))?.toString()).toBe(
      'START WAL LOCATION: 0/100028\n',
    );
    expect((await archive.readHistory(2))?.toString()).toBe('1\t0/300000\tno recovery target specified\n');
  });

  test('a dump, its selection and its content', async () => {
    expect(await listDumps(repository, `${SYSTEM}/`)).toEqual([DUMP]);
    const manifest = await readDumpManifest(repository, `${SYSTEM}/`, DUMP);
    expect(manifest).toMatchObject({
      format: 2,
      selection: { databases: 'all', excluded: ['scratch'] },
      leftOut: [{ database: 'scratch', reason: 'excluded' }],
      databases: [{ database: 'app' }],
    });
    const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
    try {
      const file = path.join(directory, 'dump');
      for (const [dumped, text] of [
        [manifest.globals, 'CREATE ROLE reader;\n'],
        [manifest.databases[0] ?? manifest.globals, 'PGDMP and so on'],
      ] as const) {
        rmSync(file, { force: true });
        await spoolDumped(repository, dumped, file, new AbortController().signal);
        expect(readFileSync(file, 'utf8')).toBe(text);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test('holds, findings, the ledger, gaps, leases, marks and reports', async () => {
    const by = 'dba@db1';
    expect(await listHolds(repository, SYSTEM)).toEqual([
      { label: FULL, name: '20261121T060000Z-00000001', reason: 'audit 2026', until: null, placedAt: at(6), by },
    ]);
    expect(await listFindings(repository, SYSTEM)).toMatchObject([
      { label: SECOND, sound: 'earlier', wrong: [SECOND], reason: 'the disk was replaced', placedAt: at(6), by },
    ]);
    const ledger = await readLedger(repository, SYSTEM);
    expect(ledger.damaged).toEqual([]);
    const verifier = unlock.kind === 'none' ? null : 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy';
    expect(ledger.entries).toMatchObject([
      { at: at(7), timeline: 2, lsn: 0x300000n, by, deed: { kind: 'role-dropped', role: 'anna' } },
      { lsn: 0x300001n, deed: { kind: 'membership-revoked', role: 'readers', member: 'bert' } },
      { lsn: 0x300002n, deed: { kind: 'password-rotated', role: 'app', verifier } },
      { lsn: 0x300003n, deed: { kind: 'subject-forgotten', procedure: ['core', 'forget'], arguments: [71], subject: 'listener 71' } },
    ]);
    expect(await listGaps(repository, SYSTEM)).toEqual([
      { timeline: 2, fromLsn: 0x600000n, toLsn: 0x700000n, reason: 'slot-lost', noticedAt: at(8).toISOString() },
    ]);
    expect(await readLease(repository.store, SYSTEM, 'backup')).toMatchObject({
      state: 'released',
      sequence: 7,
      holding: 'd'.repeat(32),
      owner: { command: 'backup run', host: 'db1', pid: 1 },
    });
    expect(await listMarks(repository, SYSTEM)).toMatchObject([{ pack: 'e'.repeat(32), graceMs: 90_000_000 }]);
    expect(await listReports(repository, SYSTEM, 'drill')).toMatchObject([
      { label: '20261121T100000Z-drill', verdict: 'passed', backup: FULL },
    ]);
    const drill = await readReport(repository, SYSTEM, 'drill', '20261121T100000Z-drill');
    expect(drill).toMatchObject({ report: { verdict: 'passed', rtoMs: 42 } });
    // Whole, and by a key that nobody has any more.
    expect(checkSignature(drill, []).kind).toBe('unknown-key');
    expect(await readVerifications(repository, SYSTEM, at(12))).toMatchObject({
      last: { label: '20261121T110000Z-verify', extent: 'everything', isSound: true, faults: 0 },
      standing: [],
    });
  });

  test('the extractor takes the second backup out of it, with its WAL', () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
    try {
      const secret = path.join(GOLDEN, 'golden-key-file');
      const options = unlock.kind === 'none' ? [] : ['--key-file', secret];
      const extractor = path.resolve(import.meta.dirname, '..', '..', 'extractor', 'dbadmin-extract.mjs');
      const words = [extractor, 'extract', path.join(GOLDEN, name), SECOND, path.join(directory, 'into'), ...options];
      const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
      expect(`${status} ${stderr}`).toMatch(/^0 /);
      const extracted = readFileSync(path.join(directory, 'into', 'base/5/1259'));
      expect(
        extracted.equals(Buffer.concat([Buffer.alloc(8192, 9), Buffer.alloc(16_384), Buffer.alloc(8192, 7), Buffer.alloc(8192, 9)])),
      ).toBe(true);
      const segment = readFileSync(path.join(directory, 'into', 'pg_wal', '000000020000000000000003'));
      expect(segment.readBigUInt64LE(8)).toBe(0x300000n);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

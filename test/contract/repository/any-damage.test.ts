import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readDrills, readProofs } from '../../../src/backup/drill/record.ts';
import { lastDump } from '../../../src/backup/dump/last-inspect.ts';
import { listDumps, readDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { planLineage } from '../../../src/backup/expire/run.ts';
import { readStaying, refuseUnreadable } from '../../../src/backup/expire/staying-inspect.ts';
import { refuseUntold } from '../../../src/backup/expire/verified.ts';
import { inspectLineage, readLineage } from '../../../src/backup/lineage-inspect.ts';
import { inspectRecovery } from '../../../src/backup/recovery-inspect.ts';
import { readParentContent } from '../../../src/backup/take/parent-inspect.ts';
import { readStanding, readVerifications, recordVerification } from '../../../src/backup/verify/record.ts';
import { fetchWal } from '../../../src/backup/wal/get-run.ts';
import { recoveryModel } from '../../../src/backup/windows.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { listFindings, newFinding, placeFinding } from '../../../src/repository/audit-findings.ts';
import { BlobIndex, findDamagedIndexes } from '../../../src/repository/blob-index.ts';
import { inspectPackUsage } from '../../../src/repository/collection-inspect.ts';
import { listGaps, recordGap } from '../../../src/repository/gap-record.ts';
import { listHolds, placeHold } from '../../../src/repository/holds.ts';
import { listClusters } from '../../../src/repository/identity.ts';
import { LEASE_NAMES, readLease } from '../../../src/repository/lease-objects.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { appendLedger, readLedger } from '../../../src/repository/ledger.ts';
import { ManifestEntries } from '../../../src/repository/manifest-entries.ts';
import { listBackups } from '../../../src/repository/manifest.ts';
import { listMarks, markPack } from '../../../src/repository/marks.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import { kindOfKey, type ObjectKind } from '../../../src/repository/layout.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { readCoverage } from '../../../src/repository/wal-coverage.ts';
import {
  CLUSTER,
  fillRepository,
  SEGMENT_BYTES,
  segmentOf,
  SYSTEM_IDENTIFIER as SYSTEM,
  writeBackup,
} from '../../backup/full-repository.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { readAllBackups, summaryOf } from '../../backup/small-backups.ts';
import { dump, keysOf } from '../../backup/small-source.ts';
import { verifyEverything } from '../../backup/verify-report.ts';

/** What somebody asks of a repository. What is damaged of the kinds in `needs` may keep them from an answer, nothing else. */
type Reader = readonly [name: string, needs: readonly ObjectKind[], read: (repository: Repository) => Promise<unknown>];

const LABELS = ['20261121T010000Z-full', '20261121T030000Z-full'];
/** Of these the first goes; the second, the newest of all, was found broken, and `20261121T030000Z-full` is the newest whole one. */
const MORE = { goes: '20261121T020000Z-full', broken: '20261121T040000Z-full' };
const DUMPS = ['20261121T040000Z-dump', '20261121T050000Z-dump', '20261121T060000Z-dump'];
const WHAT_GOES = 'what would expire';
const startOf = (n: number): bigint => BigInt(n) * BigInt(SEGMENT_BYTES);
const NOW = new Date(Date.UTC(2026, 10, 22));
const signal = new AbortController().signal;
const KEEP = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

const READERS: readonly Reader[] = [
  ['clusters', [], async (repository) => await listClusters(repository)],
  ['backups', [], async (repository) => (await listBackups(repository, SYSTEM)).map(({ label }) => label)],
  ['ledger', [], async (repository) => (await readLedger(repository, SYSTEM)).entries],
  ['holds', [], async (repository) => (await listHolds(repository, SYSTEM)).map(({ label, until }) => [label, until])],
  ['findings', [], async (repository) => (await listFindings(repository, SYSTEM)).map(({ label, sound }) => [label, sound])],
  ['gaps', [], async (repository) => (await listGaps(repository, SYSTEM)).map(({ fromLsn }) => fromLsn)],
  ['marks', [], async (repository) => (await listMarks(repository, SYSTEM)).map(({ pack }) => pack)],
  ['WAL', [], async (repository) => await readCoverage(repository, SYSTEM, SEGMENT_BYTES)],
  ['verifications', [], async (repository) => [await readVerifications(repository, SYSTEM, NOW), await readStanding(repository, SYSTEM)]],
  ['drills', [], async (repository) => [await readProofs(repository, SYSTEM, NOW), await readDrills(repository, SYSTEM, 10)]],
  ['leases', [], async ({ store }) => await Promise.all(LEASE_NAMES.map(async (name) => (await readLease(store, SYSTEM, name))?.state))],
  ['last dump', [], async (repository) => await lastDump(repository, SYSTEM, NOW)],
  [
    'index',
    [],
    async (repository) => {
      const { size, damaged } = await BlobIndex.load(repository, SYSTEM);
      return { size, damaged: [...damaged] };
    },
  ],
  [
    'dumps',
    ['dumps'],
    async (repository) => {
      for (const label of await listDumps(repository, `${SYSTEM}/`)) await readDumpManifest(repository, `${SYSTEM}/`, label);
    },
  ],
  [
    'recovery',
    ['identity'],
    async (repository) => recoveryModel(await inspectRecovery(repository, await inspectLineage(repository, 'main', SYSTEM))).timelines,
  ],
  ['newest timeline', ['identity', 'wal'], async (repository) => await readLineage(await inspectLineage(repository, 'main', SYSTEM))],
  [
    'entries',
    ['manifests'],
    async (repository) => {
      const read: unknown[] = [];
      for (const label of LABELS) for (const entry of await ManifestEntries.read(repository, SYSTEM, label)) read.push(entry.path);
      return read;
    },
  ],
  [
    'parents',
    ['manifests'],
    async (repository) => {
      for (const label of LABELS) await readParentContent(repository, summaryOf(label, { systemIdentifier: SYSTEM }));
    },
  ],
  ['content', ['manifests', 'packs', 'indexes'], async (repository) => await readAllBackups(repository, SYSTEM)],
  [
    'use of packs',
    ['manifests', 'packs', 'indexes'],
    async (repository) => (await inspectPackUsage(repository, SYSTEM, await findDamagedIndexes(repository, SYSTEM))).packs.length,
  ],
  [
    WHAT_GOES,
    ['identity', 'manifests', 'dumps', 'reports'],
    async (repository) => {
      const retention = { windowMs: undefined, keep: KEEP, minimum: 1, dumps: 1, timeZone: 'UTC' };
      const plan = await planLineage(repository, CLUSTER, { retention, graceMs: 1000, clock: systemClock, log: silentLog, signal });
      refuseUnreadable(repository, plan.inspection.damaged);
      refuseUntold(repository, plan.inspection);
      await readStaying(repository, SYSTEM, plan);
      return [...plan.backups, ...plan.dumps].flatMap(({ label, reasons }) => (reasons.length === 0 ? [label] : []));
    },
  ],
  [
    'a segment',
    ['identity', 'wal'],
    async (repository) => (await fetchWal({ repository, clusterName: 'main', systemIdentifier: SYSTEM }, segmentOf(4)))?.bytes.byteLength,
  ],
  [
    'the open segment',
    ['identity', 'wal'],
    async (repository) => (await fetchWal({ repository, clusterName: 'main', systemIdentifier: SYSTEM }, segmentOf(5)))?.storedBytes,
  ],
];

/** Two backups, WAL, dumps, and two at least of most else that a repository has. */
async function newWorld(encrypted: boolean): Promise<{ readonly repository: Repository; readonly told: string[] }> {
  const told: string[] = [];
  const repository = { ...(await makeMemoryRepository(encrypted)), onDamaged: ({ key }: { readonly key: string }) => void told.push(key) };
  await fillRepository(repository);
  await writeBackup(repository, MORE.goes, 2);
  await writeBackup(repository, MORE.broken, 4);
  for (const [n, label] of DUMPS.entries()) await dump(repository, label, `create role r${n};`, SYSTEM);
  await placeHold(repository, SYSTEM, { label: LABELS[0] ?? '', reason: 'audit', until: null, now: new Date(0) });
  await placeHold(repository, SYSTEM, { label: DUMPS[1] ?? '', reason: 'audit', until: null, now: new Date(0) });
  for (const [n, label] of LABELS.entries()) {
    const at = new Date(1000 * n);
    await placeFinding(repository, SYSTEM, newFinding({ label, sound: 'both', wrong: [], reason: 'looked', now: at }));
    await appendLedger(repository, {
      systemIdentifier: SYSTEM,
      at,
      timeline: 1,
      lsn: 0x100000n,
      by: 'test',
      deed: { kind: 'role-dropped', role: `r${n}` },
    });
    await markPack(repository, SYSTEM, String(n).repeat(32), { graceMs: 1000, markedAt: at });
    const [fromLsn, toLsn] = [startOf(30 + n), startOf(31 + n)];
    await recordGap(repository, SYSTEM, { timeline: 3, fromLsn, toLsn, reason: 'slot-lost', noticedAt: at.toISOString() });
    await writeReport(repository, SYSTEM, 'drill', at, (name) => ({
      header: { label: name, systemIdentifier: SYSTEM, finishedAt: at.toISOString() },
      body: {},
    }));
  }
  const sound = await verifyEverything(repository, CLUSTER, systemClock);
  const fault = { kind: 'missing', object: 'a pack', detail: 'It is not there.' } as const;
  const found = { isSound: false, faultCount: 1, faults: [fault], backups: [{ label: MORE.broken, reasons: [fault.detail], files: 1 }] };
  await recordVerification(repository, { ...sound, ...found, soundBackups: LABELS, finishedAt: '2026-11-21T10:00:00.000Z' });
  await recordVerification(repository, { ...sound, extent: { kind: 'structure' }, finishedAt: '2026-11-21T11:00:00.000Z' });
  const lease = await acquireLease(repository, SYSTEM, 'backup', { clock: systemClock, log: silentLog, command: 'test', signal });
  await lease.release();
  return { repository, told };
}

/** What becomes of an object's bytes; `at` is a share of its length, `by` any number. Undefined where it has no such thing. */
type Ruin = (bytes: Buffer, at: number, by: number, other: Buffer) => Buffer | undefined;

const flip = (bytes: Buffer, place: number, by: number): Buffer => {
  const flipped = Buffer.from(bytes);
  flipped[place] = (flipped[place] ?? 0) ^ (1 << (by % 8));
  return flipped;
};
const placeIn = (bytes: Buffer, at: number): number => Math.min(bytes.byteLength - 1, Math.floor(bytes.byteLength * at));

const RUINS: Readonly<Record<string, Ruin>> = {
  'a bit': (bytes, at, by) => flip(bytes, placeIn(bytes, at), by),
  'a bit of its beginning': (bytes, at, by) => flip(bytes, placeIn(bytes.subarray(0, 300), at), by),
  'a bit of its end': (bytes, at, by) => flip(bytes, bytes.byteLength - 1 - placeIn(bytes.subarray(-1024), at), by),
  'a sector of zeros': (bytes, at) => Buffer.from(bytes).fill(0, placeIn(bytes, at), Math.min(bytes.byteLength, placeIn(bytes, at) + 512)),
  'it is cut': (bytes, at) => bytes.subarray(0, placeIn(bytes, at)),
  'bytes come twice': (bytes, at, by) =>
    Buffer.concat([bytes.subarray(0, placeIn(bytes, at) + 1 + (by % 600)), bytes.subarray(placeIn(bytes, at))]),
  // What a bit in compressed bytes can make, and the hash at the end shows only when all was read.
  'its body is another text': (bytes, at, by) => {
    if (bytes.toString('latin1', 0, 8) !== 'DBADMIN1' || bytes[9] !== 1) return undefined;
    const begin = 16 + bytes.readUInt32BE(12);
    const plain = zstdDecompressSync(bytes.subarray(begin, -32));
    const text = by % 2 === 0 ? flip(plain, placeIn(plain, at), by >> 1) : otherToken(plain.toString('latin1'), at, by);
    return Buffer.concat([bytes.subarray(0, begin), zstdCompressSync(text), bytes.subarray(-32)]);
  },
  'it is another object': (_, _at, _by, other) => other,
};

/** One token of a text of JSON becomes another one, as long as there are any. */
function otherToken(text: string, at: number, by: number): Buffer {
  const tokens = [...text.matchAll(/"[^"]*"|\d+|\[[^[\]]*\]/g)];
  const token = tokens[Math.floor(tokens.length * at)];
  if (token === undefined) return Buffer.from(text, 'latin1');
  const others = ['7', '-1', '1e99', 'null', '""', '[]', '{}', '"x"', '[[0,1]]'];
  return Buffer.from(text.slice(0, token.index) + others[by % others.length] + text.slice(token.index + token[0].length), 'latin1');
}

describe.each([false, true])('whatever becomes of one object (encrypted: %s)', (encrypted) => {
  let world: Awaited<ReturnType<typeof newWorld>>;
  let keys: readonly string[];
  const answers = new Map<string, string>();
  let going: readonly string[];

  beforeAll(async () => {
    world = await newWorld(encrypted);
    keys = await keysOf(world.repository, '');
    for (const [name, , read] of READERS) answers.set(name, textOf(await read(world.repository)));
    going = (await READERS.find(([name]) => name === WHAT_GOES)?.[2](world.repository)) as readonly string[];
    expect(going).toEqual([MORE.goes, DUMPS[0]]);
  });

  /** Asks everything and says what is not as it should be. */
  async function problemsWith(key: string, ruin: string): Promise<readonly string[]> {
    const { repository, told } = world;
    const kind = kindOfKey(key).kind;
    const isMisplaced = ruin === 'it is another object';
    const problems: string[] = [];
    let isContentWhole = true;
    for (const [name, needs, read] of READERS) {
      told.length = 0;
      try {
        const answer = await read(repository);
        if (name === WHAT_GOES) {
          // What was written again is younger than before, and stays longer: less may go, and nothing that would have stayed.
          const labels = answer as readonly string[];
          if (!labels.every((label) => going.includes(label))) problems.push(`${labels.join(' and ')} would go`);
          continue;
        }
        // Of leases and times nobody is told but who verifies.
        const isNamed = told.includes(key) || textOf(answer).includes(key) || ['leases', 'wal'].includes(kind);
        if (!isNamed && !isMisplaced && textOf(answer) !== answers.get(name)) problems.push(`${name}: another answer, and nothing named`);
      } catch (error) {
        if (name === 'content') isContentWhole = false;
        if (!(error instanceof DbadminError) || error.code === 'internal') problems.push(`${name}: ${String(error)}`);
        else if (!needs.includes(kind)) problems.push(`${name} stops: ${error.message}`);
        else if (!namesOf(key).some((each) => `${error.message} ${error.detail}`.includes(each)) && !isMisplaced)
          problems.push(`${name} does not name it: ${error.message} ${error.detail}`);
      }
    }
    const report = await verifyEverything(repository, CLUSTER, systemClock);
    const isFound = report.faults.some(({ object }) => namesOf(key).some((each) => object.includes(each)));
    // Two bits of a zstd frame's header in a pack change nothing. See FORMAT.md "What a check of everything finds".
    const isNothing = kind === 'packs' && ruin.startsWith('a bit') && isContentWhole;
    if (!isFound && !isMisplaced && !isNothing) problems.push('verify does not find it');
    return problems;
  }

  test('everything else is answered as before, it is named, and no error is a defect', { timeout: 600_000 }, async () => {
    const drawn = fc.record({
      object: fc.nat(),
      ruin: fc.constantFrom(...Object.keys(RUINS)),
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      by: fc.nat(100_000),
    });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ object, ruin, at, by }) => {
        const { store } = world.repository;
        const key = keys[object % keys.length] ?? '';
        const alike = keys.filter((each) => each !== key && kindOfKey(each).kind === kindOfKey(key).kind);
        const bytes = Buffer.from(await store.read(key));
        const other = Buffer.from(await store.read(alike[by % alike.length] ?? key));
        const ruined = RUINS[ruin]?.(bytes, at, by, other);
        if (ruined === undefined || ruined.equals(bytes)) return;
        await store.delete(key);
        await store.create(key, ruined);
        try {
          expect([key, await problemsWith(key, ruin)]).toEqual([key, []]);
        } finally {
          await store.delete(key);
          await store.create(key, bytes);
        }
      }),
      // More find more: DBADMIN_TEST_DAMAGES=2000 takes minutes.
      { numRuns: Number(process.env['DBADMIN_TEST_DAMAGES'] ?? 25) },
    );
  });
});

/** What stands for an object in a message: its key, or its last part, or of a pack what it holds. */
function namesOf(key: string): readonly string[] {
  const name = key.slice(key.lastIndexOf('/') + 1);
  return key.includes('/packs/') || key.includes('/indexes/') ? [name, 'blob '] : [name];
}

function textOf(answer: unknown): string {
  return JSON.stringify([answer], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value instanceof Map ? [...(value as Map<unknown, unknown>)] : value,
  );
}

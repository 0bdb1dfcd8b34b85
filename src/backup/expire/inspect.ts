import { isDbadminError } from '../../base/errors.ts';
import { listFindings } from '../../repository/audit-findings.ts';
import { isInForce, listHolds, type Hold } from '../../repository/holds.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import { walPrefix } from '../../repository/layout.ts';
import { inspectBackups } from '../../repository/manifest.ts';
import type { DamagedObject } from '../../repository/passed-over.ts';
import type { Repository } from '../../repository/repository.ts';
import { storeNow } from '../../repository/store-clock.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { walObject } from '../../repository/wal-object.ts';
import { listDumpTimes } from '../dump/dump-times.ts';
import { extentOf } from '../dump/extent.ts';
import { readableDumpManifest } from '../dump/stored-dump.ts';
import { suspicionsOf } from '../suspicion.ts';
import type { Lineage } from '../restore/recover-along.ts';
import { listUnread, readStanding } from '../verify/record.ts';
import { brokenBackups, brokenDumps } from '../broken.ts';
import type { DumpContent, StoredDump } from './dump-plan.ts';
import type { ExpiryState, StoredBackup } from './plan.ts';
import { clocksOf, livedMs, pausesOf, type Pause } from './pauses.ts';
import type { StoredWal } from './wal-plan.ts';

/** What a repository holds of one cluster, with the times of the store. */
export interface ExpiryInspection extends ExpiryState {
  readonly wal: readonly StoredWal[];
  /** Manifests that do not even say which backup they are of: what they need is not known. */
  readonly damaged: readonly DamagedObject[];
  /** Labels of verifications that found something, or may have, and whose reports cannot be read: which backups that takes is not known. */
  readonly untold: readonly string[];
  readonly pauses: readonly Pause[];
}

interface InspectOptions {
  readonly now: Date;
  readonly windowMs: number | undefined;
  readonly dumps?: number | undefined;
  readonly trustsClock?: boolean;
}

const NO_END = 0xffff_ffff_ffff_ffffn;

/**
 * Reads what retention decides by. `now` is this machine's clock; `windowMs` says which timelines matter; without `dumps` what is in these does not.
 * `trustsClock`: a long time without anything stored was one, and no clock that was set ahead.
 */
export async function inspectExpiry(
  repository: Repository,
  cluster: ClusterIdentity,
  { now, windowMs, dumps: wantedDumps, trustsClock = false }: InspectOptions,
): Promise<ExpiryInspection> {
  const { systemIdentifier } = cluster;
  const storeTime = await timeOf(repository, now);
  const { backups, damaged } = await readBackups(repository, systemIdentifier);
  const wal = await readWal(repository, cluster);
  const latest = now > storeTime ? now : storeTime;
  const dumps = await readDumps(repository, systemIdentifier, { within: wantedDumps !== undefined, now: latest });
  // Without a window what stays is as far apart as the rules have it.
  const pauses = trustsClock || windowMs === undefined ? [] : pausesOf(momentsOf(backups, wal, dumps), latest, windowMs);
  const holds = new Map<string, Hold[]>();
  for (const hold of await listHolds(repository, systemIdentifier)) {
    if (isInForce(hold, clocksOf(hold, [now, storeTime], pauses))) holds.set(hold.label, [...(holds.get(hold.label) ?? []), hold]);
  }
  const lineages = await readLineages(
    repository,
    cluster,
    timelinesInUse(backups, wal, (at) => livedMs(storeTime, at, pauses), windowMs),
    backups,
  );
  const summaries = backups.map(({ summary }) => summary);
  const suspicions = suspicionsOf(summaries, await listFindings(repository, systemIdentifier));
  const standing = await readStanding(repository, systemIdentifier);
  return {
    backups,
    damaged,
    suspicions,
    broken: brokenBackups(summaries, standing),
    brokenDumps: brokenDumps(standing),
    untold: [
      ...standing.flatMap(({ header, findings }) => (findings === undefined ? [header.label] : [])),
      ...(await listUnread(repository, systemIdentifier, now)),
    ],
    wal,
    holds,
    lineages,
    dumps,
    now,
    storeNow: storeTime,
    pauses,
  };
}

/** When anything was stored: as the tools have it, and the store. */
function* momentsOf(backups: readonly StoredBackup[], wal: readonly StoredWal[], dumps: readonly StoredDump[]): Generator<Date> {
  for (const { summary, storedAt } of backups) yield* [storedAt, new Date(summary.finishedAt)];
  for (const { startedAt, storedAt } of dumps) yield* [storedAt, startedAt];
  for (const { storedAt } of wal) yield storedAt;
}

/** Where nothing may, or can, be written, the store says no time. */
const TIMELESS = ['storage-denied', 'storage-read-only', 'storage-full'] as const;

/** The store's time; where it says none, as for a plan that is only shown, this machine's. */
async function timeOf({ store }: Repository, now: Date): Promise<Date> {
  try {
    return await storeNow(store);
  } catch (error) {
    if (TIMELESS.some((code) => isDbadminError(error, code))) return now;
    throw error;
  }
}

async function readBackups(repository: Repository, systemIdentifier: string): Promise<Pick<ExpiryInspection, 'backups' | 'damaged'>> {
  const { backups, damaged, storedAt } = await inspectBackups(repository, systemIdentifier);
  const stored = backups.map((summary): StoredBackup => {
    return { summary, storedAt: storedAt.get(summary.label) ?? new Date(summary.finishedAt) };
  });
  return { backups: stored, damaged };
}

async function readWal({ store }: Repository, { systemIdentifier, walSegmentBytes }: ClusterIdentity): Promise<readonly StoredWal[]> {
  const wal: StoredWal[] = [];
  const prefix = walPrefix(systemIdentifier);
  for await (const { key, sizeBytes, modifiedAt: storedAt } of store.list(prefix)) {
    const found = walObject(systemIdentifier, key, walSegmentBytes);
    if (found?.kind !== 'segment' && found?.kind !== 'part') continue;
    const { timeline, startLsn } = found;
    wal.push({ key, timeline, startLsn, endLsn: startLsn + BigInt(walSegmentBytes), sizeBytes, storedAt });
  }
  return wal;
}

/** For so long the newest timeline is in use without anything that comes, and any where no window says how long. */
const LATELY_MS = 7 * 86_400_000;

/** Timelines on which something was stored within the window, and the one on which something was stored last. A number alone tells nothing: the newest may have been left for an older one. */
function timelinesInUse(
  backups: readonly StoredBackup[],
  wal: readonly StoredWal[],
  ageMs: (at: Date) => number,
  windowMs = LATELY_MS,
): readonly number[] {
  const storedMs = new Map<number, number>([[1, 0]]);
  const saw = (timeline: number, at: Date): void => void storedMs.set(timeline, Math.max(storedMs.get(timeline) ?? 0, at.getTime()));
  for (const { timeline, storedAt } of wal) saw(timeline, storedAt);
  for (const { summary, storedAt } of backups) saw(summary.stopTimeline, storedAt);
  const newest = Math.max(...storedMs.keys());
  const lastMs = Math.max(...storedMs.values());
  const isInUse = ([timeline, atMs]: readonly [number, number]): boolean =>
    atMs === lastMs || ageMs(new Date(atMs)) <= (timeline === newest ? Math.max(windowMs, LATELY_MS) : windowMs);
  return [...storedMs]
    .filter(isInUse)
    .map(([timeline]) => timeline)
    .sort((a, b) => a - b);
}

async function readLineages(
  repository: Repository,
  cluster: ClusterIdentity,
  timelines: readonly number[],
  backups: readonly StoredBackup[],
): Promise<readonly Lineage[]> {
  const ofBackups = [...new Set(backups.map(({ summary }) => summary.stopTimeline))].sort((a, b) => a - b);
  const archive = new WalArchive(repository, cluster.systemIdentifier, cluster.walSegmentBytes);
  const lineages: Lineage[] = [];
  for (const timeline of timelines) {
    const known = timeline === 1 ? [] : await archive.readAncestorsOrNone(timeline);
    // Without its history any older timeline may lead to it; not each number below it is one.
    const older = ofBackups.filter((each) => each < timeline);
    const history = known ?? older.map((each) => ({ timeline: each, switchLsn: NO_END, reason: '' }));
    lineages.push({ timeline, history });
  }
  return lineages;
}

async function readDumps(
  repository: Repository,
  systemIdentifier: string,
  { within, now }: { readonly within: boolean; readonly now: Date },
): Promise<readonly StoredDump[]> {
  const dumps: StoredDump[] = [];
  for (const dump of await listDumpTimes(repository, `${systemIdentifier}/`, now))
    dumps.push({ ...dump, content: within ? await readContent(repository, systemIdentifier, dump.label) : undefined });
  return dumps;
}

/** What a dump holds; undefined where its manifest cannot be read. */
async function readContent(repository: Repository, systemIdentifier: string, label: string): Promise<DumpContent | undefined> {
  const manifest = await readableDumpManifest(repository, `${systemIdentifier}/`, label);
  if (manifest === undefined) return undefined;
  return {
    extent: extentOf(manifest),
    databases: manifest.databases.map(({ database }) => database),
    leftOut: (manifest.leftOut ?? []).map(({ database }) => database),
  };
}

import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import type { SlotPosition } from '../../postgres/replication-slots.ts';
import { parseTimelineHistory } from '../../postgres/timeline.ts';
import { startWalStream } from '../../postgres/wal-stream.ts';
import { listGaps, recordGap, type GapReason, type RecordedGap } from '../../repository/gap-record.ts';
import { listBackups } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { readCoverage, type WalCoverage } from '../../repository/wal-coverage.ts';
import type { Source } from '../source-inspect.ts';
import { firstAvailable, frontier, pointAt, reachOfBackup, splitByTimeline, type ResumePoint, type ServerLineage } from './resume-plan.ts';

/** What the server refused when reception was to begin, though its slot promises it: the WAL, or the slot itself. */
export type SlotDoubt = 'none' | 'wal' | 'slot';

export interface ResumeOptions {
  readonly connection: ReplicationConnection;
  readonly parameters: ConnectionParameters;
  readonly source: Source;
  /** Those that answer; the required ones decide what is missing. */
  readonly repositories: readonly { readonly name: string; readonly repository: Repository; readonly required: boolean }[];
  readonly slot: string;
  readonly doubt: SlotDoubt;
  readonly clock: Clock;
  readonly log: Log;
}

const DUPLICATE_OBJECT = '42710';
const PROBE = 'dbadmin wal probe';

/**
 * Where to receive from: what the slot holds, or, where the stored WAL ends before that, from there if the server still has it.
 * What it no longer has is recorded as a gap, in every repository, before anything behind it is received.
 */
export async function findResumePoint(options: ResumeOptions): Promise<ResumePoint> {
  const { source, connection } = options;
  const slot = await ensureSlot(options);
  const isDoubtful = options.doubt === 'wal';
  const server = await readServerLineage(connection);
  const held = pointAt(server, slot.position.restartLsn, source.walSegmentBytes);
  const ends: ResumePoint[] = [];
  const holes: ResumePoint[] = [];
  for (const { repository, required } of options.repositories) {
    if (!required && options.repositories.some((each) => each.required)) continue;
    const coverage = await readCoverage(repository, source.systemIdentifier, source.walSegmentBytes);
    const end = frontier(coverage, server, held.lsn);
    if (end === undefined) continue;
    ends.push(end);
    const hole = slot.lost === undefined ? undefined : await holeBehindBackup(repository, source, coverage, server);
    if (hole !== undefined && hole.lsn < end.lsn) holes.push(hole);
  }
  const stored = least(ends);
  const hole = least(holes);
  // A run that failed leaves WAL and no backup: what lies before that may still be there, though no slot has kept it.
  if (hole !== undefined && (await canSend(options, hole))) return hole;
  const wanted = stored !== undefined && (stored.lsn < held.lsn || isDoubtful) ? stored : held;
  if (wanted.lsn >= held.lsn && !isDoubtful) return held;
  if (await canSend(options, wanted)) return wanted;
  const newest = (await connection.identifySystem()).flushLsn;
  const known = isDoubtful ? pointAt(server, newest, source.walSegmentBytes).lsn : held.lsn;
  const first = await firstAvailable(
    wanted.lsn,
    known,
    source.walSegmentBytes,
    async (lsn) => await canSend(options, pointAt(server, lsn, source.walSegmentBytes)),
  );
  await recordGaps(options, server, wanted.lsn, first, slot.lost ?? 'wal-removed');
  return pointAt(server, first, source.walSegmentBytes);
}

function least(points: readonly ResumePoint[]): ResumePoint | undefined {
  return points.reduce<ResumePoint | undefined>((least, each) => (least === undefined || each.lsn < least.lsn ? each : least), undefined);
}

/** Where the WAL behind the newest backup ends, unless it is recorded that the server has no more of it. */
async function holeBehindBackup(
  repository: Repository,
  { systemIdentifier }: Source,
  coverage: WalCoverage,
  server: ServerLineage,
): Promise<ResumePoint | undefined> {
  const reached = (await listBackups(repository, systemIdentifier)).flatMap(({ stopLsn, stopTimeline }) => {
    const reach = reachOfBackup(coverage, server, { timeline: stopTimeline, lsn: parseLsn(stopLsn) });
    return reach === undefined ? [] : [reach];
  });
  const newest = reached.reduce<ResumePoint | undefined>(
    (last, each) => (last === undefined || each.lsn > last.lsn ? each : last),
    undefined,
  );
  if (newest === undefined) return undefined;
  const gaps = await listGaps(repository, systemIdentifier);
  return gaps.some(({ fromLsn, toLsn }) => fromLsn <= newest.lsn && newest.lsn < toLsn) ? undefined : newest;
}

async function ensureSlot(options: ResumeOptions): Promise<{ readonly position: SlotPosition; readonly lost: GapReason | undefined }> {
  const { connection, slot, log } = options;
  const present = await connection.readSlot(slot);
  if (present !== undefined && options.doubt !== 'slot') return { position: present, lost: undefined };
  const lost = await makeSlot(options, present !== undefined);
  log.info(`slot ${slot} made: the server now keeps WAL until it is stored`);
  const made = await connection.readSlot(slot);
  if (made !== undefined) return { position: made, lost };
  throw new DbadminError('query-failed', `replication slot ${slot} holds no WAL`, {
    hint: 'Drop it with dbadmin wal receive --drop-slot and start again.',
  });
}

/** Makes the slot, in place of one that is of no use. `isGivenUp` is one that still says where it stood. */
async function makeSlot({ connection, slot, log }: ResumeOptions, isGivenUp: boolean): Promise<GapReason> {
  if (isGivenUp) {
    log.warn(`replication slot ${slot} is lost: the server gave it up and keeps no WAL for it; it is made anew`);
  } else {
    try {
      await connection.createPhysicalSlot(slot, { reserveWal: true });
      return 'slot-missing';
    } catch (error) {
      if (!(error instanceof DbadminError) || systemCodeOf(error.cause) !== DUPLICATE_OBJECT) throw error;
      // It is there and holds no position: the server gave up its WAL.
      log.warn(`replication slot ${slot} is lost: the server removed WAL that was not stored, or never held any; it is made anew`);
    }
  }
  await connection.dropSlot(slot);
  await connection.createPhysicalSlot(slot, { reserveWal: true });
  return 'slot-lost';
}

async function readServerLineage(connection: ReplicationConnection): Promise<ServerLineage> {
  const { timeline } = await connection.identifySystem();
  if (timeline === 1) return { timeline, history: [] };
  const { content } = await connection.timelineHistory(timeline);
  return { timeline, history: parseTimelineHistory(Buffer.from(content).toString('utf8')) };
}

/** Whether the server sends WAL from there: tried on a connection of its own, since nothing tells it beforehand. */
async function canSend({ parameters }: ResumeOptions, { timeline, lsn }: ResumePoint): Promise<boolean> {
  const connection = await ReplicationConnection.open(parameters, { applicationName: PROBE });
  try {
    // Nothing is written there yet, so nothing can be missing.
    if (lsn >= (await connection.identifySystem()).flushLsn) return true;
    const stream = await startWalStream(connection, { startLsn: lsn, timeline });
    for await (const event of stream) {
      // Comes before the server has looked for the WAL.
      if (event.kind === 'keepalive') continue;
      return event.kind !== 'server-shutdown';
    }
    return true;
  } catch (error) {
    if (isDbadminError(error, 'wal-missing')) return false;
    throw error;
  } finally {
    await connection.close();
  }
}

async function recordGaps(options: ResumeOptions, server: ServerLineage, fromLsn: bigint, toLsn: bigint, reason: GapReason): Promise<void> {
  const noticedAt = options.clock.now().toISOString();
  for (const part of splitByTimeline(server, fromLsn, toLsn)) {
    const gap: RecordedGap = { ...part, reason, noticedAt };
    await recordEverywhere(options, gap);
    options.log.warn(
      `WAL ${formatLsn(gap.fromLsn)} → ${formatLsn(gap.toLsn)} of timeline ${gap.timeline} is lost (${reason.replace('-', ' ')}): nothing in it can be restored, nor anything after it until the next backup. Take one now: dbadmin backup run`,
    );
  }
}

/** One that cannot take the record has a hole there, once WAL from behind it comes. @throws what the first one said, when none takes it. */
async function recordEverywhere({ repositories, source, log }: ResumeOptions, gap: RecordedGap): Promise<void> {
  const results = await Promise.allSettled(
    repositories.map(async ({ repository }) => await recordGap(repository, source.systemIdentifier, gap)),
  );
  const failed = repositories.flatMap(({ name }, index) => {
    const result = results[index];
    return result?.status === 'rejected' ? [{ name, error: result.reason as unknown }] : [];
  });
  const [first] = failed;
  if (first !== undefined && failed.length === repositories.length) throw first.error as Error;
  for (const { name, error } of failed) log.warn(`that WAL is lost could not be recorded in repository ${name}: ${messageOf(error)}`);
}

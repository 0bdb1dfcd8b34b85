import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { syncCommand } from './conditions-backup.ts';
import { AT_ONCE_UNSTEADY, STEADY, UNSTEADY, type Condition } from './condition.ts';
import type { ClusterFacts, Limits, RepositoryFacts, ServerFacts, SlotFacts } from './facts.ts';
import { walLag, type WalLag } from './promise.ts';

type Judgement = Pick<Condition, 'state' | 'what' | 'next'>;

const DEFAULT_SLOT_WAL_BYTES = 1_000_000_000;
const LEAST_WAL_LAG_MS = 60_000;
/** One that keeps up takes seconds for a segment. */
const DEFAULT_ARCHIVE_LAG_MS = 300_000;
/** An idle server writes a little now and then; archiving takes whole segments, and nobody waits for that little. */
const IDLE_BYTES = 64 * 1024;

/** Whether WAL leaves the server: by its archiver, by our receiver, and whether anything keeps it there that nobody reads. */
export function judgeServerWal({ name, server, limits, repositories }: ClusterFacts): readonly Condition[] {
  const common = { ...UNSTEADY, cluster: name, policy: undefined };
  if (server.kind === 'unknown') {
    const blind = { state: 'unknown', what: 'the server does not answer', next: 'see whether it runs' } as const;
    return [
      { ...common, subject: undefined, kind: 'archive-failing', severity: 'failed', ...blind },
      { ...common, subject: undefined, kind: 'wal-not-received', severity: 'failed', ...blind },
      { ...common, subject: undefined, kind: 'slot-abandoned', severity: 'failed', ...blind },
    ];
  }
  const { slots } = server.value;
  const mode = limits.walMode ?? (slots.some(({ isOurs }) => isOurs) ? 'stream' : 'none');
  const abandoned = slots.filter((slot) => isAbandoned(slot, mode, limits));
  return [
    { ...common, subject: undefined, kind: 'archive-failing', severity: 'failed', ...judgeArchiver(server.value, mode, limits, name) },
    ...(mode === 'stream'
      ? [
          {
            ...common,
            subject: undefined,
            kind: 'wal-not-received',
            severity: 'failed',
            ...judgeReceiver(slots, repositories, name),
          } as const,
        ]
      : []),
    // One for all of them: a slot that was dropped could never be seen to be well again.
    { ...common, subject: undefined, kind: 'slot-abandoned', severity: 'failed', ...judgeSlots(abandoned, name) },
  ];
}

function judgeArchiver({ archiver, isStandby, askedAt }: ServerFacts, mode: string, limits: Limits, cluster: string): Judgement {
  const next = `the server log says what archive_command printed; the server keeps all WAL in pg_wal until it succeeds, and stops when that disk is full. Mend it, or try it by hand as the server does: dbadmin wal push --cluster ${cluster} PATH`;
  if (archiver === undefined) {
    if (mode !== 'archive' || isStandby) return { state: 'good', what: 'the server archives nothing itself', next };
    return {
      state: 'bad',
      what: 'wal.mode is archive, and the server archives nothing',
      next: `dbadmin doctor --cluster ${cluster} says what to set`,
    };
  }
  const { archivedAt, failedAt, failedWal, failures, waiting } = archiver;
  const isFailing = failedAt !== undefined && (archivedAt === undefined || failedAt > archivedAt);
  const last = archivedAt === undefined ? 'it never succeeded' : `the last success was at ${archivedAt.toISOString()}`;
  if (isFailing) return { state: 'bad', what: `archive_command fails for ${failedWal ?? 'WAL'}, ${failures} times so far; ${last}`, next };
  // A command that hangs, on a mount that does not answer say, neither fails nor succeeds.
  const waitedMs = waiting?.since === undefined ? 0 : askedAt.getTime() - waiting.since.getTime();
  if (waiting === undefined || waitedMs <= archiveLimitMs(limits)) return { state: 'good', what: 'archive_command succeeds', next };
  const segments = `${waiting.segments} finished ${waiting.segments === 1 ? 'segment waits' : 'segments wait'}`;
  return { state: 'bad', what: `${segments} for archive_command, the oldest for ${formatDuration(waitedMs)}; ${last}`, next };
}

/** For how long a finished segment may wait. */
function archiveLimitMs({ walMode, walLagMs }: Limits): number {
  return walMode === 'archive' && walLagMs !== undefined ? walLagMs : DEFAULT_ARCHIVE_LAG_MS;
}

function judgeReceiver(slots: readonly SlotFacts[], repositories: readonly RepositoryFacts[], cluster: string): Judgement {
  const own = slots.find(({ isOurs }) => isOurs);
  const next = `start dbadmin worker or dbadmin wal receive --cluster ${cluster}, and see why it ended: its log says so`;
  if (own === undefined)
    return { state: 'bad', what: 'nobody receives WAL: there is no slot, and the server may remove WAL before it is stored', next };
  if (own.walStatus === 'lost') {
    return {
      state: 'bad',
      what: `slot ${own.name} is lost: the server removed WAL that was not stored`,
      next: `dbadmin wal receive --cluster ${cluster} makes it anew and records the gap; then, for a new beginning: dbadmin backup run --cluster ${cluster}`,
    };
  }
  if (own.isActive) return { state: 'good', what: `slot ${own.name} is being read`, next };
  // It waits for the repository and comes back by itself; that the repository is full or away is told of already.
  const waitsFor = repositories.find((repository) => !takesWal(repository));
  if (waitsFor !== undefined) return { state: 'unknown', what: `whoever receives WAL may wait for repository ${waitsFor.name}`, next };
  const kept = own.keptBytes === undefined ? '' : `; the server keeps ${formatBytes(own.keptBytes)} for it`;
  return { state: 'bad', what: `nobody receives WAL from slot ${own.name}${kept}`, next };
}

/** Whether what comes in can be stored there. */
function takesWal({ state }: RepositoryFacts): boolean {
  return state.kind === 'known' && state.value.writeProblem === undefined;
}

/** Ours is waited for where WAL is streamed, and {@link judgeReceiver} tells of it; elsewhere it is as abandoned as any. */
function isAbandoned({ isActive, isOurs, keptBytes, walStatus }: SlotFacts, mode: string, limits: Limits): boolean {
  if (isActive || (isOurs && mode === 'stream')) return false;
  if (walStatus === 'unreserved' || walStatus === 'lost') return true;
  return (keptBytes ?? 0) > (limits.slotWalBytes ?? DEFAULT_SLOT_WAL_BYTES);
}

function judgeSlots(abandoned: readonly SlotFacts[], cluster: string): Judgement {
  const drop = abandoned.map(({ name, isOurs }) =>
    isOurs ? `dbadmin wal receive --cluster ${cluster} --drop-slot` : `select pg_drop_replication_slot('${name.replaceAll("'", "''")}');`,
  );
  const next = `start its reader again, or give it up: ${drop.join(' ')}`;
  if (abandoned.length === 0) return { state: 'good', what: 'every replication slot is read, or keeps little', next: 'nothing' };
  const which = abandoned.map(({ name, keptBytes, walStatus }) => {
    const kept = keptBytes === undefined ? '' : `, for which the server keeps ${formatBytes(keptBytes)} of WAL`;
    return `${name}${kept}${walStatus === 'lost' || walStatus === 'unreserved' ? ` (${walStatus})` : ''}`;
  });
  return { state: 'bad', what: `nobody reads replication slot ${which.join('; ')}: that fills the disk of the database`, next };
}

/** Whether the WAL in a repository is whole and near. */
export function judgeStoredWal(repository: RepositoryFacts, cluster: ClusterFacts, now: Date): readonly Condition[] {
  const { limits } = cluster;
  if (limits.dumpsOnly || limits.walMode === 'none') return [];
  const common = { cluster: cluster.name, policy: undefined, subject: repository.name };
  return [
    { ...common, ...STEADY, kind: 'wal-gap', severity: 'failed', ...judgeGap(repository, cluster) },
    { ...common, ...AT_ONCE_UNSTEADY, kind: 'wal-lagging', severity: 'late', ...judgeLag(repository, cluster, now) },
  ];
}

function judgeGap({ name, state }: RepositoryFacts, cluster: ClusterFacts): Judgement {
  const other = cluster.repositories.find((each) => each.name !== name);
  const copied = other === undefined ? '' : `where ${other.name} has that WAL, ${syncCommand(cluster.name, other.name, name)}; else, `;
  const next = `${copied}for a new beginning: dbadmin backup run --cluster ${cluster.name} --repository ${name}`;
  if (state.kind === 'unknown') return { state: 'unknown', what: `repository ${name} cannot be read`, next };
  const { lineage } = state.value;
  if (lineage === undefined || !lineage.isCut)
    return {
      state: 'good',
      what: `the WAL in ${name} has no gap since the newest backup${lostBefore(lineage?.gaps.length ?? 0, cluster.name)}`,
      next,
    };
  const gap = lineage.gaps.at(-1);
  const where = gap === undefined ? '' : ` (${gap.fromLsn} → ${gap.toLsn} on timeline ${gap.timeline}: ${gap.reason})`;
  return { state: 'bad', what: `WAL is missing in ${name} since the newest backup${where}: nothing after it can be restored`, next };
}

/** The next backup ends the alert, and brings nothing back. */
function lostBefore(gaps: number, cluster: string): string {
  if (gaps === 0) return '';
  return `; moments in ${gaps === 1 ? 'the gap' : `the ${gaps} gaps`} before it cannot be restored (dbadmin backup info --cluster ${cluster})`;
}

function judgeLag(repository: RepositoryFacts, { server, limits }: ClusterFacts, now: Date): Judgement {
  const next =
    limits.walMode === 'archive'
      ? 'see whether archive_command keeps up (pg_stat_archiver, the server log), and set archive_timeout below the limit'
      : 'see whether dbadmin wal receive or the worker runs and what slows it: its log, the way to the repository, the load of the machine';
  const lag = walLag(repository, server, now);
  // That nothing can be written is told of by itself.
  if (!takesWal(repository)) return { state: 'unknown', what: `${repository.name} takes no WAL`, next };
  if (lag === undefined) return { state: 'unknown', what: `how far ${repository.name} is behind cannot be told`, next };
  if (limits.walMode === 'archive' && server.kind === 'known')
    return { ...judgeArchived(repository.name, lag, server.value, limits, now), next };
  const behind = describeLag(repository.name, lag);
  const limit = limits.walLagMs ?? (limits.walMode === 'stream' ? Math.max(LEAST_WAL_LAG_MS, 10 * limits.rpoMs) : undefined);
  if (limit === undefined || (lag.spanMs !== undefined && lag.spanMs <= limit)) return { state: 'good', what: behind, next };
  // Of a standby only records tell a time: the last may be of long ago though all but a moment is stored.
  if (server.kind === 'known' && server.value.isStandby && lag.bytes < IDLE_BYTES) return { state: 'good', what: behind, next };
  if (lag.spanMs === undefined)
    return { state: lag.bytes < IDLE_BYTES ? 'good' : 'unknown', what: `${behind}, and nothing tells since when`, next };
  return { state: 'bad', what: `${behind} the server, over the limit of ${formatDuration(limit)}`, next };
}

/**
 * What is archived comes in whole segments. What is in the open one counts against a limit that was set; finished ones have a limit in any case, but
 * for those that wait for archive_command, which is judged by itself: on a server that fills one in a day the next is late at once by its span alone.
 */
export function judgeArchived(
  name: string,
  lag: WalLag,
  { walSegmentBytes, archiver, isStandby }: ServerFacts,
  limits: Limits,
  now: Date,
): Pick<Judgement, 'state' | 'what'> {
  const finished = Math.floor(lag.bytes / walSegmentBytes);
  const waiting = isStandby ? undefined : archiver?.waiting?.segments;
  const missing = waiting === undefined ? Math.max(0, finished - 1) : finished - waiting;
  // Where the segments do not tell their times, the archiver does while everything finished is here.
  const archivedMs =
    finished > 0 || archiver?.archivedAt === undefined ? Infinity : Math.max(0, now.getTime() - archiver.archivedAt.getTime());
  const knownMs = Math.min(lag.spanMs ?? Infinity, archivedMs);
  const spanMs = knownMs === Infinity ? undefined : knownMs;
  const behind = describeLag(name, { bytes: lag.bytes, spanMs });
  const limit = archiveLimitMs(limits);
  const counts = missing > 0 || (limits.walLagMs !== undefined && lag.bytes >= IDLE_BYTES);
  if (!counts || knownMs <= limit) return { state: 'good', what: behind };
  if (spanMs === undefined) return { state: 'unknown', what: `${behind}, and nothing tells since when` };
  const absent =
    missing > 0 && waiting !== undefined ? `: ${missing} archived ${missing === 1 ? 'segment is' : 'segments are'} not there` : '';
  return { state: 'bad', what: `${behind} the server, over the limit of ${formatDuration(limit)}${absent}` };
}

function describeLag(name: string, { bytes, spanMs }: WalLag): string {
  return `${name} is ${formatBytes(bytes)}${spanMs === undefined ? '' : ` and ${formatDuration(spanMs)}`} behind`;
}

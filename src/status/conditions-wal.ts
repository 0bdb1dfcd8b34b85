import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { syncCommand } from './conditions-backup.ts';
import { AT_ONCE_UNSTEADY, STEADY, UNSTEADY, type Condition } from './condition.ts';
import type { ArchiverFacts, ClusterFacts, Limits, RepositoryFacts, SlotFacts } from './facts.ts';
import { walLag } from './promise.ts';

type Judgement = Pick<Condition, 'state' | 'what' | 'next'>;

const DEFAULT_SLOT_WAL_BYTES = 1_000_000_000;
const LEAST_WAL_LAG_MS = 60_000;
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
  const { archiver, slots } = server.value;
  const mode = limits.walMode ?? (slots.some(({ isOurs }) => isOurs) ? 'stream' : 'none');
  const abandoned = slots.filter((slot) => isAbandoned(slot, mode, limits));
  return [
    { ...common, subject: undefined, kind: 'archive-failing', severity: 'failed', ...judgeArchiver(archiver, name) },
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

function judgeArchiver(archiver: ArchiverFacts | undefined, cluster: string): Judgement {
  const next = `the server log says what archive_command printed; the server keeps all WAL in pg_wal until it succeeds, and stops when that disk is full. Mend it, or try it by hand as the server does: dbadmin wal push --cluster ${cluster} PATH`;
  if (archiver === undefined) return { state: 'good', what: 'the server archives nothing itself', next };
  const { archivedAt, failedAt, failedWal, failures } = archiver;
  const isFailing = failedAt !== undefined && (archivedAt === undefined || failedAt > archivedAt);
  if (!isFailing) return { state: 'good', what: 'archive_command succeeds', next };
  const last = archivedAt === undefined ? 'it never succeeded' : `the last success was at ${archivedAt.toISOString()}`;
  return { state: 'bad', what: `archive_command fails for ${failedWal ?? 'WAL'}, ${failures} times so far; ${last}`, next };
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
    return { state: 'good', what: `the WAL in ${name} has no gap since the newest backup`, next };
  const gap = lineage.gaps.at(-1);
  const where = gap === undefined ? '' : ` (${gap.fromLsn} → ${gap.toLsn} on timeline ${gap.timeline}: ${gap.reason})`;
  return { state: 'bad', what: `WAL is missing in ${name} since the newest backup${where}: nothing after it can be restored`, next };
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
  const limit = limits.walLagMs ?? (limits.walMode === 'stream' ? Math.max(LEAST_WAL_LAG_MS, 10 * limits.rpoMs) : undefined);
  const behind = `${repository.name} is ${formatBytes(lag.bytes)}${lag.spanMs === undefined ? '' : ` and ${formatDuration(lag.spanMs)}`} behind`;
  const isIdle = limits.walMode === 'archive' && lag.bytes < IDLE_BYTES;
  if (limit === undefined || isIdle || lag.spanMs === undefined || lag.spanMs <= limit) return { state: 'good', what: behind, next };
  return { state: 'bad', what: `${behind} the server, over the limit of ${formatDuration(limit)}`, next };
}

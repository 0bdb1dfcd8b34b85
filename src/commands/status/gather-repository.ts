import { isThisMachine } from '../../backup/check/keys-inspect.ts';
import { backupTimes, type TimedBackup } from '../../backup/backup-times.ts';
import { readProofs } from '../../backup/drill/record.ts';
import { standingFailure } from '../../backup/drill/standing.ts';
import { dumpsAhead, lastDumps, type DatabaseDumps, type DumpPromise } from '../../backup/dump/last-inspect.ts';
import { describeGap } from '../../backup/gaps.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { inspectRecovery } from '../../backup/recovery-inspect.ts';
import { mayServe } from '../../backup/suspicion.ts';
import { readVerifications } from '../../backup/verify/record.ts';
import { repositoryWal } from '../../backup/wal/status.ts';
import { exposureAt, newestRecovery, recoveryModel } from '../../backup/windows.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { ClusterConfig, RepositoryConfig } from '../../config/config.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { Repository } from '../../repository/repository.ts';
import { storeNow } from '../../repository/store-clock.ts';
import { measureUsage } from '../../repository/usage.ts';
import type { BackupFacts, LineageFacts, RepositoryFacts, RepositoryState } from '../../status/facts.ts';
import type { CommandContext } from '../command.ts';
import { openRepository } from '../open-repository.ts';
import { attempt } from './attempt.ts';
import { readMeasure } from './read-measure.ts';

interface Asked {
  readonly cluster: ClusterConfig;
  /** The server's, or undefined when it does not answer. */
  readonly systemIdentifier: string | undefined;
  readonly everything: boolean;
  readonly dumps: readonly DumpPromise[];
}

/** What one repository holds of a cluster. */
export async function gatherRepository(context: CommandContext, place: RepositoryConfig, asked: Asked): Promise<RepositoryFacts> {
  const state = await attempt(async () => {
    const repository = await openRepository(context, place);
    try {
      return await inspectState(context, place, repository, asked);
    } finally {
      await repository.store.close();
    }
  });
  return {
    name: place.name,
    place: place.type === 'disk' ? place.path : `s3://${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}`,
    isOnHost: place.type === 'disk' && isThisMachine(asked.cluster.connection.hosts),
    state,
  };
}

async function inspectState(
  context: CommandContext,
  place: RepositoryConfig,
  repository: Repository,
  { cluster, systemIdentifier, everything, dumps }: Asked,
): Promise<RepositoryState> {
  const { store, identity } = repository;
  const now = context.clock.now();
  // A bucket does not fill up, and asking it so often costs; a disk does.
  const writeProblem = everything || place.type === 'disk' ? await tryToWrite(repository) : undefined;
  const usage = everything ? await measureUsage(store, now) : undefined;
  return {
    createdAt: new Date(identity.createdAt),
    writeProblem,
    freeBytes: usage === undefined ? await store.freeBytes() : usage.freeBytes,
    usage: usage === undefined ? undefined : { usedBytes: usage.usedBytes, growthBytesPerDay: usage.growthBytesPerDay },
    lineage: await inspectKept(repository, cluster.name, systemIdentifier, dumps, now),
  };
}

async function tryToWrite({ store }: Repository): Promise<RepositoryState['writeProblem']> {
  try {
    await storeNow(store);
    return undefined;
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    return { isFull: error.code === 'storage-full', message: error.message };
  }
}

async function inspectKept(
  repository: Repository,
  name: string,
  systemIdentifier: string | undefined,
  promises: readonly DumpPromise[],
  now: Date,
): Promise<LineageFacts | undefined> {
  try {
    return await inspectLineageFacts(repository, name, systemIdentifier, promises, now);
  } catch (error) {
    if (isDbadminError(error, 'backup-missing')) return undefined;
    throw error;
  }
}

async function inspectLineageFacts(
  repository: Repository,
  name: string,
  systemIdentifier: string | undefined,
  promises: readonly DumpPromise[],
  now: Date,
): Promise<LineageFacts> {
  const contents = await inspectLineage(repository, name, systemIdentifier);
  const id = contents.cluster.systemIdentifier;
  const recovery = await inspectRecovery(repository, contents);
  const model = recoveryModel(recovery);
  const newest = newestRecovery(model);
  const wal = repositoryWal(recovery, undefined, now);
  const proofs = await readProofs(repository, id, now);
  const failed = standingFailure(proofs.own, contents.backups, now);
  const { last: verified, standing } = await readVerifications(repository, id, now);
  const unsound = standing.at(-1);
  const dumps = await lastDumps(repository, id, promises, now);
  const { timed, ahead } = backupTimes(contents.backups, contents.storedAt, now);
  const whole = timed.filter(({ summary }) => mayServe(summary, contents.suspicions));
  const last = timed.at(-1)?.summary;
  const newestFull = whole.findLast(({ summary }) => summary.kind === 'full');
  return {
    systemIdentifier: id,
    timeline: newest?.lineage.timeline ?? 1,
    stretches: (newest?.stretches ?? []).map(({ from, to, toLsn }) => ({ from: new Date(from), to: dateOf(to), toLsn: parseLsn(toLsn) })),
    gaps: model.gaps.map((gap) => ({ timeline: gap.timeline, fromLsn: gap.fromLsn, toLsn: gap.toLsn, reason: describeGap(gap) })),
    isCut: exposureAt(model, recovery, now).reason === 'gap-since-backup',
    storedLsn: wal.storedLsn ?? undefined,
    storedUntil: wal.lagMs === null ? undefined : new Date(now.getTime() - wal.lagMs),
    backups: contents.backups.length,
    ahead: [...ahead.map(({ summary: { label } }) => label), ...(await dumpsAhead(repository, id, now))],
    newest: factsOf(whole.at(-1)),
    newestFull: factsOf(newestFull),
    damaged: last === undefined || last.damage === null ? undefined : { label: last.label, damage: last.damage },
    mismatches: contents.suspicions.open.map(({ audit, pages, emptied, isClusterWrong }) => ({ audit, pages, emptied, isClusterWrong })),
    unjudged: contents.suspicions.unjudged,
    unreadable: contents.damaged.map(({ key }) => key),
    dumps: dumps.map(({ database, last: dump, ageMs }) => ({ database, at: dateOf(dump?.at), limitMs: ageMs })),
    dumpAt: oldestOf(dumps),
    drill:
      proofs.last === undefined
        ? undefined
        : { label: proofs.last.label, verdict: proofs.last.verdict, at: new Date(proofs.last.finishedAt) },
    drillPassedAt: dateOf(proofs.lastPassed?.finishedAt),
    drillFailed:
      failed === undefined ? undefined : { label: failed.label, at: new Date(failed.finishedAt), backup: failed.backup ?? undefined },
    measured: await readMeasure(repository, id, [proofs.lastPassed?.label, proofs.last?.label]),
    verified:
      verified === undefined ? undefined : { at: new Date(verified.finishedAt), isSound: verified.isSound, faults: verified.faults },
    unsound: unsound === undefined ? undefined : { at: new Date(unsound.finishedAt), faults: unsound.faults },
  };
}

function oldestOf(dumps: readonly DatabaseDumps[]): Date | undefined {
  return dateOf(dumps.flatMap(({ last }) => last?.at ?? []).toSorted()[0]);
}

function factsOf(backup: TimedBackup | undefined): BackupFacts | undefined {
  if (backup === undefined) return undefined;
  const { summary, endedAt } = backup;
  const { label, kind, startedAt, finishedAt, startLsn, plainBytes, storedBytes } = summary;
  return {
    label,
    kind,
    startedAt: new Date(endedAt.getTime() - (Date.parse(finishedAt) - Date.parse(startedAt))),
    finishedAt: endedAt,
    startLsn: parseLsn(startLsn),
    plainBytes,
    storedBytes,
  };
}

function dateOf(text: string | null | undefined): Date | undefined {
  return text === undefined || text === null ? undefined : new Date(text);
}

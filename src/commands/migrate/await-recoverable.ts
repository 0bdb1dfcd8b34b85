import { findCluster, inspectLineage, readLineage } from '../../backup/lineage-inspect.ts';
import { pointState, type PointState } from '../../backup/wal/point.ts';
import type { Archiving } from '../../backup/wal/archiving-inspect.ts';
import type { WalDestination } from '../../backup/wal/destination.ts';
import { messageOf } from '../../base/errors.ts';
import type { Archival, RestorePoint } from '../../migrate/restore-point.ts';
import { listBackups } from '../../repository/manifest.ts';
import type { CommandContext } from '../command.ts';
import type { RunRepositories } from './run-repositories.ts';

const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 500;

/**
 * Waits up to ten seconds until every repository that must have the WAL has it up to a restore point. Where nobody takes WAL
 * away, or there is no backup to begin from, waiting would not help and it says so at once. Undefined without a repository.
 */
export async function awaitRecoverable(
  context: CommandContext,
  repositories: RunRepositories,
  point: RestorePoint,
): Promise<Archival | undefined> {
  const destinations = await repositories.destinations();
  if (destinations.length === 0) return undefined;
  const archiving = await repositories.archiving();
  const outcomes = await Promise.all(
    destinations.map(async (destination) => ({
      destination,
      problem: await awaitIn(context, destination, repositories.cluster.name, archiving, point),
    })),
  );
  const lacking = outcomes.filter(({ destination, problem }) => destination.required && problem !== undefined);
  return {
    archived: lacking.length === 0,
    repositories: outcomes.flatMap(({ destination, problem }) => (problem === undefined ? [destination.name] : [])),
    reasons: lacking.map(({ destination, problem }) => `${destination.name}: ${problem ?? ''}`),
  };
}

/** Why the point cannot be restored from one repository, or undefined when it can. */
async function awaitIn(
  { clock, signal }: CommandContext,
  destination: WalDestination,
  name: string,
  archiving: Archiving,
  point: RestorePoint,
): Promise<string | undefined> {
  const untilMs = clock.now().getTime() + (destination.required ? WAIT_MS : 0);
  const isTaken = archiving.isReceiving || archiving.isArchiving;
  try {
    const repository = await destination.open();
    const { systemIdentifier } = await findCluster(repository, name, archiving.systemIdentifier);
    if ((await listBackups(repository, systemIdentifier)).length === 0) return NO_BACKUP;
    for (;;) {
      const contents = await inspectLineage(repository, name, systemIdentifier);
      const state = pointState(contents, await readLineage(contents, point.timeline), point.lsn);
      if (state.kind === 'recoverable') return undefined;
      if (state.kind === 'no-backup' || !isTaken || clock.now().getTime() >= untilMs) return describe(state, isTaken, point);
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

const NO_BACKUP = 'it has no backup to begin from (dbadmin backup run)';

function describe(state: Exclude<PointState, { kind: 'recoverable' }>, isTaken: boolean, { lsn }: RestorePoint): string {
  if (state.kind === 'no-backup') return NO_BACKUP;
  const stored = state.reachedLsn === null ? 'it has no WAL of this timeline' : `its WAL ends at ${state.reachedLsn}, before ${lsn}`;
  return isTaken ? stored : `${stored}, and nobody takes WAL there (dbadmin wal receive)`;
}

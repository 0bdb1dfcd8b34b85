import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { readSlot } from '../../postgres/replication-slots.ts';
import type { NamedRepository } from '../take/destination.ts';
import { inspectLineage } from '../lineage-inspect.ts';
import { mayServe } from '../suspicion.ts';
import { RESTORED_AS } from '../restore/clone-settings.ts';
import { newestTimeline } from '../restore/wal-source.ts';

/** A cluster that may have been restored, as it runs now. */
export interface RunningCluster {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Its timeline's history file; undefined on timeline 1. */
  readonly history: Buffer | undefined;
  readonly isStandby: boolean;
  readonly hasSlot: boolean;
  /** What it archives with, as its settings say; undefined when an ordinary connection was refused. */
  readonly archiving: { readonly mode: string; readonly command: string } | undefined;
  readonly synchronousStandbys: string | undefined;
  /** Whether its settings are still those of a clone. */
  readonly isClone?: boolean;
}

/** What one repository has of it. */
export interface KnownLineage {
  readonly name: string;
  readonly newestTimeline: number;
  readonly history: 'absent' | 'same' | 'different';
  /** Label of a backup that is neither damaged nor known to be wrong, on the cluster's timeline. */
  readonly backup: string | undefined;
}

/**
 * Looks at the running cluster. Whether it is in recovery is asked over the replication connection, the one that is always there:
 * after a restore the passwords of ordinary ones may be those of the past.
 *
 * @throws {DbadminError} what connecting throws.
 */
export async function inspectRunning(
  replication: ConnectionParameters,
  ordinary: ConnectionParameters,
  slot: string,
): Promise<RunningCluster> {
  const connection = await ReplicationConnection.open(replication, { applicationName: 'dbadmin adopt' });
  try {
    // First: of a promotion in between, the timeline is the new one.
    const isStandby = (await connection.show('in_hot_standby')) === 'on';
    const { systemIdentifier, timeline } = await connection.identifySystem();
    const history = timeline === 1 ? undefined : Buffer.from((await connection.timelineHistory(timeline)).content);
    const hasSlot = (await readSlot(connection, slot)) !== undefined;
    return { systemIdentifier, timeline, history, isStandby, hasSlot, ...(await inspectSettings(ordinary)) };
  } finally {
    await connection.close();
  }
}

async function inspectSettings(
  ordinary: ConnectionParameters,
): Promise<Pick<RunningCluster, 'archiving' | 'synchronousStandbys' | 'isClone'>> {
  const sql = await openClient(ordinary, { applicationName: 'dbadmin adopt' }).catch(() => undefined);
  if (sql === undefined) return { archiving: undefined, synchronousStandbys: undefined };
  try {
    const [row] = await sql<{ mode: string; command: string | null; waits: string; restored_as: string | null }[]>`
      select current_setting('archive_mode') as mode,
        (select setting from pg_settings where name = 'archive_command') as command,
        current_setting('synchronous_standby_names') as waits, current_setting(${RESTORED_AS}, true) as restored_as`;
    return {
      archiving: { mode: row?.mode ?? '', command: row?.command ?? '' },
      synchronousStandbys: row?.waits ?? '',
      isClone: row?.restored_as === 'clone',
    };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Whether an error of {@link inspectKnown} says that there is nothing of the cluster. */
export function isUnknown(error: unknown): error is DbadminError {
  return isDbadminError(error, 'refused') && isDbadminError(error.cause, 'backup-missing');
}

/**
 * What the repository has of the running cluster.
 *
 * @throws {DbadminError} `refused` when it has nothing of it: then there is nothing to go on with.
 */
export async function inspectKnown(
  { name, repository }: NamedRepository,
  clusterName: string,
  running: RunningCluster,
): Promise<KnownLineage> {
  const { systemIdentifier, timeline } = running;
  try {
    const contents = await inspectLineage(repository, clusterName, systemIdentifier);
    const stored = timeline === 1 ? undefined : await contents.archive.readHistory(timeline);
    return {
      name,
      newestTimeline: newestTimeline(
        contents.coverage,
        contents.backups.map(({ stopTimeline }) => stopTimeline),
      ),
      history:
        stored === undefined
          ? timeline === 1
            ? 'same'
            : 'absent'
          : stored.equals(running.history ?? Buffer.alloc(0))
            ? 'same'
            : 'different',
      backup: contents.backups.findLast((backup) => backup.stopTimeline === timeline && mayServe(backup, contents.suspicions))?.label,
    };
  } catch (error) {
    if (!(error instanceof DbadminError) || error.code !== 'backup-missing') throw error;
    throw new DbadminError('refused', `repository ${name} knows nothing of this cluster`, {
      detail: `It runs with system identifier ${systemIdentifier}.`,
      hint: 'There is nothing to adopt: begin with dbadmin backup run.',
      cause: error,
    });
  }
}

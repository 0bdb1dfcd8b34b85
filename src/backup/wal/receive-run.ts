import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { ensureClusterIdentity } from '../../repository/identity.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import type { Repository } from '../../repository/repository.ts';
import { inspectSource } from '../source-inspect.ts';
import { receiveWal, type ReceiveEnd } from './receive.ts';

export interface ReceiverOptions {
  readonly parameters: ConnectionParameters;
  readonly repositories: readonly Repository[];
  readonly clusterName: string;
  readonly slot: string;
  readonly rpoMs: number;
  readonly allowSynchronous: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onStored?: (lsn: bigint, timeline: number) => void;
}

const DUPLICATE_OBJECT = '42710';
const APPLICATION = 'dbadmin wal receive';
/** What was right when reception began may come back: a disk mounted again, room made. The slot keeps the WAL meanwhile. */
const STORAGE_AWAY: ReadonlySet<string> = new Set(['repository-missing', 'storage-full', 'storage-denied', 'storage-read-only']);
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 30_000;

/**
 * Receives WAL until the signal, through restarts of the server and failures that can pass, waiting longer each time.
 *
 * @throws {DbadminError} what will not pass by itself: privileges, a slot in use or lost, other WAL under the same name.
 */
export async function runReceiver(options: ReceiverOptions): Promise<ReceiveEnd> {
  let waitMs = RETRY_FIRST_MS;
  let hasStored = false;
  const onStored: ReceiverOptions['onStored'] = (lsn, timeline) => {
    waitMs = RETRY_FIRST_MS;
    hasStored = true;
    options.onStored?.(lsn, timeline);
  };
  for (;;) {
    try {
      const end = await receiveOnce({ ...options, onStored });
      if (end.kind !== 'server-shutdown') return end;
      options.log.info(`the server shut down; everything up to ${formatLsn(end.storedLsn)} is stored`);
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason as Error;
      if (!isDbadminError(error) || error.code === 'locked') throw error;
      if (!error.retryable && !(hasStored && STORAGE_AWAY.has(error.code))) throw error;
      options.log.warn(
        `${error.message}; trying again in ${Math.round(waitMs / 100) / 10} s${error.detail === undefined ? '' : `\n  detail: ${error.detail}`}`,
      );
    }
    await options.clock.sleep(waitMs * (0.8 + 0.4 * options.random()), options.signal);
    waitMs = Math.min(RETRY_MOST_MS, waitMs * 2);
  }
}

async function receiveOnce(options: ReceiverOptions): Promise<ReceiveEnd> {
  const connection = await ReplicationConnection.open(options.parameters, { applicationName: APPLICATION, signal: options.signal });
  try {
    const source = await inspectSource(connection);
    if (!options.allowSynchronous) await refuseSynchronous(connection);
    for (const repository of options.repositories) await ensureClusterIdentity(repository, { ...source, name: options.clusterName });
    const archives = options.repositories.map((repository) => new WalArchive(repository, source.systemIdentifier, source.walSegmentBytes));
    const position = await slotPosition(connection, options);
    const startLsn = position.restartLsn - (position.restartLsn % BigInt(source.walSegmentBytes));
    options.log.info(`receiving from ${formatLsn(startLsn)} on timeline ${position.restartTimeline}, slot ${options.slot}`);
    return await receiveWal({
      connection,
      archives,
      slot: options.slot,
      startLsn,
      timeline: position.restartTimeline,
      partEveryMs: options.rpoMs,
      clock: options.clock,
      log: options.log,
      signal: options.signal,
      ...(options.onStored === undefined ? {} : { onStored: options.onStored }),
    });
  } finally {
    await connection.close();
  }
}

async function slotPosition(
  connection: ReplicationConnection,
  options: ReceiverOptions,
): Promise<{ readonly restartLsn: bigint; readonly restartTimeline: number }> {
  const present = await connection.readSlot(options.slot);
  if (present !== undefined) return present;
  await makeSlot(connection, options.slot);
  options.log.info(`slot ${options.slot} made: the server now keeps WAL until it is stored`);
  const made = await connection.readSlot(options.slot);
  if (made !== undefined) return made;
  throw new DbadminError('query-failed', `replication slot ${options.slot} holds no WAL`, {
    hint: 'Drop it with dbadmin wal receive --drop-slot and start again.',
  });
}

async function makeSlot(connection: ReplicationConnection, slot: string): Promise<void> {
  try {
    await connection.createPhysicalSlot(slot, { reserveWal: true });
  } catch (error) {
    if (!(error instanceof DbadminError) || systemCodeOf(error.cause) !== DUPLICATE_OBJECT) throw error;
    // It is there and holds no position: the server gave up its WAL.
    throw new DbadminError('wal-missing', `replication slot ${slot} is lost: the server removed WAL that was not stored`, {
      detail: 'No moment after the last stored WAL and before the next backup can be restored.',
      hint: 'dbadmin wal receive --drop-slot, then dbadmin wal receive and dbadmin backup run.',
      cause: error,
    });
  }
}

/** A receiver that reports flush would count as a synchronous standby, and commits would wait for the repository. */
async function refuseSynchronous(connection: ReplicationConnection): Promise<void> {
  const names = await connection.show('synchronous_standby_names');
  if (!names.includes('*') && !names.includes(APPLICATION)) return;
  throw new DbadminError('refused', 'the server would take this receiver for a synchronous standby', {
    detail: `synchronous_standby_names is "${names}": commits would wait for the repository.`,
    hint: 'Name the real standbys there, or accept it with --allow-synchronous.',
  });
}

import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, messageOf, type ErrorCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { ensureSameSegments, readIdentity } from '../../repository/identity.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import type { Repository } from '../../repository/repository.ts';
import type { WalDestination } from './destination.ts';
import { FlushedInspection } from './flushed-inspect.ts';
import { findResumePoint, type ResumeOptions, type SlotDoubt } from './resume-inspect.ts';
import { inspectSource } from '../source-inspect.ts';
import { receiveWal, type ReceiveEnd } from './receive.ts';

export interface ReceiverOptions {
  readonly parameters: ConnectionParameters;
  readonly destinations: readonly WalDestination[];
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

const APPLICATION = 'dbadmin wal receive';
/** What was right when reception began may come back: a disk mounted again, room made. The slot keeps the WAL meanwhile. */
const STORAGE_AWAY: ReadonlySet<string> = new Set(['repository-missing', 'storage-full', 'storage-denied', 'storage-read-only']);
/** What the server may refuse though its slot promises it. */
const DOUBTS: Partial<Record<ErrorCode, SlotDoubt>> = { 'wal-missing': 'wal', 'slot-invalidated': 'slot' };
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 30_000;

/**
 * Receives WAL until the signal, through restarts of the server and failures that can pass, waiting longer each time.
 *
 * @throws {DbadminError} what will not pass by itself: privileges, a slot in use, other WAL under the same name.
 */
export async function runReceiver(options: ReceiverOptions): Promise<ReceiveEnd> {
  let waitMs = RETRY_FIRST_MS;
  let hasStored = false;
  let doubt: SlotDoubt = 'none';
  const onStored: ReceiverOptions['onStored'] = (lsn, timeline) => {
    waitMs = RETRY_FIRST_MS;
    hasStored = true;
    doubt = 'none';
    options.onStored?.(lsn, timeline);
  };
  for (;;) {
    try {
      const end = await receiveOnce({ ...options, onStored }, doubt);
      doubt = 'none';
      if (end.kind !== 'server-shutdown') return end;
      options.log.info(`the server shut down; everything up to ${formatLsn(end.storedLsn)} is stored`);
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason as Error;
      if (!isDbadminError(error) || error.code === 'locked') throw error;
      // The server took back what its slot promised. Once: then what is left of it is looked for, and the gap recorded.
      const lost: SlotDoubt = DOUBTS[error.code] ?? 'none';
      const isLost: boolean = lost !== 'none' && lost !== doubt;
      if (!error.retryable && !isLost && !(hasStored && STORAGE_AWAY.has(error.code))) throw error;
      doubt = isLost ? lost : 'none';
      options.log.warn(
        `${error.message}; trying again in ${Math.round(waitMs / 100) / 10} s${error.detail === undefined ? '' : `\n  detail: ${error.detail}`}`,
      );
    }
    await options.clock.sleep(waitMs * (0.8 + 0.4 * options.random()), options.signal);
    waitMs = Math.min(RETRY_MOST_MS, waitMs * 2);
  }
}

async function receiveOnce(options: ReceiverOptions, doubt: SlotDoubt): Promise<ReceiveEnd> {
  const connection = await ReplicationConnection.open(options.parameters, { applicationName: APPLICATION, signal: options.signal });
  let flushed: FlushedInspection | undefined;
  try {
    const source = await inspectSource(connection);
    const inspection = new FlushedInspection(connection, source.systemIdentifier, options.clock, options.log);
    flushed = inspection;
    if (!options.allowSynchronous) await refuseSynchronous(connection);
    const begin = async (repository: Repository): Promise<WalArchive> => {
      await ensureSameSegments(repository, { ...source, name: options.clusterName });
      return new WalArchive(repository, source.systemIdentifier, source.walSegmentBytes);
    };
    const repositories = await openThose(options, begin);
    const { timeline, lsn } = await findResumePoint({ ...options, connection, source, repositories, doubt });
    options.log.info(`receiving from ${formatLsn(lsn)} on timeline ${timeline}, slot ${options.slot}`);
    return await receiveWal({
      connection,
      archives: [],
      lanes: options.destinations.map(({ name, required, open, reopen = open }) => ({
        name,
        required,
        open: async () => await begin(await open()),
        reopen: async () => await begin(await reopen()),
      })),
      segmentBytes: source.walSegmentBytes,
      slot: options.slot,
      startLsn: lsn,
      timeline,
      partEveryMs: options.rpoMs,
      flushedLsn: async (on) => await inspection.flushedLsn(on),
      clock: options.clock,
      log: options.log,
      signal: options.signal,
      ...(options.onStored === undefined ? {} : { onStored: options.onStored }),
    });
  } finally {
    await flushed?.close();
    await connection.close();
  }
}

/** The repositories that answer and take the cluster. @throws what the first one said, when none does. */
async function openThose(
  { destinations, log }: ReceiverOptions,
  begin: (repository: Repository) => Promise<unknown>,
): Promise<ResumeOptions['repositories']> {
  const opened: ResumeOptions['repositories'][number][] = [];
  let failure: unknown;
  for (const { name, required, open, reopen = open } of destinations) {
    try {
      const repository = await reopen();
      await readIdentity(repository.store);
      await begin(repository);
      opened.push({ name, repository, required });
    } catch (error) {
      failure ??= error;
      log.warn(`repository ${name} cannot be used: ${messageOf(error)}`);
    }
  }
  if (opened.length === 0 && failure !== undefined) throw failure as Error;
  return opened;
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

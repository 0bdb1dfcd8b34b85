import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Source } from '../source-inspect.ts';
import { receiveWal } from '../wal/receive.ts';
import { WatchedArchive } from './watched-archive.ts';

const PART_EVERY_MS = 1000;
const STALLED_AFTER_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** The WAL of a backup, received on a connection of its own while the backup runs. */
export interface WalAlongside {
  /** Starts receiving, once the backup's start is known. */
  begin(startLsn: bigint, timeline: number): Promise<void>;
  /** Resolves when everything up to `stopLsn` is stored. */
  finish(stopLsn: bigint, signal: AbortSignal): Promise<void>;
  /** Stops receiving and closes the connection; the temporary slot goes with it. */
  close(): Promise<void>;
}

export interface AlongsideOptions {
  readonly parameters: ConnectionParameters;
  /** What the repository is called, for messages. */
  readonly name: string;
  readonly repository: Repository;
  readonly source: Source;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the server may take to send WAL that it has already flushed; 60,000 unless given. */
  readonly stalledAfterMs?: number;
}

/**
 * Makes a temporary slot, so that the server keeps the WAL from now on, and hands out the means to receive it.
 *
 * A backup brings its own WAL even where `wal receive` runs: it may be behind or about to fail, and a backup that is
 * restorable by itself must not depend on it. What both receive is stored once.
 */
export async function receiveAlongside(options: AlongsideOptions): Promise<WalAlongside> {
  const { name, repository, source, clock, log, stalledAfterMs = STALLED_AFTER_MS } = options;
  const archive = new WatchedArchive(repository, source.systemIdentifier, source.walSegmentBytes);
  let hold = await holdWal(options.parameters);
  const stop = new AbortController();
  const state: { until: bigint | undefined; storedLsn: bigint; reception: Promise<unknown>; failure: unknown } = {
    until: undefined,
    storedLsn: 0n,
    reception: Promise.resolve(),
    failure: undefined,
  };
  const receive = async (startLsn: bigint, timeline: number): Promise<void> => {
    hold = await renewed(hold, options);
    await receiveWal({
      ...hold,
      archives: [archive],
      startLsn: startLsn - (startLsn % BigInt(archive.segmentBytes)),
      timeline,
      partEveryMs: PART_EVERY_MS,
      clock,
      log,
      signal: stop.signal,
      onStored: (lsn) => (state.storedLsn = lsn),
      until: () => state.until,
    });
  };
  return {
    begin: async (startLsn, timeline) => {
      state.reception = receive(startLsn, timeline).catch((error: unknown) => (state.failure = error));
      await Promise.resolve();
    },
    finish: async (stopLsn, signal) => {
      state.until = stopLsn;
      // Looks are counted and not the clock read: a process that was stopped, or a machine that slept, has not waited.
      const waited = { lsn: state.storedLsn, serverMs: 0, storageMs: 0 };
      while (state.storedLsn < stopLsn) {
        if (state.failure !== undefined) throw state.failure as Error;
        if (waited.serverMs > stalledAfterMs) throw stalled(options, stopLsn, state.storedLsn);
        await clock.sleep(LOOK_EVERY_MS, signal);
        if (state.storedLsn !== waited.lsn) Object.assign(waited, { lsn: state.storedLsn, serverMs: 0, storageMs: 0 });
        // The storage has its own retries, and their end is a failure of its own: nothing that was read is given up before.
        else if (archive.isAtWork) waited.storageMs += LOOK_EVERY_MS;
        else waited.serverMs += LOOK_EVERY_MS;
        if (waited.storageMs <= stalledAfterMs) continue;
        log.warn(
          `repository ${name} has taken more than ${formatDuration(stalledAfterMs)} to store a piece of the WAL: the backup waits for it, and the server keeps the WAL`,
        );
        waited.storageMs = 0;
      }
    },
    close: async () => {
      stop.abort();
      await state.reception.catch(() => undefined);
      await hold.connection.close();
    },
  };
}

/** A temporary slot, and the connection that it goes with. */
interface WalHold {
  readonly connection: ReplicationConnection;
  readonly slot: string;
}

async function holdWal(parameters: ConnectionParameters): Promise<WalHold> {
  const connection = await ReplicationConnection.open(parameters, { applicationName: 'dbadmin backup wal' });
  const slot = `dbadmin_backup_${randomBytes(6).toString('hex')}`;
  try {
    await connection.createPhysicalSlot(slot, { reserveWal: true, temporary: true });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return { connection, slot };
}

/**
 * The hold, or another when the server has ended it: nothing was received while the backup waited for its checkpoint, and with
 * idle_replication_slot_timeout a checkpoint ends the connection of a slot that was idle for longer. A slot made right after that
 * checkpoint holds the WAL from where the backup starts.
 */
async function renewed(hold: WalHold, { parameters, log }: AlongsideOptions): Promise<WalHold> {
  try {
    await hold.connection.identifySystem();
    return hold;
  } catch (error) {
    log.debug(`the connection for the WAL of the backup is gone, and is made anew: ${messageOf(error)}`);
    await hold.connection.close();
    return await holdWal(parameters);
  }
}

function stalled({ name, stalledAfterMs = STALLED_AFTER_MS }: AlongsideOptions, stopLsn: bigint, storedLsn: bigint): DbadminError {
  return new DbadminError('backup-failed', `the server sent no WAL for ${formatDuration(stalledAfterMs)}`, {
    detail: `The backup ends at ${formatLsn(stopLsn)}. Its WAL has come to ${formatLsn(storedLsn)}, and repository ${name} owes nothing of it.`,
  });
}

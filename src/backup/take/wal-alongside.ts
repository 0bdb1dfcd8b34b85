import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import type { Source } from '../source-inspect.ts';
import { receiveWal } from '../wal/receive.ts';

const PART_EVERY_MS = 1000;
/** How long the server may take to send WAL that it has already flushed. */
const STALLED_AFTER_MS = 60_000;

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
  readonly repository: Repository;
  readonly source: Source;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Makes a temporary slot, so that the server keeps the WAL from now on, and hands out the means to receive it.
 *
 * A backup brings its own WAL even where `wal receive` runs: it may be behind or about to fail, and a backup that is
 * restorable by itself must not depend on it. What both receive is stored once.
 */
export async function receiveAlongside(options: AlongsideOptions): Promise<WalAlongside> {
  const { repository, source, clock, log } = options;
  const archive = new WalArchive(repository, source.systemIdentifier, source.walSegmentBytes);
  const connection = await ReplicationConnection.open(options.parameters, { applicationName: 'dbadmin backup wal' });
  const slot = `dbadmin_backup_${randomBytes(6).toString('hex')}`;
  const stop = new AbortController();
  const state: { until: bigint | undefined; storedLsn: bigint; reception: Promise<unknown>; failure: unknown } = {
    until: undefined,
    storedLsn: 0n,
    reception: Promise.resolve(),
    failure: undefined,
  };
  try {
    await connection.createPhysicalSlot(slot, { reserveWal: true, temporary: true });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return {
    begin: async (startLsn, timeline) => {
      const segmentStart = startLsn - (startLsn % BigInt(archive.segmentBytes));
      state.reception = receiveWal({
        connection,
        archives: [archive],
        slot,
        startLsn: segmentStart,
        timeline,
        partEveryMs: PART_EVERY_MS,
        clock,
        log,
        signal: stop.signal,
        onStored: (lsn) => (state.storedLsn = lsn),
        until: () => state.until,
      }).catch((error: unknown) => (state.failure = error));
      await Promise.resolve();
    },
    finish: async (stopLsn, signal) => {
      state.until = stopLsn;
      let seen = { lsn: state.storedLsn, at: clock.now().getTime() };
      while (state.storedLsn < stopLsn) {
        if (state.failure !== undefined) throw state.failure as Error;
        if (state.storedLsn !== seen.lsn) seen = { lsn: state.storedLsn, at: clock.now().getTime() };
        if (clock.now().getTime() - seen.at > STALLED_AFTER_MS) {
          throw new DbadminError('backup-failed', `the server sent no WAL for ${STALLED_AFTER_MS / 1000} s`, {
            detail: `The backup ends at ${formatLsn(stopLsn)} and its WAL has come to ${formatLsn(state.storedLsn)}.`,
          });
        }
        await clock.sleep(50, signal);
      }
    },
    close: async () => {
      stop.abort();
      await state.reception.catch(() => undefined);
      await connection.close();
    },
  };
}

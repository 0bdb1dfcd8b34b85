import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Source } from '../source-inspect.ts';
import { holdWal } from './wal-hold.ts';
import { WalReception } from './wal-reception.ts';
import { WatchedArchive } from './watched-archive.ts';

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
  /** Called once when no WAL will come any more: the backup cannot be had. What {@link WalAlongside.finish} throws, too. */
  readonly onLost?: (error: Error) => void;
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
  const { name, repository, source, clock, log, onLost, stalledAfterMs = STALLED_AFTER_MS } = options;
  const archive = new WatchedArchive(repository, source.systemIdentifier, source.walSegmentBytes);
  const state: { until: bigint | undefined; failure: Error | undefined } = { until: undefined, failure: undefined };
  const reception = new WalReception({ ...options, archive, until: () => state.until }, await holdWal(options.parameters));
  return {
    begin: async (startLsn, timeline) => {
      void reception.run({ lsn: startLsn, timeline }).catch((error: unknown) => {
        state.failure = error instanceof Error ? error : new Error(String(error));
        onLost?.(state.failure);
      });
      await Promise.resolve();
    },
    finish: async (stopLsn, signal) => {
      state.until = stopLsn;
      // Looks are counted and not the clock read: a process that was stopped, or a machine that slept, has not waited.
      const waited = { reports: reception.reports, serverMs: 0, storageMs: 0 };
      while (reception.storedLsn < stopLsn) {
        if (state.failure !== undefined) throw state.failure;
        if (waited.serverMs > stalledAfterMs) throw reception.outage ?? stalled(options, stopLsn, reception.storedLsn);
        await clock.sleep(LOOK_EVERY_MS, signal);
        const { reports } = reception;
        if (reports !== waited.reports) Object.assign(waited, { reports, serverMs: 0, storageMs: 0 });
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
    close: async () => await reception.close(),
  };
}

function stalled({ name, stalledAfterMs = STALLED_AFTER_MS }: AlongsideOptions, stopLsn: bigint, storedLsn: bigint): DbadminError {
  return new DbadminError('backup-failed', `the server sent no WAL for ${formatDuration(stalledAfterMs)}`, {
    detail: `The backup ends at ${formatLsn(stopLsn)}. Its WAL has come to ${formatLsn(storedLsn)}, and repository ${name} owes nothing of it.`,
  });
}

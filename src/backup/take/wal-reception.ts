import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, messageOf, reasonOf, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { Source } from '../source-inspect.ts';
import { receiveWal } from '../wal/receive.ts';
import { checkGoesOn, holdWal, type WalHold } from './wal-hold.ts';

const PART_EVERY_MS = 1000;
/** Short, and never long: nothing holds the WAL of the backup meanwhile, and the next checkpoint may remove it. */
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 5000;
/** A server that does not answer a goodbye is left without one. */
const GOODBYE_MOST_MS = 2000;

export interface WalReceptionOptions {
  readonly parameters: ConnectionParameters;
  /** What the repository is called, for messages. */
  readonly name: string;
  readonly archive: WalArchive;
  readonly source: Source;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the reception once everything before this position is stored; asked again and again. */
  readonly until: () => bigint | undefined;
}

/** A position in the WAL, and the timeline that it is on. */
interface Position {
  readonly lsn: bigint;
  readonly timeline: number;
}

/**
 * Receives the WAL of a backup for one repository, on connections that may be lost: the next one begins at the segment that
 * holds what is stored so far. A lost connection takes its temporary slot with it. Whether the server still has that WAL then is
 * for the checkpoints of the moment and for wal_keep_size to say; a slot that outlives its connection would outlive a backup that is
 * killed, too, and fill the server's disk.
 */
export class WalReception {
  readonly #options: WalReceptionOptions;
  readonly #stop = new AbortController();
  #hold: WalHold | undefined;
  #stored: Position | undefined;
  #reports = 0;
  #outage: DbadminError | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: WalReceptionOptions, hold: WalHold) {
    this.#options = options;
    this.#hold = hold;
  }

  /** Everything from where the reception began up to here is stored; 0 before anything is. */
  get storedLsn(): bigint {
    return this.#stored?.lsn ?? 0n;
  }

  /** Counts what was stored, WAL that came again after an outage included. */
  get reports(): number {
    return this.#reports;
  }

  /** Why nothing is received at the moment, if so. */
  get outage(): DbadminError | undefined {
    return this.#outage;
  }

  /**
   * Receives from the segment that holds `from`. Resolves when `until` is reached or the reception closed.
   *
   * @throws {DbadminError} what no other attempt will mend: `wal-missing`, `credentials-wrong`, `privilege-missing`, storage failures.
   */
  async run(from: Position): Promise<void> {
    this.#running = this.#receiveOn(from);
    await this.#running;
  }

  /** Stops receiving and closes the connection. */
  async close(): Promise<void> {
    this.#stop.abort(new DbadminError('interrupted', 'the reception of the WAL was ended'));
    const gone = new AbortController();
    const giveUp = this.#options.clock.sleep(GOODBYE_MOST_MS, gone.signal).then(
      () => this.#hold?.connection.destroy(new DbadminError('connection-failed', 'the server did not answer when the backup had ended')),
      () => undefined,
    );
    await this.#running.catch(() => undefined);
    gone.abort();
    await giveUp;
    await this.#letGo();
  }

  async #receiveOn(from: Position): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    let waitMs = RETRY_FIRST_MS;
    for (let isFirst = true; ; isFirst = false) {
      const reports = this.#reports;
      try {
        const hold = isFirst ? await this.#renewed() : await this.#held();
        await this.#receive(hold, this.#stored ?? from);
        return;
      } catch (error) {
        // The server is to keep nothing for a reception that has ended.
        await this.#letGo();
        if (signal.aborted) return;
        if (!canPass(error)) throw error;
        if (this.#reports > reports) waitMs = RETRY_FIRST_MS;
        this.#noteOutage(error);
      }
      await clock.sleep(waitMs, signal).catch(() => undefined);
      if (isAborted(signal)) return;
      waitMs = Math.min(RETRY_MOST_MS, waitMs * 2);
    }
  }

  async #receive(hold: WalHold, { lsn, timeline }: Position): Promise<void> {
    const { archive, source, clock, log, until } = this.#options;
    await checkGoesOn(hold, source.systemIdentifier, lsn);
    const { kind } = await receiveWal({
      ...hold,
      archives: [archive],
      startLsn: lsn - (lsn % BigInt(archive.segmentBytes)),
      timeline,
      holdsFromStart: true,
      partEveryMs: PART_EVERY_MS,
      clock,
      log,
      signal: this.#stop.signal,
      onStored: (stored, on) => this.#noteStored({ lsn: stored, timeline: on }),
      until,
    });
    if (kind === 'server-shutdown') throw new DbadminError('connection-failed', 'the server shut down');
  }

  /**
   * The hold, or another when the server has ended it: nothing was received while the backup waited for its checkpoint, and with
   * idle_replication_slot_timeout a checkpoint ends the connection of a slot that was idle for longer. A slot made right after that
   * checkpoint holds the WAL from where the backup starts.
   */
  async #renewed(): Promise<WalHold> {
    try {
      const hold = await this.#held();
      await hold.connection.identifySystem();
      return hold;
    } catch (error) {
      if (this.#stop.signal.aborted) throw error;
      this.#options.log.debug(`the connection for the WAL of the backup is gone, and is made anew: ${messageOf(error)}`);
      await this.#letGo();
      return await this.#held();
    }
  }

  async #held(): Promise<WalHold> {
    this.#hold ??= await holdWal(this.#options.parameters, this.#stop.signal);
    return this.#hold;
  }

  async #letGo(): Promise<void> {
    await this.#hold?.connection.close();
    this.#hold = undefined;
  }

  /** After an outage the WAL of one segment comes again: what is stored already stays the position. */
  #noteStored(position: Position): void {
    const { log, name } = this.#options;
    this.#reports += 1;
    if (position.lsn > this.storedLsn) this.#stored = position;
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    log.info(`the WAL of the backup is received for ${name} again, and has come to ${formatLsn(this.storedLsn)}`);
  }

  #noteOutage(error: DbadminError): void {
    const { log, name } = this.#options;
    const text = reasonOf(error);
    if (this.#outage !== undefined) log.debug(`the WAL of the backup is not received yet: ${text}`);
    else log.warn(`the WAL of the backup for ${name} does not come any more: ${text}; the backup goes on, and the connection is made anew`);
    this.#outage = error;
  }
}

/** Asked behind a wait: what the compiler knows of the signal from before it is old. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/**
 * Whether another attempt may go well: nobody answers, the server ended the connection, or it has no slot or connection free, which
 * the lost connection itself may hold until the server has noticed.
 */
function canPass(error: unknown): error is DbadminError {
  if (!isDbadminError(error)) return false;
  return error.code === 'connection-failed' || /^(08|53|57P)/.test(systemCodeOf(error.cause) ?? '');
}

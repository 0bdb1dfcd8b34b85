import type { Clock } from '../../base/clock.ts';
import { DbadminError, messageOf, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { Source } from '../source-inspect.ts';
import { receiveWal } from '../wal/receive.ts';
import { checkGoesOn, type Position, type WalHold } from './wal-hold.ts';
import { canPass, WalHolder } from './wal-holder.ts';

const PART_EVERY_MS = 1000;
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

/**
 * Receives the WAL of a backup for one repository, on connections that may be lost: the next one begins at the segment that
 * holds what is stored so far. A lost connection takes its temporary slot with it, and another is made at once, also while what was
 * received before still waits for the storage. Whether the server still has that WAL then is for the checkpoints of the moment and
 * for wal_keep_size to say; a slot that outlives its connection would outlive a backup that is killed, too, and fill the server's disk.
 */
export class WalReception {
  readonly #options: WalReceptionOptions;
  readonly #stop = new AbortController();
  readonly #holder: WalHolder;
  #from: Position | undefined;
  #stored: Position | undefined;
  #reports = 0;
  #outage: DbadminError | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: WalReceptionOptions, hold: WalHold) {
    const { parameters, clock } = options;
    this.#options = options;
    this.#holder = new WalHolder({ parameters, clock, wanted: () => this.#wanted(), onOutage: (error) => this.#noteOutage(error) }, hold);
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
    this.#from = from;
    this.#running = this.#receiveOn(from);
    await this.#running;
  }

  /** Stops receiving and closes the connection. */
  async close(): Promise<void> {
    const reason = new DbadminError('interrupted', 'the reception of the WAL was ended');
    this.#stop.abort(reason);
    this.#holder.stop(reason);
    const gone = new AbortController();
    const giveUp = this.#options.clock.sleep(GOODBYE_MOST_MS, gone.signal).then(
      () => this.#holder.destroy(new DbadminError('connection-failed', 'the server did not answer when the backup had ended')),
      () => undefined,
    );
    await this.#running.catch(() => undefined);
    gone.abort();
    await giveUp;
    await this.#holder.release();
  }

  async #receiveOn(from: Position): Promise<void> {
    try {
      for (;;) {
        const hold = await this.#holder.held();
        try {
          await this.#receive(hold, this.#stored ?? from);
          return;
        } catch (error) {
          if (this.#stop.signal.aborted || !canPass(error)) throw error;
          this.#holder.replace(hold, error);
        }
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    } finally {
      // The server is to keep nothing for a reception that has ended.
      await this.#holder.release();
    }
  }

  async #receive(hold: WalHold, { lsn, timeline }: Position): Promise<void> {
    const { archive, source, clock, log, until } = this.#options;
    await checkGoesOn(hold, source.systemIdentifier, lsn);
    const { kind } = await receiveWal({
      ...hold,
      archives: [archive],
      startLsn: this.#startOfSegment(lsn),
      timeline,
      holdsFromStart: true,
      partEveryMs: PART_EVERY_MS,
      clock,
      log,
      signal: this.#stop.signal,
      onStored: (stored, on) => this.#noteStored(hold, { lsn: stored, timeline: on }),
      // At once: the WAL that came before may wait for the storage for longer than the server keeps what comes next.
      onStreamFailed: (error) => {
        if (canPass(error)) this.#holder.replace(hold, error);
      },
      until,
    });
    if (kind === 'server-shutdown') throw new DbadminError('connection-failed', 'the server shut down');
  }

  /** Where a reception that began now would begin. */
  #wanted(): Position | undefined {
    const position = this.#stored ?? this.#from;
    return position && { ...position, lsn: this.#startOfSegment(position.lsn) };
  }

  #startOfSegment(lsn: bigint): bigint {
    return lsn - (lsn % BigInt(this.#options.archive.segmentBytes));
  }

  /** After an outage the WAL of one segment comes again: what is stored already stays the position. */
  #noteStored(hold: WalHold, position: Position): void {
    const { log, name } = this.#options;
    this.#reports += 1;
    if (position.lsn > this.storedLsn) this.#stored = position;
    if (!this.#holder.noteUse(hold) || this.#outage === undefined) return;
    this.#outage = undefined;
    log.info(`the WAL of the backup is received for ${name} again, and has come to ${formatLsn(this.storedLsn)}`);
  }

  /**
   * Before the reception begins an outage costs nothing: the backup waits for its checkpoint, and with idle_replication_slot_timeout
   * a checkpoint ends the connection of a slot that was idle for longer. A slot made right after it holds the WAL from where the
   * backup starts.
   */
  #noteOutage(error: DbadminError): void {
    const { log, name } = this.#options;
    if (this.#from === undefined) {
      log.debug(`the connection for the WAL of the backup is gone, and is made anew: ${messageOf(error)}`);
      return;
    }
    const text = reasonOf(error);
    if (this.#outage !== undefined) log.debug(`the WAL of the backup is not received yet: ${text}`);
    else log.warn(`the WAL of the backup for ${name} does not come any more: ${text}; the backup goes on, and the connection is made anew`);
    this.#outage = error;
  }
}

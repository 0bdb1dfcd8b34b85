import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, systemCodeOf } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { holdWal, type Position, type WalHold } from './wal-hold.ts';

/** After an attempt that failed. Short, and never long: nothing holds the WAL of the backup meanwhile, and the next checkpoint may remove it. */
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 5000;

export interface HolderOptions {
  readonly parameters: ConnectionParameters;
  readonly clock: Clock;
  /** The start of the segment that is wanted first, once that is known. */
  readonly wanted: () => Position | undefined;
  /** Why nothing is held at the moment; told again for each attempt that failed. */
  readonly onOutage: (error: DbadminError) => void;
}

/**
 * Keeps the WAL of a backup held on the server: the moment that a connection is lost another is made, whatever those who used the
 * first are doing. What they received may wait for a slow storage for minutes, and a checkpoint does not.
 */
export class WalHolder {
  readonly #options: HolderOptions;
  readonly #over = new AbortController();
  #current: WalHold | undefined;
  #holding: Promise<WalHold>;
  /** The first attempt after a connection that brought WAL is made at once. */
  #waitMs = 0;

  constructor(options: HolderOptions, hold: WalHold) {
    this.#options = options;
    this.#holding = Promise.resolve(this.#watched(hold));
  }

  /** The hold of the moment, as soon as there is one. @throws {DbadminError} what no other attempt will mend. */
  async held(): Promise<WalHold> {
    return await this.#holding;
  }

  /** Notes that WAL came over `hold`. False when that was lost already: what was received before is stored behind it. */
  noteUse(hold: WalHold): boolean {
    if (hold !== this.#current) return false;
    this.#waitMs = 0;
    return true;
  }

  /** Makes another hold instead of this one, unless that is done already. */
  replace(hold: WalHold, error: DbadminError): void {
    if (hold !== this.#current || this.#over.signal.aborted) return;
    this.#current = undefined;
    this.#options.onOutage(error);
    this.#holding = this.#holdAgain(hold);
    // Told by held(), and nowhere else.
    this.#holding.catch(() => undefined);
  }

  /** Ends attempts, and makes no others. */
  stop(reason: DbadminError): void {
    this.#over.abort(reason);
  }

  /** Cuts the connection: whatever waits for the server fails with `reason`. */
  destroy(reason: DbadminError): void {
    this.#current?.connection.destroy(reason);
  }

  /** Closes the connection; the server keeps nothing any more. */
  async release(): Promise<void> {
    this.stop(new DbadminError('interrupted', 'the reception of the WAL was ended'));
    const hold = await this.#holding.catch(() => undefined);
    await hold?.connection.close();
  }

  async #holdAgain(lost: WalHold): Promise<WalHold> {
    const { parameters, clock, wanted, onOutage } = this.#options;
    const { signal } = this.#over;
    await lost.connection.close();
    for (;;) {
      const waitMs = this.#waitMs;
      this.#waitMs = Math.min(RETRY_MOST_MS, Math.max(RETRY_FIRST_MS, waitMs * 2));
      await clock.sleep(waitMs, signal);
      try {
        return this.#watched(await holdWal(parameters, signal, wanted()));
      } catch (error) {
        if (signal.aborted || !canPass(error)) throw error;
        onOutage(error);
      }
    }
  }

  #watched(hold: WalHold): WalHold {
    this.#current = hold;
    void hold.connection.wire.closed.then(() =>
      this.replace(hold, new DbadminError('connection-failed', 'the connection that the WAL comes over was lost')),
    );
    return hold;
  }
}

/**
 * Whether another attempt may go well: nobody answers, the server ended the connection, or it has no slot or connection free, which
 * the lost connection itself may hold until the server has noticed.
 */
export function canPass(error: unknown): error is DbadminError {
  if (!isDbadminError(error)) return false;
  return error.code === 'connection-failed' || /^(08|53|57P)/.test(systemCodeOf(error.cause) ?? '');
}

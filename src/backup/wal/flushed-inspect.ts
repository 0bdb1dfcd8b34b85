import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { ReplicationConnection, type SystemIdentification } from '../../postgres/replication.ts';

/** Among those of pg_stat_replication it is one that never streams, and is there for moments. */
export const POSITION_APPLICATION = 'dbadmin wal position';
const LOGIN_MOST_MS = 60_000;
const ANSWER_MOST_MS = 10_000;
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 60_000;
const RETRY_REFUSED_MS = 3_600_000;
const MEANWHILE = 'WAL is received all the same, but while none comes nothing proves that none is missing';

/**
 * Whether what a stream of `timeline` says of the server's WAL is true of the whole cluster: of the current timeline of a primary,
 * which it keeps until it ends. A standby tells what it got, and of a timeline that was left only its own end is told.
 */
export async function isWholeCluster(connection: ReplicationConnection, timeline: number): Promise<boolean> {
  if ((await connection.show('in_hot_standby')) !== 'off') return false;
  return (await connection.identifySystem()).timeline === timeline;
}

/**
 * Asks a primary how far its WAL is flushed, on a connection of its own: the one that streams answers no questions. It is made
 * for each question and given back: WAL senders are few, and what must have one, a backup or a standby, comes before this.
 */
export class FlushedInspection {
  readonly #stream: ReplicationConnection;
  readonly #systemIdentifier: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #over = new AbortController();
  /** One question at a time. */
  #answered: Promise<unknown> = Promise.resolve();
  #waitMs = RETRY_FIRST_MS;
  #retryAtMs = 0;
  #hasWarned = false;

  /** `stream` is the connection that streams: the same address is asked. */
  constructor(stream: ReplicationConnection, systemIdentifier: string, clock: Clock, log: Log) {
    this.#stream = stream;
    this.#systemIdentifier = systemIdentifier;
    this.#clock = clock;
    this.#log = log;
  }

  /** Where its flushed WAL ends, at some moment after this is called; undefined when nothing tells. */
  async flushedLsn(timeline: number): Promise<bigint | undefined> {
    const answer = this.#answered.then(async () => await this.#ask(timeline));
    this.#answered = answer;
    return await answer;
  }

  async #ask(timeline: number): Promise<bigint | undefined> {
    if (this.#over.signal.aborted || this.#clock.now().getTime() < this.#retryAtMs) return undefined;
    try {
      const found = await this.#identify();
      // Behind an address that moves another server may answer.
      if (found.isStandby || found.systemIdentifier !== this.#systemIdentifier || found.timeline !== timeline)
        throw new DbadminError('connection-failed', 'another server answers');
      this.#waitMs = RETRY_FIRST_MS;
      this.#hasWarned = false;
      return found.flushLsn;
    } catch (error) {
      this.#noteFailure(error);
      return undefined;
    }
  }

  /** Ends a question that is open, and returns once nothing of it is left. */
  async close(): Promise<void> {
    this.#over.abort(new DbadminError('interrupted', 'the reception of the WAL was ended'));
    await this.#answered;
  }

  async #identify(): Promise<SystemIdentification & { readonly isStandby: boolean }> {
    const { parameters, address } = this.#stream;
    const here = { ...parameters, hosts: [address], targetSessionAttrs: 'any' as const };
    // The configuration's own limit may be none at all, and nothing is asked while a question is open.
    const connection = await this.#within(
      LOGIN_MOST_MS,
      async (signal) => await ReplicationConnection.open(here, { applicationName: POSITION_APPLICATION, signal }),
    );
    try {
      return await this.#within(ANSWER_MOST_MS, async (signal) => {
        signal.throwIfAborted();
        const onAbort = (): void => connection.destroy(signal.reason as Error);
        signal.addEventListener('abort', onAbort, { once: true });
        try {
          return { ...(await connection.identifySystem()), isStandby: connection.isStandby };
        } finally {
          signal.removeEventListener('abort', onAbort);
        }
      });
    } finally {
      await connection.close();
    }
  }

  /** `work` until it is done; its signal is aborted when that takes too long, and when the reception ends. */
  async #within<T>(mostMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const isDone = new AbortController();
    const isLate = new AbortController();
    const limit = this.#clock.sleep(mostMs, isDone.signal).then(
      () => isLate.abort(new DbadminError('connection-failed', 'the server did not answer')),
      () => undefined,
    );
    try {
      return await work(AbortSignal.any([this.#over.signal, isLate.signal]));
    } finally {
      isDone.abort();
      await limit;
    }
  }

  #noteFailure(error: unknown): void {
    if (this.#over.signal.aborted) return;
    const nowMs = this.#clock.now().getTime();
    const text = `cannot ask the server how far its WAL is flushed: ${messageOf(error)}`;
    // What may be a wrong password: each try is a failed login of a role that others use, too, and enough of them lock it out.
    if (isDbadminError(error, 'credentials-wrong')) {
      this.#retryAtMs = nowMs + RETRY_REFUSED_MS;
      this.#log.warn(`${text}; it is asked again in an hour: where the password was changed, restart the receiver. ${MEANWHILE}`);
      return;
    }
    this.#retryAtMs = nowMs + this.#waitMs;
    // The first may be a server that is about to go.
    if (this.#waitMs > RETRY_FIRST_MS && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#log.warn(`${text}; ${MEANWHILE}`);
    } else this.#log.debug(text);
    this.#waitMs = Math.min(RETRY_MOST_MS, this.#waitMs * 2);
  }
}

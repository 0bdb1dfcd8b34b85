import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { ReplicationConnection, type SystemIdentification } from '../../postgres/replication.ts';

/** Among those of pg_stat_replication it is one that never streams, and is there for moments. */
export const POSITION_APPLICATION = 'dbadmin wal position';
const ANSWER_MOST_MS = 10_000;
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 60_000;

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
  #isRefused = false;

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
    if (this.#isRefused || this.#over.signal.aborted || this.#clock.now().getTime() < this.#retryAtMs) return undefined;
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
    const { signal } = this.#over;
    const here = { ...parameters, hosts: [address], targetSessionAttrs: 'any' as const };
    const connection = await ReplicationConnection.open(here, { applicationName: POSITION_APPLICATION, signal });
    try {
      signal.throwIfAborted();
      return { ...(await this.#within(connection, connection.identifySystem())), isStandby: connection.isStandby };
    } finally {
      await connection.close();
    }
  }

  async #within<T>(connection: ReplicationConnection, answer: Promise<T>): Promise<T> {
    const answered = new AbortController();
    const { signal } = this.#over;
    const onOver = (): void => connection.destroy(signal.reason as Error);
    signal.addEventListener('abort', onOver, { once: true });
    const tooLong = this.#clock.sleep(ANSWER_MOST_MS, answered.signal).then(
      () => connection.destroy(new DbadminError('connection-failed', 'the server did not answer')),
      () => undefined,
    );
    try {
      return await answer;
    } finally {
      signal.removeEventListener('abort', onOver);
      answered.abort();
      await tooLong;
    }
  }

  #noteFailure(error: unknown): void {
    if (this.#over.signal.aborted) return;
    this.#retryAtMs = this.#clock.now().getTime() + this.#waitMs;
    const text = `cannot ask the server how far its WAL is flushed: ${messageOf(error)}`;
    if (isDbadminError(error, 'credentials-wrong') || isDbadminError(error, 'privilege-missing')) {
      // The stream has logged in before. To try on would be a failed login each minute, of a role that others use, too.
      this.#isRefused = true;
      this.#log.warn(
        `${text}; it is asked no more: restart the receiver once it can log in, with the password that holds then. WAL is received all the same, but while none comes nothing proves that none is missing`,
      );
      return;
    }
    // The first may be a server that is about to go.
    if (this.#waitMs > RETRY_FIRST_MS && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#log.warn(`${text}; WAL is received all the same, but while none comes nothing proves that none is missing`);
    } else this.#log.debug(text);
    this.#waitMs = Math.min(RETRY_MOST_MS, this.#waitMs * 2);
  }
}

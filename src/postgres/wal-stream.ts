import { formatDuration, parseDuration } from '../base/durations.ts';
import { DbadminError } from '../base/errors.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { BACKEND, violation, type BackendMessage } from './messages.ts';
import { parseServerMessage, PostgresError } from './postgres-error.ts';
import { quoteIdentifier } from './quote.ts';
import type { ReplicationConnection } from './replication.ts';
import { ResultCollector } from './simple-query.ts';
import { parseWalMessage, statusUpdate } from './wal-messages.ts';
import { walStreamFailure } from './wal-stream-failure.ts';

export interface WalStreamStart {
  /** The slot that holds the WAL until it is reported flushed. */
  readonly slot?: string;
  /** Where to begin: the first byte of a segment, if segments are to be kept. */
  readonly startLsn: bigint;
  readonly timeline: number;
}

export type WalStreamEvent =
  | {
      readonly kind: 'data';
      readonly startLsn: bigint;
      /**
       * How far the server had flushed its WAL when it made this; on a standby, what it had got; on a timeline that was left, the
       * position where it was.
       */
      readonly flushedLsn: bigint;
      /** The server's clock when it sent this, a little after `flushedLsn` was read. */
      readonly serverTime: Date;
      /** The consumer's own. */
      readonly bytes: Uint8Array;
    }
  /** `sentLsn` is what this stream has sent, whatever the server has beyond it. */
  | { readonly kind: 'keepalive'; readonly sentLsn: bigint; readonly serverTime: Date; readonly replyRequested: boolean }
  /** The last event of a timeline that was left at `switchLsn`. The connection is free: start again on the next one. */
  | { readonly kind: 'timeline-end'; readonly nextTimeline: number; readonly switchLsn: bigint }
  /** The last event of an orderly shutdown: everything was sent. The connection is gone. */
  | { readonly kind: 'server-shutdown' };

/** Received and not taken yet: above this the server is slowed down. */
const QUEUE_LIMIT_BYTES = 4 * 1024 * 1024;
const QUEUE_LIMIT_EVENTS = 4096;
/** Often enough by itself for any wal_sender_timeout: a full queue hides the server's questions. */
const STATUS_EVERY_MS = 10_000;
const STATUS_EVERY_AT_LEAST_MS = 200;
/** With a full queue nobody reads, and only who writes learns that the server has ended the connection. */
const STATUS_EVERY_WHILE_FULL_MS = 1000;
/**
 * A server that has sent nothing for so long is gone: as long as PostgreSQL's own wal_receiver_timeout, or as the server waits
 * for us where that is less. The system itself would wait for a quarter of an hour.
 */
const SILENCE_MOST_MS = 60_000;
const SILENCE_AT_LEAST_MS = 10_000;

interface Patience {
  readonly statusEveryMs: number;
  readonly silenceMs: number;
}

/**
 * Begins to stream WAL. The connection is busy until the stream ends.
 *
 * @throws {DbadminError} `wal-missing` when the server no longer has that WAL or never had; `slot-invalidated` when it has given up the
 * slot, whatever WAL it has; `locked` when the slot is in use.
 */
export async function startWalStream(connection: ReplicationConnection, start: WalStreamStart): Promise<WalStream> {
  const slot = start.slot === undefined ? '' : ` SLOT ${quoteIdentifier(start.slot)}`;
  const { wire } = connection;
  const patience = await patienceWith(connection);
  wire.sendQuery(`START_REPLICATION${slot} PHYSICAL ${formatLsn(start.startLsn)} TIMELINE ${start.timeline}`);
  const first = await wire.read();
  if (first.type === BACKEND.errorResponse) {
    const error = new PostgresError(parseServerMessage(first.body));
    await wire.settle(error).catch(() => undefined);
    throw walStreamFailure(error, start);
  }
  return new WalStream(connection, start, first, patience);
}

async function patienceWith(connection: ReplicationConnection): Promise<Patience> {
  const text = await connection.show('wal_sender_timeout');
  const timeoutMs = text === '0' ? Number.POSITIVE_INFINITY : parseDuration(text);
  return {
    statusEveryMs: Math.max(STATUS_EVERY_AT_LEAST_MS, Math.min(STATUS_EVERY_MS, timeoutMs / 4)),
    silenceMs: Math.max(SILENCE_AT_LEAST_MS, Math.min(SILENCE_MOST_MS, timeoutMs)),
  };
}

/**
 * WAL as it comes, for one consumer. Replies go out by themselves, at once when the server asks and every 10 s or oftener, with the
 * positions reported last, also while the consumer is busy. Leaving the iteration stops the stream.
 */
export class WalStream implements AsyncIterable<WalStreamEvent> {
  readonly #connection: ReplicationConnection;
  readonly #start: WalStreamStart;
  readonly #queue: WalStreamEvent[] = [];
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #pumping: Promise<void>;
  #queuedBytes = 0;
  #expectedLsn: bigint;
  #writtenLsn = 0n;
  #flushedLsn = 0n;
  /** For how long we have listened in vain; a process that was stopped, or a machine that slept, has not listened. */
  #silentMs = 0;
  #isStopping = false;
  #isOver = false;
  #failure: Error | undefined;
  readonly #failed = Promise.withResolvers<Error>();
  /** Resolved when something changed that the other side may wait for: an event, room, the end. */
  #changed = Promise.withResolvers<void>();

  /** Use {@link startWalStream}. `first` is the server's answer to the command. */
  constructor(connection: ReplicationConnection, start: WalStreamStart, first: BackendMessage, patience: Patience) {
    this.#connection = connection;
    this.#start = start;
    this.#expectedLsn = start.startLsn;
    this.#timers = [
      setInterval(() => this.#keepInTouch(patience), patience.statusEveryMs),
      setInterval(() => {
        if (this.#isFull()) this.#sendStatus(false);
      }, STATUS_EVERY_WHILE_FULL_MS),
    ];
    this.#pumping = this.#pump(first.type === BACKEND.copyBothResponse ? undefined : { type: first.type, body: Buffer.from(first.body) });
  }

  /** Resolves when the stream fails, before the consumer has taken what came until then; never otherwise. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /**
   * Tells the server that WAL before `flushLsn` is durable where it is to be kept, and that the slot may let go of it.
   * Positions never go back.
   */
  reportFlushed(flushLsn: bigint, writeLsn: bigint = flushLsn): void {
    if (flushLsn > this.#flushedLsn) this.#flushedLsn = flushLsn;
    if (writeLsn > this.#writtenLsn) this.#writtenLsn = writeLsn;
    this.#sendStatus(false);
  }

  /** Asks the server for a keepalive now: it tells its time, and nothing of WAL that was not sent. */
  requestKeepalive(): void {
    this.#sendStatus(true);
  }

  /** Ends the stream; what was received and not taken is dropped. Resolves once the connection is free again. */
  async stop(): Promise<void> {
    if (!this.#isStopping && !this.#isOver) {
      this.#connection.wire.sendCopyDone();
      this.#isStopping = true;
    }
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#signal();
    await this.#pumping;
  }

  [Symbol.asyncIterator](): AsyncIterator<WalStreamEvent, undefined> {
    return {
      next: async () => {
        const value = await this.#take();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      return: async () => {
        await this.stop();
        return { done: true, value: undefined };
      },
    };
  }

  async #take(): Promise<WalStreamEvent | undefined> {
    for (;;) {
      const event = this.#queue.shift();
      if (event !== undefined) {
        if (event.kind === 'data') this.#queuedBytes -= event.bytes.byteLength;
        this.#signal();
        return event;
      }
      if (this.#failure !== undefined && !this.#isStopping) throw this.#failure;
      if (this.#isOver || this.#isStopping) return undefined;
      await this.#changed.promise;
    }
  }

  async #pump(first: BackendMessage | undefined): Promise<void> {
    const { wire } = this.#connection;
    try {
      let message = first;
      for (;;) {
        message ??= wire.tryRead();
        this.#silentMs = 0;
        if (message === undefined) await wire.more();
        else if (message.type !== BACKEND.copyData) break;
        else this.#onCopyData(message);
        message = undefined;
        while (this.#isFull() && !this.#isStopping) await this.#changed.promise;
      }
      await this.#finish(message);
    } catch (error) {
      this.#failure = walStreamFailure(error, this.#start);
      this.#failed.resolve(this.#failure);
    } finally {
      for (const timer of this.#timers) clearInterval(timer);
      this.#isOver = true;
      this.#signal();
    }
  }

  #isFull(): boolean {
    return this.#queuedBytes >= QUEUE_LIMIT_BYTES || this.#queue.length >= QUEUE_LIMIT_EVENTS;
  }

  #onCopyData({ body, isCopy }: BackendMessage): void {
    const message = parseWalMessage(body);
    if (message.kind === 'keepalive') {
      if (message.replyRequested) this.#sendStatus(false);
      this.#put(message);
      return;
    }
    if (message.startLsn !== this.#expectedLsn) {
      throw violation(`WAL from ${formatLsn(message.startLsn)} came where ${formatLsn(this.#expectedLsn)} was expected`);
    }
    this.#expectedLsn += BigInt(message.bytes.length);
    if (this.#isStopping) return;
    this.#queuedBytes += message.bytes.length;
    this.#put(isCopy === true ? message : { ...message, bytes: new Uint8Array(message.bytes) });
  }

  /** What follows the copy: its end on both sides, the next timeline if there is one, ReadyForQuery. */
  async #finish(last: BackendMessage): Promise<void> {
    const { wire } = this.#connection;
    if (last.type === BACKEND.errorResponse) return await wire.settle(new PostgresError(parseServerMessage(last.body)));
    // Outside of copy mode the command itself is complete: the server is shutting down and has sent everything.
    if (last.type === BACKEND.commandComplete && !this.#isStopping) return this.#put({ kind: 'server-shutdown' });
    const results = new ResultCollector();
    if (last.type === BACKEND.copyDone) {
      if (!this.#isStopping) wire.sendCopyDone();
    } else results.add(last);
    await wire.settle(undefined, (message) => results.add(message));
    const row = results.results[0]?.rows[0];
    if (row?.[0] !== undefined && row[1] !== undefined) {
      this.#put({ kind: 'timeline-end', nextTimeline: Number(row[0]), switchLsn: parseLsn(row[1]) });
    } else if (!this.#isStopping) {
      throw new DbadminError('protocol-violation', `the WAL stream of timeline ${this.#start.timeline} ended without a reason`);
    }
  }

  #put(event: WalStreamEvent): void {
    if (this.#isStopping) return;
    this.#queue.push(event);
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** A network that is cut tells nobody: whoever hears nothing has to ask. */
  #keepInTouch({ statusEveryMs, silenceMs }: Patience): void {
    // While there is no room nobody listens.
    this.#silentMs = this.#isFull() ? 0 : this.#silentMs + statusEveryMs;
    if (this.#silentMs > silenceMs) {
      const silence = `the server has sent nothing for ${formatDuration(this.#silentMs)}, though it was asked`;
      this.#connection.wire.destroy(new DbadminError('connection-failed', silence, { hint: 'See whether the network to it is cut.' }));
    } else this.#sendStatus(this.#silentMs > silenceMs / 4);
  }

  #sendStatus(replyRequested: boolean): void {
    if (this.#isOver || this.#isStopping) return;
    this.#connection.wire.sendCopyData(statusUpdate(this.#writtenLsn, this.#flushedLsn, Date.now(), replyRequested));
  }
}

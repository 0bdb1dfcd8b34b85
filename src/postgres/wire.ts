import type { Duplex } from 'node:stream';
import type { ByteSource } from './byte-source.ts';
import { MessageReader, type MessagePart } from './message-reader.ts';
import { BACKEND, FRONTEND, frontendMessage, queryMessage, type BackendMessage } from './messages.ts';
import { parseServerMessage, PostgresError, type ServerMessage } from './postgres-error.ts';

const CLOSE_TIMEOUT_MS = 2000;

/** A connection that is logged in: messages in, messages out. What the server says besides is kept apart. */
export class Wire {
  /** Resolves when the connection has ended, whoever ended it and whether or not anybody reads; after those who do were told. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #reader: MessageReader;
  /** What the server warned of since the last call of {@link Wire.takeNotices}. */
  #notices: ServerMessage[] = [];
  #destroyedBy: Error | undefined;

  constructor(stream: Duplex, source: ByteSource) {
    this.#stream = stream;
    this.#reader = new MessageReader(source);
    this.closed = new Promise((resolve) => {
      if (stream.closed) resolve();
      else stream.once('close', () => setImmediate(resolve));
    });
  }

  /** The next message, whole. */
  async read(): Promise<BackendMessage> {
    for (;;) {
      const message = this.tryRead();
      if (message !== undefined) return message;
      await this.more();
    }
  }

  tryRead(): BackendMessage | undefined {
    for (;;) {
      const message = this.#reader.tryRead();
      if (message === undefined || !this.#isAside(message.type, message.body)) return message;
    }
  }

  /** The next part of a message without waiting; long CopyData comes in parts. */
  tryReadPart(): MessagePart | undefined {
    for (;;) {
      const part = this.#reader.tryReadPart();
      if (part === undefined || !this.#isAside(part.type, part.bytes)) return part;
    }
  }

  /** Resolves once more bytes are at hand. Rejects when the connection has ended. */
  async more(): Promise<void> {
    try {
      await this.#reader.more();
    } catch (error) {
      throw this.#destroyedBy ?? error;
    }
  }

  sendQuery(sql: string): void {
    this.#stream.write(queryMessage(sql));
  }

  sendCopyData(payload: Uint8Array): void {
    this.#stream.write(frontendMessage(FRONTEND.copyData, payload));
  }

  /** Resolves once what was sent has gone far enough that more may follow, or the connection has ended: then reading says so. */
  async drained(): Promise<void> {
    const stream = this.#stream;
    if (!stream.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const event of ['drain', 'close']) stream.once(event, resolve);
    await promise;
    for (const event of ['drain', 'close']) stream.removeListener(event, resolve);
  }

  sendCopyDone(): void {
    this.#stream.write(frontendMessage(FRONTEND.copyDone, Buffer.alloc(0)));
  }

  takeNotices(): readonly ServerMessage[] {
    const notices = this.#notices;
    this.#notices = [];
    return notices;
  }

  /**
   * Reads up to ReadyForQuery and throws the error that came on the way, also when the server closed the connection
   * after it. `earlier` is one that was read already.
   */
  async settle(earlier?: PostgresError, onMessage?: (message: BackendMessage) => void): Promise<void> {
    let error = earlier;
    for (;;) {
      let message: BackendMessage;
      try {
        message = await this.read();
      } catch (lost) {
        throw error ?? lost;
      }
      if (message.type === BACKEND.readyForQuery) {
        if (error !== undefined) throw error;
        return;
      }
      if (message.type === BACKEND.errorResponse) error ??= new PostgresError(parseServerMessage(message.body));
      else onMessage?.(message);
    }
  }

  /** Says goodbye and returns once the socket is closed. */
  async close(): Promise<void> {
    if (this.#stream.destroyed) return;
    const closed = new Promise<void>((resolve) => {
      this.#stream.once('close', () => resolve());
    });
    this.#stream.end(frontendMessage(FRONTEND.terminate, Buffer.alloc(0)));
    // Paused or not: the end of the stream is only seen by one who reads.
    this.#stream.resume();
    const timer = setTimeout(() => this.#stream.destroy(), CLOSE_TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Ends the connection at once; whoever reads gets `reason`. */
  destroy(reason: Error): void {
    this.#destroyedBy ??= reason;
    this.#stream.destroy(reason);
  }

  #isAside(type: number, body: Buffer): boolean {
    if (type === BACKEND.noticeResponse) {
      this.#notices.push(parseServerMessage(body));
      return true;
    }
    return type === BACKEND.parameterStatus || type === BACKEND.notification;
  }
}

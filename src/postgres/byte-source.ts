import net from 'node:net';
import type { Duplex } from 'node:stream';

const BUFFER_BYTES = 256 * 1024;
const BUFFERS = 8;
const QUEUE_LIMIT_BYTES = BUFFER_BYTES * BUFFERS;

/**
 * The bytes that a connection delivers, in the pieces in which they arrive. What is not taken is bounded: the socket is
 * paused when about 2 MiB wait, and TCP stops the server.
 */
export interface ByteSource {
  /** The next piece, or undefined when none is at hand. It belongs to the caller until {@link ByteSource.release}. */
  take(): Buffer | undefined;
  /** Gives the last piece back; its memory is used again. */
  release(piece: Buffer): void;
  /** Resolves once a piece is at hand; rejects when the connection has ended and none is left. */
  more(): Promise<void>;
}

type Ending = { readonly error: Error | undefined };

/**
 * What both kinds of source share: a queue, one waiter, and an end.
 *
 * `lost` makes the error of a connection that ended, from the socket's own error where there was one.
 */
abstract class QueuedSource implements ByteSource {
  readonly #queue: Buffer[] = [];
  readonly #lost: (cause: Error | undefined) => Error;
  #waiter: PromiseWithResolvers<void> | undefined;
  #ending: Ending | undefined;

  constructor(lost: (cause: Error | undefined) => Error) {
    this.#lost = lost;
  }

  abstract release(piece: Buffer): void;

  take(): Buffer | undefined {
    return this.#queue.shift();
  }

  async more(): Promise<void> {
    if (this.#queue.length > 0) return;
    if (this.#ending !== undefined) throw this.#lost(this.#ending.error);
    this.#waiter ??= Promise.withResolvers<void>();
    await this.#waiter.promise;
  }

  protected arrived(piece: Buffer): void {
    this.#queue.push(piece);
    this.#waiter?.resolve();
    this.#waiter = undefined;
  }

  protected follow(stream: Duplex): void {
    stream.on('error', (error: Error) => this.#end(error));
    stream.on('end', () => this.#end(undefined));
    stream.on('close', () => this.#end(undefined));
  }

  #end(error: Error | undefined): void {
    this.#ending ??= { error };
    if (this.#queue.length > 0) return;
    this.#waiter?.reject(this.#lost(this.#ending.error));
    this.#waiter = undefined;
  }
}

/** The source of a stream whose reads we do not control: under TLS. */
export class StreamSource extends QueuedSource {
  readonly #stream: Duplex;
  #queuedBytes = 0;

  constructor(stream: Duplex, lost: (cause: Error | undefined) => Error) {
    super(lost);
    this.#stream = stream;
    this.follow(stream);
    stream.on('data', (piece: Buffer) => {
      this.#queuedBytes += piece.length;
      if (this.#queuedBytes >= QUEUE_LIMIT_BYTES) stream.pause();
      this.arrived(piece);
    });
  }

  release(piece: Buffer): void {
    this.#queuedBytes -= piece.length;
    if (this.#queuedBytes < QUEUE_LIMIT_BYTES / 2 && this.#stream.isPaused()) this.#stream.resume();
  }
}

/**
 * The source of a plain socket: the kernel reads straight into a few large buffers that go round, so nothing is copied and
 * nothing is allocated per read. Until {@link PooledSource.takeOver} the socket emits `data` as usual, for whoever logs in.
 */
export class PooledSource extends QueuedSource {
  readonly socket: net.Socket;
  readonly #free: Buffer[] = [];
  readonly #lent = new Map<ArrayBufferLike, Buffer>();
  #takenOver = false;
  #paused = false;

  constructor(lost: (cause: Error | undefined) => Error) {
    super(lost);
    this.socket = new net.Socket({
      onread: { buffer: () => this.#free.pop() ?? newBuffer(), callback: (length, buffer) => this.#read(length, buffer as Buffer) },
    });
  }

  takeOver(): void {
    this.#takenOver = true;
    this.follow(this.socket);
  }

  release(piece: Buffer): void {
    const buffer = this.#lent.get(piece.buffer);
    if (buffer === undefined) return;
    this.#lent.delete(piece.buffer);
    this.#free.push(buffer);
    if (this.#paused && this.#lent.size <= BUFFERS / 2) {
      this.#paused = false;
      this.socket.resume();
    }
  }

  #read(length: number, buffer: Buffer): boolean {
    if (!this.#takenOver) {
      this.socket.emit('data', Buffer.from(buffer.subarray(0, length)));
      this.#free.push(buffer);
      return true;
    }
    this.#lent.set(buffer.buffer, buffer);
    this.arrived(buffer.subarray(0, length));
    // The socket has one more buffer in hand already, for the first read after a pause.
    this.#paused = this.#lent.size >= BUFFERS - 1;
    return !this.#paused;
  }
}

/** A buffer with memory of its own: the pool knows buffers by their memory. */
function newBuffer(): Buffer {
  return Buffer.from(new ArrayBuffer(BUFFER_BYTES));
}

import type { ByteSource } from './byte-source.ts';
import { BACKEND, violation, type BackendMessage } from './messages.ts';

/** Longer CopyData is given in parts by {@link MessageReader.tryReadPart}, as it arrives. */
const WHOLE_UP_TO_BYTES = 8 * 1024;
const MESSAGE_LIMIT_BYTES = 256 * 1024 * 1024;
const HEADER_BYTES = 5;

/** A piece of a message: all of it unless it is long CopyData. `bytes` is valid only until the next read. */
export interface MessagePart {
  readonly type: number;
  readonly bytes: Buffer;
  readonly isStart: boolean;
  readonly isEnd: boolean;
}

/**
 * Cuts a byte source into the server's messages. Bytes are looked at where they lie; only a message that crosses two
 * pieces of the source and is wanted whole is copied, once.
 */
export class MessageReader {
  readonly #source: ByteSource;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerLength = 0;
  #piece: Buffer | undefined;
  #offset = 0;
  #type = 0;
  #bodyLength = 0;
  /** Bytes of the current message's body not given yet; undefined between messages. */
  #left: number | undefined;
  #gathered: Buffer | undefined;
  /** The body gathered last: it lies in no piece of the source. */
  #copied: Buffer | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The next message whole, or undefined until {@link MessageReader.more} brings more bytes. */
  tryRead(): BackendMessage | undefined {
    if (!this.#startMessage()) return undefined;
    const body = this.#wholeBody();
    return body === undefined ? undefined : { type: this.#type, body, isCopy: body === this.#copied };
  }

  /** The next part: of long CopyData what is at hand, of everything else the whole. */
  tryReadPart(): MessagePart | undefined {
    if (!this.#startMessage()) return undefined;
    if (this.#type !== BACKEND.copyData || this.#bodyLength <= WHOLE_UP_TO_BYTES) {
      const bytes = this.#wholeBody();
      return bytes === undefined ? undefined : { type: this.#type, bytes, isStart: true, isEnd: true };
    }
    const left = this.#left ?? 0;
    const isStart = left === this.#bodyLength;
    const bytes = this.#bytesAtHand(left);
    if (bytes === undefined) return undefined;
    const isEnd = bytes.length === left;
    this.#left = isEnd ? undefined : left - bytes.length;
    return { type: this.#type, bytes, isStart, isEnd };
  }

  /** Resolves once more bytes are at hand. Rejects when the connection has ended. */
  async more(): Promise<void> {
    await this.#source.more();
  }

  #startMessage(): boolean {
    if (this.#left !== undefined) return true;
    while (this.#headerLength < HEADER_BYTES) {
      const bytes = this.#bytesAtHand(HEADER_BYTES - this.#headerLength);
      if (bytes === undefined) return false;
      this.#header.set(bytes, this.#headerLength);
      this.#headerLength += bytes.length;
    }
    this.#headerLength = 0;
    this.#type = this.#header[0] ?? 0;
    this.#bodyLength = this.#header.readInt32BE(1) - 4;
    if (this.#bodyLength < 0 || this.#bodyLength > MESSAGE_LIMIT_BYTES) {
      throw violation(`a message of type 0x${this.#type.toString(16)} claims ${this.#bodyLength} bytes`);
    }
    this.#left = this.#bodyLength;
    return true;
  }

  #wholeBody(): Buffer | undefined {
    while (this.#left !== undefined && this.#left > 0) {
      const bytes = this.#bytesAtHand(this.#left);
      if (bytes === undefined) return undefined;
      if (bytes.length === this.#bodyLength) {
        this.#left = undefined;
        return bytes;
      }
      this.#gathered ??= Buffer.allocUnsafe(this.#bodyLength);
      this.#gathered.set(bytes, this.#bodyLength - this.#left);
      this.#left -= bytes.length;
    }
    const body = this.#gathered ?? Buffer.alloc(0);
    this.#copied = body;
    this.#gathered = undefined;
    this.#left = undefined;
    return body;
  }

  /** Up to `limit` bytes that lie together, at least one. */
  #bytesAtHand(limit: number): Buffer | undefined {
    if (this.#piece === undefined || this.#offset === this.#piece.length) {
      // Only now: the bytes given last may lie in the piece that goes back.
      if (this.#piece !== undefined) this.#source.release(this.#piece);
      this.#piece = this.#source.take();
      this.#offset = 0;
      if (this.#piece === undefined) return undefined;
    }
    const end = Math.min(this.#piece.length, this.#offset + limit);
    const bytes = this.#piece.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }
}

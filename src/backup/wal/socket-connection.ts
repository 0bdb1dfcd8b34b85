import type { Socket } from 'node:net';
import { DbadminError } from '../../base/errors.ts';

const LONGEST_LINE_BYTES = 16 * 1024;

/** Reads lines and announced lengths from a socket. */
export class SocketReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #pending: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** A line without its end; undefined when the other side has ended before one. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#pending.indexOf(0x0a);
      if (end !== -1) {
        const line = this.#pending.toString('latin1', 0, end);
        this.#pending = this.#pending.subarray(end + 1);
        return line;
      }
      if (this.#pending.byteLength > LONGEST_LINE_BYTES) throw new DbadminError('protocol-violation', 'a line on the socket has no end');
      if (!(await this.#more())) return undefined;
    }
  }

  /** @throws {DbadminError} `protocol-violation` when fewer come. */
  async bytes(lengthBytes: number): Promise<Buffer> {
    const whole = Buffer.allocUnsafeSlow(lengthBytes);
    for (let filled = 0; filled < lengthBytes;) {
      if (this.#pending.byteLength === 0 && !(await this.#more())) {
        throw new DbadminError('protocol-violation', `the client announced ${lengthBytes} bytes and sent ${filled}`);
      }
      const taken = this.#pending.copy(whole, filled);
      this.#pending = this.#pending.subarray(taken);
      filled += taken;
    }
    return whole;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#pending = this.#pending.byteLength === 0 ? next.value : Buffer.concat([this.#pending, next.value]);
    return true;
  }
}

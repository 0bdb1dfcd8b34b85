import { randomBytes } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';
import { decrypt, encrypt, NONCE_BYTES, TAG_BYTES, type RepositoryKeys } from './keys.ts';

/** The encrypted body of a sealed object: a salt, then frames, each sealed by itself, the last one marked. @see FORMAT.md "Encryption" */

const SALT_BYTES = 32;
const LENGTH_BYTES = 4;
/** Plain bytes in a frame, at most. */
const FRAME_BYTES = 256 * 1024;
/** The first is small: it proves the header, and is read with it. */
const FIRST_FRAME_BYTES = 8 * 1024;

/** How long a body of so many plain bytes is when it is encrypted. */
export function encryptedBytes(plainBytes: number): number {
  const frames = 1 + Math.ceil(Math.max(0, plainBytes - FIRST_FRAME_BYTES) / FRAME_BYTES);
  return SALT_BYTES + plainBytes + frames * (LENGTH_BYTES + TAG_BYTES);
}

/** `associated` binds the body to its object's beginning: neither can be exchanged for another's. */
export async function* encryptBody(
  keys: RepositoryKeys,
  associated: Uint8Array,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  const salt = randomBytes(SALT_BYTES);
  const key = keys.objectKey(salt);
  yield salt;
  let counter = 0;
  let pending = Buffer.alloc(0);
  const frame = (plain: Uint8Array, isLast: boolean): Buffer => {
    const sealed = encrypt(key, nonceOf(counter, isLast), plain, associated);
    counter += 1;
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(sealed.byteLength);
    return Buffer.concat([length, sealed]);
  };
  for await (const chunk of body) {
    pending = pending.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    while (pending.byteLength > (counter === 0 ? FIRST_FRAME_BYTES : FRAME_BYTES)) {
      const plain = pending.subarray(0, counter === 0 ? FIRST_FRAME_BYTES : FRAME_BYTES);
      yield frame(plain, false);
      pending = pending.subarray(plain.byteLength);
    }
  }
  yield frame(pending, true);
}

/** Where the first frame of an encrypted body ends; where the beginning of its length is not among `body` yet, where that ends. */
export function firstFrameEnd(body: Buffer): number {
  const begin = SALT_BYTES + LENGTH_BYTES;
  return body.byteLength < begin ? begin : begin + Math.min(body.readUInt32BE(SALT_BYTES), FRAME_BYTES + TAG_BYTES);
}

/** Takes an encrypted body in pieces and gives its plain bytes frame by frame. */
export class BodyDecryption {
  readonly #keys: RepositoryKeys;
  readonly #associated: Uint8Array;
  readonly #name: string;
  #key: Buffer | undefined;
  #counter = 0;
  #isEnded = false;
  #pending = Buffer.alloc(0);

  constructor(keys: RepositoryKeys, associated: Uint8Array, name: string) {
    this.#keys = keys;
    this.#associated = associated;
    this.#name = name;
  }

  /** @throws {DbadminError} `repository-damaged` when a frame does not open. */
  *take(chunk: Uint8Array): Generator<Buffer> {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    if (this.#key === undefined) {
      if (this.#pending.byteLength < SALT_BYTES) return;
      this.#key = this.#keys.objectKey(this.#pending.subarray(0, SALT_BYTES));
      this.#pending = this.#pending.subarray(SALT_BYTES);
    }
    while (this.#pending.byteLength >= LENGTH_BYTES) {
      const length = this.#pending.readUInt32BE(0);
      if (length < TAG_BYTES || length > FRAME_BYTES + TAG_BYTES) throw this.#broken();
      if (this.#pending.byteLength < LENGTH_BYTES + length) return;
      yield this.#open(this.#key, this.#pending.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      this.#pending = this.#pending.subarray(LENGTH_BYTES + length);
    }
  }

  /** @throws {DbadminError} `repository-damaged` when the body ended before its last frame. */
  finish(): void {
    if (!this.#isEnded || this.#pending.byteLength > 0) throw this.#broken();
  }

  #open(key: Buffer, sealed: Buffer): Buffer {
    if (this.#isEnded) throw this.#broken();
    let plain = decrypt(key, nonceOf(this.#counter, false), sealed, this.#associated);
    if (plain === undefined) {
      plain = decrypt(key, nonceOf(this.#counter, true), sealed, this.#associated);
      this.#isEnded = plain !== undefined;
    }
    if (plain === undefined) throw this.#broken();
    this.#counter += 1;
    return plain;
  }

  #broken(): DbadminError {
    return new DbadminError('repository-damaged', `${this.#name} does not open with this repository's key`, {
      detail: 'Its encrypted content was changed, or it was written with another key.',
      hint: 'Keep the object; restore it from a second copy of the repository if there is one.',
    });
  }
}

function nonceOf(counter: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(counter), 0);
  nonce.writeUInt32BE(isLast ? 1 : 0, 8);
  return nonce;
}

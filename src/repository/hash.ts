import { createRequire } from 'node:module';

interface Hasher {
  update(input: Buffer): unknown;
  digestBuffer(): Buffer;
}

// The package is CommonJS whose names Node's ES loader does not see.
const native = createRequire(import.meta.url)('@napi-rs/blake-hash') as {
  blake3(input: Buffer): Buffer;
  Blake3Hasher: { new (): Hasher; newKeyed(key: Buffer): Hasher };
};

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** BLAKE3-256: 32 bytes. */
export function blake3(bytes: Uint8Array): Buffer {
  return native.blake3(asBuffer(bytes));
}

/** BLAKE3-256 with a key of 32 bytes. */
export function blake3Keyed(key: Buffer, bytes: Uint8Array): Buffer {
  const hasher = native.Blake3Hasher.newKeyed(key);
  hasher.update(asBuffer(bytes));
  return hasher.digestBuffer();
}

/** BLAKE3-256 of bytes that come in pieces. */
export class Blake3 {
  readonly #hasher = new native.Blake3Hasher();

  update(bytes: Uint8Array): this {
    this.#hasher.update(asBuffer(bytes));
    return this;
  }

  digest(): Buffer {
    return this.#hasher.digestBuffer();
  }
}

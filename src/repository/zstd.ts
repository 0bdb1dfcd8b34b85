import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { DbadminError } from '../base/errors.ts';
import { compressSync, decompressSync, DEFAULT_LEVEL } from './compress.ts';
import { MAX_BLOB_BYTES } from './pack.ts';

/** What zlib's streams are made of, in Node 24 to 26: not documented, so it is tried before it is used. */
interface Inside {
  readonly _handle: {
    writeSync(flush: number, input: Uint8Array, from: number, length: number, output: Uint8Array, to: number, room: number): void;
  };
  /** Room left in the output, bytes left of the input. */
  readonly _writeState: Uint32Array;
}

/** More than zstd makes of a blob that does not compress. */
const OUTPUT_BYTES = MAX_BLOB_BYTES + (MAX_BLOB_BYTES >> 8) + 1024;

/**
 * zstd for a thread that does nothing else: the context and the output are used again for each blob. `zstdCompressSync`
 * makes both anew each time, which costs more than the work itself at 8 KiB, and three quarters of it when decompressing 1 MiB.
 *
 * Where Node's inside is another than we know, the documented functions do it. What is given back is a view, valid until
 * the next call.
 */
export class Zstd {
  readonly #level: number;
  readonly #output = Buffer.allocUnsafeSlow(OUTPUT_BYTES);
  #compressor: Context | undefined;
  #decompressor: Context | undefined;
  #isKnownInside: boolean | undefined;

  constructor(level = DEFAULT_LEVEL) {
    this.#level = level;
  }

  /** `plain` is of 1 MiB at most. */
  compress(plain: Uint8Array): Buffer {
    if (!this.#isUsable()) return compressSync(plain, this.#level);
    this.#compressor ??= compressor(this.#level);
    const stored = this.#compressor.run(plain, constants.ZSTD_e_end, this.#output);
    if (stored !== undefined) return stored;
    this.#compressor = undefined;
    return compressSync(plain, this.#level);
  }

  /** The inverse; other than `plainBytes` bytes, 1 MiB at most, or a frame that is damaged is an error. */
  decompress(stored: Uint8Array, plainBytes: number): Buffer {
    if (this.#isUsable()) {
      this.#decompressor ??= decompressor();
      const plain = this.#decompressor.run(stored, constants.ZSTD_e_continue, this.#output);
      if (plain?.byteLength === plainBytes) return plain;
      // Its state is in the middle of a frame; the documented function says what is wrong.
      this.#decompressor = undefined;
    }
    const plain = decompressSync(stored, plainBytes);
    if (plain.byteLength === plainBytes) return plain;
    throw new DbadminError('repository-damaged', `${plain.byteLength} bytes came where ${plainBytes} belong`);
  }

  #isUsable(): boolean {
    this.#isKnownInside ??= isInsideKnown();
    return this.#isKnownInside;
  }
}

/** One context of zstd that does frame after frame. */
interface Context {
  /** What `input` becomes, or undefined when it failed or left a rest: the context is of no use then. */
  run(input: Uint8Array, flush: number, output: Buffer): Buffer | undefined;
}

function compressor(level: number): Context {
  return contextOf(createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }));
}

function decompressor(): Context {
  return contextOf(createZstdDecompress());
}

function contextOf(stream: object): Context {
  const { _handle: handle, _writeState: state } = stream as Inside;
  let failed = false;
  // Not an event: zlib calls it from inside of writeSync.
  Object.assign(handle, { onerror: () => void (failed = true) });
  return {
    run: (input, flush, output) => {
      handle.writeSync(flush, input, 0, input.byteLength, output, 0, output.byteLength);
      const [roomLeft = 0, inputLeft = 1] = state;
      return failed || inputLeft > 0 || roomLeft === 0 ? undefined : output.subarray(0, output.byteLength - roomLeft);
    },
  };
}

/** Whether two frames in a row come out of one context as the documented functions have them. */
function isInsideKnown(): boolean {
  try {
    const compress = compressor(DEFAULT_LEVEL);
    const decompress = decompressor();
    const output = Buffer.alloc(4096);
    for (const plain of [Buffer.alloc(2000, 'one and '), Buffer.alloc(1500, 'another ')]) {
      const stored = Buffer.from(compress.run(plain, constants.ZSTD_e_end, output) ?? []);
      if (!decompressSync(stored, plain.byteLength).equals(plain)) return false;
      if (decompress.run(stored, constants.ZSTD_e_continue, output)?.equals(plain) !== true) return false;
    }
    return true;
  } catch {
    return false;
  }
}

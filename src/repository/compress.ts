import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';

const compressRaw = promisify(zstdCompress);
const decompressRaw = promisify(zstdDecompress);

export const DEFAULT_LEVEL = 1;
/** Output is made in pieces of this; each costs a round trip through the thread pool, and Node's own 16 KiB are 64 for each MiB. */
const CHUNK_BYTES = 1024 * 1024;
const MIN_CHUNK_BYTES = 1024;

/** zstd in the thread pool: several calls at once use several cores. */
export async function compress(bytes: Uint8Array, level = DEFAULT_LEVEL): Promise<Buffer> {
  // With room for everything, as it is not all touched where little is needed: of several pieces one more is made in the end.
  const chunkSize = boundBytes(bytes);
  return await compressRaw(bytes, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** The plain bytes; more than `limitBytes` is an error, so that a damaged frame cannot fill the memory. */
export async function decompress(bytes: Uint8Array, limitBytes: number): Promise<Buffer> {
  return await decompressRaw(bytes, {
    chunkSize: Math.max(MIN_CHUNK_BYTES, Math.min(Math.max(CHUNK_BYTES, boundBytes(bytes)), limitBytes + 1)),
    maxOutputLength: Math.max(1, limitBytes),
  });
}

/** zstd in this thread. The output has room for everything at once: several times as fast as in pieces where little can be saved. */
export function compressSync(bytes: Uint8Array, level = DEFAULT_LEVEL): Buffer {
  const chunkSize = boundBytes(bytes);
  return zstdCompressSync(bytes, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** The inverse, likewise; `plainBytes` is what it must give at most. */
export function decompressSync(bytes: Uint8Array, plainBytes: number): Buffer {
  return zstdDecompressSync(bytes, { chunkSize: plainBytes + 64, maxOutputLength: Math.max(1, plainBytes) });
}

/** No less than what zstd makes of bytes that it cannot shorten. */
function boundBytes(bytes: Uint8Array): number {
  return bytes.byteLength + (bytes.byteLength >> 8) + 1024;
}

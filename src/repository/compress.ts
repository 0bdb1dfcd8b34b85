import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';

const compressRaw = promisify(zstdCompress);
const decompressRaw = promisify(zstdDecompress);

export const DEFAULT_LEVEL = 1;

/** zstd in the thread pool: several calls at once use several cores. */
export async function compress(bytes: Uint8Array, level = DEFAULT_LEVEL): Promise<Buffer> {
  return await compressRaw(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** The plain bytes; more than `limitBytes` is an error, so that a damaged frame cannot fill the memory. */
export async function decompress(bytes: Uint8Array, limitBytes: number): Promise<Buffer> {
  return await decompressRaw(bytes, { maxOutputLength: Math.max(1, limitBytes) });
}

/** zstd in this thread. The output has room for everything at once: several times as fast as in pieces where little can be saved. */
export function compressSync(bytes: Uint8Array, level = DEFAULT_LEVEL): Buffer {
  const chunkSize = bytes.byteLength + (bytes.byteLength >> 8) + 1024;
  return zstdCompressSync(bytes, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** The inverse, likewise; `plainBytes` is what it must give at most. */
export function decompressSync(bytes: Uint8Array, plainBytes: number): Buffer {
  return zstdDecompressSync(bytes, { chunkSize: plainBytes + 64, maxOutputLength: Math.max(1, plainBytes) });
}

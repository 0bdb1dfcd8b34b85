import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';

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

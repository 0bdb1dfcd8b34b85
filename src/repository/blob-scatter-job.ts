/** What a scatter tells its threads, and what they answer. */

/** Numbers for each blob of a job: where in the stored bytes it lies and how long it is there, plain bytes, flags, number in `packs`, pieces. */
export const BLOB_NUMBERS = 6;
export const FLAG_ZSTD = 1;
export const FLAG_ENCRYPTED = 2;
/** Numbers for each piece: offset in the blob, length, number in `files`, offset there, and where in memory it is gathered or {@link STRAIGHT}. */
export const PIECE_NUMBERS = 5;
/** Of a piece that goes into its file without being gathered. */
export const STRAIGHT = -1;
/** Numbers for each run: number in `files`, offset there, length, and where in memory it lies once all pieces are gathered. */
export const RUN_NUMBERS = 4;
/** Bytes of a blob's name. */
export const HASH_BYTES = 32;

export interface ScatterWorkerData {
  readonly repositoryKey: Uint8Array | undefined;
  readonly checksums: boolean;
  readonly systemIdentifier: string;
  /** What a window is about at most. */
  readonly windowBytes: number;
}

export interface FileToMake {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** A file that a window writes to; one that no other window does is made by it. */
export interface WindowFile extends FileToMake {
  readonly isMadeHere: boolean;
}

/** Opens stored blobs, gathers what is short in memory, and writes that and what is long into files. */
export interface WindowJob {
  readonly kind: 'window';
  readonly stored: SharedArrayBuffer;
  /** Names, 32 hex digits. */
  readonly packs: readonly string[];
  readonly files: readonly WindowFile[];
  /** {@link BLOB_NUMBERS} each. */
  readonly blobs: Uint32Array<ArrayBuffer>;
  /** {@link HASH_BYTES} for each blob. */
  readonly hashes: Uint8Array<ArrayBuffer>;
  /** {@link PIECE_NUMBERS} each, those of the first blob first. */
  readonly pieces: Float64Array<ArrayBuffer>;
  /** {@link RUN_NUMBERS} each. */
  readonly runs: Float64Array<ArrayBuffer>;
  readonly gatheredBytes: number;
}

export type ScatterJob = { readonly kind: 'make'; readonly files: readonly FileToMake[] } | WindowJob;

/** For each file of a window its part of the file's CRC-32C, where that is reckoned. */
export interface ScatterResult {
  readonly sums: Uint32Array<ArrayBuffer> | undefined;
}

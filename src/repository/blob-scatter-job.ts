/** What a scatter tells its threads, and what they answer. */

export const WRITE_NUMBERS = 6;

export interface ScatterWorkerData {
  readonly repositoryKey: Uint8Array | undefined;
  readonly checksums: boolean;
}

export interface FileToMake {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** A stored blob within the bytes of a job, and how many of the job's writes take from it. */
export interface ScatteredBlob {
  readonly hash: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly zstd: boolean;
  readonly encrypted: boolean;
  readonly writes: number;
}

export type ScatterJob =
  | { readonly kind: 'make'; readonly files: readonly FileToMake[] }
  | {
      readonly kind: 'write';
      /** The pack, 32 hex digits, and its key for messages. */
      readonly pack: string;
      readonly key: string;
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly blobs: readonly ScatteredBlob[];
      /**
       * {@link WRITE_NUMBERS} for each write: number in `paths`, offset there, length, offset in the blob, bytes of the file behind
       * it, and 1 where it is written in one with the write before and what lies between them.
       */
      readonly writes: Float64Array;
      readonly paths: readonly string[];
    };

/** For each write of a job its part of the file's CRC-32C, where that is reckoned. */
export interface ScatterResult {
  readonly sums: Uint32Array<ArrayBuffer> | undefined;
  /** The memory of the job's bytes, given back: in a thread it would wait long for the collector. */
  readonly memory: ArrayBuffer | undefined;
}

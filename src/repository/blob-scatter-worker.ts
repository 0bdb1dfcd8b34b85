import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { systemPath } from '../base/path-bytes.ts';
import { damaged } from './envelope.ts';
import { contentHash, decryptBlob, RepositoryKeys } from './keys.ts';
import { answerJobs } from './worker-answers.ts';
import { Zstd } from './zstd.ts';

/** The thread behind a scatter: makes files, opens stored blobs, and writes their bytes to where they belong. */

export interface ScatterWorkerData {
  readonly repositoryKey: Uint8Array | undefined;
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
      /** Four numbers for each write: number in `paths`, offset there, length, offset in the blob. */
      readonly writes: Float64Array;
      readonly paths: readonly string[];
    };

const WRITE_NUMBERS = 4;
const OPEN_FILES = 128;

const { repositoryKey } = workerData as ScatterWorkerData;
const sealing = { keys: repositoryKey === undefined ? undefined : new RepositoryKeys(repositoryKey) };
const zstd = new Zstd();
/** Descriptors by path, the one used last at the end. */
const open = new Map<string, number>();

answerJobs<ScatterJob, undefined, never>({
  work: (job) => {
    if (job.kind === 'make') for (const file of job.files) attempt(file.path, () => makeFile(file));
    else writeBlobs(job);
    return { result: undefined, transfer: [] };
  },
  learn: () => undefined,
});

function makeFile(file: FileToMake): void {
  const descriptor = openSync(systemPath(file.path), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, file.mode);
  try {
    // What no blob covers stays a hole.
    ftruncateSync(descriptor, file.sizeBytes);
    fchmodSync(descriptor, file.mode);
    if (file.owner !== undefined) fchownSync(descriptor, file.owner.uid, file.owner.gid);
  } finally {
    closeSync(descriptor);
  }
}

function writeBlobs(job: Extract<ScatterJob, { kind: 'write' }>): void {
  const bytes = Buffer.from(job.bytes.buffer, job.bytes.byteOffset, job.bytes.byteLength);
  let at = 0;
  for (const blob of job.blobs) {
    const plain = plainOf(blob, bytes.subarray(blob.offset, blob.offset + blob.storedBytes), job);
    for (let write = 0; write < blob.writes; write += 1, at += WRITE_NUMBERS) {
      const [file = 0, offset = 0, length = 0, from = 0] = job.writes.subarray(at, at + WRITE_NUMBERS);
      if (from + length > plain.byteLength) throw damaged(`blob ${blob.hash}`, 'The manifest asks for more than it holds.');
      const path = job.paths[file] ?? '';
      attempt(path, () => writeFully(descriptorOf(path), plain.subarray(from, from + length), offset));
    }
  }
}

function plainOf(blob: ScatteredBlob, stored: Buffer, { pack, key }: { readonly pack: string; readonly key: string }): Buffer {
  const clear = blob.encrypted ? decrypted(blob, stored, pack, key) : stored;
  let plain: Buffer;
  try {
    plain = blob.zstd ? zstd.decompress(clear, blob.plainBytes) : clear;
  } catch (error) {
    throw damaged(key, `Blob ${blob.hash} does not decompress: ${messageOf(error)}.`, error);
  }
  if (plain.byteLength !== blob.plainBytes || contentHash(sealing, plain).toString('hex') !== blob.hash)
    throw damaged(key, `Blob ${blob.hash} does not match its hash.`);
  return plain;
}

function decrypted(blob: ScatteredBlob, stored: Buffer, pack: string, key: string): Buffer {
  const secret = sealing.keys?.packKey(pack);
  const clear = secret === undefined ? undefined : decryptBlob(secret, Buffer.from(blob.hash, 'hex'), stored);
  if (clear === undefined) throw damaged(key, `Blob ${blob.hash} does not open with this repository's key.`);
  return clear;
}

function descriptorOf(path: string): number {
  let descriptor = open.get(path);
  if (descriptor === undefined) {
    const [oldest] = open.size < OPEN_FILES ? [] : open;
    if (oldest !== undefined) {
      open.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    descriptor = openSync(systemPath(path), constants.O_WRONLY);
  } else open.delete(path);
  open.set(path, descriptor);
  return descriptor;
}

function writeFully(descriptor: number, bytes: Buffer, offset: number): void {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(descriptor, bytes, done, bytes.byteLength - done, offset + done);
}

/** Says of which file the system spoke. */
function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new DbadminError(
      isFull ? 'storage-full' : 'file-unwritable',
      isFull ? `no space left while writing ${path}` : `cannot write ${path}`,
      { detail: `${messageOf(error)}.`, cause: error },
    );
  }
}

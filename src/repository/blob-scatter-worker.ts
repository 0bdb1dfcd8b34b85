import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { systemPath } from '../base/path-bytes.ts';
import { crc32c, joinedCrc32c, zerosCrc32c } from '../postgres/crc32c.ts';
import { damaged } from './envelope.ts';
import { contentHash, decryptBlob, RepositoryKeys } from './keys.ts';
import {
  WRITE_NUMBERS,
  type FileToMake,
  type ScatteredBlob,
  type ScatterJob,
  type ScatterResult,
  type ScatterWorkerData,
} from './blob-scatter-job.ts';
import { answerJobs } from './worker-answers.ts';
import { Zstd } from './zstd.ts';

/** The thread behind a scatter: makes files, opens stored blobs, and writes their bytes to where they belong. */

const OPEN_FILES = 128;
/**
 * Longer writes make Linux take large folios for the page cache, which on some machines are memory that was never touched:
 * 1.5 GB took 3 s of system time and 10 s in writes of 1 MiB, 0.5 s and 2.5 s in these.
 */
const WRITE_BYTES = 128 * 1024;

const { repositoryKey, checksums } = workerData as ScatterWorkerData;
const sealing = { keys: repositoryKey === undefined ? undefined : new RepositoryKeys(repositoryKey) };
const zstd = new Zstd();
/** Descriptors by path, the one used last at the end. */
const open = new Map<string, number>();

answerJobs<ScatterJob, ScatterResult, never>({
  work: (job) => {
    if (job.kind === 'write') {
      const sums = writeBlobs(job);
      const memory = job.bytes.buffer;
      return { result: { sums, memory }, transfer: sums === undefined ? [memory] : [memory, sums.buffer] };
    }
    for (const file of job.files) attempt(file.path, () => makeFile(file));
    return { result: { sums: undefined, memory: undefined }, transfer: [] };
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

function writeBlobs(job: Extract<ScatterJob, { kind: 'write' }>): Uint32Array<ArrayBuffer> | undefined {
  const bytes = Buffer.from(job.bytes.buffer, job.bytes.byteOffset, job.bytes.byteLength);
  const sums = checksums ? new Uint32Array(job.writes.length / WRITE_NUMBERS) : undefined;
  let write = 0;
  for (const blob of job.blobs) {
    const plain = plainOf(blob, bytes.subarray(blob.offset, blob.offset + blob.storedBytes), job);
    let begun = write;
    for (const end = write + blob.writes; write < end; write += 1) {
      const at = write * WRITE_NUMBERS;
      const length = job.writes[at + 2] ?? 0;
      const from = job.writes[at + 3] ?? 0;
      if (from + length > plain.byteLength) throw damaged(`blob ${blob.hash}`, 'The manifest asks for more than it holds.');
      if (sums !== undefined) sums[write] = sumAmongZeros(plain.subarray(from, from + length), job.writes[at + 4] ?? 0);
      if (write + 1 < end && job.writes[at + WRITE_NUMBERS + 5] === 1) continue;
      const first = begun * WRITE_NUMBERS;
      const path = job.paths[job.writes[first] ?? 0] ?? '';
      const part = plain.subarray(job.writes[first + 3] ?? 0, from + length);
      attempt(path, () => writeFully(descriptorOf(path), part, job.writes[first + 1] ?? 0));
      begun = write + 1;
    }
  }
  return sums;
}

/** What bytes add to the CRC-32C of a file that would be zeros without them; the additions of all parts are joined by XOR. */
function sumAmongZeros(part: Buffer, bytesBehind: number): number {
  return joinedCrc32c((crc32c(part) ^ zerosOf(part.byteLength)) >>> 0, 0, bytesBehind);
}

/** Most parts are of a few lengths. */
const zeros = new Map<number, number>();

function zerosOf(length: number): number {
  let sum = zeros.get(length);
  if (sum !== undefined) return sum;
  sum = zerosCrc32c(length);
  if (zeros.size < 1000) zeros.set(length, sum);
  return sum;
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
  for (let done = 0; done < bytes.byteLength;) {
    done += writeSync(descriptor, bytes, done, Math.min(WRITE_BYTES, bytes.byteLength - done), offset + done);
  }
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

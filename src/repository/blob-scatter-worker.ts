import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, openSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { systemPath } from '../base/path-bytes.ts';
import { writeFullySync } from '../base/write-fully.ts';
import { crc32c, joinedCrc32c, zerosCrc32c } from '../postgres/crc32c.ts';
import { damaged } from './envelope.ts';
import { contentHash, decryptBlob, RepositoryKeys } from './keys.ts';
import {
  BLOB_NUMBERS,
  FLAG_ENCRYPTED,
  FLAG_ZSTD,
  HASH_BYTES,
  PIECE_NUMBERS,
  RUN_NUMBERS,
  STRAIGHT,
  type FileToMake,
  type ScatterJob,
  type ScatterResult,
  type ScatterWorkerData,
  type WindowFile,
  type WindowJob,
} from './blob-scatter-job.ts';
import { packKey } from './layout.ts';
import { answerJobs } from './worker-answers.ts';
import { Zstd } from './zstd.ts';

/** The thread behind a scatter: makes files, opens stored blobs, and writes their bytes to where they belong. */

const OPEN_FILES = 128;
/**
 * Longer writes make Linux take large folios for the page cache, which on some machines are memory that was never touched:
 * 1.5 GB took 3 s of system time and 10 s in writes of 1 MiB, 0.5 s and 2.5 s in these.
 */
const WRITE_BYTES = 128 * 1024;

const { repositoryKey, checksums, systemIdentifier, windowBytes } = workerData as ScatterWorkerData;
const sealing = { keys: repositoryKey === undefined ? undefined : new RepositoryKeys(repositoryKey) };
const zstd = new Zstd();
/** Descriptors by path, the one used last at the end. */
const open = new Map<string, number>();
/** Where short pieces are gathered. */
let memory = Buffer.alloc(0);

answerJobs<ScatterJob, ScatterResult, never>({
  work: (job) => {
    if (job.kind === 'window') {
      const sums = writeWindow(job);
      return { result: { sums }, transfer: sums === undefined ? [] : [sums.buffer] };
    }
    for (const file of job.files) attempt(file.path, () => closeSync(makeFile(file)));
    return { result: { sums: undefined }, transfer: [] };
  },
  learn: () => undefined,
});

/** Gives the descriptor of a new file. */
function makeFile(file: FileToMake): number {
  const descriptor = openSync(systemPath(file.path), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, file.mode);
  try {
    // What no blob covers stays a hole.
    ftruncateSync(descriptor, file.sizeBytes);
    fchmodSync(descriptor, file.mode);
    if (file.owner !== undefined) fchownSync(descriptor, file.owner.uid, file.owner.gid);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function writeWindow(job: WindowJob): Uint32Array<ArrayBuffer> | undefined {
  const target = new WindowFiles(job.files);
  try {
    // All of it at once: of one that grows, what it was before stays behind in pieces that nothing fits into.
    if (memory.byteLength < job.gatheredBytes) memory = Buffer.allocUnsafeSlow(Math.max(windowBytes, job.gatheredBytes));
    openBlobs(job, target);
    for (let at = 0; at < job.runs.length; at += RUN_NUMBERS) {
      const from = job.runs[at + 3] ?? 0;
      target.write(job.runs[at] ?? 0, job.runs[at + 1] ?? 0, memory.subarray(from, from + (job.runs[at + 2] ?? 0)));
    }
    return target.sums;
  } finally {
    target.close();
  }
}

/** Opens each blob once, and puts its pieces where they belong: into memory, or straight into files. */
function openBlobs(job: WindowJob, target: WindowFiles): void {
  const { blobs, pieces } = job;
  let at = 0;
  for (let blob = 0; blob < blobs.length / BLOB_NUMBERS; blob += 1) {
    const plain = plainOf(job, blob);
    const end = at + (blobs[blob * BLOB_NUMBERS + 5] ?? 0) * PIECE_NUMBERS;
    for (; at < end; at += PIECE_NUMBERS) {
      const from = pieces[at] ?? 0;
      const to = from + (pieces[at + 1] ?? 0);
      const place = pieces[at + 4] ?? STRAIGHT;
      if (to > plain.byteLength) throw damaged(`blob ${hashOf(job, blob).toString('hex')}`, 'The manifest asks for more than it holds.');
      if (place === STRAIGHT) target.write(pieces[at + 2] ?? 0, pieces[at + 3] ?? 0, plain.subarray(from, to));
      else plain.copy(memory, place, from, to);
    }
  }
}

/** The files of a window, and what is known of their sums. */
class WindowFiles {
  readonly sums: Uint32Array<ArrayBuffer> | undefined;
  readonly #files: readonly WindowFile[];
  /** Descriptors of files that are made here. */
  readonly #made: (number | undefined)[] = [];

  constructor(files: readonly WindowFile[]) {
    this.#files = files;
    this.sums = checksums ? new Uint32Array(files.length) : undefined;
  }

  write(number: number, offset: number, bytes: Buffer): void {
    const file = this.#files[number];
    if (file === undefined) return;
    if (this.sums !== undefined)
      this.sums[number] = (this.sums[number] ?? 0) ^ sumAmongZeros(bytes, file.sizeBytes - offset - bytes.byteLength);
    attempt(file.path, () => {
      const descriptor = file.isMadeHere ? (this.#made[number] ??= makeFile(file)) : descriptorOf(file.path);
      writeFullySync(descriptor, bytes, offset, WRITE_BYTES);
    });
  }

  close(): void {
    for (const descriptor of this.#made) if (descriptor !== undefined) closeSync(descriptor);
  }
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

function hashOf(job: WindowJob, blob: number): Buffer {
  return Buffer.from(job.hashes.buffer, blob * HASH_BYTES, HASH_BYTES);
}

function plainOf(job: WindowJob, blob: number): Buffer {
  const [at = 0, storedBytes = 0, plainBytes = 0, flags = 0, pack = 0] = job.blobs.subarray(blob * BLOB_NUMBERS);
  const hash = hashOf(job, blob);
  const packName = job.packs[pack] ?? '';
  const complain = (problem: string, cause?: unknown): DbadminError =>
    damaged(packKey(systemIdentifier, packName), `Blob ${hash.toString('hex')} ${problem}.`, cause);
  const stored = Buffer.from(job.stored, at, storedBytes);
  const clear = (flags & FLAG_ENCRYPTED) === 0 ? stored : decrypted(stored, hash, packName);
  if (clear === undefined) throw complain("does not open with this repository's key");
  let plain: Buffer;
  try {
    plain = (flags & FLAG_ZSTD) === 0 ? clear : zstd.decompress(clear, plainBytes);
  } catch (error) {
    throw complain(`does not decompress: ${messageOf(error)}`, error);
  }
  if (plain.byteLength !== plainBytes || !contentHash(sealing, plain).equals(hash)) throw complain('does not match its hash');
  return plain;
}

function decrypted(stored: Buffer, hash: Buffer, pack: string): Buffer | undefined {
  const secret = sealing.keys?.packKey(pack);
  return secret === undefined ? undefined : decryptBlob(secret, hash, stored);
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

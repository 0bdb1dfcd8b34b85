import { isDbadminError, messageOf, type DbadminError } from '../base/errors.ts';
import type { BlobIndex, BlobPlace } from './blob-index.ts';
import { decompress } from './compress.ts';
import { scatterFiles, type ScatterOptions } from './blob-scatter.ts';
import { damaged } from './envelope.ts';
import { contentHash, decryptBlob } from './keys.ts';
import { packKey } from './layout.ts';
import type { Repository } from './repository.ts';
import { Zstd } from './zstd.ts';

/** Neighbouring blobs are fetched with one read while their content is no more than this. */
const COALESCED_BYTES = 8 * 1024 * 1024;
/** Reads begun before their turn: blobs that lie apart need not wait for each other. */
const READ_AHEAD = 4;

/** Reads blobs by hash; each is checked against its hash before anybody sees it. */
export class BlobReader {
  readonly #repository: Repository;
  readonly #systemIdentifier: string;
  readonly #index: BlobIndex;

  constructor(repository: Repository, systemIdentifier: string, index: BlobIndex) {
    this.#repository = repository;
    this.#systemIdentifier = systemIdentifier;
    this.#index = index;
  }

  /** Where a blob lies, as text that orders blobs the way they lie: for reading many with few reads. Empty when unknown. */
  orderOf(hash: string): string {
    const place = this.#index.find(hash);
    return place === undefined ? '' : `${place.pack}${place.offset.toString(16).padStart(8, '0')}`;
  }

  /** The pack a blob lies in. Empty when unknown. */
  packOf(hash: string): string {
    return this.#index.find(hash)?.pack ?? '';
  }

  /** Makes files and writes their content with threads; see {@link scatterFiles}. */
  async scatter(options: Omit<ScatterOptions, 'repository' | 'systemIdentifier' | 'index'>): Promise<void> {
    const [repository, systemIdentifier, index] = [this.#repository, this.#systemIdentifier, this.#index];
    await scatterFiles({ ...options, repository, systemIdentifier, index });
  }

  /**
   * The plain bytes of `hashes`, in order; neighbours in a pack come with one read.
   *
   * @throws {DbadminError} `repository-damaged` when one is in no index or does not match its hash; `storage-missing`.
   */
  async *readAll(hashes: readonly string[]): AsyncGenerator<Buffer> {
    const open = async (run: readonly BlobPlace[]): Promise<readonly Buffer[]> => {
      const stored = await this.#readRun(run);
      return await Promise.all(stored.map(async ({ bytes, place, key }) => await openBlob(this.#repository, bytes, place, key)));
    };
    for await (const run of ahead(this.#runs(hashes), open)) yield* run;
  }

  /**
   * The same for many small ones, of which each is done with before the next is asked for: it is a view of memory that is used
   * again. Opened in this thread: making what the thread pool needs for a blob takes longer than opening a small one.
   */
  async *viewAll(hashes: readonly string[]): AsyncGenerator<Buffer> {
    const zstd = new Zstd();
    for await (const run of ahead(this.#runs(hashes), async (places) => await this.#readRun(places)))
      for (const stored of run) yield openWith(zstd, this.#repository, stored);
  }

  /**
   * Reads blobs only to see whether they are whole: some at a time, with how many bytes of the repository they were and which of
   * them are not. One that is broken hides no other.
   *
   * @throws {DbadminError} where the storage does not answer; `interrupted`.
   */
  async *checkAll(hashes: readonly string[], signal: AbortSignal): AsyncGenerator<CheckedBlobs> {
    yield* ahead(this.#runs(hashes), async (run) => ({
      storedBytes: run.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
      faults: await this.#faultsOf(run, signal),
    }));
  }

  async #faultsOf(run: readonly BlobPlace[], signal: AbortSignal): Promise<readonly BlobFault[]> {
    signal.throwIfAborted();
    let stored: readonly StoredBlob[];
    try {
      stored = await this.#readRun(run, signal);
    } catch (error) {
      const [first] = run;
      if (!isOfOneObject(error) || first === undefined) throw error;
      // Which of them cannot be read, each by itself says.
      if (run.length === 1) return [{ place: first, error }];
      const faults: BlobFault[] = [];
      for (const place of run) faults.push(...(await this.#faultsOf([place], signal)));
      return faults;
    }
    const found = await Promise.all(
      stored.map(async ({ bytes, place, key }) => {
        try {
          await openBlob(this.#repository, bytes, place, key);
          return [];
        } catch (error) {
          if (!isOfOneObject(error)) throw error;
          return [{ place, error }];
        }
      }),
    );
    return found.flat();
  }

  async #readRun(run: readonly BlobPlace[], signal?: AbortSignal): Promise<readonly StoredBlob[]> {
    const first = run[0];
    const last = run.at(-1);
    if (first === undefined || last === undefined) return [];
    const key = packKey(this.#systemIdentifier, first.pack);
    const read = await this.#repository.store.readRange(key, first.offset, last.offset + last.storedBytes - first.offset, signal);
    const buffer = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    return run.map((place) => {
      const at = place.offset - first.offset;
      return { place, key, bytes: buffer.subarray(at, at + place.storedBytes) };
    });
  }

  #runs(hashes: readonly string[]): readonly (readonly BlobPlace[])[] {
    const runs: BlobPlace[][] = [];
    let plainBytes = 0;
    for (const hash of hashes) {
      const place = this.#index.find(hash);
      if (place === undefined) throw damaged(`blob ${hash}`, 'No index of the repository knows it.');
      const run = runs.at(-1);
      const previous = run?.at(-1);
      plainBytes += place.plainBytes;
      if (run !== undefined && previous !== undefined && adjoins(previous, place) && plainBytes <= COALESCED_BYTES) run.push(place);
      else {
        runs.push([place]);
        plainBytes = place.plainBytes;
      }
    }
    return runs;
  }
}

function adjoins(before: BlobPlace, place: BlobPlace): boolean {
  return before.pack === place.pack && before.offset + before.storedBytes === place.offset;
}

/** Some blobs that were looked at. */
export interface CheckedBlobs {
  readonly storedBytes: number;
  readonly faults: readonly BlobFault[];
}

/** A blob that is not whole, and why. */
export interface BlobFault {
  readonly place: BlobPlace;
  readonly error: DbadminError;
}

function isOfOneObject(error: unknown): error is DbadminError {
  return isDbadminError(error, 'repository-damaged') || isDbadminError(error, 'storage-missing');
}

interface StoredBlob {
  readonly place: BlobPlace;
  /** Its pack's, for messages. */
  readonly key: string;
  readonly bytes: Buffer;
}

/** What `work` makes of each of `runs`, in order, begun before its turn. */
async function* ahead<Result>(
  runs: Iterable<readonly BlobPlace[]>,
  work: (run: readonly BlobPlace[]) => Promise<Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  try {
    for (const run of runs) {
      const working = work(run);
      // Told when its turn comes.
      working.catch(() => undefined);
      begun.push(working);
      if (begun.length < READ_AHEAD) continue;
      const first = begun.shift();
      if (first !== undefined) yield await first;
    }
    for (let first = begun.shift(); first !== undefined; first = begun.shift()) yield await first;
  } finally {
    await Promise.allSettled(begun);
  }
}

/**
 * The plain bytes of a blob from its stored bytes, checked against its name. `key` is its pack's, for messages.
 *
 * @throws {DbadminError} `repository-damaged`.
 */
export async function openBlob(repository: Repository, stored: Buffer, place: BlobPlace, key: string): Promise<Buffer> {
  const compressed = place.encrypted ? decryptStored(repository, stored, place, key) : stored;
  let plain: Buffer;
  try {
    plain = place.zstd ? await decompress(compressed, place.plainBytes) : compressed;
  } catch (error) {
    throw undecompressed(place, key, error);
  }
  checkPlain(repository, plain, place, key);
  return plain;
}

/** The same in this thread; what is given may be a view of the memory of `zstd`. */
function openWith(zstd: Zstd, repository: Repository, { bytes, place, key }: StoredBlob): Buffer {
  const compressed = place.encrypted ? decryptStored(repository, bytes, place, key) : bytes;
  let plain: Buffer;
  try {
    plain = place.zstd ? zstd.decompress(compressed, place.plainBytes) : compressed;
  } catch (error) {
    throw undecompressed(place, key, error);
  }
  checkPlain(repository, plain, place, key);
  return plain;
}

function undecompressed({ hash }: BlobPlace, key: string, error: unknown): DbadminError {
  return damaged(key, `Blob ${hash} does not decompress: ${messageOf(error)}.`, error);
}

function checkPlain(repository: Repository, plain: Buffer, place: BlobPlace, key: string): void {
  if (plain.byteLength !== place.plainBytes || contentHash(repository, plain).toString('hex') !== place.hash)
    throw damaged(key, `Blob ${place.hash} does not match its hash.`);
}

function decryptStored(repository: Repository, stored: Buffer, place: BlobPlace, key: string): Buffer {
  const packSecret = repository.keys?.packKey(place.pack);
  const plain = packSecret === undefined ? undefined : decryptBlob(packSecret, Buffer.from(place.hash, 'hex'), stored);
  if (plain === undefined) throw damaged(key, `Blob ${place.hash} does not open with this repository's key.`);
  return plain;
}

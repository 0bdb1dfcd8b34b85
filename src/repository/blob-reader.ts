import { messageOf } from '../base/errors.ts';
import type { BlobIndex, BlobPlace } from './blob-index.ts';
import { decompress } from './compress.ts';
import { scatterFiles, type ScatterOptions } from './blob-scatter.ts';
import { damaged } from './envelope.ts';
import { contentHash, decryptBlob } from './keys.ts';
import { packKey } from './layout.ts';
import type { Repository } from './repository.ts';

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
    const begun: Promise<readonly Buffer[]>[] = [];
    try {
      for (const run of this.#runs(hashes)) {
        const opening = this.#openRun(run);
        // Told when its turn comes.
        opening.catch(() => undefined);
        begun.push(opening);
        if (begun.length >= READ_AHEAD) yield* (await begun.shift()) ?? [];
      }
      while (begun.length > 0) yield* (await begun.shift()) ?? [];
    } finally {
      await Promise.allSettled(begun);
    }
  }

  async #openRun(run: readonly BlobPlace[]): Promise<readonly Buffer[]> {
    const first = run[0];
    const last = run.at(-1);
    if (first === undefined || last === undefined) return [];
    const key = packKey(this.#systemIdentifier, first.pack);
    const bytes = await this.#repository.store.readRange(key, first.offset, last.offset + last.storedBytes - first.offset);
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return await Promise.all(
      run.map(async (place) => {
        const at = place.offset - first.offset;
        return await openBlob(this.#repository, buffer.subarray(at, at + place.storedBytes), place, key);
      }),
    );
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
    throw damaged(key, `Blob ${place.hash} does not decompress: ${messageOf(error)}.`, error);
  }
  if (plain.byteLength !== place.plainBytes || contentHash(repository, plain).toString('hex') !== place.hash)
    throw damaged(key, `Blob ${place.hash} does not match its hash.`);
  return plain;
}

function decryptStored(repository: Repository, stored: Buffer, place: BlobPlace, key: string): Buffer {
  const packSecret = repository.keys?.packKey(place.pack);
  const plain = packSecret === undefined ? undefined : decryptBlob(packSecret, Buffer.from(place.hash, 'hex'), stored);
  if (plain === undefined) throw damaged(key, `Blob ${place.hash} does not open with this repository's key.`);
  return plain;
}

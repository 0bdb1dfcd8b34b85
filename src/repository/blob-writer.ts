import { randomBytes } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';
import { writeIndex, type BlobIndex, type IndexedPack } from './blob-index.ts';
import { compress } from './compress.ts';
import { contentHash, encryptBlob } from './keys.ts';
import { packKey, packPrefix } from './layout.ts';
import type { Repository } from './repository.ts';
import { encodeFooter, MAX_BLOB_BYTES, PACK_START, type PackedBlob } from './pack.ts';

const PACK_BYTES = 32 * 1024 * 1024;
/** Blobs being compressed at once: the thread pool's size. */
const COMPRESSING = 4;

export interface WrittenBlobs {
  readonly packs: readonly string[];
  readonly newBlobs: number;
  /** Bytes of packs written: what this run cost in the repository. */
  readonly storedBytes: number;
}

/**
 * Stores blobs that the lineage has not got, in packs; the rest costs a hash.
 *
 * Call {@link BlobWriter.put} for each blob, then {@link BlobWriter.finish}, which writes the index. Until then nothing of
 * it is visible. After an error the writer is dead: every call throws that error.
 */
export class BlobWriter {
  readonly #repository: Repository;
  readonly #systemIdentifier: string;
  readonly #known: BlobIndex;
  readonly #pending = new Set<string>();
  readonly #adoptedPacks = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #packs: IndexedPack[] = [];
  #open: OpenPack = openPack();
  #upload: Promise<void> = Promise.resolve();
  #failure: unknown;
  #newBlobs = 0;
  #storedBytes = 0;

  constructor(repository: Repository, systemIdentifier: string, known: BlobIndex) {
    this.#repository = repository;
    this.#systemIdentifier = systemIdentifier;
    this.#known = known;
  }

  /**
   * Takes up to 1 MiB of plain bytes, which the caller must not touch again, and gives their hash (64 hex digits).
   * Resolves once there is room for more, which is before they are stored.
   */
  async put(plain: Buffer): Promise<string> {
    if (plain.byteLength > MAX_BLOB_BYTES) throw new DbadminError('internal', `blob of ${plain.byteLength} bytes is too large`);
    const hash = contentHash(this.#repository, plain).toString('hex');
    const place = this.#known.find(hash);
    if (place !== undefined) this.#adoptedPacks.add(place.pack);
    if (place !== undefined || this.#pending.has(hash)) return hash;
    this.#pending.add(hash);
    while (this.#running.size >= COMPRESSING) await Promise.race(this.#running);
    this.#check();
    const work: Promise<void> = this.#append(hash, plain).then(
      () => void this.#running.delete(work),
      (error: unknown) => {
        this.#running.delete(work);
        this.#failure ??= error;
      },
    );
    this.#running.add(work);
    return hash;
  }

  /** Stores what is left and the index, and makes sure that every pack relied upon is still there. */
  async finish(indexName: string): Promise<WrittenBlobs> {
    await Promise.all(this.#running);
    this.#check();
    if (this.#open.blobs.length > 0) this.#closePack();
    await this.#upload;
    this.#check();
    await this.#verifyAdopted();
    if (this.#packs.length > 0) await writeIndex(this.#repository, this.#systemIdentifier, indexName, this.#packs);
    return { packs: this.#packs.map(({ pack }) => pack), newBlobs: this.#newBlobs, storedBytes: this.#storedBytes };
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async #append(hash: string, plain: Buffer): Promise<void> {
    const compressed = await compress(plain);
    const zstd = compressed.byteLength < plain.byteLength;
    const { keys } = this.#repository;
    const stored = zstd ? compressed : plain;
    const body = keys === undefined ? stored : encryptBlob(keys.packKey(this.#open.pack), Buffer.from(hash, 'hex'), stored);
    this.#newBlobs += 1;
    this.#open.blobs.push({
      hash,
      offset: this.#open.sizeBytes,
      storedBytes: body.byteLength,
      plainBytes: plain.byteLength,
      zstd,
      encrypted: keys !== undefined,
    });
    this.#open.bodies.push(body);
    this.#open.sizeBytes += body.byteLength;
    if (this.#open.sizeBytes >= PACK_BYTES) {
      const previous = this.#upload;
      this.#closePack();
      // One pack on its way and one being filled: more would only cost memory.
      await previous;
    }
  }

  #closePack(): void {
    const { pack, blobs, bodies } = this.#open;
    this.#open = openPack();
    const pieces = [PACK_START, ...bodies, encodeFooter(blobs)];
    const sizeBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const previous = this.#upload;
    this.#upload = (async () => {
      await previous;
      if (this.#failure !== undefined) return;
      await this.#repository.store.create(packKey(this.#systemIdentifier, pack), { stream: inPieces(pieces), sizeBytes });
      this.#packs.push({ pack, blobs });
      this.#storedBytes += sizeBytes;
    })().catch((error: unknown) => void (this.#failure ??= error));
  }

  async #verifyAdopted(): Promise<void> {
    if (this.#adoptedPacks.size === 0) return;
    const missing = new Set(this.#adoptedPacks);
    for await (const object of this.#repository.store.list(packPrefix(this.#systemIdentifier))) missing.delete(object.key.slice(-32));
    const [first] = missing;
    if (first === undefined) return;
    throw new DbadminError('repository-damaged', `pack ${first} is listed in an index and not in ${this.#repository.store.description}`, {
      detail: `${missing.size} pack${missing.size === 1 ? ' is' : 's are'} missing that this backup would rely on.`,
      hint: 'Restore the missing objects from a copy, or remove the index objects that name them, and run the backup again.',
    });
  }
}

interface OpenPack {
  readonly pack: string;
  readonly blobs: PackedBlob[];
  readonly bodies: Buffer[];
  sizeBytes: number;
}

function openPack(): OpenPack {
  return { pack: randomBytes(16).toString('hex'), blobs: [], bodies: [], sizeBytes: PACK_START.byteLength };
}

async function* inPieces(pieces: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}

import { randomBytes } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';
import { NumberRows } from '../base/number-rows.ts';
import { writeIndexOf, type BlobIndex } from './blob-index.ts';
import { packKey } from './layout.ts';
import { verifyPacks } from './marks.ts';
import { encodeFooter, PACK_START } from './pack.ts';
import type { Repository } from './repository.ts';

/** A pack is closed with this or a little more in it. */
const PACK_BYTES = 16 * 1024 * 1024;
/** One pack is filled while another is stored. */
const ARENAS = 2;
/** Short writes are the faster ones: see blob-scatter-worker.ts. */
const PIECE_BYTES = 256 * 1024;

/** Where blobs go: a lineage in a repository, and what it has. */
export interface BlobTarget {
  readonly repository: Repository;
  readonly systemIdentifier: string;
  /** Gets what is stored, too. */
  readonly known: BlobIndex;
}

export interface WrittenBlobs {
  readonly packs: readonly string[];
  /** Packs that were there already and hold blobs which were asked for again. */
  readonly adoptedPacks: readonly string[];
  readonly newBlobs: number;
  /** Bytes of packs written: what this run cost in the repository. */
  readonly storedBytes: number;
}

interface OpenPack {
  readonly name: string;
  readonly number: number;
  readonly arena: Buffer;
  /** Of its blobs, in the index of what the target has. */
  readonly entries: NumberRows;
  filled: number;
  /** Bytes that jobs on their way may still bring. */
  promised: number;
  isClosed: boolean;
}

/** The packs of one target: filled from memory, stored one after another, indexed in the end. */
export class PackWriter {
  readonly target: BlobTarget;
  readonly #onRoom: () => void;
  readonly #arenaBytes: number;
  readonly #firstOwnPack: number;
  readonly #adopted = new Set<number>();
  /** Numbers of the packs that are stored. */
  readonly #written: number[] = [];
  readonly #arenas: Buffer[] = [];
  readonly #packs = new Map<string, OpenPack>();
  #arenaCount = 0;
  #current: OpenPack | undefined;
  #upload: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #newBlobs = 0;
  #storedBytes = 0;

  /**
   * `promisedBytes` may be promised at a time, and have room above the size of a pack. `onRoom` is called when
   * {@link PackWriter.promise} may succeed again.
   */
  constructor(target: BlobTarget, promisedBytes: number, onRoom: () => void) {
    this.target = target;
    this.#arenaBytes = PACK_BYTES + promisedBytes;
    this.#onRoom = onRoom;
    this.#firstOwnPack = target.known.packCount;
  }

  /** Why this target is given up, if it is. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Nothing more is stored here. */
  giveUp(error: Error): void {
    this.#failure ??= error;
    this.#onRoom();
  }

  /** The name of a pack with room for `bytes`, kept until {@link PackWriter.settle}; undefined when all memory is in use. */
  promise(bytes: number): string | undefined {
    const pack = this.#packFor(bytes);
    if (pack === undefined) return undefined;
    pack.promised += bytes;
    return pack.name;
  }

  /** Notes that the target has a blob. */
  adopt(hash: Uint32Array): void {
    const pack = this.target.known.packOf(hash);
    if (pack >= 0 && pack < this.#firstOwnPack) this.#adopted.add(pack);
  }

  /** Takes a blob's stored bytes, which are copied, into a pack that was promised; nothing when it came meanwhile. */
  add(packName: string, hash: Uint32Array, stored: Buffer, blob: { readonly plainBytes: number; readonly zstd: boolean }): void {
    const pack = this.#packs.get(packName);
    if (this.#failure !== undefined || pack === undefined) return;
    if (this.target.known.packOf(hash) >= 0) {
      this.adopt(hash);
      return;
    }
    const entry = this.target.known.addBlob(hash, pack.number, {
      offset: PACK_START.byteLength + pack.filled,
      storedBytes: stored.byteLength,
      ...blob,
      encrypted: this.target.repository.keys !== undefined,
    });
    stored.copy(pack.arena, pack.filled);
    pack.filled += stored.byteLength;
    pack.entries.set(pack.entries.add(), 0, entry);
    this.#newBlobs += 1;
  }

  /** Gives back what was promised. */
  settle(packName: string, bytes: number): void {
    const pack = this.#packs.get(packName);
    if (pack === undefined) return;
    pack.promised -= bytes;
    if (pack.isClosed && pack.promised === 0) this.#store(pack);
  }

  /**
   * Stores what is left and the index, and makes sure that every pack relied upon is still there. All that was promised
   * must be settled.
   */
  async finish(indexName: string): Promise<WrittenBlobs> {
    await this.#storeLast();
    await this.#verifyAdopted();
    await this.#writeIndex(indexName);
    const { known } = this.target;
    return {
      packs: this.#written.map((pack) => known.packName(pack)),
      adoptedPacks: this.#adoptedNames(),
      newBlobs: this.#newBlobs,
      storedBytes: this.#storedBytes,
    };
  }

  /** Stores what is left and the index for the next run to find, whatever became of this one. All that was promised must be settled. */
  async keep(indexName: string): Promise<void> {
    await this.#storeLast();
    await this.#writeIndex(indexName);
  }

  async #storeLast(): Promise<void> {
    if (this.#current !== undefined) this.#close(this.#current);
    await this.#upload;
    this.#check();
  }

  async #writeIndex(name: string): Promise<void> {
    const { repository, systemIdentifier, known } = this.target;
    if (this.#written.length > 0) await writeIndexOf(repository, systemIdentifier, name, known, this.#written);
  }

  /** Waits for what is being stored. */
  async idle(): Promise<void> {
    await this.#upload;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #packFor(bytes: number): OpenPack | undefined {
    const current = this.#current;
    if (current !== undefined && current.filled + current.promised + bytes <= this.#arenaBytes) return current;
    if (current !== undefined) this.#close(current);
    const arena = this.#arenas.pop() ?? (this.#arenaCount < ARENAS ? this.#newArena() : undefined);
    if (arena === undefined) return undefined;
    const name = randomBytes(16).toString('hex');
    const number = this.target.known.addPack(name);
    this.#current = { name, number, arena, entries: new NumberRows(1), filled: 0, promised: 0, isClosed: false };
    this.#packs.set(name, this.#current);
    return this.#current;
  }

  #newArena(): Buffer {
    this.#arenaCount += 1;
    return Buffer.allocUnsafeSlow(this.#arenaBytes);
  }

  #close(pack: OpenPack): void {
    this.#current = undefined;
    pack.isClosed = true;
    if (pack.promised === 0) this.#store(pack);
  }

  #store(pack: OpenPack): void {
    this.#packs.delete(pack.name);
    const previous = this.#upload;
    this.#upload = this.#storeAfter(previous, pack);
  }

  async #storeAfter(previous: Promise<void>, pack: OpenPack): Promise<void> {
    await previous;
    try {
      if (pack.entries.count > 0 && this.#failure === undefined) await this.#create(pack);
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    }
    this.#arenas.push(pack.arena);
    this.#onRoom();
  }

  async #create(pack: OpenPack): Promise<void> {
    const { repository, systemIdentifier } = this.target;
    const entries = Uint32Array.from({ length: pack.entries.count }, (_, n) => pack.entries.get(n, 0));
    const footer = encodeFooter(this.target.known.blobsOf(entries));
    const sizeBytes = PACK_START.byteLength + pack.filled + footer.byteLength;
    const stream = { [Symbol.asyncIterator]: () => inPieces(pack.arena.subarray(0, pack.filled), footer) };
    await repository.store.create(packKey(systemIdentifier, pack.name), { stream, sizeBytes, replayable: true });
    this.#written.push(pack.number);
    this.#storedBytes += sizeBytes;
  }

  async #verifyAdopted(): Promise<void> {
    const { repository, systemIdentifier, known } = this.target;
    const unlisted = [...this.#adopted].find((pack) => !known.isListed(pack));
    // Verify would find the pack, and a restore nothing in it.
    if (unlisted !== undefined) throw new DbadminError('internal', `pack ${known.packName(unlisted)} is relied on and no index lists it`);
    await verifyPacks(repository, systemIdentifier, new Set(this.#adoptedNames()));
  }

  #adoptedNames(): readonly string[] {
    return [...this.#adopted].map((number) => this.target.known.packName(number));
  }
}

async function* inPieces(content: Buffer, footer: Buffer): AsyncGenerator<Uint8Array> {
  yield PACK_START;
  for (let at = 0; at < content.byteLength; at += PIECE_BYTES) yield content.subarray(at, at + PIECE_BYTES);
  yield footer;
}

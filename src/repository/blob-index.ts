import { isDbadminError } from '../base/errors.ts';
import type { Listed } from '../base/listed.ts';
import { damaged, sealAtHand, unsealStream } from './envelope.ts';
import { BlobsOfEntries } from './blobs-of-entries.ts';
import { BlobTable, hexWords, wordsAt, type SharedTable } from './blob-table.ts';
import { listIndexes } from './index-keys.ts';
import { indexPrefix } from './layout.ts';
import { findGonePacks, readMarks } from './marks.ts';
import { decodeEntries, encodeEntries, entriesBytes, entryPlace, entryStart, type PackedBlob } from './pack.ts';
import type { Repository } from './repository.ts';

const PACK_NAME_BYTES = 16;
const LOAD_ATTEMPTS = 10;
const HEAD_BYTES = PACK_NAME_BYTES + 4;

/** Where a blob lies: which pack, and where in it. */
export interface BlobPlace extends PackedBlob {
  /** 32 hex digits. */
  readonly pack: string;
}

/** A pack and what it holds, as an index object lists it. */
export interface IndexedPack extends PackContent {
  readonly blobs: readonly PackedBlob[];
}

/** The same for who goes through the blobs once. */
export interface PackContent {
  readonly pack: string;
  readonly blobs: Listed<PackedBlob>;
}

export interface LoadIndexOptions {
  /** Names of packs whose content counts as absent: they are about to be deleted. */
  readonly skipPacks?: ReadonlySet<string>;
}

/** Which content a lineage has and where, from all its index objects: about 60 bytes for each blob. */
export class BlobIndex {
  /** Keys of index objects that could not be read: what only they name seems not to be there. */
  readonly damaged: ReadonlySet<string>;
  readonly #untrusted = new Set<string>();
  /** Entries from here on come from those. */
  #firstUntrusted = Number.POSITIVE_INFINITY;
  /** Whether something lies in two packs that a reader may take it from. */
  #hasChoice = false;
  readonly #table = new BlobTable();
  readonly #packs: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  /** Packs that were added to and that no index object lists yet. */
  readonly #unlisted = new Set<number>();

  constructor(damagedKeys: ReadonlySet<string> = new Set()) {
    this.damaged = damagedKeys;
  }

  /**
   * Reads every index object of the lineage. Damaged ones are passed over: where the storage has locked one, it stays for weeks, and
   * what it named may be in others since. Content that only they name then seems missing: who writes stores it again, and who reads
   * fails by its name. Content of packs that are marked, or not there though an index names them, is taken from elsewhere where it can be.
   *
   * In an encrypted repository an index that is not encrypted only tells of what no other names, and nothing to a writer, who gives
   * `skipPacks`: he would rely on content that maybe nobody stored.
   */
  static async load(repository: Repository, systemIdentifier: string, options: LoadIndexOptions = {}): Promise<BlobIndex> {
    let damagedKeys: ReadonlySet<string> = new Set();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await BlobIndex.#loadAround(repository, systemIdentifier, options, damagedKeys);
      } catch (error) {
        if (attempt === LOAD_ATTEMPTS) throw error;
        // What a damaged index said before its damage was found is not to be believed: all begins anew, without it.
        if (isDbadminError(error, 'repository-damaged')) damagedKeys = await findDamagedIndexes(repository, systemIdentifier);
        // Collection writes indexes anew and deletes the old ones: what was listed may be gone.
        else if (!isDbadminError(error, 'storage-missing')) throw error;
      }
    }
  }

  /** Around packs that are marked or gone. Where nothing lies in two packs there is no choice, and nobody looks which are there. */
  static async #loadAround(
    repository: Repository,
    systemIdentifier: string,
    { skipPacks }: LoadIndexOptions,
    damagedKeys: ReadonlySet<string>,
  ): Promise<BlobIndex> {
    if (skipPacks !== undefined) return await BlobIndex.#loadOnce(repository, systemIdentifier, skipPacks, true, damagedKeys);
    const marked = await readMarks(repository, systemIdentifier);
    const index = await BlobIndex.#loadOnce(repository, systemIdentifier, marked, false, damagedKeys);
    const gone = index.#hasChoice ? await findGonePacks(repository, systemIdentifier, index.#packs) : new Set<string>();
    if (gone.size === 0) return index;
    return await BlobIndex.#loadOnce(repository, systemIdentifier, new Set([...marked, ...gone]), false, damagedKeys);
  }

  /** Packs that are `last` only tell what no other does; with `isWriter` nothing. */
  static async #loadOnce(
    repository: Repository,
    systemIdentifier: string,
    last: ReadonlySet<string>,
    isWriter: boolean,
    damagedKeys: ReadonlySet<string>,
  ): Promise<BlobIndex> {
    const index = new BlobIndex(damagedKeys);
    let keys = (await listIndexes(repository, systemIdentifier)).filter((key) => !damagedKeys.has(key));
    for (const trusted of [true, false]) {
      let hasLast = false;
      const untrusted = await eachPack(repository, keys, trusted, (pack) => {
        if (last.has(pack.pack)) hasLast = true;
        else if (index.#addEncoded(pack)) index.#hasChoice = true;
      });
      for (const key of untrusted) index.#untrusted.add(key);
      if (isWriter) return index;
      if (hasLast) await eachPack(repository, keys, trusted, (pack) => void (last.has(pack.pack) && index.#addEncoded(pack)));
      if (trusted) index.#firstUntrusted = index.size;
      keys = untrusted;
    }
    return index;
  }

  /** Keys of index objects that are not encrypted where others are: a reader has from them what no other names, a writer nothing. */
  get untrusted(): ReadonlySet<string> {
    return this.#untrusted;
  }

  /** Whether the blob of an entry is in an index that is {@link BlobIndex.untrusted}, and in no other. */
  isUntrusted(entry: number): boolean {
    return entry >= this.#firstUntrusted;
  }

  /** {@link BlobIndex.add} without an object for each blob; says whether another pack has any of them. */
  #addEncoded({ pack, count, entries }: EncodedPack): boolean {
    const number = this.addPack(pack);
    let isElsewhere = false;
    for (let n = 0; n < count; n += 1) {
      const words = wordsAt(entries, entryStart(n));
      const entry = this.#table.entryOf(words);
      if (entry < 0) this.#table.add(words, number, entryPlace(entries, n));
      else isElsewhere ||= this.#table.placeOf(entry).pack !== number;
    }
    return isElsewhere;
  }

  add(pack: IndexedPack): void {
    const number = this.addPack(pack.pack);
    for (const blob of pack.blobs) {
      const words = hexWords(blob.hash);
      if (this.#table.entryOf(words) < 0) this.#table.add(words, number, blob);
    }
  }

  find(hash: string): BlobPlace | undefined {
    const entry = this.entryOf(hash);
    return entry < 0 ? undefined : this.placeAt(entry, hash);
  }

  /** The number of a blob's entry, which it keeps; -1 when it is not known. */
  entryOf(hash: string): number {
    return this.#table.entryOf(hexWords(hash));
  }

  /** Where the blob of an entry lies; `hash` is its name. */
  placeAt(entry: number, hash: string): BlobPlace {
    const { pack, ...place } = this.#table.placeOf(entry);
    return { hash, pack: this.#packs[pack] ?? '', ...place };
  }

  /** The name of an entry's blob: 64 hex digits. */
  hashOf(entry: number): string {
    return this.#table.hashOf(entry);
  }

  /** Where the blob of an entry lies, by the number of its pack. */
  measureOf(entry: number): { readonly pack: number } & Omit<PackedBlob, 'hash'> {
    return this.#table.placeOf(entry);
  }

  /** Writes the 32 bytes of an entry's name. */
  copyHash(entry: number, target: Uint8Array, at: number): void {
    this.#table.copyHash(entry, target, at);
  }

  /** A number that orders blobs as they lie: pack by pack, and by offset in each. */
  positionOf(entry: number): number {
    const { pack, offset } = this.#table.placeOf(entry);
    return pack * 2 ** 32 + offset;
  }

  get size(): number {
    return this.#table.size;
  }

  /** How many packs it knows; they are numbered from 0. */
  get packCount(): number {
    return this.#packs.length;
  }

  /** The name of a pack by its number here. */
  packName(number: number): string {
    return this.#packs[number] ?? '';
  }

  /** The number of the pack that holds a blob, or -1: {@link BlobIndex.find} for who has the hash as words. */
  packOf(hash: Uint32Array): number {
    const entry = this.#table.entryOf(hash);
    return entry < 0 ? -1 : this.#table.placeOf(entry).pack;
  }

  /** The number of a pack, which is given one if it has none. */
  addPack(pack: string): number {
    const known = this.#packNumbers.get(pack);
    if (known !== undefined) return known;
    this.#packNumbers.set(pack, this.#packs.length);
    return this.#packs.push(pack) - 1;
  }

  /** Adds one blob that {@link BlobIndex.packOf} does not know; gives the number of its entry. */
  addBlob(hash: Uint32Array, pack: number, blob: Omit<PackedBlob, 'hash'>): number {
    this.#unlisted.add(pack);
    return this.#table.add(hash, pack, blob);
  }

  /** Whether an index object lists what this knows of a pack: until one does, nobody else finds its blobs. */
  isListed(pack: number): boolean {
    return !this.#unlisted.has(pack);
  }

  /** Notes that an index object lists some packs. */
  list(packs: readonly number[]): void {
    for (const pack of packs) this.#unlisted.delete(pack);
  }

  /** The blobs of some entries, each made when it is asked for. */
  blobsOf(entries: Uint32Array): Listed<PackedBlob> {
    return new BlobsOfEntries(entries, (entry) => this.#blobOf(entry));
  }

  /** What some of the packs hold, by their numbers, one pack after another; to be gone through as often as needed. */
  contentOf(packs: readonly number[]): { readonly blobs: number; packs(): Iterable<PackContent> } {
    const { entries, ends } = this.#table.entriesOf(packs);
    return {
      blobs: entries.length,
      packs: () =>
        packs.values().map((pack, place) => ({
          pack: this.packName(pack),
          blobs: this.blobsOf(entries.subarray(ends[place - 1] ?? 0, ends[place])),
        })),
    };
  }

  #blobOf(entry: number): PackedBlob {
    const { pack: _, ...place } = this.#table.placeOf(entry);
    return { hash: this.hashOf(entry), ...place };
  }

  /** Its memory, for threads that look blobs up. */
  get shared(): SharedTable {
    return this.#table.shared;
  }
}

/**
 * The packs that one index object lists. Believe them only when the iteration ends without an error: the hash is checked at the end.
 * `onStart` is told before them whether anybody without the key of the repository could have written it.
 */
export async function* readIndex(
  repository: Repository,
  key: string,
  onStart?: (isTrusted: boolean) => unknown,
): AsyncGenerator<IndexedPack> {
  for await (const { pack, count, entries } of readEncoded(repository, key, onStart))
    yield { pack, blobs: decodeEntries(entries, count, key) };
}

/** Goes through the packs of indexes; gives the keys of those that are to be believed after the others, of which nothing was told. */
async function eachPack(
  repository: Repository,
  keys: readonly string[],
  trustedOnly: boolean,
  take: (pack: EncodedPack) => void,
): Promise<string[]> {
  const untrusted: string[] = [];
  for (const key of keys) {
    try {
      for await (const pack of readEncoded(repository, key, (isTrusted) => {
        if (trustedOnly && !isTrusted) throw new Untrusted();
      }))
        take(pack);
    } catch (error) {
      if (!(error instanceof Untrusted)) throw error;
      untrusted.push(key);
    }
  }
  return untrusted;
}

/** An index that is not encrypted, in an encrypted repository. */
class Untrusted extends Error {}

/** The indexes of a lineage that cannot be read to their end: their keys. */
export async function findDamagedIndexes(repository: Repository, systemIdentifier: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const { key } of repository.store.list(indexPrefix(systemIdentifier))) {
    try {
      for await (const _ of readEncoded(repository, key)) continue;
    } catch (error) {
      if (isDbadminError(error, 'repository-damaged')) keys.add(key);
      else if (!isDbadminError(error, 'storage-missing')) throw error;
    }
  }
  return keys;
}

/** A pack as an index object lists it, its entries as they are there: valid until the next is asked for. */
interface EncodedPack {
  readonly pack: string;
  readonly count: number;
  readonly entries: Buffer;
}

async function* readEncoded(repository: Repository, key: string, onStart?: (isTrusted: boolean) => unknown): AsyncGenerator<EncodedPack> {
  const stream = repository.store.readStream(key);
  const body = unsealStream(repository, 'index', stream, key, ({ encrypted }) => onStart?.(encrypted || repository.keys === undefined));
  yield* decodeIndex(body, key);
}

/** Writes one index object for the packs a run has stored. `name` is unique: UTC time and random digits. */
export async function writeIndex(
  repository: Repository,
  systemIdentifier: string,
  name: string,
  packs: readonly IndexedPack[],
): Promise<void> {
  const blobs = packs.reduce((sum, pack) => sum + pack.blobs.length, 0);
  await createIndex(repository, systemIdentifier, name, { packs: packs.length, blobs }, packs);
}

/** {@link writeIndex} of some packs of an index, by their numbers there; memory stays small however many blobs they have. */
export async function writeIndexOf(
  repository: Repository,
  systemIdentifier: string,
  name: string,
  index: BlobIndex,
  packs: readonly number[],
): Promise<void> {
  const content = index.contentOf(packs);
  await createIndex(repository, systemIdentifier, name, { packs: packs.length, blobs: content.blobs }, content.packs());
  index.list(packs);
}

async function createIndex(
  repository: Repository,
  systemIdentifier: string,
  name: string,
  header: { readonly packs: number; readonly blobs: number },
  packs: Iterable<PackContent>,
): Promise<void> {
  const body = await sealAtHand(repository, 'index', header, encodeIndex(packs));
  await repository.store.create(`${indexPrefix(systemIdentifier)}${name}`, body);
}

async function* encodeIndex(packs: Iterable<PackContent>): AsyncGenerator<Uint8Array> {
  for (const { pack, blobs } of packs) {
    const head = Buffer.alloc(HEAD_BYTES);
    head.write(pack, 0, 'hex');
    head.writeUInt32BE(blobs.length, PACK_NAME_BYTES);
    yield head;
    yield encodeEntries(blobs);
  }
}

async function* decodeIndex(body: AsyncIterable<Buffer>, name: string): AsyncGenerator<EncodedPack> {
  // Joined once, when all of a pack's entries have come: there may be a hundred thousand.
  let pieces: Buffer[] = [];
  let pieceBytes = 0;
  let neededBytes = HEAD_BYTES;
  for await (const chunk of body) {
    pieces.push(chunk);
    pieceBytes += chunk.byteLength;
    if (pieceBytes < neededBytes) continue;
    const pending = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    let at = 0;
    for (neededBytes = HEAD_BYTES; pending.byteLength >= at + HEAD_BYTES; neededBytes = HEAD_BYTES) {
      const count = pending.readUInt32BE(at + PACK_NAME_BYTES);
      neededBytes = HEAD_BYTES + entriesBytes(count);
      const end = at + neededBytes;
      if (pending.byteLength < end) break;
      yield { pack: pending.toString('hex', at, at + PACK_NAME_BYTES), count, entries: pending.subarray(at + HEAD_BYTES, end) };
      at = end;
    }
    pieces = [pending.subarray(at)];
    pieceBytes = pending.byteLength - at;
  }
  if (pieceBytes > 0) throw damaged(name, 'Its list of packs is cut short.');
}

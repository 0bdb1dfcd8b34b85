import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobPipeline } from '../../repository/blob-pipeline.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { runName } from '../../repository/collection.ts';
import { sharesNames } from '../../repository/keys.ts';
import { unreadIndexes } from '../../repository/lock-backup.ts';
import { readMarks } from '../../repository/marks.ts';
import type { Repository } from '../../repository/repository.ts';
import { Renames } from './renames.ts';
import { findDamaged, inspectSuspects } from './shared-content-inspect.ts';

/** Blobs read together: neighbours in a pack come with one read. */
const BATCH = 64;
/** After so much is stored an index is written, so that an interrupted run need not store it again. */
const CHECKPOINT_BYTES = 4 * 1024 ** 3;

export interface CopyOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly systemIdentifier: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What copying cost in the destination. */
export interface CopiedBlobs {
  readonly newBlobs: number;
  readonly storedBytes: number;
}

/** Copies blobs of one lineage into another repository, where it has not got them, under the names they have there. */
export class BlobCopy {
  readonly #options: CopyOptions;
  #source: BlobIndex;
  #reader: BlobReader;
  /** Packs of the source that are not there, and hold what lies nowhere else. */
  readonly #lost = new Set<string>();
  readonly #known: BlobIndex;
  /** Undefined where names are the same. */
  #renames: Renames | undefined;
  readonly #suspects: ReadonlySet<string>;
  readonly #relied = new Set<string>();
  /** What was asked for and lies in a pack of the destination that is suspect: its name there. */
  #doubtful = new Set<string>();
  #pipeline: BlobPipeline | undefined;
  #pending = new Set<string>();
  #sinceCheckpoint = 0;
  #newBlobs = 0;
  #storedBytes = 0;

  private constructor(options: CopyOptions, source: BlobIndex, known: BlobIndex, suspects: ReadonlySet<string>) {
    this.#options = options;
    this.#source = source;
    this.#reader = new BlobReader(options.from, options.systemIdentifier, source);
    this.#known = known;
    this.#suspects = suspects;
    this.#renames = sharesNames(options.from, options.to) ? undefined : new Renames();
  }

  /** To be opened with the destination's `backup` lease held; `source` is what the source has. */
  static async open(options: CopyOptions, source: BlobIndex): Promise<BlobCopy> {
    const { to, systemIdentifier } = options;
    const skipPacks = await readMarks(to, systemIdentifier);
    const known = await BlobIndex.load(to, systemIdentifier, { skipPacks });
    return new BlobCopy(options, source, known, await inspectSuspects(to, systemIdentifier, known));
  }

  /** Packs of the destination that what was asked for lies in, as far as they were there before. */
  get relied(): ReadonlySet<string> {
    return this.#relied;
  }

  /** Of the destination. */
  get unreadIndexes(): ReadonlySet<string> {
    return unreadIndexes(this.#known);
  }

  /** Indexes of the destination from which nothing is taken, though they can be read. */
  get untrustedIndexes(): ReadonlySet<string> {
    return this.#known.untrusted;
  }

  /** The name of a blob in the destination. */
  nameOf(hash: string): string {
    if (this.#renames === undefined) return hash;
    const name = this.#renames.get(hash);
    if (name === undefined) throw new DbadminError('internal', `blob ${hash} was not copied`);
    return name;
  }

  /** Whether two blobs may be the same: `length` bytes of a file, at the same place of it, are the whole of either. */
  areWhole(hash: string, name: string, length: number): boolean {
    return this.#source.find(hash)?.plainBytes === length && this.#known.find(name)?.plainBytes === length;
  }

  /** What blobs are called in the destination, learnt before anything is copied. */
  learn(names: Renames): void {
    if (this.#renames !== undefined) this.#renames = names;
  }

  /** Asks for a blob; what the destination has is not read. */
  async add(hash: string): Promise<void> {
    const name = this.#renames === undefined ? hash : this.#renames.get(hash);
    const place = name === undefined ? undefined : this.#known.find(name);
    if (place === undefined) this.#pending.add(hash);
    else {
      this.#relied.add(place.pack);
      if (this.#suspects.has(place.pack)) this.#doubtful.add(place.hash);
    }
    if (this.#pending.size >= BATCH) await this.#flush();
  }

  /** Stores what was asked for so far, with its index; gives what has been stored since the last call. */
  async finish(): Promise<CopiedBlobs> {
    await this.#flush();
    await this.#checkpoint();
    const copied = { newBlobs: this.#newBlobs, storedBytes: this.#storedBytes };
    this.#newBlobs = 0;
    this.#storedBytes = 0;
    return copied;
  }

  /**
   * What is wrong with content that was asked for since the last call and that the destination had: that of packs in which verifications
   * found damage is read. A full backup is taken for sound where it lies, so that nothing but the next verification would tell.
   */
  async findDamagedThere(): Promise<DbadminError | undefined> {
    const names = [...this.#doubtful];
    this.#doubtful = new Set();
    const { to, systemIdentifier, signal } = this.#options;
    return await findDamaged(to, { systemIdentifier, known: this.#known, signal }, names);
  }

  /** Forgets what was asked for and not yet read; what was stored stays, for whoever needs it next. */
  async abandon(): Promise<void> {
    this.#pending = new Set();
    await this.finish();
    this.#doubtful = new Set();
  }

  async close(): Promise<void> {
    await this.#pipeline?.close();
    this.#pipeline = undefined;
  }

  async #flush(): Promise<void> {
    const { signal, to, systemIdentifier } = this.#options;
    signal.throwIfAborted();
    const hashes = [...this.#pending].sort((a, b) => (this.#reader.orderOf(a) < this.#reader.orderOf(b) ? -1 : 1));
    this.#pending = new Set();
    if (hashes.length === 0) return;
    const pipeline = (this.#pipeline ??= new BlobPipeline([{ repository: to, systemIdentifier, known: this.#known }]));
    let next = 0;
    const copyRest = async (): Promise<void> => {
      for await (const plain of this.#reader.readAll(hashes.slice(next))) {
        const hash = hashes[next++] ?? '';
        this.#sinceCheckpoint += plain.byteLength;
        await pipeline.put(plain, ([name = '']) => this.#note(hash, name));
      }
    };
    try {
      await copyRest();
    } catch (error) {
      const hash = hashes[next];
      const pack = hash === undefined ? '' : this.#reader.packOf(hash);
      // Each backup that needs it meets it, and all indexes are much to read.
      if (hash === undefined || !isDbadminError(error, 'storage-missing') || this.#lost.has(pack)) throw error;
      await this.#lookAnew();
      if (this.#reader.packOf(hash) === pack) this.#lost.add(pack);
      await copyRest();
    }
    // Names must be known before the same blob is asked for again.
    if (this.#renames !== undefined) await this.#pipeline.drain();
    if (this.#sinceCheckpoint >= CHECKPOINT_BYTES) await this.#checkpoint();
  }

  /** A collection in the source, which waits for no reader, has written anew what is needed of a pack, and deleted that: it lies in another now. */
  async #lookAnew(): Promise<void> {
    const { from, systemIdentifier } = this.#options;
    this.#source = await BlobIndex.load(from, systemIdentifier);
    this.#reader = new BlobReader(from, systemIdentifier, this.#source);
  }

  /** Learns the name of a blob that was read: where names differ, the destination may turn out to have it. */
  #note(hash: string, name: string): void {
    this.#renames?.set(hash, name);
    if (this.#suspects.size > 0 && this.#suspects.has(this.#known.find(name)?.pack ?? '')) this.#doubtful.add(name);
  }

  async #checkpoint(): Promise<void> {
    const pipeline = this.#pipeline;
    if (pipeline === undefined) return;
    const [outcome] = await pipeline.finish(runName(this.#options.clock.now()));
    if (outcome?.kind !== 'stored') throw outcome?.error ?? new DbadminError('internal', 'the copy has no outcome');
    for (const pack of [...outcome.written.packs, ...outcome.written.adoptedPacks]) this.#relied.add(pack);
    this.#newBlobs += outcome.written.newBlobs;
    this.#storedBytes += outcome.written.storedBytes;
    this.#sinceCheckpoint = 0;
    await this.close();
  }
}

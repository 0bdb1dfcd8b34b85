import type { BlobPipeline, Room } from '../../repository/blob-pipeline.ts';
import { contentHash } from '../../repository/keys.ts';
import type { Repository } from '../../repository/repository.ts';
import { BlobTable } from './content-map.ts';
import type { DamagedContent } from './damaged-content.ts';
import { appendExtent, type ContentExtent } from './extents.ts';

/**
 * Changed pages of many files share blobs: together they compress better than alone. Small ones, because after many
 * incremental backups only some pages of each are still needed, and a blob is read whole.
 */
const SHARED_BLOB_BYTES = 128 * 1024;
/** As many whole pages as fit beside the mark. */
const MARKED_BLOB_BYTES = SHARED_BLOB_BYTES - 8192;

/** A blob that is being filled with pages of many files. */
interface SharedBlob {
  readonly blob: number;
  readonly room: Room;
  /** Whether it begins with the mark. */
  readonly isMarked: boolean;
  /** Handed over with this in it. */
  readonly fullBytes: number;
  filled: number;
}

/** A repository that blobs go to, and what is damaged there. */
export interface IntakeTarget {
  readonly repository: Repository;
  readonly damaged: DamagedContent;
}

/**
 * Blobs on their way into all repositories of a run. A blob has one number, known at once, and in each repository a name,
 * known once a thread has hashed it.
 */
export class BlobIntake {
  /** Names by number, for each repository. */
  readonly names: readonly BlobTable[];
  readonly #pipeline: BlobPipeline;
  readonly #targets: readonly IntakeTarget[];
  readonly #mark: Buffer;
  #shared: SharedBlob | undefined;
  #mustMark: boolean;

  /** `mark` is like no other: what was put apart in an attempt before may have been damaged since. */
  constructor(pipeline: BlobPipeline, targets: readonly IntakeTarget[], mark: string) {
    this.#pipeline = pipeline;
    this.#targets = targets;
    this.#mark = Buffer.from(mark);
    this.#mustMark = targets.some(({ damaged }) => !damaged.isEmpty);
    this.names = targets.map(() => new BlobTable());
  }

  /** Whether a repository has this content as a blob of its own and damaged: it must be put apart. */
  isDamaged(plain: Buffer): boolean {
    return this.#targets.some(({ repository, damaged }) => !damaged.isEmpty && damaged.has(contentHash(repository, plain).toString('hex')));
  }

  /** Room for a blob of up to `maxBytes`, to be given to {@link BlobIntake.submit} or released. */
  reserve(maxBytes: number): Room | Promise<Room> {
    return this.#pipeline.reserve(maxBytes);
  }

  /** Hands over the first `length` bytes of a room; gives the blob's number. */
  submit(room: Room, length: number): number {
    const blob = this.#number();
    this.#submitAs(blob, room, length);
    return blob;
  }

  /** Stores a copy of up to 1 MiB as a blob of its own. */
  async put(plain: Uint8Array): Promise<number> {
    const room = await this.reserve(plain.byteLength);
    room.bytes.set(plain);
    return this.submit(room, plain.byteLength);
  }

  /** Stores a copy of bytes that lie at `offset` of a file in blobs shared with others, and notes where in `extents`. */
  async putShared(offset: number, plain: Buffer, extents: ContentExtent[]): Promise<void> {
    for (let at = 0; at < plain.byteLength;) {
      const shared = (this.#shared ??= await this.#openShared());
      const length = Math.min(plain.byteLength - at, shared.fullBytes - shared.filled);
      // `set` of a typed array takes twice as long into shared memory.
      plain.copy(shared.room.bytes, shared.filled, at, at + length);
      appendExtent(extents, { offset: offset + at, length, blob: shared.blob, from: shared.filled });
      shared.filled += length;
      at += length;
      if (shared.filled === shared.fullBytes) this.closeShared();
    }
  }

  /**
   * The same in blobs that are like no other, since the mark comes first: where a blob is damaged, the same content under the
   * same name would be taken for what is there. Once there is such content, every shared blob has the mark.
   */
  async putApart(offset: number, plain: Buffer, extents: ContentExtent[]): Promise<void> {
    if (this.#shared?.isMarked !== true) this.closeShared();
    this.#mustMark = true;
    await this.putShared(offset, plain, extents);
  }

  /** Hands over the shared blob that is being filled. */
  closeShared(): void {
    const shared = this.#shared;
    this.#shared = undefined;
    if (shared !== undefined) this.#submitAs(shared.blob, shared.room, shared.filled);
  }

  async #openShared(): Promise<SharedBlob> {
    const [blob, room] = [this.#number(), await this.reserve(SHARED_BLOB_BYTES)];
    if (!this.#mustMark) return { blob, room, isMarked: false, fullBytes: SHARED_BLOB_BYTES, filled: 0 };
    const filled = this.#mark.copy(room.bytes);
    return { blob, room, isMarked: true, fullBytes: filled + MARKED_BLOB_BYTES, filled };
  }

  #number(): number {
    const [number = 0] = this.names.map((table) => table.add());
    return number;
  }

  #submitAs(blob: number, room: Room, length: number): void {
    room.submit(length, (hashes) => hashes.forEach((hash, repository) => this.names[repository]?.set(blob, hash)));
  }
}

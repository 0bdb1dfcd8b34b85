import { MAX_BLOB_BYTES } from '../../repository/pack.ts';
import { ParentAhead, stretchesOf } from './parent-ahead.ts';
import type { ContentMap } from './content-map.ts';
import { arrayOf, clipExtents } from './extents.ts';
import { KeptBlobs } from './kept-blobs.ts';
import type { ParentBlobs } from './parent-blobs.ts';

/** Reads back what the parent has of its files. */
export interface ParentBytes {
  /** What it has of a file from `offset`, zeros behind its end; undefined where that cannot be had, `damaged` where a repository is known to have it so. */
  read(file: number, offset: number, lengthBytes: number): Promise<Buffer | undefined | 'damaged'>;
  /** Resolves when nothing is being read any more. */
  close(): Promise<void>;
}

/** For whoever asks for all of it, stretch by stretch in the order of the files: it is read before its turn. */
export class AllParentBytes implements ParentBytes {
  readonly #parent: ContentMap;
  readonly #blobs: ParentBlobs;
  readonly #ahead: ParentAhead;

  /** `goesOn`: whether the end of one file is followed by the beginning of the next. */
  constructor(parent: ContentMap, blobs: ParentBlobs, goesOn = true) {
    this.#parent = parent;
    this.#blobs = blobs;
    this.#ahead = new ParentAhead(parent, blobs, stretchesOf(parent), goesOn);
  }

  async read(file: number, offset: number, lengthBytes: number): Promise<Buffer | undefined | 'damaged'> {
    if (file < 0 || offset >= this.#parent.sizeBytes(file)) return Buffer.alloc(lengthBytes);
    const { part, bytes } = await this.#ahead.read(file, offset);
    if (part.extents.some(({ blob }) => this.#blobs.isDamaged(blob))) return 'damaged';
    if (bytes === undefined || bytes.byteLength >= lengthBytes) return bytes;
    return Buffer.concat([bytes], lengthBytes);
  }

  async close(): Promise<void> {
    await this.#ahead.close();
  }
}

/** After so many stretches in a row of each of which a page or more was asked for, those that follow are read whole, before their turn. */
const STRETCHES_IN_ROW = 3;

/**
 * For whoever asks for some pages here and there: nothing but those is read. Where stretch after stretch has some, as after a night of
 * hints that were not logged, or when page checksums were switched on, one request for each would let the server wait for every answer.
 */
export class SomeParentBytes implements ParentBytes {
  readonly #parent: ContentMap;
  readonly #blobs: ParentBlobs;
  readonly #kept = new KeptBlobs();
  readonly #ahead: AllParentBytes;
  /** The stretch that was asked for last, and how many in a row it ends. */
  #last = { file: -1, start: 0, inRow: 0 };

  constructor(parent: ContentMap, blobs: ParentBlobs) {
    this.#parent = parent;
    this.#blobs = blobs;
    this.#ahead = new AllParentBytes(parent, blobs, false);
  }

  async read(file: number, offset: number, lengthBytes: number): Promise<Buffer | undefined | 'damaged'> {
    const start = offset - (offset % MAX_BLOB_BYTES);
    const last = this.#last;
    if (last.file !== file || last.start !== start)
      this.#last = { file, start, inRow: last.file === file && last.start + MAX_BLOB_BYTES === start ? last.inRow + 1 : 1 };
    if (this.#last.inRow <= STRETCHES_IN_ROW || offset + lengthBytes > start + MAX_BLOB_BYTES)
      return await this.#readThese(file, offset, lengthBytes);
    const stretch = await this.#ahead.read(file, start, offset + lengthBytes - start);
    if (stretch instanceof Buffer) return stretch.subarray(offset - start, offset - start + lengthBytes);
    // What cannot be had of the stretch may be no part of these pages.
    return await this.#readThese(file, offset, lengthBytes);
  }

  async #readThese(file: number, offset: number, lengthBytes: number): Promise<Buffer | undefined | 'damaged'> {
    const bytes = Buffer.alloc(lengthBytes);
    if (file < 0) return bytes;
    const extents = arrayOf((put) => clipExtents(this.#parent.extents(file), offset, offset + lengthBytes, put));
    const wanted = new Set(extents.map(({ blob }) => blob));
    const take = (blob: number, plain: Buffer): void => {
      let takenBytes = 0;
      for (const extent of extents)
        if (extent.blob === blob) takenBytes += plain.copy(bytes, extent.offset - offset, extent.from, extent.from + extent.length);
      wanted.delete(blob);
      if (takenBytes < plain.byteLength) this.#kept.keep(blob, plain);
    };
    const absent = [...wanted].filter((blob) => {
      const kept = this.#kept.get(blob);
      if (kept !== undefined) take(blob, kept);
      return kept === undefined;
    });
    await this.#blobs.readMany(absent, take);
    if (extents.some(({ blob }) => this.#blobs.isDamaged(blob))) return 'damaged';
    return wanted.size > 0 ? undefined : bytes;
  }

  async close(): Promise<void> {
    this.#kept.clear();
    await this.#ahead.close();
  }
}

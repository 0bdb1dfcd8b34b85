import { MAX_BLOB_BYTES } from '../../repository/pack.ts';
import type { ContentMap } from './content-map.ts';
import { arrayOf, clipExtents, type ContentExtent } from './extents.ts';
import { placesOfHashes } from './page-hashes.ts';
import { KeptBlobs } from './kept-blobs.ts';
import type { ParentBlobs } from './parent-blobs.ts';

/** A part of what the parent has of a file: `sizeBytes` from `offset`, which lie where `extents` say. */
export interface ParentPart {
  readonly file: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly extents: readonly ContentExtent[];
}

/** The parts of a file, in order, from the one that begins at `offset`. */
export type PartsOf = (file: number, offset: number) => Iterable<ParentPart>;

/** Put together with one look at the storage. Two are in memory: the one that is asked for, and the next. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** What a part counts for at least: a small one has its price, too. */
const LEAST_PART_BYTES = 4096;
/** A group that lies in so many blobs goes on to no further file. */
const GROUP_BLOBS = 256;
/** Some files go from one backup to the next: if no more are passed over, the cluster still comes in the order in which the parent came. */
const PASSED_OVER_FILES = 16;
/** So many files that came in order after one that did not are no accident any more. */
const FILES_IN_ORDER = 3;

interface Group {
  readonly parts: readonly ParentPart[];
  /** Where the next one begins; undefined where nobody knows which file comes then. */
  readonly goesOn: { readonly file: number; readonly offset: number } | undefined;
  readonly loaded: Promise<readonly LoadedPart[]>;
}

/** Undefined where a blob of it could not be had. */
type LoadedPart = Buffer | undefined;

/**
 * Reads back what the parent has, part by part, while the cluster is read: what is asked for next is asked of the storage before its
 * turn, and all blobs of a group at once. One request for each, one after the other, would let the server wait for every answer.
 *
 * The cluster comes in much the order in which the parent came. Where it does not, nothing of other files is read for nothing.
 */
export class ParentAhead {
  readonly #parent: ContentMap;
  readonly #blobs: ParentBlobs;
  readonly #partsOf: PartsOf;
  readonly #goesOn: boolean;
  readonly #kept = new KeptBlobs();
  /** One group is read at a time. */
  #reading: Promise<unknown> = Promise.resolve();
  #current: Group | undefined;
  #next: Group | undefined;
  /** The part of the current group that was asked for last. */
  #at = 0;
  #lastFile = -1;
  #filesInOrder = FILES_IN_ORDER;
  #isOver = false;

  /** `goesOn`: whether the end of one file is followed by the beginning of the next. */
  constructor(parent: ContentMap, blobs: ParentBlobs, partsOf: PartsOf, goesOn = true) {
    this.#parent = parent;
    this.#blobs = blobs;
    this.#partsOf = partsOf;
    this.#goesOn = goesOn;
  }

  /** The part of a file that begins at `offset`, and its bytes, unless some of them cannot be had. Asked for in order within a file. */
  async read(file: number, offset: number): Promise<{ readonly part: ParentPart; readonly bytes: Buffer | undefined }> {
    let at = findPart(this.#current, file, offset, this.#at);
    const isNext = at < 0 && (at = findPart(this.#next, file, offset, 0)) >= 0;
    if (file !== this.#lastFile) this.#filesInOrder = at >= 0 || this.#comesNext(file) ? this.#filesInOrder + 1 : 0;
    this.#lastFile = file;
    if (isNext || at < 0) {
      const current = isNext && this.#next !== undefined ? this.#next : this.#begin(file, offset);
      this.#next = current.goesOn === undefined ? undefined : this.#begin(current.goesOn.file, current.goesOn.offset);
      this.#current = current;
      at = Math.max(at, 0);
    }
    this.#at = at;
    const group = this.#current;
    const part = group?.parts[at];
    if (group === undefined || part === undefined) throw new Error(`the parent has nothing at ${offset} of ${this.#parent.path(file)}`);
    return { part, bytes: (await group.loaded)[at] };
  }

  /** Nothing more is asked for; resolves when nothing is being read any more. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#reading;
    this.#current = undefined;
    this.#next = undefined;
    this.#kept.clear();
  }

  /** Whether a file is the first, or comes after the last one in the parent's order with few between them that would have been asked for. */
  #comesNext(file: number): boolean {
    if (this.#lastFile < 0) return true;
    if (file < this.#lastFile) return false;
    let passedOver = 0;
    for (let between = this.#lastFile + 1; between < file && passedOver < PASSED_OVER_FILES; between += 1)
      for (const _ of this.#partsOf(between, 0)) {
        passedOver += 1;
        break;
      }
    return passedOver < PASSED_OVER_FILES;
  }

  #begin(file: number, offset: number): Group {
    const group = this.#plan(file, offset);
    const loaded = this.#reading.then(async () => await this.#load(group.parts));
    // Told to whoever asks for it.
    this.#reading = loaded.catch(() => undefined);
    return { ...group, loaded };
  }

  #plan(first: number, offset: number): Omit<Group, 'loaded'> {
    const parts: ParentPart[] = [];
    const blobs = new Set<number>();
    let bytes = 0;
    const { fileCount } = this.#parent;
    for (let file = first; file < fileCount; file += 1) {
      if (file > first && (!this.#goesOn || this.#filesInOrder < FILES_IN_ORDER)) break;
      if (file > first && blobs.size >= GROUP_BLOBS) return { parts, goesOn: { file, offset: 0 } };
      for (const part of this.#partsOf(file, file === first ? offset : 0)) {
        if (bytes >= GROUP_BYTES) return { parts, goesOn: { file, offset: part.offset } };
        parts.push(part);
        bytes += Math.max(part.sizeBytes, LEAST_PART_BYTES);
        for (const { blob } of part.extents) blobs.add(blob);
      }
    }
    return { parts, goesOn: undefined };
  }

  async #load(parts: readonly ParentPart[]): Promise<readonly LoadedPart[]> {
    const loaded: LoadedPart[] = parts.map(({ sizeBytes }) => Buffer.alloc(sizeBytes));
    const piecesOf = new Map<number, Piece[]>();
    for (const [at, { offset, extents }] of parts.entries()) {
      for (const extent of extents) {
        const piece = { at, offset: extent.offset - offset, from: extent.from, end: extent.from + extent.length };
        const pieces = piecesOf.get(extent.blob);
        if (pieces === undefined) piecesOf.set(extent.blob, [piece]);
        else pieces.push(piece);
      }
    }
    const take = (blob: number, plain: Buffer): void => {
      if (this.#isOver) throw new Error('nothing more is asked for');
      let takenBytes = 0;
      for (const { at, offset, from, end } of piecesOf.get(blob) ?? []) takenBytes += plain.copy(loaded[at] ?? NOTHING, offset, from, end);
      piecesOf.delete(blob);
      if (takenBytes < plain.byteLength) this.#kept.keep(blob, plain);
    };
    const wanted = [...piecesOf.keys()].filter((blob) => {
      const kept = this.#kept.get(blob);
      if (kept !== undefined) take(blob, kept);
      return kept === undefined;
    });
    await this.#blobs.readMany(wanted, take);
    for (const pieces of piecesOf.values()) for (const { at } of pieces) loaded[at] = undefined;
    return loaded;
  }
}

/** Bytes `[from, end)` of a blob, which lie at `offset` in the part at a place in its group. */
interface Piece {
  readonly at: number;
  readonly offset: number;
  readonly from: number;
  readonly end: number;
}

const NOTHING = Buffer.alloc(0);

function findPart(group: Group | undefined, file: number, offset: number, from: number): number {
  if (group === undefined) return -1;
  for (let at = from; at < group.parts.length; at += 1) {
    const part = group.parts[at];
    if (part?.file === file && part.offset === offset) return at;
  }
  return -1;
}

/** The content of files, by stretches as they are compared. */
export function stretchesOf(parent: ContentMap): PartsOf {
  return function* stretches(file, offset) {
    const sizeBytes = parent.sizeBytes(file);
    const extents = parent.extents(file);
    for (let start = offset; start < sizeBytes; start += MAX_BLOB_BYTES) {
      const end = Math.min(sizeBytes, start + MAX_BLOB_BYTES);
      yield { file, offset: start, sizeBytes: end - start, extents: arrayOf((put) => clipExtents(extents, start, end, put)) };
    }
  };
}

/** All page hashes of a file, as one part. */
export function pageHashesOf(parent: ContentMap): PartsOf {
  return function* hashes(file) {
    const pages = parent.pages(file);
    if (pages.length > 0) yield { file, offset: 0, ...placesOfHashes(parent.sizeBytes(file), pages) };
  };
}

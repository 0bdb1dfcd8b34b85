import { CompactExtents } from '../../repository/compact-extents.ts';
import { SCANNED_NUMBERS } from '../../repository/extent-scan.ts';
import type { DirectoryEntry, ManifestEntry, SymlinkEntry } from '../../repository/manifest.ts';
import type { DamagedContent } from './damaged-content.ts';
import { ContentMap, HASH_BYTES, type BlobTable } from './content-map.ts';
import type { WornExtent } from './consolidate-plan.ts';
import { listOf, overlayExtents, type ContentExtent, type ExtentList } from './extents.ts';
import type { TakenFile } from './whole-file.ts';

/** Of each blob of the parent by its number: bytes that are needed, and in how many pieces. */
interface LiveCounts {
  readonly bytes: Float64Array;
  readonly pieces: Uint32Array;
}

/** The content of a backup in one repository: what was taken laid over what the parent has there. */
export class RepositoryContent {
  readonly #names: BlobTable;
  readonly #parent: ContentMap | undefined;
  readonly #map = new ContentMap();
  /** Counted when it is asked for, and again when files have changed since: all extents are gone through for it. */
  #live: LiveCounts | undefined;
  #numbered = new Float64Array(0);

  /** `names` are those of the blobs that this run takes; `parent` is the backup it builds on. */
  constructor(names: BlobTable, parent: ContentMap | undefined) {
    this.#names = names;
    this.#parent = parent;
  }

  add(file: TakenFile): void {
    const { path, sizeBytes, mode, modifiedAt, pages, taken, extents } = file;
    this.#live = undefined;
    this.#map.addFile({ path, sizeBytes, mode, modifiedAt, pages }, (put) => {
      if (taken !== undefined) overlayExtents(this.#inherited(path), extents, taken, sizeBytes, put);
      else for (const { offset, length, blob, from } of extents) put(offset, length, blob, from);
    });
  }

  get fileCount(): number {
    return this.#map.fileCount;
  }

  get sizeBytes(): number {
    let sum = 0;
    for (let file = 0; file < this.#map.fileCount; file += 1) sum += this.#map.sizeBytes(file);
    return sum;
  }

  /** How many bytes of each blob of the parent, by its number there, this content needs, and in how many pieces. */
  *live(): Generator<readonly [blob: number, bytes: number, pieces: number]> {
    this.#live ??= this.#countLive();
    const { bytes, pieces } = this.#live;
    for (let blob = 0; blob < bytes.length; blob += 1) yield [blob, bytes[blob] ?? 0, pieces[blob] ?? 0];
  }

  #countLive(): LiveCounts {
    const count = this.#parent?.blobs.count ?? 0;
    const bytes = new Float64Array(count);
    const pieces = new Uint32Array(count);
    for (let file = 0; file < this.#map.fileCount; file += 1) {
      this.#map.eachExtent(file, (_offset, length, blob) => {
        if (blob >= 0) return;
        bytes[~blob] = (bytes[~blob] ?? 0) + length;
        pieces[~blob] = (pieces[~blob] ?? 0) + 1;
      });
    }
    return { bytes, pieces };
  }

  /** The stretches of files that lie in some blobs of the parent, by blob, each in the order of files and offsets. */
  extentsIn(blobs: ReadonlySet<number>): ReadonlyMap<number, readonly WornExtent[]> {
    const found = new Map<number, WornExtent[]>();
    let rank = 0;
    for (let file = 0; file < this.#map.fileCount; file += 1) {
      let path: string | undefined;
      this.#map.eachExtent(file, (offset, length, blob, from) => {
        if (blob >= 0 || !blobs.has(~blob)) return;
        path ??= this.#map.path(file);
        const list = found.get(~blob) ?? [];
        found.set(~blob, list);
        list.push({ path, extent: { offset, length, blob, from }, rank });
        rank += 1;
      });
    }
    return found;
  }

  /** Lets a file be what `extents` say where they are. */
  replace(path: string, extents: readonly ContentExtent[]): void {
    const file = this.#map.find(path);
    if (file < 0) return;
    this.#live = undefined;
    const stretches = extents.map(({ offset, length }) => ({ start: offset, end: offset + length }));
    const [before, sizeBytes] = [this.#map.extents(file), this.#map.sizeBytes(file)];
    this.#map.addFile(this.#map.file(file), (put) => overlayExtents(before, extents, stretches, sizeBytes, put));
  }

  /**
   * The names of the blobs it lies in: all that the run took, and of the parent's those that are `wanted`. Every blob must have its
   * name; one may come twice.
   */
  *blobNames(isWanted: (parentBlob: number) => boolean): Generator<string> {
    for (let blob = 0; blob < this.#names.count; blob += 1) yield this.#names.hash(blob);
    for (const blob of this.parentBlobs()) if (isWanted(blob)) yield this.#nameOf(~blob);
  }

  /** The numbers of the blobs of the parent that any of it lies in. */
  *parentBlobs(): Generator<number> {
    for (const [blob, bytes] of this.live()) if (bytes > 0) yield blob;
  }

  /** Whether any of it lies in content that is damaged. Every blob must have its name. */
  restsOn(damaged: DamagedContent): boolean {
    if (damaged.isEmpty) return false;
    let isFound = false;
    for (let file = 0; file < this.#map.fileCount && !isFound; file += 1) {
      isFound = this.#map.pages(file).some((blob) => damaged.has(this.#nameOf(blob)));
      let last = NaN;
      this.#map.eachExtent(file, (_offset, _length, blob) => {
        if (blob !== last) isFound ||= damaged.has(this.#nameOf(blob));
        last = blob;
      });
    }
    return isFound;
  }

  /** The manifest's entries, once every blob has its name. */
  *entries(others: readonly (DirectoryEntry | SymlinkEntry)[]): Generator<ManifestEntry> {
    yield* others;
    for (let file = 0; file < this.#map.fileCount; file += 1) yield this.#entry(file);
  }

  #nameOf(blob: number): string {
    return blob >= 0 ? this.#names.hash(blob) : (this.#parent?.blobs.hash(~blob) ?? '');
  }

  #inherited(path: string): ExtentList {
    const file = this.#parent?.find(path) ?? -1;
    if (file < 0 || this.#parent === undefined) return listOf([]);
    const extents = this.#parent.extents(file);
    return {
      count: extents.count,
      offset: (n) => extents.offset(n),
      length: (n) => extents.length(n),
      blob: (n) => ~extents.blob(n),
      from: (n) => extents.from(n),
      visit: (first, visit) => extents.visit(first, (offset, length, blob, from) => visit(offset, length, ~blob, from)),
    };
  }

  #entry(file: number): ManifestEntry {
    const { path, sizeBytes, mode, modifiedAt, pages } = this.#map.file(file);
    const numbers = new Map<number, number>();
    const numbered = this.#numbersFor(this.#map.extents(file).count * SCANNED_NUMBERS);
    let at = 0;
    this.#map.eachExtent(file, (offset, length, blob, from) => {
      let number = numbers.get(blob);
      if (number === undefined) numbers.set(blob, (number = numbers.size));
      numbered[at] = offset;
      numbered[at + 1] = length;
      numbered[at + 2] = number;
      numbered[at + 3] = from;
      at += SCANNED_NUMBERS;
    });
    const names = Buffer.allocUnsafe(numbers.size * HASH_BYTES);
    for (const [blob, number] of numbers) {
      if (blob >= 0) this.#names.copyHash(blob, names, number * HASH_BYTES);
      else this.#parent?.blobs.copyHash(~blob, names, number * HASH_BYTES);
    }
    const extents = new CompactExtents(names, numbered);
    const hashes = pages.map((blob) => this.#names.hash(blob));
    return { path, type: 'file', sizeBytes, mode, modifiedAt, extents, ...(hashes.length === 0 ? {} : { pages: hashes }) };
  }

  /** Memory for what one entry is made of, the same for each: new ones of megabytes would wait for the collector. */
  #numbersFor(count: number): Float64Array {
    if (count > this.#numbered.length) this.#numbered = new Float64Array(count);
    return this.#numbered.subarray(0, count);
  }
}

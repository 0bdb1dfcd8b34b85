import { CompactExtents, type NumberedExtent } from '../../repository/compact-extents.ts';
import type { DirectoryEntry, ManifestEntry, SymlinkEntry } from '../../repository/manifest.ts';
import { ContentMap, type BlobTable } from './content-map.ts';
import type { WornExtent } from './consolidate-plan.ts';
import { overlayExtents, type ContentExtent } from './extents.ts';
import type { TakenFile } from './whole-file.ts';

/** The content of a backup in one repository: what was taken laid over what the parent has there. */
export class RepositoryContent {
  readonly #names: BlobTable;
  readonly #parent: ContentMap | undefined;
  readonly #map = new ContentMap();

  /** `names` are those of the blobs that this run takes; `parent` is the backup it builds on. */
  constructor(names: BlobTable, parent: ContentMap | undefined) {
    this.#names = names;
    this.#parent = parent;
  }

  add(file: TakenFile): void {
    const { path, sizeBytes, mode, modifiedAt, pages, taken, extents } = file;
    const whole = taken === undefined ? extents : overlayExtents(this.#inherited(path), extents, taken, sizeBytes);
    this.#map.addFile({ path, sizeBytes, mode, modifiedAt, pages }, whole);
  }

  get fileCount(): number {
    return this.#map.fileCount;
  }

  get sizeBytes(): number {
    let sum = 0;
    for (let file = 0; file < this.#map.fileCount; file += 1) sum += this.#map.sizeBytes(file);
    return sum;
  }

  /** How many bytes of each blob of the parent, by its number there, this content needs. */
  *liveBytes(): Generator<readonly [blob: number, bytes: number]> {
    if (this.#parent === undefined) return;
    const live = new Float64Array(this.#parent.blobs.count);
    for (let file = 0; file < this.#map.fileCount; file += 1) {
      this.#map.eachExtent(file, (blob, length) => {
        if (blob < 0) live[~blob] = (live[~blob] ?? 0) + length;
      });
    }
    yield* live.entries();
  }

  /** The stretches of files that lie in some blobs of the parent, by blob, each in the order of files and offsets. */
  extentsIn(blobs: ReadonlySet<number>): ReadonlyMap<number, readonly WornExtent[]> {
    const found = new Map<number, WornExtent[]>();
    let rank = 0;
    for (let file = 0; file < this.#map.fileCount; file += 1) {
      let path: string | undefined;
      this.#map.eachExtent(file, (blob, _length, extent) => {
        if (blob >= 0 || !blobs.has(~blob)) return;
        path ??= this.#map.path(file);
        const list = found.get(~blob) ?? [];
        found.set(~blob, list);
        list.push({ path, extent: extent(), rank });
        rank += 1;
      });
    }
    return found;
  }

  /** Lets a file be what `extents` say where they are. */
  replace(path: string, extents: readonly ContentExtent[]): void {
    const file = this.#map.find(path);
    if (file < 0) return;
    const stretches = extents.map(({ offset, length }) => ({ start: offset, end: offset + length }));
    this.#map.addFile(this.#map.file(file), overlayExtents(this.#map.extentsOf(file), extents, stretches, this.#map.sizeBytes(file)));
  }

  /** The name of a blob of the parent. */
  parentName(blob: number): string {
    return this.#parent?.blobs.hash(blob) ?? '';
  }

  /** The manifest's entries, once every blob has its name. */
  *entries(others: readonly (DirectoryEntry | SymlinkEntry)[]): Generator<ManifestEntry> {
    yield* others;
    for (let file = 0; file < this.#map.fileCount; file += 1) yield this.#entry(file);
  }

  #inherited(path: string): readonly ContentExtent[] {
    const file = this.#parent?.find(path) ?? -1;
    if (file < 0 || this.#parent === undefined) return [];
    const extents: ContentExtent[] = [];
    this.#parent.eachExtent(file, (blob, _length, extent) => void extents.push({ ...extent(), blob: ~blob }));
    return extents;
  }

  #entry(file: number): ManifestEntry {
    const { path, sizeBytes, mode, modifiedAt, pages } = this.#map.file(file);
    const numbers = new Map<number, number>();
    const numbered: NumberedExtent[] = [];
    this.#map.eachExtent(file, (blob, length, extent) => {
      let number = numbers.get(blob);
      if (number === undefined) numbers.set(blob, (number = numbers.size));
      const { offset, from } = extent();
      numbered.push(from === 0 ? [offset, length, number] : [offset, length, number, from]);
    });
    const names = Array.from(numbers.keys(), (blob) => (blob >= 0 ? this.#names.hash(blob) : (this.#parent?.blobs.hash(~blob) ?? '')));
    const extents = new CompactExtents(names, numbered);
    const hashes = pages.map((blob) => this.#names.hash(blob));
    return { path, type: 'file', sizeBytes, mode, modifiedAt, extents, ...(hashes.length === 0 ? {} : { pages: hashes }) };
  }
}

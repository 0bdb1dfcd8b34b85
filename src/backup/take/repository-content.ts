import type { DirectoryEntry, Extent, ManifestEntry, SymlinkEntry } from '../../repository/manifest.ts';
import { ContentMap, type BlobTable, type FileRecord } from './content-map.ts';
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
    return this.#map.files.size;
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const file of this.#map.files.values()) sum += file.sizeBytes;
    return sum;
  }

  /** The manifest's entries, once every blob has its name. */
  *entries(others: readonly (DirectoryEntry | SymlinkEntry)[]): Generator<ManifestEntry> {
    yield* others;
    for (const file of this.#map.files.values()) yield this.#entry(file);
  }

  #inherited(path: string): readonly ContentExtent[] {
    const file = this.#parent?.files.get(path);
    if (file === undefined || this.#parent === undefined) return [];
    return this.#parent.extentsOf(file).map((extent) => ({ ...extent, blob: ~extent.blob }));
  }

  #entry(file: FileRecord): ManifestEntry {
    const { path, sizeBytes, mode, modifiedAt, pages } = file;
    const extents = this.#map.extentsOf(file).map(({ offset, length, blob, from }): Extent => {
      const name = blob >= 0 ? this.#names.hash(blob) : (this.#parent?.blobs.hash(~blob) ?? '');
      return from === 0 ? [offset, length, name] : [offset, length, name, from];
    });
    const hashes = pages.map((blob) => this.#names.hash(blob));
    return { path, type: 'file', sizeBytes, mode, modifiedAt, extents, ...(hashes.length === 0 ? {} : { pages: hashes }) };
  }
}

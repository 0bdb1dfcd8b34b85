import type { Listed } from '../base/listed.ts';
import { NumberRows } from '../base/number-rows.ts';
import { OverflowFile } from '../base/overflow-file.ts';
import { CompactExtents } from './compact-extents.ts';
import { ExtentsAside } from './extents-aside.ts';
import { FileTable } from './file-table.ts';
import { readManifest, type Extent, type Extents, type FileEntry, type ManifestEntry } from './manifest.ts';
import type { Repository } from './repository.ts';

const HASH_BYTES = 32;
/** Extents of large files that stay in memory, in some 15 MB: where every page is one, those of 4 GB. */
const EXTENTS_IN_MEMORY = 512 * 1024;

/**
 * The entries of a manifest in little memory: 110 bytes for a relation's file, where objects take three times as much, which
 * the collector copies and goes through again and again. A file is made when it is asked for, and its path and extents when
 * they are. Blobs of page hashes are left out: nobody who needs all files at once needs those.
 */
export class ManifestEntries implements Listed<ManifestEntry> {
  readonly #others: ManifestEntry[] = [];
  readonly #files = new FileTable();
  readonly #extents = new ExtentRows();
  /** Extents that are in numbers already or set aside, by file. */
  readonly #compact = new Map<number, Extents>();
  #aside: ExtentsAside | undefined;
  #inMemory = 0;

  /** @throws what {@link readManifest} throws. */
  static async read(repository: Repository, systemIdentifier: string, label: string): Promise<ManifestEntries> {
    const entries = new ManifestEntries();
    for await (const entry of readManifest(repository, systemIdentifier, label)) entries.add(entry);
    return entries;
  }

  /** How many there are: directories and links, and then files. */
  get length(): number {
    return this.#others.length + this.#files.count;
  }

  add(entry: ManifestEntry): void {
    if (entry.type !== 'file') {
      this.#others.push(entry);
      return;
    }
    const { path, extents, sizeBytes, mode, modifiedAt } = entry;
    const row = { sizeBytes, mode, modifiedAt, firstExtent: this.#extents.count, extentCount: extents.length };
    const file = this.#files.add(path, row);
    if (extents instanceof CompactExtents) this.#addCompact(file, extents);
    else if (!ExtentRows.takes(extents)) this.#compact.set(file, extents);
    else for (const extent of extents) this.#extents.add(extent);
  }

  /** A terabyte may have a hundred million: what is more than fits lies in a file, and comes back when its file is asked for its extents. */
  #addCompact(file: number, extents: CompactExtents): void {
    if (this.#inMemory + extents.length > EXTENTS_IN_MEMORY) {
      const overflow = this.#aside === undefined ? OverflowFile.open() : undefined;
      if (overflow !== undefined) this.#aside = new ExtentsAside(overflow);
      const aside = this.#aside?.setAside(extents);
      if (aside !== undefined) {
        this.#compact.set(file, aside);
        return;
      }
    }
    this.#inMemory += extents.length;
    this.#compact.set(file, extents);
  }

  at(n: number): ManifestEntry | undefined {
    const file = n - this.#others.length;
    if (file < 0) return this.#others[n];
    return file < this.#files.count ? this.#file(file) : undefined;
  }

  /** The first file with this path. */
  file(path: string): FileEntry | undefined {
    const file = this.#files.find(path);
    return file < 0 ? undefined : this.#file(file);
  }

  *[Symbol.iterator](): Generator<ManifestEntry, undefined> {
    yield* this.#others;
    for (let file = 0; file < this.#files.count; file += 1) yield this.#file(file);
  }

  #file(file: number): FileEntry {
    const extents = (): Extents => this.#compact.get(file) ?? new ExtentsOfRows(this.#extents, this.#files, file);
    return new FileOfTable(this.#files, file, extents);
  }
}

/** A file whose path and extents are made when they are asked for. */
class FileOfTable implements FileEntry {
  readonly type = 'file';
  readonly #files: FileTable;
  readonly #file: number;
  readonly #extents: () => Extents;

  constructor(files: FileTable, file: number, extents: () => Extents) {
    this.#files = files;
    this.#file = file;
    this.#extents = extents;
  }

  get path(): string {
    return this.#files.path(this.#file);
  }

  get sizeBytes(): number {
    return this.#files.sizeBytes(this.#file);
  }

  get mode(): number {
    return this.#files.mode(this.#file);
  }

  get modifiedAt(): number {
    return this.#files.modifiedAt(this.#file);
  }

  get extents(): Extents {
    return this.#extents();
  }
}

/** Extents of many files one behind the other: offset, length and offset in the blob as numbers, and the blob's name. */
class ExtentRows {
  readonly #numbers = new NumberRows(3);
  #hashes = Buffer.alloc(1024 * HASH_BYTES);

  /** Whether names are as they should be; a damaged manifest's are kept as they are, for whoever complains. */
  static takes(extents: Extents): boolean {
    return Iterator.from(extents).every(([, , hash]) => hash.length === HASH_BYTES * 2);
  }

  get count(): number {
    return this.#numbers.count;
  }

  add([offset, length, hash, from = 0]: Extent): void {
    const row = this.#numbers.add();
    if ((row + 1) * HASH_BYTES > this.#hashes.byteLength)
      this.#hashes = Buffer.from(this.#hashes.buffer.transfer(this.#hashes.byteLength * 2));
    this.#numbers.set(row, 0, offset);
    this.#numbers.set(row, 1, length);
    this.#numbers.set(row, 2, from);
    this.#hashes.write(hash, row * HASH_BYTES, 'hex');
  }

  at(row: number): Extent {
    const hash = this.#hashes.toString('hex', row * HASH_BYTES, (row + 1) * HASH_BYTES);
    const [offset, length, from] = [this.#numbers.get(row, 0), this.#numbers.get(row, 1), this.#numbers.get(row, 2)];
    return from === 0 ? [offset, length, hash] : [offset, length, hash, from];
  }
}

class ExtentsOfRows implements Extents {
  readonly length: number;
  readonly #rows: ExtentRows;
  readonly #first: number;

  constructor(rows: ExtentRows, files: FileTable, file: number) {
    this.#rows = rows;
    this.#first = files.firstExtent(file);
    this.length = files.extentCount(file);
  }

  at(n: number): Extent | undefined {
    return n < 0 || n >= this.length ? undefined : this.#rows.at(this.#first + n);
  }

  *[Symbol.iterator](): Generator<Extent, undefined> {
    for (let n = 0; n < this.length; n += 1) yield this.#rows.at(this.#first + n);
  }
}

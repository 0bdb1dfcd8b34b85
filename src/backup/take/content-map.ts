import { FileTable } from '../../repository/file-table.ts';
import { ExtentRows } from './extent-rows.ts';
import type { ExtentList, PutExtent, VisitExtent } from './extents.ts';

/** Of a blob's name. */
export const HASH_BYTES = 32;

/** Names of blobs by number, 32 bytes each, in memory that does not burden the garbage collector. */
export class BlobTable {
  #hashes = Buffer.alloc(1024 * HASH_BYTES);
  #count = 0;

  /** Takes a number for a blob whose name is told later with {@link BlobTable.set}. */
  add(): number {
    if ((this.#count + 1) * HASH_BYTES > this.#hashes.byteLength)
      this.#hashes = Buffer.from(this.#hashes.buffer.transfer(this.#hashes.byteLength * 2));
    this.#count += 1;
    return this.#count - 1;
  }

  set(blob: number, hash: string): void {
    this.#hashes.write(hash, blob * HASH_BYTES, 'hex');
  }

  /** 64 hex digits. */
  hash(blob: number): string {
    return this.#hashes.toString('hex', blob * HASH_BYTES, (blob + 1) * HASH_BYTES);
  }

  /** Writes the 32 bytes of a name. */
  copyHash(blob: number, target: Buffer, at: number): void {
    this.#hashes.copy(target, at, blob * HASH_BYTES, (blob + 1) * HASH_BYTES);
  }

  get count(): number {
    return this.#count;
  }

  /** All names, by number. */
  *hashes(): Generator<string> {
    for (let blob = 0; blob < this.#count; blob += 1) yield this.hash(blob);
  }

  /** Whether both have the same names under the same numbers. */
  equals(other: BlobTable): boolean {
    const bytes = this.#count * HASH_BYTES;
    return this.#count === other.#count && this.#hashes.subarray(0, bytes).equals(other.#hashes.subarray(0, bytes));
  }
}

/** A file of a backup, and how it is to be found in a later one. */
export interface FileRecord {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedAt: number;
  /** Blobs of page hashes, where they were taken. */
  readonly pages: readonly number[];
}

/**
 * The content of a backup in little memory: 200,000 relations and a million extents fit in some 60 MB, which as objects
 * would take ten times as much. Files have numbers, in the order in which they came.
 */
export class ContentMap {
  readonly blobs = new BlobTable();
  readonly #files = new FileTable();
  /** Of files that have them. */
  readonly #pages = new Map<number, readonly number[]>();
  readonly #extents = new ExtentRows();

  /** Adds a file, or puts it in place of the one with its path. `give` puts its extents; it may read those of this map. */
  addFile({ path, sizeBytes, mode, modifiedAt, pages }: FileRecord, give: (put: PutExtent) => void): void {
    const firstExtent = this.#extents.count;
    give(this.#extents.put);
    const row = { sizeBytes, mode, modifiedAt, firstExtent, extentCount: this.#extents.count - firstExtent };
    const known = this.#files.find(path);
    const file = known < 0 ? this.#files.add(path, row) : known;
    if (known >= 0) this.#files.set(file, row);
    if (pages.length > 0) this.#pages.set(file, pages);
    else this.#pages.delete(file);
  }

  get fileCount(): number {
    return this.#files.count;
  }

  /** The number of the file with this path, or -1. */
  find(path: string): number {
    return this.#files.find(path);
  }

  file(file: number): FileRecord {
    const [path, sizeBytes, mode] = [this.#files.path(file), this.#files.sizeBytes(file), this.#files.mode(file)];
    return { path, sizeBytes, mode, modifiedAt: this.#files.modifiedAt(file), pages: this.pages(file) };
  }

  /** All files, one by one. */
  *files(): Generator<FileRecord, undefined> {
    for (let file = 0; file < this.#files.count; file += 1) yield this.file(file);
  }

  *paths(): Generator<string, undefined> {
    for (let file = 0; file < this.#files.count; file += 1) yield this.#files.path(file);
  }

  path(file: number): string {
    return this.#files.path(file);
  }

  sizeBytes(file: number): number {
    return this.#files.sizeBytes(file);
  }

  /** Blobs of page hashes. */
  pages(file: number): readonly number[] {
    return this.#pages.get(file) ?? NO_PAGES;
  }

  /** The extents of a file. */
  extents(file: number): ExtentList {
    return new ExtentsOfRows(this.#extents, this.#files.firstExtent(file), this.#files.extentCount(file));
  }

  /** The same, one after the other. */
  eachExtent(file: number, visit: PutExtent): void {
    const first = this.#files.firstExtent(file);
    this.#extents.visit(first, first + this.#files.extentCount(file), visit);
  }

  get extentCount(): number {
    return this.#extents.count;
  }

  /** Whether both have the same files, whose content lies at the same places of blobs with the same numbers. Names are not compared. */
  hasLayoutOf(other: ContentMap): boolean {
    if (this.blobs.count !== other.blobs.count || !this.#extents.equals(other.#extents)) return false;
    if (this.#files.count !== other.#files.count || this.#pages.size !== other.#pages.size) return false;
    for (let file = 0; file < this.#files.count; file += 1) if (!this.#isFile(file, other)) return false;
    return true;
  }

  #isFile(file: number, other: ContentMap): boolean {
    const [ours, theirs] = [this.#files, other.#files];
    if (ours.path(file) !== theirs.path(file) || ours.sizeBytes(file) !== theirs.sizeBytes(file)) return false;
    if (ours.firstExtent(file) !== theirs.firstExtent(file) || ours.extentCount(file) !== theirs.extentCount(file)) return false;
    const [pages, theirPages] = [this.pages(file), other.pages(file)];
    return pages.length === theirPages.length && pages.every((blob, place) => blob === theirPages[place]);
  }
}

/** Some rows of a map. */
class ExtentsOfRows implements ExtentList {
  readonly count: number;
  readonly #rows: ExtentRows;
  readonly #first: number;

  constructor(rows: ExtentRows, first: number, count: number) {
    this.#rows = rows;
    this.#first = first;
    this.count = count;
  }

  offset(n: number): number {
    return this.#rows.offset(this.#first + n);
  }

  length(n: number): number {
    return this.#rows.length(this.#first + n);
  }

  blob(n: number): number {
    return this.#rows.blob(this.#first + n);
  }

  from(n: number): number {
    return this.#rows.from(this.#first + n);
  }

  visit(n: number, visit: VisitExtent): number {
    return this.#rows.visit(this.#first + n, this.#first + this.count, visit) - this.#first;
  }
}

const NO_PAGES: readonly number[] = [];

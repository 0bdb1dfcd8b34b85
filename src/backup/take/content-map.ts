import type { ContentExtent } from './extents.ts';

const HASH_BYTES = 32;
const EXTENT_NUMBERS = 4;

/** Names of blobs by number, 32 bytes each, in memory that does not burden the garbage collector. */
export class BlobTable {
  #hashes = Buffer.alloc(1024 * HASH_BYTES);
  #count = 0;

  /** Takes a number for a blob whose name is told later with {@link BlobTable.set}. */
  add(): number {
    if ((this.#count + 1) * HASH_BYTES > this.#hashes.byteLength)
      this.#hashes = Buffer.concat([this.#hashes, Buffer.alloc(this.#hashes.byteLength)]);
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

  get count(): number {
    return this.#count;
  }
}

/** A file of a backup: its attributes, and where in the map its extents are. */
export interface FileRecord {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedAt: number;
  readonly firstExtent: number;
  readonly extentCount: number;
  /** Blobs of page hashes, where they were taken. */
  readonly pages: readonly number[];
}

/**
 * The content of a backup in little memory: 200,000 relations and a million extents fit in some 100 MB, which as objects
 * would take ten times as much.
 */
export class ContentMap {
  readonly blobs = new BlobTable();
  readonly files = new Map<string, FileRecord>();
  #extents = new Float64Array(1024 * EXTENT_NUMBERS);
  #extentCount = 0;

  addFile(file: Omit<FileRecord, 'firstExtent' | 'extentCount'>, extents: Iterable<ContentExtent>): void {
    const firstExtent = this.#extentCount;
    for (const extent of extents) this.#push(extent);
    this.files.set(file.path, { ...file, firstExtent, extentCount: this.#extentCount - firstExtent });
  }

  extentsOf(file: FileRecord): ContentExtent[] {
    const extents: ContentExtent[] = [];
    const numbers = this.#extents;
    const end = (file.firstExtent + file.extentCount) * EXTENT_NUMBERS;
    // Read one by one: views and destructuring cost a microsecond each, for hundreds of thousands, several times a backup.
    for (let at = file.firstExtent * EXTENT_NUMBERS; at < end; at += EXTENT_NUMBERS)
      extents.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0, blob: numbers[at + 2] ?? 0, from: numbers[at + 3] ?? 0 });
    return extents;
  }

  /** The same without an object for each. */
  eachExtent(file: FileRecord, visit: (blob: number, length: number, extent: () => ContentExtent) => void): void {
    const numbers = this.#extents;
    const end = (file.firstExtent + file.extentCount) * EXTENT_NUMBERS;
    let at = file.firstExtent * EXTENT_NUMBERS;
    const extent = (): ContentExtent => ({
      offset: numbers[at] ?? 0,
      length: numbers[at + 1] ?? 0,
      blob: numbers[at + 2] ?? 0,
      from: numbers[at + 3] ?? 0,
    });
    for (; at < end; at += EXTENT_NUMBERS) visit(numbers[at + 2] ?? 0, numbers[at + 1] ?? 0, extent);
  }

  get extentCount(): number {
    return this.#extentCount;
  }

  #push({ offset, length, blob, from }: ContentExtent): void {
    const at = this.#extentCount * EXTENT_NUMBERS;
    if (at + EXTENT_NUMBERS > this.#extents.length) {
      const grown = new Float64Array(this.#extents.length * 2);
      grown.set(this.#extents);
      this.#extents = grown;
    }
    this.#extents[at] = offset;
    this.#extents[at + 1] = length;
    this.#extents[at + 2] = blob;
    this.#extents[at + 3] = from;
    this.#extentCount += 1;
  }
}

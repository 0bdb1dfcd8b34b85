import { NumberRows } from '../base/number-rows.ts';
import { PathTable } from '../base/path-table.ts';

/** What is known of a file of a backup, and which of a list of extents are its own. */
export interface FileRow {
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedAt: number;
  readonly firstExtent: number;
  readonly extentCount: number;
}

const COLUMNS = ['sizeBytes', 'mode', 'modifiedAt', 'firstExtent', 'extentCount'] as const;

/** Files by number, in numbers: 70 bytes each with their paths, which are joined when they are asked for. */
export class FileTable {
  readonly #paths = new PathTable();
  readonly #rows = new NumberRows(COLUMNS.length);

  get count(): number {
    return this.#paths.count;
  }

  /** Gives a file the next number. */
  add(path: string, row: FileRow): number {
    this.#rows.add();
    const file = this.#paths.add(path);
    this.set(file, row);
    return file;
  }

  set(file: number, row: FileRow): void {
    COLUMNS.forEach((name, column) => this.#rows.set(file, column, row[name]));
  }

  /** The number of the first file with this path, or -1. */
  find(path: string): number {
    return this.#paths.find(path);
  }

  path(file: number): string {
    return this.#paths.path(file);
  }

  sizeBytes(file: number): number {
    return this.#rows.get(file, 0);
  }

  mode(file: number): number {
    return this.#rows.get(file, 1);
  }

  modifiedAt(file: number): number {
    return this.#rows.get(file, 2);
  }

  firstExtent(file: number): number {
    return this.#rows.get(file, 3);
  }

  extentCount(file: number): number {
    return this.#rows.get(file, 4);
  }
}

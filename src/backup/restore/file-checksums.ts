import { NumberRows } from '../../base/number-rows.ts';
import { PathTable } from '../../base/path-table.ts';

/** The CRC-32C of files by path, in little memory. */
export class FileChecksums {
  readonly #paths = new PathTable();
  readonly #sums = new NumberRows(1);

  /** Notes the sum of a file, once. */
  add(path: string, crc32c: number): void {
    this.#paths.add(path);
    this.#sums.set(this.#sums.add(), 0, crc32c);
  }

  get(path: string): number | undefined {
    const file = this.#paths.find(path);
    return file < 0 ? undefined : this.#sums.get(file, 0);
  }
}

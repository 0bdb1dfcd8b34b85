import type { Listed } from '../../base/listed.ts';
import { NumberRows } from '../../base/number-rows.ts';
import { PathTable } from '../../base/path-table.ts';
import type { FoundEntry } from './delta-plan.ts';

const TYPES = ['file', 'directory', 'symlink', 'other'] as const;

/** What a directory holds, in little memory: there may be hundreds of thousands of files. */
export class FoundEntries implements Listed<FoundEntry> {
  readonly #paths = new PathTable();
  /** Type, size, and bytes on the disk. */
  readonly #numbers = new NumberRows(3);

  get length(): number {
    return this.#paths.count;
  }

  add({ path, type, sizeBytes, heldBytes }: FoundEntry): void {
    this.#paths.add(path);
    const row = this.#numbers.add();
    this.#numbers.set(row, 0, TYPES.indexOf(type));
    this.#numbers.set(row, 1, sizeBytes);
    this.#numbers.set(row, 2, heldBytes);
  }

  at(n: number): FoundEntry | undefined {
    const type = n < this.length ? TYPES[this.#numbers.get(n, 0)] : undefined;
    if (type === undefined) return undefined;
    return { path: this.#paths.path(n), type, sizeBytes: this.#numbers.get(n, 1), heldBytes: this.#numbers.get(n, 2) };
  }

  *[Symbol.iterator](): Generator<FoundEntry, undefined> {
    for (let n = 0; n < this.length; n += 1) {
      const entry = this.at(n);
      if (entry !== undefined) yield entry;
    }
  }
}

import type { OverflowFile } from '../base/overflow-file.ts';
import { CompactExtents } from './compact-extents.ts';
import { SCANNED_NUMBERS } from './extent-scan.ts';
import type { Extent, Extents } from './manifest.ts';

/**
 * Extents of many files that are set aside in a file, and come back when they are asked for. Those of the file that was asked last stay
 * in memory, and no others: whoever goes through all files, in one turn of the event loop at that, never holds more of them.
 */
export class ExtentsAside {
  readonly #file: OverflowFile;
  #last: { readonly position: number; readonly extents: CompactExtents } | undefined;

  constructor(file: OverflowFile) {
    this.#file = file;
  }

  /** Gives the same extents, which are no more in memory; undefined where there is no room for them. */
  setAside(extents: CompactExtents): Extents | undefined {
    const { hashes, scanned } = extents.toNumbers();
    const position = this.#file.append(bytesOf(scanned));
    const hashesPosition = this.#file.append(hashes);
    if (position === undefined || hashesPosition === undefined) return undefined;
    return new AsideExtents(this, { position, count: extents.length, hashesPosition, hashesBytes: hashes.byteLength });
  }

  /** @throws {DbadminError} `file-unreadable`. */
  bringBack({ position, count, hashesPosition, hashesBytes }: Place): CompactExtents {
    if (this.#last?.position === position) return this.#last.extents;
    this.#last = undefined;
    const [scanned, hashes] = [new Float64Array(count * SCANNED_NUMBERS), Buffer.alloc(hashesBytes)];
    this.#file.read(position, bytesOf(scanned));
    this.#file.read(hashesPosition, hashes);
    const extents = new CompactExtents(hashes, scanned);
    this.#last = { position, extents };
    return extents;
  }
}

/** Where they lie. */
interface Place {
  readonly position: number;
  readonly count: number;
  readonly hashesPosition: number;
  readonly hashesBytes: number;
}

/** Extents of one file that are set aside. How many there are is known without them. */
class AsideExtents implements Extents {
  readonly #aside: ExtentsAside;
  readonly #place: Place;

  constructor(aside: ExtentsAside, place: Place) {
    this.#aside = aside;
    this.#place = place;
  }

  get length(): number {
    return this.#place.count;
  }

  /** Brings them back. @throws {DbadminError} `file-unreadable`. */
  here(): CompactExtents {
    return this.#aside.bringBack(this.#place);
  }

  at(n: number): Extent | undefined {
    return this.here().at(n);
  }

  [Symbol.iterator](): Iterator<Extent> {
    return this.here()[Symbol.iterator]();
  }
}

/** Extents as numbers, where they are kept so; those that are set aside come back. */
export function numbersOf(extents: Extents): CompactExtents | undefined {
  if (extents instanceof AsideExtents) return extents.here();
  return extents instanceof CompactExtents ? extents : undefined;
}

function bytesOf(numbers: Float64Array): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

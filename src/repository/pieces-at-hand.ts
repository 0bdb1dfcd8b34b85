import { OverflowFile } from '../base/overflow-file.ts';

/** Pieces of so many bytes stay in memory: the manifest of a database of some gigabytes. */
const IN_MEMORY_BYTES = 4 * 1024 * 1024;

/** Where a piece lies that is not in memory. */
interface Aside {
  readonly position: number;
  readonly bytes: number;
}

/**
 * Pieces of an object that is to be stored, to be gone through as often as that is tried. The first are in memory, the others in a
 * file: a manifest has ten bytes for each page that was written by itself, a gigabyte where that is a terabyte. Where there is
 * no room for the file, all are in memory.
 */
export class PiecesAtHand implements AsyncIterable<Uint8Array> {
  readonly #pieces: (Uint8Array | Aside)[] = [];
  #overflow: OverflowFile | undefined;
  #bytes = 0;

  /** A piece that was given is not to be changed any more. */
  add(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.#pieces.push(this.#bytes < IN_MEMORY_BYTES ? piece : (this.#setAside(piece) ?? piece));
    this.#bytes += piece.byteLength;
  }

  /** Of all of them. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** @throws {DbadminError} `file-unreadable`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    for (const piece of this.#pieces) yield piece instanceof Uint8Array ? piece : this.#bringBack(piece);
  }

  #setAside(piece: Uint8Array): Aside | undefined {
    this.#overflow ??= OverflowFile.open();
    const position = this.#overflow?.append(piece);
    return position === undefined ? undefined : { position, bytes: piece.byteLength };
  }

  #bringBack({ position, bytes }: Aside): Uint8Array {
    const piece = Buffer.allocUnsafeSlow(bytes);
    this.#overflow?.read(position, piece);
    return piece;
  }
}

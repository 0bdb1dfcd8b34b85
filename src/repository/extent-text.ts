import type { CompactExtents } from './compact-extents.ts';

const [COMMA, OPEN, CLOSE, ZERO] = [0x2c, 0x5b, 0x5d, 0x30];
/** Four numbers of 16 digits, and what is around them: more than any extent takes. */
const EXTENT_CHARACTERS = 72;
/** Some 90 kB of text. */
const EXTENTS_IN_PIECE = 4096;
const INT_LIMIT = 2 ** 31;

/**
 * The extents as a manifest's line has them, `[[0,8192,0],[8192,8192,1,65536]]`, in pieces: what ExtentScan reads. JSON.stringify wants
 * an array of each, of which a large file has a hundred thousand; and a text of all of them is megabytes for each file anew, which the
 * collector finds late.
 */
export function* extentsText(extents: CompactExtents): Generator<Buffer, undefined> {
  const text = new Text(2 + Math.min(extents.length, EXTENTS_IN_PIECE) * EXTENT_CHARACTERS);
  text.put(OPEN);
  for (let first = 0; first < extents.length; first += EXTENTS_IN_PIECE) {
    extents.forEachNumbered(
      (offset, length, blob, from) => {
        text.put(OPEN);
        text.number(offset);
        text.put(COMMA);
        text.number(length);
        text.put(COMMA);
        text.number(blob);
        if (from !== 0) {
          text.put(COMMA);
          text.number(from);
        }
        text.put(CLOSE);
        text.put(COMMA);
      },
      first,
      first + EXTENTS_IN_PIECE,
    );
    // The comma behind the last is none.
    if (first + EXTENTS_IN_PIECE >= extents.length) text.dropLast();
    yield text.cut();
  }
  text.put(CLOSE);
  yield text.cut();
}

/** Digits and what is between them, in memory that is used again for each piece. */
class Text {
  readonly #bytes: Buffer;
  #length = 0;

  constructor(mostBytes: number) {
    this.#bytes = Buffer.allocUnsafe(mostBytes);
  }

  put(character: number): void {
    this.#bytes[this.#length] = character;
    this.#length += 1;
  }

  dropLast(): void {
    this.#length -= 1;
  }

  /** A whole number, 0 or more. */
  number(value: number): void {
    if (value < INT_LIMIT) this.#digits(value);
    else {
      const text = String(value);
      for (let at = 0; at < text.length; at += 1) this.put(text.charCodeAt(at));
    }
  }

  /** In whole numbers of 31 bits, whose division is several times as fast. */
  #digits(value: number): void {
    let end = this.#length + 1;
    for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) end += 1;
    let rest = value | 0;
    for (let at = end - 1; at >= this.#length; at -= 1) {
      const next = (rest / 10) | 0;
      this.#bytes[at] = ZERO + (rest - next * 10);
      rest = next;
    }
    this.#length = end;
  }

  /** A copy of what was put since the last. */
  cut(): Buffer {
    const piece = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return piece;
  }
}

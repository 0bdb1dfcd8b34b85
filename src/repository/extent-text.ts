import type { CompactExtents } from './compact-extents.ts';

const [COMMA, OPEN, CLOSE, ZERO] = [0x2c, 0x5b, 0x5d, 0x30];
/** Four numbers of 16 digits, and what is around them: more than any extent takes. */
const EXTENT_CHARACTERS = 72;
const FIRST_BYTES = 64 * 1024;
const INT_LIMIT = 2 ** 31;

/**
 * The extents as a manifest's line has them, `[[0,8192,0],[8192,8192,1,65536]]`: what ExtentScan reads. JSON.stringify wants
 * an array of each, of which a large file has a hundred thousand.
 */
export function extentsText(extents: CompactExtents): Buffer {
  const text = new Text();
  text.put(OPEN);
  extents.forEachNumbered((offset, length, blob, from) => {
    text.makeRoom();
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
  });
  return text.closed();
}

class Text {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  /** For one more extent. */
  makeRoom(): void {
    if (this.#length + EXTENT_CHARACTERS <= this.#bytes.byteLength) return;
    const larger = Buffer.allocUnsafe(this.#bytes.byteLength * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  put(character: number): void {
    this.#bytes[this.#length] = character;
    this.#length += 1;
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

  /** With the bracket in place of the last comma. */
  closed(): Buffer {
    if (this.#bytes[this.#length - 1] === COMMA) this.#length -= 1;
    this.put(CLOSE);
    return this.#bytes.subarray(0, this.#length);
  }
}

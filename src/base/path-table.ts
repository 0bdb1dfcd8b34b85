import { decodePath, encodePath } from './path-bytes.ts';

const FIRST_PATHS = 1024;
const ROW = 2;
const FREE = 0;
/** A character of text is so many bytes of UTF-8 at most. */
const UTF8_BYTES = 3;

/**
 * Paths by number in little memory: each directory once, and of each path its name's bytes and where they are, 30 bytes for
 * a relation's file. As text in a Map it takes three times as much, which the collector goes through again and again.
 *
 * Paths are `/`-separated text as path-bytes.ts gives it.
 */
export class PathTable {
  /** With their last slash. */
  readonly #directories: string[] = [];
  readonly #directoryNumbers = new Map<string, number>();
  /** One behind the other; behind the last one, the name that is looked for. */
  #names = Buffer.allocUnsafeSlow(FIRST_PATHS * 8);
  #isAscii = true;
  /** Of each path the number of its directory, and where its name ends. */
  #rows = new Uint32Array(FIRST_PATHS * ROW);
  /** Numbers of paths, from 1 on, by the hash of each. */
  #slots = new Uint32Array(FIRST_PATHS * 2);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Gives a path the next number; of paths that are the same, the first is found. */
  add(path: string): number {
    const at = path.lastIndexOf('/') + 1;
    const directory = this.#addDirectory(path.slice(0, at));
    const number = this.#count;
    if ((number + 1) * ROW > this.#rows.length) this.#rows = new Uint32Array(this.#rows.buffer.transfer(this.#rows.byteLength * 2));
    const start = this.#startOf(number);
    const end = this.#put(path.slice(at), start);
    this.#rows[number * ROW] = directory;
    this.#rows[number * ROW + 1] = end;
    this.#count += 1;
    if (this.#count * 4 > this.#slots.length * 3) this.#growSlots();
    else this.#link(number);
    return number;
  }

  /** The number of a path, or -1. */
  find(path: string): number {
    const at = path.lastIndexOf('/') + 1;
    const directory = this.#directoryNumbers.get(path.slice(0, at));
    if (directory === undefined) return -1;
    const start = this.#startOf(this.#count);
    const end = this.#put(path.slice(at), start);
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash(directory, start, end) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? FREE) - 1;
      if (number < 0) return -1;
      if (this.#rows[number * ROW] === directory && this.#isNamed(number, start, end)) return number;
    }
  }

  /** The path of a number that was given. */
  path(number: number): string {
    const directory = this.#directories[this.#rows[number * ROW] ?? 0] ?? '';
    const [start, end] = [this.#startOf(number), this.#endOf(number)];
    return directory + (this.#isAscii ? this.#names.toString('latin1', start, end) : decodePath(this.#names.subarray(start, end)));
  }

  #addDirectory(text: string): number {
    const known = this.#directoryNumbers.get(text);
    if (known !== undefined) return known;
    // A text of its own: a slice keeps all that it was cut from.
    const directory = decodePath(encodePath(text));
    this.#directoryNumbers.set(directory, this.#directories.length);
    return this.#directories.push(directory) - 1;
  }

  /** Writes a name; gives where it ends. */
  #put(name: string, start: number): number {
    const most = start + name.length * UTF8_BYTES;
    if (most > this.#names.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.max(most, this.#names.byteLength * 2));
      this.#names.copy(larger, 0, 0, start);
      this.#names = larger;
    }
    // A loop: a call costs more than all the bytes of a relation's name.
    for (let n = 0; n < name.length; n += 1) {
      const code = name.charCodeAt(n);
      if (code > 0x7f) {
        this.#isAscii = false;
        return start + encodePath(name).copy(this.#names, start);
      }
      this.#names[start + n] = code;
    }
    return start + name.length;
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : this.#endOf(number - 1);
  }

  #endOf(number: number): number {
    return this.#rows[number * ROW + 1] ?? 0;
  }

  #isNamed(number: number, start: number, end: number): boolean {
    const from = this.#startOf(number);
    if (this.#endOf(number) - from !== end - start) return false;
    for (let n = 0; n < end - start; n += 1) if (this.#names[from + n] !== this.#names[start + n]) return false;
    return true;
  }

  /** FNV-1a. */
  #hash(directory: number, start: number, end: number): number {
    let hash = Math.imul(0x811c9dc5 ^ directory, 0x01000193);
    for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (this.#names[at] ?? 0), 0x01000193);
    return (hash ^ (hash >>> 15)) >>> 0;
  }

  #link(number: number): void {
    const mask = this.#slots.length - 1;
    const [directory, start, end] = [this.#rows[number * ROW] ?? 0, this.#startOf(number), this.#endOf(number)];
    let slot = this.#hash(directory, start, end) & mask;
    for (; this.#slots[slot] !== FREE; slot = (slot + 1) & mask) {
      const other = (this.#slots[slot] ?? FREE) - 1;
      if (this.#rows[other * ROW] === directory && this.#isNamed(other, start, end)) return;
    }
    this.#slots[slot] = number + 1;
  }

  #growSlots(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#count; number += 1) this.#link(number);
  }
}

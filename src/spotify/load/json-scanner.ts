import { DbadminError } from '../../base/errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const LF = 0x0a;
const UTF8_MARK = [0xef, 0xbb, 0xbf];

const STOPS_IN_TEXT = stops(QUOTE, BACKSLASH, ...Array.from({ length: 0x20 }, (_, control) => control));
const STOPS_IN_OBJECT = stops(QUOTE, OPEN_BRACE, CLOSE_BRACE, LF);

function stops(...bytes: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
}

/**
 * Takes one object: its bytes are `buffer[start, end)`, until the next chunk comes; `line` is where it begins, from 1; `hasEscapes`: a
 * backslash stands in it.
 */
export type OnObject = (buffer: Buffer, start: number, end: number, line: number, hasEscapes: boolean) => void;

/** Between objects, what may come next. */
type Expecting = 'opening bracket' | 'object or end' | 'object' | 'comma or end' | 'nothing';

/**
 * Finds the objects of one JSON array that comes in chunks, whatever their size. Gives each object's bytes; whether they
 * are an object of JSON inside is for the server to find out, but for control characters inside texts, which are refused with
 * the line they stand on. Chunks may end anywhere.
 *
 * @throws {DbadminError} `load-failed` with the line, when something stands between the objects that cannot.
 */
export class JsonArrayScanner {
  readonly #onObject: OnObject;
  #rest: Buffer = Buffer.alloc(0);
  #room: Buffer = Buffer.alloc(0);
  #depth = 0;
  #inString = false;
  #escaped = false;
  #hasEscapes = false;
  #expecting: Expecting = 'opening bracket';
  #line = 1;
  #recordLine = 1;
  #offset = 0;

  constructor(onObject: OnObject) {
    this.#onObject = onObject;
  }

  push(chunk: Buffer): void {
    const kept = this.#rest.length;
    const buffer = this.#joined(chunk);
    const length = buffer.length;
    let start = this.#depth > 0 ? 0 : -1;
    // Fields of a class cost several times what variables do, and a table of where to stop a fifth of asking each byte what it is.
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let hasEscapes = this.#hasEscapes;
    let line = this.#line;
    let position = kept;
    while (position < length) {
      if (inString) {
        if (!escaped) while (position < length && STOPS_IN_TEXT[buffer[position] ?? 0] === 0) position += 1;
        if (position === length) break;
        const byte = buffer[position] ?? 0;
        if (byte < 0x20) this.#refuse(line, 'a line break or control character stands inside a text');
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = hasEscapes = true;
        else inString = false;
        position += 1;
        continue;
      }
      if (depth > 0) while (position < length && STOPS_IN_OBJECT[buffer[position] ?? 0] === 0) position += 1;
      if (position === length) break;
      const byte = buffer[position] ?? 0;
      position += 1;
      if (byte === QUOTE && depth > 0) {
        // Most texts end in the buffer they begin in, and hold nothing to look at: those are passed over here.
        while (position < length && STOPS_IN_TEXT[buffer[position] ?? 0] === 0) position += 1;
        if (position < length && buffer[position] === QUOTE) position += 1;
        else inString = true;
      } else if (byte === LF) line += 1;
      else if (depth === 0) {
        this.#line = line;
        if (this.#between(byte, this.#offset + position - 1 - kept)) {
          start = position - 1;
          depth = 1;
          this.#recordLine = line;
        }
      } else if (byte === OPEN_BRACE) depth += 1;
      else {
        depth -= 1;
        if (depth === 0) {
          this.#onObject(buffer, start, position, this.#recordLine, hasEscapes);
          hasEscapes = false;
          this.#expecting = 'comma or end';
          start = -1;
        }
      }
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    this.#hasEscapes = hasEscapes;
    this.#line = line;
    this.#offset += chunk.length;
    this.#rest = start === -1 ? Buffer.alloc(0) : buffer.subarray(start);
  }

  /** What is left of earlier chunks with this one behind it: in memory that is used again and again. */
  #joined(chunk: Buffer): Buffer {
    const kept = this.#rest.length;
    if (kept === 0) return chunk;
    const length = kept + chunk.length;
    const room = this.#room.length < length ? Buffer.allocUnsafe(2 * length) : this.#room;
    this.#rest.copy(room);
    chunk.copy(room, kept);
    this.#room = room;
    return room.subarray(0, length);
  }

  /** The text has ended. */
  end(): void {
    if (this.#depth > 0) this.#refuse(this.#recordLine, 'the object that begins here never ends');
    if (this.#expecting !== 'nothing') this.#refuse(this.#line, `the file ends where ${this.#expecting} should be`);
  }

  /** Takes a byte that is outside all objects; true when it opens one. */
  #between(byte: number, offset: number): boolean {
    if (byte === 0x20 || byte === LF || byte === 0x0d || byte === 0x09) return false;
    if (offset < 3 && byte === UTF8_MARK[offset]) return false;
    if (byte === OPEN_BRACE && (this.#expecting === 'object' || this.#expecting === 'object or end')) {
      return true;
    }
    if (byte === OPEN_BRACKET && this.#expecting === 'opening bracket') this.#expecting = 'object or end';
    else if (byte === COMMA && this.#expecting === 'comma or end') this.#expecting = 'object';
    else if (byte === CLOSE_BRACKET && (this.#expecting === 'comma or end' || this.#expecting === 'object or end'))
      this.#expecting = 'nothing';
    else this.#refuse(this.#line, `"${String.fromCharCode(byte)}" stands where ${this.#expecting} should be`);
    return false;
  }

  #refuse(line: number, reason: string): never {
    throw new DbadminError('load-failed', `line ${line} is not a list of objects: ${reason}`);
  }
}

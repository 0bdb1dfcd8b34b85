import { DbadminError } from '../base/errors.ts';
import { decodePath } from '../base/path-bytes.ts';

const BLOCK_BYTES = 512;

/** A file, directory or symbolic link in a tar stream. */
export interface TarEntry {
  /** Relative to the archive's root, `/`-separated, without a leading `./` or trailing `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  /** Where a symbolic link leads. */
  readonly linkTarget: string | undefined;
}

/** Gets what a {@link TarReader} finds. Chunks are views: valid until the returned promise resolves. */
export interface TarSink {
  entry(entry: TarEntry): void | Promise<void>;
  data(chunk: Buffer): void | Promise<void>;
  endEntry(): void | Promise<void>;
}

/**
 * Cuts a ustar stream into entries, in whatever pieces it comes; content is passed on where it lies.
 *
 * Methods return a promise only when the sink did: at many small files the difference is the speed.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #header = Buffer.alloc(BLOCK_BYTES);
  #headerLength = 0;
  #contentLeft = 0;
  #paddingLeft = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Takes the next piece of the stream. @throws {DbadminError} `protocol-violation` when it is not ustar. */
  push(piece: Buffer): void | Promise<void> {
    let offset = 0;
    while (offset < piece.length) {
      const step = this.#step(piece, offset);
      offset = step.offset;
      if (step.pending !== undefined) return this.#goOn(step.pending, piece, offset);
    }
    return undefined;
  }

  /** Says that the stream is over. @throws {DbadminError} `protocol-violation` in the middle of an entry. */
  end(): void {
    if (this.#contentLeft > 0 || this.#paddingLeft > 0 || this.#headerLength > 0) {
      throw notTar('It ended in the middle of an entry.');
    }
  }

  async #goOn(pending: Promise<void>, piece: Buffer, from: number): Promise<void> {
    await pending;
    let offset = from;
    while (offset < piece.length) {
      const step = this.#step(piece, offset);
      offset = step.offset;
      if (step.pending !== undefined) await step.pending;
    }
  }

  #step(piece: Buffer, offset: number): { readonly offset: number; readonly pending: Promise<void> | undefined } {
    if (this.#contentLeft > 0) {
      const length = Math.min(this.#contentLeft, piece.length - offset);
      this.#contentLeft -= length;
      const chunk = piece.subarray(offset, offset + length);
      const given = this.#sink.data(chunk);
      return { offset: offset + length, pending: this.#contentLeft > 0 ? asPromise(given) : this.#endAfter(given) };
    }
    if (this.#paddingLeft > 0) {
      const length = Math.min(this.#paddingLeft, piece.length - offset);
      this.#paddingLeft -= length;
      return { offset: offset + length, pending: undefined };
    }
    const length = Math.min(BLOCK_BYTES - this.#headerLength, piece.length - offset);
    piece.copy(this.#header, this.#headerLength, offset, offset + length);
    this.#headerLength += length;
    const isWhole = this.#headerLength === BLOCK_BYTES;
    return { offset: offset + length, pending: isWhole ? this.#startEntry() : undefined };
  }

  #startEntry(): Promise<void> | undefined {
    this.#headerLength = 0;
    const entry = parseTarHeader(this.#header);
    if (entry === undefined) return undefined;
    this.#contentLeft = entry.sizeBytes;
    this.#paddingLeft = (BLOCK_BYTES - (entry.sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    const given = this.#sink.entry(entry);
    return entry.sizeBytes > 0 ? asPromise(given) : this.#endAfter(given);
  }

  #endAfter(given: void | Promise<void>): Promise<void> | undefined {
    if (!(given instanceof Promise)) return asPromise(this.#sink.endEntry());
    return given.then(async () => await this.#sink.endEntry());
  }
}

/** The entry of one header block, or undefined for a block of zeros: the archive's end. */
export function parseTarHeader(block: Buffer): TarEntry | undefined {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return undefined;
  checkSum(block);
  if (block.toString('latin1', 257, 262) !== 'ustar') throw notTar('An entry is not ustar.');
  const prefix = text(block, 345, 155);
  const name = text(block, 0, 100);
  const path = (prefix === '' ? name : `${prefix}/${name}`).replace(/^(\.\/)+/, '').replace(/\/+$/, '');
  const type = entryType(block[156] ?? 0, path);
  return {
    path,
    type,
    sizeBytes: type === 'file' ? number(block, 124, 12) : 0,
    mode: number(block, 100, 8) & 0o7777,
    modifiedAt: number(block, 136, 12),
    linkTarget: type === 'symlink' ? text(block, 157, 100) : undefined,
  };
}

function entryType(flag: number, path: string): TarEntry['type'] {
  switch (String.fromCharCode(flag)) {
    case '0':
    case '\0':
      return 'file';
    case '5':
      return 'directory';
    case '2':
      return 'symlink';
    default:
      // PostgreSQL writes no extended (pax, GNU) headers; skipping one would lose a name or a size.
      throw notTar(`Entry "${path}" has type "${String.fromCharCode(flag)}".`);
  }
}

function checkSum(block: Buffer): void {
  let sum = 0;
  for (let index = 0; index < BLOCK_BYTES; index += 1) sum += index >= 148 && index < 156 ? 32 : (block[index] ?? 0);
  if (sum !== number(block, 148, 8)) throw notTar('The checksum of an entry is wrong.');
}

/** A number in octal digits, or in base 256 when its first bit is set: files over 8 GiB. */
function number(block: Buffer, offset: number, length: number): number {
  if (((block[offset] ?? 0) & 0x80) === 0) {
    const digits = block
      .toString('latin1', offset, offset + length)
      .replace(/[\0 ]+$/, '')
      .trimStart();
    if (!/^[0-7]*$/.test(digits)) throw notTar('A number of an entry is not octal.');
    return digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  let value = (block[offset] ?? 0) & 0x7f;
  for (let index = offset + 1; index < offset + length; index += 1) value = value * 256 + (block[index] ?? 0);
  if (!Number.isSafeInteger(value)) throw notTar('A number of an entry is too large.');
  return value;
}

function text(block: Buffer, offset: number, length: number): string {
  const zero = block.indexOf(0, offset);
  const end = zero < 0 || zero > offset + length ? offset + length : zero;
  return decodePath(block.subarray(offset, end));
}

function asPromise(given: void | Promise<void>): Promise<void> | undefined {
  return given instanceof Promise ? given : undefined;
}

function notTar(detail: string): DbadminError {
  return new DbadminError('protocol-violation', 'the server sent a base backup that is not a tar archive', { detail });
}

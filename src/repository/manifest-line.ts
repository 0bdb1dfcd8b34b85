import { decodePath, encodePath } from '../base/path-bytes.ts';
import { CompactExtents, type NumberedExtent } from './compact-extents.ts';
import { damaged } from './envelope.ts';
import { ExtentScan, scanHashes, SCANNED_NUMBERS } from './extent-scan.ts';
import { extentsText } from './extent-text.ts';
import type { Extent, Extents, ManifestEntry } from './manifest.ts';
import { MAX_BLOB_BYTES } from './pack.ts';

/** The lines of a manifest's body. @see FORMAT.md "Manifests" */

/** From so many on a file's extents are kept in the smaller form, and are read and written without an array for each. */
const MANY_EXTENTS = 32;
const HASH_DIGITS = 64;
/** Lines are handed to the compressor in pieces of about this. */
const CHUNK_CHARACTERS = 64 * 1024;
/** Shorter lines are few extents. */
const LONG_LINE_BYTES = 4096;
const LINE_FEED = 0x0a;
const EXTENTS = '"extents":';
const BLOBS = '"blobs":';

/** An entry as it is written. */
interface ManifestLine {
  readonly path?: string;
  readonly pathHex?: string;
  readonly type: ManifestEntry['type'];
  /** Names that extents give by number; absent in format 1, where extents have the names themselves. */
  readonly blobs?: readonly string[];
  readonly extents?: readonly (NumberedExtent | Extent)[];
}

/** The body of a manifest with these entries, in pieces. */
export async function* encodeLines(
  entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>,
  format: number,
): AsyncGenerator<Buffer> {
  let lines: string[] = [];
  let characters = 0;
  for await (const entry of entries) {
    if (entry.type === 'file' && entry.extents instanceof CompactExtents && entry.extents.length >= MANY_EXTENTS && format !== 1) {
      // One such line can be megabytes: it is never joined with others to one text.
      const { extents, ...rest } = entry;
      lines.push(JSON.stringify({ ...named(rest), blobs: extents.hashes() }).slice(0, -1), `,${EXTENTS}`);
      yield Buffer.from(lines.join(''), 'utf8');
      yield* extentsText(extents);
      lines = ['}\n'];
      characters = 0;
      continue;
    }
    const line = `${JSON.stringify(toLine(entry, format))}\n`;
    lines.push(line);
    characters += line.length;
    if (characters < CHUNK_CHARACTERS) continue;
    yield Buffer.from(lines.join(''), 'utf8');
    lines = [];
    characters = 0;
  }
  yield Buffer.from(lines.join(''), 'utf8');
}

function toLine(entry: ManifestEntry, format: number): object {
  if (entry.type !== 'file') return named(entry);
  const { extents, ...rest } = entry;
  if (format === 1) return { ...named(rest), extents: [...extents] };
  if (extents instanceof CompactExtents) {
    return { ...named(rest), blobs: extents.hashes(), extents: Array.from({ length: extents.length }, (_, n) => extents.numbered(n)) };
  }
  const numbers = new Map<string, number>();
  const numbered = Array.from(extents, ([offset, length, hash, from]): NumberedExtent => {
    const number = numbers.get(hash) ?? numbers.size;
    numbers.set(hash, number);
    return from === undefined ? [offset, length, number] : [offset, length, number, from];
  });
  return { ...named(rest), blobs: [...numbers.keys()], extents: numbered };
}

/** With its path as JSON can have it. */
function named({ path, ...rest }: { readonly path: string }): object {
  return { ...(path.isWellFormed() ? { path } : { pathHex: encodePath(path).toString('hex') }), ...rest };
}

/**
 * Takes a manifest's body in pieces and gives its entries. A large relation is one line of megabytes, of which no text is made:
 * it is gathered in memory that is used again for the next, and its numbers are read from there.
 */
export class LineReader {
  readonly #key: string;
  readonly #scan = new ExtentScan();
  #begun = Buffer.allocUnsafeSlow(LONG_LINE_BYTES);
  #begunBytes = 0;

  /** `key` is the manifest's, for errors. */
  constructor(key: string) {
    this.#key = key;
  }

  /** The entries whose end is in `chunk`. @throws {DbadminError} `repository-damaged`. */
  *take(chunk: Buffer): Generator<ManifestEntry, undefined> {
    let at = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, at)) {
      if (this.#begunBytes === 0) yield this.#entryOf(chunk.subarray(at, end));
      else {
        this.#keep(chunk.subarray(at, end));
        const line = this.#begun.subarray(0, this.#begunBytes);
        this.#begunBytes = 0;
        yield this.#entryOf(line);
      }
      at = end + 1;
    }
    this.#keep(chunk.subarray(at));
  }

  /** @throws {DbadminError} `repository-damaged` where the last line has no end. */
  end(): void {
    if (this.#begunBytes > 0) throw damaged(this.#key, 'Its last line is cut short.');
  }

  #keep(bytes: Buffer): void {
    const needed = this.#begunBytes + bytes.byteLength;
    if (needed > this.#begun.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#begun.byteLength * 2));
      this.#begun.copy(larger, 0, 0, this.#begunBytes);
      this.#begun = larger;
    }
    bytes.copy(this.#begun, this.#begunBytes);
    this.#begunBytes = needed;
  }

  #entryOf(line: Buffer): ManifestEntry {
    return (line.byteLength < LONG_LINE_BYTES ? undefined : this.#scanned(line)) ?? fromLine(parse(line), this.#key);
  }

  /** The entry of a long line, or undefined when it is of another form than a file's with many extents: JSON.parse may know what it is. */
  #scanned(line: Buffer): ManifestEntry | undefined {
    // Within a text of JSON its quotes are escaped: what is found are the keys.
    const [blobsAt, extentsAt] = [line.indexOf(BLOBS), line.indexOf(EXTENTS)];
    if (blobsAt < 0 || extentsAt < 0) return undefined;
    const blobs = scanHashes(line, blobsAt + BLOBS.length);
    const extents = this.#scan.read(line, extentsAt + EXTENTS.length);
    if (blobs === undefined || extents === undefined || extents.numbers.length < MANY_EXTENTS * SCANNED_NUMBERS) return undefined;
    const cut = [
      { from: blobsAt + BLOBS.length, to: blobs.end },
      { from: extentsAt + EXTENTS.length, to: extents.end },
    ].sort((a, b) => a.from - b.from);
    let rest = '';
    let at = 0;
    for (const { from, to } of cut) {
      rest += `${line.toString('utf8', at, from)}[]`;
      at = to;
    }
    const entry = fromLine(JSON.parse(rest + line.toString('utf8', at)) as ManifestLine, this.#key);
    const blobCount = blobs.hashes.byteLength / (HASH_DIGITS / 2);
    const { numbers } = extents;
    for (let n = 0; n < numbers.length; n += SCANNED_NUMBERS) {
      if (!((numbers[n + 2] ?? 0) < blobCount)) throw damaged(this.#key, unlisted(entry.path));
      if (!isWithinBlob(numbers[n + 1] ?? 0, numbers[n + 3] ?? 0)) throw damaged(this.#key, tooLong(entry.path));
    }
    return { ...entry, extents: new CompactExtents(blobs.hashes, numbers) } as ManifestEntry;
  }
}

function parse(line: Buffer): ManifestLine {
  return JSON.parse(line.toString('utf8')) as ManifestLine;
}

function unlisted(path: string): string {
  return `An extent of ${path} names a blob that its line does not list.`;
}

/** No blob is longer, so whatever needs more of one was never written. */
function isWithinBlob(length: number, from: number): boolean {
  return length + from <= MAX_BLOB_BYTES;
}

function tooLong(path: string): string {
  return `An extent of ${path} asks for more than a blob can hold.`;
}

/** One bit in compressed bytes can make another text that is JSON, too: what whoever reads entries relies on is there, and of its kind. */
function fromLine(line: ManifestLine, key: string): ManifestEntry {
  const { path: text, pathHex, blobs, extents: written, ...rest } = line;
  const problem = problemOfLine(line);
  if (problem !== undefined) throw damaged(key, `A line of it is no entry: ${problem}.`);
  const path = text ?? decodePath(Buffer.from(pathHex ?? '', 'hex'));
  if (written === undefined) return { path, ...rest } as ManifestEntry;
  for (const [, length, , from = 0] of written) if (!isWithinBlob(length, from)) throw damaged(key, tooLong(path));
  const extents = extentsOf(written, blobs, unlisted(path), key);
  return { path, ...rest, extents } as unknown as ManifestEntry;
}

function problemOfLine(line: object): string | undefined {
  const { path, pathHex, type, sizeBytes, mode, modifiedAt, target, blobs, extents, pages } = line as { readonly [key: string]: unknown };
  if (typeof (path ?? pathHex) !== 'string') return 'it has no path';
  if (type !== 'file' && extents !== undefined) return `it has extents, and is of type ${String(type)}`;
  switch (type) {
    case 'symlink':
      return typeof target === 'string' ? undefined : 'it is a link without a target';
    case 'directory':
      return isCount(mode) && isMoment(modifiedAt) ? undefined : 'it is a directory without a mode or a time';
    case 'file':
      if (!isCount(sizeBytes) || !isCount(mode) || !isMoment(modifiedAt)) return 'it is a file without a size, a mode or a time';
      if (pages !== undefined && !isTexts(pages)) return 'its blobs of page hashes are no names';
      if (blobs !== undefined && !isTexts(blobs)) return 'its blobs are no names';
      if (!Array.isArray(extents)) return 'it is a file without extents';
      return extents.every((extent) => isExtent(extent, blobs !== undefined)) ? undefined : 'an extent is none';
    default:
      return `its type is ${String(type)}`;
  }
}

/** With a blob's number, where its line lists the names. */
function isExtent(extent: unknown, isNumbered: boolean): boolean {
  if (!Array.isArray(extent) || extent.length < 3 || extent.length > 4) return false;
  const [offset, length, blob, from = 0] = extent as readonly unknown[];
  return isCount(offset) && isCount(length) && (isNumbered ? isCount(blob) : typeof blob === 'string') && isCount(from);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Seconds since 1970, or before. */
function isMoment(value: unknown): boolean {
  return Number.isFinite(value);
}

function isTexts(values: unknown): boolean {
  return Array.isArray(values) && values.every((value) => typeof value === 'string');
}

function extentsOf(
  written: readonly (NumberedExtent | Extent)[],
  blobs: readonly string[] | undefined,
  problem: string,
  key: string,
): Extents {
  if (blobs === undefined) return written as readonly Extent[];
  const numbered = written as readonly NumberedExtent[];
  for (const extent of numbered) if (!(extent[2] < blobs.length)) throw damaged(key, problem);
  if (numbered.length >= MANY_EXTENTS && blobs.every((hash) => hash.length === HASH_DIGITS))
    return new CompactExtents(Buffer.from(blobs.join(''), 'hex'), numbered);
  return numbered.map(([offset, length, blob, from]): Extent => {
    const hash = blobs[blob] ?? '';
    return from === undefined ? [offset, length, hash] : [offset, length, hash, from];
  });
}

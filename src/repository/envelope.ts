import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import type { StreamedBody } from '../storage/store.ts';
import { blake3, Blake3 } from './hash.ts';
import { compress, decompress } from './compress.ts';
import { BodyDecryption, encryptBody, encryptedBytes, firstFrameEnd } from './encrypted-body.ts';
import type { RepositoryKeys, Sealing } from './keys.ts';
import { PiecesAtHand } from './pieces-at-hand.ts';

/** Sealed objects: the envelope of everything that is not a pack. @see FORMAT.md "Sealed objects" */

export const SEALED_KINDS = {
  identity: 'I',
  cluster: 'C',
  index: 'X',
  manifest: 'M',
  wal: 'W',
  part: 'P',
  horizon: 'O',
  history: 'H',
  key: 'K',
  lease: 'L',
  mark: 'G',
  hold: 'T',
  ledger: 'D',
  drill: 'R',
  verification: 'V',
  dump: 'U',
  gap: 'N',
  page: 'A',
} as const;
export type SealedKind = keyof typeof SEALED_KINDS;

const MAGIC = 'DBADMIN1';
const FIXED_BYTES = 16;
const HASH_BYTES = 32;
const FLAG_ZSTD = 1;
const FLAG_ENCRYPTED = 2;
const MAX_HEADER_BYTES = 1 << 20;
/** Streams are compressed and decompressed in pieces of this: Node's own 16 KiB are a round trip through the thread pool each. */
const STREAM_CHUNK_BYTES = 256 * 1024;
/** Enough of an object's beginning to hold its header in almost every case. */
export const HEADER_READ_BYTES = 16 * 1024;

export interface Unsealed {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** A whole sealed object from a body at hand; encrypted where there are keys. The header may tell how long the body is as it lies there. */
export async function seal(
  sealing: Sealing,
  kind: SealedKind,
  header: object | ((bodyBytes: number) => object),
  body: Uint8Array,
): Promise<Buffer> {
  const stored = body.byteLength === 0 ? Buffer.alloc(0) : await compress(body);
  const encrypted = sealing.keys !== undefined && stored.byteLength > 0;
  const bodyBytes = encrypted ? encryptedBytes(stored.byteLength) : stored.byteLength;
  const told = typeof header === 'function' ? header(bodyBytes) : header;
  const start = preamble(kind, told, (stored.byteLength === 0 ? 0 : FLAG_ZSTD) | (encrypted ? FLAG_ENCRYPTED : 0));
  // Filled as it comes: of a segment's 16 MB each copy counts, as several are made at once.
  const whole = Buffer.allocUnsafeSlow(start.byteLength + bodyBytes + HASH_BYTES);
  let filled = start.copy(whole);
  const pieces = sealing.keys !== undefined && encrypted ? encryptBody(sealing.keys, blake3(start), piecesOf(stored)) : [stored];
  for await (const piece of pieces) filled += piece.copy(whole, filled);
  blake3(whole.subarray(0, filled)).copy(whole, filled);
  return whole;
}

/** A sealed object whose body comes in pieces; memory stays small whatever its size. */
export async function* sealStream(
  sealing: Sealing,
  kind: SealedKind,
  header: object,
  body: AsyncIterable<Uint8Array>,
  level = 3,
): AsyncGenerator<Uint8Array> {
  const hash = new Blake3();
  const start = preamble(kind, header, FLAG_ZSTD | (sealing.keys === undefined ? 0 : FLAG_ENCRYPTED));
  hash.update(start);
  yield start;
  const zstd = createZstdCompress({ chunkSize: STREAM_CHUNK_BYTES, params: { [constants.ZSTD_c_compressionLevel]: level } });
  const done = pipeline(Readable.from(body, { objectMode: true, highWaterMark: 4 }), zstd);
  done.catch(() => undefined);
  const compressed = zstd as AsyncIterable<Buffer>;
  for await (const chunk of sealing.keys === undefined ? compressed : encryptBody(sealing.keys, blake3(start), compressed)) {
    hash.update(chunk);
    yield chunk;
  }
  await done;
  yield hash.digest();
}

/**
 * {@link sealStream} with all of its pieces at hand, so that a create that failed can be tried again with the very same
 * bytes: sealed anew, an encrypted object would be another, and one that did arrive would look like somebody else's.
 */
export async function sealAtHand(
  sealing: Sealing,
  kind: SealedKind,
  header: object,
  body: AsyncIterable<Uint8Array>,
): Promise<StreamedBody> {
  const pieces = new PiecesAtHand();
  for await (const piece of sealStream(sealing, kind, header, body)) pieces.add(piece);
  return { stream: pieces, sizeBytes: pieces.sizeBytes, replayable: true };
}

/**
 * Opens a whole sealed object and checks kind and hash; with keys, that somebody who had them wrote it, as far as it has a body.
 *
 * @throws {DbadminError} `repository-damaged`; `repository-format` for flags this version does not know; `key-wrong` when it
 * is encrypted and there are no keys.
 */
export async function unseal(sealing: Sealing, kind: SealedKind, bytes: Uint8Array, name: string, limitBytes: number): Promise<Unsealed> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodyEnd = buffer.byteLength - HASH_BYTES;
  const isWhole = bodyEnd >= FIXED_BYTES && blake3(buffer.subarray(0, bodyEnd)).equals(buffer.subarray(bodyEnd));
  const { header, bodyOffset, zstd, encrypted } = readPreamble(kind, buffer, name, isWhole);
  if (!isWhole || bodyEnd < bodyOffset) throw damaged(name, 'Its hash does not match its content.');
  const stored = buffer.subarray(bodyOffset, bodyEnd);
  if (!encrypted && !mayBeClear(sealing, kind, stored.byteLength)) throw withoutKey(name);
  const body = encrypted ? decryptWhole(keysFor(sealing, name), buffer.subarray(0, bodyOffset), stored, name) : stored;
  try {
    return { header, body: zstd ? await decompress(body, limitBytes) : body };
  } catch (error) {
    throw damaged(name, `Its body does not decompress: ${messageOf(error)}.`, error);
  }
}

/** These never have a body, and nothing proves who wrote them. @see FORMAT.md "Threat model" */
const BODILESS: readonly SealedKind[] = ['identity', 'cluster', 'horizon', 'key', 'lease', 'mark', 'hold', 'gap'];

/** Whether it is believed though it is not encrypted. Who rebuilds indexes without a key writes them so: their readers prefer others. */
function mayBeClear({ keys }: Sealing, kind: SealedKind, bodyBytes: number): boolean {
  return keys === undefined || kind === 'index' || (bodyBytes === 0 && BODILESS.includes(kind));
}

/** The hash at the end needs no key, so that anybody can make an object that is whole. */
function withoutKey(name: string): DbadminError {
  return damaged(name, 'It is not encrypted, and this repository is: somebody without its key wrote it.');
}

/** Who takes pieces copies each: not all at once. */
function* piecesOf(bytes: Buffer): Generator<Buffer, undefined> {
  for (let at = 0; at < bytes.byteLength; at += STREAM_CHUNK_BYTES) yield bytes.subarray(at, at + STREAM_CHUNK_BYTES);
}

function decryptWhole(keys: RepositoryKeys, start: Buffer, stored: Buffer, name: string): Buffer {
  const decryption = new BodyDecryption(keys, blake3(start), name);
  const body = Buffer.allocUnsafeSlow(stored.byteLength);
  let filled = 0;
  for (const piece of piecesOf(stored)) for (const plain of decryption.take(piece)) filled += plain.copy(body, filled);
  decryption.finish();
  return body.subarray(0, filled);
}

function keysFor(sealing: Sealing, name: string): RepositoryKeys {
  if (sealing.keys !== undefined) return sealing.keys;
  throw new DbadminError('key-wrong', `${name} is encrypted and there is no key for it`, {
    hint: 'Give the key under repositories → encryption in the configuration.',
  });
}

/**
 * The header alone, from the first bytes of an object, and how long the object is when its body has `bodyBytes` bytes. Undefined when
 * `bytes` is too short to hold it: read more. Nothing is proven.
 */
export function peekStart(
  kind: SealedKind,
  bytes: Uint8Array,
  name: string,
): { readonly header: Readonly<Record<string, unknown>>; sizeWith(bodyBytes: number): number } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.byteLength >= FIXED_BYTES && buffer.byteLength < FIXED_BYTES + Math.min(MAX_HEADER_BYTES, buffer.readUInt32BE(12)))
    return undefined;
  const { header, bodyOffset } = readPreamble(kind, buffer, name);
  return { header, sizeWith: (bodyBytes) => bodyOffset + bodyBytes + HASH_BYTES };
}

/** What the beginning of a sealed object says. */
export interface SealedStart {
  readonly header: Readonly<Record<string, unknown>>;
  readonly encrypted: boolean;
}

/**
 * The header of a sealed object, where there are keys one that was written with them: every frame of a body is bound to the
 * header before it, so that the first proves it. Where `bytes` is too short for that: how many are needed, of the whole object.
 *
 * @throws {DbadminError} as for {@link unseal}.
 */
export function openStart(
  sealing: Sealing,
  kind: SealedKind,
  bytes: Uint8Array,
  name: string,
): { readonly header: SealedStart['header'] } | { readonly neededBytes: number } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const startBytes = buffer.byteLength < FIXED_BYTES ? FIXED_BYTES : FIXED_BYTES + Math.min(MAX_HEADER_BYTES, buffer.readUInt32BE(12));
  if (buffer.byteLength < startBytes) return { neededBytes: startBytes };
  const { header, bodyOffset, encrypted } = readPreamble(kind, buffer, name);
  if (sealing.keys === undefined) return { header };
  if (!encrypted) throw withoutKey(name);
  const body = buffer.subarray(bodyOffset);
  const end = firstFrameEnd(body);
  if (body.byteLength < end) return { neededBytes: bodyOffset + end };
  for (const _ of new BodyDecryption(sealing.keys, blake3(buffer.subarray(0, bodyOffset)), name).take(body.subarray(0, end)))
    return { header };
  throw damaged(name, 'It is cut short.');
}

/**
 * The body of a sealed object that is streamed; `onStart` gets its beginning before the body comes, and may refuse it. The hash is checked at the end, so what was yielded is to be believed
 * only when the iteration ends without an error.
 */
export async function* unsealStream(
  sealing: Sealing,
  kind: SealedKind,
  source: AsyncIterable<Uint8Array>,
  name: string,
  onStart: (start: SealedStart) => void = () => undefined,
): AsyncGenerator<Buffer> {
  const zstd = createZstdDecompress({ chunkSize: STREAM_CHUNK_BYTES });
  const state = { failure: undefined as unknown };
  const feed = feedBody(sealing, kind, source, name, onStart, zstd).catch((error: unknown) => {
    state.failure = error;
    zstd.destroy();
  });
  try {
    for await (const chunk of zstd as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    await feed;
    throw state.failure instanceof Error ? state.failure : damaged(name, `Its body does not decompress: ${messageOf(error)}.`, error);
  } finally {
    zstd.destroy();
  }
  await feed;
  if (state.failure !== undefined) throw state.failure as Error;
}

async function feedBody(
  sealing: Sealing,
  kind: SealedKind,
  source: AsyncIterable<Uint8Array>,
  name: string,
  onStart: (start: SealedStart) => void,
  zstd: ReturnType<typeof createZstdDecompress>,
): Promise<void> {
  const hash = new Blake3();
  let pending = Buffer.alloc(0);
  let inBody = false;
  let decryption: BodyDecryption | undefined;
  let foreign: DbadminError | undefined;
  for await (const chunk of source) {
    pending = Buffer.concat([pending, chunk]);
    if (!inBody) {
      const startBytes = peekLength(pending);
      if (startBytes === undefined) continue;
      const start = pending.subarray(0, startBytes);
      try {
        const { header, encrypted } = readPreamble(kind, pending, name);
        if (!encrypted && !mayBeClear(sealing, kind, pending.byteLength)) throw withoutKey(name);
        onStart({ header, encrypted });
        if (encrypted) decryption = new BodyDecryption(keysFor(sealing, name), blake3(start), name);
      } catch (error) {
        if (!isDbadminError(error, 'repository-format') && !isDbadminError(error, 'key-wrong')) throw error;
        // One flipped bit says the same: only the hash at the end tells the two apart.
        foreign = error;
      }
      hash.update(start);
      pending = pending.subarray(startBytes);
      inBody = true;
    }
    if (pending.byteLength <= HASH_BYTES) continue;
    const ready = pending.subarray(0, pending.byteLength - HASH_BYTES);
    hash.update(ready);
    const pieces = foreign === undefined ? (decryption?.take(ready) ?? [ready]) : [];
    for (const piece of pieces) {
      if (zstd.destroyed) return;
      if (!zstd.write(piece)) await roomIn(zstd);
    }
    pending = pending.subarray(ready.byteLength);
  }
  if (!inBody || pending.byteLength !== HASH_BYTES || !hash.digest().equals(pending))
    throw damaged(name, 'Its hash does not match its content.');
  if (foreign !== undefined) throw foreign;
  decryption?.finish();
  zstd.end();
}

/** Resolves when the stream takes more, or has ended, also by an error. Leaves no listener behind: a long body waits thousands of times. */
async function roomIn(zstd: ReturnType<typeof createZstdDecompress>): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race(['drain', 'close'].map(async (event) => await once(zstd, event, { signal: done.signal })));
  } catch {
    // What does not decompress ends the stream: who reads it is told, and says of what.
  } finally {
    done.abort();
  }
}

function peekLength(bytes: Buffer): number | undefined {
  if (bytes.byteLength < FIXED_BYTES) return undefined;
  const length = FIXED_BYTES + Math.min(MAX_HEADER_BYTES, bytes.readUInt32BE(12));
  return bytes.byteLength < length ? undefined : length;
}

function preamble(kind: SealedKind, header: object, flags: number): Buffer {
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  if (json.byteLength > MAX_HEADER_BYTES) throw new DbadminError('internal', 'header of a sealed object is too long');
  const fixed = Buffer.alloc(FIXED_BYTES);
  fixed.write(MAGIC, 0, 'latin1');
  fixed.write(SEALED_KINDS[kind], 8, 'latin1');
  fixed.writeUInt8(flags, 9);
  fixed.writeUInt32BE(json.byteLength, 12);
  return Buffer.concat([fixed, json]);
}

interface Preamble {
  readonly header: Readonly<Record<string, unknown>>;
  readonly bodyOffset: number;
  readonly zstd: boolean;
  readonly encrypted: boolean;
}

/** `isWhole`: whether the object's hash matches its content, where that is known: what it says of itself is damage otherwise. */
function readPreamble(kind: SealedKind, bytes: Buffer, name: string, isWhole = true): Preamble {
  if (bytes.byteLength < FIXED_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC)
    throw damaged(name, 'It does not begin as a dbadmin object.');
  const found = bytes.toString('latin1', 8, 9);
  if (found !== SEALED_KINDS[kind]) throw damaged(name, `It holds an object of kind ${JSON.stringify(found)} where a ${kind} belongs.`);
  const flags = bytes.readUInt8(9);
  if ((flags & ~(FLAG_ZSTD | FLAG_ENCRYPTED)) !== 0) {
    if (!isWhole) throw damaged(name, 'Its hash does not match its content.');
    throw new DbadminError('repository-format', `${name} is stored in a way this version does not know (flags ${flags})`, {
      hint: 'It was written by a newer dbadmin: use the version that wrote it.',
    });
  }
  const length = bytes.readUInt32BE(12);
  if (length > MAX_HEADER_BYTES || bytes.byteLength < FIXED_BYTES + length) throw damaged(name, 'It is cut short.');
  const header = parseHeader(bytes.toString('utf8', FIXED_BYTES, FIXED_BYTES + length), name);
  return { header, bodyOffset: FIXED_BYTES + length, zstd: (flags & FLAG_ZSTD) !== 0, encrypted: (flags & FLAG_ENCRYPTED) !== 0 };
}

function parseHeader(text: string, name: string): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw damaged(name, 'Its header is not JSON.', error);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw damaged(name, 'Its header is no object.');
  return header as Readonly<Record<string, unknown>>;
}

/** The failure of an object that is there and wrong. */
export function damaged(name: string, detail: string, cause?: unknown): DbadminError {
  return new DbadminError('repository-damaged', `${name} is damaged`, {
    detail,
    hint: 'Keep the object; restore it from a second copy of the repository if there is one.',
    cause,
  });
}

import { DbadminError } from '../../base/errors.ts';
import type { RelationShape } from '../../postgres/incremental-file.ts';
import type { Room } from '../../repository/blob-pipeline.ts';
import { MAX_BLOB_BYTES } from '../../repository/pack.ts';
import type { BlobIntake } from './blob-intake.ts';
import type { Comparison } from './comparison.ts';
import { appendExtent, type ContentExtent, type Stretch } from './extents.ts';
import { appendStretch, cutPageHashes, hashPages, isHashed } from './page-hashes.ts';

/** What is done with the files of a base backup. */
export interface Intake extends RelationShape {
  readonly blobs: BlobIntake;
  /** Tells what of a file is new; without it everything is taken, and content that is there is found by its name. */
  readonly comparison: Comparison | undefined;
  /** Key of page hashes, where they are taken for the next backup's sake. */
  readonly pageHashKey: Buffer | undefined;
  /** Gets every file once it is whole. */
  readonly onFile: (file: TakenFile) => void;
}

export interface FileAttributes {
  /** Relative to the data directory. */
  readonly path: string;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/** A file that came: within `taken` it is what `extents` say, elsewhere it is as the parent has it. */
export interface TakenFile extends FileAttributes {
  readonly sizeBytes: number;
  readonly extents: readonly ContentExtent[];
  /** Undefined for all of the file. */
  readonly taken: readonly Stretch[] | undefined;
  /** Bytes of the server's that are not as the parent has them. */
  readonly changedBytes: number;
  /** Blobs of page hashes. */
  readonly pages: readonly number[];
}

const ZEROS = Buffer.alloc(MAX_BLOB_BYTES);
/** Above this share of a stretch being new, all of it is taken as one blob: an extent has its price too. */
const WHOLE_FROM_SHARE = 0.5;

/** A file that comes whole, cut into stretches of 1 MiB; zeros become holes, and only what is new is taken. */
export class WholeFile {
  readonly #attributes: FileAttributes;
  readonly #expectedBytes: number | undefined;
  readonly #intake: Intake;
  readonly #comparison: Comparison | undefined;
  readonly #hashKey: Buffer | undefined;
  readonly #hashes: Buffer[] = [];
  readonly #extents: ContentExtent[] = [];
  readonly #taken: { start: number; end: number }[] = [];
  #room: Room | undefined;
  #filled = 0;
  #offset = 0;
  #changedBytes = 0;

  /** `expectedBytes` is what the server announced, or undefined when it did not. */
  constructor(attributes: FileAttributes, expectedBytes: number | undefined, intake: Intake) {
    this.#attributes = attributes;
    this.#expectedBytes = expectedBytes;
    this.#intake = intake;
    this.#comparison = intake.comparison?.covers(attributes.path) === true ? intake.comparison : undefined;
    this.#hashKey = expectedBytes !== undefined && isHashed(expectedBytes) ? intake.pageHashKey : undefined;
  }

  take(chunk: Uint8Array): void | Promise<void> {
    const room = this.#room ?? this.#reserve();
    if (room instanceof Promise) return this.#takeLater(room, chunk);
    if (chunk.byteLength >= room.bytes.byteLength - this.#filled) return this.#takeAcross(chunk);
    copyInto(room, this.#filled, chunk, 0, chunk.byteLength);
    this.#filled += chunk.byteLength;
    return undefined;
  }

  async finish(): Promise<void> {
    await this.#flush();
    const { path } = this.#attributes;
    if (this.#expectedBytes !== undefined && this.#offset !== this.#expectedBytes) {
      throw new DbadminError('protocol-violation', `file ${path} ended at ${this.#offset} of ${this.#expectedBytes} bytes`);
    }
    const pages: number[] = [];
    for (const piece of cutPageHashes(this.#hashes)) pages.push(await this.#intake.blobs.put(piece));
    this.#intake.onFile({
      ...this.#attributes,
      sizeBytes: this.#offset,
      extents: this.#extents,
      taken: this.#comparison === undefined ? undefined : this.#taken,
      changedBytes: this.#changedBytes,
      pages,
    });
  }

  #reserve(): Room | Promise<Room> {
    const left = this.#expectedBytes === undefined ? MAX_BLOB_BYTES : this.#expectedBytes - this.#offset;
    const room = this.#intake.blobs.reserve(Math.max(1, Math.min(MAX_BLOB_BYTES, left)));
    if (!(room instanceof Promise)) this.#room = room;
    return room;
  }

  async #takeLater(reserved: Promise<Room>, chunk: Uint8Array): Promise<void> {
    this.#room = await reserved;
    await this.#takeAcross(chunk);
  }

  async #takeAcross(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) {
      const room = (this.#room ??= await this.#reserve());
      const taken = Math.min(chunk.byteLength - at, room.bytes.byteLength - this.#filled);
      copyInto(room, this.#filled, chunk, at, at + taken);
      this.#filled += taken;
      at += taken;
      if (this.#filled === room.bytes.byteLength) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const room = this.#room;
    const length = this.#filled;
    if (room === undefined) return;
    const offset = this.#offset;
    const plain = room.bytes.subarray(0, length);
    this.#room = undefined;
    this.#filled = 0;
    this.#offset += length;
    const hashes = this.#hashKey === undefined || length === 0 ? undefined : hashPages(this.#hashKey, plain);
    if (hashes !== undefined) this.#hashes.push(hashes);
    const changes = await this.#comparison?.changes(this.#attributes.path, offset, plain, hashes);
    if (changes === 'damaged') {
      this.#changedBytes += length;
      await this.#takeApart(room, offset, plain);
      return;
    }
    const changed = changes?.reduce((sum, { start, end }) => sum + end - start, 0) ?? length;
    this.#changedBytes += changed;
    if (changes !== undefined && changed <= length * WHOLE_FROM_SHARE) await this.#takeChanges(room, offset, plain, changes);
    else if (this.#intake.blobs.isDamaged(plain)) await this.#takeApart(room, offset, plain);
    else this.#takeAll(room, offset, plain);
  }

  #takeAll(room: Room, offset: number, plain: Buffer): void {
    appendStretch(this.#taken, offset, offset + plain.byteLength);
    if (plain.byteLength === 0 || isZero(plain)) room.release();
    else
      appendExtent(this.#extents, { offset, length: plain.byteLength, blob: this.#intake.blobs.submit(room, plain.byteLength), from: 0 });
  }

  async #takeApart(room: Room, offset: number, plain: Buffer): Promise<void> {
    appendStretch(this.#taken, offset, offset + plain.byteLength);
    if (!isZero(plain)) await this.#intake.blobs.putApart(offset, plain, this.#extents);
    room.release();
  }

  async #takeChanges(room: Room, offset: number, plain: Buffer, changes: readonly Stretch[]): Promise<void> {
    for (const { start, end } of changes) {
      const changed = plain.subarray(start - offset, end - offset);
      if (!isZero(changed)) await this.#intake.blobs.putShared(start, changed, this.#extents);
      appendStretch(this.#taken, start, end);
    }
    room.release();
  }
}

/** Copies bytes `[start, end)` of a chunk. `set` of a typed array takes twice as long into shared memory as `copy` of a Buffer. */
function copyInto({ bytes }: Room, at: number, chunk: Uint8Array, start: number, end: number): void {
  const source = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  source.copy(bytes, at, start, end);
}

/** Whether all of it, at most 1 MiB, is zeros. */
export function isZero(bytes: Buffer): boolean {
  // Most pages begin with a non-zero LSN: look there before comparing all.
  if (bytes.byteLength >= 4 && bytes.readUInt32LE(0) !== 0) return false;
  return bytes.equals(ZEROS.subarray(0, bytes.byteLength));
}

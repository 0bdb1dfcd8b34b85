import { DbadminError } from '../../base/errors.ts';
import { readIncrementalHead, rebuiltBlocks, type IncrementalHead } from '../../postgres/incremental-file.ts';
import { MAX_BLOB_BYTES } from '../../repository/pack.ts';
import type { ContentExtent, Stretch } from './extents.ts';
import { appendStretch } from './page-hashes.ts';
import { isZero, type FileAttributes, type Intake } from './whole-file.ts';

/** A file of which only the changed blocks come: they are laid over what the parent has of it. Nothing old is read. */
export class ChangedFile {
  readonly #attributes: FileAttributes;
  readonly #expectedBytes: number;
  readonly #intake: Intake;
  readonly #extents: ContentExtent[] = [];
  #head: IncrementalHead | undefined;
  /** Bytes of the head, or of the run of blocks being gathered. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #takenBytes = 0;
  #nextBlock = 0;

  constructor(attributes: FileAttributes, expectedBytes: number, intake: Intake) {
    this.#attributes = attributes;
    this.#expectedBytes = expectedBytes;
    this.#intake = intake;
  }

  async take(chunk: Uint8Array): Promise<void> {
    // A view of the receiver's buffer, valid only during this call.
    this.#pending.push(Buffer.from(chunk));
    this.#pendingBytes += chunk.byteLength;
    this.#takenBytes += chunk.byteLength;
    if (this.#head === undefined) this.#readHead();
    if (this.#head !== undefined && this.#pendingBytes >= MAX_BLOB_BYTES) await this.#takeBlocks();
  }

  async finish(): Promise<void> {
    const { path } = this.#attributes;
    if (this.#head === undefined) this.#readHead();
    const head = this.#head;
    if (head === undefined || this.#takenBytes !== this.#expectedBytes) throw cutShort(path);
    await this.#takeBlocks();
    if (this.#nextBlock !== head.blocks.length || this.#pendingBytes !== 0) throw cutShort(path);
    this.#intake.onFile({
      ...this.#attributes,
      sizeBytes: rebuiltBlocks(head) * this.#intake.blockBytes,
      extents: this.#extents,
      taken: stretchesOf(head.blocks, this.#intake.blockBytes),
      changedBytes: head.blocks.length * this.#intake.blockBytes,
      pages: [],
    });
  }

  #readHead(): void {
    const bytes = Buffer.concat(this.#pending);
    const head = readIncrementalHead(bytes, this.#intake.blockBytes, this.#attributes.path);
    this.#pending = [bytes];
    if (typeof head === 'number') return;
    this.#head = head;
    this.#keep(bytes.subarray(head.dataOffset));
  }

  async #takeBlocks(): Promise<void> {
    const { blockBytes } = this.#intake;
    const head = this.#head;
    if (head === undefined) return;
    const bytes = Buffer.concat(this.#pending);
    let at = 0;
    while (at + blockBytes <= bytes.byteLength) {
      // Blocks that follow each other in the file are one stretch.
      let count = 1;
      const first = head.blocks[this.#nextBlock];
      if (first === undefined) throw cutShort(this.#attributes.path);
      while (at + (count + 1) * blockBytes <= bytes.byteLength && head.blocks[this.#nextBlock + count] === first + count) count += 1;
      await this.#takeRun(first * blockBytes, bytes.subarray(at, at + count * blockBytes));
      this.#nextBlock += count;
      at += count * blockBytes;
    }
    this.#keep(bytes.subarray(at));
  }

  async #takeRun(offset: number, plain: Buffer): Promise<void> {
    for (let at = 0; at < plain.byteLength; at += MAX_BLOB_BYTES) {
      const piece = plain.subarray(at, at + MAX_BLOB_BYTES);
      if (!isZero(piece)) await this.#intake.blobs.putShared(offset + at, piece, this.#extents);
    }
  }

  #keep(rest: Buffer): void {
    this.#pending = rest.byteLength === 0 ? [] : [rest];
    this.#pendingBytes = rest.byteLength;
  }
}

function stretchesOf(blocks: Uint32Array, blockBytes: number): Stretch[] {
  const stretches: { start: number; end: number }[] = [];
  for (const block of blocks) appendStretch(stretches, block * blockBytes, (block + 1) * blockBytes);
  return stretches;
}

function cutShort(path: string): DbadminError {
  return new DbadminError('protocol-violation', `the changed blocks of ${path} are not what its head says`);
}

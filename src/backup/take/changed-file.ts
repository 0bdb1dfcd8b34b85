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
  /** What came of the head. */
  #begun: Buffer[] = [];
  /** The first bytes of a block whose rest comes with the next chunk. */
  readonly #partial: Buffer;
  #partialBytes = 0;
  #takenBytes = 0;
  #nextBlock = 0;

  constructor(attributes: FileAttributes, expectedBytes: number, intake: Intake) {
    this.#attributes = attributes;
    this.#expectedBytes = expectedBytes;
    this.#intake = intake;
    this.#partial = Buffer.allocUnsafe(intake.blockBytes);
  }

  /** `chunk` is a view of the receiver's buffer, valid only during this call. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#takenBytes += chunk.byteLength;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const blocks = this.#head === undefined ? this.#readHead(bytes) : bytes;
    if (blocks.byteLength > 0) await this.#takeBlocks(blocks);
  }

  finish(): void {
    const { path } = this.#attributes;
    const head = this.#head;
    if (head === undefined || this.#takenBytes !== this.#expectedBytes) throw cutShort(path);
    if (this.#nextBlock !== head.blocks.length || this.#partialBytes !== 0) throw cutShort(path);
    this.#intake.onFile({
      ...this.#attributes,
      sizeBytes: rebuiltBlocks(head) * this.#intake.blockBytes,
      extents: this.#extents,
      taken: stretchesOf(head, this.#intake.blockBytes),
      changedBytes: head.blocks.length * this.#intake.blockBytes,
      pages: [],
    });
  }

  /** Takes bytes of the head; gives those behind it. */
  #readHead(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([...this.#begun, chunk]);
    const head = readIncrementalHead(bytes, this.#intake, this.#attributes.path);
    if (typeof head === 'number') {
      this.#begun = [bytes];
      return Buffer.alloc(0);
    }
    this.#begun = [];
    this.#head = head;
    return bytes.subarray(head.dataOffset);
  }

  async #takeBlocks(bytes: Buffer): Promise<void> {
    const { blockBytes } = this.#intake;
    const blocks = this.#head?.blocks ?? new Uint32Array();
    let at = 0;
    if (this.#partialBytes > 0) {
      at = this.#keep(bytes);
      if (this.#partialBytes < blockBytes) return;
      this.#partialBytes = 0;
      await this.#takeRun(this.#blockAt(), this.#partial);
      this.#nextBlock += 1;
    }
    while (at + blockBytes <= bytes.byteLength) {
      // Blocks that follow each other in the file are one stretch.
      let count = 1;
      const first = this.#blockAt();
      while (at + (count + 1) * blockBytes <= bytes.byteLength && blocks[this.#nextBlock + count] === first + count) count += 1;
      await this.#takeRun(first, bytes.subarray(at, at + count * blockBytes));
      this.#nextBlock += count;
      at += count * blockBytes;
    }
    this.#keep(bytes.subarray(at));
  }

  #blockAt(): number {
    const block = this.#head?.blocks[this.#nextBlock];
    if (block === undefined) throw cutShort(this.#attributes.path);
    return block;
  }

  async #takeRun(block: number, plain: Buffer): Promise<void> {
    const offset = block * this.#intake.blockBytes;
    for (let at = 0; at < plain.byteLength; at += MAX_BLOB_BYTES) {
      const piece = plain.subarray(at, at + MAX_BLOB_BYTES);
      if (!isZero(piece)) await this.#intake.blobs.putShared(offset + at, piece, this.#extents);
    }
  }

  /** Keeps what goes on where the kept bytes end, up to a block; gives how much that was. */
  #keep(bytes: Buffer): number {
    const kept = bytes.copy(this.#partial, this.#partialBytes);
    this.#partialBytes += kept;
    return kept;
  }
}

/** What the parent has no part in: the blocks that came, and everything beyond the length that the file had all the time. */
function stretchesOf(head: IncrementalHead, blockBytes: number): Stretch[] {
  const stretches: { start: number; end: number }[] = [];
  for (const block of head.blocks) {
    if (block >= head.truncationBlocks) break;
    appendStretch(stretches, block * blockBytes, (block + 1) * blockBytes);
  }
  const rebuilt = rebuiltBlocks(head);
  if (rebuilt > head.truncationBlocks) appendStretch(stretches, head.truncationBlocks * blockBytes, rebuilt * blockBytes);
  return stretches;
}

function cutShort(path: string): DbadminError {
  return new DbadminError('protocol-violation', `the changed blocks of ${path} are not what its head says`);
}

import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { segmentName } from '../../postgres/segment.ts';

/** The open WAL segment of a stream being received, and how much of it is stored already. Pure bookkeeping. */
export class SegmentBuffer {
  readonly timeline: number;
  readonly segmentBytes: number;
  #startLsn: bigint;
  /** Memory comes with the first bytes: that of the segment before may be free by then. */
  #bytes: Buffer | undefined;
  /** Memory of segments that are stored. */
  readonly #spare: Buffer[] = [];
  #filled = 0;
  #stored = 0;

  /** `startLsn` is where a segment begins. */
  constructor(timeline: number, startLsn: bigint, segmentBytes: number) {
    this.timeline = timeline;
    this.segmentBytes = segmentBytes;
    this.#startLsn = startLsn;
  }

  /** Where the open segment begins. */
  get startLsn(): bigint {
    return this.#startLsn;
  }

  /** The byte after the last one received. */
  get receivedLsn(): bigint {
    return this.#startLsn + BigInt(this.#filled);
  }

  get name(): string {
    return segmentName(this.timeline, this.#startLsn, this.segmentBytes);
  }

  get isFull(): boolean {
    return this.#filled === this.segmentBytes;
  }

  /** The whole segment; it stays as it is until {@link SegmentBuffer.reuse}. */
  get bytes(): Buffer {
    return (this.#bytes ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.segmentBytes));
  }

  /** Bytes received and in no stored part yet. */
  get unstored(): { readonly from: number; readonly bytes: Buffer } | undefined {
    return this.#stored === this.#filled ? undefined : { from: this.#stored, bytes: this.bytes.subarray(this.#stored, this.#filled) };
  }

  /** Notes that parts up to byte `to` of the segment are stored. */
  markStored(to: number): void {
    this.#stored = Math.max(this.#stored, to);
  }

  /**
   * Takes what fits into this segment and gives the rest.
   *
   * @throws {DbadminError} `protocol-violation` when the bytes do not follow what came before.
   */
  take(startLsn: bigint, bytes: Uint8Array): Uint8Array {
    if (startLsn !== this.receivedLsn) {
      throw new DbadminError('protocol-violation', `the WAL stream jumped from ${formatLsn(this.receivedLsn)} to ${formatLsn(startLsn)}`);
    }
    const taken = Math.min(bytes.byteLength, this.segmentBytes - this.#filled);
    this.bytes.set(bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    return bytes.subarray(taken);
  }

  /** Begins the following segment. */
  next(): void {
    this.#startLsn += BigInt(this.segmentBytes);
    // Not the same memory: the full segment may still be on its way to the repository.
    this.#bytes = undefined;
    this.#filled = 0;
    this.#stored = 0;
  }

  /** Gives back the memory of a segment that nobody needs any more: new memory for each is the largest part of the time. */
  reuse(bytes: Buffer): void {
    this.#spare.push(bytes);
  }
}

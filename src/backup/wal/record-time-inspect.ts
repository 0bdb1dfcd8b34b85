import { DbadminError } from '../../base/errors.ts';
import { WAL_PAGE_BYTES } from '../../postgres/wal-page.ts';
import { readWalRecords } from '../../postgres/wal-reader.ts';
import { checkpointOf, concernsTransactions, TransactionEnds } from '../../postgres/wal-records.ts';

/** Bytes of a segment from its first on. */
export interface SegmentBeginning {
  readonly startLsn: bigint;
  readonly segmentBytes: number;
  readonly major: number;
  readonly bytes: Buffer;
}

/**
 * Until when the records of a stream themselves prove that nothing is missing: the end of a transaction and a checkpoint take their
 * time before they write their record, so what was flushed by that time lies before it. Of a segment in which there is neither, what
 * the segments before it proved still holds.
 */
export class RecordTimes {
  #reading: Promise<Date | undefined> = Promise.resolve(undefined);
  #startLsn: bigint | undefined;
  /** Where the first record begins that was not read whole. */
  #readLsn = 0n;
  #hasEnd = false;
  /** The last record that was looked at: where a page is read again, those before are not new. */
  #seenLsn = -1n;
  #hasEndSinceCheckpoint = true;
  #until: Date | undefined;

  /**
   * That of the WAL up to the end of these bytes: undefined when nothing before it tells. Asked in the order of the WAL, of one segment
   * again and again as it grows.
   */
  async until(segment: SegmentBeginning): Promise<Date | undefined> {
    // One after the other: a time that comes later in the WAL is no proof for what lies before it.
    this.#reading = this.#reading.then(async () => await this.#read(segment));
    return await this.#reading;
  }

  async #read({ startLsn, bytes, ...options }: SegmentBeginning): Promise<Date | undefined> {
    if (startLsn !== this.#startLsn) {
      this.#startLsn = startLsn;
      this.#readLsn = startLsn;
      this.#hasEnd = false;
    }
    const offset = Number(this.#readLsn - startLsn);
    const from = offset - (offset % WAL_PAGE_BYTES);
    const source = (async function* () {
      yield await Promise.resolve(bytes.subarray(from));
    })();
    const ends = new TransactionEnds(options.major);
    const onEnd = (lsn: bigint): void => void (this.#readLsn = lsn);
    const reading = { ...options, startLsn: startLsn + BigInt(from), wants: concernsTransactions, onEnd };
    try {
      for await (const record of readWalRecords(source, reading)) {
        const end = ends.take(record);
        if (record.lsn <= this.#seenLsn) continue;
        this.#seenLsn = record.lsn;
        const checkpoint = checkpointOf(record, options.major);
        if (checkpoint !== undefined) this.#noteCheckpoint(checkpoint.at);
        if (end !== undefined) this.#noteEnd(new Date(Number(end.time / 1000n)));
      }
    } catch (error) {
      if (!(error instanceof DbadminError)) throw error;
    }
    return this.#until;
  }

  /** The first of a segment stands for itself: after the clock was set back, an earlier time is the proof. */
  #noteEnd(at: Date): void {
    this.#until = this.#hasEnd ? laterOf(this.#until, at) : at;
    this.#hasEnd = true;
    this.#hasEndSinceCheckpoint = true;
  }

  /**
   * It may have begun long before what ended since the one before it, and takes no time of that back. With nothing ended since, whatever told a
   * time lies before its beginning: an earlier one is the proof then, of a clock that was set back.
   */
  #noteCheckpoint(at: Date): void {
    this.#until = this.#hasEndSinceCheckpoint ? laterOf(this.#until, at) : at;
    this.#hasEndSinceCheckpoint = false;
  }
}

function laterOf(one: Date | undefined, other: Date): Date {
  return one === undefined || one < other ? other : one;
}

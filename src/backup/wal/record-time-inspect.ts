import { DbadminError } from '../../base/errors.ts';
import { readTransactionEnds } from '../../postgres/wal-records.ts';

/** Bytes of a segment from its first on. */
export interface SegmentBeginning {
  readonly startLsn: bigint;
  readonly segmentBytes: number;
  readonly major: number;
  readonly bytes: Buffer;
}

/**
 * Until when the records themselves prove that nothing is missing: a transaction takes its time before it writes the record of its
 * end, so what was flushed by that time lies before it. Undefined when none ends here, and when it is no WAL.
 */
export async function lastRecordTime({ bytes, ...options }: SegmentBeginning): Promise<Date | undefined> {
  let last: bigint | undefined;
  const source = (async function* () {
    yield await Promise.resolve(bytes);
  })();
  try {
    for await (const { time } of readTransactionEnds(source, options)) if (last === undefined || time > last) last = time;
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
  }
  return last === undefined ? undefined : new Date(Number(last / 1000n));
}

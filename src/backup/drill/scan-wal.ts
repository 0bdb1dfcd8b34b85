import { parseLsn } from '../../postgres/lsn.ts';
import { readTransactionEnds } from '../../postgres/wal-records.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { LineageContents } from '../lineage-inspect.ts';
import type { Lineage } from '../restore/recover-along.ts';
import { readSegments } from '../restore/wal-source.ts';

/** What the stored WAL holds from a backup on. */
export interface ScannedWal {
  /** Where valid WAL ends: recovery to its end must get exactly there. */
  readonly validUntil: bigint;
  readonly lastCommit: ScannedCommit | undefined;
  /** One of all commits after the backup's end, each as likely as any other. */
  readonly chosen: ScannedCommit | undefined;
}

export interface ScannedCommit {
  readonly xid: string;
  readonly lsn: bigint;
  readonly endLsn: bigint;
  readonly at: Date;
}

/** Reads it once. `draw` gives a number in [0, 1) for each commit. */
export async function scanWal(
  contents: LineageContents,
  lineage: Lineage,
  backup: BackupSummary,
  untilLsn: bigint,
  draw: (count: number) => number,
): Promise<ScannedWal> {
  const { archive } = contents;
  const size = BigInt(archive.segmentBytes);
  const stopLsn = parseLsn(backup.stopLsn);
  const from = parseLsn(backup.startLsn);
  const startLsn = from - (from % size);
  let validUntil = untilLsn;
  const bytes = (async function* () {
    for await (const segment of readSegments(archive, lineage, startLsn, untilLsn)) yield segment.bytes.subarray(0, segment.filledBytes);
  })();
  let lastCommit: ScannedCommit | undefined;
  let chosen: ScannedCommit | undefined;
  let count = 0;
  const major = Math.floor(backup.serverVersion / 10_000);
  const options = { startLsn, segmentBytes: archive.segmentBytes, major, onEnd: (lsn: bigint) => (validUntil = lsn) };
  for await (const record of readTransactionEnds(bytes, options)) {
    if (record.lsn < stopLsn || (record.kind !== 'commit' && record.kind !== 'commit-prepared')) continue;
    lastCommit = { xid: String(record.xid), lsn: record.lsn, endLsn: record.endLsn, at: new Date(Number(record.time / 1000n)) };
    count += 1;
    // Reservoir of one: the n-th commit takes the place with probability 1/n.
    if (draw(count) * count < 1) chosen = lastCommit;
  }
  return { validUntil, lastCommit, chosen };
}

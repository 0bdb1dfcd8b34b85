import { DbadminError } from '../base/errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { parseSegmentName } from '../postgres/segment.ts';

const XLP_LONG_HEADER = 0x0002;

/**
 * Refuses bytes that are not segment `segment` of this cluster: the first page's long header names timeline, address,
 * system identifier and segment size. Of a segment of `sizeBytes` its beginning is enough, as long as that header.
 *
 * @throws {DbadminError} `wal-invalid`.
 * @see src/include/access/xlog_internal.h of PostgreSQL, XLogLongPageHeaderData
 */
export function checkFirstPage(
  bytes: Buffer,
  systemIdentifier: string,
  segment: string,
  segmentBytes: number,
  sizeBytes = bytes.byteLength,
): void {
  const { startLsn } = parseSegmentName(segment, segmentBytes);
  const problem =
    sizeBytes !== segmentBytes
      ? `It has ${sizeBytes} bytes and a segment of this cluster has ${segmentBytes}.`
      : (bytes.readUInt16LE(2) & XLP_LONG_HEADER) === 0
        ? 'Its first page has no long header.'
        : bytes.readBigUInt64LE(24).toString() !== systemIdentifier
          ? `It belongs to the cluster with system identifier ${bytes.readBigUInt64LE(24)}, not ${systemIdentifier}.`
          : bytes.readBigUInt64LE(8) !== startLsn
            ? `Its first page is of ${formatLsn(bytes.readBigUInt64LE(8))}, not ${formatLsn(startLsn)}: a recycled file.`
            : undefined;
  if (problem !== undefined) throw new DbadminError('wal-invalid', `WAL segment ${segment} is not what its name says`, { detail: problem });
}

import { parseWalPageHeader, walMagic, type WalPageHeader } from '../../postgres/wal-page.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';

/** The header of a segment's first page; undefined when it is none of this cluster, or not of this address: a recycled file. */
export function segmentHeader(page: Buffer, cluster: ClusterIdentity, startLsn: bigint): WalPageHeader | undefined {
  const header = parseWalPageHeader(page, walMagic(majorOf(cluster)), startLsn);
  const { systemIdentifier, segmentBytes } = header?.segment ?? {};
  return systemIdentifier === cluster.systemIdentifier && segmentBytes === cluster.walSegmentBytes ? header : undefined;
}

export function majorOf({ serverVersion }: Pick<ClusterIdentity, 'serverVersion'>): number {
  return Math.floor(serverVersion / 10_000);
}

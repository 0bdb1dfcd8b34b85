import { isDbadminError } from '../base/errors.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { seal, unseal } from './envelope.ts';
import { gapKey, gapPrefix } from './layout.ts';
import type { Repository } from './repository.ts';

/** Why WAL was lost. */
export type GapReason =
  /** The slot was not there, as after a failover, and the server had removed the WAL. */
  | 'slot-missing'
  /** The server gave the slot up (wal_status lost), and had removed the WAL. */
  | 'slot-lost'
  /** The slot was there, and the WAL was not. */
  | 'wal-removed';

/** WAL of a timeline, from `fromLsn` up to and not including `toLsn`, that the server can no longer give. @see FORMAT.md "Gap records" */
export interface RecordedGap {
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  readonly reason: GapReason;
  /** The tool's clock when it was noticed, ISO 8601. */
  readonly noticedAt: string;
}

/** Records a gap; the same one twice is fine. The record stays for ever: what fills the gap later is seen in the WAL itself. */
export async function recordGap(repository: Repository, systemIdentifier: string, gap: RecordedGap): Promise<void> {
  const { timeline, reason, noticedAt } = gap;
  const header = { systemIdentifier, timeline, fromLsn: formatLsn(gap.fromLsn), toLsn: formatLsn(gap.toLsn), reason, noticedAt };
  const key = gapKey(systemIdentifier, timeline, gap.fromLsn, gap.toLsn);
  try {
    await repository.store.create(key, await seal(repository, 'gap', header, Buffer.alloc(0)));
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
  }
}

/** The gaps recorded of a lineage, by timeline and position. */
export async function listGaps(repository: Repository, systemIdentifier: string): Promise<readonly RecordedGap[]> {
  const gaps: RecordedGap[] = [];
  for await (const { key } of repository.store.list(gapPrefix(systemIdentifier))) {
    const { header } = await unseal(repository, 'gap', await repository.store.read(key), key, 1024);
    gaps.push({
      timeline: Number(header['timeline']),
      fromLsn: parseLsn(String(header['fromLsn'])),
      toLsn: parseLsn(String(header['toLsn'])),
      reason: header['reason'] as GapReason,
      noticedAt: String(header['noticedAt']),
    });
  }
  return gaps.sort((a, b) => a.timeline - b.timeline || (a.fromLsn < b.fromLsn ? -1 : 1));
}

import { isDbadminError } from '../base/errors.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { damaged, seal, unseal } from './envelope.ts';
import { gapKey, gapPrefix } from './layout.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
import type { Repository } from './repository.ts';

/**
 * Why WAL was lost. `slot-missing`: the slot was not there, as after a failover, and the server had removed the WAL. `slot-lost`: the
 * server gave the slot up (wal_status lost), and had removed it. `wal-removed`: the slot was there, and the WAL was not.
 */
const GAP_REASONS = ['slot-missing', 'slot-lost', 'wal-removed'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** WAL of a timeline, from `fromLsn` up to and not including `toLsn`, that the server can no longer give. @see FORMAT.md "Gap records" */
export interface RecordedGap {
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  /** `hole` where its record does not say. */
  readonly reason: GapReason | 'hole';
  /** The tool's clock when it was noticed, ISO 8601; null where its record does not say. */
  readonly noticedAt: string | null;
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

/**
 * The gaps recorded of a lineage, by timeline and position. Where one is its key says: a record that cannot be read is a gap all the
 * same, and keeps nobody from what it has nothing to do with.
 */
export async function listGaps(repository: Gaps, systemIdentifier: string): Promise<readonly RecordedGap[]> {
  const gaps: RecordedGap[] = [];
  const prefix = gapPrefix(systemIdentifier);
  for await (const { key } of repository.store.list(prefix)) {
    const place = placeIn(key.slice(prefix.length));
    if (place === undefined) continue;
    const found: DamagedObject[] = [];
    const header = await readOr(repository, key, found, async () => {
      const unsealed = await unseal(repository, 'gap', await repository.store.read(key), key, 1024);
      requireGapAt(unsealed.header, key);
      return unsealed.header;
    });
    // Otherwise it is gone since it was listed.
    if (header !== undefined || found.length > 0) gaps.push({ ...place, ...saidIn(header ?? {}) });
  }
  return gaps.sort((a, b) => a.timeline - b.timeline || (a.fromLsn < b.fromLsn ? -1 : 1));
}

/** Asks of a gap's record whether it is the one that belongs under its key. @throws {DbadminError} `repository-damaged`, `lsn-invalid`. */
export function requireGapAt({ systemIdentifier, timeline, fromLsn, toLsn }: Readonly<Record<string, unknown>>, key: string): void {
  const its = gapKey(String(systemIdentifier), Number(timeline), parseLsn(String(fromLsn)), parseLsn(String(toLsn)));
  if (its !== key) throw damaged(key, `It is the record that belongs under ${its}.`);
}

type Gaps = Pick<Repository, 'store' | 'keys' | 'onDamaged'>;

const PLACE = /^([0-9A-F]{8})-([0-9A-F]{1,8}_[0-9A-F]{1,8})-([0-9A-F]{1,8}_[0-9A-F]{1,8})$/;

/** What the last part of a record's key says; undefined of what is none. */
function placeIn(name: string): Pick<RecordedGap, 'timeline' | 'fromLsn' | 'toLsn'> | undefined {
  const [, timeline, from, to] = PLACE.exec(name) ?? [];
  if (timeline === undefined || from === undefined || to === undefined) return undefined;
  return { timeline: Number.parseInt(timeline, 16), fromLsn: parseLsn(from.replace('_', '/')), toLsn: parseLsn(to.replace('_', '/')) };
}

function saidIn({ reason, noticedAt }: Readonly<Record<string, unknown>>): Pick<RecordedGap, 'reason' | 'noticedAt'> {
  return {
    reason: GAP_REASONS.find((each) => each === reason) ?? 'hole',
    noticedAt: typeof noticedAt === 'string' ? noticedAt : null,
  };
}

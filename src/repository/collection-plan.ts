import { COMPACT_BELOW, type PackUsage, type PackUse } from './collection-inspect.ts';

/** What a collection does with each pack that does not simply stay. */
export interface CollectionPlan {
  /** Nothing needs them: they are announced for deletion. */
  readonly mark: readonly PackUse[];
  /** Little of them is needed: that is written anew, and they are announced. */
  readonly compact: readonly PackUse[];
  /** Announced, and needed after all; or nobody can read for how long it was announced, and the next collection announces it anew. */
  readonly withdraw: readonly PackUse[];
  /** Announced long enough ago. */
  readonly delete: readonly PackUse[];
  /** Announced; `until` is by the store's clock. */
  readonly wait: readonly { readonly use: PackUse; readonly until: Date }[];
}

/** Long enough for any backup: what is announced now goes no sooner. */
export const DEFAULT_GRACE_MS = 25 * 3_600_000;

/**
 * Decides by the times of the store alone. A pack younger than the grace may belong to a backup that still runs and is left alone.
 * Times in the future of `usage.now` (a clock was set) count as just now. Without any backup nothing is decided: whoever lost
 * the manifests wants the packs.
 */
export function planCollection(usage: PackUsage, graceMs: number): CollectionPlan {
  const now = usage.now.getTime();
  const plan = { mark: [] as PackUse[], compact: [] as PackUse[], withdraw: [] as PackUse[], delete: [] as PackUse[] };
  const wait: { readonly use: PackUse; readonly until: Date }[] = [];
  if (usage.labels.length === 0) return { ...plan, wait };
  const unindexed = new Set(usage.unindexed);
  for (const use of usage.packs) {
    const { mark } = use;
    if (mark === undefined) {
      if (now - use.storedAt.getTime() < graceMs || unindexed.has(use.pack)) continue;
      if (use.neededBytes === 0) plan.mark.push(use);
      else if (use.needed.length > 0 && use.neededBytes < use.blobBytes * COMPACT_BELOW) plan.compact.push(use);
    } else if (use.neededBytes > 0 || mark.graceMs === undefined) plan.withdraw.push(use);
    else if (now - mark.modifiedAt.getTime() >= mark.graceMs) plan.delete.push(use);
    else wait.push({ use, until: new Date(mark.modifiedAt.getTime() + mark.graceMs) });
  }
  return { ...plan, wait };
}

/** Not counted as free by a collection: a pack that is being written is there beside those that are needed. */
const MARGIN_BYTES = 16 * 1024 * 1024;
/** Of what is free a collection takes no more than this share: WAL and backups come meanwhile, and what it frees is free a day later. */
export const COMPACTION_SHARE = 0.25;
/** What is written anew before room is looked at again. */
const ROUND_BYTES = 512 * 1024 * 1024;

/**
 * Those of `packs`, least needed first, whose needed content can be written anew while `freeBytes` are free and `takenBytes` were taken
 * for that already: each frees more than it takes. The packs themselves go later, so what is needed of them lies there twice until then.
 */
export function fitCompaction(packs: readonly PackUse[], freeBytes: number, takenBytes: number): readonly PackUse[] {
  const fitting: PackUse[] = [];
  let leftBytes = (freeBytes + takenBytes - MARGIN_BYTES) * COMPACTION_SHARE - takenBytes;
  for (const use of packs.toSorted((a, b) => a.neededBytes - b.neededBytes)) {
    leftBytes -= use.neededBytes;
    if (leftBytes < 0) break;
    fitting.push(use);
  }
  return fitting;
}

/** The first of `packs`, at least one, which are written anew together. */
export function firstRound(packs: readonly PackUse[]): readonly PackUse[] {
  let bytes = 0;
  const end = packs.findIndex(({ neededBytes }) => (bytes += neededBytes) > ROUND_BYTES);
  return end === -1 ? packs : packs.slice(0, Math.max(1, end));
}

import type { WalGap } from '../gaps.ts';
import { exposureAt, recoveryModel, type Exposure, type RecoveryFacts } from '../windows.ts';

/** The slot of the receiver, as the server has it. */
export interface SlotState {
  readonly isActive: boolean;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | null;
  /** WAL that the server keeps for it. */
  readonly keptBytes: bigint | null;
}

/** How far one repository has come. */
export interface RepositoryWal {
  readonly timeline: number | null;
  /** The byte after the last that is stored on that timeline. */
  readonly storedLsn: bigint | null;
  /** What the server has written and the repository has not; null when the server cannot be asked. */
  readonly lagBytes: bigint | null;
  /** Since the last moment that the WAL is known to cover. */
  readonly lagMs: number | null;
  readonly exposure: Exposure;
  readonly gaps: readonly WalGap[];
}

/** The state of the WAL in a repository at `now`. `writtenLsn` is where the server's WAL ends. */
export function repositoryWal(facts: RecoveryFacts, writtenLsn: bigint | undefined, now: Date): RepositoryWal {
  const model = recoveryModel(facts);
  const timeline = model.timelines.at(-1)?.lineage.timeline;
  const coverage = timeline === undefined ? undefined : facts.coverage.timelines.get(timeline);
  const ends = [...(coverage?.runs ?? []), ...(coverage?.open ?? [])].map(({ endLsn }) => endLsn);
  const storedLsn = ends.reduce<bigint | null>((last, endLsn) => (last === null || endLsn > last ? endLsn : last), null);
  const moments = facts.moments.filter((each) => each.timeline === timeline).map(({ at }) => at.getTime());
  if (coverage?.horizon !== undefined) moments.push(coverage.horizon.at.getTime());
  const ahead = storedLsn === null || writtenLsn === undefined ? null : writtenLsn - storedLsn;
  return {
    timeline: timeline ?? null,
    storedLsn,
    lagBytes: ahead !== null && ahead < 0n ? 0n : ahead,
    lagMs: moments.length === 0 ? null : Math.max(0, now.getTime() - Math.max(...moments)),
    exposure: exposureAt(model, facts, now),
    gaps: model.gaps,
  };
}

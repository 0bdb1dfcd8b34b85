import type { DumpPromise } from '../../backup/dump/last-inspect.ts';
import type { BackupPolicy } from '../../schedule/policies.ts';
import type { Limits } from '../../status/facts.ts';

/** How often `wal receive` stores the open segment where no policy says. */
const DEFAULT_RPO_MS = 5000;

type Limit = (policy: BackupPolicy) => number | undefined;

/** What the policies of one cluster promise together: the strictest limit of each kind. */
export function limitsOf(policies: readonly BackupPolicy[]): Limits {
  const stated = (limit: Limit): readonly number[] => policies.map(limit).filter((each) => each !== undefined);
  const least = (limit: Limit): number | undefined => (stated(limit).length === 0 ? undefined : Math.min(...stated(limit)));
  const most = (limit: Limit): number | undefined => (stated(limit).length === 0 ? undefined : Math.max(...stated(limit)));
  const modes = policies.map(({ wal }) => wal.mode);
  return {
    dumpsOnly: policies.length > 0 && policies.every(({ dumpsOnly }) => dumpsOnly),
    walMode: (['stream', 'archive', 'none'] as const).find((mode) => modes.includes(mode)),
    rpoMs: least(({ wal }) => (wal.mode === 'stream' ? wal.rpoMs : undefined)) ?? DEFAULT_RPO_MS,
    backupAgeMs: least(({ limits }) => limits.backupAgeMs),
    walLagMs: least(({ limits }) => limits.walLagMs),
    drillAgeMs: least(({ limits }) => limits.drillAgeMs),
    rtoMs: least(({ limits }) => limits.rtoMs),
    // Of room the most is the strictest, of time until it is full too.
    freeBytes: most(({ limits }) => limits.freeBytes),
    fullInMs: most(({ limits }) => limits.fullInMs),
    slotWalBytes: least(({ limits }) => limits.slotWalBytes),
  };
}

/**
 * What the policies of one cluster promise of its dumps in a repository: those that dump there, or all where none does. `backup_age` is of dumps
 * where a policy keeps nothing else.
 */
export function dumpPromises(policies: readonly BackupPolicy[], repository: string): readonly DumpPromise[] {
  const own = policies.filter(({ repositories }) => repositories.includes(repository));
  return (own.length > 0 ? own : policies).flatMap(({ dump, dumpsOnly, limits }): readonly DumpPromise[] => {
    const ageMs = dumpsOnly ? limits.backupAgeMs : undefined;
    if (dump !== undefined) return [{ ...dump, ageMs }];
    return dumpsOnly ? [{ databases: 'as-before', excluded: [], ageMs }] : [];
  });
}

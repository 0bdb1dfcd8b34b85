import { backupTimes } from '../../backup/backup-times.ts';
import { readVerifications } from '../../backup/verify/record.ts';
import type { VerificationHeader } from '../../backup/verify/report.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import { LEASE_NAMES, readLease, type LeaseName, type LeaseOwner } from '../../repository/lease-objects.ts';
import { inspectBackups } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { storeNow } from '../../repository/store-clock.ts';
import type { RepositoryUsage } from '../../repository/usage.ts';

/** What a repository holds of one cluster, as far as it can be told without a key. */
export interface ListedCluster {
  /** Null where nothing says it. */
  readonly name: string | null;
  readonly systemIdentifier: string;
  /** Null where nothing says the name, and no backup the version. */
  readonly serverVersion: number | null;
  readonly usedBytes: number;
  readonly packBytes: number;
  readonly backups: number;
  /** Of the databases in all backups: what whole copies would take. */
  readonly plainBytes: number;
  readonly oldestBackup: string | null;
  readonly newestBackup: string | null;
  readonly leases: readonly HeldLease[];
  /** Packs that wait to be freed, and when a collection marked the first and the last. */
  readonly marked: { readonly packs: number; readonly firstAt: Date; readonly lastAt: Date } | null;
  /** The newest verification whose faults no later one has looked at again, or the last. */
  readonly verified: VerificationHeader | null;
}

export interface HeldLease {
  readonly lease: LeaseName;
  readonly owner: Pick<LeaseOwner, 'command' | 'host' | 'pid'>;
  readonly since: string;
  /** By the store's clock. */
  readonly lastSignAt: Date;
  /** No sign of life for longer than it should take: whoever needs the lease watches it, and takes it over. */
  readonly isLate: boolean;
}

/** Reads heads of manifests, leases and the last verification; `usage` was measured just before. */
export async function inspectListedCluster(
  repository: Repository,
  { systemIdentifier, ...identity }: Pick<ClusterIdentity, 'systemIdentifier'> & Partial<ClusterIdentity>,
  usage: RepositoryUsage,
  now: Date,
): Promise<ListedCluster> {
  const { backups, storedAt } = await inspectBackups(repository, systemIdentifier);
  const { timed, ahead } = backupTimes(backups, storedAt, now);
  const ends = (timed.length === 0 ? ahead : timed).map(({ endedAt }) => endedAt.toISOString());
  const { usedBytes, packBytes, marked } = usage.lineages.get(systemIdentifier) ?? { usedBytes: 0, packBytes: 0, marked: undefined };
  return {
    name: identity.name ?? null,
    systemIdentifier,
    serverVersion: identity.serverVersion ?? backups.at(-1)?.serverVersion ?? null,
    usedBytes,
    packBytes,
    backups: backups.length,
    plainBytes: backups.reduce((sum, { plainBytes }) => sum + plainBytes, 0),
    oldestBackup: ends[0] ?? null,
    newestBackup: ends.at(-1) ?? null,
    leases: await heldLeases(repository, systemIdentifier),
    marked: marked === undefined ? null : { packs: marked.packs, firstAt: marked.first, lastAt: marked.last },
    verified: (await readVerifications(repository, systemIdentifier, now)).telling ?? null,
  };
}

async function heldLeases(repository: Repository, systemIdentifier: string): Promise<readonly HeldLease[]> {
  const held: HeldLease[] = [];
  let now: Date | undefined;
  for (const lease of LEASE_NAMES) {
    const found = await readLease(repository.store, systemIdentifier, lease);
    if (found?.state !== 'held') continue;
    // Where nothing can be written, the store's clock cannot be had: what was seen last still tells.
    now ??= await storeNow(repository.store).catch(() => found.modifiedAt);
    const { command, host, pid } = found.owner;
    const isLate = now.getTime() - found.modifiedAt.getTime() > found.ttlMs;
    held.push({ lease, owner: { command, host, pid }, since: found.since, lastSignAt: found.modifiedAt, isLate });
  }
  return held;
}

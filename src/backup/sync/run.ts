import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { ensureClusterIdentity, type ClusterIdentity } from '../../repository/identity.ts';
import { acquireLease } from '../../repository/leases.ts';
import { listBackups, type BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { copyBackup, learnNames } from './backup-copy-run.ts';
import { BlobCopy } from './blob-copy-run.ts';
import { copyDumps, copySealed } from './sealed-copy-run.ts';
import { copyWal, type CopiedWal } from './wal-copy-run.ts';

export interface SyncOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly cluster: ClusterIdentity;
  /** Labels of the source to copy where they are missing, or undefined for all. */
  readonly chosen: ((missing: readonly BackupSummary[], present: readonly BackupSummary[]) => readonly BackupSummary[]) | undefined;
  /** Whether dumps, holds, the ledger and reports come along. */
  readonly everything: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onBackup: (label: string, storedBytes: number) => void;
  readonly onWal: (done: number, total: number) => void;
}

export interface Synced {
  readonly backups: readonly { readonly label: string; readonly newBlobs: number; readonly storedBytes: number }[];
  /** Missing in the destination and not chosen. */
  readonly left: readonly string[];
  readonly wal: CopiedWal;
  readonly dumps: readonly string[];
  /** Holds, entries of the ledger, reports. */
  readonly objects: number;
}

/** Which backups of one repository go into another, and which that is missing there stay behind. */
export function planSync({
  from,
  to,
  chosen: choose,
}: {
  readonly from: readonly BackupSummary[];
  readonly to: readonly BackupSummary[];
  readonly chosen: SyncOptions['chosen'];
}): { readonly backups: readonly BackupSummary[]; readonly left: readonly BackupSummary[] } {
  const present = new Set(to.map(({ label }) => label));
  const missing = from.filter(({ label }) => !present.has(label));
  const backups = choose === undefined ? missing : choose(missing, to);
  return { backups, left: missing.filter((summary) => !backups.includes(summary)) };
}

/**
 * Brings into one repository what another has of a cluster and it has not: WAL, then backups from the oldest on, each with
 * its manifest last, then the rest. Everything is checked as it is read and sealed anew where keys differ. Interrupted, it goes on where it was.
 *
 * @throws {DbadminError} `locked` when a backup is being written into the destination; `repository-damaged` when the source is; storage failures.
 */
export async function syncLineage(options: SyncOptions): Promise<Synced> {
  const { from, to, cluster, clock, log, signal } = options;
  const { systemIdentifier } = cluster;
  const lease = await acquireLease(to, systemIdentifier, 'backup', { clock, log, command: 'repository sync', signal });
  try {
    await ensureClusterIdentity(to, cluster);
    const [theirs, ours] = [await listBackups(from, systemIdentifier), await listBackups(to, systemIdentifier)];
    const present = new Set(ours.map(({ label }) => label));
    const { backups: chosen, left } = planSync({ from: theirs, to: ours, chosen: options.chosen });
    const wal = await copyWal({ from, to, cluster, backups: [...ours, ...chosen], signal, onProgress: options.onWal });
    const blobs = await BlobCopy.open({ from, to, systemIdentifier, clock, signal });
    const backups: Synced['backups'][number][] = [];
    try {
      const copying = { from, to, systemIdentifier, lease, blobs, clock };
      const common = theirs.filter(({ label }) => present.has(label)).at(-1);
      if (common !== undefined && chosen.length > 0) await learnNames(common.label, copying);
      for (const { label } of chosen) {
        const copied = await copyBackup(label, copying);
        backups.push({ label, ...copied });
        options.onBackup(label, copied.storedBytes);
      }
    } finally {
      await blobs.close();
    }
    const rest = { backups, left: left.map(({ label }) => label), wal };
    if (!options.everything) return { ...rest, dumps: [], objects: 0 };
    const dumps = await copyDumps(from, to, systemIdentifier, signal);
    return { ...rest, dumps, objects: await copySealed(from, to, systemIdentifier) };
  } finally {
    await lease.release();
  }
}

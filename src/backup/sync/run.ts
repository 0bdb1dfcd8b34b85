import type { Clock } from '../../base/clock.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { ensureSameSegments, type ClusterIdentity } from '../../repository/identity.ts';
import { acquireLease, type Lease } from '../../repository/leases.ts';
import { listLabels } from '../../repository/live-blobs.ts';
import { lockEarlier } from '../../repository/lock-earlier.ts';
import { inspectBackups, type BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { isSameBackup } from '../../repository/same-backup.ts';
import { copyBackup, learnNames } from './backup-copy-run.ts';
import { BlobCopy } from './blob-copy-run.ts';
import { lostOfBackup, type LostWal } from './own-wal.ts';
import { copyDumps } from './dump-copy-run.ts';
import { copySealed } from './sealed-copy-run.ts';
import { describeNamesake, namesakeLabels, planSync, type ChooseBackups } from './plan.ts';
import { inspectSource, withoutBlocked } from './source-inspect.ts';
import { describeUntrusted } from '../../repository/untrusted-indexes.ts';
import { readingSource } from '../../repository/unreadable.ts';
import { isOfOneObject, UncopiedList, type Uncopied } from './uncopied-run.ts';
import { copyWal, type CopiedWal } from './wal-copy-run.ts';

export interface SyncOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly cluster: ClusterIdentity;
  /** Undefined for all. */
  readonly chosen: ChooseBackups | undefined;
  /** Whether dumps, holds, reports and records of gaps come along; the ledger and findings about audits always do. */
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
  /** What was to be copied and could not be. */
  readonly failed: readonly Uncopied[];
}

/**
 * Brings into one repository what another has of a cluster and it has not: holds and the ledger first, so that no backup is
 * ever there without them, WAL, backups from the oldest on, each with its manifest last, then dumps. Everything is checked as
 * it is read and sealed anew where keys differ. Interrupted, it goes on where it was.
 *
 * What is damaged in the source is not copied, nor is a backup that needs it; everything else is.
 *
 * @throws {DbadminError} `locked` when a backup is being written into the destination; `repository-damaged` when the
 * destination is; storage failures.
 */
export async function syncLineage(options: SyncOptions): Promise<Synced> {
  const { to, cluster, clock, log, signal } = options;
  const from = readingSource(options.from);
  const { systemIdentifier } = cluster;
  const lease = await acquireLease(to, systemIdentifier, 'backup', { clock, log, command: 'repository sync', signal });
  const uncopied = new UncopiedList(from);
  try {
    await ensureSameSegments(to, cluster);
    const [source, there] = [await inspectSource(from, systemIdentifier), await inspectBackups(to, systemIdentifier)];
    const ours = there.backups;
    const present = new Set(ours.map(({ label }) => label));
    const theirs = source.backups;
    const sealed = { systemIdentifier, uncopied, namesakes: namesakeLabels(theirs, ours), everything: options.everything };
    const objects = await copySealed(from, to, sealed);
    const {
      backups: chosen,
      left,
      namesakes,
    } = planSync({ from: withoutBlocked(theirs, there.damaged, uncopied), to: ours, chosen: options.chosen });
    for (const each of namesakes) uncopied.add('namesake', each.label, describeNamesake(each));
    if (options.everything)
      for (const { kind, name, problem } of source.unreadable.all) if (!present.has(name)) uncopied.add(kind, name, problem);
    const wal = new SyncedWal(async (needing) => {
      // What an expiry has let go meanwhile needs no WAL: it would come back, and stay for a window.
      const still = new Set(await listLabels(to, systemIdentifier));
      const backups = [...ours.filter(({ label }) => still.has(label)), ...needing];
      return await copyWal({ from, to, cluster, backups, uncopied, signal, onProgress: options.onWal });
    });
    const lost = await wal.copy(chosen);
    const backups = await copyBackups(
      { ...options, from },
      { lease, uncopied, ours, theirs, chosen: recoverable(chosen, lost, uncopied), wal },
    );
    const dumps = options.everything ? await copyDumps({ from, to, systemIdentifier, uncopied, signal }) : [];
    // Those that are there already may have come from a run that was killed before it locked them.
    const done = 'What could be copied is copied.';
    await lockEarlier(to, { systemIdentifier, name: to.store.description, done, log, signal });
    return { backups, left: left.map(({ label }) => label), wal: wal.copied, dumps, objects, failed: uncopied.all };
  } finally {
    await lease.release();
  }
}

/** Those whose own WAL was not lost. */
function recoverable(chosen: readonly BackupSummary[], lost: readonly LostWal[], uncopied: UncopiedList): readonly BackupSummary[] {
  return chosen.filter((summary) => {
    const needed = lostOfBackup(summary, lost);
    if (needed !== undefined)
      uncopied.add('backup', summary.label, `WAL segment ${needed.segment}, without which it cannot be restored, was not copied`);
    return needed === undefined;
  });
}

/** For so long nobody looks whether WAL that was copied is still there, while backups are. */
const LOOK_AGAIN_MS = 3_600_000;

/**
 * The WAL of a run, which is copied before the backups that need it. An expiry of the destination knows nothing of these until they are there: what
 * they take longer than its grace it lets go meanwhile. So it is looked for again once they are.
 */
class SyncedWal {
  readonly #copy: (needing: readonly BackupSummary[]) => ReturnType<typeof copyWal>;
  #copied: CopiedWal = { segments: 0, parts: 0, histories: 0, beside: 0 };
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(copy: (needing: readonly BackupSummary[]) => ReturnType<typeof copyWal>) {
    this.#copy = copy;
  }

  get copied(): CopiedWal {
    return this.#copied;
  }

  /** Copies what the backups that are there and `needing` can be recovered with; gives what could not be. */
  async copy(needing: readonly BackupSummary[]): Promise<readonly LostWal[]> {
    this.#lookedAtMs = performance.now();
    const { copied, lost } = await this.#copy(needing);
    const { segments, parts, histories, beside } = this.#copied;
    this.#copied = {
      segments: segments + copied.segments,
      parts: parts + copied.parts,
      histories: histories + copied.histories,
      beside: beside + copied.beside,
    };
    return lost;
  }

  /** The same where the last time was long ago. */
  async copyLater(needing: readonly BackupSummary[]): Promise<void> {
    if (performance.now() - this.#lookedAtMs >= LOOK_AGAIN_MS) await this.copy(needing);
  }
}

interface BackupsToCopy {
  readonly lease: Lease;
  readonly uncopied: UncopiedList;
  /** All of the destination. */
  readonly ours: readonly BackupSummary[];
  /** All of the source, from the oldest on. */
  readonly theirs: readonly BackupSummary[];
  readonly chosen: readonly BackupSummary[];
  readonly wal: SyncedWal;
}

async function copyBackups(
  { from, to, cluster: { systemIdentifier }, clock, log, signal, onBackup }: SyncOptions,
  { lease, uncopied, ours, theirs, chosen, wal }: BackupsToCopy,
): Promise<Synced['backups']> {
  const backups: Synced['backups'][number][] = [];
  if (chosen.length === 0) return backups;
  let source: BlobIndex;
  try {
    source = await BlobIndex.load(from, systemIdentifier);
  } catch (error) {
    if (!isOfOneObject(error)) throw error;
    for (const { label } of chosen) uncopied.add('backup', label, reasonOf(error));
    return backups;
  }
  const blobs = await BlobCopy.open({ from, to, systemIdentifier, clock, signal }, source);
  for (const key of blobs.untrustedIndexes) log.warn(describeUntrusted(key, to.store.description));
  try {
    const copying = { from, to, systemIdentifier, lease, blobs, uncopied, clock };
    const common = theirs.filter((each) => ours.some((other) => isSameBackup(each, other))).at(-1);
    if (common !== undefined) await learnNames(common.label, copying);
    const there: BackupSummary[] = [];
    for (const each of chosen) {
      const { label } = each;
      const copied = await copyBackup(label, copying);
      if (copied === undefined) continue;
      backups.push({ label, ...copied });
      onBackup(label, copied.storedBytes);
      there.push(each);
      await wal.copyLater(there);
    }
    if (there.length > 0) await wal.copy(there);
  } finally {
    await blobs.close();
  }
  return backups;
}

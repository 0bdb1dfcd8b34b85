import type { ClusterIdentity } from '../repository/identity.ts';
import { walPrefix } from '../repository/layout.ts';
import { inspectBackups } from '../repository/manifest.ts';
import type { DamagedObject } from '../repository/passed-over.ts';
import type { Repository } from '../repository/repository.ts';
import { isAhead } from '../repository/stored-moment.ts';
import { WalArchive } from '../repository/wal-archive.ts';
import { walObject } from '../repository/wal-object.ts';
import { listDumpTimes } from './dump/dump-times.ts';

/** A backup, a dump or a segment, by two clocks. What `repository sync` copied was stored after it was made. */
export interface Made {
  /** As the tool has it. */
  readonly saidAt: Date;
  /** By the store's clock. */
  readonly storedAt: Date;
}

/** What a lineage holds that may be told without a look at anything else of it: heads of manifests, and names. */
interface Listed {
  /** The backups and dumps that say what they are. */
  readonly made: readonly Made[];
  /** Manifests that cannot be read: what they need is there, and expiry removes nothing of it. */
  readonly damaged: readonly DamagedObject[];
}

export async function listMade(repository: Repository, systemIdentifier: string, now: Date): Promise<Listed> {
  const { backups, damaged, storedAt } = await inspectBackups(repository, systemIdentifier);
  const dumps = await listDumpTimes(repository, `${systemIdentifier}/`, now);
  const made = [
    ...backups.map(({ label, finishedAt }) => ({
      saidAt: new Date(finishedAt),
      storedAt: storedAt.get(label) ?? new Date(finishedAt),
    })),
    ...dumps.map((dump) => ({ saidAt: dump.startedAt, storedAt: dump.storedAt })),
  ];
  return { made, damaged };
}

/** When the first was there, by whichever clock is later: a lineage that this one took the place of has nothing after it. Undefined where there is none. */
export function firstMade(made: readonly Made[]): Date | undefined {
  const times = made.map(({ saidAt, storedAt }) => Math.max(saidAt.getTime(), storedAt.getTime()));
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

/** Whether anything of a lineage is younger than `since` by both clocks: one of `made`, which are its backups and dumps, or the WAL segment that was stored last. */
export async function wentOn(
  repository: Repository,
  cluster: ClusterIdentity,
  made: readonly Made[],
  { since, now }: { readonly since: Date; readonly now: Date },
): Promise<boolean> {
  const isYounger = ({ saidAt, storedAt }: Made): boolean => {
    const at = saidAt < storedAt ? saidAt : storedAt;
    return at > since && !isAhead(at, now);
  };
  if (made.some(isYounger)) return true;
  const segment = await lastStored(repository, cluster);
  if (segment === undefined || segment.storedAt <= since) return false;
  const { receivedAt } = await new WalArchive(repository, cluster.systemIdentifier, cluster.walSegmentBytes).readHeader(segment.name);
  return isYounger({ saidAt: new Date(receivedAt), storedAt: segment.storedAt });
}

/** One at a time: there may be hundreds of thousands. */
async function lastStored(
  { store }: Repository,
  { systemIdentifier, walSegmentBytes }: ClusterIdentity,
): Promise<{ readonly name: string; readonly storedAt: Date } | undefined> {
  let last: { readonly name: string; readonly storedAt: Date } | undefined;
  for await (const { key, modifiedAt: storedAt } of store.list(walPrefix(systemIdentifier))) {
    const found = walObject(systemIdentifier, key, walSegmentBytes);
    if (found?.kind === 'segment' && (last === undefined || storedAt >= last.storedAt)) last = { name: found.segment, storedAt };
  }
  return last;
}

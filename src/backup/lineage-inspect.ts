import { DbadminError } from '../base/errors.ts';
import { listFindings } from '../repository/audit-findings.ts';
import { firstLineage, inspectClusters, otherLineage, readIdentity, type ClusterIdentity } from '../repository/identity.ts';
import { clusterKey } from '../repository/layout.ts';
import { inspectBackups, listBackups, type BackupSummary } from '../repository/manifest.ts';
import type { DamagedObject } from '../repository/passed-over.ts';
import type { Repository } from '../repository/repository.ts';
import { WalArchive } from '../repository/wal-archive.ts';
import { readCoverage, type WalCoverage } from '../repository/wal-coverage.ts';
import type { Lineage } from './restore/recover-along.ts';
import { suspicionsOf, type Suspicions } from './suspicion.ts';
import { newestTimeline } from './restore/wal-source.ts';

/** Everything a repository knows of one cluster, names and summaries only. */
export interface LineageContents {
  readonly cluster: ClusterIdentity;
  readonly backups: readonly BackupSummary[];
  /** Which of them are not to be relied on, by what audits found. */
  readonly suspicions: Suspicions;
  /** Manifests that do not even say which backup they are of. */
  readonly damaged: readonly DamagedObject[];
  /** By label: when each was stored, by the store's clock. */
  readonly storedAt: ReadonlyMap<string, Date>;
  readonly coverage: WalCoverage;
  readonly archive: WalArchive;
}

/**
 * What the repository holds of the cluster called `name`: of the lineage of that identifier, or of the only one of that name, or of the only one there.
 *
 * @throws {DbadminError} `repository-missing`, `backup-missing` when there is no lineage of that name.
 */
export async function inspectLineage(repository: Repository, name: string, systemIdentifier?: string): Promise<LineageContents> {
  const cluster = await findClusterToRead(repository, name, systemIdentifier);
  const { backups, damaged, storedAt } = await inspectBackups(repository, cluster.systemIdentifier);
  const coverage = await readCoverage(repository, cluster.systemIdentifier, cluster.walSegmentBytes);
  const suspicions = suspicionsOf(backups, await listFindings(repository, cluster.systemIdentifier));
  const archive = new WalArchive(repository, cluster.systemIdentifier, cluster.walSegmentBytes);
  return { cluster, backups, damaged, storedAt, suspicions, coverage, archive };
}

/**
 * Which lineage the name stands for, without a look at what it holds. Objects under clusters/ that cannot be read are passed over; with
 * `systemIdentifier` the backups themselves say what such a one said.
 *
 * @throws {DbadminError} `repository-missing`, `backup-missing` when there is no lineage of that name, `repository-damaged`
 * when it may be one whose name cannot be read.
 */
export async function findCluster(repository: Repository, name: string, systemIdentifier?: string): Promise<ClusterIdentity> {
  return await choose(repository, await readClusters(repository), name, systemIdentifier);
}

/**
 * The same for what reads, or goes by the label of a backup: it may also take the only lineage there is, whatever its name, as on a new machine after the
 * loss of a host. What removes, judges or proves something may not: a cluster without a backup yet would do it to another one.
 */
export async function findClusterToRead(repository: Repository, name: string, systemIdentifier?: string): Promise<ClusterIdentity> {
  const found = await readClusters(repository);
  // The only one that can be read is not the only one.
  const only = found.clusters.length + found.damaged.length === 1 ? found.clusters[0] : undefined;
  if (systemIdentifier !== undefined || only === undefined) return await choose(repository, found, name, systemIdentifier);
  // Nor is the only one that has a name, where another lies beside it: that one may be the one that is meant.
  const isOnly = only.name === name || (await otherLineage(repository, only.systemIdentifier)) === undefined;
  return isOnly ? only : await choose(repository, found, name, systemIdentifier);
}

/**
 * The same as findCluster; but where the name alone does not tell, `said` does, or is asked: where there are several lineages of that name, or others
 * and none of it, or one of which nothing says the name, and with `isSure` also where one cannot be read, which may be the one that is meant.
 */
export async function findOwnCluster(
  repository: Repository,
  name: string,
  said: string | (() => Promise<string>),
  isSure: boolean,
): Promise<ClusterIdentity> {
  const found = await readClusters(repository);
  const isNamed = found.clusters.filter((each) => each.name === name).length === 1 && !(isSure && found.damaged.length > 0);
  const needsNone = isNamed || (isEmpty(found) && (await firstLineage(repository)) === undefined);
  const systemIdentifier = typeof said === 'string' ? said : needsNone ? undefined : await said();
  return await choose(repository, found, name, systemIdentifier);
}

type FoundClusters = Awaited<ReturnType<typeof inspectClusters>>;

function isEmpty({ clusters, damaged }: FoundClusters): boolean {
  return clusters.length + damaged.length === 0;
}

async function readClusters(repository: Repository): Promise<FoundClusters> {
  // Read anew: the proof that the repository is there at this moment, and not an empty mount point.
  await readIdentity(repository.store);
  return await inspectClusters(repository);
}

async function choose(
  repository: Repository,
  { clusters, damaged }: FoundClusters,
  name: string,
  systemIdentifier: string | undefined,
): Promise<ClusterIdentity> {
  const cluster = chooseCluster(clusters, name, systemIdentifier);
  if (cluster !== undefined) return cluster;
  // Also where the object is gone: a writer that replaces one that it cannot read may die before the new one is there.
  const told = systemIdentifier === undefined ? undefined : await fromBackups(repository, name, systemIdentifier);
  if (told !== undefined) return told;
  const [hidden] = damaged.filter(({ key }) => systemIdentifier === undefined || key === clusterKey(systemIdentifier));
  if (hidden !== undefined) throw untold(repository, name, systemIdentifier, hidden);
  const unnamed = await unnamedLineage(repository, clusters);
  throw new DbadminError('backup-missing', `the repository in ${repository.store.description} holds nothing of cluster ${name}`, {
    detail: whatItHolds(clusters, unnamed),
    hint:
      unnamed === undefined || unnamed === systemIdentifier
        ? 'Take a backup with dbadmin backup run, or name the cluster with --cluster or --system-identifier.'
        : `If it is the cluster that is meant: --system-identifier ${unnamed}. dbadmin repository list names all that are so.`,
  });
}

/** A lineage of which nothing says the cluster, beside none or one: beside several it would take as many times as long to find, and `repository list` tells. */
async function unnamedLineage(repository: Repository, clusters: readonly ClusterIdentity[]): Promise<string | undefined> {
  const [first, second] = clusters;
  if (first === undefined) return await firstLineage(repository);
  return second === undefined ? await otherLineage(repository, first.systemIdentifier) : undefined;
}

/** As a sentence; `unnamed` is a lineage of which nothing says the name. */
function whatItHolds(clusters: readonly ClusterIdentity[], unnamed: string | undefined): string {
  const named = clusters.map((each) => `${each.name} (${each.systemIdentifier})`);
  if (unnamed !== undefined && named.length > 0)
    return `It holds ${named.join(', ')}, and lineage ${unnamed}, of which nothing there says the cluster.`;
  if (unnamed !== undefined) return `It holds lineage ${unnamed}, and nothing there says of which cluster.`;
  return named.length === 0 ? 'It holds no cluster at all.' : `It holds ${named.join(', ')}.`;
}

/** What a lineage is, out of its newest backup, where it has one. Which one it is has to be said: its name is what cannot be read. */
async function fromBackups(repository: Repository, name: string, systemIdentifier: string): Promise<ClusterIdentity | undefined> {
  // It becomes a prefix of keys, and may have been typed.
  if (!/^\d+$/.test(systemIdentifier)) return undefined;
  const newest = (await listBackups(repository, systemIdentifier)).at(-1);
  if (newest === undefined) return undefined;
  return { systemIdentifier, name, serverVersion: newest.serverVersion, walSegmentBytes: newest.walSegmentBytes };
}

function untold({ store }: Repository, name: string, systemIdentifier: string | undefined, { key, error }: DamagedObject): DbadminError {
  return new DbadminError('repository-damaged', `the repository in ${store.description} does not say what it holds of ${name}`, {
    detail: `${error.message}. ${error.detail ?? ''}`.trim(),
    hint:
      systemIdentifier === undefined
        ? `If it is the cluster that is meant: --system-identifier ${key.slice(key.indexOf('/') + 1)} goes on without it; the next dbadmin backup run writes it anew where it may.`
        : 'It has no backup that could say so instead. The next dbadmin backup run or wal receive writes it anew where it may.',
    cause: error,
  });
}

function chooseCluster(
  clusters: readonly ClusterIdentity[],
  name: string,
  systemIdentifier: string | undefined,
): ClusterIdentity | undefined {
  if (systemIdentifier !== undefined) return clusters.find((each) => each.systemIdentifier === systemIdentifier);
  const named = clusters.filter((each) => each.name === name);
  if (named.length > 1) {
    throw new DbadminError('usage', `the repository holds ${named.length} clusters called ${name}`, {
      detail: named.map((each) => `${each.systemIdentifier}: PostgreSQL ${Math.floor(each.serverVersion / 10_000)}`).join('\n'),
      hint: 'Say which one with --system-identifier.',
    });
  }
  return named[0];
}

/**
 * The timeline to recover along: the one asked for, or the newest in the repository.
 *
 * @throws {DbadminError} `wal-missing` when its history file is not in the repository.
 */
export async function readLineage(contents: LineageContents, asked?: number): Promise<Lineage> {
  const timeline =
    asked ??
    newestTimeline(
      contents.coverage,
      contents.backups.map(({ stopTimeline }) => stopTimeline),
    );
  if (timeline === 1) return { timeline, history: [] };
  const history = await contents.archive.readAncestors(timeline);
  if (history === undefined) {
    throw new DbadminError('wal-missing', `the history of timeline ${timeline} is not in the repository`, {
      hint: 'Restore along an older timeline with --timeline.',
    });
  }
  return { timeline, history };
}

/** The lineages of all other timelines of which WAL is stored; not those whose history is not, or cannot be read. */
export async function readOtherLineages({ coverage, archive }: LineageContents, { timeline }: Lineage): Promise<readonly Lineage[]> {
  const others: Lineage[] = [];
  for (const each of [...coverage.timelines.keys()].sort((a, b) => a - b)) {
    if (each === timeline) continue;
    const history = each === 1 ? [] : await archive.readAncestorsOrNone(each);
    if (history !== undefined) others.push({ timeline: each, history });
  }
  return others;
}

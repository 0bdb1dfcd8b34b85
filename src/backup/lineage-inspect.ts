import { DbadminError, isDbadminError } from '../base/errors.ts';
import { parseTimelineHistory } from '../postgres/timeline.ts';
import { listFindings } from '../repository/audit-findings.ts';
import { inspectClusters, readIdentity, type ClusterIdentity } from '../repository/identity.ts';
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
  const cluster = await findCluster(repository, name, systemIdentifier);
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
 * The same; but where the name alone does not tell, `said` does, or is asked: where there are several lineages of that name, and with `isSure` also
 * where one cannot be read, which may be the one that is meant.
 */
export async function findOwnCluster(
  repository: Repository,
  name: string,
  said: string | (() => Promise<string>),
  isSure: boolean,
): Promise<ClusterIdentity> {
  const found = await readClusters(repository);
  const tells = found.clusters.filter((each) => each.name === name).length < 2 && !(isSure && found.damaged.length > 0);
  const systemIdentifier = typeof said === 'string' ? said : tells ? undefined : await said();
  return await choose(repository, found, name, systemIdentifier);
}

type FoundClusters = Awaited<ReturnType<typeof inspectClusters>>;

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
  const cluster = chooseCluster(clusters, name, systemIdentifier, damaged.length);
  if (cluster !== undefined) return cluster;
  const hidden = damaged.filter(({ key }) => systemIdentifier === undefined || key === clusterKey(systemIdentifier));
  if (hidden[0] !== undefined) return await fromBackups(repository, name, systemIdentifier, hidden[0]);
  const known = clusters.map((each) => `${each.name} (${each.systemIdentifier})`).join(', ');
  throw new DbadminError('backup-missing', `the repository in ${repository.store.description} holds nothing of cluster ${name}`, {
    detail: known === '' ? 'It holds no cluster at all.' : `It holds ${known}.`,
    hint: 'Take a backup with dbadmin backup run, or name the cluster with --cluster or --system-identifier.',
  });
}

/** What a lineage is, out of its newest backup. Which one it is has to be said: its name is what cannot be read. */
async function fromBackups(
  repository: Repository,
  name: string,
  systemIdentifier: string | undefined,
  { key, error }: DamagedObject,
): Promise<ClusterIdentity> {
  const newest = systemIdentifier === undefined ? undefined : (await listBackups(repository, systemIdentifier)).at(-1);
  if (systemIdentifier !== undefined && newest !== undefined)
    return { systemIdentifier, name, serverVersion: newest.serverVersion, walSegmentBytes: newest.walSegmentBytes };
  throw new DbadminError('repository-damaged', `the repository in ${repository.store.description} does not say what it holds of ${name}`, {
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
  hidden: number,
): ClusterIdentity | undefined {
  if (systemIdentifier !== undefined) return clusters.find((each) => each.systemIdentifier === systemIdentifier);
  const named = clusters.filter((each) => each.name === name);
  if (named.length > 1) {
    throw new DbadminError('usage', `the repository holds ${named.length} clusters called ${name}`, {
      detail: named.map((each) => `${each.systemIdentifier}: PostgreSQL ${Math.floor(each.serverVersion / 10_000)}`).join('\n'),
      hint: 'Say which one with --system-identifier.',
    });
  }
  // The only one that can be read is not the only one.
  return named[0] ?? (clusters.length + hidden === 1 ? clusters[0] : undefined);
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
  const content = await contents.archive.readHistory(timeline);
  if (content === undefined) {
    throw new DbadminError('wal-missing', `the history of timeline ${timeline} is not in the repository`, {
      hint: 'Restore along an older timeline with --timeline.',
    });
  }
  return { timeline, history: parseTimelineHistory(content.toString('utf8')) };
}

/** The lineages of all other timelines of which WAL is stored; not those whose history is not. */
export async function readOtherLineages(contents: LineageContents, { timeline }: Lineage): Promise<readonly Lineage[]> {
  const others: Lineage[] = [];
  for (const each of [...contents.coverage.timelines.keys()].sort((a, b) => a - b)) {
    if (each === timeline) continue;
    try {
      others.push(await readLineage(contents, each));
    } catch (error) {
      if (!isDbadminError(error, 'wal-missing')) throw error;
    }
  }
  return others;
}

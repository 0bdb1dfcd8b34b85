import type { ClusterConfig, Config } from '../../config/config.ts';
import { describeParameters } from '../../postgres/parameters.ts';
import type { BackupPolicy, Policies } from '../../schedule/policies.ts';
import type { ClusterFacts, ProjectFacts, RepositoryFacts } from '../../status/facts.ts';
import { inspectServer } from '../../status/server-inspect.ts';
import type { CommandContext } from '../command.ts';
import { attempt } from './attempt.ts';
import { gatherJobs, type ReadRunHistory } from './gather-jobs.ts';
import { gatherMigrations, gatherRoles } from './gather-project.ts';
import { gatherRepository } from './gather-repository.ts';
import { dumpPromises, limitsOf } from './limits.ts';

export interface GatherOptions {
  readonly config: Config;
  /** The clusters to look at. */
  readonly clusters: readonly ClusterConfig[];
  /** Undefined where there are none, or they cannot be read. */
  readonly policies: Policies | undefined;
  readonly policiesProblem?: string | undefined;
  /** What ran, from the control database; undefined where nobody keeps such records: what the repositories show is taken. */
  readonly history?: ReadRunHistory | undefined;
  /** Also what takes longer: the size of repositories, by listing them, and the state of migrations and roles. */
  readonly everything: boolean;
  /** An earlier look with everything: what it learnt of that stands until the next. */
  readonly earlier?: ProjectFacts | undefined;
}

/** Clusters looked at at once: each takes a connection and a few requests to its repositories. */
const AT_ONCE = 8;

/**
 * What status, metrics and alerts are made from: looks at servers, repositories, migrations, roles and the schedule, all
 * within one moment. Never throws for what cannot be looked at: that is a fact, too.
 *
 * For the worker: `judgeProject(facts)`, `prometheusText(facts, conditions)` and `runAlerts` take what this gives. With
 * `everything: false` it costs one connection, the names of the WAL and a few small reads a cluster.
 */
export async function gatherStatus(context: CommandContext, options: GatherOptions): Promise<ProjectFacts> {
  const { clusters, policies } = options;
  const gathered: ClusterFacts[] = [];
  for (let first = 0; first < clusters.length; first += AT_ONCE) {
    const some = clusters.slice(first, first + AT_ONCE);
    gathered.push(...(await Promise.all(some.map(async (cluster) => await gatherCluster(context, options, cluster)))));
  }
  // After all has been read: what is stored by then, and every age, is judged by a moment that is not before it.
  const at = context.clock.now();
  return {
    at,
    tool: context.version,
    clusters: gathered,
    jobs: gatherJobs(policies, gathered, options.history, at),
    policiesProblem: options.policiesProblem,
    controlProblem: controlProblem(options, gathered),
  };
}

/** Where the control database is on a cluster that does not answer, that is told of the cluster, and once is enough. */
function controlProblem({ config, history }: GatherOptions, gathered: readonly ClusterFacts[]): string | undefined {
  if (history?.kind !== 'unknown' || history.isAway !== true) return undefined;
  const hosts = JSON.stringify(config.control.connection.hosts);
  const itsOwn = gathered.filter(({ name }) => JSON.stringify(config.clusters.get(name)?.connection.hosts) === hosts);
  return itsOwn.some(({ server }) => server.kind === 'unknown') ? undefined : history.why;
}

async function gatherCluster(context: CommandContext, options: GatherOptions, cluster: ClusterConfig): Promise<ClusterFacts> {
  const { config, policies, everything } = options;
  const earlier = everything ? undefined : options.earlier?.clusters.find(({ name }) => name === cluster.name);
  const own = [...(policies?.policies.values() ?? [])].filter((policy) => policy.cluster === cluster.name);
  // The server first: what it has written then is to be found in the repositories afterwards, or is lost with the host.
  const server = await attempt(async () => await inspectServer(cluster.connection, cluster.slot, context.clock));
  const systemIdentifier = server.kind === 'known' ? server.value.systemIdentifier : undefined;
  const repositories = await Promise.all(
    repositoryNames(cluster, own).map(async (name): Promise<RepositoryFacts> => {
      const place = config.repositories.get(name);
      const asked = { cluster, systemIdentifier, everything };
      if (place !== undefined)
        return withUsage(await gatherRepository(context, place, { ...asked, dumps: dumpPromises(own, name) }), earlier);
      return { name, place: '?', isOnHost: false, state: { kind: 'unknown', why: 'dbadmin.yaml has no repository of that name' } };
    }),
  );
  const isAway = server.kind === 'unknown' ? { kind: 'unknown' as const, why: 'the server does not answer' } : undefined;
  const wanted = everything && cluster.name === config.defaultCluster;
  return {
    name: cluster.name,
    place: describeParameters(cluster.connection),
    server,
    repositories,
    limits: limitsOf(own),
    migrations: wanted ? await gatherMigrations(context, config, cluster, isAway) : earlier?.migrations,
    roles: wanted ? await gatherRoles(context, config, cluster, isAway) : earlier?.roles,
  };
}

/** The size as it was measured before, where it was not measured now. */
function withUsage(repository: RepositoryFacts, earlier: ClusterFacts | undefined): RepositoryFacts {
  const before = earlier?.repositories.find(({ name }) => name === repository.name)?.state;
  if (repository.state.kind === 'unknown' || repository.state.value.usage !== undefined || before?.kind !== 'known') return repository;
  return { ...repository, state: { kind: 'known', value: { ...repository.state.value, usage: before.value.usage } } };
}

/** Those of the configuration, then those that only a policy names. */
function repositoryNames(cluster: ClusterConfig, policies: readonly BackupPolicy[]): readonly string[] {
  return [...new Set([...cluster.repositories, ...policies.flatMap(({ repositories }) => repositories)])];
}

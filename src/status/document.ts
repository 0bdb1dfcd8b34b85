import type { Condition } from './condition.ts';
import { badOnes } from './conditions.ts';
import { estimateRecovery } from './estimate.ts';
import type { ClusterFacts, JobFacts, Known, LineageFacts, ProjectFacts, RepositoryFacts } from './facts.ts';
import { hostLoss, walLag } from './promise.ts';

type Json = Readonly<Record<string, unknown>>;

/** The state of a project for machines. `null` is what is not there; what is not known is `{ unknown: why }`. */
export function statusDocument(facts: ProjectFacts, conditions: readonly Condition[]): Json {
  return {
    at: facts.at.toISOString(),
    clusters: facts.clusters.map((cluster) => clusterDocument(cluster, facts.at)),
    jobs: facts.jobs.map(jobDocument),
    problems: badOnes(conditions).map(({ kind, severity, cluster, subject, what, next }) => ({
      kind,
      severity,
      cluster: cluster ?? null,
      subject: subject ?? null,
      what,
      next,
    })),
    unknown: conditions
      .filter(({ state }) => state === 'unknown')
      .map(({ kind, cluster, subject, what }) => ({ kind, cluster: cluster ?? null, subject: subject ?? null, what })),
  };
}

function clusterDocument(cluster: ClusterFacts, now: Date): Json {
  const { loss, back, repository, isOnHost } = hostLoss(cluster, now);
  return {
    name: cluster.name,
    place: cluster.place,
    loss: {
      kind: loss.kind,
      lossMs: loss.kind === 'span' ? Math.round(loss.spanMs) : null,
      coveredUntil: loss.kind === 'span' ? loss.coveredUntil.toISOString() : null,
      because: loss.kind === 'span' ? loss.because : loss.why,
      without: loss.kind === 'span' ? (loss.without ?? []) : [],
      repository: repository ?? null,
      isOnHost,
    },
    restore:
      back === undefined
        ? null
        : {
            restoreMs: Math.round(back.spanMs),
            drill: back.measure.label,
            drilledAt: back.measure.at.toISOString(),
            measuredMs: back.measure.rtoMs,
          },
    server: known(cluster.server, ({ askedAt, ...server }) => ({ askedAt: askedAt.toISOString(), ...dated(server) })),
    repositories: cluster.repositories.map((each) => repositoryDocument(each, cluster, now)),
    migrations: cluster.migrations === undefined ? null : known(cluster.migrations, (value) => value),
    roles: cluster.roles === undefined ? null : known(cluster.roles, (value) => value),
    limits: dated(cluster.limits),
  };
}

function repositoryDocument(repository: RepositoryFacts, cluster: ClusterFacts, now: Date): Json {
  const { name, place, isOnHost, state } = repository;
  const lag = walLag(repository, cluster.server, now);
  return {
    name,
    place,
    isOnHost,
    walLag: lag === undefined ? null : { bytes: lag.bytes, lagMs: lag.spanMs ?? null },
    state: known(state, ({ writeProblem, freeBytes, usage, lineage }) => ({
      writeProblem: writeProblem?.message ?? null,
      freeBytes: freeBytes ?? null,
      usedBytes: usage?.usedBytes ?? null,
      growthBytesPerDay: usage?.growthBytesPerDay === undefined ? null : Math.round(usage.growthBytesPerDay),
      lineage: lineage === undefined ? null : lineageDocument(lineage),
    })),
  };
}

function lineageDocument(lineage: LineageFacts): Json {
  const estimate = estimateRecovery(lineage);
  return { ...dated(lineage), restoreMs: estimate === undefined ? null : Math.round(estimate.spanMs) };
}

function jobDocument({ last, ...job }: JobFacts): Json {
  return { ...dated(job), last: known(last, (run) => (run === undefined ? null : dated(run))) };
}

function known<Value>(state: Known<Value>, of: (value: Value) => unknown): unknown {
  return state.kind === 'unknown' ? { unknown: state.why } : of(state.value);
}

/** Undefined as null at any depth, so that every key is always there. Moments and positions become text when it is printed. */
function dated(value: object): Json {
  return Object.fromEntries(Object.entries(value).map(([key, each]: [string, unknown]) => [key, withNulls(each)]));
}

function withNulls(value: unknown): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(withNulls);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return dated(value);
}

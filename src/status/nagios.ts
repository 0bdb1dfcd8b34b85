import { formatDuration } from '../base/durations.ts';
import { badOnes } from './conditions.ts';
import type { Condition } from './condition.ts';
import type { ClusterFacts, ProjectFacts } from './facts.ts';
import { hostLoss, walLag } from './promise.ts';

/** What a monitoring plugin prints, and its exit status. */
export interface PluginResult {
  readonly text: string;
  readonly status: 0 | 1 | 2 | 3;
}

const NAMES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/**
 * The state of a project as a Nagios, Icinga or Naemon plugin gives it: one line with figures behind `|`, then a line for
 * each thing that is wrong and what to do. 0 all is well, 1 something is over its limit, 2 something does not work,
 * 3 nothing is known to be wrong and something could not be looked at.
 *
 * @see https://www.monitoring-plugins.org/doc/guidelines.html
 */
export function nagiosPlugin(facts: ProjectFacts, conditions: readonly Condition[]): PluginResult {
  const bad = badOnes(conditions);
  const unknown = conditions.filter(({ state }) => state === 'unknown');
  const status = bad.some(({ severity }) => severity === 'failed') ? 2 : bad.length > 0 ? 1 : isBlind(facts) ? 3 : 0;
  const promises = facts.clusters.map((cluster) => `${cluster.name}: ${shortPromise(cluster, facts.at)}`);
  const counts = [...(bad.length === 0 ? [] : [`${bad.length} wrong`]), ...(status === 3 ? [`${unknown.length} not known`] : [])];
  const head = `DBADMIN ${NAMES[status]} - ${[...counts, ...promises].join('; ')}`;
  const details = [
    ...bad.map((each) => `${each.severity === 'failed' ? 'CRITICAL' : 'WARNING'} ${placeOf(each)}${each.what}. Next: ${each.next}`),
    ...(status === 3 ? unknown.map((each) => `UNKNOWN ${placeOf(each)}${each.what}`) : []),
  ];
  const figures = facts.clusters.flatMap((cluster) => perfdata(cluster, facts.at));
  const first = `${clean(head)}${figures.length === 0 ? '' : ` | ${figures.join(' ')}`}`;
  return { text: `${[first, ...details.map(clean)].join('\n')}\n`, status };
}

/** What is printed where status itself could not be made: that is UNKNOWN, never OK. */
export function nagiosFailure(message: string): PluginResult {
  return { text: `${clean(`DBADMIN UNKNOWN - ${message}`)}\n`, status: 3 };
}

/** A promise that rests on nothing is not well, though nothing is known to be wrong. Job records that are not kept are no reason to wake anybody. */
function isBlind({ clusters, at }: ProjectFacts): boolean {
  return clusters.length === 0 || clusters.some((cluster) => hostLoss(cluster, at).loss.kind !== 'span');
}

function shortPromise(cluster: ClusterFacts, now: Date): string {
  const { loss, back } = hostLoss(cluster, now);
  const lost =
    loss.kind === 'span' ? `lose <= ${formatDuration(loss.spanMs)}` : loss.kind === 'everything' ? 'lose everything' : 'loss not known';
  return `${lost}, ${back === undefined ? 'restore not measured' : `back in ${formatDuration(back.spanMs)}`}`;
}

function placeOf({ cluster }: Condition): string {
  return cluster === undefined ? '' : `${cluster}: `;
}

/** `'label'=value[unit];[warn];[crit];[min];[max]`. */
function perfdata(cluster: ClusterFacts, now: Date): readonly string[] {
  const { name, limits } = cluster;
  const { loss, back } = hostLoss(cluster, now);
  const seconds = (spanMs: number | undefined): string => (spanMs === undefined ? '' : (spanMs / 1000).toFixed(3));
  const figure = (label: string, value: string, warn = ''): string => `'${name}_${label}'=${value};${warn};;0;`;
  return [
    ...(loss.kind === 'span' ? [figure('loss', `${seconds(loss.spanMs)}s`)] : []),
    ...(back === undefined ? [] : [figure('restore', `${seconds(back.spanMs)}s`, seconds(limits.rtoMs))]),
    ...cluster.repositories.flatMap((repository) => {
      const label = repository.name;
      const lag = walLag(repository, cluster.server, now);
      const lineage = repository.state.kind === 'known' ? repository.state.value.lineage : undefined;
      const age = (at: Date | undefined): string | undefined =>
        at === undefined ? undefined : seconds(Math.max(0, now.getTime() - at.getTime()));
      const backup = age(limits.dumpsOnly ? lineage?.dumpAt : lineage?.newest?.finishedAt);
      const drill = age(lineage?.drillPassedAt);
      const free = repository.state.kind === 'known' ? repository.state.value.freeBytes : undefined;
      return [
        ...(backup === undefined ? [] : [figure(`${label}_backup_age`, `${backup}s`, seconds(limits.backupAgeMs))]),
        ...(drill === undefined ? [] : [figure(`${label}_drill_age`, `${drill}s`, seconds(limits.drillAgeMs))]),
        ...(lag === undefined ? [] : [figure(`${label}_wal_lag`, `${lag.bytes}B`)]),
        ...(lag?.spanMs === undefined ? [] : [figure(`${label}_wal_lag_time`, `${seconds(lag.spanMs)}s`, seconds(limits.walLagMs))]),
        ...(free === undefined ? [] : [figure(`${label}_free`, `${free}B`)]),
      ];
    }),
  ];
}

/** The plugin's own separator and line ends do not belong in its text. */
function clean(text: string): string {
  return text.replaceAll('|', '/').replaceAll(/\s*\n\s*/g, ' ');
}

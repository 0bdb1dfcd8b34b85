import { isUnknown, type Cluster, type Job, type Status } from './api.ts';
import { counted } from './words.ts';

/** What the side bar says beside a screen: `1 gap`. */
export interface SideCount {
  readonly text: string;
  readonly kind: 'bad' | 'warn' | 'plain';
}

/** By the path of the screen: what waits for somebody there, or goes on. A screen where all is well has none. */
export function sideCounts({ clusters, jobs, problems }: Status): ReadonlyMap<string, SideCount> {
  const running = jobs.filter(isRunning);
  const drills = running.filter(isDrill).length;
  const failedJobs = problems.filter(({ kind }) => kind.startsWith('job-')).length;
  const troubled = new Set(problems.flatMap(({ kind, subject }) => (kind.startsWith('repository-') ? [subject] : []))).size;
  const broken = sum(clusters, ({ migrations }) => (migrations === null || isUnknown(migrations) ? 0 : migrations.problems));
  const all: readonly (readonly [path: string, text: string | undefined, kind: SideCount['kind']])[] = [
    ['/backups', some(sum(clusters, gaps), 'gap'), 'warn'],
    ['/drills', drills === 0 ? undefined : `${drills} running`, 'plain'],
    ['/migrations', broken > 0 ? counted(broken, 'problem') : pendingText(clusters), broken > 0 ? 'bad' : 'plain'],
    ['/roles', differText(clusters), 'plain'],
    ['/schedule', running.length > 0 ? `${running.length} running` : some(failedJobs, 'problem'), running.length > 0 ? 'plain' : 'bad'],
    ['/repositories', some(troubled, 'problem'), 'bad'],
  ];
  return new Map(all.flatMap(([path, text, kind]) => (text === undefined ? [] : [[path, { text, kind }] as const])));
}

export function isRunning({ last }: Job): boolean {
  return last !== null && !isUnknown(last) && last.outcome === 'running';
}

/** Of a policy: `listening.drill`. */
export function isDrill({ name }: Pick<Job, 'name'>): boolean {
  return /(?:^|\.)drill$/.test(name);
}

/** In the repository that knows most of them: two keep the same gap. */
function gaps({ repositories }: Cluster): number {
  return Math.max(0, ...repositories.map(({ state }) => (isUnknown(state) ? 0 : (state.lineage?.gaps.length ?? 0))));
}

function pendingText(clusters: readonly Cluster[]): string | undefined {
  const pending = sum(clusters, ({ migrations }) => (migrations === null || isUnknown(migrations) ? 0 : migrations.pending));
  return pending === 0 ? undefined : `${pending} pending`;
}

function differText(clusters: readonly Cluster[]): string | undefined {
  const drift = sum(clusters, ({ roles }) => (roles === null || isUnknown(roles) ? 0 : roles.drift));
  return drift === 0 ? undefined : `${drift} ${drift === 1 ? 'differs' : 'differ'}`;
}

function sum(clusters: readonly Cluster[], of: (cluster: Cluster) => number): number {
  return clusters.reduce((total, cluster) => total + of(cluster), 0);
}

function some(count: number, one: string): string | undefined {
  return count === 0 ? undefined : counted(count, one);
}

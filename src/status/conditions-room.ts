import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { UNSTEADY, type Condition } from './condition.ts';
import type { ClusterFacts, RepositoryFacts, RepositoryState } from './facts.ts';

const DAY_MS = 86_400_000;
/** A few segments of WAL: less is full already. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;
const DEFAULT_FULL_IN_MS = 7 * DAY_MS;

/** Whether a repository answers, takes what is written, and will go on to. */
export function judgeRoom({ name, place, state }: RepositoryFacts, cluster: ClusterFacts, _now: Date): readonly Condition[] {
  const common = { ...UNSTEADY, cluster: cluster.name, policy: undefined, subject: name };
  const away: Condition = {
    ...common,
    kind: 'repository-away',
    severity: 'failed',
    state: state.kind === 'unknown' ? 'bad' : 'good',
    what: state.kind === 'unknown' ? `repository ${name} (${place}) cannot be read: ${state.why}` : `repository ${name} answers`,
    next:
      state.kind === 'unknown' && state.isShut === true
        ? `give this user what opens it, as dbadmin.yaml says where from: dbadmin backup list --cluster ${cluster.name} --repository ${name} says more`
        : `see whether ${place} is there and mounted, and who may read it: dbadmin repository list says more`,
  };
  if (state.kind === 'unknown') {
    const blind = { state: 'unknown', what: `repository ${name} cannot be read`, next: away.next } as const;
    return [
      away,
      { ...common, kind: 'repository-full', severity: 'failed', ...blind },
      { ...common, kind: 'repository-filling', severity: 'late', ...blind },
    ];
  }
  return [
    away,
    { ...common, kind: 'repository-full', severity: 'failed', ...judgeFree(name, place, state.value, cluster) },
    { ...common, kind: 'repository-filling', severity: 'late', ...judgeGrowth(name, place, state.value, cluster) },
  ];
}

/** What a repository has to have room for: as the policies say, else for two more backups like the last. */
function neededBytes(state: RepositoryState, { limits }: ClusterFacts): number {
  return limits.freeBytes ?? LEAST_FREE_BYTES + 2 * (state.lineage?.newest?.storedBytes ?? 0);
}

function judgeFree(name: string, place: string, state: RepositoryState, cluster: ClusterFacts): Pick<Condition, 'state' | 'what' | 'next'> {
  const { writeProblem, freeBytes } = state;
  const next = `make room on ${place}, or let older backups go: dbadmin backup expire --cluster ${cluster.name} --repository ${name}, then --apply; dbadmin repository list shows what fills it`;
  if (writeProblem !== undefined) {
    const how = writeProblem.isFull ? 'is full' : 'takes nothing';
    return {
      state: 'bad',
      what: `repository ${name} ${how}: ${writeProblem.message}; no backup and no WAL goes there`,
      next: writeProblem.isFull
        ? next
        : `let this user write to ${place}: dbadmin backup check --cluster ${cluster.name} says what is missing`,
    };
  }
  if (freeBytes === undefined) return { state: 'good', what: `repository ${name} has no limit that it tells`, next };
  const needed = neededBytes(state, cluster);
  const what = `repository ${name} has ${formatBytes(freeBytes)} free`;
  return freeBytes < needed
    ? { state: 'bad', what: `${what}, and should have ${formatBytes(needed)}`, next }
    : { state: 'good', what, next };
}

function judgeGrowth(
  name: string,
  place: string,
  { usage, freeBytes }: RepositoryState,
  cluster: ClusterFacts,
): Pick<Condition, 'state' | 'what' | 'next'> {
  const next = `give ${place} more room, or keep less: policies.….retention; dbadmin backup expire --cluster ${cluster.name} --repository ${name} shows what would go`;
  if (usage === undefined) return { state: 'unknown', what: `the growth of repository ${name} was not measured`, next };
  const fullMs = fullInMs(usage.growthBytesPerDay, freeBytes);
  if (fullMs === undefined) return { state: 'good', what: `repository ${name} does not grow towards a limit`, next };
  const limit = cluster.limits.fullInMs ?? DEFAULT_FULL_IN_MS;
  const what = `repository ${name} will be full in ${formatDuration(fullMs)} at ${formatBytes(usage.growthBytesPerDay ?? 0)} a day`;
  return { state: fullMs < limit ? 'bad' : 'good', what, next };
}

/** When a repository is full at its growth of late; undefined without a limit or growth. */
export function fullInMs(growthBytesPerDay: number | undefined, freeBytes: number | undefined): number | undefined {
  if (growthBytesPerDay === undefined || growthBytesPerDay <= 0 || freeBytes === undefined) return undefined;
  return (freeBytes / growthBytesPerDay) * DAY_MS;
}

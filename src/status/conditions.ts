import { formatDuration } from '../base/durations.ts';
import { RECURRING, STEADY, UNSTEADY, type Condition } from './condition.ts';
import { judgeBackups } from './conditions-backup.ts';
import { judgeRoom } from './conditions-room.ts';
import { judgeServerWal, judgeStoredWal } from './conditions-wal.ts';
import type { ClusterFacts, JobFacts, ProjectFacts } from './facts.ts';

/**
 * Everything that is looked at and how it stands: what is bad, what is good, and what could not be looked at. One judgement
 * behind what status shows, what a monitoring system gets and what people are told of.
 */
export function judgeProject(facts: ProjectFacts): readonly Condition[] {
  const { at, clusters, jobs, policiesProblem, controlProblem } = facts;
  return [
    {
      ...STEADY,
      kind: 'policies-unreadable',
      cluster: undefined,
      policy: undefined,
      subject: undefined,
      severity: 'failed',
      state: policiesProblem === undefined ? 'good' : 'bad',
      what: policiesProblem === undefined ? 'the policies are readable' : `the policies cannot be read: ${policiesProblem}`,
      next: 'dbadmin schedule list names every place to correct; until then no limit is known and nothing new is scheduled',
    },
    {
      ...UNSTEADY,
      kind: 'control-away',
      cluster: undefined,
      policy: undefined,
      subject: undefined,
      severity: 'failed',
      state: controlProblem === undefined ? 'good' : 'bad',
      what:
        controlProblem === undefined
          ? 'the control database answers, or none is used'
          : `what runs cannot be read from the control database: ${controlProblem}`,
      next: 'see whether it runs and whether the way to it is open (control in dbadmin.yaml names it); until then no worker begins anything new',
    },
    ...clusters.flatMap((cluster) => judgeCluster(cluster, at)),
    ...jobs.flatMap((job) => judgeJob(job, at)),
  ];
}

/** Those that are bad, what does not work before what is over its limit. */
export function badOnes(conditions: readonly Condition[]): readonly Condition[] {
  const bad = conditions.filter(({ state }) => state === 'bad');
  return [...bad.filter(({ severity }) => severity === 'failed'), ...bad.filter(({ severity }) => severity === 'late')];
}

function judgeCluster(cluster: ClusterFacts, now: Date): readonly Condition[] {
  const { name, place, server } = cluster;
  const away: Condition = {
    ...UNSTEADY,
    kind: 'server-away',
    cluster: name,
    policy: undefined,
    subject: undefined,
    severity: 'failed',
    state: server.kind === 'unknown' ? 'bad' : 'good',
    what: server.kind === 'unknown' ? `the server does not answer: ${server.why}` : `the server answers at ${place}`,
    next: `see whether it runs and whether the way to it is open; if the host is lost: dbadmin restore --cluster ${name} --to-latest --into DIR --as production`,
  };
  return [
    away,
    ...judgeServerWal(cluster),
    ...cluster.repositories.flatMap((repository): readonly Condition[] => [
      ...judgeRoom(repository, cluster, now),
      ...judgeBackups(repository, cluster, now),
      ...judgeStoredWal(repository, cluster, now),
    ]),
  ];
}

function judgeJob(job: JobFacts, now: Date): readonly Condition[] {
  const common = { ...STEADY, cluster: job.cluster, policy: job.policy, subject: job.name };
  return [
    { ...common, ...RECURRING, kind: 'job-failed', severity: 'failed', ...judgeLastRun(job, now) },
    { ...common, kind: 'job-late', severity: 'late', ...judgeLateness(job, now) },
  ];
}

function judgeLastRun(
  { name, last, unread, description, isToldByResult }: JobFacts,
  now: Date,
): Pick<Condition, 'state' | 'what' | 'next'> {
  const next = `dbadmin schedule log ${name} says what it printed; mend that, then: dbadmin schedule run ${name}`;
  if (last.kind === 'unknown') return { state: 'unknown', what: `the last run of ${name} is not known: ${last.why}`, next };
  // What it left in the repositories tells of no run that failed: nothing is over for that.
  if (unread !== undefined) return { state: 'unknown', what: `whether ${name} failed since is not known: ${unread}`, next };
  const run = last.value;
  // While it runs again, what the run before came to still stands.
  if (run === undefined || run.outcome === 'running')
    return { state: run === undefined ? 'good' : 'unknown', what: `${name} has not ended yet`, next };
  const ago = formatDuration(Math.max(0, now.getTime() - (run.endedAt ?? run.startedAt).getTime()));
  if (run.outcome === 'succeeded' && run.message === undefined) return { state: 'good', what: `job ${name} succeeded ${ago} ago`, next };
  if (run.outcome === 'succeeded') {
    const what = `job ${name} (${description}) was done ${ago} ago, with a warning: ${run.message ?? ''}`;
    return {
      state: 'bad',
      what,
      next: `dbadmin schedule log ${name} says what it printed; mend that, and its next run tells whether it is well`,
    };
  }
  if (isToldByResult) return { state: 'good', what: `job ${name} failed ${ago} ago, which its result tells of`, next };
  const why = run.message === undefined ? '' : `: ${run.message}`;
  return { state: 'bad', what: `job ${name} (${description}) failed ${ago} ago${why}`, next };
}

function judgeLateness(
  { name, last, unread, missedAt, graceMs, isPaused, description }: JobFacts,
  now: Date,
): Pick<Condition, 'state' | 'what' | 'next'> {
  const next = `see whether a worker or the timers run (dbadmin schedule history), then: dbadmin schedule run ${name}`;
  if (isPaused) return { state: 'good', what: `job ${name} is paused`, next };
  if (last.kind === 'unknown') return { state: 'unknown', what: `the last run of ${name} is not known: ${last.why}`, next };
  if (unread !== undefined) return { state: 'unknown', what: `whether ${name} ran since, or is paused, is not known: ${unread}`, next };
  const lateMs = missedAt === undefined ? 0 : now.getTime() - missedAt.getTime();
  if (missedAt === undefined || lateMs <= graceMs || last.value?.outcome === 'running')
    return { state: 'good', what: `job ${name} runs in time`, next };
  return { state: 'bad', what: `job ${name} (${description}) was due ${formatDuration(lateMs)} ago and did not run`, next };
}

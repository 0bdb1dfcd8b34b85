import { goesOn, letsPass, type PauseSpan } from '../../schedule/pause.ts';
import { describeWork, type Job, type Policies, type Work } from '../../schedule/policies.ts';
import { upcomingRuns } from '../../schedule/upcoming.ts';
import type { ClusterFacts, JobFacts, JobRun, Known, LineageFacts } from '../../status/facts.ts';

/** The runs of one job that status tells of. */
export interface JobHistory {
  readonly last: JobRun | undefined;
  readonly lastSuccess: { readonly endedAt: Date; readonly durationMs: number | undefined } | undefined;
}

/** What ran, by the name of the job, and the last pause of each. */
export interface RunHistory {
  readonly jobs: ReadonlyMap<string, JobHistory>;
  readonly pauses: ReadonlyMap<string, PauseSpan>;
  /** Since when each job is known to whoever keeps the records: from then on its times are promised. */
  readonly since: ReadonlyMap<string, Date>;
}

/**
 * What ran, or why that is not known; `isAway`: nobody can read it now, whatever they may; `isForbidden`: it is kept from this role, which
 * never knew it.
 */
export type ReadRunHistory =
  | { readonly kind: 'known'; readonly value: RunHistory }
  | { readonly kind: 'unknown'; readonly why: string; readonly isAway?: boolean; readonly isForbidden?: boolean };

/** A queue may be busy and a worker may start late; a run is missed only after this. */
const GRACE_MS = 15 * 60_000;
/** What only its result shows may still be running. */
const GRACE_WITHOUT_RECORDS_MS = 3_600_000;
const NO_RECORDS = 'no worker keeps records of it';
/** Work that leaves a result in the repositories. */
const RESULTS: ReadonlySet<string> = new Set(['backup', 'dump', 'drill', 'verify']);

/** Every job of the schedule: when it ran, as the records say or, without any, as what it left in the repositories shows; and when it is due. */
export function gatherJobs(
  policies: Policies | undefined,
  clusters: readonly ClusterFacts[],
  history: ReadRunHistory | undefined,
  now: Date,
): readonly JobFacts[] {
  const names = new Set(clusters.map(({ name }) => name));
  const jobs = (policies?.jobs ?? []).filter(({ work }) => work.cluster === undefined || names.has(work.cluster));
  return jobs.map((job) => jobFacts(job, policies, clusters, history, now));
}

function jobFacts(
  job: Job,
  policies: Policies | undefined,
  clusters: readonly ClusterFacts[],
  history: ReadRunHistory | undefined,
  now: Date,
): JobFacts {
  const records = history?.kind === 'known' ? history.value : undefined;
  const recorded = records?.jobs.get(job.name);
  const since = records?.since.get(job.name);
  const shown = leftBehind(job.work, policies, clusters, since !== undefined);
  const left = recorded ?? (shown.kind === 'known' ? shown.value : undefined);
  const why = history?.kind === 'unknown' ? history.why : shown.kind === 'unknown' ? shown.why : '';
  const last: JobFacts['last'] = left === undefined ? { kind: 'unknown', why } : { kind: 'known', value: left.last };
  const after = latest(left?.last?.startedAt, since);
  const pause = records?.pauses.get(job.name);
  const isPausedNow = pause !== undefined && goesOn(pause, now);
  return {
    name: job.name,
    description: describeWork(job.work),
    policy: 'policy' in job.work ? job.work.policy : undefined,
    cluster: job.work.cluster,
    nextAt: upcomingRuns([job], now, 1)[0]?.at,
    timeZone: job.trigger.kind === 'times' ? job.trigger.recurrence.timeZone : undefined,
    isPaused: job.paused || isPausedNow,
    pausedUntil: isPausedNow && !job.paused ? pause.until : undefined,
    last,
    unread: history?.kind === 'unknown' && history.isForbidden !== true ? history.why : undefined,
    lastSuccess: left?.lastSuccess,
    isToldByResult: isToldByResult(recorded?.last, shown),
    missedAt: after === undefined ? undefined : firstMissed(job, after, now, pause),
    graceMs: (recorded === undefined ? GRACE_WITHOUT_RECORDS_MS : GRACE_MS) + job.retries * job.retryDelayMs,
  };
}

/** Whether the last run failed by what it found, and that lies in a repository: not when it could not even look. */
function isToldByResult(recorded: JobRun | undefined, shown: Known<JobHistory>): boolean {
  const result = shown.kind === 'known' ? shown.value.last : undefined;
  return result?.outcome === 'failed' && (recorded === undefined || result.startedAt >= recorded.startedAt);
}

/** What was due before the schedule had the job was promised by nobody. */
function latest(startedAt: Date | undefined, since: Date | undefined): Date | undefined {
  if (startedAt === undefined || since === undefined) return startedAt ?? since;
  return startedAt > since ? startedAt : since;
}

/** The first time after `after`, when a run began, at which it was due again, if that has passed. A run of the due minute itself counts for it. */
function firstMissed(job: Job, after: Date, now: Date, pause: PauseSpan | undefined): Date | undefined {
  const first = upcomingRuns([job], after, 1)[0]?.at;
  const wasPaused = first !== undefined && pause?.until !== undefined && pause.until <= now && letsPass(pause, first, now);
  // The very end of a pause is a time again, and times come strictly after what they are asked from.
  const due = wasPaused ? upcomingRuns([job], new Date(pause.until.getTime() - 1), 1)[0]?.at : first;
  return due !== undefined && due < now ? due : undefined;
}

/** What a job's last result in the repositories tells of its last run. Work that leaves none never ran where records are kept and have none. */
function leftBehind(work: Work, policies: Policies | undefined, clusters: readonly ClusterFacts[], isRecorded: boolean): Known<JobHistory> {
  if (!RESULTS.has(work.kind) || !('policy' in work))
    return isRecorded ? { kind: 'known', value: { last: undefined, lastSuccess: undefined } } : { kind: 'unknown', why: NO_RECORDS };
  const names = policies?.policies.get(work.policy)?.repositories ?? [];
  const cluster = clusters.find(({ name }) => name === work.cluster);
  const places = cluster?.repositories.filter(({ name }) => names.includes(name)) ?? [];
  // One that cannot be read may hold the newest: then nothing is known.
  const away = places.find(({ state }) => state.kind === 'unknown');
  if (away !== undefined) return { kind: 'unknown', why: `repository ${away.name} cannot be read` };
  const runs = places.flatMap(({ state }) => {
    const lineage = state.kind === 'known' ? state.value.lineage : undefined;
    return lineage === undefined ? [] : runsOf(work, lineage);
  });
  const last = runs.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime()).at(-1);
  const succeeded = runs.filter(({ outcome }) => outcome === 'succeeded').at(-1);
  const value = {
    last,
    lastSuccess:
      succeeded?.endedAt === undefined
        ? undefined
        : {
            endedAt: succeeded.endedAt,
            durationMs: work.kind === 'backup' ? succeeded.endedAt.getTime() - succeeded.startedAt.getTime() : undefined,
          },
  };
  return { kind: 'known', value };
}

function isDumpedBy({ databases, excluded }: Extract<Work, { readonly kind: 'dump' }>, database: string): boolean {
  return databases === 'all' ? !excluded.includes(database) : databases.includes(database);
}

/** Of dumps only the beginning is known and of drills and verifications only the end: one stands for both. */
function runsOf(work: Work, { newest, newestFull, dumps, drill, verified }: LineageFacts): readonly JobRun[] {
  const at = (moment: Date, fault?: string): JobRun => ({
    startedAt: moment,
    endedAt: moment,
    outcome: fault === undefined ? 'succeeded' : 'failed',
    message: fault,
  });
  if (work.kind === 'backup') {
    // A full in its place is what an incremental becomes when there is nothing to build on.
    const backup = work.type === 'full' ? newestFull : newest;
    return backup === undefined
      ? []
      : [{ startedAt: backup.startedAt, endedAt: backup.finishedAt, outcome: 'succeeded', message: undefined }];
  }
  if (work.kind === 'dump') {
    const moments = dumps.flatMap((each) => (each.at !== undefined && isDumpedBy(work, each.database) ? [each.at.getTime()] : []));
    return moments.length === 0 ? [] : [at(new Date(Math.max(...moments)))];
  }
  if (work.kind === 'drill')
    return drill === undefined ? [] : [at(drill.at, drill.verdict === 'failed' ? `drill ${drill.label} failed` : undefined)];
  if (work.kind === 'verify')
    return verified === undefined ? [] : [at(verified.at, verified.isSound ? undefined : `${verified.faults} faults`)];
  return [];
}

import type { Job, Policies } from '../policies.ts';
import type { Recurrence } from '../recurrence.ts';
import { followers } from '../upcoming.ts';

/** A job with times of its own, and those that run after its success, in an order in which each follows its own. */
export interface Exported {
  readonly job: Job;
  readonly recurrence: Recurrence;
  readonly after: readonly Job[];
}

/** What a target gets, and what it cannot express with the reason and the way out. */
export interface ExportPlan {
  readonly exported: readonly Exported[];
  readonly omitted: readonly Omitted[];
}

export interface Omitted {
  readonly job: string;
  readonly reason: string;
}

export interface ExportOptions {
  /** Why this dbadmin cannot run a job at all. */
  readonly refusalOf: (job: Job) => string | undefined;
  /** Why the target cannot keep the times and the settings of a job. */
  readonly limitOf: (job: Job, recurrence: Recurrence) => string | undefined;
  /** Why the target cannot run jobs after others; undefined where it can. */
  readonly afterLimit?: string;
}

/** Sorts the jobs of a schedule into those that a target can run and those that it cannot. Nothing is dropped without a word. */
export function planExport({ jobs }: Policies, options: ExportOptions): ExportPlan {
  const refusalOf = (job: Job): string | undefined => (job.paused ? 'it is paused (pause: true)' : options.refusalOf(job));
  const exported: Exported[] = [];
  const omitted: Omitted[] = [];
  for (const job of jobs) {
    if (job.trigger.kind === 'after') continue;
    const { recurrence } = job.trigger;
    const reason = refusalOf(job) ?? catchUpLimit(job) ?? options.limitOf(job, recurrence);
    if (reason !== undefined) omitted.push({ job: job.name, reason });
    else exported.push({ job, recurrence, after: options.afterLimit === undefined ? runnable(job, jobs, refusalOf) : [] });
  }
  const known = new Set(exported.flatMap(({ job, after }) => [job.name, ...after.map(({ name }) => name)]));
  for (const job of jobs) {
    if (job.trigger.kind !== 'after' || known.has(job.name)) continue;
    omitted.push({ job: job.name, reason: refusalOf(job) ?? options.afterLimit ?? afterReason(job.trigger.jobs) });
  }
  return { exported, omitted };
}

/** The followers of a job that can be run: one that cannot takes those after it along. */
function runnable(job: Job, jobs: readonly Job[], refusalOf: (job: Job) => string | undefined): readonly Job[] {
  return followers(
    job,
    jobs.filter((other) => refusalOf(other) === undefined),
  );
}

function catchUpLimit({ catchUp }: Job): string | undefined {
  return catchUp === 'all'
    ? 'catch_up: all wants a run for each missed time, and it makes at most one for all of them: catch_up: true, or a worker'
    : undefined;
}

function afterReason(jobs: readonly string[]): string {
  return jobs.length === 1
    ? `it runs after ${jobs[0] ?? ''}, which is not exported either`
    : `it runs after ${jobs.join(' and ')}, and nothing here can wait for several jobs: a worker can`;
}

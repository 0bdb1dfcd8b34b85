import type { ControlPlace } from '../../schedule/control/due-apply.ts';
import { knownJobs } from '../../schedule/control/registry-apply.ts';
import { goesOn } from '../../schedule/pause.ts';
import type { Job, Policies } from '../../schedule/policies.ts';

/** Why a job is not to run now. */
export interface Pause {
  /** The job itself, or one that it runs after. */
  readonly job: string;
  /** Undefined where the policies say it for good. */
  readonly at: Date | undefined;
  /** When it ends by itself; undefined where somebody has to resume it. */
  readonly until: Date | undefined;
  readonly by: string;
  readonly reason: string | undefined;
}

/**
 * Whether a job is paused: by the policies, or by `schedule pause` where a control database can be asked. One that runs after
 * a paused job is as good as paused: a timer that chains both goes on with it when the first one has done nothing.
 */
export async function findPause(
  control: ControlPlace | undefined,
  { jobs, file }: Policies,
  job: Job,
  now: Date,
): Promise<Pause | undefined> {
  const chain = [job, ...ancestors(job, jobs)];
  const written = chain.find(({ paused }) => paused);
  if (written !== undefined) return { job: written.name, at: undefined, until: undefined, by: `pause: true in ${file}`, reason: undefined };
  if (control === undefined) return undefined;
  const names = chain.map(({ name }) => name);
  const known = await knownJobs(control.pool, control.schema, names).catch(() => undefined);
  for (const name of names) {
    const paused = known?.get(name)?.pause;
    if (paused !== undefined && goesOn(paused, now)) return { job: name, ...paused };
  }
  return undefined;
}

/** One line without a full stop. */
export function pauseText(job: Job, { job: name, at, until, by, reason }: Pause): string {
  const what = name === job.name ? `${name} is paused` : `${job.name} runs after ${name}, which is paused`;
  return `${what}${at === undefined ? '' : ` since ${at.toISOString()}`}${until === undefined ? '' : ` until ${until.toISOString()}`} by ${by}${reason === undefined ? '' : ` (${reason})`}`;
}

/** The jobs that have to have run before, and those before them. */
function ancestors({ trigger }: Job, jobs: readonly Job[]): readonly Job[] {
  if (trigger.kind !== 'after') return [];
  const parents = jobs.filter(({ name }) => trigger.jobs.includes(name));
  return [...parents, ...parents.flatMap((parent) => ancestors(parent, jobs))];
}

import { isDbadminError, messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { ControlPlace } from '../../schedule/control/due-apply.ts';
import { knownJobs } from '../../schedule/control/registry-apply.ts';
import { inspectJobRuns, type JobRuns } from '../../schedule/control/runs-inspect.ts';
import type { Job } from '../../schedule/policies.ts';
import type { RunRecord } from '../../schedule/run-record.ts';
import type { JobRun } from '../../status/facts.ts';
import { openControl } from '../control-database.ts';
import type { JobHistory, ReadRunHistory, RunHistory } from '../status/gather-jobs.ts';

/**
 * What ran, from the control database, for whoever tells of it. Undefined where nobody keeps records; unknown where they
 * cannot be read.
 */
export async function gatherRunHistory(config: Config, jobs: readonly Job[]): Promise<ReadRunHistory | undefined> {
  let control: ControlPlace | undefined;
  try {
    control = await openControl(config, 'dbadmin status');
    return { kind: 'known', value: await readRunHistory(control, jobs, config.control.heartbeatSeconds) };
  } catch (error) {
    if (isDbadminError(error, 'config-missing')) return undefined;
    const isForbidden = isDbadminError(error, 'privilege-missing');
    // A project that names no control database of its own may never have had a worker: it has none that could be away.
    return { kind: 'unknown', why: messageOf(error), isAway: config.control.isStated && !isForbidden, isForbidden };
  } finally {
    await control?.pool.close();
  }
}

/** What ran, by job, and what is paused. */
export async function readRunHistory(
  { pool, schema }: Pick<ControlPlace, 'pool' | 'schema'>,
  jobs: readonly Job[],
  heartbeatSeconds: number,
): Promise<RunHistory> {
  const names = jobs.map(({ name }) => name);
  const runs = await inspectJobRuns(pool, schema, names, heartbeatSeconds);
  const known = await knownJobs(pool, schema, names);
  const histories = names.flatMap((name): readonly (readonly [string, JobHistory])[] => {
    const { last, lastSuccess, current, silentSince } = runs.get(name) ?? NEVER_RAN;
    const newest = current?.startedAt === undefined ? last : silentSince === undefined ? current : silentRun(current, silentSince);
    // A job that never ran since records are kept may have left a result from before.
    if (newest === undefined) return [];
    return [[name, { last: jobRun(newest), lastSuccess: successOf(lastSuccess) }]];
  });
  const pauses = [...known].flatMap(([name, { pause }]) => (pause === undefined ? [] : [[name, pause] as const]));
  const since = new Map([...known].map(([name, job]) => [name, job.since]));
  return { jobs: new Map(histories), pauses: new Map(pauses), since };
}

const NEVER_RAN: JobRuns = { last: undefined, lastSuccess: undefined, current: undefined, silentSince: undefined };

/** A run that is written down as going on and is not: nobody was there to write its end. */
function silentRun(run: RunRecord, since: Date): RunRecord {
  const { state, worker = 'its worker', cause, error } = run;
  const at = since.toISOString();
  const goesOn = cause === 'timer' ? '' : '; a worker that starts takes it over';
  const what =
    state === 'running'
      ? `${worker} has given no sign of life since ${at}: it was killed, or its machine is off${goesOn}`
      : `it was to be tried again at ${at}, and no worker is there to do it${error === undefined ? '' : `: ${error}`}`;
  return { ...run, state: 'failed', endedAt: since, error: what };
}

function jobRun({ startedAt, endedAt, createdAt, state, error }: RunRecord): JobRun {
  const outcome = state === 'succeeded' || state === 'failed' ? state : 'running';
  return { startedAt: startedAt ?? createdAt, endedAt, outcome, message: error };
}

function successOf(run: RunRecord | undefined): JobHistory['lastSuccess'] {
  if (run?.endedAt === undefined) return undefined;
  return { endedAt: run.endedAt, durationMs: run.endedAt.getTime() - (run.startedAt ?? run.endedAt).getTime() };
}

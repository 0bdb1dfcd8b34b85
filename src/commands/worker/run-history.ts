import { isDbadminError, messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { ControlPlace } from '../../schedule/control/due-apply.ts';
import { knownJobs } from '../../schedule/control/registry-apply.ts';
import { inspectJobRuns } from '../../schedule/control/runs-inspect.ts';
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
    return { kind: 'known', value: await readRunHistory(control, jobs) };
  } catch (error) {
    if (isDbadminError(error, 'config-missing')) return undefined;
    // A project that names no control database of its own and never had a worker has no records to miss.
    const isForbidden = isDbadminError(error, 'privilege-missing');
    return config.control.isStated || isForbidden ? { kind: 'unknown', why: messageOf(error), isAway: !isForbidden } : undefined;
  } finally {
    await control?.pool.close();
  }
}

/** What ran, by job, and what is paused. */
export async function readRunHistory({ pool, schema }: Pick<ControlPlace, 'pool' | 'schema'>, jobs: readonly Job[]): Promise<RunHistory> {
  const names = jobs.map(({ name }) => name);
  const runs = await inspectJobRuns(pool, schema, names);
  const known = await knownJobs(pool, schema, names);
  const histories = names.flatMap((name): readonly (readonly [string, JobHistory])[] => {
    const { last, lastSuccess, current } = runs.get(name) ?? { last: undefined, lastSuccess: undefined, current: undefined };
    const newest = current?.startedAt === undefined ? last : current;
    // A job that never ran since records are kept may have left a result from before.
    if (newest === undefined) return [];
    return [[name, { last: jobRun(newest), lastSuccess: successOf(lastSuccess) }]];
  });
  const pauses = [...known].flatMap(([name, { pause }]) => (pause === undefined ? [] : [[name, pause] as const]));
  const since = new Map([...known].map(([name, job]) => [name, job.since]));
  return { jobs: new Map(histories), pauses: new Map(pauses), since };
}

function jobRun({ startedAt, endedAt, createdAt, state, error }: RunRecord): JobRun {
  const outcome = state === 'succeeded' || state === 'failed' ? state : 'running';
  return { startedAt: startedAt ?? createdAt, endedAt, outcome, message: error };
}

function successOf(run: RunRecord | undefined): JobHistory['lastSuccess'] {
  if (run?.endedAt === undefined) return undefined;
  return { endedAt: run.endedAt, durationMs: run.endedAt.getTime() - (run.startedAt ?? run.endedAt).getTime() };
}

import { formatDuration } from '../../base/durations.ts';
import { messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { knownJobs, type KnownJob } from '../../schedule/control/registry-apply.ts';
import { describeWork, receptions, type Job, type Reception } from '../../schedule/policies.ts';
import { periodBounds } from '../../schedule/upcoming.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openControlToRecord } from '../control-database.ts';
import { loadPolicies } from './load-policies.ts';
import { describeSettings, describeTrigger, jobDocument } from './show-job.ts';

/** The list is of the file: whoever paused what is told if that is soon known. */
const CONTROL_WAIT_MS = 2000;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, policies, localZone } = await loadPolicies(context, input);
  const { output } = context;
  const known = await askPauses(context, config, policies.jobs);
  const now = context.clock.now();
  const receiving = receptions(policies.policies.values());
  if (policies.jobs.length + receiving.length === 0) output.line(`${policies.file} schedules nothing.`);
  else {
    output.table(
      ['job', 'when', 'time zone', 'what', ''],
      [
        ...policies.jobs.map((job) => [
          job.name,
          describeTrigger(job),
          job.trigger.kind === 'times' ? job.trigger.recurrence.timeZone : '',
          describeWork(job.work),
          [describePause(known?.get(job.name)), describeSettings(job)].filter((text) => text !== '').join(', '),
        ]),
        ...receiving.map((each) => [each.name, 'always', '', describeReception(each), 'by a worker, or dbadmin wal receive']),
      ],
    );
  }
  output.result({
    file: policies.file,
    timeZone: localZone,
    pausesKnown: known !== undefined,
    jobs: policies.jobs.map((job) => knownJobDocument(job, known?.get(job.name), now)),
    receiving: receiving.map(({ name, cluster, repositories, rpoMs, labels }) => ({ name, cluster, repositories, rpoMs, labels })),
  });
  return 0;
}

/** A job with what the control database knows of it; a period that is a length begins when the job was first seen. */
function knownJobDocument(job: Job, known: KnownJob | undefined, now: Date): object {
  const { from, until } = periodBounds(job.period, known?.since ?? now);
  const pause = known?.paused;
  return {
    ...jobDocument(job),
    paused: job.paused || pause !== undefined,
    pause: pause === undefined ? null : { at: pause.at.toISOString(), by: pause.by, reason: pause.reason ?? null },
    inForce: (from === undefined || from <= now) && (until === undefined || until > now),
    endsAt: until?.toISOString() ?? null,
  };
}

/** Undefined where nobody keeps records, or where they cannot be read now. */
async function askPauses(
  { log }: CommandContext,
  config: Config,
  jobs: readonly Job[],
): Promise<ReadonlyMap<string, KnownJob> | undefined> {
  if (jobs.length === 0) return new Map();
  const { connection } = config.control;
  const hurried = { ...connection, connectTimeoutMs: Math.min(connection.connectTimeoutMs, CONTROL_WAIT_MS) };
  try {
    const control = await openControlToRecord(
      { ...config, control: { ...config.control, connection: hurried, isStated: false } },
      'dbadmin schedule list',
    );
    if (control === undefined) return undefined;
    try {
      return await knownJobs(
        control.pool,
        control.schema,
        jobs.map(({ name }) => name),
      );
    } finally {
      await control.pool.close();
    }
  } catch (error) {
    log.debug(`what is paused is not known: ${messageOf(error)}`);
    return undefined;
  }
}

function describePause(known: KnownJob | undefined): string {
  if (known?.paused === undefined) return '';
  const { at, by, reason } = known.paused;
  return `paused since ${at.toISOString().slice(0, 16)}Z by ${by}${reason === undefined ? '' : `: ${reason}`}`;
}

function describeReception({ cluster, repositories, rpoMs }: Reception): string {
  return `receive the WAL of ${cluster} into ${repositories.join(' and ')}, RPO ${formatDuration(rpoMs)}`;
}

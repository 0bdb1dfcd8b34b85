import { formatDuration } from '../../base/durations.ts';
import type { JobPause, KnownJob } from '../../schedule/control/registry-apply.ts';
import { describeWork, receptions, type Job, type Reception } from '../../schedule/policies.ts';
import { periodBounds } from '../../schedule/upcoming.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { askPauses, pauseNow } from './ask-pauses.ts';
import { loadPolicies } from './load-policies.ts';
import { describeSettings, describeTrigger, jobDocument } from './show-job.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, policies, localZone } = await loadPolicies(context, input);
  const { output } = context;
  const known = await askPauses(context, config, policies.jobs, 'dbadmin schedule list');
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
          [describePause(pauseNow(known?.get(job.name), now)), describeSettings(job)].filter((text) => text !== '').join(', '),
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
  const pause = pauseNow(known, now);
  return {
    ...jobDocument(job),
    paused: job.paused || pause !== undefined,
    pause:
      pause === undefined
        ? null
        : { at: pause.at.toISOString(), until: pause.until?.toISOString() ?? null, by: pause.by, reason: pause.reason ?? null },
    inForce: (from === undefined || from <= now) && (until === undefined || until > now),
    endsAt: until?.toISOString() ?? null,
  };
}

function describePause(pause: JobPause | undefined): string {
  if (pause === undefined) return '';
  const { at, until, by, reason } = pause;
  const stamp = (moment: Date): string => `${moment.toISOString().slice(0, 16)}Z`;
  const end = until === undefined ? '' : ` until ${stamp(until)}`;
  return `paused since ${stamp(at)}${end} by ${by}${reason === undefined ? '' : `: ${reason}`}`;
}

function describeReception({ cluster, repositories, rpoMs }: Reception): string {
  return `receive the WAL of ${cluster} into ${repositories.join(' and ')}, RPO ${formatDuration(rpoMs)}`;
}

import { formatDuration } from '../../base/durations.ts';
import { describeWork, type Job } from '../../schedule/policies.ts';

/** When a job runs, for people: `0 2 * * *` or `after recent`. */
export function describeTrigger({ trigger }: Job): string {
  return trigger.kind === 'after' ? `after ${trigger.jobs.join(', ')}` : trigger.recurrence.cron;
}

/** What a job was told beyond its time, for people: `3 retries every 5 min 0 s, catches up`. */
export function describeSettings({ retries, retryDelayMs, catchUp, period, paused, labels }: Job): string {
  return [
    ...(retries === 0 ? [] : [`${retries} ${retries === 1 ? 'retry' : 'retries'} after ${formatDuration(retryDelayMs)}`]),
    ...(paused ? ['paused'] : []),
    ...(catchUp === 'none' ? [] : [catchUp === 'once' ? 'catches up once' : 'catches up on every time']),
    ...(period.from === undefined ? [] : [`from ${period.from.toISOString()}`]),
    ...(period.until === undefined ? [] : [`until ${period.until.toISOString()}`]),
    ...(period.lengthMs === undefined ? [] : [`for ${formatDuration(period.lengthMs)}`]),
    ...(labels.length === 0 ? [] : [`on workers with ${labels.join(', ')}`]),
  ].join(', ');
}

/** A job as `--json` shows it. */
export function jobDocument(job: Job): Readonly<Record<string, unknown>> {
  const { trigger, period } = job;
  return {
    name: job.name,
    kind: job.work.kind,
    policy: 'policy' in job.work ? job.work.policy : null,
    cluster: job.work.cluster ?? null,
    description: describeWork(job.work),
    cron: trigger.kind === 'times' ? trigger.recurrence.cron : null,
    timeZone: trigger.kind === 'times' ? trigger.recurrence.timeZone : null,
    after: trigger.kind === 'after' ? trigger.jobs : [],
    retries: job.retries,
    retryDelayMs: job.retryDelayMs,
    catchUp: job.catchUp,
    from: period.from?.toISOString() ?? null,
    until: period.until?.toISOString() ?? null,
    forMs: period.lengthMs ?? null,
    paused: job.paused,
    pausedInFile: job.paused,
    labels: job.labels,
  };
}

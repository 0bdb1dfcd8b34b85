import type { Job, Policies } from '../policies.ts';

/** No job of a file has a dot in its name, and no policy has a job of this kind. */
export const ALERTS_CHECK = 'alerts.check';

/**
 * The schedule as timers have it: where somebody is to be told, a look each minute comes with the jobs, since no worker is there
 * to take one. `timeZone` is one that the target keeps every minute of.
 */
export function withAlertsCheck(policies: Policies, timeZone: string): Policies {
  const isTold = policies.notify.length > 0 || [...policies.policies.values()].some(({ notify }) => notify.length > 0);
  if (!isTold) return policies;
  const check: Job = {
    name: ALERTS_CHECK,
    work: { kind: 'command', words: 'alerts check', cluster: undefined },
    trigger: { kind: 'times', recurrence: { cron: '* * * * *', timeZone } },
    catchUp: 'none',
    retries: 0,
    retryDelayMs: 0,
    period: { from: undefined, until: undefined, lengthMs: undefined },
    paused: false,
    labels: [],
  };
  return { ...policies, jobs: [...policies.jobs, check] };
}

/** The words after `dbadmin` by which a timer does a job. */
export function timerWords({ name }: Job): readonly string[] {
  return name === ALERTS_CHECK ? ['alerts', 'check'] : ['schedule', 'run', name];
}

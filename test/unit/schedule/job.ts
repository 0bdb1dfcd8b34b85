import type { Job } from '../../../src/schedule/policies.ts';

/** A job at a cron line in a zone, or after others. */
export function job(name: string, when: string | readonly string[], more: Partial<Job> & { readonly timeZone?: string } = {}): Job {
  const { timeZone = 'UTC', ...rest } = more;
  return {
    name,
    work: { kind: 'sql', sql: 'select 1', cluster: undefined, database: undefined },
    trigger: typeof when === 'string' ? { kind: 'times', recurrence: { cron: when, timeZone } } : { kind: 'after', jobs: when },
    catchUp: 'none',
    retries: 0,
    retryDelayMs: 60_000,
    period: { from: undefined, until: undefined, lengthMs: undefined },
    paused: false,
    labels: [],
    ...rest,
  };
}

export const at = (text: string): Date => new Date(text);

export const shown = (times: readonly Date[]): readonly string[] => times.map((time) => time.toISOString().replace(':00.000Z', 'Z'));

import type { CommandSpec } from '../command.ts';

const JOB_KEYS = '{ name, kind, description, cron, timeZone, after: [names], retries, retryDelayMs, catchUp, from, until, forMs }';

export const SCHEDULE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'schedule list',
    summary: 'the jobs of backups/policies.yaml',
    description: 'Every job with its times or what it runs after. The file is checked in full first: all problems are told at once.',
    json: ['file: the policies file', `jobs: array of ${JOB_KEYS}`],
    load: async () => await import('./list.ts'),
  },
  {
    name: 'schedule next',
    summary: 'what runs next, each in its own time zone',
    description: `The next runs of all jobs, soonest first. A time that a change of the clock skips comes at the first moment after the
change; one that it repeats comes once.

$ dbadmin schedule next --count 20`,
    options: [{ flags: '--count <n>', summary: 'how many runs', fallback: '10' }],
    json: [
      'now: the moment asked',
      'runs: array of { job, at: UTC, local: the same in timeZone, timeZone }',
      'after: array of { job, after: [names] } for jobs without times of their own',
    ],
    load: async () => await import('./next.ts'),
  },
  {
    name: 'schedule export',
    summary: 'the schedule as a crontab',
    description: `Prints lines that run each job by dbadmin schedule run, with absolute paths. What cron cannot express stands there as a
comment with the reason, and is warned of.

Zones other than the machine's are named with CRON_TZ, which cronie reads (Red Hat, Fedora, SUSE, Arch) and the cron of
Debian, Ubuntu, Alpine and macOS does not: there use --convert, which writes the machine's own time where that is exact.

$ dbadmin schedule export --cron | crontab -
$ dbadmin schedule export --cron --convert`,
    options: [
      { flags: '--cron', summary: 'as a crontab' },
      { flags: '--convert', summary: "write times in the machine's zone instead of CRON_TZ" },
    ],
    json: [
      'text: the crontab',
      'lines: array of { jobs: [names], line, timeZone }',
      'omitted: array of { job, reason }: what cron cannot express or this dbadmin cannot run',
    ],
    load: async () => await import('./export.ts'),
  },
  {
    name: 'schedule run',
    summary: 'run one job now, with its retries: what cron calls',
    description: "Outside the job's period (from, until, for) nothing is done. Jobs after it are not run: the crontab chains them.",
    args: [{ form: '<job>', summary: 'name, as dbadmin schedule list shows it' }],
    json: ['job: its name', 'inForce: false when its period has not begun or is over', 'attempts: how many it took', 'tookMs: in all'],
    load: async () => await import('./run.ts'),
  },
];

import type { CommandSpec } from '../command.ts';
import { EXPORT_COMMAND } from './export-spec.ts';

const JOB_KEYS =
  '{ name, kind, policy, cluster, description, cron, timeZone, after: [names], retries, retryDelayMs, catchUp: none, once or all, from, until, forMs, paused, pausedInFile, labels: [names], pause: null or { at, until: when it ends by itself or null, by, reason }, inForce, endsAt }';

export const SCHEDULE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'schedule list',
    summary: 'the jobs of backups/policies.yaml',
    description:
      'Every job with its times or what it runs after, and who paused it where a control database can be asked. The file is checked in full first: all problems are told at once.',
    json: [
      'file: the policies file',
      'timeZone: that of times which name none',
      'pausesKnown: false where no control database could be asked who paused what',
      `jobs: array of ${JOB_KEYS}`,
      'receiving: array of { name, cluster, repositories, rpoMs, labels }: WAL that a worker keeps being received',
    ],
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
      'runs: array of { job, at: UTC, local: the same in timeZone, timeZone, followers: names of jobs that follow it alone, note: what a change of the clocks does to it, or null, isLeftOut: a pause lets it pass }',
      'clocks: array of { timeZone, at, byMinutes }: changes of the clocks in the next eight days',
      'after: array of { job, after: [names] } for jobs without times of their own',
    ],
    load: async () => await import('./next.ts'),
  },
  EXPORT_COMMAND,
  {
    name: 'schedule run',
    summary: 'run one job now, with its retries: what cron calls',
    description: `Outside the job's period (from, until, for) nothing is done. Jobs after it are not run: the crontab chains them. It needs no
worker and no control database; where dbadmin.yaml names one, or a worker has made its tables, the run is recorded there, and
refused while a worker runs the same job.

Where a backup or dump is taken and only older ones did not expire, it ends with 4 and says why: what the exported crontab, units or pods
run after it runs then, too. Where only 0 lets the next one begin, as in a pod, --not-expired-into notes it in a file and ends with 0, and the
last one ends with 4 for it, by --not-expired-from.

A job that is paused, or runs after one that is, is left alone and said to be, with status 0: timers call this, and a pause is
meant for them too. --even-if-paused runs it all the same. Where the control database cannot be asked, only pause: true in the
policies is known.

Interrupted, it cancels SQL in the server, again each second, and says so where that has not ended after 5 s and may go on there, and where
CONCURRENTLY was cancelled in the middle, which can leave an invalid index or a partition half detached.

With --worker it is not run here but queued for whichever worker can reach what it needs; a paused job is refused.

$ dbadmin schedule run listening.full
$ dbadmin schedule run listening.full --worker`,
    args: [{ form: '<job>', summary: 'name, as dbadmin schedule list shows it' }],
    options: [
      { flags: '--worker', summary: 'queue it for a worker instead' },
      { flags: '--even-if-paused', summary: 'run it though it is paused' },
      { flags: '--not-expired-into <file>', summary: 'where it would end with 4: add why to this file and end with 0' },
      { flags: '--not-expired-from <file>', summary: 'where this file says why: tell it, and end with 4 though the job itself is done' },
    ],
    json: [
      'job: its name',
      'inForce: false when its period has not begun or is over',
      'paused: { job, at, until, by, reason } where that kept it from running, else null; job is itself or one that it runs after',
      'attempts: how many it took',
      'tookMs: in all',
      'recorded: whether the control database has it',
      'warning: what is to be seen to though the job is done, with exit 4 unless --not-expired-into took it, or null',
      'With --worker: job, due, queued: true, workers: names of those that can run it',
    ],
    load: async () => await import('./run.ts'),
  },
  {
    name: 'schedule history',
    summary: 'what ran: job by day, and why what failed did',
    description: `One mark a day for each job, then the runs that failed or are done with a warning, newest last; with --job all runs of that job. Days begin as clocks on this
machine have it.

$ dbadmin schedule history
$ dbadmin schedule history --on 2026-11-21
$ dbadmin schedule history --job listening.full --since 60d --log`,
    options: [
      { flags: '--since <time>', summary: 'how far back (default: 14d)' },
      { flags: '--on <day>', summary: 'of one day' },
      { flags: '--job <name>', summary: 'of one job' },
      { flags: '--brief', summary: 'of the runs only those that are not done, or were late or at the second try; at most 200' },
      { flags: '--log', summary: 'and what the last run shown printed' },
    ],
    json: [
      'from, to: the moments between which runs were due',
      'timeZone: whose days these are; days: array of 2026-11-21',
      'jobs: array of { job, runs, failed, took, days: for each day null or { day, state: done, late, mended, failed, missed, skipped, running or waiting, done, failed, missed, skipped, current, waiting, retried, late, took } }; took is null or { medianMs, p95Ms, mostMs } of what is done',
      'runs: array of { runId, job, due, cause: time, after, manual or timer, state: waiting, queued, running, succeeded, failed, missed or skipped, labels, createdAt, startedAt, endedAt, attempt, failures, worker, exitStatus, error: why it failed, or a warning, times }, oldest first',
      'attempts: of the last run shown, array of { attempt, worker, startedAt, endedAt, outcome, exitStatus, error, logTail }',
    ],
    load: async () => await import('./history.ts'),
  },
  {
    name: 'schedule log',
    summary: 'what a job printed, or prints now, on whatever machine it runs',
    description: `Of the run that goes on, or else the last. The newest 16 kB of each attempt are kept, for two months. With --follow it goes on
until the run is over, a second or two behind.

$ dbadmin schedule log listening.full --follow`,
    args: [{ form: '<job>', summary: 'name, as dbadmin schedule list or history shows it' }],
    options: [
      { flags: '--follow', summary: 'and what it prints from now on' },
      { flags: '--run <id>', summary: 'of this run: its runId in dbadmin schedule history --json' },
      { flags: '--attempt <n>', summary: 'of this attempt instead of the last' },
    ],
    json: [
      'run: as in schedule history',
      'attempts: array of { attempt, worker, startedAt, endedAt, outcome, exitStatus, error }',
      'attempt: whose lines these are, or null',
      'firstLine: the number of the first line that is kept, from 1; lines: array of texts',
      'isOver: nothing more comes',
    ],
    load: async () => await import('./log.ts'),
  },
  {
    name: 'schedule workers',
    summary: 'the workers, what each runs, and what waits for one',
    json: [
      'workers: array of { name, host, pid, version, labels, slots, startedAt, seenAt, isAlive, runs: what it runs, as in schedule history }',
      'others: runs without a worker, begun by cron, systemd or a person; waiting: runs that are queued or waiting',
      'unreachable: names of jobs that need labels which no worker has, or null while the policies cannot be read',
      'plannedUntil: up to when times have been queued, or null',
    ],
    load: async () => await import('./workers.ts'),
  },
  {
    name: 'schedule pause',
    summary: 'keep a job, or all, from being run, for a while or until resumed',
    description: `For all workers, at once, and through restarts; timers that call dbadmin schedule run leave it alone too, where they can ask the
control database. A run that goes on is let end. pause: true in backups/policies.yaml does the same for good.

With --until or --for it ends by itself: the job runs again from its first time at that moment or later, whether or not anything of
dbadmin was running meanwhile, and what was due in the pause is neither made up for nor late. Given for a job that is paused
already, they move its end.

With --all all jobs are paused, with --cluster those of one cluster: a maintenance window. WAL goes on being received.

$ dbadmin schedule pause listening.full --reason "storage is being moved"
$ dbadmin schedule pause listening.full --until 2026-11-22T06:00
$ dbadmin schedule pause --all --cluster main --for 2h --reason "new storage"`,
    args: [{ form: '[job]', summary: 'name, as dbadmin schedule list shows it' }],
    options: [
      { flags: '--until <time>', summary: 'it ends by itself then: 2026-11-22T06:00, in the time zone of this machine or with an offset' },
      { flags: '--for <span>', summary: 'it ends by itself after so long: 90m, 2h, 3d' },
      { flags: '--reason <text>', summary: 'shown to whoever asks why it does not run' },
      { flags: '--all', summary: 'all jobs, or with --cluster those of that cluster' },
    ],
    json: [
      'job: its name',
      'changed: false when it was paused already, up to the same end',
      'pausedAt, until: when it ends by itself or null, by, reason',
      'With --all: until, jobs: array of these',
    ],
    load: async () => await import('./pause.ts'),
  },
  {
    name: 'schedule resume',
    summary: 'let a paused job, or all, run again, from the next time on',
    args: [{ form: '[job]', summary: 'name, as dbadmin schedule list shows it' }],
    options: [{ flags: '--all', summary: 'all jobs, or with --cluster those of that cluster' }],
    json: [
      'job: its name',
      'changed: false when it was not paused',
      'next: when it runs next, or null',
      'With --all: jobs: array of these',
    ],
    load: async () => await import('./resume.ts'),
  },
];

import type { CommandSpec } from '../command.ts';

export const WORKER_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'worker',
    summary: 'run the schedule: jobs at their times, WAL all the time',
    description: `Runs the jobs of backups/policies.yaml when they are due and keeps WAL being received where a policy says wal: { mode: stream }.
One is enough; any number may run, on any number of machines, against one control database (control in dbadmin.yaml, by
default the database of the default cluster, schema dbadmin_jobs). Each time of a job is run once, whichever of them comes
first; a worker that dies loses its jobs to the others within a minute; no job overlaps itself, but for
SQL that does not end when it is cancelled.

While the control database is away running jobs and WAL go on, nothing new is begun, and the worker comes back by itself.
Once a minute it looks at clusters and repositories, for /metrics and to tell those whom the policies name under notify what
has changed (dbadmin alerts). Of several workers one tells, and when it is gone another goes on from there; while the control
database is away the one that told goes on, and the others tell by themselves after five minutes: rather twice than never.

The first SIGTERM, SIGINT or SIGHUP lets running jobs end for the time of --grace, then stops them and puts them back into the queue.
SQL is cancelled in the server, again each second; where it has not ended after 5 s it may go on there while the run is done again,
which the log and the history say. What is cancelled in the middle of CONCURRENTLY can leave an invalid index or a partition half
detached, which the next try need not mend: with IF NOT EXISTS it passes over the invalid index and succeeds, without it fails.

$ dbadmin worker
$ dbadmin worker --label eu --jobs 2 --wal-sockets /run/dbadmin`,
    options: [
      { flags: '--jobs <n>', summary: 'how many jobs run at a time', fallback: '4' },
      { flags: '--label <name>', summary: 'what this worker can reach: it runs the jobs that need nothing else', repeatable: true },
      { flags: '--name <name>', summary: 'what it is called in the history', fallback: 'host:pid' },
      { flags: '--listen <address>', summary: 'where /healthz and /metrics are served; off for nowhere', fallback: '127.0.0.1:9187' },
      { flags: '--wal-sockets <dir>', summary: 'serve wal push and wal get of each cluster on a socket here, CLUSTER.sock' },
      { flags: '--grace <time>', summary: 'how long jobs may go on after it was told to stop', fallback: '60s' },
      { flags: '--no-wal', summary: 'leave the receiving of WAL to others' },
      { flags: '--no-alerts', summary: 'tell nobody what is wrong' },
    ],
    json: ['worker: its name', 'succeeded, failed, retried: attempts that ended while it ran'],
    load: async () => await import('./worker.ts'),
  },
];

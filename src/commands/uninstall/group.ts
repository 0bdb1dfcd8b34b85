import type { CommandSpec } from '../command.ts';

export const UNINSTALL_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'uninstall',
    summary: 'take away from a cluster what dbadmin has made in it',
    description: `Shows what it would drop: replication slots of ours, the schemas of the migration history and of the schedule, and the roles that
roles apply made by its own record and that own nothing. Then it asks. Repositories are never touched; what migrations made is
yours and stays, and so does a role that owns something: the plan names them.

A worker, a receiver of WAL or any other session of ours has to end first. Without the schemas dbadmin knows no longer what it
has applied: to use it again on that database, see dbadmin migrate baseline.

$ dbadmin uninstall --plan
$ dbadmin uninstall --yes`,
    options: [{ flags: '--plan', summary: 'only show; exit 2 when there is something to drop' }],
    json: [
      'steps: array of { database, what, sql } in order',
      'left: array of sentences: what stays',
      'blockers: array of sentences: what has to end first',
      'done: how many steps were done',
    ],
    load: async () => await import('./uninstall.ts'),
  },
];

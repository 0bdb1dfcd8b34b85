import type { CommandSpec } from '../command.ts';

export const DOCTOR_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'doctor',
    summary: 'everything that would fail later, looked at now',
    description: `Looks at this machine, the configuration and its secrets, the permissions of files, each server (settings, slots, rights,
pg_hba.conf, clock, sessions of ours), each repository (reachable, writable, clock, keys, ages), migrations, roles and the
schedule, and says of each: fine, or what is wrong, why it matters, and what to do. Changes nothing but for an object that it
writes to each repository and removes again, and a replication slot that lasts for a moment.

It works without a server, without a repository and without a configuration: what is away is a finding. Exit 2 when something is wrong.

$ dbadmin doctor
$ dbadmin doctor --json | jq '.findings[] | select(.state == "wrong")'`,
    options: [
      { flags: '--scratch <dir>', summary: 'where clones are laid down (default: DBADMIN_SCRATCH, else the places for temporary files)' },
    ],
    json: [
      'wrong, notes, unknown, fine: how many of each',
      'findings: array of { area: machine, configuration, server, repository, project or schedule, what, state: fine, note, wrong or unknown, detail, why, fix }',
    ],
    load: async () => await import('./doctor.ts'),
  },
];

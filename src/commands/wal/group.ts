import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };

export const WAL_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'wal push',
    summary: 'store a WAL file, for archive_command',
    description: `Exit 0: every repository that wal.required names (all, unless backups/policies.yaml says otherwise) has the file durably. Anything
else is 1, and the server keeps the file and asks again. The same file twice is fine; other content under a name that is taken is
refused, and so is the WAL of another cluster. Segments, .partial files of a timeline that ended, .backup files and timeline histories are kept.

$ archive_command = 'dbadmin wal push --config /etc/dbadmin.yaml %p || exit 1'`,
    args: [{ form: '<path>', summary: 'the file (%p)' }],
    options: [REPOSITORY],
    json: ['file: name', 'result: stored or present', 'repositories: array of names'],
    failureStatus: 1,
    load: async () => await import('./push.ts'),
  },
];

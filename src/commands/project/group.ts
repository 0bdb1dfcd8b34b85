import type { CommandSpec } from '../command.ts';

export const PROJECT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'scaffold a project; never overwrites',
    description: `Makes dbadmin.yaml, a place for migrations and routines, roles/roles.yaml, backups/policies.yaml and .gitignore.
What is there already is kept as it is.

With --url the connection is tried first, and written to dbadmin.yaml without its password. A password in the URL goes to
.pgpass beside dbadmin.yaml (mode 0600, in .gitignore); without one, PGPASSWORD and ~/.pgpass are used as ever.

$ dbadmin init --url postgresql://postgres@db.example.org/app
$ dbadmin init warehouse --repository /srv/backup/warehouse`,
    args: [{ form: '[dir]', summary: 'where (default: here)' }],
    options: [{ flags: '--repository <path>', summary: 'directory of the backup repository (default: repository, in the project)' }],
    json: [
      'directory: absolute path of the project',
      'entries: array of { path, kind: file or directory, made: false when it was there already }',
      'cluster: { description, serverVersion } of the connection tried, or null without --url',
      'repositories: names of the repositories made',
    ],
    load: async () => await import('./init.ts'),
  },
];

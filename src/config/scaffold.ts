/** One thing that `dbadmin init` makes, relative to the project's directory. */
export type ScaffoldEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly text: string; readonly mode: number };

export interface ScaffoldOptions {
  /** Without its password; undefined leaves the connection to the environment. */
  readonly url: string | undefined;
  /** Lines of the project's own password file, when a password was given. */
  readonly passwordLines: readonly string[];
  /** Path of the disk repository as it is to stand in dbadmin.yaml. */
  readonly repositoryPath: string;
  /** Where an editor finds the JSON Schema of a file of the project, as that file is to say it: `../node_modules/dbadmin/schemas/roles.schema.json`. */
  readonly schemaOf: (file: string, name: 'dbadmin' | 'policies' | 'roles') => string;
}

/** The password file of a project, beside dbadmin.yaml and kept out of git. */
export const PROJECT_PASSWORD_FILE = '.pgpass';

/** The least project that every command can read: nothing in it changes a database by itself. */
export function planScaffold(options: ScaffoldOptions): readonly ScaffoldEntry[] {
  const hasPassword = options.passwordLines.length > 0;
  return [
    withSchema('dbadmin.yaml', 'dbadmin', configText(options, hasPassword), options),
    ...(hasPassword ? [file(PROJECT_PASSWORD_FILE, `${options.passwordLines.join('\n')}\n`, 0o600)] : []),
    { kind: 'directory', path: 'sql/migrations' },
    { kind: 'directory', path: 'sql/routines' },
    withSchema('roles/roles.yaml', 'roles', ROLES, options),
    withSchema('backups/policies.yaml', 'policies', POLICIES, options),
    file('.gitignore', ignoreText(options.repositoryPath)),
  ];
}

function file(path: string, text: string, mode = 0o644): ScaffoldEntry {
  return { kind: 'file', path, text, mode };
}

/** The line that YAML's language server looks for, in whatever editor it runs. */
function withSchema(path: string, name: 'dbadmin' | 'policies' | 'roles', text: string, { schemaOf }: ScaffoldOptions): ScaffoldEntry {
  return file(path, `# yaml-language-server: $schema=${schemaOf(path, name)}\n${text}`);
}

function configText({ url, repositoryPath }: ScaffoldOptions, hasPassword: boolean): string {
  const connection =
    url === undefined
      ? `    # Without a url, DATABASE_URL or libpq's PG* variables say where to connect.
    # url: postgresql://user@host:5432/database
`
      : `    url: ${JSON.stringify(url)}
${hasPassword ? `    passfile: ${PROJECT_PASSWORD_FILE}\n` : ''}`;
  return `# dbadmin's configuration. No passwords here: they come from PGPASSWORD, a password file, or "\${NAME}".
version: 1
clusters:
  main:
${connection}    repositories: [local]
repositories:
  local:
    type: disk
    path: ${JSON.stringify(repositoryPath)}
    # Not encrypted: whoever reads this directory reads the database.
`;
}

const ROLES = `# Roles and privileges as code. Mode add never takes anything away.
version: 1
mode: add
`;

const POLICIES = `# What runs when: by dbadmin worker, or by the crontab of dbadmin schedule export --cron.
version: 1
policies:
  main:
    cluster: main
    repositories: [local] # what is scheduled goes into these alone: add another one of dbadmin.yaml here, too
    base:
      full: { cron: "0 2 * * *", timezone: UTC }
    retention: { window: 14d, minimum: 2 }
`;

function ignoreText(repositoryPath: string): string {
  const inside = repositoryPath.startsWith('./') ? [`/${repositoryPath.slice(2).replace(/\/+$/, '')}/`] : [];
  return `# Backup data and secrets stay out of git.
${[...inside, '/backups/*', '!/backups/policies.yaml', `/${PROJECT_PASSWORD_FILE}`, '.env', '.env.*'].join('\n')}
`;
}

/** A variable of the environment that files of the project name. */
export interface NamedVariable {
  readonly name: string;
  /** It has no default: nothing works without. */
  readonly isNeeded: boolean;
}

/** libpq's, which say where a cluster is when the configuration does not. */
const CONNECTION_VARIABLES = ['DATABASE_URL', 'PGHOST', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGDATABASE'];
const AWS_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'];

/** The variables that YAML files name as `${NAME}` or as `{ from: env, name: NAME }`, and those that connections and S3 are looked for in. */
export function namedVariables(texts: readonly string[], usesS3: boolean): readonly NamedVariable[] {
  const found = new Map<string, boolean>();
  const add = (name: string, isNeeded: boolean): void => void found.set(name, isNeeded || found.get(name) === true);
  for (const text of texts) {
    const bare = text.replaceAll(/^\s*#.*$/gm, '');
    for (const [, name = '', fallback] of bare.matchAll(/(?<!\$)\$\{([A-Za-z_]\w*)(:-[^}]*)?\}/g)) {
      if (name !== 'CREDENTIALS_DIRECTORY') add(name, fallback === undefined);
    }
    for (const [, name = ''] of bare.matchAll(/from:\s*["']?env["']?\s*,\s*name:\s*["']?([A-Za-z_]\w*)/g)) add(name, true);
    for (const [, name = ''] of bare.matchAll(/from:\s*["']?env["']?\s*\n\s*name:\s*["']?([A-Za-z_]\w*)/g)) add(name, true);
  }
  for (const name of [...CONNECTION_VARIABLES, ...(usesS3 ? AWS_VARIABLES : [])]) if (!found.has(name)) add(name, false);
  return [...found].map(([name, isNeeded]) => ({ name, isNeeded })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { INSTALLED_IN } from '../../base/installation.ts';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { describeParameters } from '../../postgres/parameters.ts';
import { passwordFileLine, separatePassword } from '../../config/connection-url.ts';
import { connectionOfUrl, loadConfig } from '../../config/load.ts';
import { planScaffold, PROJECT_PASSWORD_FILE, type ScaffoldEntry } from '../../config/scaffold.ts';
import { openClient } from '../../postgres/client.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { ensureRepository } from '../open-repository.ts';

interface TriedCluster {
  readonly description: string;
  readonly serverVersion: string;
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const directory = path.resolve(context.cwd, input.args[0] ?? '.');
  const url = textOption(input, 'url');
  const separated = url === undefined ? undefined : separatePassword(url);
  const connection = url === undefined ? undefined : connectionOfUrl(context, url);
  const cluster = connection === undefined ? undefined : await tryConnection(connection);

  const password = separated?.password;
  const entries = planScaffold({
    url: separated?.url,
    passwordLines:
      connection === undefined || password === undefined
        ? []
        : connection.hosts.map((place) => passwordFileLine(place, connection.user, password)),
    repositoryPath: repositoryPath(context.cwd, directory, textOption(input, 'repository')),
    schemaOf: (file, name) => schemaPath(path.join(directory, file), name),
  });
  const made = new Map<string, boolean>();
  for (const entry of entries) made.set(entry.path, await make(directory, entry));

  if (cluster !== undefined) output.line(`${cluster.description}: PostgreSQL ${cluster.serverVersion}`);
  output.table(
    ['path', 'result'],
    entries.map((entry) => [entry.path, made.get(entry.path) === true ? 'made' : 'kept: it was there']),
  );
  if (made.get(PROJECT_PASSWORD_FILE) === true) {
    output.note(`The password is in ${PROJECT_PASSWORD_FILE} (mode 0600), not in dbadmin.yaml.`);
    await warnUnlessIgnored(context, directory);
  }
  if (url !== undefined && made.get('dbadmin.yaml') === false) {
    context.log.warn('dbadmin.yaml was there already: the connection of --url was tried but not written');
  }
  const repositories = url !== undefined && made.get('dbadmin.yaml') === true ? await makeRepositories(context, directory) : [];
  sayNextSteps(context, directory, url !== undefined);
  output.result({
    directory,
    entries: entries.map((entry) => ({ path: entry.path, kind: entry.kind, made: made.get(entry.path) === true })),
    cluster: cluster ?? null,
    repositories,
  });
  return 0;
}

/** Made now and not by the first backup: later, a repository that is not there is a disk that is not mounted. */
async function makeRepositories(context: CommandContext, directory: string): Promise<readonly string[]> {
  const config = await loadConfig(context, { config: path.join(directory, 'dbadmin.yaml') });
  const names: string[] = [];
  for (const repository of config.repositories.values()) {
    if ((await ensureRepository(context, repository)) !== 'made') continue;
    names.push(repository.name);
    context.output.line(`repository ${repository.name} made`);
  }
  return names;
}

async function tryConnection(connection: ConnectionParameters): Promise<TriedCluster> {
  const sql = await openClient(connection, { max: 1 });
  try {
    const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`;
    return { description: describeParameters(connection), serverVersion: row?.version ?? 'of unknown version' };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** As it stands in dbadmin.yaml: relative inside the project, absolute elsewhere. */
function repositoryPath(cwd: string, directory: string, given: string | undefined): string {
  const absolute = given === undefined ? path.join(directory, 'repository') : path.resolve(cwd, given);
  const relative = path.relative(directory, absolute);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? absolute : `./${relative}`;
}

/**
 * The schema that this installation brings: relative where it is installed in the project or above it, so that it holds for
 * everybody who installs it there; else as it is on this machine.
 */
function schemaPath(file: string, name: string): string {
  const schema = fileURLToPath(new URL(`schemas/${name}.schema.json`, INSTALLED_IN));
  const [project = ''] = schema.split(`${path.sep}node_modules${path.sep}`);
  const isInside = project !== schema && !path.relative(project, file).startsWith('..');
  return isInside ? path.relative(path.dirname(file), schema) : schema;
}

/** Whether it was made; false when something of that name was there. */
async function make(directory: string, entry: ScaffoldEntry): Promise<boolean> {
  const target = path.join(directory, entry.path);
  try {
    if (entry.kind === 'directory') return (await makeDirectories(target)) !== undefined;
    await makeDirectories(path.dirname(target));
    await writeFile(target, entry.text, { flag: 'wx', mode: entry.mode });
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST' && entry.kind === 'file') return false;
    throw new DbadminError('file-unwritable', `cannot make ${target}`, { detail: messageOf(error), cause: error });
  }
}

async function warnUnlessIgnored(context: CommandContext, directory: string): Promise<void> {
  const ignored = await readFile(path.join(directory, '.gitignore'), 'utf8').catch(() => '');
  const isIgnored = ignored.split(/\r?\n/).some((line) => line.trim().replace(/^\//, '') === PROJECT_PASSWORD_FILE);
  if (!isIgnored) context.log.warn(`.gitignore was there already and does not name ${PROJECT_PASSWORD_FILE}: add it`);
}

function sayNextSteps({ output, cwd }: CommandContext, directory: string, connected: boolean): void {
  const enter = path.relative(cwd, directory);
  const steps = [
    ...(enter === '' ? [] : [`cd ${enter}`]),
    ...(connected ? [] : ['edit dbadmin.yaml: say where the database is']),
    'dbadmin backup check        what a backup needs, and the exact lines for what is missing',
    'dbadmin backup run          the first backup',
    'dbadmin restore --to-latest --into DIR --start',
  ];
  output.note(`Next:\n${steps.map((step) => `  ${step}`).join('\n')}`);
}

import { accessSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseDuration } from '../base/durations.ts';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { suggestion } from '../base/spelling.ts';
import { checkShape } from '../base/yaml-shape.ts';
import { problemsError, YamlSource } from '../base/yaml-source.ts';
import { connectionsOfUrl, DEFAULT_SLOT, resolveCluster } from './clusters.ts';
import type { ClusterConfig, Config, MigrateConfig, ProjectPaths, RepositoryConfig } from './config.ts';
import { environmentNamesDatabase, type Machine } from './connection.ts';
import { resolveRepository, type Resolving } from './repositories.ts';
import { configSchema, repositoriesSchema, type ConfigFile } from './schema.ts';

export const CONFIG_FILE_NAME = 'dbadmin.yaml';
const DEFAULT_LOCK_TIMEOUT = '3s';
const ONLY_CLUSTER = 'main';

/** Where a command stands: its environment and directory. */
export interface LoadContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** The options `--config`, `--cluster` and `--url`. */
export interface Selection {
  readonly config?: string | undefined;
  readonly cluster?: string | undefined;
  readonly url?: string | undefined;
}

/**
 * The configuration of the project: dbadmin.yaml of `--config`, or of the working directory or the nearest one above it;
 * without one, a single cluster `main` from `--url`, DATABASE_URL or the PG* variables, and no repositories.
 *
 * `--url` takes the place of the selected cluster's connection. Repositories may also stand in backups/policies.yaml.
 *
 * @throws {DbadminError} `config-invalid` with every problem on a line of its own, `file:line:column: what`;
 * `config-missing` when there is nothing to go by; `usage` when `--cluster` names none.
 */
export async function loadConfig(context: LoadContext, selection: Selection = {}): Promise<Config> {
  const file = findConfigFile(context, selection.config);
  const machine = realMachine(context);
  return await Promise.resolve(file === undefined ? configWithoutFile(machine, selection) : configOfFile(file, machine, selection));
}

/**
 * The cluster called `name`, or the default one: that of `--cluster` if it was given to {@link loadConfig}, else
 * `default_cluster`, else `main`, else the first in the file.
 *
 * @throws {DbadminError} `usage` when there is no such cluster.
 */
export function selectCluster(config: Config, name?: string): ClusterConfig {
  const wanted = name ?? config.defaultCluster;
  const cluster = config.clusters.get(wanted);
  if (cluster !== undefined) return cluster;
  throw unknownCluster(wanted, [...config.clusters.keys()]);
}

function unknownCluster(name: string, known: readonly string[]): DbadminError {
  return new DbadminError('usage', `there is no cluster "${name}"${suggestion(name, known)}`, {
    detail: known.length === 0 ? 'The configuration names no cluster.' : `The configuration names ${known.join(', ')}.`,
    hint: 'Name one with --cluster, or add it under clusters in dbadmin.yaml.',
  });
}

function findConfigFile({ cwd, env }: LoadContext, given: string | undefined): string | undefined {
  const named = given ?? (env['DBADMIN_CONFIG'] === '' ? undefined : env['DBADMIN_CONFIG']);
  if (named !== undefined) return path.resolve(cwd, named);
  for (let directory = path.resolve(cwd); ; directory = path.dirname(directory)) {
    const candidate = path.join(directory, CONFIG_FILE_NAME);
    if (isReadable(candidate)) return candidate;
    if (directory === path.dirname(directory)) return undefined;
  }
}

function configWithoutFile(machine: Machine, selection: Selection): Config {
  const databaseUrl = machine.env['DATABASE_URL'] === '' ? undefined : machine.env['DATABASE_URL'];
  const url = selection.url ?? databaseUrl;
  if (url === undefined && !environmentNamesDatabase(machine.env)) {
    throw new DbadminError('config-missing', `there is no ${CONFIG_FILE_NAME} in ${machine.cwd} or above it`, {
      hint: 'Make one with dbadmin init, name it with --config, or give --url postgresql://user@host:port/database.',
    });
  }
  if (selection.cluster !== undefined && selection.cluster !== ONLY_CLUSTER) throw unknownCluster(selection.cluster, [ONLY_CLUSTER]);
  const warnings: string[] = [];
  const cluster = { name: ONLY_CLUSTER, ...connectionsOfUrl(url, machine, warnings), repositories: [], slot: DEFAULT_SLOT };
  return {
    file: undefined,
    directory: machine.cwd,
    clusters: new Map([[ONLY_CLUSTER, cluster]]),
    defaultCluster: ONLY_CLUSTER,
    repositories: new Map(),
    paths: resolvePaths(undefined, machine.cwd),
    migrate: resolveMigrate(undefined),
    warnings,
  };
}

function configOfFile(file: string, machine: Machine, selection: Selection): Config {
  const directory = path.dirname(file);
  const source = new YamlSource(displayName(file, machine.cwd), readConfigFile(file), machine.env);
  const parsed = source.readable ? checkShape(source, configSchema) : undefined;
  if (parsed === undefined) throw invalid([source]);
  const warnings: string[] = [];
  const resolving: Resolving = { source, directory, env: machine.env, warnings };
  const paths = resolvePaths(parsed.paths, directory);
  const policies = policiesSource(paths.policies, machine);
  const repositories = resolveRepositories(parsed, resolving, policies);

  const names = Object.keys(parsed.clusters);
  const preferred = parsed.default_cluster ?? (names.includes(ONLY_CLUSTER) ? ONLY_CLUSTER : names[0]);
  if (preferred === undefined) source.add(['clusters'], 'name at least one cluster', true);
  else if (!names.includes(preferred)) {
    source.add(['default_cluster'], `cluster "${preferred}" is not defined${suggestion(preferred, names)}`);
  }
  const selected = selection.cluster ?? preferred ?? ONLY_CLUSTER;
  const clusters = new Map<string, ClusterConfig>();
  for (const [name, cluster] of Object.entries(parsed.clusters)) {
    const url = name === selected ? selection.url : undefined;
    const resolved = resolveCluster(name, cluster ?? {}, new Set(repositories.keys()), resolving, machine, url);
    if (resolved !== undefined) clusters.set(name, resolved);
  }
  const sources = policies === undefined ? [source] : [source, policies];
  if (sources.some(({ problems }) => problems.length > 0)) throw invalid(sources);
  if (!clusters.has(selected)) throw unknownCluster(selected, names);
  return { file, directory, clusters, defaultCluster: selected, repositories, paths, migrate: resolveMigrate(parsed.migrate), warnings };
}

function resolveRepositories(
  parsed: ConfigFile,
  resolving: Resolving,
  policies: YamlSource | undefined,
): ReadonlyMap<string, RepositoryConfig> {
  const repositories = new Map<string, RepositoryConfig>();
  for (const [name, repository] of Object.entries(parsed.repositories ?? {})) {
    repositories.set(name, resolveRepository(name, repository, ['repositories', name], resolving));
  }
  if (policies === undefined) return repositories;
  const more = checkShape(policies, repositoriesSchema.optional(), ['repositories']) ?? {};
  for (const [name, repository] of Object.entries(more)) {
    const at = ['repositories', name];
    if (repositories.has(name)) policies.add(at, `repository "${name}" is defined in ${resolving.source.file} already`, true);
    else repositories.set(name, resolveRepository(name, repository, at, { ...resolving, source: policies }));
  }
  return repositories;
}

/** backups/policies.yaml when it has repositories of its own; whatever else it says is the schedule's to check. */
function policiesSource(file: string, machine: Machine): YamlSource | undefined {
  const found = machine.readText(file);
  if (found === undefined || !/^["']?repositories["']?\s*:/m.test(found.text)) return undefined;
  return new YamlSource(displayName(file, machine.cwd), found.text, machine.env, ['repositories']);
}

function resolvePaths(file: ConfigFile['paths'], directory: string): ProjectPaths {
  const at = (stated: string | undefined, usual: string): string => path.resolve(directory, stated ?? usual);
  return {
    migrations: at(file?.migrations, 'sql/migrations'),
    routines: at(file?.routines, 'sql/routines'),
    seeds: at(file?.seeds, 'sql/seeds'),
    tests: at(file?.tests, 'sql/tests'),
    schema: at(file?.schema, 'sql/schema.sql'),
    migrationsLock: at(file?.migrations_lock, 'sql/migrations.lock'),
    roles: at(file?.roles, 'roles/roles.yaml'),
    policies: at(file?.policies, 'backups/policies.yaml'),
  };
}

function resolveMigrate(file: ConfigFile['migrate']): MigrateConfig {
  return { schema: file?.schema ?? 'dbadmin', lockTimeoutMs: parseDuration(file?.lock_timeout ?? DEFAULT_LOCK_TIMEOUT) };
}

function invalid(sources: readonly YamlSource[]): DbadminError {
  const withProblems = sources.filter(({ problems }) => problems.length > 0);
  return problemsError(
    'config-invalid',
    withProblems.map(({ file }) => file).join(' and '),
    withProblems.flatMap(({ problems }) => problems),
    'Correct these places; nothing was done.',
  );
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = systemCodeOf(error) === 'ENOENT';
    throw new DbadminError(missing ? 'config-missing' : 'file-unreadable', missing ? `there is no ${file}` : `cannot read ${file}`, {
      ...(missing ? {} : { detail: messageOf(error) }),
      hint: 'Make one with dbadmin init, or name another with --config.',
      cause: error,
    });
  }
}

/** The path as a person standing in `cwd` would write it. */
function displayName(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative.startsWith(`..${path.sep}..`) || relative === '' ? file : relative;
}

function realMachine({ env, cwd }: LoadContext): Machine {
  return {
    env,
    cwd,
    homeDirectory: env['HOME'] ?? os.homedir(),
    userName: systemUserName(env),
    readText: (file) => {
      try {
        return { text: readFileSync(file, 'utf8'), mode: statSync(file).mode };
      } catch (error) {
        if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(systemCodeOf(error) ?? '')) return undefined;
        throw error;
      }
    },
    exists: isReadable,
  };
}

function systemUserName(env: LoadContext['env']): string {
  try {
    return os.userInfo().username;
  } catch {
    // A container's uid need not be in /etc/passwd.
    return env['USER'] ?? env['LOGNAME'] ?? 'postgres';
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}

import path from 'node:path';
import { parseDuration } from '../base/durations.ts';
import { DbadminError } from '../base/errors.ts';
import { suggestion } from '../base/spelling.ts';
import { checkShape, ONCE } from '../base/yaml-shape.ts';
import { problemsError, YamlSource } from '../base/yaml-source.ts';
import { connectionsOfUrl, DEFAULT_SLOT, resolveCluster, resolveControl, USUAL_CONTROL } from './clusters.ts';
import { resolveConsole } from './console.ts';
import type { ClusterConfig, Config, MigrateConfig, ProjectPaths, RepositoryConfig } from './config.ts';
import { environmentNamesDatabase, type Machine } from './connection.ts';
import { resolveRepository, type Resolving } from './repositories.ts';
import { clusterSchema, configSchema, repositoriesSchema, repositorySchema, type ConfigFile } from './schema.ts';

export const CONFIG_FILE_NAME = 'dbadmin.yaml';
const DEFAULT_LOCK_TIMEOUT = '3s';
const ONLY_CLUSTER = 'main';

/** The options `--config`, `--cluster` and `--url`. */
export interface Selection {
  readonly config?: string | undefined;
  readonly cluster?: string | undefined;
  readonly url?: string | undefined;
}

/** The configuration that `--url` or the environment gives alone. @throws as `loadConfig` */
export function configWithoutFile(machine: Machine, selection: Selection): Config {
  const databaseUrl = machine.env['DATABASE_URL'] === '' ? undefined : machine.env['DATABASE_URL'];
  const url = selection.url ?? databaseUrl;
  if (url === undefined && !environmentNamesDatabase(machine.env)) {
    throw new DbadminError('config-missing', `there is no ${CONFIG_FILE_NAME} in ${machine.cwd} or above it`, {
      hint: 'Make one with dbadmin init, name it with --config, or give --url postgresql://user@host:port/database.',
    });
  }
  if (selection.cluster !== undefined && selection.cluster !== ONLY_CLUSTER) throw unknownCluster(selection.cluster, [ONLY_CLUSTER]);
  const warnings: string[] = [];
  const cluster = {
    name: ONLY_CLUSTER,
    ...connectionsOfUrl(url, machine, warnings),
    repositories: [],
    slot: DEFAULT_SLOT,
    production: false,
  };
  return {
    file: undefined,
    directory: machine.cwd,
    clusters: new Map([[ONLY_CLUSTER, cluster]]),
    defaultCluster: ONLY_CLUSTER,
    repositories: new Map(),
    paths: resolvePaths(undefined, machine.cwd),
    migrate: resolveMigrate(undefined),
    control: { connection: cluster.connection, ...USUAL_CONTROL },
    console: resolveConsole(undefined, undefined),
    warnings,
  };
}

/**
 * The configuration that the text of dbadmin.yaml gives on this machine. An entry that is right in form is resolved even when
 * another is not, so that all problems are told at once. Every relative path, in the policies file too, starts at the
 * directory of dbadmin.yaml.
 *
 * @throws {DbadminError} as `loadConfig`.
 */
export function parseConfig(file: string, text: string, machine: Machine, selection: Selection): Config {
  const directory = path.dirname(file);
  const source = new YamlSource(displayName(file, machine.cwd), text);
  if (!source.readable) throw invalid([source]);
  const clusterEntries = entriesOf(source.value, 'clusters');
  const usual = defaultCluster(source, clusterEntries);
  const selected = selection.cluster ?? usual;
  // With --url nothing that this cluster says of its connection is used, so no variable of it need be there.
  source.fill(machine.env, (at) => selection.url !== undefined && at[0] === 'clusters' && at[1] === selected);
  const parsed = checkShape(source, configSchema);
  const resolving: Resolving = { source, directory, env: machine.env, warnings: [] };
  const paths = resolvePaths(parsed?.paths, directory);
  const policies = policiesSource(paths.policies, machine);
  const repositories = resolveRepositories(resolving, policies);
  if (parsed !== undefined && clusterEntries.length === 0) source.add(['clusters'], 'name at least one cluster', true);
  const repositoryNames = new Set(
    [...entriesOf(source.value, 'repositories'), ...entriesOf(policies?.value, 'repositories')].map(([name]) => name),
  );
  const clusters = new Map<string, ClusterConfig>();
  for (const [name, entry] of entriesOf(source.value, 'clusters')) {
    const cluster = clusterSchema.safeParse(entry ?? {}, ONCE);
    const url = name === selected ? selection.url : undefined;
    const resolved = cluster.success ? resolveCluster(name, cluster.data, repositoryNames, resolving, machine, url) : undefined;
    if (resolved !== undefined) clusters.set(name, resolved);
  }
  const sources = policies === undefined ? [source] : [source, policies];
  // The same place whichever cluster a command is about.
  const meeting = (clusters.get(usual) ?? clusters.get(selected))?.connection;
  const console = resolveConsole(parsed?.console, resolving);
  const control = meeting === undefined ? undefined : resolveControl(parsed?.control, meeting, resolving, machine);
  if (parsed === undefined || sources.some(({ problems }) => problems.length > 0)) throw invalid(sources);
  if (control === undefined || !clusters.has(selected)) throw unknownCluster(selected, [...clusters.keys()]);
  const migrate = resolveMigrate(parsed.migrate);
  const { warnings } = resolving;
  return { file, directory, clusters, defaultCluster: selected, repositories, paths, migrate, control, console, warnings };
}

/** The entries of a map at the top of a file that nothing has checked. */
function entriesOf(value: unknown, key: string): readonly (readonly [name: string, value: unknown])[] {
  const map = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof map === 'object' && map !== null && !Array.isArray(map) ? Object.entries(map) : [];
}

function defaultCluster(source: YamlSource, entries: readonly (readonly [string, unknown])[]): string {
  const names = entries.map(([name]) => name);
  const stated = (source.value as { readonly default_cluster?: unknown } | null)?.default_cluster;
  if (typeof stated !== 'string') {
    const usual = names.includes(ONLY_CLUSTER) ? ONLY_CLUSTER : names[0];
    return usual ?? ONLY_CLUSTER;
  }
  if (!names.includes(stated)) source.add(['default_cluster'], `cluster "${stated}" is not defined${suggestion(stated, names)}`);
  return stated;
}

function resolveRepositories(resolving: Resolving, policies: YamlSource | undefined): ReadonlyMap<string, RepositoryConfig> {
  const repositories = new Map<string, RepositoryConfig>();
  const sources = policies === undefined ? [resolving.source] : [resolving.source, policies];
  if (policies !== undefined) checkShape(policies, repositoriesSchema.optional(), ['repositories']);
  for (const source of sources) {
    for (const [name, entry] of entriesOf(source.value, 'repositories')) {
      const at = ['repositories', name];
      if (repositories.has(name)) source.add(at, `repository "${name}" is defined in ${resolving.source.file} already`, true);
      const repository = repositorySchema.safeParse(entry, ONCE);
      if (repository.success) repositories.set(name, resolveRepository(name, repository.data, at, { ...resolving, source }));
    }
  }
  return repositories;
}

/** backups/policies.yaml when it has repositories of its own; whatever else it says is the schedule's to check. */
function policiesSource(file: string, machine: Machine): YamlSource | undefined {
  const found = machine.readText(file);
  if (found === undefined || !/^["']?repositories["']?\s*:/m.test(found.text)) return undefined;
  const source = new YamlSource(displayName(file, machine.cwd), found.text);
  source.fill(machine.env, (at) => at.length > 0 && at[0] !== 'repositories');
  return source;
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
    drillKey: file?.drill_key === undefined ? undefined : at(file.drill_key, ''),
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

/** The failure when `--cluster` names none of `known`. */
export function unknownCluster(name: string, known: readonly string[]): DbadminError {
  return new DbadminError('usage', `there is no cluster "${name}"${suggestion(name, known)}`, {
    detail: known.length === 0 ? 'The configuration names no cluster.' : `The configuration names ${known.join(', ')}.`,
    hint: 'Name one with --cluster, or add it under clusters in dbadmin.yaml.',
  });
}

/** The path as a person standing in `cwd` would write it. */
function displayName(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative.startsWith(`..${path.sep}..`) || relative === '' ? file : relative;
}

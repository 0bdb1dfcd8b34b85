import { DbadminError, isDbadminError } from '../base/errors.ts';
import { parseDuration } from '../base/durations.ts';
import { suggestion } from '../base/spelling.ts';
import type { YamlPath } from '../base/yaml-source.ts';
import type { ClusterConfig, ControlConfig } from './config.ts';
import { resolveConnection, type Machine, type ResolvedConnection, type StatedSettings } from './connection.ts';
import { parseConninfo } from './conninfo.ts';
import { secretAt, type Resolving } from './repositories.ts';
import type { ClusterFile, ConnectionFile, ControlFile } from './schema.ts';

/** The replication slot of `wal receive` unless the configuration names one. */
export const DEFAULT_SLOT = 'dbadmin';

/**
 * A cluster of the configuration with its connections resolved, or undefined when something in it is wrong (recorded as a
 * problem). With `url` that connection takes the place of the configured one, for queries and replication alike.
 */
export function resolveCluster(
  name: string,
  file: ClusterFile,
  repositories: ReadonlySet<string>,
  resolving: Resolving,
  machine: Machine,
  url?: string,
): ClusterConfig | undefined {
  const at: YamlPath = ['clusters', name];
  for (const [index, repository] of (file.repositories ?? []).entries()) {
    if (repositories.has(repository)) continue;
    resolving.source.add(
      [...at, 'repositories', index],
      `repository "${repository}" is not defined${suggestion(repository, repositories)}`,
    );
  }
  try {
    if (url !== undefined)
      return { name, ...connectionsOfUrl(url, machine, resolving.warnings), ...rest(file, repositories), production: false };
    const stated = statedConnection(file, at, resolving, machine.env['DATABASE_URL'], machine.cwd);
    const connection = resolveConnection(stated, machine);
    const reach = { stated, connection, resolving, machine, at };
    const replication = resolveOther(file, 'replication', reach);
    const reading = file.reading === undefined ? undefined : resolveOther(file, 'reading', reach);
    resolving.warnings.push(...connection.warnings);
    return { name, connection: connection.parameters, replication, reading, ...rest(file, repositories) };
  } catch (error) {
    if (!isDbadminError(error, 'config-invalid')) throw error;
    resolving.source.add(at, error.hint === undefined ? error.message : `${error.message}. ${error.hint}`, true);
    return undefined;
  }
}

function rest(file: ClusterFile, repositories: ReadonlySet<string>): Pick<ClusterConfig, 'repositories' | 'slot' | 'production'> {
  const production = file.production === true || file.production === 'true';
  // With nothing said, a cluster is backed up to every repository there is.
  return { repositories: file.repositories ?? [...repositories], slot: file.slot ?? DEFAULT_SLOT, production };
}

/** Where nothing is said about it. */
export const USUAL_CONTROL: Omit<ControlConfig, 'connection'> = { schema: 'dbadmin_jobs', heartbeatSeconds: 30, isStated: false };
const LEAST_HEARTBEAT_SECONDS = 10;

/** Where workers meet: the database of `control`, or that of the default cluster where it names none. */
export function resolveControl(
  file: ControlFile | undefined,
  usual: ClusterConfig['connection'],
  resolving: Resolving,
  machine: Machine,
): ControlConfig {
  const { schema = USUAL_CONTROL.schema, heartbeat, ...stated } = file ?? {};
  const heartbeatSeconds = heartbeat === undefined ? USUAL_CONTROL.heartbeatSeconds : Math.round(parseDuration(heartbeat) / 1000);
  if (heartbeatSeconds < LEAST_HEARTBEAT_SECONDS)
    resolving.source.add(['control', 'heartbeat'], `a heartbeat is ${LEAST_HEARTBEAT_SECONDS} s or longer`);
  const rest = { schema, heartbeatSeconds, isStated: file !== undefined };
  if (Object.keys(stated).length === 0) return { connection: usual, ...rest };
  try {
    const resolved = resolveConnection(statedConnection(stated, ['control'], resolving), machine);
    resolving.warnings.push(...resolved.warnings);
    return { connection: resolved.parameters, ...rest };
  } catch (error) {
    if (!isDbadminError(error, 'config-invalid')) throw error;
    resolving.source.add(['control'], error.hint === undefined ? error.message : `${error.message}. ${error.hint}`, true);
    return { connection: usual, ...rest };
  }
}

/** Both connections of a cluster that is known by its URL alone. */
export function connectionsOfUrl(
  url: string | undefined,
  machine: Machine,
  warnings: string[],
): Pick<ClusterConfig, 'connection' | 'replication'> {
  const stated: readonly StatedSettings[] = url === undefined ? [] : [{ settings: parseConninfo(url), directory: machine.cwd }];
  const connection = resolveConnection(stated, machine);
  warnings.push(...connection.warnings);
  const replication = resolveConnection(stated, machine, true);
  return { connection: connection.parameters, replication: withPasswordOf(replication, connection) };
}

interface Reach {
  readonly stated: readonly StatedSettings[];
  readonly connection: ResolvedConnection;
  readonly resolving: Resolving;
  readonly machine: Machine;
  readonly at: YamlPath;
}

/** A connection to the same cluster for something else: what it says of its own, over what the ordinary one says. */
function resolveOther(
  file: ClusterFile,
  key: 'replication' | 'reading',
  { stated, connection, resolving, machine, at }: Reach,
): ClusterConfig['connection'] {
  const stating = file[key];
  const own = stating === undefined ? [] : statedConnection(stating, [...at, key], resolving);
  // Another user has another password: that of the ordinary one is not tried on it.
  const otherUser = own.some(({ settings }) => settings['user'] !== undefined && settings['user'] !== connection.parameters.user);
  const below = otherUser ? stated.map(withoutPassword) : stated;
  const lacksPassword = !own.some(({ password, settings }) => password !== undefined || settings['password'] !== undefined);
  const env = otherUser && lacksPassword ? { ...machine.env, PGPASSWORD: undefined } : machine.env;
  // A database that nobody names is called as the user, and that is the ordinary one.
  const last: StatedSettings = { settings: { dbname: connection.parameters.database }, directory: resolving.directory };
  const layers = [...own, ...below, ...(key === 'reading' ? [last] : [])];
  const resolved = resolveConnection(layers, { ...machine, env }, key === 'replication');
  return withPasswordOf(resolved, connection);
}

function withoutPassword(stated: StatedSettings): StatedSettings {
  const { password: _secret, ...settings } = stated.settings;
  return { settings, directory: stated.directory };
}

/** A password file usually names the database only; the same login is good for replication too. */
function withPasswordOf(replication: ResolvedConnection, connection: ResolvedConnection): ClusterConfig['replication'] {
  const { parameters } = replication;
  const sameLogin = parameters.user === connection.parameters.user;
  return parameters.password === undefined && sameLogin ? { ...parameters, password: connection.parameters.password } : parameters;
}

/** What the file says about a connection, as libpq's keywords. Keys beside a URL override its parts. */
function statedConnection(
  file: ConnectionFile,
  at: YamlPath,
  resolving: Resolving,
  databaseUrl?: string,
  cwd?: string,
): readonly StatedSettings[] {
  const { directory } = resolving;
  const settings: Record<string, string> = {};
  const put = (keyword: string, value: string | number | undefined): void => {
    if (value !== undefined) settings[keyword] = String(value);
  };
  put('service', file.service);
  put('host', file.host);
  put('port', file.port);
  put('user', file.user);
  put('dbname', file.database);
  put('passfile', file.passfile);
  put('sslmode', file.sslmode);
  put('sslrootcert', file.sslrootcert);
  put('sslcert', file.sslcert);
  put('sslkey', file.sslkey);
  put('target_session_attrs', file.target_session_attrs);
  if (file.connect_timeout !== undefined) put('connect_timeout', parseDuration(file.connect_timeout) / 1000);
  const password = file.password === undefined ? undefined : secretAt(file.password, [...at, 'password'], resolving);
  const layers: StatedSettings[] = [{ settings, password, directory }];
  if (file.url !== undefined) {
    warnOfWrittenPassword([...at, 'url'], resolving);
    layers.push({ settings: readUrl(file.url, [...at, 'url'], resolving), directory });
  } else if (databaseUrl !== undefined && databaseUrl !== '' && file.service === undefined && file.host === undefined) {
    layers.push({ settings: parseConninfo(databaseUrl), directory: cwd ?? directory });
  }
  return layers;
}

function readUrl(url: string, at: YamlPath, resolving: Resolving): StatedSettings['settings'] {
  try {
    return parseConninfo(url);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    resolving.source.add(at, error.hint === undefined ? error.message : `${error.message}. ${error.hint}`);
    return {};
  }
}

function warnOfWrittenPassword(at: YamlPath, { source, warnings }: Resolving): void {
  if (!/:\/\/[^@/]*:(?!\$\{)[^@/]+@/.test(source.written(at) ?? '')) return;
  warnings.push(`${source.place(at)}: the URL holds a password; better leave it out and use PGPASSWORD, ~/.pgpass or "\${NAME}"`);
}

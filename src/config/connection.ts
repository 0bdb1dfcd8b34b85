import path from 'node:path';
import { DbadminError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { shellWord } from '../base/shell-word.ts';
import {
  SESSION_ATTRIBUTES,
  SSL_MODES,
  type ConnectionParameters,
  type HostAddress,
  type SessionAttribute,
  type SslMode,
} from '../postgres/parameters.ts';
import type { ConninfoSettings } from './conninfo.ts';
import { findPassword } from './password-file.ts';
import { findService } from './service-file.ts';

/** What resolving a connection may ask of the machine. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of the environment start. */
  readonly cwd: string;
  readonly homeDirectory: string;
  readonly userName: string;
  /** Text and permission bits of a file, or undefined when it is not there. */
  readText(file: string): { readonly text: string; readonly mode: number } | undefined;
  exists(file: string): boolean;
}

/** Settings stated in one place, by libpq's keywords, with the directory that their relative paths start from. */
export interface StatedSettings {
  readonly settings: ConninfoSettings;
  readonly password?: Secret | undefined;
  readonly directory: string;
}

export interface ResolvedConnection {
  readonly parameters: ConnectionParameters;
  /** Sentences about what was ignored and why. */
  readonly warnings: readonly string[];
}

const VARIABLES: Readonly<Record<string, string>> = {
  PGHOST: 'host',
  PGHOSTADDR: 'hostaddr',
  PGPORT: 'port',
  PGUSER: 'user',
  PGDATABASE: 'dbname',
  PGPASSWORD: 'password',
  PGPASSFILE: 'passfile',
  PGSSLMODE: 'sslmode',
  PGSSLROOTCERT: 'sslrootcert',
  PGSSLCERT: 'sslcert',
  PGSSLKEY: 'sslkey',
  PGCONNECT_TIMEOUT: 'connect_timeout',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
  PGAPPNAME: 'application_name',
};

const PATH_KEYWORDS: ReadonlySet<string> = new Set(['passfile', 'sslrootcert', 'sslcert', 'sslkey']);
const SOCKET_DIRECTORIES = ['/var/run/postgresql', '/tmp'] as const;
const DEFAULT_PORT = 5432;
const DEFAULT_CONNECT_TIMEOUT_SECONDS = 10;
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The whole connection that `stated` (first wins), the service file, the environment, the password file and libpq's
 * defaults give together, in that order of precedence.
 *
 * One default differs from libpq: without an sslmode, TCP to anything but this machine is `verify-full`. libpq's `prefer`
 * would send the password, or take orders, from whoever answers. Sockets and loopback keep `prefer`.
 *
 * @throws {DbadminError} `config-invalid` for a value that cannot be meant.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
export function resolveConnection(stated: readonly StatedSettings[], machine: Machine, physical = false): ResolvedConnection {
  const warnings: string[] = [];
  const layers = [...stated];
  const service = pick(layers, 'service') ?? machine.env['PGSERVICE'];
  if (service !== undefined && service !== '') layers.push(readService(service, machine));
  layers.push(environmentSettings(machine));

  const user = pick(layers, 'user') ?? machine.userName;
  const database = pick(layers, 'dbname') ?? user;
  const hosts = resolveHosts(pick(layers, 'host'), pick(layers, 'hostaddr'), pick(layers, 'port'), machine);
  for (const keyword of ['channel_binding', 'gssencmode']) {
    if (pick(layers, keyword) === 'require')
      warnings.push(`${keyword}=require is not enforced by dbadmin: sslmode=verify-full protects instead`);
  }
  const sslRootCert = pick(layers, 'sslrootcert') ?? existing(machine, 'root.crt');
  const usesSystemRoots = sslRootCert !== undefined && path.basename(sslRootCert) === 'system';
  const sslMode = readSslMode(pick(layers, 'sslmode'), usesSystemRoots, hosts);
  const password =
    pickPassword(layers) ?? passwordFromFile(layers, { hosts, user, database: physical ? 'replication' : database }, machine, warnings);
  const parameters: ConnectionParameters = {
    hosts,
    user,
    database,
    password,
    sslMode,
    sslRootCert: usesSystemRoots ? undefined : sslRootCert,
    ...clientCertificate(layers, machine),
    targetSessionAttrs: readSessionAttribute(pick(layers, 'target_session_attrs')),
    connectTimeoutMs: readTimeout(pick(layers, 'connect_timeout')),
    applicationName: pick(layers, 'application_name') ?? 'dbadmin',
  };
  return { parameters, warnings };
}

/** Whether the environment says anything about where a database is. */
export function environmentNamesDatabase(env: Machine['env']): boolean {
  return ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGUSER', 'PGDATABASE', 'PGSERVICE'].some((name) => (env[name] ?? '') !== '');
}

/** The first non-empty value of a keyword; relative paths made absolute from where they were stated. */
function pick(layers: readonly StatedSettings[], keyword: string): string | undefined {
  for (const { settings, directory } of layers) {
    const value = settings[keyword];
    if (value === undefined || value === '') continue;
    return PATH_KEYWORDS.has(keyword) && value !== 'system' ? path.resolve(directory, value) : value;
  }
  return undefined;
}

function pickPassword(layers: readonly StatedSettings[]): Secret | undefined {
  for (const { settings, password } of layers) {
    if (password !== undefined) return password;
    const text = settings['password'];
    if (text !== undefined && text !== '') return new Secret(text);
  }
  return undefined;
}

function environmentSettings(machine: Machine): StatedSettings {
  const entries = Object.entries(VARIABLES).flatMap(([variable, keyword]): [string, string][] => {
    const value = machine.env[variable];
    return value === undefined ? [] : [[keyword, value]];
  });
  return { settings: Object.fromEntries(entries), directory: machine.cwd };
}

function readService(name: string, machine: Machine): StatedSettings {
  const own = machine.env['PGSERVICEFILE'] ?? path.join(machine.homeDirectory, '.pg_service.conf');
  const common = path.join(machine.env['PGSYSCONFDIR'] ?? '/etc/postgresql-common', 'pg_service.conf');
  for (const file of [own, common]) {
    const found = machine.readText(file);
    const settings = found === undefined ? undefined : findService(found.text, name, file);
    if (settings !== undefined) return { settings, directory: machine.cwd };
  }
  throw new DbadminError('config-invalid', `service "${name}" is not defined in ${own} or ${common}`);
}

function resolveHosts(
  host: string | undefined,
  address: string | undefined,
  port: string | undefined,
  machine: Machine,
): readonly HostAddress[] {
  if (host !== undefined && address !== undefined) {
    throw new DbadminError('config-invalid', 'host and hostaddr cannot be given together: dbadmin looks the host up itself');
  }
  const ports = (port ?? '').split(',').map(readPort);
  const names = (host ?? address ?? '').split(',');
  if (ports.length > 1 && ports.length !== names.length) {
    throw new DbadminError('config-invalid', `${ports.length} ports for ${names.length} hosts`);
  }
  return names.map((name, index) => {
    const at = (ports.length === 1 ? ports[0] : ports[index]) ?? DEFAULT_PORT;
    return { host: name === '' ? defaultHost(at, machine) : name, port: at };
  });
}

function readPort(text: string): number {
  const port = text === '' ? DEFAULT_PORT : Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new DbadminError('config-invalid', `port ${text} is not between 1 and 65535`);
  return port;
}

/** As libpq: the socket directory the server was built with, which differs by distribution, so the one that has our port. */
function defaultHost(port: number, machine: Machine): string {
  return SOCKET_DIRECTORIES.find((directory) => machine.exists(`${directory}/.s.PGSQL.${port}`)) ?? 'localhost';
}

/** Whether nothing between us and the server can listen in: a socket, or an address of this machine's loopback. */
export function isLocal(host: string): boolean {
  return host.startsWith('/') || host.startsWith('@') || host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

function readSslMode(text: string | undefined, usesSystemRoots: boolean, hosts: readonly HostAddress[]): SslMode {
  if (text === undefined) return usesSystemRoots || hosts.some(({ host }) => !isLocal(host)) ? 'verify-full' : 'prefer';
  const mode = SSL_MODES.find((known) => known === text);
  if (mode === undefined) throw new DbadminError('config-invalid', `sslmode "${text}" is none of ${SSL_MODES.join(', ')}`);
  if (usesSystemRoots && mode !== 'verify-full') {
    throw new DbadminError('config-invalid', `sslrootcert=system needs sslmode verify-full, not ${mode}`);
  }
  return mode;
}

function readSessionAttribute(text: string | undefined): SessionAttribute {
  const attribute = SESSION_ATTRIBUTES.find((known) => known === (text ?? 'any'));
  if (attribute === undefined) {
    throw new DbadminError('config-invalid', `target_session_attrs "${text ?? ''}" is none of ${SESSION_ATTRIBUTES.join(', ')}`);
  }
  return attribute;
}

/** Seconds, as libpq has it; 0 and below wait without limit. */
function readTimeout(text: string | undefined): number {
  const seconds = Number(text ?? DEFAULT_CONNECT_TIMEOUT_SECONDS);
  if (!Number.isFinite(seconds)) throw new DbadminError('config-invalid', `connect_timeout "${text ?? ''}" is not a number of seconds`);
  return seconds <= 0 ? LONGEST_TIMEOUT_MS : Math.min(LONGEST_TIMEOUT_MS, Math.round(seconds * 1000));
}

function clientCertificate(layers: readonly StatedSettings[], machine: Machine): Pick<ConnectionParameters, 'sslCert' | 'sslKey'> {
  const sslCert = pick(layers, 'sslcert') ?? existing(machine, 'postgresql.crt');
  const sslKey = pick(layers, 'sslkey') ?? (sslCert === undefined ? undefined : existing(machine, 'postgresql.key'));
  if ((sslCert === undefined) !== (sslKey === undefined)) {
    throw new DbadminError(
      'config-invalid',
      `${sslCert === undefined ? 'sslkey' : 'sslcert'} needs ${sslCert === undefined ? 'sslcert' : 'sslkey'} beside it`,
    );
  }
  return { sslCert, sslKey };
}

function existing(machine: Machine, name: string): string | undefined {
  const file = path.join(machine.homeDirectory, '.postgresql', name);
  return machine.exists(file) ? file : undefined;
}

interface Wanted {
  readonly hosts: readonly HostAddress[];
  readonly user: string;
  readonly database: string;
}

function passwordFromFile(layers: readonly StatedSettings[], wanted: Wanted, machine: Machine, warnings: string[]): Secret | undefined {
  const file = pick(layers, 'passfile') ?? path.join(machine.homeDirectory, '.pgpass');
  const found = machine.readText(file);
  if (found === undefined) return undefined;
  if ((found.mode & 0o077) !== 0) {
    warnings.push(`password file ${file} has group or world access and is ignored; make it private: chmod 600 ${shellWord(file)}`);
    return undefined;
  }
  for (const { host, port } of wanted.hosts) {
    const socket = host.startsWith('/') ? SOCKET_DIRECTORIES.find((directory) => directory === host) : undefined;
    const password = findPassword(found.text, { host, port, database: wanted.database, user: wanted.user }, socket);
    if (password !== undefined) return new Secret(password);
  }
  return undefined;
}

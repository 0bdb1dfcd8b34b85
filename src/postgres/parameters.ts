import type { Secret } from '../base/secret.ts';

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export const SESSION_ATTRIBUTES = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const;
export type SessionAttribute = (typeof SESSION_ATTRIBUTES)[number];

/** One place where the server may listen. `host` is a name, an address, or the directory of a Unix socket (begins with `/`). */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Everything needed to reach one database of one cluster, resolved from configuration, URL, environment and `.pgpass`
 * as libpq has them. `hosts` is never empty and is tried in order.
 *
 * @see https://www.postgresql.org/docs/current/libpq-connect.html
 */
export interface ConnectionParameters {
  readonly hosts: readonly HostAddress[];
  readonly user: string;
  readonly database: string;
  readonly password: Secret | undefined;
  readonly sslMode: SslMode;
  /** Path of the PEM file with the trusted authorities, or undefined for the public ones: of Node.js here, of the system in libpq's programs. */
  readonly sslRootCert: string | undefined;
  /** Paths of the client certificate and its key, both or neither. */
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  readonly targetSessionAttrs: SessionAttribute;
  readonly connectTimeoutMs: number;
  readonly applicationName: string;
  /** Its transactions cannot write unless one asks to; for those who only look. */
  readonly isReadOnly?: boolean;
}

/**
 * After so long without a word the system asks whether the other side is there, each second and ten times. A server that is silent because
 * it works, or waits, need not answer: its system does. The system's own time is two hours, and of a host that lost its power, or a firewall
 * that forgot the connection, nobody tells whoever only waits for an answer.
 *
 * No shorter: a network that is cut for less is outlived by a connection that was spoken on just before, and what waits for an answer so
 * long may have read for hours. One that was silent before is asked once in that time, and is lost when just then nothing passes for ten seconds.
 */
export const KEEP_ALIVE_DELAY_MS = 300_000;

/** Whether a server's certificate is checked with the public authorities, as libpq's `sslrootcert=system`. */
export function usesSystemRoots({ sslMode, sslRootCert, hosts }: ConnectionParameters): boolean {
  return sslMode === 'verify-full' && sslRootCert === undefined && hosts.some(({ host }) => !host.startsWith('/'));
}

/** Where the parameters lead, for messages: `app at db.example.org:5432`. Never holds the password. */
export function describeParameters(parameters: ConnectionParameters): string {
  const hosts = parameters.hosts.map(({ host, port }) => (host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`));
  return `${parameters.database} at ${hosts.join(', ')}`;
}

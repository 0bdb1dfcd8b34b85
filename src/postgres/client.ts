import { connect } from 'node:net';
import postgres from 'postgres';
import { DbadminError } from '../base/errors.ts';
import { connectionError } from './connection-error.ts';
import type { ConnectionParameters } from './parameters.ts';
import { allowsClearText, tlsOptions } from './tls.ts';

export interface ClientOptions {
  /** Connections at most; 1 unless given. */
  readonly max?: number;
  /** Gets NOTICE and WARNING messages; `code` is the SQLSTATE. */
  readonly onNotice?: (notice: {
    readonly severity: string;
    readonly code: string;
    readonly message: string;
    readonly detail: string | undefined;
  }) => void;
  readonly applicationName?: string;
  /**
   * False where short transactions call many large statements: compiling each costs the server a second where it is built with JIT,
   * twenty times what the work takes. Of a single connection.
   */
  readonly jit?: false;
  /**
   * For COPY: its last bytes are sent at once, where TCP would keep them until the server acknowledged those before, which takes 40 ms.
   * Only where there is one host.
   */
  readonly noDelay?: true;
}

/**
 * A client for ordinary SQL, connected and proven by one query. Close it with `end()`.
 *
 * bigint columns come as text. Nothing is prepared by name, so that it works wherever a session does.
 *
 * @throws {DbadminError} `connection-failed`, or `credentials-wrong` when the server refused the password.
 */
export async function openClient(parameters: ConnectionParameters, options: ClientOptions = {}): Promise<postgres.Sql> {
  const first = parameters.hosts[0];
  if (first === undefined) throw new DbadminError('connection-failed', 'no host to connect to');
  const tls = tlsOptions(parameters, first.host);
  const isSocket = first.host.startsWith('/');
  const settings: postgres.Options<Record<string, postgres.PostgresType>> = {
    ...(isSocket
      ? { path: `${first.host}/.s.PGSQL.${first.port}` }
      : // The library takes arrays here; its outer type has not heard of it.
        {
          host: parameters.hosts.map(({ host }) => host) as unknown as string,
          port: parameters.hosts.map(({ port }) => port) as unknown as number,
        }),
    user: parameters.user,
    database: parameters.database,
    ...(parameters.password === undefined ? {} : { password: parameters.password.reveal() }),
    ...(options.noDelay === true && !isSocket && parameters.hosts.length === 1 ? undelayed(first) : {}),
    ssl: tls === undefined ? false : allowsClearText(parameters) ? ('prefer' as const) : tls,
    ...(parameters.targetSessionAttrs === 'any' ? {} : { target_session_attrs: parameters.targetSessionAttrs }),
    connect_timeout: Math.max(1, Math.round(parameters.connectTimeoutMs / 1000)),
    max: options.max ?? 1,
    prepare: false,
    fetch_types: false,
    backoff: false,
    connection: {
      application_name: options.applicationName ?? parameters.applicationName,
      ...(parameters.isReadOnly === true ? { default_transaction_read_only: true } : {}),
    },
    onnotice: (notice: postgres.Notice) =>
      options.onNotice?.({
        severity: notice['severity'] ?? 'NOTICE',
        code: notice['code'] ?? '00000',
        message: notice['message'] ?? '',
        detail: notice['detail'],
      }),
  };
  const sql = postgres(settings);
  try {
    await (options.jit === false ? sql`set jit = off` : sql`select 1`);
  } catch (error) {
    await sql.end({ timeout: 1 }).catch(() => undefined);
    throw connectionError(parameters, error);
  }
  return sql;
}

/**
 * The option of postgres 3.4, which its types have not, that gives it a socket without Nagle's algorithm: one that is connecting will do.
 *
 * @see https://www.rfc-editor.org/rfc/rfc896
 */
export function undelayed({ host, port }: { readonly host: string; readonly port: number }): object {
  return { socket: () => connect({ host, port, noDelay: true }) };
}

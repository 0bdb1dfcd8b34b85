import postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { describeParameters, type ConnectionParameters } from './parameters.ts';
import { allowsClearText, tlsFailureHint, tlsOptions } from './tls.ts';

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

/** The failure to connect, as ours: which server, what it said and what to do. */
export function connectionError(parameters: ConnectionParameters, error: unknown): DbadminError {
  const code = systemCodeOf(error);
  const detail = messageOf(error) === '' ? code : messageOf(error);
  if (code === '28P01' || code === '28000') {
    return new DbadminError('credentials-wrong', `the server refused user ${parameters.user}`, {
      detail,
      hint:
        code === '28P01'
          ? 'Check the password: it is read from the configuration, PGPASSWORD, or the password file (PGPASSFILE, ~/.pgpass).'
          : "Check the user name and the server's pg_hba.conf.",
      cause: error,
    });
  }
  if (code === '3D000') {
    return new DbadminError('connection-failed', `database ${parameters.database} does not exist`, {
      detail,
      hint: 'Create it first: CREATE DATABASE, or name another with --url.',
      cause: error,
    });
  }
  return new DbadminError('connection-failed', `cannot connect to ${describeParameters(parameters)}`, {
    detail,
    hint: tlsFailureHint(parameters, error) ?? 'Check that the server runs and listens there, and that nothing between blocks the port.',
    cause: error,
  });
}

import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { Client, type ClientConfig } from 'pg';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { PooledSource, StreamSource, type ByteSource } from './byte-source.ts';
import { startupMessage } from './messages.ts';
import { describeParameters, KEEP_ALIVE_DELAY_MS, type ConnectionParameters, type HostAddress } from './parameters.ts';
import { replicationRefusal } from './replication-refusal.ts';
import { tlsOptions } from './tls.ts';
import { Wire } from './wire.ts';

/** A replication connection that is logged in, and what the server said of itself on the way. */
export interface Login {
  readonly wire: Wire;
  readonly parameterStatus: ReadonlyMap<string, string>;
  readonly encrypted: boolean;
  /** Whom it is logged in to. */
  readonly address: HostAddress;
  /** The process of the server that serves it, as it says itself; undefined where a pooler says none. */
  readonly serverPid: number | undefined;
}

/** What `pg`'s client has and its types do not tell. */
interface ClientInside {
  readonly processID: number | null;
  readonly connection: {
    readonly stream: Duplex;
    startup: (parameters: Readonly<Record<string, string>>) => void;
    on(event: 'parameterStatus', listener: (message: { readonly parameterName: string; readonly parameterValue: string }) => void): void;
  };
}

/** An attempt with or without TLS that failed. */
class LoginFailure extends Error {
  readonly encrypted: boolean;
  readonly failure: unknown;

  constructor(encrypted: boolean, failure: unknown) {
    super(messageOf(failure), { cause: failure });
    this.encrypted = encrypted;
    this.failure = failure;
  }
}

/**
 * Logs in to one host for physical replication, with TLS as `sslMode` has it.
 *
 * @throws {DbadminError} as {@link replicationRefusal} says.
 */
export async function logIn(
  parameters: ConnectionParameters,
  address: HostAddress,
  applicationName: string,
  signal: AbortSignal | undefined,
): Promise<Login> {
  const here = { ...parameters, hosts: [address] };
  const tls = tlsOptions(parameters, address.host);
  const attempts: readonly (ConnectionOptions | undefined)[] =
    tls === undefined
      ? [undefined]
      : parameters.sslMode === 'prefer'
        ? [tls, undefined]
        : parameters.sslMode === 'allow'
          ? [undefined, tls]
          : [tls];
  let failure: LoginFailure | undefined;
  for (const attempt of attempts) {
    try {
      return await tryUntimed(here, address, applicationName, attempt, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof LoginFailure)) throw error;
      // The second way's refusal says more only when the first was not even asked for a password, as where the server has no TLS.
      if (failure === undefined || systemCodeOf(error.failure) !== undefined || isWithoutTls(failure)) failure = error;
      if (!canOtherWayHelp(error)) break;
    }
  }
  throw replicationRefusal(here, failure?.failure, failure?.encrypted ?? false);
}

function isWithoutTls({ failure }: LoginFailure): boolean {
  return messageOf(failure).includes('does not support SSL');
}

/** As libpq: the other way is tried when TLS failed, or when pg_hba.conf has no line for this one. */
function canOtherWayHelp(error: LoginFailure): boolean {
  const code = systemCodeOf(error.failure);
  if (code === '28000') return true;
  return error.encrypted && code !== '28P01' && code !== 'ECONNREFUSED' && code !== 'ENOTFOUND' && code !== 'ETIMEDOUT';
}

/**
 * A connection that waits, as while another's lease is watched or a parent's manifest is read, is an idle session to the server, and only
 * the start of the connection can say that it may be one: nothing is SET on it later. In return the server asks the network whether
 * the client is still there: of one that vanished it would keep the WAL sender for as long as the system's default has it, two hours.
 */
const UNTIMED = '-c idle_session_timeout=0 -c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=6';

/**
 * Names of files are bytes, and so are texts of a server whose locale is not UTF-8. A WAL sender is in no database and converts nothing,
 * but to a client that wants UTF8 it sends no text that is not: it gives up what it is doing, as a base backup where it only warns of
 * a file. In this encoding it sends whatever there is.
 */
const UNCONVERTED = { client_encoding: 'SQL_ASCII' } as const;

/** Who does not take the option, a pooler or a server of before 14, is asked without. */
async function tryUntimed(...[parameters, address, applicationName, tls, signal]: LoginArguments): Promise<Login> {
  try {
    return await tryLogIn(parameters, address, applicationName, tls, signal, UNTIMED);
  } catch (error) {
    if (!(error instanceof LoginFailure) || !isOptionRefused(error.failure)) throw error;
    return await tryLogIn(parameters, address, applicationName, tls, signal, undefined);
  }
}

function isOptionRefused(error: unknown): boolean {
  const code = systemCodeOf(error);
  // protocol_violation and undefined_object.
  return (code === '08P01' && /startup parameter/.test(messageOf(error))) || code === '42704';
}

type LoginArguments = [
  parameters: ConnectionParameters,
  address: HostAddress,
  applicationName: string,
  tls: ConnectionOptions | undefined,
  signal: AbortSignal | undefined,
];

async function tryLogIn(
  ...[parameters, address, applicationName, tls, signal, options]: [...LoginArguments, string | undefined]
): Promise<Login> {
  signal?.throwIfAborted();
  const lost = (cause: Error | undefined): Error =>
    new DbadminError('connection-failed', `the connection to ${describeParameters(parameters)} was lost`, {
      detail: cause?.message ?? 'The server closed it.',
      hint: "See the server's log for why.",
      cause,
    });
  const pooled = tls === undefined ? new PooledSource(lost) : undefined;
  const socket = pooled?.socket ?? new net.Socket();
  const config: ClientConfig & { readonly replication: string } = {
    host: address.host,
    port: address.port,
    user: parameters.user,
    database: parameters.database,
    // A function, lest the library look for a password file of its own.
    password: () => parameters.password?.reveal() ?? '',
    ssl: tls ?? false,
    enableChannelBinding: true,
    replication: 'true',
    ...(options === undefined ? {} : { options }),
    application_name: applicationName,
    connectionTimeoutMillis: parameters.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    stream: () => socket,
  };
  const client = new Client(config);
  // For ever: the library reports the end of the socket it lent us as an error, and one without a listener ends the process.
  client.on('error', () => undefined);
  const inside = client as unknown as ClientInside;
  // The library's own message asks for UTF8, and what comes last in it counts.
  inside.connection.startup = (startup) => void inside.connection.stream.write(startupMessage({ ...startup, ...UNCONVERTED }));
  const parameterStatus = new Map<string, string>();
  inside.connection.on('parameterStatus', (message) => parameterStatus.set(message.parameterName, message.parameterValue));
  const onAbort = (): void => void socket.destroy(new Error('interrupted'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await client.connect();
  } catch (error) {
    socket.destroy();
    throw new LoginFailure(tls !== undefined, error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  const { stream } = inside.connection;
  const serverPid = inside.processID ?? undefined;
  return { wire: new Wire(stream, takeOver(stream, pooled, lost)), parameterStatus, encrypted: tls !== undefined, address, serverPid };
}

/** Takes the socket from the library: no listener of its parser stays, and the next byte is ours. */
function takeOver(stream: Duplex, pooled: PooledSource | undefined, lost: (cause: Error | undefined) => Error): ByteSource {
  stream.removeAllListeners('data');
  if (pooled === undefined) return new StreamSource(stream, lost);
  pooled.takeOver();
  return pooled;
}

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { formatDuration } from '../base/durations.ts';
import { parseBytea } from './bytea.ts';
import { connectionError } from './connection-error.ts';
import { connectToWanted, type Standing } from './host-choice.ts';
import type { ConnectionParameters, HostAddress } from './parameters.ts';
import { isStartRefused } from './start-refusal.ts';
import { allowsClearText, tlsOptions } from './tls.ts';

const ATTRIBUTE_VARIABLE = 'PGTARGETSESSIONATTRS';

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
  /** Settings of its sessions from their start on: those of the database and the role do not count against them. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * For SQL that is not dbadmin's own: it runs with the search_path that the server, the database or the role is set to. Without it names
   * that have no schema are those of the catalog alone.
   */
  readonly path?: 'own';
  /**
   * False where short transactions call many large statements: compiling each costs the server a second where it is built with JIT,
   * twenty times what the work takes. Of a single connection.
   */
  readonly jit?: false;
  /**
   * For COPY: its last bytes are sent at once, where TCP would keep them until the server acknowledged those before, which takes 40 ms.
   */
  readonly noDelay?: true;
}

/**
 * A client for ordinary SQL, connected to the first host that answers and is what `targetSessionAttrs` asks for, and proven by one
 * query. It stays with that host. Close it with `end()`.
 *
 * Names without a schema are those of the catalog, unless `path` says otherwise. bigint columns come as text. Nothing is prepared by name, so that it works wherever a session does.
 *
 * @throws {DbadminError} `connection-failed`, or `credentials-wrong` when the server refused the password.
 */
export async function openClient(parameters: ConnectionParameters, options: ClientOptions = {}): Promise<postgres.Sql> {
  return await connectToWanted<postgres.Sql>(parameters, {
    connect: async (address) => await connectTo({ ...parameters, hosts: [address] }, address, options),
    standingOf: async (sql) => await standingOf(parameters, sql),
    close: async (sql) => await sql.end({ timeout: 1 }),
  });
}

/** The host that a client of {@link openClient} stays with. */
export function addressOf({ options }: postgres.Sql): HostAddress {
  const [host] = options.host;
  const [port] = options.port;
  if (host === undefined || port === undefined) throw new TypeError('the client was not made for a host');
  return { host, port };
}

/**
 * Whoever may make functions in a schema of the path, as every role may in public up to PostgreSQL 14, makes one that fits its arguments better
 * than that of the catalog, and it runs with the rights of whoever asks. Said at the start, this holds for each session that the client ever has,
 * and is no setting that a pooler would leave to the next. Two quotes, as the library sends no empty value.
 *
 * @see https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058
 */
const CATALOG_ALONE = { search_path: '""' } as const;

/**
 * Who does not take the setting, as PgBouncer, is asked without: what is set later would stay there for others. So is a database whose trigger on
 * login finds by the path what it names: with another path nobody would get in.
 */
async function connectTo(here: ConnectionParameters, address: HostAddress, options: ClientOptions): Promise<postgres.Sql> {
  try {
    if (options.path === 'own') return await tryConnect(here, address, options);
    return await tryConnect(here, address, { ...options, settings: { ...CATALOG_ALONE, ...options.settings } }).catch(
      async (error: unknown) => {
        if (!isStartRefused(error)) throw error;
        return await tryConnect(here, address, options);
      },
    );
  } catch (error) {
    throw connectionError(here, error);
  }
}

async function tryConnect(here: ConnectionParameters, address: HostAddress, options: ClientOptions): Promise<postgres.Sql> {
  const answered = new AbortController();
  const sockets = new Set<Socket>();
  const sql = createClient({
    ...settingsFor(here, address, options),
    ...tracked(sockets, address, options),
    onparameter: () => answered.abort(),
  });
  letGoAtEnd(sql, sockets);
  try {
    const proof = options.jit === false ? sql`set jit = off` : sql`select 1`;
    await Promise.race([proof, unanswered(here.connectTimeoutMs, answered.signal)]);
  } catch (error) {
    await sql.end({ timeout: 1 }).catch(() => undefined);
    throw error;
  } finally {
    answered.abort();
  }
  return sql;
}

/**
 * The option of postgres 3.4, which its types have not, that gives it a socket: one that is connecting will do. Each is kept in `sockets`
 * until it is closed; by itself, since the library takes all listeners off one that it does TLS over.
 */
function tracked(sockets: Set<Socket>, { host, port }: HostAddress, { noDelay }: ClientOptions): object {
  return {
    socket: async () => {
      // What fails at once, as where no route leads, is told on the next tick: behind all that goes on by promises, and the library listens by then.
      await Promise.resolve();
      for (const socket of sockets) if (socket.destroyed) sockets.delete(socket);
      const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect({ host, port, noDelay: noDelay === true });
      sockets.add(socket);
      // Where the library connects by itself it notes these there, and asks the server by that name when TLS begins.
      return Object.assign(socket, { host, port });
    },
  };
}

/** What is waited for the other side to close as well, once a client has been ended. */
const LAST_WORD_MS = 2000;

/**
 * The library ends its side of a connection and leaves the other to the server. Where the network is cut nobody answers, and the system
 * asks for a quarter of an hour, for which the process could not end.
 */
function letGoAtEnd(sql: postgres.Sql, sockets: ReadonlySet<Socket>): void {
  const end = sql.end.bind(sql);
  sql.end = async (options) => {
    try {
      await end(options);
    } finally {
      for (const socket of sockets) {
        if (socket.destroyed) continue;
        const timer = setTimeout(() => socket.destroy(), LAST_WORD_MS);
        socket.once('close', () => clearTimeout(timer));
      }
    }
  };
}

/** So much later than the library's own limit, whose error says more. */
const MARGIN_MS = 500;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Rejects when nothing speaks as a server does within the limit. The library (postgres 3.4) begins its own limit anew each time that a
 * connection is closed without a word, as by a proxy that has no server behind it, and tries again at once, for ever.
 */
async function unanswered(limitMs: number, answered: AbortSignal): Promise<never> {
  try {
    await sleep(Math.min(limitMs + MARGIN_MS, LONGEST_TIMER_MS), undefined, { signal: answered });
  } catch {
    return await new Promise<never>(() => undefined);
  }
  throw new Error(`connections were closed before a PostgreSQL server answered, for ${formatDuration(limitMs)}`);
}

async function standingOf(parameters: ConnectionParameters, sql: postgres.Sql): Promise<Standing> {
  try {
    const [row] = await sql<{ standby: boolean; only: string }[]>`
      select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as only`;
    const isStandby = row?.standby === true;
    // Where we asked for it ourselves the server's own answer is hidden.
    return { isStandby, isReadOnly: isStandby || (row?.only === 'on' && parameters.isReadOnly !== true) };
  } catch (error) {
    throw connectionError(parameters, error);
  }
}

const BYTEA_OID = 17;

/**
 * The library takes any bytea for hex, and `bytea_output` may be set to the other form for the server, the database or the role. That
 * is no setting to send when a session starts: poolers refuse those that they do not know.
 */
const BYTEA: postgres.PostgresType = {
  from: [BYTEA_OID],
  to: BYTEA_OID,
  parse: parseBytea,
  serialize: (bytes: Uint8Array) => `\\x${Buffer.from(bytes).toString('hex')}`,
};

type Settings = postgres.Options<Record<string, postgres.PostgresType>>;

/** What the library is not told it looks up in the environment, which is read elsewhere, and "any" is no word that it knows. */
function createClient(settings: Settings): postgres.Sql {
  const attribute = process.env[ATTRIBUTE_VARIABLE];
  delete process.env[ATTRIBUTE_VARIABLE];
  try {
    return postgres(settings);
  } finally {
    if (attribute !== undefined) process.env[ATTRIBUTE_VARIABLE] = attribute;
  }
}

function settingsFor(here: ConnectionParameters, { host, port }: HostAddress, options: ClientOptions): Settings {
  const tls = tlsOptions(here, host);
  return {
    // The library takes arrays here, and cuts addresses of IPv6 in text; its outer type has not heard of it.
    host: [host] as unknown as string,
    port: [port] as unknown as number,
    user: here.user,
    database: here.database,
    ...(here.password === undefined ? {} : { password: here.password.reveal() }),
    ssl: tls === undefined ? false : allowsClearText(here) ? ('prefer' as const) : tls,
    // Down: what stands for no limit is the longest timer there is, and Node fires a longer one at once.
    connect_timeout: Math.max(1, Math.floor(here.connectTimeoutMs / 1000)),
    max: options.max ?? 1,
    prepare: false,
    fetch_types: false,
    backoff: false,
    // Unless told otherwise it ends a connection after 30 to 60 minutes, between two statements, and opens another for the next:
    // what was set, locked or made in the session would be gone, and nobody told.
    max_lifetime: null,
    types: { bytea: BYTEA },
    connection: {
      application_name: options.applicationName ?? here.applicationName,
      ...options.settings,
      ...(here.isReadOnly === true ? { default_transaction_read_only: true } : {}),
    },
    onnotice: (notice: postgres.Notice) =>
      options.onNotice?.({
        severity: notice['severity'] ?? 'NOTICE',
        code: notice['code'] ?? '00000',
        message: notice['message'] ?? '',
        detail: notice['detail'],
      }),
  };
}

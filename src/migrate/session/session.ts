import type { Writable } from 'node:stream';
import pg, { type ClientConfig, type QueryResult } from 'pg';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { connectionError } from '../../postgres/connection-error.ts';
import { KEEP_ALIVE_DELAY_MS, type ConnectionParameters, type HostAddress } from '../../postgres/parameters.ts';
import { allowsClearText, tlsOptions } from '../../postgres/tls.ts';
import { createCopyQuery } from './copy-in.ts';

/** Anything that answers SQL. */
export interface Queryable {
  /** Rows of the last statement in `text`; several statements only without `values`. */
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/**
 * One connection that is never replaced by another: what a transaction, a setting or a session lock needs.
 *
 * It is `pg` and not the client that the rest of dbadmin uses: that one writes to a reserved connection after the server
 * closed it, which ends the process, and a migration is exactly where a server gets restarted.
 */
export interface Session extends Queryable {
  /** The command tag of the last statement, such as `COMMIT`. */
  command(text: string): Promise<string>;
  /** Runs `COPY … FROM stdin` and sends `data`, which ends with a newline. */
  copyIn(text: string, data: string): Promise<void>;
  /**
   * The same connection for a single statement that comes again and again: the server parses and plans it once. A migration may take
   * the prepared statement away (DEALLOCATE ALL); the failure then is one that {@link isForgotten} knows, and later calls do without.
   */
  readonly prepared: Queryable;
  /** Whether a transaction is open, failed or not. Known when everything sent is answered. */
  inTransaction(): boolean;
  /** The server process that the connection was told at its start. */
  readonly announcedPid: number | undefined;
  /** Why the connection is gone, or undefined while it stands. */
  lost(): Error | undefined;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly applicationName: string;
  readonly onNotice?: (severity: string, message: string) => void;
}

const PREPARED = 'dbadmin_prepared_';

/** Whether a statement failed because something took our prepared statement away. */
export function isForgotten(error: unknown): boolean {
  return systemCodeOf(error) === '26000' && messageOf(error).includes(PREPARED);
}

/**
 * Connects. The first host that answers is taken; with `targetSessionAttrs` of a primary, the first that is one.
 *
 * @throws {DbadminError} `connection-failed`, `credentials-wrong`.
 */
export async function openSession(parameters: ConnectionParameters, options: SessionOptions): Promise<Session> {
  let failure: unknown;
  for (const host of parameters.hosts) {
    try {
      const session = await connect(parameters, host, options);
      if (parameters.hosts.length === 1 || !wantsPrimary(parameters)) return session;
      const [row] = await session.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
      if (row?.standby !== true) return session;
      await session.close();
      failure = new Error(`${host.host}:${host.port} is a standby`);
    } catch (error) {
      failure = error;
    }
  }
  if (/client password must be/.test(messageOf(failure))) {
    throw new DbadminError('credentials-wrong', `the server wants a password for user ${parameters.user}`, {
      hint: 'Give one in the configuration, PGPASSWORD, or the password file (PGPASSFILE, ~/.pgpass).',
      cause: failure,
    });
  }
  throw connectionError(parameters, failure);
}

/** What is written in one turn of the loop goes out together: for each of five messages the kernel and the server would wake up. */
function gatherWrites(stream: Writable): () => void {
  let isGathering = false;
  return () => {
    if (isGathering) return;
    isGathering = true;
    stream.cork();
    process.nextTick(() => {
      isGathering = false;
      stream.uncork();
    });
  };
}

function wantsPrimary({ targetSessionAttrs }: ConnectionParameters): boolean {
  return targetSessionAttrs === 'primary' || targetSessionAttrs === 'read-write';
}

async function connect(parameters: ConnectionParameters, host: HostAddress, options: SessionOptions): Promise<Session> {
  const tls = tlsOptions(parameters, host.host);
  if (tls === undefined) return await connectWith(parameters, host, options, false);
  try {
    return await connectWith(parameters, host, options, tls);
  } catch (error) {
    if (!allowsClearText(parameters) || !/does not support SSL/.test(messageOf(error))) throw error;
    return await connectWith(parameters, host, options, false);
  }
}

async function connectWith(
  parameters: ConnectionParameters,
  { host, port }: HostAddress,
  options: SessionOptions,
  ssl: NonNullable<ClientConfig['ssl']>,
): Promise<Session> {
  // pg takes from the environment what it is not told; everything is told here.
  const client = new pg.Client({
    host,
    port,
    user: parameters.user,
    database: parameters.database,
    password: parameters.password?.reveal() ?? '',
    ssl,
    connectionTimeoutMillis: parameters.connectTimeoutMs,
    application_name: options.applicationName,
    ...(parameters.isReadOnly === true ? { options: '-c default_transaction_read_only=on' } : {}),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    // What is asked before an earlier answer came is sent at once: the server answers in turn, and nobody waits for the way there and back.
    pipeline: true,
  });
  let lost: Error | undefined;
  // Without a listener a connection that breaks while idle ends the process.
  client.on('error', (error: Error) => (lost ??= error));
  client.on('end', () => (lost ??= new Error('the connection ended')));
  client.on('notice', (notice) => options.onNotice?.(notice.severity ?? 'NOTICE', notice.message ?? ''));
  await client.connect();
  const gather = gatherWrites((client as unknown as { readonly connection: { readonly stream: Writable } }).connection.stream);
  const send = async (text: string, values?: readonly unknown[], name?: string): Promise<QueryResult> => {
    if (lost !== undefined) throw lost;
    gather();
    const query =
      values === undefined ? client.query(text) : client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
    const result = (await query) as QueryResult | QueryResult[];
    const last = Array.isArray(result) ? result.at(-1) : result;
    if (last === undefined) throw new DbadminError('internal', 'the server answered nothing');
    return last;
  };
  const prepared = new Map<string, string>();
  let prepares = true;
  const sendPrepared = async (text: string, values: readonly unknown[]): Promise<QueryResult> => {
    const name = prepared.get(text) ?? `${PREPARED}${prepared.size + 1}`;
    prepared.set(text, name);
    try {
      return await send(text, values, name);
    } catch (error) {
      if (isForgotten(error)) prepares = false;
      throw error;
    }
  };
  return {
    query: async <Row extends object>(text: string, values?: readonly unknown[]) => (await send(text, values)).rows as Row[],
    command: async (text) => (await send(text)).command,
    prepared: {
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (prepares ? await sendPrepared(text, values) : await send(text, values)).rows as Row[],
    },
    inTransaction: () =>
      ['T', 'E'].includes((client as unknown as { getTransactionStatus(): string | null }).getTransactionStatus() ?? 'I'),
    copyIn: async (text, data) => {
      if (lost !== undefined) throw lost;
      await new Promise<void>((resolve, reject) => {
        client.query(createCopyQuery(text, data, (error) => (error === undefined ? resolve() : reject(error))));
      });
    },
    announcedPid: (client as unknown as { readonly processID?: number | null }).processID ?? undefined,
    lost: () => lost,
    close: async () => {
      if (lost === undefined) await client.end().catch(() => undefined);
    },
  };
}

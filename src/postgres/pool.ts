import type { Duplex } from 'node:stream';
import pg from 'pg';
import { messageOf } from '../base/errors.ts';
import { connectionError } from './connection-error.ts';
import type { ConnectionParameters, HostAddress } from './parameters.ts';
import { isStartRefused } from './start-refusal.ts';
import { allowsClearText, tlsOptions } from './tls.ts';

/** Anything that answers SQL. */
export interface PoolQueries {
  /** Several statements only without `values`. */
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/**
 * Connections that are kept for a long time, through restarts of the server: one that breaks fails its own query and is
 * replaced by the next. A silent network is noticed, since no query waits longer than its timeout.
 *
 * It is `pg` and not the client of `openClient`, which ends the process when it writes to a connection that the server closed.
 */
export interface ConnectionPool extends PoolQueries {
  /** All of `work` on one connection and in one transaction, rolled back when it throws. */
  transaction<T>(work: (queries: PoolQueries) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly applicationName: string;
  readonly max: number;
  /** No answer for so long is a failure. */
  readonly queryTimeoutMs: number;
}

/** As openClient has it: a function that fits its arguments better than that of the catalog is not to be run. */
const CATALOG_ALONE = '-c search_path=';

/**
 * Connects to the first host that answers and, where a primary is asked for, is one.
 *
 * @throws {DbadminError} `connection-failed`, `credentials-wrong`.
 */
export async function openPool(parameters: ConnectionParameters, options: PoolOptions): Promise<ConnectionPool> {
  let failure: unknown;
  for (const host of parameters.hosts) {
    const tls = tlsOptions(parameters, host.host);
    for (const ssl of tls === undefined ? [false as const] : allowsClearText(parameters) ? [tls, false as const] : [tls]) {
      const found = await tryPool(parameters, host, options, ssl);
      if ('pool' in found) return pooled(found.pool);
      ({ failure } = found);
      if (!/does not support SSL/.test(messageOf(failure))) break;
    }
  }
  throw connectionError(parameters, failure);
}

type Found = { readonly pool: pg.Pool } | { readonly failure: unknown };
type Secured = pg.PoolConfig['ssl'] & (object | false);

/** Who does not take the path, as a pooler may, or a trigger on login, is asked without: what is set later would stay there for others. */
async function tryPool(parameters: ConnectionParameters, host: HostAddress, options: PoolOptions, ssl: Secured): Promise<Found> {
  const found = await tryOptions(parameters, poolConfig(parameters, host, options, ssl, CATALOG_ALONE));
  if ('pool' in found || !isStartRefused(found.failure)) return found;
  return await tryOptions(parameters, poolConfig(parameters, host, options, ssl, undefined));
}

async function tryOptions(parameters: ConnectionParameters, config: pg.PoolConfig): Promise<Found> {
  const pool = new pg.Pool(config);
  // An idle connection that breaks is taken out by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', letGo);
  let failure: unknown;
  try {
    const { rows } = await pool.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
    if (rows[0]?.standby !== true || !wantsPrimary(parameters)) return { pool };
    failure = new Error(`${config.host}:${config.port} is a standby`);
  } catch (error) {
    failure = error;
  }
  await pool.end();
  return { failure };
}

function wantsPrimary({ targetSessionAttrs }: ConnectionParameters): boolean {
  return targetSessionAttrs === 'primary' || targetSessionAttrs === 'read-write';
}

function poolConfig(
  parameters: ConnectionParameters,
  host: HostAddress,
  { applicationName, max, queryTimeoutMs }: PoolOptions,
  ssl: Secured,
  path: string | undefined,
): pg.PoolConfig {
  const settings = [
    ...(path === undefined ? [] : [path]),
    ...(parameters.isReadOnly === true ? ['-c default_transaction_read_only=on'] : []),
  ];
  return {
    host: host.host,
    port: host.port,
    user: parameters.user,
    database: parameters.database,
    // Without one the library would look for a password file by itself.
    password: parameters.password?.reveal() ?? '',
    ssl,
    max,
    application_name: applicationName,
    ...(settings.length === 0 ? {} : { options: settings.join(' ') }),
    connectionTimeoutMillis: Math.max(1000, parameters.connectTimeoutMs),
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    allowExitOnIdle: true,
    onConnect: fixDates,
  };
}

/**
 * The library knows dates in ISO 8601 alone, and gives null for others. Set when the connection is there: what poolers take at its start
 * differs, and the order of day and month, which this leaves, counts for no text that we send. What comes back is waited for,
 * though the library's types know of nothing.
 */
function fixDates(client: pg.ClientBase): unknown {
  return client.query('set datestyle = iso');
}

function nothing(): void {}

/** A server that is there takes note of the end at once. */
const LAST_WORD_MS = 2000;

/**
 * Where the network is cut nobody answers that a connection has ended, and the system asks for a quarter of an hour: so long
 * whoever closes the pool would wait, and the process could not end.
 */
function letGo(client: pg.PoolClient): void {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Duplex } }).connection;
  stream.once('finish', () => {
    const timer = setTimeout(() => stream.destroy(), LAST_WORD_MS);
    stream.once('close', () => clearTimeout(timer));
  });
}

function pooled(pool: pg.Pool): ConnectionPool {
  return {
    query: async (text, values) => await rowsOf(pool, text, values),
    transaction: async (work) => {
      const client = await pool.connect();
      // The pool listens only to those that nobody has. What breaks between two queries fails the next one.
      client.on('error', nothing);
      let failure: Error | undefined;
      try {
        await client.query('begin');
        const result = await work({ query: async (text, values) => await rowsOf(client, text, values) });
        await client.query('commit');
        return result;
      } catch (error) {
        // A connection in an unknown state is not given to anybody again.
        failure = await client.query('rollback').then(
          () => undefined,
          (lost: unknown) => (lost instanceof Error ? lost : new Error(String(lost))),
        );
        throw error;
      } finally {
        client.off('error', nothing);
        client.release(failure);
      }
    },
    close: async () => await pool.end(),
  };
}

async function rowsOf<Row extends object>(
  client: pg.Pool | pg.PoolClient,
  text: string,
  values: readonly unknown[] | undefined,
): Promise<readonly Row[]> {
  const result = (await client.query(text, values === undefined ? undefined : [...values])) as pg.QueryResult | pg.QueryResult[];
  // Several statements at once give an array of results.
  return (Array.isArray(result) ? result.flatMap(({ rows }) => rows as Row[]) : result.rows) as readonly Row[];
}

import net from 'node:net';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';

const CONNECT_TIMEOUT_MS = 3000;

/** No session within the time: nobody is there, or somebody who takes the connection and says nothing. */
const TIMED_OUT = 'CONNECT_TIMEOUT';

/** Nobody is there: refused, unreachable, or no such host or socket. Everything else is an answer. */
const SILENCE: readonly (string | undefined)[] = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
];

/** `unknown`: something answers, and what it is cannot be told. */
type Answer = { readonly kind: 'silence' | 'another' | 'original' } | { readonly kind: 'unknown'; readonly why: string };

/**
 * Refuses when the cluster that a restore is to take the place of still answers: two servers with one identity would
 * archive into one repository and be taken for each other. A server that is starting, has no connection free, does not let us in or
 * takes the connection and says nothing answers too; that it is another is for whoever restores to say with `acceptsUnknown`.
 *
 * That nothing answers proves nothing; whoever restores has to know.
 *
 * @throws {DbadminError} `refused`.
 */
export async function refuseLivingOriginal(
  connection: ConnectionParameters,
  systemIdentifier: string,
  acceptsUnknown: boolean,
): Promise<void> {
  // Each by itself: of several, the failure of one would stand for all.
  for (const address of connection.hosts) {
    const asked: ConnectionParameters = { ...connection, hosts: [address], targetSessionAttrs: 'any' };
    const answer = await ask(asked, systemIdentifier);
    if (answer.kind === 'original') {
      throw new DbadminError('refused', `the cluster to be replaced still runs: ${describeParameters(asked)}`, {
        detail: `It answers with system identifier ${systemIdentifier}. A second server with its identity would archive beside it.`,
        hint: 'Stop it first, or restore a clone (without --as production).',
      });
    }
    if (answer.kind === 'unknown' && !acceptsUnknown) {
      throw new DbadminError('refused', `whether the cluster to be replaced still runs cannot be told: ${describeParameters(asked)}`, {
        detail: `Something answers at its address, and its identity could not be read. ${answer.why}`,
        hint: 'Stop it first. When it is certain that this is another server, or a proxy without one, go on with --accept-unknown-original.',
      });
    }
  }
}

async function ask(connection: ConnectionParameters, systemIdentifier: string): Promise<Answer> {
  let sql: Awaited<ReturnType<typeof openClient>>;
  try {
    sql = await openClient({ ...connection, connectTimeoutMs: Math.min(connection.connectTimeoutMs, CONNECT_TIMEOUT_MS) });
  } catch (error) {
    const code = isDbadminError(error, 'connection-failed') ? systemCodeOf(error.cause) : undefined;
    if (code === TIMED_OUT) return await askSilent(connection);
    return SILENCE.includes(code) ? { kind: 'silence' } : { kind: 'unknown', why: whyOf(error) };
  }
  try {
    const [row] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_catalog.pg_control_system()`;
    return { kind: row?.id === systemIdentifier ? 'original' : 'another' };
  } catch (error) {
    return { kind: 'unknown', why: whyOf(error) };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** A server whose storage hangs, or whose process is stopped, has its connections taken by the system: it lives, and will go on. */
async function askSilent({ hosts }: ConnectionParameters): Promise<Answer> {
  for (const { host, port } of hosts) {
    if (await isListenedOn(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }))
      return { kind: 'unknown', why: `It takes the connection and says nothing within ${CONNECT_TIMEOUT_MS / 1000} s.` };
  }
  return { kind: 'silence' };
}

async function isListenedOn(address: net.NetConnectOpts): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = net.connect(address, () => settle(true));
    const settle = (isTaken: boolean): void => {
      socket.destroy();
      resolve(isTaken);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => settle(false)).on('error', () => settle(false));
  });
}

function whyOf(error: unknown): string {
  return `It says: ${(error instanceof DbadminError ? error.detail : undefined) ?? messageOf(error)}.`;
}

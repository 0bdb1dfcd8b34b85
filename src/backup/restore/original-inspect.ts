import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';

const CONNECT_TIMEOUT_MS = 3000;

/** Nobody is there: refused, unreachable, timed out, or no such host or socket. Everything else is an answer. */
const SILENCE: readonly (string | undefined)[] = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
];

/** `unknown`: something answers, and what it is cannot be told. */
type Answer = { readonly kind: 'silence' | 'another' | 'original' } | { readonly kind: 'unknown'; readonly why: string };

/**
 * Refuses when the cluster that a restore is to take the place of still answers: two servers with one identity would
 * archive into one repository and be taken for each other. A server that is starting, has no connection free or does not let us
 * in answers too; that it is another is for whoever restores to say with `acceptsUnknown`.
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
    const isSilence = isDbadminError(error, 'connection-failed') && SILENCE.includes(systemCodeOf(error.cause));
    return isSilence ? { kind: 'silence' } : { kind: 'unknown', why: whyOf(error) };
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

function whyOf(error: unknown): string {
  return `It says: ${(error instanceof DbadminError ? error.detail : undefined) ?? messageOf(error)}.`;
}

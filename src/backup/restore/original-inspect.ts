import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';

const CONNECT_TIMEOUT_MS = 3000;

/**
 * Refuses when the cluster that a restore is to take the place of still answers: two servers with one identity would
 * archive into one repository and be taken for each other.
 *
 * That it does not answer proves nothing; whoever restores has to know.
 *
 * @throws {DbadminError} `refused`.
 */
export async function refuseLivingOriginal(connection: ConnectionParameters, systemIdentifier: string): Promise<void> {
  let sql: Awaited<ReturnType<typeof openClient>>;
  try {
    sql = await openClient({ ...connection, connectTimeoutMs: Math.min(connection.connectTimeoutMs, CONNECT_TIMEOUT_MS) });
  } catch {
    return;
  }
  let found: string | undefined;
  try {
    const rows = await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
    found = rows[0]?.id;
  } catch {
    found = undefined;
  } finally {
    await sql.end({ timeout: 1 });
  }
  if (found !== systemIdentifier) return;
  throw new DbadminError('refused', `the cluster to be replaced still runs: ${describeParameters(connection)}`, {
    detail: `It answers with system identifier ${systemIdentifier}. A second server with its identity would archive beside it.`,
    hint: 'Stop it first, or restore a clone (without --as production).',
  });
}

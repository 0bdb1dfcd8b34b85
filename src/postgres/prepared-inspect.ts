import { openClient, type ClientOptions } from './client.ts';
import { TAKES_CONNECTIONS_SQL } from './open-database.ts';
import type { ConnectionParameters } from './parameters.ts';

/** A transaction that PREPARE TRANSACTION left to be ended by somebody. */
export interface PreparedTransaction {
  readonly gid: string;
  readonly database: string;
}

/** The prepared transactions of a cluster, those of all databases that take connections: elsewhere nobody can end them, or meets their locks. */
export async function inspectPrepared(
  parameters: ConnectionParameters,
  options: ClientOptions = {},
): Promise<readonly PreparedTransaction[]> {
  const sql = await openClient(parameters, options);
  try {
    const rows = await sql<PreparedTransaction[]>`
      select p.gid, p.database from pg_catalog.pg_prepared_xacts p join pg_catalog.pg_database d on d.datname = p.database
      where ${sql.unsafe(TAKES_CONNECTIONS_SQL)} order by p.prepared, p.gid`;
    return [...rows];
  } finally {
    await sql.end({ timeout: 5 });
  }
}

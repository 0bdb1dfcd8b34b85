import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { freeBytesIn } from './spool-run.ts';

/** How much room there is for a dump, and what there is to be dumped. What a dump takes nobody knows before: most take a fraction of it. */
export interface SpoolRoom {
  readonly freeBytes: number | undefined;
  /** The largest of those that are dumped, and what it takes on the server. */
  readonly database: string | undefined;
  readonly sizeBytes: number;
}

export async function inspectSpoolRoom(
  parameters: ConnectionParameters,
  databases: readonly string[],
  spoolDirectory: string,
): Promise<SpoolRoom> {
  const sql = await openClient(parameters);
  try {
    // As pg_dump does: what a role's statements may take at most is not meant for a question about a large database.
    await sql`set statement_timeout = 0`;
    const [largest] = await sql<{ database: string; bytes: string }[]>`
      select datname as database, pg_database_size(oid)::text as bytes from pg_catalog.pg_database
      where datname in ${sql(['', ...databases])} and has_database_privilege(oid, 'CONNECT') order by pg_database_size(oid) desc limit 1`;
    return { freeBytes: await freeBytesIn(spoolDirectory), database: largest?.database, sizeBytes: Number(largest?.bytes ?? 0) };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

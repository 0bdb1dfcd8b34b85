import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { TAKES_CONNECTIONS_SQL } from '../../postgres/open-database.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { DatabaseProperties } from './database-properties.ts';
import { inspectDatabaseProperties } from './database-properties-inspect.ts';
import { supportedMajor } from '../../postgres/server-version.ts';

/** What a dump has to know of the cluster it reads. */
export interface DumpSource {
  readonly systemIdentifier: string;
  readonly major: number;
  /** `17.10`. */
  readonly serverVersion: string;
  /** `server_version_num`: 170010. */
  readonly versionNumber: number;
  readonly walSegmentBytes: number;
  /** Every database that is no template and takes connections, by name. */
  readonly databases: readonly string[];
  /** Of every database, by its name. */
  readonly properties: ReadonlyMap<string, DatabaseProperties>;
}

/**
 * Reads it over one ordinary connection.
 *
 * @throws {DbadminError} `connection-failed`, `credentials-wrong`, `server-unsupported`, `privilege-missing`
 */
export async function inspectDumpSource(parameters: ConnectionParameters): Promise<DumpSource> {
  const sql = await openClient(parameters);
  try {
    const [server] = await sql<{ number: string; version: string; segment: string }[]>`
      select current_setting('server_version_num') as number, current_setting('server_version') as version,
             pg_size_bytes(current_setting('wal_segment_size'))::text as segment`;
    const [control] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_catalog.pg_control_system()`;
    const databases = await sql<{ name: string }[]>`
      select datname as name from pg_catalog.pg_database d
      where ${sql.unsafe(TAKES_CONNECTIONS_SQL)} and not datistemplate and has_database_privilege(oid, 'CONNECT') order by datname`;
    return {
      systemIdentifier: control?.id ?? '',
      major: supportedMajor(Number(server?.number)),
      serverVersion: server?.version.split(' ')[0] ?? '',
      versionNumber: Number(server?.number),
      walSegmentBytes: Number(server?.segment),
      databases: databases.map(({ name }) => name),
      properties: await inspectDatabaseProperties(sql),
    };
  } catch (error) {
    if (systemCodeOf(error) !== '42501') throw error;
    throw new DbadminError('privilege-missing', `role ${parameters.user} may not read the cluster's system identifier`, {
      detail: error instanceof Error ? error.message : undefined,
      hint: `As superuser: GRANT EXECUTE ON FUNCTION pg_control_system() TO ${parameters.user};`,
      cause: error,
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

import { openClient } from '../postgres/client.ts';
import { TAKES_CONNECTIONS_SQL } from '../postgres/open-database.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import { parseRolesDocument } from './document/parse.ts';
import { APPLICATION_NAME, inspectRoles } from './inspect.ts';
import type { ObservedState } from './state.ts';

/** Nothing is looked for in files or the environment: there is no file whose passwords could be compared. */
const NO_SOURCES = { env: {}, directory: '.' } as const;

/**
 * What there is in a cluster, without a file to ask about: all of it, or of `databases`. Templates are left out, and databases
 * that take no connections, or none from the role that is connected.
 *
 * @throws {DbadminError} what connecting and reading throw.
 */
export async function inspectAll(
  connection: ConnectionParameters,
  maintenanceDatabase: string,
  databases?: readonly string[],
): Promise<ObservedState> {
  const names = databases ?? (await openDatabases({ ...connection, database: maintenanceDatabase }));
  // JSON is YAML.
  const text = JSON.stringify({
    version: 1,
    cluster: { maintenance_db: maintenanceDatabase },
    databases: Object.fromEntries(names.map((name) => [name, {}])),
  });
  return await inspectRoles(parseRolesDocument(text, 'the inspection'), connection, NO_SOURCES);
}

async function openDatabases(connection: ConnectionParameters): Promise<readonly string[]> {
  const client = await openClient(connection, { applicationName: APPLICATION_NAME });
  try {
    const rows = await client<{ name: string }[]>`
      select d.datname::text as name from pg_catalog.pg_database d
       where ${client.unsafe(TAKES_CONNECTIONS_SQL)} and not d.datistemplate and pg_catalog.has_database_privilege(d.oid, 'connect')
       order by d.datname collate "C"`;
    return rows.map((row) => row.name);
  } finally {
    await client.end({ timeout: 1 });
  }
}

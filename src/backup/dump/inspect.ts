import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { DatabaseProperties } from './database-properties.ts';
import { inspectDatabaseProperties } from './database-properties-inspect.ts';
import type { LeftOutDatabase } from './manifest.ts';
import type { SettingOfAll } from './settings-of-all.ts';
import { inspectSettingsOfAll } from './settings-of-all-inspect.ts';
import { supportedMajor } from '../../postgres/server-version.ts';

/** A database that is there and cannot be dumped, or is not meant to be. */
export interface UndumpableDatabase extends LeftOutDatabase {
  readonly reason: Exclude<LeftOutDatabase['reason'], 'not-asked' | 'excluded'>;
}

/**
 * Databases of those who run managed servers, by name and owner: of all databases they are none. To most of them customers cannot connect: some are
 * granted to nobody, others to all, and pg_hba.conf refuses them, which no function tells. Some, as azure_sys with what its Query Store measured, can be read.
 */
const OF_PROVIDERS = [
  'rdsadmin rdsadmin',
  'azure_maintenance azuresu',
  'azure_sys azuresu',
  'cloudsqladmin cloudsqladmin',
  'alloydbadmin alloydbadmin',
];

/** What a dump has to know of the cluster it reads. */
export interface DumpSource {
  readonly systemIdentifier: string;
  readonly major: number;
  /** `17.10`. */
  readonly serverVersion: string;
  /** `server_version_num`: 170010. */
  readonly versionNumber: number;
  readonly walSegmentBytes: number;
  /** Every database that is no template and that the role can connect to, by name. */
  readonly databases: readonly string[];
  /** All others but template0 and template1, by name. */
  readonly undumpable: readonly UndumpableDatabase[];
  /** Those of the provider that the role may connect to by its privileges: they are dumped where they are named. */
  readonly ofProvider: readonly string[];
  /** Of every database, by its name. */
  readonly properties: ReadonlyMap<string, DatabaseProperties>;
  readonly settingsOfAll: readonly SettingOfAll[];
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
    // What the role cannot connect to is looked at, too: a dump that passed over it in silence would look whole.
    const databases = await sql<{ database: string; reason: UndumpableDatabase['reason'] | null; granted: boolean }[]>`
      select datname as database, case when datconnlimit = -2 then 'drop-interrupted' when datistemplate then 'template'
          when not datallowconn then 'no-connections'
          when concat(datname, ' ', pg_get_userbyid(datdba)) in ${sql(OF_PROVIDERS)} then 'provider'
          when has_database_privilege(oid, 'CONNECT') then null else 'no-privilege' end as reason,
          has_database_privilege(oid, 'CONNECT') as granted
      from pg_catalog.pg_database where datname not in ('template0', 'template1') order by datname`;
    return {
      systemIdentifier: control?.id ?? '',
      major: supportedMajor(Number(server?.number)),
      serverVersion: server?.version.split(' ')[0] ?? '',
      versionNumber: Number(server?.number),
      walSegmentBytes: Number(server?.segment),
      databases: databases.flatMap(({ database, reason }) => (reason === null ? [database] : [])),
      undumpable: databases.flatMap(({ database, reason }) => (reason === null ? [] : [{ database, reason }])),
      ofProvider: databases.flatMap(({ database, reason, granted }) => (reason === 'provider' && granted ? [database] : [])),
      properties: await inspectDatabaseProperties(sql),
      settingsOfAll: await inspectSettingsOfAll(sql),
    };
  } catch (error) {
    if (systemCodeOf(error) !== '42501') throw error;
    throw new DbadminError('privilege-missing', `role ${parameters.user} may not read the cluster's system identifier`, {
      detail: error instanceof Error ? error.message : undefined,
      hint: `As superuser: GRANT EXECUTE ON FUNCTION pg_control_system() TO ${quoteIdentifier(parameters.user)};`,
      cause: error,
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

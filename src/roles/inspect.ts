import type { Sql, TransactionSql } from 'postgres';
import { openClient } from '../postgres/client.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import type { RolesDocument } from './document/document.ts';
import { inspectCluster, inSnapshot } from './inspect-cluster.ts';
import { inspectDatabase } from './inspect-database.ts';
import { comparePasswords, type PasswordSources } from './inspect-passwords.ts';
import { inspectRetirement, type InDatabase } from './inspect-retirement.ts';
import { comparePolicies, readRowSecurity } from './inspect-row-security.ts';
import type { DatabaseRowSecurity } from './lifecycle-state.ts';
import { refusedSettings } from './inspect-settings.ts';
import { namedObjects } from './named-objects.ts';
import { departures } from './retirement.ts';
import type { DatabaseState, ObservedState } from './state.ts';
import { differingSettings, wantedSettings } from './wanted-settings.ts';

/** How the server names this work in pg_stat_activity. */
export const APPLICATION_NAME = 'dbadmin roles';

/**
 * Everything a plan needs to know, read in one read-only snapshot per database. Databases that do not exist are left out;
 * the plan says so. `as` is the role the plan is for, when that is not the one that is connected.
 */
export async function inspectRoles(
  document: RolesDocument,
  connection: ConnectionParameters,
  sources: PasswordSources,
  as?: string,
): Promise<ObservedState> {
  const names = settingNames(document);
  const maintenance = await openClient({ ...connection, database: document.maintenanceDatabase }, { applicationName: APPLICATION_NAME });
  try {
    const cluster = await inSnapshot(maintenance, async (sql) => await inspectCluster(sql, names, as));
    const inDatabase: InDatabase = async (database, read) =>
      await withDatabase(document, database, connection, maintenance, async (client) => await inSnapshot(client, read));
    const databases = new Map<string, DatabaseState>();
    const rowSecurity = new Map<string, DatabaseRowSecurity>();
    for (const declared of document.databases.values()) {
      if (!cluster.databases.has(declared.name)) continue;
      await withDatabase(document, declared.name, connection, maintenance, async (client) => {
        const { state, tables } = await inSnapshot(client, async (sql) => ({
          state: await inspectDatabase(sql, declared.name, namedObjects(document, declared)),
          tables: await readRowSecurity(sql, declared),
        }));
        databases.set(declared.name, state);
        if (declared.rowSecurity.length > 0) {
          rowSecurity.set(declared.name, { tables, findings: await comparePolicies(client, declared, tables) });
        }
      });
    }
    const going = departures(document, cluster).map(({ role }) => role);
    const retired = await inspectRetirement(maintenance, document.maintenanceDatabase, going, cluster, inDatabase);
    const passwords = await comparePasswords(document.roles.values(), cluster, sources);
    const settings = await refusedSettings(maintenance, differingSettings(wantedSettings(document), cluster));
    return { cluster, databases, rowSecurity, retired, passwords, refusedSettings: settings };
  } finally {
    await maintenance.end({ timeout: 1 });
  }
}

/** In the maintenance database the connection that is open already is used. */
async function withDatabase<T>(
  document: RolesDocument,
  database: string,
  connection: ConnectionParameters,
  maintenance: Sql,
  work: (client: Sql) => Promise<T>,
): Promise<T> {
  if (database === document.maintenanceDatabase) return await work(maintenance);
  const client = await openClient({ ...connection, database }, { applicationName: APPLICATION_NAME });
  try {
    return await work(client);
  } finally {
    await client.end({ timeout: 1 });
  }
}

function settingNames(document: RolesDocument): readonly string[] {
  const ofRoles = [...document.roles.values()].flatMap((role) => [role.settings, ...role.settingsIn.values()]);
  const ofDatabases = [...document.databases.values()].flatMap((database) => database.settings ?? []);
  const ofParameters = document.parameters.flatMap(({ parameters }) => parameters);
  return [...ofParameters, ...[...ofRoles, ...ofDatabases].flatMap((settings) => [...settings.keys()])];
}

/** Reads in one snapshot of a connection of its own, which is closed afterwards. */
export async function readSnapshot<T>(connection: ConnectionParameters, read: (snapshot: TransactionSql) => Promise<T>): Promise<T> {
  // The snapshot sets the path for itself: what the session has is read in it.
  const client = await openClient(connection, { applicationName: APPLICATION_NAME, path: 'own' });
  try {
    return await inSnapshot(client, read);
  } finally {
    await client.end({ timeout: 1 });
  }
}

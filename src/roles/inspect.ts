import type { Sql } from 'postgres';
import { openClient } from '../postgres/client.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import type { DeclaredDatabase, ObjectName, RolesDocument } from './document/document.ts';
import { inspectCluster, inSnapshot } from './inspect-cluster.ts';
import { inspectDatabase } from './inspect-database.ts';
import { comparePasswords, type PasswordSources } from './inspect-passwords.ts';
import type { DatabaseState, ObservedState } from './state.ts';

/** How the server names this work in pg_stat_activity. */
export const APPLICATION_NAME = 'dbadmin roles';

/**
 * Everything a plan needs to know, read in one read-only snapshot per database. Databases that do not exist are left out;
 * the plan says so.
 */
export async function inspectRoles(
  document: RolesDocument,
  connection: ConnectionParameters,
  sources: PasswordSources,
): Promise<ObservedState> {
  const names = settingNames(document);
  const maintenance = await openClient({ ...connection, database: document.maintenanceDatabase }, { applicationName: APPLICATION_NAME });
  try {
    const cluster = await inSnapshot(maintenance, async (sql) => await inspectCluster(sql, names));
    const databases = new Map<string, DatabaseState>();
    for (const declared of document.databases.values()) {
      if (cluster.databases.has(declared.name)) databases.set(declared.name, await inspectOne(document, declared, connection, maintenance));
    }
    return { cluster, databases, passwords: await comparePasswords(document.roles.values(), cluster, sources) };
  } finally {
    await maintenance.end({ timeout: 5 });
  }
}

async function inspectOne(
  document: RolesDocument,
  declared: DeclaredDatabase,
  connection: ConnectionParameters,
  maintenance: Sql,
): Promise<DatabaseState> {
  const isHere = declared.name === document.maintenanceDatabase;
  const client = isHere ? maintenance : await openClient({ ...connection, database: declared.name }, { applicationName: APPLICATION_NAME });
  try {
    return await inSnapshot(client, async (sql) => await inspectDatabase(sql, declared.name, namedRoutines(document, declared)));
  } finally {
    if (!isHere) await client.end({ timeout: 5 });
  }
}

function namedRoutines(document: RolesDocument, declared: DeclaredDatabase): readonly Extract<ObjectName, { kind: 'routine' }>[] {
  const named = [
    ...declared.access.flatMap((rule) => (rule.kind === 'named' ? [rule.on] : [])),
    ...document.public.keep.flatMap(({ on }) => (on.kind === 'extension' ? [] : [on])),
  ];
  return named.filter((on) => on.kind === 'routine');
}

function settingNames(document: RolesDocument): readonly string[] {
  const ofRoles = [...document.roles.values()].flatMap((role) => [role.settings, ...role.settingsIn.values()]);
  const ofDatabases = [...document.databases.values()].flatMap((database) => database.settings ?? []);
  return [...ofRoles, ...ofDatabases].flatMap((settings) => [...settings.keys()]);
}

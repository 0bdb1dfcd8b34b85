import type { ConnectionParameters } from '../postgres/parameters.ts';
import { parseRolesDocument } from './document/parse.ts';
import { inspectRoles } from './inspect.ts';
import type { ObservedState } from './state.ts';

/** Connects to the databases of a cluster; nothing is looked for in files or the environment. */
const NO_SOURCES = { env: {}, directory: '.' } as const;

/**
 * What there is in a cluster, without a file to ask about: all of it, or of `databases`. Templates and databases that take
 * no connections are left out.
 *
 * @throws {DbadminError} what connecting and reading throw.
 */
export async function inspectAll(
  connection: ConnectionParameters,
  maintenanceDatabase: string,
  databases?: readonly string[],
): Promise<ObservedState> {
  const cluster = { maintenance_db: maintenanceDatabase };
  const empty = await inspectRoles(document({ version: 1, cluster }), connection, NO_SOURCES);
  const names = databases ?? [...empty.cluster.databases.keys()].sort();
  return await inspectRoles(document({ version: 1, cluster, databases: fromNames(names) }), connection, NO_SOURCES);
}

function fromNames(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

// JSON is YAML.
function document(value: object): ReturnType<typeof parseRolesDocument> {
  return parseRolesDocument(JSON.stringify(value), 'the inspection');
}

import { DbadminError } from '../../base/errors.ts';
import { originalSetting, type Preflight } from '../../backup/restore/inspect.ts';
import { freeClonePort, requireFreePort, requireFreeProductionPort } from '../../backup/restore/start-run.ts';
import type { ClusterConfig } from '../../config/config.ts';
import { findServerPrograms } from '../../postgres/programs.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { ServerPrograms } from '../../postgres/server.ts';
import type { CommandContext } from '../command.ts';
import type { RestoreOptions } from './restore-options.ts';

/** The server programs of the backup's major; without them a restore can be laid down, but not started. */
export async function programsFor(context: CommandContext, preflight: Preflight, isNeeded: boolean): Promise<ServerPrograms | undefined> {
  const major = Math.floor(preflight.resolution.backup.serverVersion / 10_000);
  const programs = await findServerPrograms(major, context.env);
  if (programs !== undefined || !isNeeded) return programs;
  throw new DbadminError('program-missing', `PostgreSQL ${major}'s server programs are not on this machine`, {
    hint: `Install postgresql-${major}, or name their directory in DBADMIN_PG_BIN_${major}; without --start and --reconcile the cluster is laid down only.`,
  });
}

/**
 * The port a restored cluster will have: a production its own, a clone the one asked for or a free one.
 *
 * @throws {DbadminError} `refused` where it is to be started on a port that somebody has.
 */
export async function clonePort(options: RestoreOptions, preflight: Preflight, cluster: ClusterConfig): Promise<number> {
  if (options.purpose === 'clone') {
    if (options.port === undefined) return await freeClonePort();
    if (options.starts) await requireFreePort(options.port);
    return options.port;
  }
  return Number(originalSetting(preflight, 'port') ?? cluster.connection.hosts[0]?.port ?? 5432);
}

/** Set in a file that the configuration includes, where another may follow. */
const INCLUDED_PLACE = /^\s*(port|listen_addresses)\b/im;

/**
 * Looks where its own configuration says for certain where it will listen: how dbadmin connects may be the port of a pooler.
 *
 * @throws {DbadminError} `refused` where a production is to be started on a port that somebody has.
 */
export async function refuseBusyProduction(options: RestoreOptions, preflight: Preflight): Promise<void> {
  const port = originalSetting(preflight, 'port');
  if (options.purpose !== 'production' || !options.starts || port === undefined) return;
  if ([...preflight.included.values()].some((text) => INCLUDED_PLACE.test(text))) return;
  await requireFreeProductionPort(Number(port), originalSetting(preflight, 'listen_addresses') ?? 'localhost');
}

/** How the project's own files would be compared with an open clone: as the configuration connects, but to loopback. */
export function cloneConnection(cluster: ClusterConfig, port: number): ConnectionParameters {
  return { ...cluster.connection, hosts: [{ host: '127.0.0.1', port }], sslMode: 'disable', targetSessionAttrs: 'any' };
}

import { findOwnCluster } from '../backup/lineage-inspect.ts';
import { askOwner } from '../backup/wal/owner-inspect.ts';
import { DbadminError } from '../base/errors.ts';
import type { ClusterConfig } from '../config/config.ts';
import type { ClusterIdentity } from '../repository/identity.ts';
import type { Repository } from '../repository/repository.ts';
import { textOption, type CommandInput } from './command.ts';

/**
 * The lineage that a command is about: the one of --system-identifier, or the cluster's own. After pg_upgrade, or a new initdb, a repository has
 * several of one name, and before the first backup, or after a change of the name, others and none of it: then the server that runs now says which
 * is its own, so that scheduled jobs go on, and never with the lineage of another cluster. `isSure`: what goes by it cannot be undone.
 *
 * @throws {DbadminError} as findCluster, and what connecting throws where the server has to be asked.
 */
export async function ownLineage(
  input: CommandInput,
  cluster: ClusterConfig,
  repository: Repository,
  { isSure = false } = {},
): Promise<ClusterIdentity> {
  const ofServer = async (): Promise<string> => await askServer(cluster);
  return await findOwnCluster(repository, cluster.name, textOption(input, 'systemIdentifier') ?? ofServer, isSure);
}

async function askServer(cluster: ClusterConfig): Promise<string> {
  try {
    return (await askOwner(cluster.replication)).systemIdentifier;
  } catch (error) {
    if (!(error instanceof DbadminError) || error.code === 'interrupted') throw error;
    throw new DbadminError(error.code, `which lineage of ${cluster.name} is meant cannot be asked of its server: ${error.message}`, {
      detail: error.detail,
      hint: 'Say it with --system-identifier: dbadmin repository list --json shows those that there are.',
      cause: error,
    });
  }
}

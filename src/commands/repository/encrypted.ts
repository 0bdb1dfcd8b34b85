import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../../config/config.ts';
import { keysOf } from '../../repository/key-changes.ts';
import type { RepositoryKeys } from '../../repository/keys.ts';
import type { Repository } from '../../repository/repository.ts';

/**
 * The keys of `repository`, which is the cluster's first where none was named.
 *
 * @throws {DbadminError} `refused` for one that is not encrypted; it names those of the cluster that are configured so.
 */
export function keysOfChosen(repository: Repository, chosen: RepositoryConfig, config: Config, cluster: ClusterConfig): RepositoryKeys {
  try {
    return keysOf(repository);
  } catch (error) {
    const others = encryptedOthers(chosen, config, cluster);
    if (!isDbadminError(error, 'refused') || others.length === 0) throw error;
    throw new DbadminError('refused', error.message, { detail: error.detail, hint: whichIs(others), cause: error });
  }
}

/** `offsite is configured with encryption: give --repository offsite.` */
export function whichIs(others: readonly string[]): string {
  const which = others.map((name) => `--repository ${name}`).join(' or ');
  return `${others.join(' and ')} ${others.length === 1 ? 'is' : 'are'} configured with encryption: give ${which}.`;
}

/** The cluster's other repositories for which encryption is configured. */
export function encryptedOthers({ name: chosen }: RepositoryConfig, config: Config, { repositories }: ClusterConfig): readonly string[] {
  return repositories.filter((name) => {
    const encryption = config.repositories.get(name)?.encryption;
    return name !== chosen && encryption !== undefined && encryption.kind !== 'none';
  });
}

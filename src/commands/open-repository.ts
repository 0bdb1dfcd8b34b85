import { randomBytes } from 'node:crypto';
import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../config/config.ts';
import { createRepository, FORMAT, readIdentity } from '../repository/identity.ts';
import { probeConditionalCreate } from '../storage/conditional-create.ts';
import { openStore, type OpenStoreOptions } from '../storage/open.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { CommandContext } from './command.ts';

/**
 * The repositories a command is about: the one named, or those of the cluster, in order of preference.
 *
 * @throws {DbadminError} `usage` when there is no such repository, `config-missing` when the cluster has none.
 */
export function selectRepositories(config: Config, cluster: ClusterConfig, name: string | undefined): readonly RepositoryConfig[] {
  const names = name === undefined ? cluster.repositories : [name];
  const chosen = names.map((each) => {
    const repository = config.repositories.get(each);
    if (repository !== undefined) return repository;
    throw new DbadminError('usage', `there is no repository ${each} in the configuration`, {
      hint: `It has ${[...config.repositories.keys()].join(', ') || 'none'}.`,
    });
  });
  if (chosen.length > 0) return chosen;
  throw new DbadminError('config-missing', `cluster ${cluster.name} has no repository for its backups`, {
    hint: 'Name one in dbadmin.yaml under clusters → repositories, or let dbadmin init write one.',
  });
}

/** The first of {@link selectRepositories}: where one is enough. */
export function selectRepository(config: Config, cluster: ClusterConfig, name: string | undefined): RepositoryConfig {
  const [first] = selectRepositories(config, cluster, name);
  if (first === undefined) throw new DbadminError('config-missing', `cluster ${cluster.name} has no repository for its backups`);
  return first;
}

/**
 * The store of a repository, its identity read and understood.
 *
 * @throws {DbadminError} `repository-missing` (exit 10) when there is no repository in it.
 */
export async function openRepository(context: CommandContext, repository: RepositoryConfig): Promise<ObjectStore> {
  refuseEncryption(repository);
  const store = await openStore(repository, storeOptions(context));
  try {
    const { conditionalCreate } = await readIdentity(store);
    if (repository.type === 'disk' || !conditionalCreate) return store;
  } catch (error) {
    await store.close();
    throw error;
  }
  await store.close();
  return await openStore(repository, { ...storeOptions(context), conditionalCreate: true });
}

/** Makes a repository where there is none; says whether it was made. The store's abilities are tried and written down. */
export async function ensureRepository(context: CommandContext, repository: RepositoryConfig): Promise<'made' | 'present'> {
  refuseEncryption(repository);
  const store = await openStore(repository, { ...storeOptions(context), create: true, conditionalCreate: true });
  try {
    await readIdentity(store);
    return 'present';
  } catch (error) {
    if (!isDbadminError(error, 'repository-missing')) throw error;
    const conditionalCreate = await probeConditionalCreate(store);
    await createRepository(store, {
      format: FORMAT,
      id: randomBytes(16).toString('hex'),
      createdAt: context.clock.now().toISOString(),
      tool: context.version,
      encryption: 'none',
      conditionalCreate,
    });
    if (!conditionalCreate) {
      context.log.warn(`${store.description} does not refuse to create an object that exists: only one writer at a time is safe there`);
    }
    return 'made';
  } finally {
    await store.close();
  }
}

function storeOptions(context: CommandContext): OpenStoreOptions {
  return {
    clock: context.clock,
    random: Math.random,
    onRetry: (error, attempt, delayMs) => context.log.debug(`attempt ${attempt} failed, trying again in ${delayMs} ms: ${String(error)}`),
  };
}

function refuseEncryption(repository: RepositoryConfig): void {
  if (repository.encryption.kind === 'none') return;
  throw new DbadminError('repository-format', `encryption is configured for repository ${repository.name} and is not applied yet`, {
    detail: 'This version of dbadmin writes repositories without encryption only, and would not leave that unsaid.',
    hint: 'Take encryption out of its configuration and protect the directory or bucket, or wait for the version that has it.',
  });
}

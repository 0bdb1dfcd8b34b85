import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { formatDuration } from '../base/durations.ts';
import { DbadminError, isDbadminError, messageOf, reasonOf } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../config/config.ts';
import { createRepository, FORMAT, readIdentity, type RepositoryIdentity } from '../repository/identity.ts';
import { refuseShortSecret } from '../repository/key-changes.ts';
import { addKey, type Unlock } from '../repository/key-objects.ts';
import { RepositoryKeys } from '../repository/keys.ts';
import { IDENTITY_KEY } from '../repository/layout.ts';
import { refuseContent } from '../repository/lost-identity.ts';
import type { DamagedObject } from '../repository/passed-over.ts';
import { openRepository as openStored, type Repository } from '../repository/repository.ts';
import { withRetention } from '../repository/retained-store.ts';
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

/** A repository that was not asked for by name, and the cluster's others, which may have what it has. */
export type ChosenRepository = RepositoryConfig & { readonly others?: readonly string[] };

/** The first of {@link selectRepositories}: where one is enough. */
export function selectRepository(config: Config, cluster: ClusterConfig, name: string | undefined): ChosenRepository {
  const [first, ...others] = selectRepositories(config, cluster, name);
  if (first === undefined) throw new DbadminError('config-missing', `cluster ${cluster.name} has no repository for its backups`);
  return others.length === 0 ? first : { ...first, others: others.map((each) => each.name) };
}

/** What a command needs to take this repository of the cluster: nothing for the first, which is taken unless said. */
export function repositoryOption({ repositories }: Pick<ClusterConfig, 'repositories'>, name: string): string {
  return repositories[0] === name ? '' : ` --repository ${name}`;
}

/**
 * A repository, its identity read and understood and its content unlocked. Close its store when done.
 *
 * @throws {DbadminError} `repository-missing` (exit 10) when there is none; `key-wrong` (exit 12).
 */
export async function openRepository(context: CommandContext, repository: ChosenRepository): Promise<Repository> {
  try {
    const unlock = await unlockOf(repository);
    const opened = await openAsItIs(context, repository, async (store) => await openStored(store, unlock));
    return { ...opened, onDamaged: damageTeller(context, repository.name) };
  } catch (error) {
    throw withOthers(error, repository.others ?? []);
  }
}

/** The same failure; its hint names the other repositories, which are there for such a day. */
function withOthers(error: unknown, others: readonly string[]): unknown {
  if (!isDbadminError(error) || error.code === 'interrupted' || others.length === 0) return error;
  const option = others.map((name) => `--repository ${name}`).join(' or ');
  const hint = `${error.hint === undefined ? '' : `${error.hint}\n`}The cluster has ${others.length === 1 ? 'another repository' : 'other repositories'}: ${option}.`;
  return new DbadminError(error.code, error.message, { detail: error.detail, hint, cause: error.cause });
}

/** Warns of each damaged object that is passed over, once. */
export function damageTeller({ log }: CommandContext, name: string): (found: DamagedObject) => void {
  const told = new Set<string>();
  return ({ key, error }) => {
    if (told.has(key)) return;
    told.add(key);
    log.warn(`${key} in ${name} cannot be read and is passed over: ${error.detail ?? error.message}`);
  };
}

/**
 * A repository whose content stays locked: its store and what it says of itself. Close the store when done.
 *
 * @throws {DbadminError} `repository-missing` (exit 10) when there is none.
 */
export async function openLocked(
  context: CommandContext,
  repository: RepositoryConfig,
): Promise<{ readonly store: ObjectStore; readonly identity: RepositoryIdentity }> {
  return await openAsItIs(context, repository, async (store) => ({ store, identity: await readIdentity(store) }));
}

/**
 * Opens a repository, with the abilities of its store that its identity says were found: whoever writes has to claim them, since
 * policies refuse a create that does not say that it must be new.
 */
async function openAsItIs<Opened extends { readonly identity: RepositoryIdentity }>(
  context: CommandContext,
  repository: RepositoryConfig,
  open: (store: ObjectStore) => Promise<Opened>,
): Promise<Opened> {
  const first = await openIn(await openPlace(context, repository, storeOptions(context, repository)), open);
  if (repository.type === 'disk' || !first.opened.identity.conditionalCreate) return first.opened;
  await first.store.close();
  const again = await openPlace(context, repository, { ...storeOptions(context, repository), conditionalCreate: true });
  return (await openIn(again, open)).opened;
}

async function openIn<Opened>(
  store: ObjectStore,
  open: (store: ObjectStore) => Promise<Opened>,
): Promise<{ readonly store: ObjectStore; readonly opened: Opened }> {
  try {
    return { store, opened: await open(store) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Makes a repository where there is none; says whether it was made. The store's abilities are tried and written down.
 *
 * @throws {DbadminError} `refused` where there is the content of one that lost its identity.
 */
export async function ensureRepository(context: CommandContext, repository: RepositoryConfig): Promise<'made' | 'present'> {
  const unlock = await unlockOf(repository);
  const store = await openPlace(context, repository, { ...storeOptions(context, repository), create: true, conditionalCreate: true });
  try {
    await readIdentity(store);
    return 'present';
  } catch (error) {
    if (!isDbadminError(error, 'repository-missing')) throw error;
    await refuseContent(store);
    const conditionalCreate = await probeConditionalCreate(store);
    const keys = unlock.kind === 'none' ? undefined : RepositoryKeys.generate();
    if (keys !== undefined && unlock.kind !== 'none') {
      refuseShortSecret(unlock);
      await addKey(store, keys, unlock, { note: 'made with the repository', createdAt: context.clock.now() });
    }
    await createRepository(store, {
      format: FORMAT,
      id: randomBytes(16).toString('hex'),
      createdAt: context.clock.now().toISOString(),
      tool: context.version,
      encryption: keys === undefined ? 'none' : 'aes-256-gcm',
      conditionalCreate,
      ...(keys === undefined ? {} : { keyCheck: keys.check }),
    });
    if (!conditionalCreate) {
      context.log.warn(`${store.description} does not refuse to create an object that exists: only one writer at a time is safe there`);
    }
    return 'made';
  } finally {
    await store.close();
  }
}

/** The place of a repository whose identity is missing or damaged, for writing one. Close it when done. */
export async function openToRecover(context: CommandContext, repository: RepositoryConfig): Promise<ObjectStore> {
  return await openPlace(context, repository, { ...storeOptions(context, repository), conditionalCreate: true });
}

/** The store of a repository, which locks what is to be kept where that is configured. */
async function openPlace(context: CommandContext, repository: RepositoryConfig, options: OpenStoreOptions): Promise<ObjectStore> {
  const store = await openStore(repository, options);
  const lockDays = repository.type === 's3' ? repository.objectLockDays : undefined;
  return lockDays === undefined ? store : withRetention(store, { lockDays, clock: context.clock });
}

function storeOptions({ clock, log, signal, patienceMs }: CommandContext, { name }: RepositoryConfig): OpenStoreOptions {
  return {
    clock,
    random: Math.random,
    identityKey: IDENTITY_KEY,
    patienceMs,
    interrupt: signal,
    onWait: (error, trouble) => {
      const what = trouble === 'overloaded' ? 'asks for fewer requests' : 'fails or does not answer';
      log.warn(`repository ${name} ${what} and is waited for, up to ${formatDuration(patienceMs)}: ${reasonOf(error)}`);
    },
    onRetry: (error, attempt, delayMs) => log.debug(`attempt ${attempt} failed, trying again in ${delayMs} ms: ${String(error)}`),
  };
}

/** What the configuration gives to open a repository with. */
export async function unlockOf({ encryption }: RepositoryConfig): Promise<Unlock> {
  if (encryption.kind !== 'key-file') return encryption;
  try {
    return { kind: 'key-file', content: new Secret(await readFile(encryption.path, 'utf8')) };
  } catch (error) {
    throw new DbadminError('credentials-wrong', `cannot read the key file ${encryption.path}`, {
      detail: messageOf(error),
      hint: 'Without a key the content of the repository cannot be read: put the file back, or use another key of the repository.',
      cause: error,
    });
  }
}

import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { RepositoryIdentity } from './identity.ts';
import { addKey, keyIdOf, listKeys, unwrapKey, type KeyObject, type UnlockingSecret } from './key-objects.ts';
import type { RepositoryKeys } from './keys.ts';
import { keyObjectKey } from './layout.ts';
import type { Repository } from './repository.ts';

/** Words for people, and the tool's clock. */
export interface KeyWords {
  readonly note: string;
  readonly createdAt: Date;
}

export interface OpeningKey {
  readonly object: KeyObject;
  readonly keys: RepositoryKeys;
}

/** Characters of a key file, which is not stretched, and of a passphrase, which is. */
const SHORTEST = { 'key-file': 32, passphrase: 8 } as const;

/**
 * Refuses a new secret that is easily guessed by its length alone.
 *
 * @throws {DbadminError} `refused`
 */
export function refuseShortSecret(secret: UnlockingSecret): void {
  const text = secret.kind === 'passphrase' ? secret.passphrase.reveal() : secret.content.reveal().trim();
  if (text.length >= SHORTEST[secret.kind]) return;
  throw new DbadminError('refused', `the ${wordOf(secret)} has ${text.length} characters, and ${SHORTEST[secret.kind]} is the least`, {
    hint:
      secret.kind === 'passphrase'
        ? 'Take several words that no one has said before.'
        : 'Make one with: dbadmin repository key add --key-file FILE --generate, or openssl rand -hex 32.',
  });
}

/** The key object that `secret` opens, or undefined when none of this repository's does. Each try costs what scrypt costs. */
export async function findOpeningKey(
  store: ObjectStore,
  identity: RepositoryIdentity,
  secret: UnlockingSecret,
): Promise<OpeningKey | undefined> {
  for (const object of (await listKeys(store)).keys) {
    const keys = await unwrapKey(object, secret);
    if (keys !== undefined && keys.check === identity.keyCheck) return { object, keys };
  }
  return undefined;
}

/**
 * Adds a way to open the repository and proves, by reading it back, that it does.
 *
 * @throws {DbadminError} `refused` when `secret` is too short or opens it already, `repository-damaged` when what was stored does not open it.
 */
export async function addProvenKey(repository: Repository, secret: UnlockingSecret, words: KeyWords): Promise<KeyObject> {
  const { store, identity } = repository;
  const keys = keysOf(repository);
  refuseShortSecret(secret);
  const present = await findOpeningKey(store, identity, secret);
  if (present !== undefined) {
    throw new DbadminError('refused', `this ${wordOf(secret)} opens the repository already, as key ${present.object.id}`, {
      hint: 'Give another; to take one away that somebody knows, add another first.',
    });
  }
  const object = await addKey(store, keys, secret, words);
  // This one: somebody else may have added the same secret at the same moment.
  const stored = (await listKeys(store)).keys.filter(({ id }) => id === object.id);
  if (await opensOne(stored, identity, secret)) return object;
  throw new DbadminError('repository-damaged', `key ${object.id} was stored and does not open the repository in ${store.description}`, {
    hint: 'The other keys are as they were; look at the storage before anything else.',
  });
}

/** What was taken away; of a key that could not be read nothing else is known. */
export type RemovedKey = Pick<KeyObject, 'id' | 'note'> & { readonly kind: KeyObject['kind'] | 'damaged' };

/**
 * Takes a way to open the repository away, or an object that cannot be read and opens nothing. `remaining` must open another, so that
 * what is left is known to work. When somebody else takes that one away at the same moment, it is put back.
 *
 * @throws {DbadminError} `usage` when there is no such key, `refused` when it is the last or `remaining` opens no other, `partly-done`
 * when the storage keeps versions and one of it may be left.
 */
export async function removeKey(repository: Repository, id: string, remaining: UnlockingSecret, words: KeyWords): Promise<RemovedKey> {
  const { store, identity } = repository;
  const { keys: objects, damaged } = await listKeys(store);
  const unreadable = damaged.find((each) => keyIdOf(each) === id);
  const object = unreadable === undefined ? objects.find((each) => each.id === id) : { id, kind: 'damaged' as const, note: '' };
  if (object === undefined) {
    throw new DbadminError('usage', `the repository in ${store.description} has no key ${id}`, {
      hint: `It has ${[...objects.map((each) => each.id), ...damaged.map(keyIdOf)].join(', ') || 'none'}.`,
    });
  }
  const others = objects.filter((each) => each.id !== id);
  if (others.length === 0) {
    throw new DbadminError('refused', `key ${id} is the only one of the repository in ${store.description}`, {
      detail: 'Without it nobody could read what is stored.',
      hint: 'Add another first: dbadmin repository key add.',
    });
  }
  if (!(await opensOne(others, identity, remaining))) {
    throw new DbadminError('refused', `what the configuration gives opens only key ${id}`, {
      detail: 'With that key gone, this configuration could not open the repository, and nobody has shown that another can.',
      hint: 'Put the secret of another key into the configuration first, or use dbadmin repository key rotate.',
    });
  }
  try {
    await store.delete(keyObjectKey(id));
    // Who knows its passphrase could still open an old version.
    await store.erase(keyObjectKey(id));
  } finally {
    if ((await findOpeningKey(store, identity, remaining)) === undefined) await addKey(store, keysOf(repository), remaining, words);
  }
  return object;
}

/** What became of a rotation: the new key is there in any case. */
export interface Rotation {
  readonly added: KeyObject;
  readonly removed: RemovedKey;
}

/**
 * Puts a new key in the place of the one that `old` opens. The new one is added and proven first: whenever this stops, one
 * of the two opens the repository. No content is written anew, since both wrap the same repository key. Where two added the old secret at
 * one moment, it has two objects: both go, since either keeps it good.
 *
 * @throws {DbadminError} as {@link addProvenKey}; `partly-done` when the old key could not be taken away.
 */
export async function rotateKey(repository: Repository, old: UnlockingSecret, secret: UnlockingSecret, words: KeyWords): Promise<Rotation> {
  const { store, identity } = repository;
  const ids = await listOpening(store, identity, old);
  const [first, ...copies] = ids;
  if (first === undefined) throw new DbadminError('key-wrong', `the key to rotate does not open the repository in ${store.description}`);
  const added = await addProvenKey(repository, secret, words);
  try {
    const removed = await removeKey(repository, first, secret, words);
    for (const id of copies) await removeKey(repository, id, secret, words);
    return { added, removed };
  } catch (error) {
    throw new DbadminError('partly-done', `key ${added.id} was added, and the old key ${ids.join(', ')} may still be there`, {
      detail: error instanceof DbadminError ? `It could not be taken away: ${error.message}.` : 'It could not be taken away.',
      hint: `The new key opens the repository. Put its secret into the configuration. ${
        // What is only hidden is no key any more that could be named.
        (isDbadminError(error, 'partly-done') ? error.hint : undefined) ??
        `Then: ${ids.map((id) => `dbadmin repository key remove ${id}`).join(', ')}`
      }`,
      cause: error,
    });
  }
}

/** The ids of all key objects that `secret` opens. */
async function listOpening(store: ObjectStore, identity: RepositoryIdentity, secret: UnlockingSecret): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const object of (await listKeys(store)).keys) if (await opensOne([object], identity, secret)) ids.push(object.id);
  return ids;
}

async function opensOne(objects: readonly KeyObject[], identity: RepositoryIdentity, secret: UnlockingSecret): Promise<boolean> {
  for (const object of objects) if ((await unwrapKey(object, secret))?.check === identity.keyCheck) return true;
  return false;
}

/** @throws {DbadminError} `refused` for a repository that is not encrypted. */
export function keysOf({ keys, store }: Repository): RepositoryKeys {
  if (keys !== undefined) return keys;
  throw new DbadminError('refused', `the repository in ${store.description} is not encrypted`, {
    detail: 'A repository is encrypted from its beginning or not at all.',
    hint: 'Configure encryption for a new one, make it with dbadmin backup init, and copy with dbadmin repository sync.',
  });
}

function wordOf(secret: UnlockingSecret): string {
  return secret.kind === 'passphrase' ? 'passphrase' : 'key file';
}

import type { ObjectStore } from '../storage/store.ts';
import { readIdentity, type RepositoryIdentity } from './identity.ts';
import type { RepositoryKeys } from './keys.ts';
import { unlockRepository, type Unlock } from './key-objects.ts';
import type { DamagedObject } from './passed-over.ts';

/** An open repository: where it is, what it says of itself, and what opens its content. */
export interface Repository {
  readonly store: ObjectStore;
  readonly identity: RepositoryIdentity;
  /** Undefined when it is not encrypted. */
  readonly keys: RepositoryKeys | undefined;
  /** Told of each object that was found damaged and is passed over; may be told twice of one. */
  readonly onDamaged?: (found: DamagedObject) => void;
}

/**
 * Opens the repository in `store`; its content can be read and written afterwards.
 *
 * @throws {DbadminError} `repository-missing` when there is none, `repository-format` when it is of a format that this
 * version does not know or is not encrypted where it should be, `key-wrong` when it is encrypted and `unlock` does not open it.
 */
export async function openRepository(store: ObjectStore, unlock: Unlock): Promise<Repository> {
  const identity = await readIdentity(store);
  return { store, identity, keys: await unlockRepository(store, identity, unlock) };
}

import { createRepository, FORMAT } from '../../src/repository/identity.ts';
import { RepositoryKeys } from '../../src/repository/keys.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import type { ObjectStore } from '../../src/storage/store.ts';

/** A new repository in memory, or in `store`, with a key of its own when it is to be encrypted. */
export async function makeMemoryRepository(encrypted = false, store: ObjectStore = createMemoryStore()): Promise<Repository> {
  const keys = encrypted ? RepositoryKeys.generate() : undefined;
  const identity = {
    format: FORMAT,
    id: 'e'.repeat(32),
    createdAt: '2026-11-21T00:00:00.000Z',
    tool: 'test',
    encryption: encrypted ? ('aes-256-gcm' as const) : ('none' as const),
    conditionalCreate: true,
    ...(keys === undefined ? {} : { keyCheck: keys.check }),
  };
  await createRepository(store, identity);
  return { store, identity, keys };
}

import { isDbadminError } from '../base/errors.ts';
import { readIndex } from './blob-index.ts';
import { indexPrefix } from './layout.ts';
import { isOfOneObject } from './passed-over.ts';
import type { Repository } from './repository.ts';

/**
 * The keys of a lineage's indexes that are not encrypted in an encrypted repository, from the beginning of each; none without the key. Damaged ones
 * may be left out.
 */
export async function listUntrustedIndexes(repository: Repository, systemIdentifier: string): Promise<readonly string[]> {
  if (repository.keys === undefined) return [];
  const keys: string[] = [];
  for await (const { key } of repository.store.list(indexPrefix(systemIdentifier))) {
    let isTrusted = true;
    try {
      for await (const _ of readIndex(repository, key, (is) => (isTrusted = is))) break;
    } catch (error) {
      if (!isOfOneObject(error) && !isDbadminError(error, 'storage-missing')) throw error;
    }
    if (!isTrusted) keys.push(key);
  }
  return keys;
}

/** What a writer says of one of them. `name` is the repository's, for people. */
export function describeUntrusted(key: string, name: string): string {
  return `${key} in ${name} is not encrypted: what only it names is stored again, unless dbadmin repository rebuild-index is run with the key first`;
}

import { indexPrefix } from './layout.ts';
import type { Repository } from './repository.ts';

/**
 * The keys of a lineage's indexes. A collection writes the successor of one before it deletes it, but no listing is of one moment: one that
 * went while it was listed may be missed, and its successor, too, where that is sorted before or came after the names were read. So it is
 * listed until nothing more comes. Some of these may be gone: whoever reads them sees that, and begins anew.
 */
export async function listIndexes({ store }: Repository, systemIdentifier: string): Promise<string[]> {
  const keys = new Set<string>();
  for (;;) {
    const before = keys.size;
    for await (const { key } of store.list(indexPrefix(systemIdentifier))) keys.add(key);
    if (keys.size === before) return [...keys].sort();
  }
}

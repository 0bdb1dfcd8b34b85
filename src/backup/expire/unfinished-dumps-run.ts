import { deleteUnlessLocked } from '../../repository/delete-packs.ts';
import type { Lease } from '../../repository/leases.ts';
import type { Repository } from '../../repository/repository.ts';
import { dumpManifestKey, dumpPrefix } from '../dump/layout.ts';
import { livedMs, type Pause } from './pauses.ts';

/** No object of a dump takes longer to come than that behind the one before it; and who lost a manifest by accident has as long to find out. */
const UNFINISHED_AFTER_MS = 7 * 86_400_000;

interface UnfinishedDumps {
  readonly lease: Lease;
  /** By the store's clock, and the times that may have been none. */
  readonly storeNow: Date;
  readonly pauses: readonly Pause[];
  readonly signal: AbortSignal;
}

/**
 * Removes what dumps have stored that never got their manifest: who took them was killed, or who removed them was after the manifest.
 * Gives the number of objects removed. @see FORMAT.md "Dumps"
 */
export async function removeUnfinishedDumps(
  repository: Repository,
  systemIdentifier: string,
  { lease, storeNow, pauses, signal }: UnfinishedDumps,
): Promise<number> {
  const keyPrefix = `${systemIdentifier}/`;
  const prefix = dumpPrefix(keyPrefix);
  const labels = new Map<string, { readonly keys: string[]; newest: Date }>();
  for await (const { key, modifiedAt } of repository.store.list(prefix)) {
    const [label = '', ...rest] = key.slice(prefix.length).split('/');
    // What the format has no name for is somebody else's.
    if (rest.length !== 1 || !/^\d{8}T\d{6}Z-dump$/.test(label)) continue;
    const objects = labels.get(label) ?? { keys: [], newest: modifiedAt };
    objects.keys.push(key);
    if (modifiedAt > objects.newest) objects.newest = modifiedAt;
    labels.set(label, objects);
  }
  const left = [...labels].filter(
    ([label, { keys, newest }]) =>
      !keys.includes(dumpManifestKey(keyPrefix, label)) && livedMs(storeNow, newest, pauses) > UNFINISHED_AFTER_MS,
  );
  let removed = 0;
  for (const [label, { keys }] of left) {
    signal.throwIfAborted();
    await lease.check();
    // It was listed some time ago, and a list may have left it out.
    if ((await repository.store.stat(dumpManifestKey(keyPrefix, label))) !== undefined) continue;
    for (const key of keys) if (await deleteUnlessLocked(repository, key)) removed += 1;
  }
  return removed;
}

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { BlobIndex, readIndex, writeIndex } from '../../../src/repository/blob-index.ts';
import { indexPrefix } from '../../../src/repository/layout.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { SYSTEM, writePack } from '../../backup/small-backups.ts';

/** As many as no store looks at together, or gives in one page. */
const INDEXES = 40;

/** A repository with one blob in each of many indexes. */
async function fill(store: ObjectStore): Promise<Repository> {
  const repository = await makeMemoryRepository(false, store);
  for (let n = 0; n < INDEXES; n += 1) {
    const pack = await writePack(repository, [Buffer.from(`content ${n}`)]);
    await writeIndex(repository, SYSTEM, nameOf(n), [pack]);
  }
  return repository;
}

const nameOf = (n: number): string => `20261121T203001Z-f${String(n).padStart(15, '0')}`;

/** As a collection does: the successor is there before the old one goes. Its digits are random, and may well be sorted before. */
async function replaceLast(repository: Repository): Promise<void> {
  const key = indexPrefix(SYSTEM) + nameOf(INDEXES - 1);
  const packs = [];
  for await (const pack of readIndex(repository, key)) packs.push(pack);
  await writeIndex(repository, SYSTEM, `20261121T203001Z-${'0'.repeat(16)}`, packs);
  await repository.store.delete(key);
}

/** The repository, in which the last index is replaced once some keys were listed. */
function replacingWhileListed(repository: Repository): Repository {
  let isReplaced = false;
  const list: ObjectStore['list'] = async function* (prefix) {
    let listed = 0;
    for await (const object of repository.store.list(prefix)) {
      yield object;
      listed += 1;
      if (isReplaced || prefix !== indexPrefix(SYSTEM) || listed < 5) continue;
      isReplaced = true;
      await replaceLast(repository);
    }
  };
  return { ...repository, store: { ...passThrough(repository.store), list } };
}

test('an index that a collection replaces while indexes are listed is found in its successor', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-replaced-index-'));
  try {
    const repository = await fill(await createDiskStore(directory));
    const index = await BlobIndex.load(replacingWhileListed(repository), SYSTEM);
    expect(index.size).toBe(INDEXES);
    expect(index.damaged).toEqual(new Set());
  } finally {
    await rm(directory, { recursive: true });
  }
});
